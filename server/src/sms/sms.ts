// Messages to phones: sending a passcode by the route that serves the number, past the guard.
//
// What must stay true: a number that no provider serves is refused before anything is counted (rule 21); the message is
// written with everything that it counts before a provider is called (rule 23); the reply is the same whether or not
// somebody has the number, and takes the same time (rule 10).
import { type ApiCodeName, ApiError } from '../api-codes.ts'
import type { Application } from '../applications/applications.ts'
import type { Captcha } from '../captcha/captcha.ts'
import type { Config } from '../config.ts'
import type { Log } from '../core/log.ts'
import type { Deliveries } from '../delivery/delivery.ts'
import {
  codeReturnSeconds,
  type Guard,
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
  const { passcodes, routing, guard, testNumbers, delivery, captcha, config, log } = deps

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

  /** Issues within what the guard allows. @throws ApiError as `sendPasscode` */
  const issueGuarded = async (
    request: SmsRequest,
    policy: GuardPolicy,
    route: Route,
  ): Promise<IssuedMessage> => {
    const { application, phone, ip } = request
    const captchaSolved =
      request.captcha !== undefined &&
      (await captcha.verify(application.poolId, request.captcha.token, request.captcha.code))
    const priceMicros = await estimate(request, route)
    const terms = guard.terms(policy, { application, phone, ip, priceMicros, captchaSolved })
    try {
      const issued = await passcodes.issue({
        ...issueRequest(request),
        leaseSeconds,
        countAfterSeconds: codeReturnSeconds,
        ...terms,
      })
      guard.requireOpen(policy, phone, issued.gateVerdict, captchaSolved)
      for (const setting of issued.overrun.filter(isBudget)) await guard.raiseAlarm(application, setting)
      return issued
    } catch (error) {
      if (error instanceof LimitSpent && isBudget(error.setting)) {
        await guard.raiseAlarm(application, error.setting)
      }
      throw error
    }
  }

  const deliver = async (poolId: string, messageId: string, undo: () => Promise<void>): Promise<void> => {
    const result = await delivery.deliver(poolId, messageId)
    if (result.outcome !== 'failed') return
    await undo()
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
      guard.requireAllowedNumber(policy, phone)
      await deps.lineLookups.requireAllowedLine({ poolId, policy, phone, ip: request.ip })
      const issued = await issueGuarded(request, policy, route)
      if (issued.id === undefined) return
      const delivered = deliver(poolId, issued.id, issued.undo)
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
