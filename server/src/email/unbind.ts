import { ApiError } from '../api-codes.ts'
import type { Queryable } from '../core/database.ts'
import type { VerdictRow } from '../passcodes/passcodes.ts'
import { type Caller, type EmailDeps, recordChange, requireDone, requireUser } from './changed.ts'
import { deleteEmailFactor, setEmail } from './store.ts'

export type Unbind = { caller: Caller; passcode: string }

export const createUnbind = (deps: EmailDeps) => {
  const { db, users, passcodes, notices, clock } = deps

  const isLastWay = async ({ user }: Caller, tx?: Queryable): Promise<boolean> => {
    const { email: _email, ...others } = await users.signInWays(user.poolId, user.userId, tx)
    return !Object.values(others).some(Boolean)
  }

  /**
   * Takes the address off the account, by a code that was sent there.
   * @throws ApiError token_invalid, user_disabled, email_not_bound, last_sign_in_method, request_invalid (passCode),
   *   passcode_incorrect, passcode_expired, passcode_attempts_exceeded, sms_limit_reached
   */
  return async ({ caller, passcode }: Unbind): Promise<void> => {
    const { user, application } = caller
    const { poolId, userId } = user
    const { email, phone } = await requireUser(deps, caller)
    if (email === null) throw notBound()
    if (await isLastWay(caller)) throw lastWay()
    const code = { application, recipient: email, code: passcode, userId }
    const proof = passcodes.proof({ ...code, purpose: 'unbind_email' })
    const changed = { poolId, userId, by: 'session' } as const
    await notices.requireChangesLeft(changed)
    const reach = await notices.reach(poolId, [phone])

    const outcome = await db.transaction(async (tx): Promise<VerdictRow | ApiError> => {
      const verdict = await passcodes.verify(proof, tx)
      if (verdict.outcome !== 'accepted') return verdict
      const held = await users.hold(user, tx)
      if (held.email !== email) return notBound()
      if (await isLastWay(caller, tx)) return lastWay()
      const spent = await notices.takeChange(changed, tx)
      if (spent !== undefined) return spent
      await setEmail(tx, { poolId, userId, email: null, verified: false, now: clock.now() })
      const beforeFactor = await deleteEmailFactor(tx, { poolId, userId, email })
      await passcodes.discard({ poolId, userId, recipient: email }, tx)
      // Its code has just come back.
      const known = { before: email, beforeVerified: true, beforeFactor }
      const change = { ...known, after: null, phone: held.phone }
      await recordChange(
        deps,
        { caller, change: { event: 'email.unbound', notice: 'email_unbound', ...change }, reach },
        tx,
      )
      return verdict
    })
    requireDone(passcodes, outcome)
  }
}

const notBound = () => new ApiError('email_not_bound', 'there is no address to unbind')
const lastWay = () => new ApiError('last_sign_in_method', 'nothing else to sign in with')
