// The phone of the signed-in user's account: binding it. The heart of this project.
//
// What must stay true: one number, one account, per pool (rule 13); only who has proved control of a number learns
// that it is bound elsewhere (rule 10); of several users with the same number pending, the first to prove it wins
// (rule 17); every binding stays in the history (rule 18); a wrong code never touches the session (rule 9).
import { ApiError } from '../api-codes.ts'
import type { Application } from '../applications/applications.ts'
import type { Audit } from '../audit/audit.ts'
import type { Clock } from '../core/clock.ts'
import { newId } from '../core/crypto.ts'
import { type Database, violatedUniqueIndex } from '../core/database.ts'
import type { Passcodes } from '../passcodes/passcodes.ts'
import type { E164 } from '../phone-numbers/phone-numbers.ts'
import type { AccessToken } from '../tokens/tokens.ts'
import { bindPhone } from './store.ts'

export type BindRequest = {
  user: AccessToken
  application: Application
  phone: E164
  passcode: string
  ip: string
}

type Deps = { db: Database; passcodes: Passcodes; audit: Audit; clock: Clock }

export const createPhone = ({ db, passcodes, audit, clock }: Deps) => ({
  /**
   * Binds a proved number to the account of a user who has none.
   * @throws ApiError token_invalid, user_disabled, phone_already_bound, phone_taken, request_invalid (passCode),
   *   passcode_incorrect, passcode_expired, passcode_attempts_exceeded
   */
  bind: async ({ user, application, phone, passcode, ip }: BindRequest): Promise<void> => {
    const { userId } = user
    const proof = passcodes.proof({
      application,
      purpose: 'bind_phone',
      recipient: phone,
      code: passcode,
      userId,
    })
    const event = {
      type: 'phone.bound' as const,
      userId,
      applicationId: application.id,
      ip,
      detail: audit.describePhone(phone),
    }
    const row = await bindPhone(db, {
      token: user,
      phone,
      proof,
      bindingId: newId(clock),
      applicationId: application.id,
      ip,
      recordFrom: (source) => audit.recordFrom(source, user.poolId, event),
    }).catch((error: unknown) => {
      if (violatedUniqueIndex(error) !== 'users_phone_key') throw error
      throw new ApiError('phone_taken', 'another user proved the number at the same instant')
    })

    if (row.status === null) throw new ApiError('token_invalid', 'the session has ended')
    if (row.status !== 'Activated') throw new ApiError('user_disabled', `the user is ${row.status}`)
    if (row.has_phone) throw new ApiError('phone_already_bound', 'the user has a phone')
    passcodes.requireAccepted(row)
    if (row.taken) throw new ApiError('phone_taken', 'the number is another user’s')
    if (!row.bound) throw new ApiError('phone_already_bound', 'the user got a phone at the same instant')
  },
})

export type Phone = ReturnType<typeof createPhone>
