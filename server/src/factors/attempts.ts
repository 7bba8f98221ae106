// Attempts at the code of an authenticator app and at the recovery code: few of an account in an hour.
//
// What must stay true: an attempt is counted before anything is compared, in the transaction that spends the code, so
// that parallel guesses are never more than the limit (rule 5); a right one costs nothing, and resets nothing (rule 7).
import { ApiError } from '../api-codes.ts'
import type { Config } from '../config.ts'
import { type Clock, secondsUntil } from '../core/clock.ts'
import { giveBack, takeOne } from '../core/counters.ts'
import type { Database, Queryable } from '../core/database.ts'

type Deps = { db: Database; clock: Clock; config: Pick<Config, 'limits'> }

export const createAttempts = ({ db, clock, config }: Deps) => ({
  /**
   * Whether `spend` accepted the code; what it did is kept only then, but the attempt always.
   * @throws ApiError passcode_attempts_exceeded, with `retryAfterSeconds`
   */
  attempt: async (
    { poolId, userId }: { poolId: string; userId: string },
    spend: (tx: Queryable) => Promise<boolean>,
  ): Promise<boolean> => {
    const key = `factor_failures:${userId}`
    const outcome = await db.transaction(async (tx) => {
      const now = clock.now()
      const spentUntil = await takeOne(tx, { poolId, key, ...config.limits.factorFailuresHour, now })
      if (spentUntil !== undefined) return { spentUntil }
      const accepted = await spend(tx)
      if (accepted) await giveBack(tx, { poolId, key })
      return { accepted }
    })
    if (outcome.spentUntil === undefined) return outcome.accepted
    const retryAfterSeconds = secondsUntil(clock.now(), outcome.spentUntil)
    throw new ApiError('passcode_attempts_exceeded', 'too many wrong codes', { retryAfterSeconds })
  },
})

export type Attempts = ReturnType<typeof createAttempts>
