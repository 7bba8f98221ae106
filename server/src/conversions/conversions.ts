// How many of the codes that were sent came back: of a range of numbers, an operator, a region, and of each provider
// in a region. The guard learns from it which numbers nobody reads, the routes which provider arrives.
//
// What must stay true: a message counts as sent only when its code has had time to come back, so that a burst of
// honest people does not look like an attack; both counts decay by half in the same time, so that the rate follows
// what happens now; a code that comes back pays for every message that carried it, and for one provider.
import type { Clock } from '../core/clock.ts'
import { secondsAfter } from '../core/clock.ts'
import { randomInteger } from '../core/crypto.ts'
import type { Database, Queryable, Sql } from '../core/database.ts'
import { type E164, prefixesOf } from '../phone-numbers/phone-numbers.ts'
import {
  addSent,
  deleteOldConversions,
  insertVerifiedFrom,
  listRates,
  readRates,
  type Tally,
} from './store.ts'

export { type RateRow, selectRates } from './store.ts'

/** Long enough to remember an attack through a night, short enough to forgive a prefix within a day. */
export const conversionHalfLifeSeconds = 6 * 3600

/** Very many messages share a region or a provider: so that they do not wait for one row. */
const shards = 8

export type PrefixKeys = { range: string; operator: string; region: string }

/** The keys under which a number is counted, from the narrowest. */
export const prefixKeys = (phone: E164): PrefixKeys => {
  const { range, operator, region } = prefixesOf(phone)
  return { range: `range:${range}`, operator: `operator:${operator}`, region: `region:${region}` }
}

export const providerKey = (provider: string, region: string): string => `provider:${provider}:${region}`

export const createConversions = ({ db, clock }: { db: Database; clock: Clock }) => {
  const tally = (poolId: string): Omit<Tally, 'keys'> => ({
    poolId,
    shard: randomInteger(shards),
    halfLifeSeconds: conversionHalfLifeSeconds,
    now: clock.now(),
  })

  return {
    /** Counts messages that were sent a while ago, in the transaction that marks them as counted. */
    countSent: async (poolId: string, counts: ReadonlyMap<string, number>, tx: Queryable): Promise<void> => {
      await addSent(tx, { ...tally(poolId), counts })
    },

    rates: (poolId: string, keys: readonly string[]) =>
      readRates(db, { poolId, keys, now: clock.now(), halfLifeSeconds: conversionHalfLifeSeconds }),

    /** The busiest keys of a pool. */
    list: (poolId: string) =>
      listRates(db, { poolId, now: clock.now(), halfLifeSeconds: conversionHalfLifeSeconds, limit: 500 }),

    /** Deletes what has decayed to nothing. */
    deleteOld: async (): Promise<void> => {
      await deleteOldConversions(db, secondsAfter(clock.now(), -16 * conversionHalfLifeSeconds))
    },
  }
}

/** Part of the statement that verifies a code: counts the messages of `source` as come back. */
export const verifiedFrom = (
  source: Sql,
  given: { poolId: string; phone: E164; now: Date; inboxProvider: string },
): Sql =>
  insertVerifiedFrom(
    source,
    {
      poolId: given.poolId,
      keys: Object.values(prefixKeys(given.phone)),
      shard: randomInteger(shards),
      halfLifeSeconds: conversionHalfLifeSeconds,
      now: given.now,
    },
    given.inboxProvider,
  )

export type Conversions = ReturnType<typeof createConversions>
