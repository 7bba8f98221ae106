// What is wrong with a value that did not come through a route, in the words that a route's refusal uses.
import type { TSchema } from 'typebox'
import { Errors } from 'typebox/value'

/** Each field that does not fit the schema, with its path behind `prefix`, and what it should be. */
export const schemaFaults = (
  schema: TSchema,
  value: unknown,
  prefix = '',
): { field: string; message: string }[] =>
  Errors(schema, value).flatMap((fault) => {
    const path = [prefix, ...fault.instancePath.split('/').slice(1)].filter(Boolean)
    const at = (name: string) => [...path, name].join('.')
    const params = fault.params as Record<string, unknown>
    switch (fault.keyword) {
      case 'required':
        return namesIn(params['requiredProperties']).map((name) => ({
          field: at(name),
          message: 'is required',
        }))
      case 'additionalProperties':
        return namesIn(params['additionalProperties']).map((name) => ({
          field: at(name),
          message: 'is not known here',
        }))
      // The same fault once more, from inside of the one above.
      case 'boolean':
        return []
      case 'enum':
        return [
          {
            field: path.join('.'),
            message: `must be one of: ${namesIn(params['allowedValues']).join(', ')}`,
          },
        ]
      default:
        return [{ field: path.join('.'), message: fault.message }]
    }
  })

const namesIn = (value: unknown): string[] => (Array.isArray(value) ? value.map(String) : [])
