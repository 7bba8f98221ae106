import { type Queryable, sql } from '../core/database.ts'
import type { AccountPolicy } from './account-policy.ts'

export const selectPolicy = async (
  db: Queryable,
  poolId: string,
): Promise<Partial<AccountPolicy> | undefined> => {
  const [row] = await db.query<{ policy: Partial<AccountPolicy> }>(sql`
    select policy
      from account_policies
     where pool_id = ${poolId}`)
  return row?.policy
}

export const upsertPolicy = (db: Queryable, given: { poolId: string; policy: AccountPolicy; now: Date }) =>
  db.query(sql`
    insert into account_policies (pool_id, policy, updated_at)
    values (${given.poolId}, ${JSON.stringify(given.policy)}::jsonb, ${given.now})
    on conflict (pool_id) do update
       set policy = excluded.policy,
           updated_at = excluded.updated_at`)
