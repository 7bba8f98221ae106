import { named, type Queryable, sql } from '../core/database.ts'

export type SecuredRow = { phone: string | null; email: string | null; has_password: boolean }

/** The account, held until the end of the transaction: of two links of one account, one waits here for the other. */
export const holdAccount = (tx: Queryable, given: { poolId: string; userId: string }) =>
  tx.query(sql`
    select 1
      from users
     where pool_id = ${given.poolId}
       and id = ${given.userId}
       for update`)

/** From now on the password opens nothing until it is set anew. Undefined: the user is gone. */
export const requireNewPassword = async (
  tx: Queryable,
  given: { poolId: string; userId: string; now: Date },
): Promise<SecuredRow | undefined> => {
  const [row] = await tx.query<SecuredRow>(sql`
    update users
       set password_reset_required = password_hash is not null,
           updated_at = ${given.now}
     where pool_id = ${given.poolId}
       and id = ${given.userId}
    returning phone, email, password_hash is not null as has_password`)
  return row
}

export const discardStepUpTokens = (tx: Queryable, given: { poolId: string; userId: string; now: Date }) =>
  tx.query(sql`
    update step_up_tokens
       set consumed_at = ${given.now}
     where pool_id = ${given.poolId}
       and user_id = ${given.userId}
       and consumed_at is null`)

/** What was added to the account since then: whoever made the change may have added it to come back. */
export const deleteFactorsSince = async (
  tx: Queryable,
  given: { poolId: string; userId: string; since: Date },
): Promise<{ passkeys: number; factors: number }> => {
  const [row] = await tx.query<{ passkeys: number; factors: number }>(sql`
    with passkey as (
      delete from passkeys
       where pool_id = ${named({ poolId: given.poolId })}
         and user_id = ${named({ userId: given.userId })}
         and created_at >= ${named({ since: given.since })}
      returning 1
    ),
    factor as (
      delete from factors
       where pool_id = ${named({ poolId: given.poolId })}
         and user_id = ${named({ userId: given.userId })}
         and enrolled_at >= ${named({ since: given.since })}
      returning 1
    )
    select (select count(*) from passkey)::integer as passkeys,
           (select count(*) from factor)::integer as factors`)
  return row ?? { passkeys: 0, factors: 0 }
}
