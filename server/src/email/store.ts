import { named, type Queryable, sql } from '../core/database.ts'
import type { KeptFactor } from '../notices/notices.ts'

/**
 * Fails on the unique index users_email_key where another user has the address.
 * @param given `verified`: whether somebody of the account has ever read a code there
 */
export const setEmail = (
  tx: Queryable,
  given: { poolId: string; userId: string; email: string | null; verified: boolean; now: Date },
) =>
  tx.query(sql`
    update users
       set email = ${named({ email: given.email })}::text,
           email_verified = ${given.verified},
           email_bound_at = case
             when ${named({ email: given.email })}::text is null then null
             when email = ${named({ email: given.email })}::text then email_bound_at
             else ${named({ now: given.now })}::timestamptz
           end,
           updated_at = ${named({ now: given.now })}
     where pool_id = ${given.poolId}
       and id = ${given.userId}`)

/** The user of an undone change, held until the end of the transaction; no session is asked for. */
export const holdEmail = async (
  tx: Queryable,
  given: { poolId: string; userId: string },
): Promise<{ email: string | null } | undefined> => {
  const [row] = await tx.query<{ email: string | null }>(sql`
    select email
      from users
     where pool_id = ${given.poolId}
       and id = ${given.userId}
       for update`)
  return row
}

/** Whether another user of the pool has the address. */
export const isEmailTaken = async (
  tx: Queryable,
  given: { poolId: string; userId: string; email: string },
): Promise<boolean> => {
  const [row] = await tx.query(sql`
    select id
      from users
     where pool_id = ${given.poolId}
       and email = ${given.email}
       and id <> ${given.userId}`)
  return row !== undefined
}

type FactorRow = { enrolled_at: Date; enrolled_with_proof: boolean }

const keptFactor = ([row]: readonly FactorRow[]): KeptFactor | undefined =>
  row === undefined
    ? undefined
    : { enrolledAt: row.enrolled_at.toISOString(), enrolledWithProof: row.enrolled_with_proof }

/** The factor EMAIL that uses an address goes on with the new one. */
export const moveEmailFactor = async (
  tx: Queryable,
  given: { poolId: string; userId: string; from: string; to: string },
): Promise<KeptFactor | undefined> => {
  const rows = await tx.query<FactorRow>(sql`
    update factors
       set recipient = ${given.to}
     where pool_id = ${given.poolId}
       and user_id = ${given.userId}
       and type = 'EMAIL'
       and recipient = ${given.from}
    returning enrolled_at, enrolled_with_proof`)
  return keptFactor(rows)
}

export const deleteEmailFactor = async (
  tx: Queryable,
  given: { poolId: string; userId: string; email: string },
): Promise<KeptFactor | undefined> => {
  const rows = await tx.query<FactorRow>(sql`
    delete from factors
     where pool_id = ${given.poolId}
       and user_id = ${given.userId}
       and type = 'EMAIL'
       and recipient = ${given.email}
    returning enrolled_at, enrolled_with_proof`)
  return keptFactor(rows)
}
