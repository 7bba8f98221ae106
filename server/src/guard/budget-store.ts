import { countOn } from '../core/counters.ts'
import { join, named, type Queryable, type Sql, sql } from '../core/database.ts'
import type { CountedLimit } from '../passcodes/passcodes.ts'

/** More than anything is counted to. */
const noBound = 9_000_000_000_000_000

/**
 * Takes an amount of every limit, or of none. `taken` are the keys that were charged: fewer than all also where a race
 * for the last of one was lost; `spent` is the first that had no room.
 */
export const takeMoney = async (
  db: Queryable,
  given: { poolId: string; limits: readonly CountedLimit[]; now: Date },
): Promise<{ taken: string[]; spent: string | null }> => {
  const { poolId, now } = given
  const [row] = await db.query<{ taken: string[]; spent: string | null }>(sql`
    with wanted as (
      select position, key, shard, amount, max_count, window_seconds, enforced
        from (values ${join(given.limits.map(limitRow))})
             as limits (position, key, shard, amount, max_count, window_seconds, enforced)
    ),
    spent as (
      select wanted.position, wanted.key
        from wanted
        left join limit_counters
          on limit_counters.pool_id = ${named({ poolId })}
         and limit_counters.key = wanted.key
         and limit_counters.resets_at > ${named({ now })}
       where wanted.enforced
       group by wanted.position, wanted.key, wanted.amount, wanted.max_count
      having coalesce(sum(limit_counters.used), 0) + wanted.amount > wanted.max_count
    ),
    taken as (
      insert into limit_counters (pool_id, key, shard, used, resets_at)
      select ${named({ poolId })}::uuid, key, shard, amount, ${named({ now })}::timestamptz + make_interval(secs => window_seconds)
        from wanted
       where not exists (select from spent)
       order by position
      ${countOn(
        now,
        sql`(select case when enforced then max_count else ${noBound}::bigint end
               from wanted
              where wanted.key = limit_counters.key)`,
      )}
      returning key
    )
    select array(select key from taken) as taken,
           (select key from spent order by position limit 1) as spent`)
  if (row === undefined) throw new Error('a select without from gave no row')
  return row
}

const limitRow = (limit: CountedLimit, index: number): Sql => sql`
  (${index + 1}::integer, ${limit.key}::text, ${limit.shard}::smallint, ${limit.amount}::bigint,
   ${limit.count}::bigint, ${limit.windowSeconds}::integer, ${limit.enforced}::boolean)`
