// Claims: operators give a number to a new person while an account that nobody uses still has it. Who proves such a
// number starts a claim; its owner is told and has time to object; then the number is free for who proves it again.
//
// What must stay true: the number of an account that is used stays where it is; a claim is told only to who has proved
// control of the number (rule 10), and to its owner wherever that is possible; an owner who objects, signs in or proves the number keeps it; the account itself,
// with all else that is in it, is never given away.
import type { AccountPolicies, AccountPolicy } from '../account-policy/account-policy.ts'
import { type ApiCodeName, ApiError } from '../api-codes.ts'
import type { Audit } from '../audit/audit.ts'
import { type Clock, secondsAfter, secondsUntil } from '../core/clock.ts'
import type { Database, Queryable } from '../core/database.ts'
import type { Notices, Reach } from '../notices/notices.ts'
import { type E164, isPhone } from '../phone-numbers/phone-numbers.ts'
import type { Sessions } from '../sessions/sessions.ts'
import { isDormant } from '../users/users.ts'
import type { Replace } from './replace.ts'
import {
  deleteOldClaims,
  holdOwner,
  type OwnerRow,
  selectClaim,
  selectFactorRecipients,
  stopClaims,
  takeRipeClaim,
  upsertClaim,
} from './waiting-store.ts'

/** A ripe claim waits so long for the number to be proved again, and an objection holds so long. */
const ripeDays = 14

/** An owner whom nobody can tell has so many times as long to sign in or to prove the number. */
const untoldFactor = 10

/** What a claim is judged by; read before the transaction. */
export type ClaimTerms = { policy: AccountPolicy; reach: Reach }

export type Claim = {
  poolId: string
  applicationId: string
  /** Just proved by a code. */
  phone: E164
  /** Who proved it, where somebody is signed in. */
  claimantId?: string | undefined
  ip: string
  /** Of the notice: BCP 47. */
  language: string
}

/** `free`: nobody has the number now. */
export type ClaimOutcome = { state: 'free' } | { state: 'taken' } | { state: 'claim_started'; ripeAt: Date }

type Deps = {
  db: Database
  accountPolicy: AccountPolicies
  notices: Notices
  sessions: Sessions
  replace: Replace
  audit: Audit
  clock: Clock
}

export const createClaims = (deps: Deps) => {
  const { db, accountPolicy, notices, sessions, replace, audit, clock } = deps

  const factorRecipients = (poolId: string, phone: E164, policy: AccountPolicy, tx: Queryable = db) => {
    const provedBefore = secondsAfter(clock.now(), -policy.phoneProofDays * 86_400)
    return selectFactorRecipients(tx, { poolId, phone, provedBefore })
  }

  const start = async (
    owner: OwnerRow,
    claim: Claim,
    { policy, reach }: ClaimTerms,
    tx: Queryable,
  ): Promise<Date> => {
    const { poolId, applicationId, phone, ip, language } = claim
    const startedAt = clock.now()
    const ownerTold = await notices.record(
      { poolId, applicationId, userId: owner.id, kind: 'phone_claim_started', ip, language, before: phone },
      [owner.email, ...(await factorRecipients(poolId, phone, policy, tx))],
      reach,
      tx,
    )
    const hours = policy.phoneClaimHours * (ownerTold ? 1 : untoldFactor)
    const ripeAt = secondsAfter(startedAt, hours * 3600)
    const { phoneFingerprint } = audit.describePhone(phone)
    const expiresAt = secondsAfter(ripeAt, ripeDays * 86_400)
    await upsertClaim(tx, {
      poolId,
      phoneFingerprint,
      ownerId: owner.id,
      applicationId,
      ip,
      startedAt,
      ripeAt,
      expiresAt,
    })
    await record('phone.claim_started', owner, { ...claim, ownerTold }, tx)
    return ripeAt
  }

  const free = async (
    owner: OwnerRow,
    claim: Claim,
    { policy, reach }: ClaimTerms,
    tx: Queryable,
  ): Promise<void> => {
    const { poolId, applicationId, phone, ip, language } = claim
    const userId = owner.id
    const told = [owner.email, ...(await factorRecipients(poolId, phone, policy, tx))]
    await replace({ poolId, userId, from: phone, to: null, reason: 'claimed', applicationId, ip }, tx)
    await sessions.endOthers({ poolId, userId, reason: 'phone_claimed' }, tx)
    const ownerTold = await notices.record(
      { poolId, applicationId, userId, kind: 'phone_claimed', ip, language, before: phone },
      told,
      reach,
      tx,
    )
    await record('phone.claimed', owner, { ...claim, ownerTold }, tx)
  }

  const record = (
    type: 'phone.claim_started' | 'phone.claimed',
    owner: OwnerRow,
    { poolId, applicationId, ip, phone, ownerTold }: Claim & { ownerTold: boolean },
    tx: Queryable,
  ) => {
    const detail = { ...audit.describePhone(phone), ownerTold }
    return audit.record(poolId, { type, userId: owner.id, applicationId, ip, detail }, tx)
  }

  return {
    terms: async (poolId: string, phone: E164): Promise<ClaimTerms> => {
      const policy = await accountPolicy.of(poolId)
      const recipients = await factorRecipients(poolId, phone, policy)
      return { policy, reach: await notices.reach(poolId, recipients.filter(isPhone)) }
    },

    /**
     * Whether a number that was just proved is free, in the caller's transaction, which must commit whatever the
     * outcome. After the passcodes are verified, because it holds the owner and the claimant.
     */
    claim: async (claim: Claim, terms: ClaimTerms, tx: Queryable): Promise<ClaimOutcome> => {
      const { poolId, phone, claimantId } = claim
      const now = clock.now()
      const owner = await holdOwner(tx, { poolId, phone, claimantId })
      if (owner === undefined) return { state: 'free' }
      if (!isDormant(owner, terms.policy, now)) return { state: 'taken' }

      const { phoneFingerprint } = audit.describePhone(phone)
      const live = await selectClaim(tx, { poolId, phoneFingerprint, ownerId: owner.id, now })
      if (live === undefined) return { state: 'claim_started', ripeAt: await start(owner, claim, terms, tx) }
      if (live.stopped_at !== null) return { state: 'taken' }
      if (live.ripe_at > now) return { state: 'claim_started', ripeAt: live.ripe_at }
      if (!(await takeRipeClaim(tx, { poolId, phoneFingerprint, now }))) return { state: 'taken' }
      await free(owner, claim, terms, tx)
      return { state: 'free' }
    },

    /** Outside of the transaction. @throws ApiError phone_claim_started; phone_taken, or what is given in its place */
    requireFree: (outcome: ClaimOutcome, taken: ApiCodeName = 'phone_taken'): void => {
      if (outcome.state === 'taken') throw new ApiError(taken, 'the number is another user’s')
      if (outcome.state !== 'claim_started') return
      throw new ApiError('phone_claim_started', 'the number is that of a dormant account', {
        retryAfterSeconds: secondsUntil(clock.now(), outcome.ripeAt),
      })
    },

    /** The owner objects, in the caller's transaction: the number stays until the claim expires. @returns whether there was a claim */
    stopClaim: async (poolId: string, ownerId: string, tx: Queryable): Promise<boolean> => {
      const stopped = await stopClaims(tx, { poolId, ownerId, now: clock.now() })
      if (stopped) await audit.record(poolId, { type: 'phone.claim_stopped', userId: ownerId }, tx)
      return stopped
    },

    deleteOldClaims: async (): Promise<void> => {
      await deleteOldClaims(db, clock.now())
    },
  }
}

export type Claims = ReturnType<typeof createClaims>
