// How often an account may be changed in ways that cost nobody a code by SMS, while each is told by SMS.
//
// What must stay true: who makes changes for the sake of their notices pumps messages at the operator's cost (rules 20
// and 22); a change that is refused counts for nothing, and one that is made is counted in its transaction, so that calls
// at the same time are never more than the limit; resets of a password are counted apart, because a thief with a session
// could spend the rest and so keep the owner from the way back (rule 8).
import { ApiError } from '../api-codes.ts'
import type { Config } from '../config.ts'
import { type Clock, secondsUntil } from '../core/clock.ts'
import { type Counter, spentUntil, takeOne } from '../core/counters.ts'
import type { Database, Queryable } from '../core/database.ts'

export type Changed = {
  poolId: string
  userId: string
  /** Made by who is signed in, or by who has read a code. */
  by: 'session' | 'reset'
}

const keys = { session: 'account_changes', reset: 'account_resets' } as const

type Deps = { db: Database; clock: Clock; config: Pick<Config, 'limits'> }

export const createChanges = ({ db, clock, config }: Deps) => {
  const counterOf = ({ poolId, userId, by }: Changed): Counter => {
    const { count, windowSeconds } = config.limits.accountChangesHour
    return { poolId, key: `${keys[by]}:${userId}`, count, windowSeconds, now: clock.now() }
  }

  const spent = (until: Date): ApiError =>
    new ApiError('sms_limit_reached', 'the account was changed too often in an hour', {
      retryAfterSeconds: secondsUntil(clock.now(), until),
    })

  return {
    /** Before anything is judged or counted. Not inside a transaction. @throws ApiError sms_limit_reached */
    requireChangesLeft: async (changed: Changed): Promise<void> => {
      const until = await spentUntil(db, counterOf(changed))
      if (until !== undefined) throw spent(until)
    },

    /** Counts a change, in its transaction. The refusal, where others took the last ones at the same instant. */
    takeChange: async (changed: Changed, tx: Queryable): Promise<ApiError | undefined> => {
      const until = await takeOne(tx, counterOf(changed))
      return until === undefined ? undefined : spent(until)
    },
  }
}
