// Messages to phones: sending a passcode by the route that serves the number, past the guard.
//
// What must stay true: a number that no provider serves is refused before anything is counted (rule 21); the message is
// written with everything that it counts before a provider is called (rule 23); the reply is the same whether or not
// somebody has the number, takes the same time, and leaves the same counters behind (rule 10).
import { type ApiCodeName, ApiError } from '../api-codes.ts'
import type { Application } from '../applications/applications.ts'
import type { Captcha } from '../captcha/captcha.ts'
import type { Config } from '../config.ts'
import type { Log } from '../core/log.ts'
import type { Deliveries } from '../delivery/delivery.ts'
import {
  codeReturnSeconds,
  type Guard,
  type GuardedRequest,
  type GuardNote,
  type GuardPolicy,
  isBudget,
  type LineLookups,
  type TestNumbers,
  testNumberProvider,
} from '../guard/guard.ts'
import type { LimitName } from '../limits.ts'
import { inboxProvider, leaseSeconds } from '../messages/messages.ts'
import {
  type IssuedMessage,
  isSentToKnownOnly,
  issueRoute,
  LimitSpent,
  type Passcodes,
  type Purpose,
} from '../passcodes/passcodes.ts'
import { type E164, prefixesOf } from '../phone-numbers/phone-numbers.ts'
import { isInboxRoute, type Route, type Routing } from '../routing/routing.ts'
import type { AccessToken } from '../tokens/tokens.ts'

/** What a route declares that sends a passcode by SMS, beside what it declares for itself. */
export const smsRoute = {
  limit: [
    ...issueRoute.limit,
    // Counted where a provider is paid.
    'messagesPerNetworkHour',
    'messagesPerPrefixHour',
    'messagesPerRegionHour',
    'messagesPerPoolHour',
    'lookupsPerIpHour',
    'lookupsPerPoolHour',
  ],
  refusals: [
    'phone_number_invalid',
    'international_sms_not_configured',
    'region_not_allowed',
    'phone_type_not_allowed',
    'sim_swapped',
    'captcha_required',
    'sms_undeliverable',
    ...issueRoute.refusals,
  ],
} as const satisfies { limit: readonly LimitName[]; refusals: readonly ApiCodeName[] }

export type SmsRequest = {
  application: Application
  purpose: Purpose
  phone: E164
  sender: AccessToken | undefined
  ip: string
  /** BCP 47. */
  language: string
  captcha: { token: string; code: string } | undefined
}

/** `note`: what the checks before found, where the policy only observes. */
type Examined = { policy: GuardPolicy; guarded: GuardedRequest; note: GuardNote }

type Deps = {
  passcodes: Passcodes
  routing: Routing
  guard: Guard
  lineLookups: LineLookups
  testNumbers: TestNumbers
  delivery: Deliveries
  captcha: Captcha
  config: Pick<Config, 'passcodeLength' | 'passcodeTtlSeconds'>
  log: Log
}

export const createSms = (deps: Deps) => {
  const { passcodes, routing, guard, lineLookups, testNumbers, delivery, captcha, config, log } = deps

  const besideRequests = new Set<Promise<void>>()

  const issueRequest = ({ captcha: _, ...request }: SmsRequest) => ({
    ...request,
    channel: 'sms' as const,
    recipient: request.phone,
    region: prefixesOf(request.phone).region,
  })

  const estimate = (request: SmsRequest, route: Route): Promise<number> => {
    const { application, language, purpose, phone } = request
    const [first] = route.steps
    if (first === undefined) return Promise.resolve(0)
    return delivery.estimate(application.poolId, first, {
      locale: language,
      purpose,
      region: prefixesOf(phone).region,
      code: '0'.repeat(config.passcodeLength),
      minutes: Math.round(config.passcodeTtlSeconds / 60),
      app: application.name,
      webOtpHost: application.webOtpHost,
      androidHash: application.androidSmsHash,
    })
  }

  /** What the guard wants to know of a request, and whether it lets it by as far as can be said before issuing. */
  const examine = async (request: SmsRequest, policy: GuardPolicy, route: Route): Promise<Examined> => {
    const { application, phone, ip } = request
    const { poolId } = application
    const noteOfNumber = guard.requireAllowedNumber(policy, phone)
    const captchaSolved =
      request.captcha !== undefined &&
      (await captcha.verify(poolId, request.captcha.token, request.captcha.code))
    const priceMicros = await estimate(request, route)
    const guarded = { application, phone, ip, priceMicros, captchaSolved }
    // Last: it costs money that no budget counts.
    const noteOfLine =
      lineLookups.isWanted(policy) && !(await guard.wouldStop(policy, guarded))
        ? await lineLookups.requireAllowedLine({ poolId, policy, phone, ip })
        : undefined
    return { policy, guarded, note: noteOfNumber ?? noteOfLine }
  }

  /** Issues within what the guard allows. @throws ApiError as `sendPasscode` */
  const issueGuarded = async (
    request: SmsRequest,
    { policy, guarded, note }: Examined,
  ): Promise<IssuedMessage> => {
    const { application, phone } = request
    const spender = { poolId: application.poolId, applicationId: application.id }
    try {
      const issued = await passcodes.issue({
        ...issueRequest(request),
        leaseSeconds,
        countAfterSeconds: codeReturnSeconds,
        ...guard.terms(policy, guarded, note),
      })
      guard.requireOpen(policy, phone, issued.gateVerdict, guarded.captchaSolved)
      for (const setting of issued.overrun.filter(isBudget)) await guard.raiseAlarm(spender, setting)
      return issued
    } catch (error) {
      if (error instanceof LimitSpent && isBudget(error.setting)) {
        await guard.raiseAlarm(spender, error.setting)
      }
      throw error
    }
  }

  const deliver = async (
    { application, purpose }: SmsRequest,
    messageId: string,
    { issued, advance }: { issued: IssuedMessage; advance: number },
  ): Promise<void> => {
    const { poolId } = application
    const result = await delivery.deliver(poolId, messageId, advance)
    // To a number that nobody has nothing goes, so nothing comes back: neither money nor the waiting time (rule 10).
    const mayTell = !isSentToKnownOnly(purpose, application)
    if (mayTell) await guard.refund({ poolId, micros: result.unspentMicros })
    if (result.outcome !== 'failed') return
    if (mayTell && !result.mayHaveGone) await issued.endCooldown()
    throw new ApiError('sms_undeliverable', result.reasons.join('; '))
  }

  return {
    /**
     * @throws ApiError international_sms_not_configured, region_not_allowed, phone_type_not_allowed, sim_swapped,
     *   captcha_required, sms_cooldown, sms_limit_reached, passcode_attempts_exceeded, sms_undeliverable
     */
    sendPasscode: async (request: SmsRequest): Promise<void> => {
      const { application, phone, purpose } = request
      const { poolId } = application
      const fixedCode = await testNumbers.codeOf(poolId, phone)
      if (fixedCode !== undefined) {
        await passcodes.issue({ ...issueRequest(request), provider: testNumberProvider, fixedCode })
        return
      }
      const route = await routing.routeOf(poolId, phone)
      if (isInboxRoute(route)) {
        await passcodes.issue({ ...issueRequest(request), provider: inboxProvider })
        return
      }
      const policy = await guard.policyOf(poolId)
      const examined = await examine(request, policy, route)
      const issued = await issueGuarded(request, examined)
      if (issued.id === undefined) return
      const advance = policy.mode === 'off' ? 0 : examined.guarded.priceMicros
      const delivered = deliver(request, issued.id, { issued, advance })
      if (!isSentToKnownOnly(purpose, application)) return delivered
      // Only a number that somebody has gets this message: who asks must not see how long a provider took (rule 10).
      const aside = delivered
        .catch((error: unknown) => log.warn({ err: error }, 'a message was not delivered'))
        .finally(() => besideRequests.delete(aside))
      besideRequests.add(aside)
    },

    /** When every message that is being delivered beside its request is done. */
    settle: async (): Promise<void> => {
      await Promise.all(besideRequests)
    },
  }
}

export type Sms = ReturnType<typeof createSms>
