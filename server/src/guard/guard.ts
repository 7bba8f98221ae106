// The guard against fraud: who may be sent to, how much, and when to stop. It learns from the codes that come back
// which numbers nobody reads, and holds the money together.
//
// What must stay true: its limits are counted and its verdict is read in the statement that issues the code (rule 20,
// rule 22); what it refuses does not depend on whether anybody has the number (rule 10); the inbox, which costs nothing
// and reaches nobody, is not guarded.
import { type ApiCodeName, ApiError } from '../api-codes.ts'
import type { Application } from '../applications/applications.ts'
import type { Audit } from '../audit/audit.ts'
import type { Config } from '../config.ts'
import {
  type Conversions,
  conversionHalfLifeSeconds,
  prefixKeys,
  providerKey,
} from '../conversions/conversions.ts'
import { type Clock, secondsAfter } from '../core/clock.ts'
import { randomInteger } from '../core/crypto.ts'
import type { Database, Queryable, Sql } from '../core/database.ts'
import { fieldsInvalid } from '../core/faults.ts'
import type { Log } from '../core/log.ts'
import { wideNetworkOf } from '../core/network.ts'
import type { Messages } from '../messages/messages.ts'
import type { CountedLimit, IssueGate } from '../passcodes/passcodes.ts'
import { type E164, maskPhone, numberTypeOf, prefixesOf } from '../phone-numbers/phone-numbers.ts'
import { createBudget, moneyLimits } from './budget.ts'
import { defaultPolicy, faultsOfLookup, faultsOfPolicy, type GuardPolicy } from './policy.ts'
import { createRefuser } from './refuser.ts'
import {
  deleteOldLookups,
  selectLookupKind,
  selectPolicy,
  selectUsed,
  selectVerdict,
  upsertPolicy,
} from './store.ts'

export { isBudget } from './budget.ts'
export { createLineLookups, type LineLookups } from './line-lookups.ts'
export { defaultPolicy, GuardPolicy } from './policy.ts'
export {
  createTestNumbers,
  TestNumber,
  type TestNumbers,
  testNumberProvider,
} from './test-numbers.ts'

/** How long a person may take to type a code before the message counts as one whose code did not come back. */
export const codeReturnSeconds = 90

/** Each level starts as if ten codes had been sent and half of them had come back. */
const prior = 10

/** Counters that all messages of a pool share are split, so that they do not wait for one row. */
const poolShards = 16

const cacheSeconds = 5
const countedAtOnce = 500

export type GuardedRequest = {
  application: Application
  phone: E164
  ip: string
  /** What the message costs by the first step of its route; a try that costs more takes the rest before it starts. */
  priceMicros: number
  captchaSolved: boolean
}

/** What the checks before found, where the policy only observes. */
export type GuardNote = ApiCodeName | undefined

type Deps = {
  db: Database
  conversions: Conversions
  messages: Messages
  audit: Audit
  clock: Clock
  config: Pick<Config, 'limits'>
  log: Log
}

export const createGuard = ({ db, conversions, messages, audit, clock, config, log }: Deps) => {
  const { limits } = config
  const cache = new Map<string, { policy: GuardPolicy; until: number }>()

  const storedPolicy = async (poolId: string, tx: Queryable = db): Promise<GuardPolicy> => ({
    ...defaultPolicy,
    ...((await selectPolicy(tx, poolId)) as Partial<GuardPolicy>),
  })

  const policyOf = async (poolId: string): Promise<GuardPolicy> => {
    const now = clock.now().getTime()
    const cached = cache.get(poolId)
    if (cached !== undefined && cached.until > now) return cached.policy
    const policy = await storedPolicy(poolId)
    cache.set(poolId, { policy, until: now + cacheSeconds * 1000 })
    return policy
  }

  const refuse = createRefuser(log)

  const countedLimits = (policy: GuardPolicy, request: GuardedRequest): CountedLimit[] => {
    const { region, range } = prefixesOf(request.phone)
    const common = {
      perAudience: false,
      shard: 0,
      amount: 1,
      enforced: policy.mode === 'enforce',
    }
    const ofPool = { ...common, shard: randomInteger(poolShards) }
    const regionCount = policy.regionMessagesPerHour[region] ?? limits.messagesPerRegionHour.count
    return [
      {
        ...common,
        key: `messages_network:${wideNetworkOf(request.ip)}`,
        ...limits.messagesPerNetworkHour,
      },
      { ...common, key: `messages_prefix:${range}`, ...limits.messagesPerPrefixHour },
      { ...ofPool, key: `messages_region:${region}`, ...limits.messagesPerRegionHour, count: regionCount },
      { ...ofPool, key: 'messages_pool', ...limits.messagesPerPoolHour },
      ...moneyLimits(policy, request.priceMicros),
    ]
  }

  const verdictOf = (policy: GuardPolicy, given: { poolId: string; phone: E164; now: Date }): Sql => {
    const { poolId, phone, now } = given
    const { range, operator, region } = prefixKeys(phone)
    return selectVerdict({
      poolId,
      // A whole country is challenged but never blocked: it has honest people whoever else calls from it.
      levels: [
        { key: range, mayBlock: true },
        { key: operator, mayBlock: true },
        { key: region, mayBlock: false },
      ],
      ...policy.conversion,
      prior,
      halfLifeSeconds: conversionHalfLifeSeconds,
      now,
    })
  }

  const gateOf = (policy: GuardPolicy, request: GuardedRequest, note: GuardNote): IssueGate => ({
    verdict: (now) => verdictOf(policy, { poolId: request.application.poolId, phone: request.phone, now }),
    refused: policy.mode === 'enforce' ? refusedVerdicts(request) : [],
    note,
  })

  const verdictNow = async (policy: GuardPolicy, poolId: string, phone: E164): Promise<Verdict> => {
    const [row] = await db.query<{ verdict: string }>(verdictOf(policy, { poolId, phone, now: clock.now() }))
    return (row?.verdict ?? 'open') as Verdict
  }

  return {
    ...createBudget({ db, audit, clock, log, policyOf, storedPolicy }),

    policyOf,

    /** The policy as it stands in the database. */
    storedPolicy,

    /** After a transaction that changed the policy: what is kept in memory is read anew. */
    forget: (poolId: string): void => {
      cache.delete(poolId)
    },

    /** @throws ApiError request_invalid naming every field */
    putPolicy: async (poolId: string, policy: GuardPolicy, tx: Queryable = db): Promise<void> => {
      const faults = [
        ...faultsOfPolicy(policy),
        ...faultsOfLookup(policy, await selectLookupKind(tx, poolId, policy)),
      ]
      if (faults.length > 0) throw fieldsInvalid(faults)
      await upsertPolicy(tx, { poolId, policy, now: clock.now() })
      cache.delete(poolId)
    },

    /** @throws ApiError region_not_allowed, phone_type_not_allowed */
    requireAllowedNumber: (policy: GuardPolicy, phone: E164): GuardNote => {
      const refusal = refusalOfNumber(policy, phone)
      return refusal === undefined ? undefined : refuse(policy, refusal)
    },

    /** Whether the guard would stop a request as things stand: then nobody is paid to look its number up. */
    wouldStop: async (policy: GuardPolicy, request: GuardedRequest): Promise<boolean> => {
      const { poolId } = request.application
      const wanted = countedLimits(policy, request)
      const used = await selectUsed(db, { poolId, keys: wanted.map(({ key }) => key), now: clock.now() })
      const isOver = wanted.some(
        ({ key, amount, count }) => Number(used.find((one) => one.key === key)?.used ?? 0) + amount > count,
      )
      return isOver || refusedVerdicts(request).includes(await verdictNow(policy, poolId, request.phone))
    },

    /** What would become of a message to a number now, were it asked for; nothing is counted, nobody is asked. */
    judge: async (poolId: string, phone: E164) => {
      const policy = await policyOf(poolId)
      const { conversion, mode } = policy
      const refusal = refusalOfNumber(policy, phone)
      return {
        mode,
        verdict: await verdictNow(policy, poolId, phone),
        ...(refusal === undefined ? {} : { refusal: refusal.code, reason: refusal.reason }),
        ...conversion,
      }
    },

    /** The busiest keys, each with its rate and what it makes the gate say; a provider's rate only orders routes. */
    listRates: async (poolId: string) => {
      const { conversion } = await policyOf(poolId)
      return (await conversions.list(poolId)).map(({ key, sent, verified }) => {
        const rate = (verified + prior / 2) / (sent + prior)
        const [level = ''] = key.split(':')
        return { key, sent, verified, rate, verdict: verdictOfRate(level, rate, conversion) }
      })
    },

    /** What the statement that issues the code counts and checks for the guard. */
    terms: (
      policy: GuardPolicy,
      request: GuardedRequest,
      note: GuardNote,
    ): { limits: CountedLimit[]; gate?: IssueGate } =>
      policy.mode === 'off'
        ? { limits: [] }
        : { limits: countedLimits(policy, request), gate: gateOf(policy, request, note) },

    /** @throws ApiError captcha_required, region_not_allowed where the gate refused */
    requireOpen: (policy: GuardPolicy, phone: E164, verdict: string, captchaSolved: boolean): void => {
      if (verdict === 'blocked') {
        refuse(policy, new ApiError('region_not_allowed', `too few codes come back from ${maskPhone(phone)}`))
      }
      if (verdict === 'challenged' && !captchaSolved) {
        refuse(policy, new ApiError('captcha_required', `few codes come back from ${maskPhone(phone)}`))
      }
    },

    /** Counts the messages whose codes have had time to come back; called every few seconds by every process. */
    countMature: async (): Promise<number> =>
      db.transaction(async (tx) => {
        const mature = await messages.takeMature(tx, countedAtOnce)
        const byPool = new Map<string, Map<string, number>>()
        for (const { pool_id: poolId, recipient, provider, region } of mature) {
          const counts = byPool.get(poolId) ?? new Map<string, number>()
          byPool.set(poolId, counts)
          const keys: string[] = Object.values(prefixKeys(recipient))
          if (provider !== null && region !== null) keys.push(providerKey(provider, region))
          for (const key of keys) counts.set(key, (counts.get(key) ?? 0) + 1)
        }
        for (const [poolId, counts] of byPool) await conversions.countSent(poolId, counts, tx)
        return mature.length
      }),

    deleteOld: async (): Promise<void> => {
      await deleteOldLookups(db, secondsAfter(clock.now(), -7 * 86_400))
    },
  }
}

export type Guard = ReturnType<typeof createGuard>

export type Verdict = 'open' | 'challenged' | 'blocked'

const refusedVerdicts = ({ captchaSolved }: GuardedRequest): Verdict[] =>
  captchaSolved ? ['blocked'] : ['blocked', 'challenged']

const refusalOfNumber = (policy: GuardPolicy, phone: E164): ApiError | undefined => {
  const { region } = prefixesOf(phone)
  const { allowedRegions, deniedRegions, refusedNumberTypes } = policy
  if (deniedRegions.includes(region) || allowedRegions?.includes(region) === false) {
    return new ApiError('region_not_allowed', `the policy does not send to ${region}`)
  }
  const type = numberTypeOf(phone)
  if (!refusedNumberTypes.includes(type)) return undefined
  return new ApiError('phone_type_not_allowed', `the policy refuses ${type}`)
}

/** As `selectVerdict` judges one level. */
const verdictOfRate = (
  level: string,
  rate: number,
  { challengeBelow, blockBelow }: GuardPolicy['conversion'],
): Verdict | undefined => {
  if (level === 'provider') return undefined
  if (level !== 'region' && rate < blockBelow) return 'blocked'
  return rate < challengeBelow ? 'challenged' : 'open'
}
