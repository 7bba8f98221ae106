import { type Queryable, type Sql, sql } from '../core/database.ts'
import type { E164 } from '../phone-numbers/phone-numbers.ts'

export type UserRow = {
  id: string
  status: string
  phone: E164 | null
  email: string | null
  email_verified: boolean
  username: string | null
  password_hash: string | null
  password_set_at: Date | null
  password_security_level: number
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
  id, status, phone, email, email_verified, username, password_hash, password_set_at, password_security_level,
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
      pool_id, id, phone, phone_bound_at, email, email_verified, username, password_hash, password_set_at,
      password_security_level, profile, custom_data, created_at, updated_at
    ) values (
      ${user.poolId}, ${user.id}, ${user.phone ?? null},
      ${user.phone === undefined ? null : user.createdAt}, ${user.email ?? null}, ${user.emailVerified},
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

export const recordSignIn = async (
  db: Queryable,
  given: {
    poolId: string
    userId: string
    applicationId: string
    ip: string
    verifiesEmail: boolean
    now: Date
  },
): Promise<void> => {
  await db.query(sql`
    update users
       set sign_in_count = sign_in_count + 1,
           last_sign_in_at = ${given.now},
           last_ip = ${given.ip},
           last_application_id = ${given.applicationId},
           email_verified = email_verified or ${given.verifiesEmail}
     where pool_id = ${given.poolId}
       and id = ${given.userId}`)
}

export const insertPhoneBinding = (
  db: Queryable,
  binding: {
    poolId: string
    id: string
    userId: string
    phone: E164
    applicationId: string
    ip: string
    now: Date
  },
) =>
  db.query(sql`
    insert into phone_bindings (pool_id, id, user_id, phone, application_id, ip, bound_at)
    values (
      ${binding.poolId}, ${binding.id}, ${binding.userId}, ${binding.phone}, ${binding.applicationId},
      ${binding.ip}, ${binding.now}
    )`)

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
