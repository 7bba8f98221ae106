import { empty, named, type Queryable, type Sql, sql } from '../core/database.ts'
import type { E164 } from '../phone-numbers/phone-numbers.ts'

export type UserRow = {
  id: string
  status: string
  phone: E164 | null
  /** When a code sent there last came back in this user's name. */
  phone_proved_at: Date | null
  email: string | null
  email_verified: boolean
  username: string | null
  password_hash: string | null
  password_set_at: Date | null
  password_security_level: number
  /** After an undone change: the password opens nothing until it was reset. */
  password_reset_required: boolean
  external_id: string | null
  profile: Record<string, string>
  custom_data: Record<string, unknown>
  source: string
  sign_in_count: number
  last_sign_in_at: Date | null
  last_ip: string | null
  last_application_id: string | null
  created_at: Date
  updated_at: Date
}

const columns = sql`
  id, status, phone, phone_proved_at, email, email_verified, username, password_hash, password_set_at,
  password_security_level, password_reset_required,
  external_id, profile, custom_data, source, sign_in_count, last_sign_in_at, last_ip, last_application_id,
  created_at, updated_at`

export type NewUser = {
  poolId: string
  id: string
  phone: E164 | undefined
  email: string | undefined
  emailVerified: boolean
  username: string | undefined
  passwordHash: string | undefined
  passwordSecurityLevel: number
  profile: Record<string, string>
  customData: Record<string, unknown>
  createdAt: Date
}

export const insertUser = async (db: Queryable, user: NewUser): Promise<UserRow> => {
  const [row] = await db.query<UserRow>(sql`
    insert into users (
      pool_id, id, phone, phone_bound_at, phone_proved_at, email, email_verified, username, password_hash, password_set_at,
      password_security_level, profile, custom_data, created_at, updated_at
    ) values (
      ${user.poolId}, ${user.id}, ${user.phone ?? null},
      ${user.phone === undefined ? null : user.createdAt}, ${user.phone === undefined ? null : user.createdAt}, ${user.email ?? null}, ${user.emailVerified},
      ${user.username ?? null}, ${user.passwordHash ?? null},
      ${user.passwordHash === undefined ? null : user.createdAt}, ${user.passwordSecurityLevel},
      ${JSON.stringify(user.profile)}::jsonb, ${JSON.stringify(user.customData)}::jsonb,
      ${user.createdAt}, ${user.createdAt}
    )
    returning ${columns}`)
  if (row === undefined) throw new Error('an insert returned no row')
  return row
}

const selectUserWhere = async (
  db: Queryable,
  poolId: string,
  condition: Sql,
): Promise<UserRow | undefined> => {
  const [row] = await db.query<UserRow>(sql`
    select ${columns}
      from users
     where pool_id = ${poolId}
       and ${condition}`)
  return row
}

export const selectUser = (db: Queryable, poolId: string, id: string) =>
  selectUserWhere(db, poolId, sql`id = ${id}`)

export const selectUserByPhone = (db: Queryable, poolId: string, phone: E164) =>
  selectUserWhere(db, poolId, sql`phone = ${phone}`)

export const selectUserByEmail = (db: Queryable, poolId: string, email: string) =>
  selectUserWhere(db, poolId, sql`email = ${email}`)

export const selectUserByUsername = (db: Queryable, poolId: string, username: string) =>
  selectUserWhere(db, poolId, sql`lower(username) = lower(${username})`)

export type ProfileChange = {
  /** Merged into the profile; an empty string removes its field. */
  profile: Record<string, string>
  username: string | undefined
  externalId: string | undefined
  customData: Record<string, unknown> | undefined
}

export const updateProfile = async (
  db: Queryable,
  given: { poolId: string; userId: string; change: ProfileChange; now: Date },
): Promise<UserRow | undefined> => {
  const { profile, username, externalId, customData } = given.change
  const removed = Object.keys(profile).filter((name) => profile[name] === '')
  const [row] = await db.query<UserRow>(sql`
    update users
       set profile = (profile || ${JSON.stringify(profile)}::jsonb) - ${removed}::text[],
           username = coalesce(${username ?? null}, username),
           external_id = coalesce(${externalId ?? null}, external_id),
           custom_data = custom_data || ${JSON.stringify(customData ?? {})}::jsonb,
           updated_at = ${given.now}
     where pool_id = ${given.poolId}
       and id = ${given.userId}
    returning ${columns}`)
  return row
}

/** What a sign-in was by. A proved phone or address is a code that was just read there. */
export type SignInProof = { phone?: E164 | undefined; email?: string | undefined; passwordHash?: string }

/** No row: what the sign-in was by is not the user's any more, or the user is not Activated. */
export const recordSignIn = async (
  db: Queryable,
  given: {
    poolId: string
    userId: string
    applicationId: string
    ip: string
    proof: SignInProof
    now: Date
  },
): Promise<UserRow | undefined> => {
  const { phone, email, passwordHash } = given.proof
  const [row] = await db.query<UserRow>(sql`
    update users
       set sign_in_count = sign_in_count + 1,
           last_sign_in_at = ${named({ now: given.now })},
           last_ip = ${given.ip},
           last_application_id = ${given.applicationId},
           email_verified = email_verified or ${email !== undefined},
           phone_proved_at = ${phone === undefined ? sql`phone_proved_at` : named({ now: given.now })}
     where pool_id = ${given.poolId}
       and id = ${given.userId}
       and status = 'Activated'
       ${phone === undefined ? empty : sql`and phone = ${phone}`}
       ${email === undefined ? empty : sql`and email = ${email}`}
       ${passwordHash === undefined ? empty : sql`and password_hash = ${passwordHash}`}
    returning ${columns}`)
  return row
}

/** The number as the history keeps it: masked, and as its fingerprint. */
export const insertPhoneBinding = (
  db: Queryable,
  binding: {
    poolId: string
    id: string
    userId: string
    phone: string
    phoneFingerprint: string
    applicationId: string
    ip: string
    now: Date
  },
) =>
  db.query(sql`
    insert into phone_bindings (
      pool_id, id, user_id, phone_masked, phone_fingerprint, application_id, ip, bound_at
    ) values (
      ${binding.poolId}, ${binding.id}, ${binding.userId}, ${binding.phone}, ${binding.phoneFingerprint}, ${binding.applicationId},
      ${binding.ip}, ${binding.now}
    )`)

/** Bindings from before the history kept numbers masked. */
export const selectClearBindings = (db: Queryable, limit: number) =>
  db.query<{ pool_id: string; user_id: string; id: string; phone: E164 }>(sql`
    select pool_id, user_id, id, phone
      from phone_bindings
     where phone is not null
     limit ${limit}`)

export const maskBinding = (
  db: Queryable,
  binding: { poolId: string; userId: string; id: string; phone: string; phoneFingerprint: string },
) =>
  db.query(sql`
    update phone_bindings
       set phone = null,
           phone_masked = ${binding.phone},
           phone_fingerprint = ${binding.phoneFingerprint}
     where pool_id = ${binding.poolId}
       and user_id = ${binding.userId}
       and id = ${binding.id}`)

export const updateStatus = (
  db: Queryable,
  given: { poolId: string; userId: string; status: string; now: Date },
) =>
  db.query(sql`
    update users
       set status = ${given.status},
           updated_at = ${given.now}
     where pool_id = ${given.poolId}
       and id = ${given.userId}`)

/**
 * The user of a live session, held until the end of the transaction: nobody else changes the account meanwhile.
 * Not to be called before a passcode is verified in the same transaction: the bind takes the two in that order.
 */
export const holdUserOfSession = async (
  tx: Queryable,
  given: { poolId: string; userId: string; sessionId: string; now: Date },
): Promise<UserRow | undefined> => {
  const [row] = await tx.query<UserRow>(sql`
    select ${columns}
      from users
     where pool_id = ${named({ poolId: given.poolId })}
       and id = ${named({ userId: given.userId })}
       for update`)
  if (row === undefined) return undefined
  // A second statement: the first one waited with what it had read before, and another call may have ended the session.
  const [session] = await tx.query(sql`
    select id
      from sessions
     where pool_id = ${given.poolId}
       and id = ${given.sessionId}
       and user_id = ${given.userId}
       and ended_at is null
       and expires_at > ${given.now}`)
  return session === undefined ? undefined : row
}

/** What is there to sign in with. A password needs a name beside it, and a phone or an address takes a code. */
export type SignInWays = { phone: boolean; email: boolean; username: boolean; passkey: boolean }

export const selectSignInWays = async (
  db: Queryable,
  poolId: string,
  userId: string,
): Promise<SignInWays | undefined> => {
  const [row] = await db.query<SignInWays>(sql`
    select phone is not null as phone,
           email is not null as email,
           username is not null and password_hash is not null and not password_reset_required as username,
           exists (
             select
               from passkeys
              where passkeys.pool_id = ${named({ poolId })}
                and passkeys.user_id = ${named({ userId })}
           ) as passkey
      from users
     where pool_id = ${named({ poolId })}
       and id = ${named({ userId })}`)
  return row
}
