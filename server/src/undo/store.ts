import { named, type Queryable, sql } from '../core/database.ts'

export type AccountRow = { phone: string | null; email: string | null }

export type SecuredRow = AccountRow & { has_password: boolean }

/**
 * The account, held until the end of the transaction: of two links of one account, one waits here for the other.
 * Undefined: the user is gone.
 */
export const holdAccount = async (
  tx: Queryable,
  given: { poolId: string; userId: string },
): Promise<AccountRow | undefined> => {
  const [row] = await tx.query<AccountRow>(sql`
    select phone, email
      from users
     where pool_id = ${given.poolId}
       and id = ${given.userId}
       for update`)
  return row
}

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

/** A factor that went with a number or address comes back with it, unless the user has another one of its type. */
export const restoreFactor = (
  tx: Queryable,
  factor: {
    poolId: string
    id: string
    userId: string
    type: 'SMS' | 'EMAIL'
    recipient: string
    enrolledWithProof: boolean
    enrolledAt: Date
  },
) =>
  tx.query(sql`
    insert into factors (pool_id, id, user_id, type, recipient, enrolled_with_proof, enrolled_at)
    values (
      ${factor.poolId}, ${factor.id}, ${factor.userId}, ${factor.type}, ${factor.recipient},
      ${factor.enrolledWithProof}, ${factor.enrolledAt}
    )
    on conflict on constraint factors_type_key do nothing`)

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
