// What a lookup service says of a number: the kind of line, and when its SIM was last swapped.
//
// What must stay true: a service that does not answer stops nobody; each question costs money, so that questions are
// limited too; a number is asked for once a day at most, and is kept only as its keyed fingerprint (rule 12).
import { ApiError } from '../api-codes.ts'
import type { Config } from '../config.ts'
import { type Clock, secondsAfter, secondsUntil } from '../core/clock.ts'
import { takeOne } from '../core/counters.ts'
import type { Keyring } from '../core/crypto.ts'
import type { Database } from '../core/database.ts'
import type { Log } from '../core/log.ts'
import { networkOf } from '../core/network.ts'
import { type E164, maskPhone } from '../phone-numbers/phone-numbers.ts'
import type { Providers } from '../providers/providers.ts'
import type { GuardPolicy } from './policy.ts'
import { createRefuser } from './refuser.ts'
import { selectLookup, upsertLookup } from './store.ts'

const keptSeconds = 86_400
const answerMilliseconds = 2000

type Deps = {
  db: Database
  providers: Providers
  keyring: Keyring
  clock: Clock
  config: Pick<Config, 'limits'>
  log: Log
}

type Question = { poolId: string; policy: GuardPolicy; phone: E164; ip: string }
type Line = { lineType: string | undefined; simSwappedAt: Date | undefined }

export const createLineLookups = ({ db, providers, keyring, clock, config, log }: Deps) => {
  const refuse = createRefuser(log)

  const ask = async (poolId: string, provider: string, phone: E164): Promise<Line | undefined> => {
    try {
      const connected = await providers.connected(poolId, provider)
      return await connected?.provider.lookUp?.(phone, AbortSignal.timeout(answerMilliseconds))
    } catch (error) {
      log.warn({ err: error, provider, phone: maskPhone(phone) }, 'a number could not be looked up')
      return undefined
    }
  }

  /** @throws ApiError sms_limit_reached */
  const count = async (poolId: string, ip: string): Promise<void> => {
    const now = clock.now()
    const counters = [
      { poolId, key: `lookups_ip:${networkOf(ip)}`, ...config.limits.lookupsPerIpHour, now },
      { poolId, key: 'lookups_pool', ...config.limits.lookupsPerPoolHour, now },
    ]
    for (const counter of counters) {
      const spentUntil = await takeOne(db, counter)
      if (spentUntil === undefined) continue
      const retryAfterSeconds = secondsUntil(now, spentUntil)
      throw new ApiError('sms_limit_reached', `${counter.setting} is spent`, { retryAfterSeconds })
    }
  }

  const lineOf = async ({ poolId, phone, ip }: Question, provider: string): Promise<Line | undefined> => {
    const now = clock.now()
    const fingerprint = keyring.fingerprint(phone)
    const known = await selectLookup(db, { poolId, fingerprint, since: secondsAfter(now, -keptSeconds) })
    if (known !== undefined) {
      return { lineType: known.line_type ?? undefined, simSwappedAt: known.sim_swapped_at ?? undefined }
    }
    await count(poolId, ip)
    const line = await ask(poolId, provider, phone)
    if (line !== undefined) await upsertLookup(db, { poolId, fingerprint, ...line, now })
    return line
  }

  return {
    /** @throws ApiError sms_limit_reached; phone_type_not_allowed, sim_swapped where the policy enforces */
    requireAllowedLine: async (question: Question): Promise<void> => {
      const { lookup, mode } = question.policy
      if (lookup === null || mode === 'off') return
      const line = await lineOf(question, lookup.provider)
      if (line === undefined) return
      if (line.lineType !== undefined && lookup.refusedLineTypes.includes(line.lineType)) {
        refuse(question.policy, new ApiError('phone_type_not_allowed', `the line is ${line.lineType}`))
      }
      const since = secondsAfter(clock.now(), -lookup.refuseSimSwappedHours * 3600)
      if (line.simSwappedAt !== undefined && line.simSwappedAt > since) {
        refuse(question.policy, new ApiError('sim_swapped', 'the SIM was swapped a short time ago'))
      }
    },
  }
}

export type LineLookups = ReturnType<typeof createLineLookups>
