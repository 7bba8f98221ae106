// The budget in money: what the messages of a pool may cost in an hour and in a day.
//
// What must stay true: every try of a provider has its price in the counters before the provider is called, so that no
// order of steps and no resend gets past the budget; only what certainly went to nobody is given back; a notice is
// counted and never refused, or who spends the budget could silence it.
import type { Audit } from '../audit/audit.ts'
import type { Clock } from '../core/clock.ts'
import { giveBack, takeOne } from '../core/counters.ts'
import type { Database, Queryable } from '../core/database.ts'
import type { Log } from '../core/log.ts'
import { microsOf } from '../core/money.ts'
import type { CountedLimit } from '../passcodes/passcodes.ts'
import { takeMoney } from './budget-store.ts'
import type { GuardPolicy } from './policy.ts'
import { selectUsed } from './store.ts'

const budgetKeys = { hour: 'budget_hour', day: 'budget_day' } as const

/** The limits of money by their names in the log and in the policy. */
export const isBudget = (setting: string): boolean => setting.startsWith('budget.')

/**
 * What an amount takes of the budget of an hour and of a day. One row each for a whole pool, and not split as the counts
 * of messages are: each part would hold what is asked for at once to the bound of all of them.
 */
export const moneyLimits = ({ budget, mode }: GuardPolicy, micros: number): [CountedLimit, CountedLimit] => {
  const common = { perAudience: false, shard: 0, amount: micros, enforced: mode === 'enforce' }
  return [
    {
      ...common,
      key: budgetKeys.hour,
      setting: 'budget.perHour',
      count: microsOf(budget.perHour),
      windowSeconds: 3600,
    },
    {
      ...common,
      key: budgetKeys.day,
      setting: 'budget.perDay',
      count: microsOf(budget.perDay),
      windowSeconds: 86_400,
    },
  ]
}

export type Payment = { poolId: string; micros: number }

type Deps = {
  db: Database
  audit: Audit
  clock: Clock
  log: Log
  policyOf(poolId: string): Promise<GuardPolicy>
  storedPolicy(poolId: string, tx: Queryable): Promise<GuardPolicy>
}

export const createBudget = ({ db, audit, clock, log, policyOf, storedPolicy }: Deps) => {
  const giveBackAll = async (poolId: string, taken: readonly CountedLimit[]): Promise<void> => {
    for (const limit of taken) await giveBack(db, { poolId, ...limit })
  }

  return {
    /**
     * Takes the price of a try before its provider is called. The setting that is spent, where the budget has no room
     * for it and the policy enforces: then nothing was taken.
     */
    pay: async ({ poolId, micros }: Payment): Promise<string | undefined> => {
      const policy = await policyOf(poolId)
      if (policy.mode === 'off' || micros <= 0) return undefined
      const limits = moneyLimits(policy, micros)
      const { taken, spent } = await takeMoney(db, { poolId, limits, now: clock.now() })
      if (taken.length === limits.length) return undefined
      // Of two requests that raced at the edge, one got the hour and the other the day.
      await giveBackAll(
        poolId,
        limits.filter(({ key }) => taken.includes(key)),
      )
      return limits.find(({ key }) => key === spent)?.setting ?? 'budget.perHour'
    },

    /** Of what was taken for a message: what no provider got. */
    refund: async ({ poolId, micros }: Payment): Promise<void> => {
      const policy = await policyOf(poolId)
      if (policy.mode === 'off' || micros <= 0) return
      await giveBackAll(poolId, moneyLimits(policy, micros))
    },

    /**
     * Counts what is spent all the same, and refuses nothing: the price of a notice.
     */
    addSpending: async (
      { poolId, priceMicros }: { poolId: string; priceMicros: number },
      tx: Queryable = db,
    ): Promise<void> => {
      const policy = await storedPolicy(poolId, tx)
      if (policy.mode === 'off' || priceMicros <= 0) return
      const limits = moneyLimits({ ...policy, mode: 'observe' }, priceMicros)
      await takeMoney(tx, { poolId, limits, now: clock.now() })
    },

    /** What of the budget is used, and when the first of what was counted is forgotten. */
    spending: async (poolId: string) => {
      const { budget } = await policyOf(poolId)
      const used = await selectUsed(db, { poolId, keys: Object.values(budgetKeys), now: clock.now() })
      const of = (key: string) => {
        const row = used.find((one) => one.key === key)
        return { usedMicros: Number(row?.used ?? 0), resetsAt: row?.resets_at }
      }
      return { budget, hour: of(budgetKeys.hour), day: of(budgetKeys.day) }
    },

    /** The budget is spent: told once a window, by whichever process meets it first. */
    raiseAlarm: async (
      { poolId, applicationId }: { poolId: string; applicationId: string },
      setting: string,
    ): Promise<void> => {
      const window = setting === 'budget.perHour' ? ('perHour' as const) : ('perDay' as const)
      const isToldAlready = await takeOne(db, {
        poolId,
        key: `alarm:${setting}`,
        count: 1,
        windowSeconds: window === 'perHour' ? 3600 : 86_400,
        now: clock.now(),
      })
      if (isToldAlready !== undefined) return
      const { budget, mode } = await policyOf(poolId)
      const detail = { window, limit: budget[window], currency: budget.currency }
      log.error({ poolId, ...detail }, alarmWords[mode])
      await audit.record(poolId, { type: 'sms_budget.exhausted', applicationId, detail })
    },
  }
}

export type Budget = ReturnType<typeof createBudget>

const alarmWords = {
  enforce: 'the SMS budget is spent: no code that costs money is sent',
  observe: 'the SMS budget is spent: messages go on, because the guard only observes',
  off: 'the SMS budget was spent before the guard was switched off',
} as const satisfies Record<GuardPolicy['mode'], string>
