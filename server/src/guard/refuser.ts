import type { ApiError } from '../api-codes.ts'
import type { Log } from '../core/log.ts'
import type { GuardPolicy } from './policy.ts'

/** Refuses where the policy enforces; where it observes, it only says so in the log. */
export const createRefuser =
  (log: Log) =>
  ({ mode }: GuardPolicy, error: ApiError): void => {
    if (mode === 'enforce') throw error
    if (mode === 'observe') log.info({ refusal: error.code, reason: error.reason }, 'guard would refuse')
  }
