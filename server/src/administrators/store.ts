import { named, type Queryable, sql } from '../core/database.ts'

export const insertAdministrator = (
  db: Queryable,
  row: { poolId: string; id: string; username: string; passwordHash: string; createdAt: Date },
) =>
  db.query(sql`
    insert into administrators (pool_id, id, username, password_hash, created_at)
    values (${row.poolId}, ${row.id}, ${row.username}, ${row.passwordHash}, ${row.createdAt})`)

export type AdministratorRow = { pool_id: string; id: string; username: string; password_hash: string }

export const selectAdministrator = async (
  db: Queryable,
  poolId: string,
  username: string,
): Promise<AdministratorRow | undefined> => {
  const [row] = await db.query<AdministratorRow>(sql`
    select pool_id, id, username, password_hash
      from administrators
     where pool_id = ${poolId}
       and username = ${username}`)
  return row
}

export type NewAdministratorSession = {
  poolId: string
  id: string
  administratorId: string
  /** What the password was compared with. */
  passwordHash: string
  tokenHash: Buffer
  ip: string | undefined
  userAgent: string | undefined
  createdAt: Date
  expiresAt: Date
}

/**
 * Starts a session if the password is still the one that was compared. The lock makes a change of the password wait,
 * or this wait for it: either the change ends this session too, or this finds another password and starts none.
 */
export const insertAdministratorSession = async (
  db: Queryable,
  session: NewAdministratorSession,
): Promise<boolean> => {
  const rows = await db.query(sql`
    insert into administrator_sessions (
      pool_id, id, administrator_id, token_hash, ip, user_agent, created_at, last_used_at, expires_at
    )
    select pool_id, ${session.id}::uuid, id, ${session.tokenHash}::bytea, ${session.ip ?? null}::text,
           ${session.userAgent ?? null}::text, ${named({ createdAt: session.createdAt })}::timestamptz,
           ${named({ createdAt: session.createdAt })}::timestamptz, ${session.expiresAt}::timestamptz
      from administrators
     where pool_id = ${session.poolId}
       and id = ${session.administratorId}
       and password_hash = ${session.passwordHash}
       for share
    returning id`)
  return rows.length > 0
}

export type CredentialRow = { pool_id: string; administrator_id: string; username: string; id: string }

/** The session of a token while it lives, and notes its use, but not twice within `usedSince`. */
export const useAdministratorSession = async (
  db: Queryable,
  given: { tokenHash: Buffer; now: Date; idleSince: Date; usedSince: Date },
): Promise<CredentialRow | undefined> => {
  const [row] = await db.query<CredentialRow>(sql`
    with live as (
      select administrator_sessions.pool_id, administrator_sessions.id, administrator_sessions.administrator_id,
             administrators.username
        from administrator_sessions
        join administrators
          on administrators.pool_id = administrator_sessions.pool_id
         and administrators.id = administrator_sessions.administrator_id
       where administrator_sessions.token_hash = ${given.tokenHash}
         and administrator_sessions.expires_at > ${named({ now: given.now })}
         and administrator_sessions.last_used_at > ${given.idleSince}
    ),
    used as (
      update administrator_sessions
         set last_used_at = ${named({ now: given.now })}
        from live
       where administrator_sessions.pool_id = live.pool_id
         and administrator_sessions.id = live.id
         and administrator_sessions.last_used_at <= ${given.usedSince}
    )
    select pool_id, administrator_id, username, id
      from live`)
  return row
}

export const deleteAdministratorSession = async (
  db: Queryable,
  poolId: string,
  id: string,
): Promise<boolean> => {
  const rows = await db.query(sql`
    delete from administrator_sessions
     where pool_id = ${poolId}
       and id = ${id}
    returning id`)
  return rows.length > 0
}

export const deleteOtherAdministratorSessions = (
  db: Queryable,
  given: { poolId: string; administratorId: string; keptId: string },
) =>
  db.query(sql`
    delete from administrator_sessions
     where pool_id = ${given.poolId}
       and administrator_id = ${given.administratorId}
       and id <> ${given.keptId}`)

/** Sessions that nobody can use any more. */
export const deleteOldAdministratorSessions = (db: Queryable, given: { now: Date; idleSince: Date }) =>
  db.query(sql`
    delete from administrator_sessions
     where expires_at <= ${given.now}
        or last_used_at <= ${given.idleSince}`)

/** Replaces the password if it is still the one that was compared. */
export const updateAdministratorPassword = async (
  db: Queryable,
  given: { poolId: string; id: string; oldHash: string; newHash: string },
): Promise<boolean> => {
  const rows = await db.query(sql`
    update administrators
       set password_hash = ${given.newHash}
     where pool_id = ${given.poolId}
       and id = ${given.id}
       and password_hash = ${given.oldHash}
    returning id`)
  return rows.length > 0
}

export type NewAdministratorKey = {
  poolId: string
  id: string
  administratorId: string
  name: string
  tokenHash: Buffer
  createdAt: Date
  expiresAt: Date | undefined
}

export const insertAdministratorKey = (db: Queryable, key: NewAdministratorKey) =>
  db.query(sql`
    insert into administrator_keys (
      pool_id, id, administrator_id, name, token_hash, created_at, expires_at
    ) values (
      ${key.poolId}, ${key.id}, ${key.administratorId}, ${key.name}, ${key.tokenHash}, ${key.createdAt},
      ${key.expiresAt ?? null}
    )`)

/** The key of a token while it lives, and notes its use, but not twice within `usedSince`. */
export const useAdministratorKey = async (
  db: Queryable,
  given: { tokenHash: Buffer; now: Date; usedSince: Date },
): Promise<CredentialRow | undefined> => {
  const [row] = await db.query<CredentialRow>(sql`
    with live as (
      select administrator_keys.pool_id, administrator_keys.id, administrator_keys.administrator_id,
             administrators.username
        from administrator_keys
        join administrators
          on administrators.pool_id = administrator_keys.pool_id
         and administrators.id = administrator_keys.administrator_id
       where administrator_keys.token_hash = ${given.tokenHash}
         and administrator_keys.revoked_at is null
         and (administrator_keys.expires_at is null or administrator_keys.expires_at > ${named({ now: given.now })})
    ),
    used as (
      update administrator_keys
         set last_used_at = ${named({ now: given.now })}
        from live
       where administrator_keys.pool_id = live.pool_id
         and administrator_keys.id = live.id
         and (administrator_keys.last_used_at is null or administrator_keys.last_used_at <= ${given.usedSince})
    )
    select pool_id, administrator_id, username, id
      from live`)
  return row
}

export type AdministratorKeyRow = {
  id: string
  name: string
  username: string
  created_at: Date
  expires_at: Date | null
  last_used_at: Date | null
}

/** The pool's keys that are not revoked, newest first. */
export const selectAdministratorKeys = (db: Queryable, poolId: string) =>
  db.query<AdministratorKeyRow>(sql`
    select administrator_keys.id, administrator_keys.name, administrators.username, administrator_keys.created_at,
           administrator_keys.expires_at, administrator_keys.last_used_at
      from administrator_keys
      join administrators
        on administrators.pool_id = administrator_keys.pool_id
       and administrators.id = administrator_keys.administrator_id
     where administrator_keys.pool_id = ${poolId}
       and administrator_keys.revoked_at is null
     order by administrator_keys.id desc`)

/** Revokes a key; undefined: there is none, or it was revoked before. */
export const revokeAdministratorKey = async (
  db: Queryable,
  given: { poolId: string; id: string; now: Date },
): Promise<{ name: string } | undefined> => {
  const [row] = await db.query<{ name: string }>(sql`
    update administrator_keys
       set revoked_at = ${given.now}
     where pool_id = ${given.poolId}
       and id = ${given.id}
       and revoked_at is null
    returning name`)
  return row
}
