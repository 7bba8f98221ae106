// Binding: the first number of an account, or the same number proved again after a long time.
//
// What must stay true: the fast path is one statement (rules 5 and 13); only who has proved control of a number learns
// that it is bound elsewhere (rule 10); of several users with the same number pending, the first to prove it wins
// (rule 17); a wrong code never touches the session (rule 9).
import type { AccountPolicies } from '../account-policy/account-policy.ts'
import { ApiError } from '../api-codes.ts'
import type { Application } from '../applications/applications.ts'
import type { Audit } from '../audit/audit.ts'
import type { Clock } from '../core/clock.ts'
import { newId } from '../core/crypto.ts'
import { type Database, type Queryable, violatedUniqueIndex } from '../core/database.ts'
import type { Notices, Reach } from '../notices/notices.ts'
import type { Passcodes, Proof } from '../passcodes/passcodes.ts'
import type { E164 } from '../phone-numbers/phone-numbers.ts'
import type { Sessions } from '../sessions/sessions.ts'
import type { AccessToken } from '../tokens/tokens.ts'
import { isPhoneStale, type Users } from '../users/users.ts'
import type { Claims } from './claims.ts'
import type { Replace } from './replace.ts'
import { bindPhone, provePhone } from './store.ts'

export type BindRequest = {
  user: AccessToken
  application: Application
  phone: E164
  passcode: string
  ip: string
  /** Of the notice: BCP 47. */
  language: string
}

type Deps = {
  db: Database
  users: Users
  sessions: Sessions
  passcodes: Passcodes
  accountPolicy: AccountPolicies
  notices: Notices
  claims: Claims
  replace: Replace
  audit: Audit
  clock: Clock
}

export const createBind = (deps: Deps) => {
  const { db, users, sessions, passcodes, accountPolicy, notices, claims, replace, audit, clock } = deps

  const eventOf = ({ user, application, phone, ip }: BindRequest, type: 'phone.bound' | 'phone.proved') => ({
    type,
    userId: user.userId,
    applicationId: application.id,
    ip,
    detail: audit.describePhone(phone),
  })

  const noticeOf = ({ user, application, phone, ip, language }: BindRequest) => ({
    poolId: user.poolId,
    applicationId: application.id,
    userId: user.userId,
    kind: 'phone_bound' as const,
    ip,
    language,
    after: phone,
  })

  /** The user has this number already: a stale one may be proved again. */
  const proveAgain = async (request: BindRequest, proof: Proof): Promise<void> => {
    const { poolId, userId } = request.user
    const policy = await accountPolicy.of(poolId)
    const known = await users.get(poolId, userId)
    if (known?.phone !== request.phone || !isPhoneStale(known, policy, clock.now()))
      throw new ApiError('phone_already_bound', 'the user has this phone, and proved it of late')
    const verdict = await db.transaction(async (tx) => {
      const row = await passcodes.verify(proof, tx)
      if (row.outcome !== 'accepted') return row
      const held = await users.hold(request.user, tx)
      if (held.phone !== request.phone)
        throw new ApiError('phone_already_bound', 'the user got another phone at the same instant')
      await provePhone(tx, { poolId, userId, now: clock.now() })
      await audit.record(poolId, eventOf(request, 'phone.proved'), tx)
      return row
    })
    passcodes.requireAccepted(verdict)
  }

  const bindClaimed = async (request: BindRequest, reach: Reach, tx: Queryable): Promise<void> => {
    const { user, application, phone, ip } = request
    const { poolId, userId, sessionId } = user
    const held = await users.hold(user, tx)
    if (held.phone !== null)
      throw new ApiError('phone_already_bound', 'the user got a phone at the same instant')
    await replace(
      { poolId, userId, from: null, to: phone, reason: 'changed', applicationId: application.id, ip },
      tx,
    )
    await sessions.endOthers({ poolId, userId, keptSessionId: sessionId, reason: 'phone_bound' }, tx)
    await audit.record(poolId, eventOf(request, 'phone.bound'), tx)
    await notices.record(noticeOf(request), [held.email], reach, tx)
  }

  /** The code was right and is spent, and somebody has the number: it is bound all the same where a claim is ripe. */
  const claimAndBind = async (request: BindRequest): Promise<void> => {
    const { user, application, phone, ip, language } = request
    const { poolId, userId } = user
    const terms = await claims.terms(poolId, phone)
    const claim = { poolId, applicationId: application.id, phone, claimantId: userId, ip, language }
    const outcome = await db.transaction(async (tx) => {
      const claimed = await claims.claim(claim, terms, tx)
      if (claimed.state === 'free') await bindClaimed(request, terms.reach, tx)
      return claimed
    })
    claims.requireFree(outcome)
  }

  return {
    /**
     * Binds a proved number to the account of a user who has none; or proves the user's own stale number again.
     * @throws ApiError token_invalid, user_disabled, phone_already_bound, phone_taken, phone_claim_started,
     *   request_invalid (passCode), passcode_incorrect, passcode_expired, passcode_attempts_exceeded
     */
    bind: async (request: BindRequest): Promise<void> => {
      const { user, application, phone, passcode, ip } = request
      const { poolId, userId } = user
      const proof = passcodes.proof({
        application,
        purpose: 'bind_phone',
        recipient: phone,
        code: passcode,
        userId,
      })
      const event = eventOf(request, 'phone.bound')
      const reach = await notices.reach(poolId)
      const row = await bindPhone(db, {
        token: user,
        phone,
        proof,
        bindingId: newId(clock),
        history: audit.describePhone(phone),
        applicationId: application.id,
        ip,
        recordFrom: (source) => audit.recordFrom(source, poolId, event),
        tellFrom: (source) => notices.recordFrom(source, noticeOf(request), reach),
      }).catch(refuseTaken)

      if (row.status === null) throw new ApiError('token_invalid', 'the session has ended')
      if (row.status !== 'Activated') throw new ApiError('user_disabled', `the user is ${row.status}`)
      if (row.is_same) return proveAgain(request, proof)
      if (row.has_phone) throw new ApiError('phone_already_bound', 'the user has a phone')
      passcodes.requireAccepted(row)
      if (row.taken) return claimAndBind(request).catch(refuseTaken)
      if (!row.bound) throw new ApiError('phone_already_bound', 'the user got a phone at the same instant')
    },
  }
}

export const refuseTaken = (error: unknown): never => {
  if (violatedUniqueIndex(error) !== 'users_phone_key') throw error
  throw new ApiError('phone_taken', 'another user proved the number at the same instant')
}
