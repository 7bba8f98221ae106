import { type Queryable, sql } from '../core/database.ts'

/** The user who has the address, held until the end of the transaction. */
export const selectEmailHolder = async (
  tx: Queryable,
  given: { poolId: string; email: string },
): Promise<{ id: string; email_verified: boolean } | undefined> => {
  const [row] = await tx.query<{ id: string; email_verified: boolean }>(sql`
    select id, email_verified
      from users
     where pool_id = ${given.poolId}
       and email = ${given.email}
       for update`)
  return row
}

/** The same, without holding it. */
export const lookForHolder = async (
  db: Queryable,
  given: { poolId: string; email: string },
): Promise<{ email_verified: boolean; created_at: Date } | undefined> => {
  const [row] = await db.query<{ email_verified: boolean; created_at: Date }>(sql`
    select email_verified, created_at
      from users
     where pool_id = ${given.poolId}
       and email = ${given.email}`)
  return row
}

export const markEmailVerified = (tx: Queryable, given: { poolId: string; userId: string; now: Date }) =>
  tx.query(sql`
    update users
       set email_verified = true,
           updated_at = ${given.now}
     where pool_id = ${given.poolId}
       and id = ${given.userId}`)
