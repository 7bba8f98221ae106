// Changing the number of an account: both numbers are proved, then a token makes the change.
//
// What must stay true: changing is binding a new authenticator (rule 14): the old number, or another factor of the last
// five minutes, or patience; the old number stays in force until the change; one wrong code does not burn the other;
// with the change, in one transaction, the other sessions end and the owner is told (rule 15).
import type { AccountPolicies } from '../account-policy/account-policy.ts'
import { ApiError } from '../api-codes.ts'
import type { Application } from '../applications/applications.ts'
import type { Audit } from '../audit/audit.ts'
import type { Clock } from '../core/clock.ts'
import type { Database, Queryable } from '../core/database.ts'
import type { Notices, Reach } from '../notices/notices.ts'
import type { Passcodes, Proof } from '../passcodes/passcodes.ts'
import type { E164 } from '../phone-numbers/phone-numbers.ts'
import type { Sessions } from '../sessions/sessions.ts'
import { type StepUp, stepUpTtlSeconds } from '../step-up/step-up.ts'
import type { AccessToken } from '../tokens/tokens.ts'
import type { UserRow, Users } from '../users/users.ts'
import { refuseTaken } from './bind.ts'
import type { Claims } from './claims.ts'
import type { DelayedChanges } from './delayed-change.ts'
import type { Replace } from './replace.ts'
import { provePhone } from './store.ts'

/** What a code for either number may have been asked for: the V3 API has no channel of its own for a change. */
const changePurposes = ['bind_phone', 'unbind_phone'] as const

export type ChangeProof = {
  user: AccessToken
  application: Application
  newPhone: E164
  newPasscode: string
  /** What the caller gives of the old number; both, or it proves nothing. */
  oldPhone: E164 | undefined
  oldPasscode: string | undefined
  /** The caller cannot read messages to the old number. */
  oldPhoneLost: boolean
  ip: string
  /** Of notices: BCP 47. */
  language: string
}

export type ChangeRequest = {
  user: AccessToken
  application: Application
  token: string
  ip: string
  language: string
}

/** What an update_phone token is for. */
type Proved = { oldPhone: E164; newPhone: E164; delayed: boolean }

type Deps = {
  db: Database
  users: Users
  sessions: Sessions
  passcodes: Passcodes
  stepUp: StepUp
  accountPolicy: AccountPolicies
  notices: Notices
  claims: Claims
  delayedChanges: DelayedChanges
  replace: Replace
  audit: Audit
  clock: Clock
}

export const createChange = (deps: Deps) => {
  const { db, users, sessions, passcodes, stepUp, accountPolicy, notices } = deps
  const { claims, delayedChanges, replace, audit, clock } = deps

  /** Whether the change has to wait. @throws ApiError old_phone_proof_required */
  const judgeOldProof = async (request: ChangeProof, current: E164): Promise<{ delayed: boolean }> => {
    const { user, oldPhone, oldPasscode } = request
    if (oldPhone !== undefined || oldPasscode !== undefined) {
      if (oldPhone === current && oldPasscode !== undefined) return { delayed: false }
      throw new ApiError('old_phone_proof_required', 'the old proof is incomplete or of another number')
    }
    const { verifyOldPhone } = await accountPolicy.of(user.poolId)
    if (!verifyOldPhone || (await sessions.hasFreshFactor(user))) return { delayed: false }
    if (request.oldPhoneLost) return { delayed: true }
    throw new ApiError('old_phone_proof_required', 'nothing proves the old number')
  }

  const proofsOf = (request: ChangeProof): [Proof, ...Proof[]] => {
    const { application, user, newPhone, newPasscode, oldPhone, oldPasscode } = request
    const proofOf = (recipient: E164, code: string, field: string) =>
      passcodes.proof({
        application,
        purpose: changePurposes,
        recipient,
        code,
        userId: user.userId,
        field: `phonePassCodePayload.${field}`,
      })
    const ofNew = proofOf(newPhone, newPasscode, 'newPhonePassCode')
    return oldPhone === undefined || oldPasscode === undefined
      ? [ofNew]
      : [ofNew, proofOf(oldPhone, oldPasscode, 'oldPhonePassCode')]
  }

  const applyNow = async (
    request: ChangeRequest,
    { held, oldPhone, newPhone, reach }: Proved & { held: UserRow; reach: Reach },
    tx: Queryable,
  ): Promise<void> => {
    const { user, application, ip, language } = request
    const { poolId, userId, sessionId } = user
    const applicationId = application.id
    const beforeFactor = await replace(
      { poolId, userId, from: oldPhone, to: newPhone, reason: 'changed', applicationId, ip },
      tx,
    )
    await sessions.endOthers({ poolId, userId, keptSessionId: sessionId, reason: 'phone_changed' }, tx)
    const detail = { ...audit.describePhone(newPhone), before: audit.describePhone(oldPhone) }
    await audit.record(poolId, { type: 'phone.changed', userId, applicationId, ip, detail }, tx)
    await notices.record(
      {
        poolId,
        applicationId,
        userId,
        kind: 'phone_changed',
        ip,
        language,
        before: oldPhone,
        beforeProvedAt: held.phone_proved_at?.toISOString(),
        beforeFactor,
        after: newPhone,
      },
      [oldPhone, held.email],
      reach,
      tx,
    )
  }

  return {
    /**
     * Proves what a change needs, and gives the token that makes it.
     * @throws ApiError token_invalid, user_disabled, phone_not_bound, phone_unchanged, old_phone_proof_required,
     *   request_invalid (a code), passcode_incorrect, passcode_expired, passcode_attempts_exceeded, phone_taken,
     *   phone_claim_started
     */
    verifyChange: async (request: ChangeProof): Promise<{ token: string; expiresInSeconds: number }> => {
      const { user, application, newPhone, ip, language } = request
      const { poolId, userId, sessionId } = user
      const known = await users.get(poolId, userId)
      const oldPhone = known?.phone ?? undefined
      if (oldPhone === undefined) throw new ApiError('phone_not_bound', 'there is no phone to change')
      if (newPhone === oldPhone) throw new ApiError('phone_unchanged', 'the new number is the current one')
      const { delayed } = await judgeOldProof(request, oldPhone)
      const proofs = proofsOf(request)
      const terms = await claims.terms(poolId, newPhone)
      const claim = {
        poolId,
        applicationId: application.id,
        phone: newPhone,
        claimantId: userId,
        ip,
        language,
      }

      const outcome = await db.transaction(async (tx) => {
        const verdict = await passcodes.verifyAll(proofs, tx)
        if (verdict.outcome !== 'accepted') return { verdict }
        const claimed = await claims.claim(claim, terms, tx)
        if (claimed.state !== 'free') return { claimed }
        const held = await users.hold(user, tx)
        if (held.phone !== oldPhone)
          throw new ApiError('old_phone_proof_required', 'the phone was changed at the same instant')
        // Its code has come back, which is what tells later on that the old number was not stale.
        if (proofs.length > 1) await provePhone(tx, { poolId, userId, now: clock.now() })
        const proved: Proved = { oldPhone, newPhone, delayed }
        return { token: await stepUp.issue({ poolId, kind: 'update_phone', userId, sessionId }, proved, tx) }
      })

      // Refused outside of the transaction, so that a counted attempt is not rolled back.
      if (outcome.verdict !== undefined) passcodes.requireAccepted(outcome.verdict)
      if (outcome.claimed !== undefined) claims.requireFree(outcome.claimed)
      if (outcome.token === undefined) throw new Error('a change was neither proved nor refused')
      return { token: outcome.token, expiresInSeconds: stepUpTtlSeconds.update_phone }
    },

    /**
     * Makes the change that a token is for, or puts it down for later.
     * @returns when it takes effect, if later
     * @throws ApiError token_invalid, user_disabled, step_up_token_invalid, phone_taken
     */
    change: async (request: ChangeRequest): Promise<{ effectiveAt: Date | undefined }> => {
      const { user, application, token, ip, language } = request
      const { poolId, userId, sessionId } = user
      const known = await users.get(poolId, userId)
      const { phoneChangeDelayHours: delayHours } = await accountPolicy.of(poolId)
      const reach = await notices.reach(poolId, [known?.phone])
      const work = async (tx: Queryable): Promise<Date | undefined> => {
        const subject = { poolId, kind: 'update_phone' as const, userId, sessionId }
        const { detail } = await stepUp.consume<Proved>(subject, token, tx)
        const held = await users.hold(user, tx)
        if (held.phone !== detail.oldPhone)
          throw new ApiError('step_up_token_invalid', 'the phone is not the one any more that was proved')
        if (!detail.delayed) {
          await applyNow(request, { ...detail, held, reach }, tx)
          return undefined
        }
        const { newPhone } = detail
        const applicationId = application.id
        return delayedChanges.request(
          { user, held, newPhone, applicationId, ip, language, delayHours, reach },
          tx,
        )
      }
      return { effectiveAt: await db.transaction(work).catch(refuseTaken) }
    },
  }
}
