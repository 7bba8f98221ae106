// Counters in the database: how often something happened in a window that began with its first time. Shared by all
// server processes; every count is one upsert with its own bound, so that parallel requests never exceed it.
import { named, type Queryable, type Sql, sql } from './database.ts'

/** The end of an `insert into limit_counters`: starts a window or counts on, and stops at the bound. */
export const countOn = (now: Date, bound: Sql): Sql => sql`
  on conflict (pool_id, key, shard) do update
     set used = case
           when limit_counters.resets_at <= ${named({ now })} then excluded.used
           else limit_counters.used + excluded.used
         end,
         resets_at = case
           when limit_counters.resets_at <= ${named({ now })} then excluded.resets_at
           else limit_counters.resets_at
         end
   where limit_counters.resets_at <= ${named({ now })}
      or limit_counters.used + excluded.used <= ${bound}`

export type Counter = { poolId: string; key: string; count: number; windowSeconds: number; now: Date }

/** What was taken: `amount` is 1 where units are counted, else millionths of money. */
export type Taken = { poolId: string; key: string; shard?: number; amount?: number }

/** Takes one unit; answers when the window resets if none was left, else undefined. */
export const takeOne = async (db: Queryable, counter: Counter): Promise<Date | undefined> => {
  const { poolId, key, now } = counter
  const [row] = await db.query<{ taken: boolean; resets_at: Date | null }>(sql`
    with taken as (
      insert into limit_counters (pool_id, key, shard, used, resets_at)
      values (
        ${named({ poolId })}, ${named({ key })}, 0, 1,
        ${named({ now })}::timestamptz + make_interval(secs => ${counter.windowSeconds}::integer)
      )
      ${countOn(now, sql`${counter.count}`)}
      returning 1
    )
    select exists (select from taken) as taken,
           (select resets_at from limit_counters where pool_id = ${named({ poolId })} and key = ${named({ key })} and shard = 0) as resets_at`)
  return row?.taken === true ? undefined : (row?.resets_at ?? now)
}

/** When the window of a counter resets that has no unit left, else undefined; nothing is taken. */
export const spentUntil = async (db: Queryable, counter: Counter): Promise<Date | undefined> => {
  const [row] = await db.query<{ resets_at: Date }>(sql`
    select resets_at
      from limit_counters
     where pool_id = ${counter.poolId}
       and key = ${counter.key}
       and shard = 0
       and used >= ${counter.count}
       and resets_at > ${counter.now}`)
  return row?.resets_at
}

/** Gives back what was taken for something that then did not happen. */
export const giveBack = async (
  db: Queryable,
  { poolId, key, shard = 0, amount = 1 }: Taken,
): Promise<void> => {
  await db.query(sql`
    update limit_counters
       set used = greatest(0, used - ${amount}::bigint)
     where pool_id = ${named({ poolId })}
       and key = ${named({ key })}
       and shard = ${shard}::smallint`)
}

/** Counters whose window closed long ago. */
export const deleteOldCounters = async (db: Queryable, before: Date): Promise<void> => {
  await db.query(sql`
    delete from limit_counters
     where resets_at < ${before}`)
}
