// Changing an address takes two calls: the first proves the new one, and the old one where the pool asks for it; the
// second spends the token that the first gave.
import { ApiError } from '../api-codes.ts'
import type { VerdictRow } from '../passcodes/passcodes.ts'
import { stepUpTtlSeconds } from '../step-up/step-up.ts'
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
import { isEmailTaken, moveEmailFactor, setEmail } from './store.ts'

export type ChangeRequest = {
  caller: Caller
  email: string
  passcode: string
  /** Without an address, the code is that of the current one. */
  old: { email?: string | undefined; passcode?: string | undefined }
}

/** What proved the address of before. `unproved`: nothing, and nobody had ever proved it. */
type OldProof = 'code' | 'unproved' | 'not_needed'

/** What the token is for. */
type Proved = { before: string; after: string; oldProof: OldProof }

/**
 * A code of any of these proves either address: the V3 API names none for the two legs. Each is bound to its
 * recipient, so that no code of one address proves the other.
 */
const purposes = ['change_email', 'bind_email', 'unbind_email'] as const

export const createChange = (deps: EmailDeps) => {
  const { db, users, passcodes, sessions, factors, stepUp, notices, accountPolicy, clock } = deps

  /**
   * An address that nobody ever proved may be mistyped, and then no code comes back from there: who has signed in just
   * now corrects it. @throws ApiError old_email_proof_required
   */
  const judgeOldProof = async ({ caller, old }: ChangeRequest, row: UserRow): Promise<OldProof> => {
    const { user } = caller
    if (old.passcode !== undefined) {
      if (old.email === undefined || old.email === row.email) return 'code'
      throw new ApiError('old_email_proof_required', 'of another address')
    }
    const { verifyOldEmail } = await accountPolicy.of(user.poolId)
    if (!verifyOldEmail || (await sessions.hasFreshFactor(user, { besides: 'email' }))) return 'not_needed'
    if (!row.email_verified && (await factors.isFresh(user))) return 'unproved'
    throw new ApiError('old_email_proof_required', 'none')
  }

  const proofsOf = (given: ChangeRequest, current: string) => {
    const { caller, email, passcode, old } = given
    const common = { application: caller.application, userId: caller.user.userId, purpose: purposes }
    const field = (name: string) => `emailPassCodePayload.${name}`
    const newProof = passcodes.proof({
      ...common,
      recipient: email,
      code: passcode,
      field: field('newEmailPassCode'),
    })
    if (old.passcode === undefined) return [newProof] as const
    const oldProof = { recipient: current, code: old.passcode, field: field('oldEmailPassCode') }
    return [newProof, passcodes.proof({ ...common, ...oldProof })] as const
  }

  return {
    /**
     * Proves what the change needs. The token works once, within `tokenExpiresIn` seconds, in this session.
     * @throws ApiError token_invalid, email_not_bound, email_unchanged, old_email_proof_required, email_taken,
     *   request_invalid (the codes), passcode_incorrect, passcode_expired, passcode_attempts_exceeded
     */
    requestChange: async (given: ChangeRequest): Promise<{ token: string; tokenExpiresIn: number }> => {
      const { caller, email } = given
      const { poolId, userId, sessionId } = caller.user
      const row = await requireUser(deps, caller)
      const { email: current } = row
      if (current === null) throw notBound()
      if (current === email) throw new ApiError('email_unchanged', 'the new address is the current one')
      const oldProof = await judgeOldProof(given, row)
      const proofs = proofsOf(given, current)

      const outcome = await db.transaction(async (tx): Promise<VerdictRow | ApiError | { token: string }> => {
        const verdict = await passcodes.verifyAll(proofs, tx)
        if (verdict.outcome !== 'accepted') return verdict
        if (await isEmailTaken(tx, { poolId, userId, email })) return emailTaken()
        const proved: Proved = { before: current, after: email, oldProof }
        return { token: await stepUp.issue({ poolId, kind: 'update_email', userId, sessionId }, proved, tx) }
      })
      if ('token' in outcome) return { token: outcome.token, tokenExpiresIn: stepUpTtlSeconds.update_email }
      requireDone(passcodes, outcome)
      throw new Error('accepted without a token')
    },

    /** @throws ApiError token_invalid, user_disabled, step_up_token_invalid, email_taken, sms_limit_reached */
    change: async (given: { caller: Caller; token: string }): Promise<void> => {
      const { caller, token } = given
      const { user } = caller
      const { poolId, userId, sessionId } = user
      const seen = await requireUser(deps, caller)
      const changed = { poolId, userId, by: 'session' } as const
      await notices.requireChangesLeft(changed)
      const reach = await notices.reach(poolId, [seen.phone])
      await db
        .transaction(async (tx) => {
          const subject = { poolId, kind: 'update_email', userId, sessionId } as const
          const { detail } = await stepUp.consume<Proved>(subject, token, tx)
          const { before, after, oldProof } = detail
          const held = await users.hold(user, tx)
          if (held.email !== before)
            throw new ApiError('step_up_token_invalid', 'the address is another one since')
          if (oldProof === 'unproved' && held.email_verified)
            throw new ApiError(
              'step_up_token_invalid',
              'the address was proved since, and not for this change',
            )
          const spent = await notices.takeChange(changed, tx)
          if (spent !== undefined) throw spent
          await setEmail(tx, { poolId, userId, email: after, verified: true, now: clock.now() })
          const beforeFactor = await moveEmailFactor(tx, { poolId, userId, from: before, to: after })
          await passcodes.discard({ poolId, userId, recipient: before }, tx)
          const beforeVerified = held.email_verified || oldProof === 'code'
          const change = { before, beforeVerified, beforeFactor, after, phone: held.phone }
          await recordChange(
            deps,
            { caller, change: { event: 'email.changed', notice: 'email_changed', ...change }, reach },
            tx,
          )
        })
        .catch(refuseTaken)
    },
  }
}

const notBound = () => new ApiError('email_not_bound', 'there is no address to change')
