import type { ApiCodeName, ApiError } from '../api-codes.ts'
import type { Log } from '../core/log.ts'
import type { GuardPolicy } from './policy.ts'

/**
 * Refuses where the policy enforces. Where it observes, it says so in the log and gives the refusal's name, which is to
 * stand on the message.
 */
export const createRefuser =
  (log: Log) =>
  ({ mode }: GuardPolicy, error: ApiError): ApiCodeName | undefined => {
    if (mode === 'enforce') throw error
    if (mode === 'off') return undefined
    log.info({ refusal: error.code, reason: error.reason }, 'guard would refuse')
    return error.code
  }
