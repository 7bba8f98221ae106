import { join, named, type Queryable, type Sql, sql } from '../core/database.ts'

/** What is left of a decaying value by now: half after each half-life. A clock that ran back makes nothing grow. */
const decay = (now: Date, halfLifeSeconds: number): Sql => sql`
  power(
    0.5,
    greatest(0, extract(epoch from (${named({ now })}::timestamptz - conversions.decayed_at))::double precision)
      / ${named({ halfLifeSeconds })}::double precision
  )`

/** The end of an `insert into conversions`: decays what stands there, and adds. */
const addOn = (now: Date, halfLifeSeconds: number): Sql => sql`
  on conflict (pool_id, key, shard) do update
     set sent = conversions.sent * ${decay(now, halfLifeSeconds)} + excluded.sent,
         verified = conversions.verified * ${decay(now, halfLifeSeconds)} + excluded.verified,
         decayed_at = greatest(conversions.decayed_at, excluded.decayed_at)`

export type Tally = {
  poolId: string
  keys: readonly string[]
  /** Many writers share a key, and each picks a shard at random. */
  shard: number
  halfLifeSeconds: number
  now: Date
}

const keyRows = (keys: readonly string[]): Sql => sql`
  (values ${join(keys.map((key) => sql`(${named({ [`conversion ${key}`]: key })}::text)`))}) as tallied (key)`

/**
 * Counts what came back: for each key of the number every message that carried the code, and for the provider the one
 * that was read: the newest that is known to have been delivered, else the newest. `source` gives the verified messages
 * with `id`, `provider`, `region` and `state`; those of the inbox count for nothing.
 */
export const insertVerifiedFrom = (
  source: Sql,
  { poolId, keys, shard, halfLifeSeconds, now }: Tally,
  inboxProvider: string,
): Sql => sql`
  insert into conversions (pool_id, key, shard, sent, verified, decayed_at)
  select ${named({ poolId })}::uuid, came_back.key, ${shard}::smallint, 0, count(*), ${named({ now })}::timestamptz
    from (
      select tallied.key
        from ${source}, ${keyRows(keys)}
       where provider is not null
         and provider <> ${inboxProvider}
       union all
      (select 'provider:' || provider || ':' || region as key
         from ${source}
        where provider is not null
          and provider <> ${inboxProvider}
          and region is not null
        order by state = 'delivered' desc, id desc
        limit 1)
    ) as came_back
   group by came_back.key
   order by came_back.key
  ${addOn(now, halfLifeSeconds)}`

/** Rows of key, sent and verified, decayed to now, for those keys that have any. */
export const selectRates = (
  poolId: string,
  keys: readonly string[],
  now: Date,
  halfLifeSeconds: number,
): Sql => sql`
  select conversions.key,
         sum(conversions.sent * ${decay(now, halfLifeSeconds)}) as sent,
         sum(conversions.verified * ${decay(now, halfLifeSeconds)}) as verified
    from conversions, ${keyRows(keys)}
   where conversions.pool_id = ${named({ poolId })}
     and conversions.key = tallied.key
   group by conversions.key`

export type RateRow = { key: string; sent: number; verified: number }

export const readRates = (
  db: Queryable,
  given: { poolId: string; keys: readonly string[]; now: Date; halfLifeSeconds: number },
) =>
  given.keys.length === 0
    ? Promise.resolve([])
    : db.query<RateRow>(selectRates(given.poolId, given.keys, given.now, given.halfLifeSeconds))

/** Counts messages, so many for each key; ordered by key, so that none deadlock. */
export const addSent = (
  db: Queryable,
  given: Omit<Tally, 'keys'> & { counts: ReadonlyMap<string, number> },
) =>
  db.query(sql`
    insert into conversions (pool_id, key, shard, sent, verified, decayed_at)
    select ${named({ poolId: given.poolId })}::uuid, key, ${given.shard}::smallint, count, 0, ${named({ now: given.now })}::timestamptz
      from unnest(${[...given.counts.keys()]}::text[], ${[...given.counts.values()]}::double precision[])
           as counted (key, count)
     order by key
    ${addOn(given.now, given.halfLifeSeconds)}`)

/** Those with the most traffic first. */
export const listRates = (
  db: Queryable,
  given: { poolId: string; now: Date; halfLifeSeconds: number; limit: number },
) =>
  db.query<RateRow>(sql`
    select conversions.key,
           sum(conversions.sent * ${decay(given.now, given.halfLifeSeconds)}) as sent,
           sum(conversions.verified * ${decay(given.now, given.halfLifeSeconds)}) as verified
      from conversions
     where conversions.pool_id = ${given.poolId}
     group by conversions.key
    having sum(conversions.sent * ${decay(given.now, given.halfLifeSeconds)}) >= 0.5
     order by sent desc, conversions.key
     limit ${given.limit}`)

export const deleteOldConversions = (db: Queryable, before: Date) =>
  db.query(sql`
    delete from conversions
     where decayed_at < ${before}`)
