// Sessions: one signed-in browser or device of a user. Every access, id and refresh token belongs to one.
//
// What must stay true: a token of an ended session is refused at once, not at its expiry (rule 25); a refresh token
// works once, and one that comes back after its rotation ends the session with all its tokens (rule 26); only the
// hash of a refresh token is stored (rule 28).
import { ApiError } from '../api-codes.ts'
import type { Application } from '../applications/applications.ts'
import type { Audit } from '../audit/audit.ts'
import { type Clock, secondsAfter } from '../core/clock.ts'
import { newId, randomToken, sha256 } from '../core/crypto.ts'
import type { Database, Queryable } from '../core/database.ts'
import {
  deleteOldSessions,
  endSession,
  endSessions,
  insertRefreshToken,
  insertSession,
  recordFactorProof,
  rotateRefreshToken,
  selectEnd,
  selectLiveSession,
  selectSessionOfRefreshToken,
  selectSessionProof,
  type TokenSubject,
} from './store.ts'

export { createDevices } from './devices.ts'
export { endSessionsFrom, liveSession, type TokenSubject } from './store.ts'

/** A factor beside the one that is in question counts so long after its proof (NIST SP 800-63B-4, 4.1.2). */
const factorProofSeconds = 300

/**
 * A phone or an address that was bound later than the account was made vouches for the other one only after so long:
 * whoever took over a session could bind their own, sign in with it, and change the rest. It is as long as the owner can
 * undo the binding.
 */
export const settledSeconds = 7 * 86_400

/** Why a session ended that did so by itself. Every other reason is a change of the account, or somebody else's doing. */
const ownEnds: readonly string[] = ['revoked', 'signed_out']

/** What proves another factor than the one in question: the way to sign in, and the factor that is the same. */
const otherFactors = {
  phone: { method: 'email_passcode', boundAt: 'email_bound_at', same: 'SMS' },
  email: { method: 'phone_passcode', boundAt: 'phone_bound_at', same: 'EMAIL' },
} as const

export type SessionStart = {
  application: Application
  userId: string
  /** Granted scopes, parted by spaces. */
  scope: string
  /** How the user signed in: `password`, `phone_passcode`, `email_passcode`, `passkey`. */
  method: string
  ip: string | undefined
  userAgent: string | undefined
}

export type StartedSession = {
  sessionId: string
  userId: string
  scope: string
  refreshToken: string | undefined
}

export const hasScope = (scope: string, name: string): boolean => scope.split(' ').includes(name)

export const createSessions = ({ db, audit, clock }: { db: Database; audit: Audit; clock: Clock }) => ({
  start: async (start: SessionStart, tx: Queryable = db): Promise<StartedSession> => {
    const { application, userId, scope, method, ip, userAgent } = start
    const now = clock.now()
    const refreshable = hasScope(scope, 'offline_access')
    const ttlSeconds = refreshable ? application.refreshTokenTtlSeconds : application.accessTokenTtlSeconds
    const expiresAt = secondsAfter(now, ttlSeconds)
    const id = newId(clock)
    const { poolId, id: applicationId } = application
    await insertSession(tx, {
      poolId,
      id,
      userId,
      applicationId,
      scope,
      method,
      ip,
      userAgent: userAgent?.slice(0, 400),
      createdAt: now,
      expiresAt,
    })
    await audit.record(poolId, { type: 'session.started', userId, applicationId, ip, detail: { method } }, tx)
    if (!refreshable) return { sessionId: id, userId, scope, refreshToken: undefined }

    const refreshToken = randomToken()
    await insertRefreshToken(tx, {
      poolId,
      hash: sha256(refreshToken),
      sessionId: id,
      issuedAt: now,
      expiresAt,
    })
    return { sessionId: id, userId, scope, refreshToken }
  },

  /** @throws ApiError token_invalid, user_disabled */
  requireLive: async (token: TokenSubject): Promise<void> => {
    const live = await selectLiveSession(db, token, clock.now())
    if (live === undefined) throw new ApiError('token_invalid', 'the session has ended')
    if (live.status !== 'Activated') throw new ApiError('user_disabled', `the user is ${live.status}`)
  },

  /** Exchanges a refresh token for a new one; undefined: it is not valid, or was used before and ended its session. */
  refresh: async (application: Application, refreshToken: string): Promise<StartedSession | undefined> => {
    const now = clock.now()
    const replacement = randomToken()
    const { poolId, id: applicationId } = application
    const row = await rotateRefreshToken(db, {
      poolId,
      applicationId,
      hash: sha256(refreshToken),
      newHash: sha256(replacement),
      expiresAt: secondsAfter(now, application.refreshTokenTtlSeconds),
      now,
    })
    if (row === undefined) return undefined
    if (!row.rotated) {
      await audit.record(poolId, { type: 'refresh_token.reused', userId: row.user_id, applicationId })
      return undefined
    }
    return { sessionId: row.session_id, userId: row.user_id, scope: row.scope, refreshToken: replacement }
  },

  /** Ends a session: every token of it is refused from now on. Ending it twice does nothing. */
  end: async (poolId: string, sessionId: string, reason: string): Promise<void> => {
    const ended = await endSession(db, { poolId, sessionId, reason, now: clock.now() })
    if (ended !== undefined)
      await audit.record(poolId, { type: 'session.ended', userId: ended.user_id, detail: { reason } })
  },

  /** Ends all sessions of a user but the one that is kept, in the caller's transaction (rule 15). */
  endOthers: async (
    given: { poolId: string; userId: string; keptSessionId?: string | undefined; reason: string },
    tx: Queryable,
  ): Promise<void> => {
    await endSessions(tx, { ...given, now: clock.now() })
  },

  /** Whether something else than its own sign-out or expiry ended a session; also where it is long gone. */
  wasEndedByAnother: async (
    given: { poolId: string; sessionId: string },
    tx: Queryable = db,
  ): Promise<boolean> => {
    const row = await selectEnd(tx, given)
    if (row === undefined) return true
    return row.end_reason !== null && !ownEnds.includes(row.end_reason)
  },

  /** Remembers that a factor was proved in a session just now. @param factor OTP, RECOVERY_CODE, PASSKEY */
  recordFactorProof: async (token: TokenSubject, factor: string, tx: Queryable = db): Promise<void> => {
    const { poolId, sessionId } = token
    await recordFactorProof(tx, { poolId, sessionId, factor, now: clock.now() })
  },

  /**
   * Whether another factor than the one in question was proved in this session within five minutes (rule 14).
   * @param about `besides`: what is to be changed, whose own proofs do not count
   */
  hasFreshFactor: async (
    { poolId, sessionId }: TokenSubject,
    about: { besides: keyof typeof otherFactors } = { besides: 'phone' },
    tx: Queryable = db,
  ): Promise<boolean> => {
    const proof = await selectSessionProof(tx, { poolId, sessionId })
    if (proof === undefined) return false
    const since = secondsAfter(clock.now(), -factorProofSeconds)
    const { method, boundAt, same } = otherFactors[about.besides]
    const isFresh = (time: Date | null) => time !== null && time >= since
    if (proof.proved_factor !== same && isFresh(proof.factor_proved_at)) return true
    return (
      method === proof.method && isFresh(proof.created_at) && isSettled(proof, proof[boundAt], clock.now())
    )
  },

  /** The session that a refresh token of this application belongs to, also when the token was rotated. */
  findByRefreshToken: ({ poolId, id }: Application, refreshToken: string): Promise<string | undefined> =>
    selectSessionOfRefreshToken(db, { poolId, applicationId: id, hash: sha256(refreshToken) }),

  /** Deletes what ended or expired over 30 days ago; the audit events stay. */
  deleteOld: async (): Promise<void> => {
    await deleteOldSessions(db, secondsAfter(clock.now(), -30 * 86_400))
  },
})

/** Whether an identifier came with the account, or was bound so long ago that its owner would have objected. */
const isSettled = (
  { user_created_at: madeAt }: { user_created_at: Date },
  boundAt: Date | null,
  now: Date,
): boolean => boundAt === null || boundAt <= madeAt || boundAt <= secondsAfter(now, -settledSeconds)

export type Sessions = ReturnType<typeof createSessions>
