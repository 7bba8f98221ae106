// Faults of several fields, told together: who sends a whole list wants to mend it in one go.
import { ApiError, type FieldFault } from '../api-codes.ts'

/** The refusal of several fields. */
export const fieldsInvalid = (errors: readonly FieldFault[]): ApiError =>
  new ApiError('request_invalid', errors.map(({ field }) => field).join(', '), { errors })

const pathOf = (prefix: string, field: string): string => [prefix, field].filter(Boolean).join('.')

export const gatherFaults = () => {
  const faults: FieldFault[] = []
  return {
    faults,

    /** Does the work and keeps what it refuses by field, below `prefix`. @throws whatever else goes wrong */
    below: async <Result>(
      prefix: string,
      work: () => Result | Promise<Result>,
    ): Promise<Result | undefined> => {
      try {
        return await work()
      } catch (error) {
        if (!(error instanceof ApiError) || error.detail.errors === undefined) throw error
        const { errors } = error.detail
        faults.push(...errors.map(({ field, message }) => ({ field: pathOf(prefix, field), message })))
        return undefined
      }
    },

    /** @throws ApiError request_invalid naming every field that was refused */
    refuse: (): void => {
      if (faults.length > 0) throw fieldsInvalid(faults)
    },
  }
}
