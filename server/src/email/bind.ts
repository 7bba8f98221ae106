import { ApiError } from '../api-codes.ts'
import type { Queryable } from '../core/database.ts'
import type { VerdictRow } from '../passcodes/passcodes.ts'
import type { UserRow } from '../users/users.ts'
import {
  type Caller,
  type EmailDeps,
  emailTaken,
  recordChange,
  refuseTaken,
  requireDone,
  requireUser,
} from './changed.ts'
import { isEmailTaken, setEmail } from './store.ts'

export type Bind = { caller: Caller; email: string; passcode: string }

export const createBind = (deps: EmailDeps) => {
  const { db, users, passcodes, notices, audit, clock } = deps

  /** The own address that a password sign-up only claimed is not changed by its code, but verified. */
  const verifyOwn = async ({ caller, email }: Bind, tx: Queryable): Promise<void> => {
    const { user, application, ip } = caller
    const detail = audit.describeEmail(email)
    const event = { userId: user.userId, applicationId: application.id, ip, detail }
    await audit.record(user.poolId, { type: 'email.verified', ...event }, tx)
  }

  /**
   * Binds a proved address to the account of a user who has none, or verifies the own one.
   * @throws ApiError token_invalid, user_disabled, email_already_bound, email_taken, request_invalid (passCode),
   *   passcode_incorrect, passcode_expired, passcode_attempts_exceeded, sms_limit_reached
   */
  return async (given: Bind): Promise<void> => {
    const { caller, email, passcode } = given
    const { user, application } = caller
    const { poolId, userId } = user
    const code = { application, recipient: email, code: passcode, userId }
    const proof = passcodes.proof({ ...code, purpose: 'bind_email' })
    const changed = { poolId, userId, by: 'session' } as const
    const seen = await requireUser(deps, caller)
    if (!takesEmail(seen, email)) throw alreadyBound()
    // Verifying the own one changes nothing that anybody is told of.
    if (seen.email !== email) await notices.requireChangesLeft(changed)
    const reach = await notices.reach(poolId, [seen.phone])

    const outcome = await db
      .transaction(async (tx): Promise<VerdictRow | ApiError> => {
        const verdict = await passcodes.verify(proof, tx)
        if (verdict.outcome !== 'accepted') return verdict
        const held = await users.hold(user, tx)
        if (!takesEmail(held, email)) return alreadyBound()
        if (await isEmailTaken(tx, { poolId, userId, email })) return emailTaken()
        const spent = await notices.takeChange(changed, tx)
        if (spent !== undefined) return spent
        await setEmail(tx, { poolId, userId, email, verified: true, now: clock.now() })
        if (held.email === email) {
          await verifyOwn(given, tx)
          return verdict
        }
        const change = { before: null, after: email, phone: held.phone }
        await recordChange(
          deps,
          { caller, change: { event: 'email.bound', notice: 'email_bound', ...change }, reach },
          tx,
        )
        return verdict
      })
      .catch(refuseTaken)
    requireDone(passcodes, outcome)
  }
}

const takesEmail = (user: UserRow, email: string): boolean =>
  user.email === null || (user.email === email && !user.email_verified)

const alreadyBound = () => new ApiError('email_already_bound', 'the user has an address')
