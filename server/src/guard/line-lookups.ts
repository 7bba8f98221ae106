// What a lookup service says of a number: the kind of line, and when its SIM was last swapped.
//
// What must stay true: a service that does not answer, and a limit of questions that is spent, stop nobody; each
// question costs money, so that questions are limited, and only what the policy uses is asked for; a number is asked for
// once a day at most, and is kept only as its keyed fingerprint (rule 12).
import { type ApiCodeName, ApiError } from '../api-codes.ts'
import type { Config } from '../config.ts'
import { type Clock, secondsAfter } from '../core/clock.ts'
import { takeOne } from '../core/counters.ts'
import type { Keyring } from '../core/crypto.ts'
import type { Database } from '../core/database.ts'
import type { Log } from '../core/log.ts'
import { networkOf } from '../core/network.ts'
import { type E164, maskPhone } from '../phone-numbers/phone-numbers.ts'
import type { LineQuestion, Providers } from '../providers/providers.ts'
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
type Lookup = NonNullable<GuardPolicy['lookup']>

export const createLineLookups = ({ db, providers, keyring, clock, config, log }: Deps) => {
  const refuse = createRefuser(log)

  const ask = async (
    { poolId, phone }: Question,
    provider: string,
    wanted: LineQuestion,
  ): Promise<Line | undefined> => {
    try {
      const connected = await providers.connected(poolId, provider)
      return await connected?.provider.lookUp?.(phone, wanted, AbortSignal.timeout(answerMilliseconds))
    } catch (error) {
      log.warn({ err: error, provider, phone: maskPhone(phone) }, 'a number could not be looked up')
      return undefined
    }
  }

  /** False: the limit is spent. It is there to save money, and refuses nobody. */
  const mayAsk = async ({ poolId, ip }: Question): Promise<boolean> => {
    const now = clock.now()
    const counters = [
      { poolId, key: `lookups_ip:${networkOf(ip)}`, ...config.limits.lookupsPerIpHour, now },
      { poolId, key: 'lookups_pool', ...config.limits.lookupsPerPoolHour, now },
    ]
    for (const counter of counters) {
      if ((await takeOne(db, counter)) === undefined) continue
      log.warn({ poolId, limit: counter.setting }, 'the limit of lookups is spent: a number is not looked up')
      return false
    }
    return true
  }

  const lineOf = async (question: Question, lookup: Lookup): Promise<Line | undefined> => {
    const { poolId, phone } = question
    const wanted = wantedBy(lookup)
    const now = clock.now()
    // Of each question its own: what was not asked for is not known.
    const fingerprint = keyring.fingerprint([phone, ...packagesOf(wanted)].join(' '))
    const known = await selectLookup(db, { poolId, fingerprint, since: secondsAfter(now, -keptSeconds) })
    if (known !== undefined) {
      return { lineType: known.line_type ?? undefined, simSwappedAt: known.sim_swapped_at ?? undefined }
    }
    if (!(await mayAsk(question))) return undefined
    const line = await ask(question, lookup.provider, wanted)
    if (line !== undefined) await upsertLookup(db, { poolId, fingerprint, ...line, now })
    return line
  }

  return {
    /** Whether there is anything to ask a service about. */
    isWanted: ({ lookup, mode }: GuardPolicy): boolean =>
      mode !== 'off' && lookup !== null && packagesOf(wantedBy(lookup)).length > 0,

    /** @throws ApiError phone_type_not_allowed, sim_swapped where the policy enforces; else their names */
    requireAllowedLine: async (question: Question): Promise<ApiCodeName | undefined> => {
      const { lookup } = question.policy
      if (lookup === null) return undefined
      const line = await lineOf(question, lookup)
      if (line === undefined) return undefined
      if (line.lineType !== undefined && lookup.refusedLineTypes.includes(line.lineType)) {
        return refuse(question.policy, new ApiError('phone_type_not_allowed', `the line is ${line.lineType}`))
      }
      const since = secondsAfter(clock.now(), -lookup.refuseSimSwappedHours * 3600)
      if (line.simSwappedAt === undefined || line.simSwappedAt <= since) return undefined
      return refuse(question.policy, new ApiError('sim_swapped', 'the SIM was swapped a short time ago'))
    },
  }
}

const wantedBy = ({ refusedLineTypes, refuseSimSwappedHours }: Lookup): LineQuestion => ({
  lineType: refusedLineTypes.length > 0,
  simSwap: refuseSimSwappedHours > 0,
})

const packagesOf = (wanted: LineQuestion): string[] =>
  Object.entries(wanted).flatMap(([name, isWanted]) => (isWanted ? [name] : []))

export type LineLookups = ReturnType<typeof createLineLookups>
