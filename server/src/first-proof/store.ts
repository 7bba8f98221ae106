import { named, type Queryable, sql } from '../core/database.ts'

/** The user who has the address and has never proved it, held until the end of the transaction. */
export const holdUnproved = async (
  tx: Queryable,
  given: { poolId: string; userId: string; email: string },
): Promise<{ phone: string | null } | undefined> => {
  const [row] = await tx.query<{ phone: string | null }>(sql`
    select phone
      from users
     where pool_id = ${given.poolId}
       and id = ${given.userId}
       and email = ${given.email}
       and not email_verified
       for update`)
  return row
}

export type Cleared = { passwordsRemoved: number; passkeysRemoved: number; factorsRemoved: number }

/** The caller holds the user. */
export const clearWaysIn = async (
  tx: Queryable,
  given: { poolId: string; userId: string; now: Date },
): Promise<Cleared> => {
  const ofUser = sql`
         pool_id = ${named({ poolId: given.poolId })}
     and user_id = ${named({ userId: given.userId })}`
  const [row] = await tx.query<Cleared>(sql`
    with password as (
      update users
         set password_hash = null,
             password_set_at = null,
             password_security_level = 0,
             password_reset_required = false,
             updated_at = ${given.now}
       where pool_id = ${named({ poolId: given.poolId })}
         and id = ${named({ userId: given.userId })}
         and password_hash is not null
      returning 1
    ),
    passkey as (
      delete from passkeys
       where ${ofUser}
      returning 1
    ),
    factor as (
      delete from factors
       where ${ofUser}
      returning 1
    )
    select (select count(*) from password)::integer as "passwordsRemoved",
           (select count(*) from passkey)::integer as "passkeysRemoved",
           (select count(*) from factor)::integer as "factorsRemoved"`)
  return row ?? { passwordsRemoved: 0, passkeysRemoved: 0, factorsRemoved: 0 }
}

export const takeEmailOff = (tx: Queryable, given: { poolId: string; userId: string; now: Date }) =>
  tx.query(sql`
    update users
       set email = null,
           email_verified = false,
           email_bound_at = null,
           updated_at = ${given.now}
     where pool_id = ${given.poolId}
       and id = ${given.userId}`)
