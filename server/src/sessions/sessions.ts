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
  insertRefreshToken,
  insertSession,
  rotateRefreshToken,
  selectLiveSession,
  selectSessionOfRefreshToken,
  type TokenSubject,
} from './store.ts'

export { liveSession, type TokenSubject } from './store.ts'

export type SessionStart = {
  application: Application
  userId: string
  /** Granted scopes, parted by spaces. */
  scope: string
  /** How the user signed in: `password`, `sms_passcode`, `email_passcode`. */
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

  /** The session that a refresh token of this application belongs to, also when the token was rotated. */
  findByRefreshToken: ({ poolId, id }: Application, refreshToken: string): Promise<string | undefined> =>
    selectSessionOfRefreshToken(db, { poolId, applicationId: id, hash: sha256(refreshToken) }),

  /** Deletes what ended or expired over 30 days ago; the audit events stay. */
  deleteOld: async (): Promise<void> => {
    await deleteOldSessions(db, secondsAfter(clock.now(), -30 * 86_400))
  },
})

export type Sessions = ReturnType<typeof createSessions>
