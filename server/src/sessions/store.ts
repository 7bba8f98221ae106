import { empty, named, type Queryable, type Sql, sql } from '../core/database.ts'

export type TokenSubject = { poolId: string; sessionId: string; userId: string }

/** The body of a CTE: the session that a token names, with its user, while the session lives; else no row. */
export const liveSession = (token: TokenSubject, now: Date): Sql => sql`
  select sessions.id as session_id, users.id as user_id, users.status, users.phone, users.email
    from sessions
    join users
      on users.pool_id = sessions.pool_id
     and users.id = sessions.user_id
   where sessions.pool_id = ${named({ poolId: token.poolId })}
     and sessions.id = ${token.sessionId}
     and sessions.user_id = ${named({ userId: token.userId })}
     and sessions.ended_at is null
     and sessions.expires_at > ${named({ now })}`

export type LiveSessionRow = { user_id: string; status: string }

export const selectLiveSession = async (db: Queryable, token: TokenSubject, now: Date) => {
  const [row] = await db.query<LiveSessionRow>(sql`
    with live as (${liveSession(token, now)})
    select user_id, status
      from live`)
  return row
}

export type NewSession = {
  poolId: string
  id: string
  userId: string
  applicationId: string
  scope: string
  method: string
  ip: string | undefined
  userAgent: string | undefined
  createdAt: Date
  expiresAt: Date
}

export const insertSession = (db: Queryable, session: NewSession) =>
  db.query(sql`
    insert into sessions (
      pool_id, id, user_id, application_id, scope, method, ip, user_agent, created_at, expires_at
    ) values (
      ${session.poolId}, ${session.id}, ${session.userId}, ${session.applicationId}, ${session.scope},
      ${session.method}, ${session.ip ?? null}, ${session.userAgent ?? null}, ${session.createdAt}, ${session.expiresAt}
    )`)

export type NewRefreshToken = {
  poolId: string
  hash: Buffer
  sessionId: string
  issuedAt: Date
  expiresAt: Date
}

export const insertRefreshToken = (db: Queryable, token: NewRefreshToken) =>
  db.query(sql`
    insert into refresh_tokens (pool_id, token_hash, session_id, issued_at, expires_at)
    values (${named({ poolId: token.poolId })}, ${token.hash}, ${token.sessionId}, ${token.issuedAt}, ${token.expiresAt})`)

export type RotationRow = { session_id: string; user_id: string; scope: string; rotated: boolean }

/**
 * Rule 26, in one statement: replaces a live refresh token; one that was rotated before ends its session instead.
 * No row: unknown, expired, another application's, or of a session that has ended.
 */
export const rotateRefreshToken = async (
  db: Queryable,
  given: { poolId: string; applicationId: string; hash: Buffer; newHash: Buffer; expiresAt: Date; now: Date },
): Promise<RotationRow | undefined> => {
  const [row] = await db.query<RotationRow>(sql`
    with presented as (
      select sessions.id as session_id, sessions.user_id, sessions.scope, refresh_tokens.expires_at
        from refresh_tokens
        join sessions
          on sessions.pool_id = refresh_tokens.pool_id
         and sessions.id = refresh_tokens.session_id
       where refresh_tokens.pool_id = ${named({ poolId: given.poolId })}
         and refresh_tokens.token_hash = ${named({ hash: given.hash })}
         and refresh_tokens.expires_at > ${named({ now: given.now })}
         and sessions.application_id = ${given.applicationId}
         and sessions.ended_at is null
         and sessions.expires_at > ${named({ now: given.now })}
    ),
    rotated as (
      update refresh_tokens
         set rotated_at = ${named({ now: given.now })}
       where pool_id = ${named({ poolId: given.poolId })}
         and token_hash = ${named({ hash: given.hash })}
         and rotated_at is null
         and exists (select from presented)
      returning session_id
    ),
    replacement as (
      insert into refresh_tokens (pool_id, token_hash, session_id, issued_at, expires_at)
      select ${named({ poolId: given.poolId })}::uuid, ${given.newHash}::bytea, session_id, ${named({ now: given.now })}::timestamptz,
             ${named({ expiresAt: given.expiresAt })}::timestamptz
        from rotated
    ),
    session as (
      update sessions
         set expires_at = case when exists (select from rotated) then ${named({ expiresAt: given.expiresAt })} else expires_at end,
             ended_at = case when exists (select from rotated) then null else ${named({ now: given.now })}::timestamptz end,
             end_reason = case when exists (select from rotated) then null else 'refresh_token_reused' end
       where pool_id = ${named({ poolId: given.poolId })}
         and id = (select session_id from presented)
         and ended_at is null
    )
    select session_id, user_id, scope, exists (select from rotated) as rotated
      from presented`)
  return row
}

/**
 * Rule 15: ends the sessions of a user, but for `keptSessionId`, as part of another statement or by itself: if and only
 * if `source`, a CTE's name, has a row. Their refresh tokens end with them.
 */
export const endSessionsFrom = (
  source: Sql,
  given: { poolId: string; userId: string; keptSessionId?: string | undefined; reason: string; now: Date },
): Sql => sql`
  update sessions
     set ended_at = ${named({ now: given.now })},
         end_reason = ${given.reason}
   where pool_id = ${named({ poolId: given.poolId })}
     and user_id = ${named({ userId: given.userId })}
     ${given.keptSessionId === undefined ? empty : sql`and id <> ${given.keptSessionId}`}
     and ended_at is null
     and exists (select from ${source})`

export const endSessions = (
  db: Queryable,
  given: { poolId: string; userId: string; keptSessionId?: string | undefined; reason: string; now: Date },
) => db.query(endSessionsFrom(sql`(values (1)) as always`, given))

/** What was proved in a session beside its start, and how it started. */
export type SessionProofRow = {
  method: string
  created_at: Date
  phone_bound_at: Date | null
  email_bound_at: Date | null
  user_created_at: Date
  proved_factor: string | null
  factor_proved_at: Date | null
}

export const selectSessionProof = async (
  db: Queryable,
  given: { poolId: string; sessionId: string },
): Promise<SessionProofRow | undefined> => {
  const [row] = await db.query<SessionProofRow>(sql`
    select sessions.method, sessions.created_at, sessions.proved_factor, sessions.factor_proved_at,
           users.phone_bound_at, users.email_bound_at, users.created_at as user_created_at
      from sessions
      join users
        on users.pool_id = sessions.pool_id
       and users.id = sessions.user_id
     where sessions.pool_id = ${given.poolId}
       and sessions.id = ${given.sessionId}`)
  return row
}

export const recordFactorProof = (
  db: Queryable,
  given: { poolId: string; sessionId: string; factor: string; now: Date },
) =>
  db.query(sql`
    update sessions
       set proved_factor = ${given.factor},
           factor_proved_at = ${given.now}
     where pool_id = ${given.poolId}
       and id = ${given.sessionId}`)

export type EndedSession = { id: string; user_id: string }

export const endSession = async (
  db: Queryable,
  given: { poolId: string; sessionId: string; reason: string; now: Date },
): Promise<EndedSession | undefined> => {
  const [row] = await db.query<EndedSession>(sql`
    update sessions
       set ended_at = ${named({ now: given.now })},
           end_reason = ${given.reason}
     where pool_id = ${named({ poolId: given.poolId })}
       and id = ${given.sessionId}
       and ended_at is null
    returning id, user_id`)
  return row
}

/** Undefined: no such session; it may have been deleted. */
export const selectEnd = async (
  db: Queryable,
  given: { poolId: string; sessionId: string },
): Promise<{ end_reason: string | null } | undefined> => {
  const [row] = await db.query<{ end_reason: string | null }>(sql`
    select end_reason
      from sessions
     where pool_id = ${given.poolId}
       and id = ${given.sessionId}`)
  return row
}

export const selectSessionOfRefreshToken = async (
  db: Queryable,
  given: { poolId: string; applicationId: string; hash: Buffer },
): Promise<string | undefined> => {
  const [row] = await db.query<{ session_id: string }>(sql`
    select refresh_tokens.session_id
      from refresh_tokens
      join sessions
        on sessions.pool_id = refresh_tokens.pool_id
       and sessions.id = refresh_tokens.session_id
     where refresh_tokens.pool_id = ${named({ poolId: given.poolId })}
       and refresh_tokens.token_hash = ${named({ hash: given.hash })}
       and sessions.application_id = ${given.applicationId}`)
  return row?.session_id
}

/** Ended or expired sessions, with their refresh tokens, some time after nobody can use them any more. */
export const deleteOldSessions = (db: Queryable, before: Date) =>
  db.query(sql`
    delete from sessions
     where expires_at < ${before}
        or ended_at < ${before}`)
