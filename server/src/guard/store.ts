import { selectRates } from '../conversions/conversions.ts'
import { join, type Queryable, type Sql, sql } from '../core/database.ts'
import type { GuardPolicy } from './policy.ts'

export type Level = { key: string; mayBlock: boolean }

/**
 * One row with `verdict`: 'blocked', 'challenged' or 'open'. Each level starts with `prior` codes sent of which half
 * came back, so that a few unlucky messages judge nobody.
 */
export const selectVerdict = (given: {
  poolId: string
  levels: readonly Level[]
  challengeBelow: number
  blockBelow: number
  prior: number
  halfLifeSeconds: number
  now: Date
}): Sql => sql`
  select case
           when bool_or(judged.may_block and judged.rate < ${given.blockBelow}::double precision) then 'blocked'
           when bool_or(judged.rate < ${given.challengeBelow}::double precision) then 'challenged'
           else 'open'
         end as verdict
    from (
      select levels.may_block,
             (coalesce(rates.verified, 0) + ${given.prior}::double precision / 2)
               / (coalesce(rates.sent, 0) + ${given.prior}::double precision) as rate
        from (values ${join(given.levels.map(({ key, mayBlock }) => sql`(${key}::text, ${mayBlock}::boolean)`))})
             as levels (key, may_block)
        left join (
          ${selectRates(
            given.poolId,
            given.levels.map(({ key }) => key),
            given.now,
            given.halfLifeSeconds,
          )}
        ) as rates
          on rates.key = levels.key
    ) as judged`

export const selectPolicy = async (db: Queryable, poolId: string): Promise<unknown> => {
  const [row] = await db.query<{ policy: unknown }>(sql`
    select policy
      from guard_policies
     where pool_id = ${poolId}`)
  return row?.policy
}

export const upsertPolicy = (db: Queryable, given: { poolId: string; policy: object; now: Date }) =>
  db.query(sql`
    insert into guard_policies (pool_id, policy, updated_at)
    values (${given.poolId}, ${JSON.stringify(given.policy)}::jsonb, ${given.now})
    on conflict (pool_id) do update
       set policy = excluded.policy,
           updated_at = excluded.updated_at`)

/** The kind of the provider that the policy asks about numbers; undefined: there is no such provider. */
export const selectLookupKind = async (
  db: Queryable,
  poolId: string,
  { lookup }: GuardPolicy,
): Promise<string | undefined> => {
  if (lookup === null) return undefined
  const [row] = await db.query<{ kind: string }>(sql`
    select kind
      from sms_providers
     where pool_id = ${poolId}
       and name = ${lookup.provider}`)
  return row?.kind
}

/** What is used of limits whose windows are open, over all shards, and when the first of them closes. */
export const selectUsed = (db: Queryable, given: { poolId: string; keys: readonly string[]; now: Date }) =>
  db.query<{ key: string; used: string | number; resets_at: Date }>(sql`
    select key, sum(used) as used, min(resets_at) as resets_at
      from limit_counters
     where pool_id = ${given.poolId}
       and key = any (${[...given.keys]}::text[])
       and resets_at > ${given.now}
     group by key`)

export type TestNumberRow = { phone: string; sealed_code: string; expires_at: Date }

export const selectTestNumbers = (db: Queryable, poolId: string) =>
  db.query<TestNumberRow>(sql`
    select phone, sealed_code, expires_at
      from test_numbers
     where pool_id = ${poolId}
     order by phone`)

export const upsertTestNumber = (
  db: Queryable,
  given: { poolId: string; phone: string; sealedCode: string; expiresAt: Date; now: Date },
) =>
  db.query(sql`
    insert into test_numbers (pool_id, phone, sealed_code, expires_at, created_at)
    values (${given.poolId}, ${given.phone}, ${given.sealedCode}, ${given.expiresAt}, ${given.now})
    on conflict (pool_id, phone) do update
       set sealed_code = excluded.sealed_code,
           expires_at = excluded.expires_at`)

/** All but these. */
export const deleteOtherTestNumbers = (db: Queryable, poolId: string, kept: readonly string[]) =>
  db.query<{ phone: string }>(sql`
    delete from test_numbers
     where pool_id = ${poolId}
       and not (phone = any (${[...kept]}::text[]))
    returning phone`)

export const deleteTestNumber = (db: Queryable, poolId: string, phone: string) =>
  db.query<{ phone: string }>(sql`
    delete from test_numbers
     where pool_id = ${poolId}
       and phone = ${phone}
    returning phone`)

export type LookupRow = { line_type: string | null; sim_swapped_at: Date | null }

export const selectLookup = async (
  db: Queryable,
  given: { poolId: string; fingerprint: string; since: Date },
): Promise<LookupRow | undefined> => {
  const [row] = await db.query<LookupRow>(sql`
    select line_type, sim_swapped_at
      from line_lookups
     where pool_id = ${given.poolId}
       and phone_fingerprint = ${given.fingerprint}
       and looked_up_at > ${given.since}`)
  return row
}

export const upsertLookup = (
  db: Queryable,
  given: {
    poolId: string
    fingerprint: string
    lineType: string | undefined
    simSwappedAt: Date | undefined
    now: Date
  },
) =>
  db.query(sql`
    insert into line_lookups (pool_id, phone_fingerprint, line_type, sim_swapped_at, looked_up_at)
    values (
      ${given.poolId}, ${given.fingerprint}, ${given.lineType ?? null}, ${given.simSwappedAt ?? null}, ${given.now}
    )
    on conflict (pool_id, phone_fingerprint) do update
       set line_type = excluded.line_type,
           sim_swapped_at = excluded.sim_swapped_at,
           looked_up_at = excluded.looked_up_at`)

export const deleteOldLookups = (db: Queryable, before: Date) =>
  db.query(sql`
    delete from line_lookups
     where looked_up_at < ${before}`)
