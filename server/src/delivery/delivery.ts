// Takes a queued message to a provider: the first of its route, the next when that one refuses or does not answer, and
// after a crash whatever process finds it.
//
// What must stay true: every try is a row before the provider is called, and no provider is called inside a transaction
// (rule 23); one process at a time has a message; after a crash a message goes out again, to a provider that knows
// idempotency keys under the same key; a provider that keeps failing is left alone.
import type { Config } from '../config.ts'
import { type Clock, secondsAfter } from '../core/clock.ts'
import { newId } from '../core/crypto.ts'
import type { Log } from '../core/log.ts'
import type { Guard } from '../guard/guard.ts'
import { type AttemptRow, type MessageRow, type Messages, minutesOf } from '../messages/messages.ts'
import type { Passcodes, Purpose } from '../passcodes/passcodes.ts'
import { type E164, maskPhone, prefixesOf, type Region } from '../phone-numbers/phone-numbers.ts'
import {
  type ConnectedProvider,
  failures,
  isIdempotent,
  type OutgoingMessage,
  type Providers,
  type SendOutcome,
} from '../providers/providers.ts'
import { channelOf, costOf, type Routing, type Step } from '../routing/routing.ts'
import { countSegments, type Templates } from '../templates/templates.ts'
import { type Breakers, createBreakers, type Tried } from './breakers.ts'

export type { BreakerState } from './breakers.ts'

/** A request waits no longer for all providers together. */
const deliverySeconds = 15
const takenOverAtOnce = 20
const firstPollSeconds = 20

export type Delivery =
  | { outcome: 'accepted' }
  /** No provider took it. */
  | { outcome: 'failed'; reasons: string[] }
  /** Another process has it. */
  | { outcome: 'elsewhere' }

type Deps = {
  messages: Messages
  passcodes: Passcodes
  providers: Providers
  routing: Routing
  templates: Templates
  guard: Guard
  clock: Clock
  config: Pick<Config, 'providerTimeoutSeconds' | 'providerBreakSeconds'>
  log: Log
}

export const createDelivery = (deps: Deps) => {
  const { messages, passcodes, providers, routing, guard, clock, config, log } = deps
  const breakers: Breakers = createBreakers({ config, log })

  const compose = async (message: MessageRow, step: Step, code: string): Promise<OutgoingMessage> => {
    const minutes = minutesOf(message)
    const phone = message.recipient as E164
    const channel = channelOf(step)
    return {
      id: newId(clock),
      channel,
      to: phone,
      region: regionOf(phone),
      from: step.from,
      text: await deps.templates.render({
        poolId: message.pool_id,
        channel,
        locale: message.language,
        region: message.region ?? undefined,
        purpose: message.purpose,
        code,
        minutes,
        app: message.application_name,
        webOtpHost: message.web_otp_host ?? undefined,
        androidHash: message.android_sms_hash ?? undefined,
      }),
      templateId: step.templateId,
      parameters: { code, minutes: String(minutes), app: message.application_name },
      templateParameters: step.templateParameters ?? [],
      locale: message.language,
      receiptUrl: providers.receiptUrlOf(message.pool_id, step.provider),
    }
  }

  const call = (
    { provider }: ConnectedProvider,
    outgoing: OutgoingMessage,
    deadline: Date,
  ): Promise<SendOutcome> => {
    const left = deadline.getTime() - clock.now().getTime()
    const milliseconds = Math.max(1, Math.min(config.providerTimeoutSeconds * 1000, left))
    return provider.send(outgoing, AbortSignal.timeout(milliseconds))
  }

  /** What the provider answered, kept. */
  const keepOutcome = async (
    message: MessageRow,
    attempt: { position: number; provider: string; kind: ConnectedProvider['kind'] },
    outcome: SendOutcome,
  ): Promise<void> => {
    const at = { poolId: message.pool_id, messageId: message.id, position: attempt.position }
    if (outcome.outcome === 'refused') {
      const { reason, code } = outcome
      log.warn(
        { provider: attempt.provider, reason, code, to: maskPhone(message.recipient as E164) },
        'a provider refused a message',
      )
      await messages.refuseAttempt({ ...at, reason, code: code.slice(0, 100) })
      return
    }
    await messages.acceptAttempt({
      ...at,
      provider: attempt.provider,
      providerMessageId: outcome.providerMessageId,
      segments: outcome.segments,
      price: outcome.price,
      pollAfterSeconds: attempt.kind.receipts.includes('polled') ? firstPollSeconds : undefined,
      asksOn: attempt.kind.tellsPrice === true,
    })
  }

  const priceOf = async (poolId: string, step: Step, segments: number) => {
    const { budget } = await guard.policyOf(poolId)
    return { priceMicros: costOf(step, segments, budget.assumedPrice), currency: budget.currency }
  }

  type Work = { message: MessageRow; code: string; position: number; deadline: Date }

  /** One step: undefined where it could not be tried. */
  const tryStep = async (work: Work, step: Step): Promise<Tried | undefined> => {
    const { message, code, position, deadline } = work
    const { pool_id: poolId, id: messageId } = message
    const { provider } = step
    const connected = await providers.connected(poolId, provider)
    if (connected === undefined) return undefined
    const outgoing = await compose(message, step, code)
    const segments = outgoing.channel === 'sms' ? countSegments(outgoing.text).segments : 1
    const price = await priceOf(poolId, step, segments)
    return breakers.run(poolId, provider, async () => {
      const { id, channel } = outgoing
      const attempt = { poolId, messageId, position, id, provider, channel, segments, ...price }
      if (!(await messages.startAttempt(attempt))) return 'elsewhere'
      const outcome = await call(connected, outgoing, deadline)
      await keepOutcome(message, { position, provider, kind: connected.kind }, outcome)
      return outcome
    })
  }

  /** After a crash in the middle of a call: again under the same key, where the provider knows such keys. */
  const resume = async (
    work: Work,
    attempt: AttemptRow,
    steps: readonly Step[],
  ): Promise<SendOutcome | undefined> => {
    const { message, code, deadline } = work
    const { position, provider } = attempt
    const step = steps.find((one) => isOf(attempt, one))
    const connected = await providers.connected(message.pool_id, provider)
    const outcome =
      step === undefined || connected === undefined || !isIdempotent(connected)
        ? undefined
        : await breakers.run(message.pool_id, provider, async () =>
            call(connected, { ...(await compose(message, step, code)), id: attempt.id }, deadline),
          )
    if (connected === undefined || outcome === undefined || outcome === 'elsewhere') {
      await messages.markUnknown(message.pool_id, message.id, position)
      return undefined
    }
    await keepOutcome(message, { position, provider, kind: connected.kind }, outcome)
    return outcome
  }

  /** The steps of the route in their order, and what was tried with this message before, by a process that is gone. */
  const plan = async (
    message: MessageRow,
  ): Promise<{ steps: readonly Step[]; own: readonly AttemptRow[] }> => {
    const phone = message.recipient as E164
    const attempts = await messages.attemptsOfPasscode(message)
    const route = await routing.routeOf(message.pool_id, phone)
    const tried = attempts.filter(({ state }) => state !== 'delivered')
    return {
      steps: await routing.order(message.pool_id, route, phone, tried),
      own: attempts.filter((attempt) => attempt.message_id === message.id),
    }
  }

  /** One step after the other, until a provider takes the message or none could. */
  const tryAll = async (work: Work, steps: readonly Step[], reasons: string[]): Promise<Delivery> => {
    let { position } = work
    for (const step of steps) {
      if (clock.now() >= work.deadline) break
      const outcome = await tryStep({ ...work, position }, step)
      if (outcome === undefined) {
        reasons.push(`${step.provider}: not available`)
        continue
      }
      if (outcome === 'elsewhere') return { outcome: 'elsewhere' }
      if (outcome.outcome === 'accepted') return { outcome: 'accepted' }
      reasons.push(`${step.provider}: ${outcome.reason}`)
      if (!failures[outcome.reason].tryNext) break
      position += 1
    }
    return giveUp(work.message, reasons)
  }

  const giveUp = async (message: MessageRow, reasons: string[]): Promise<Delivery> => {
    await messages.fail(message.pool_id, message.id)
    return { outcome: 'failed', reasons }
  }

  const deliver = async (message: MessageRow): Promise<Delivery> => {
    const now = clock.now()
    const code = passcodes.codeOfMessage(message)
    if (code === undefined || message.expires_at <= now) return giveUp(message, ['expired'])
    const { steps, own } = await plan(message)
    const work = { message, code, deadline: secondsAfter(now, deliverySeconds), position: own.length }

    const last = own.at(-1)
    const resumed =
      last?.state === 'started' ? await resume({ ...work, position: last.position }, last, steps) : undefined
    if (resumed?.outcome === 'accepted') return { outcome: 'accepted' }
    const reasons = resumed === undefined ? [] : [`${last?.provider}: ${resumed.reason}`]
    if (resumed !== undefined && !failures[resumed.reason].tryNext) return giveUp(message, reasons)
    // What has refused this message is not asked again; who did not get to answer comes last.
    const refused = own.filter(
      (attempt) => attempt.state === 'refused' || (attempt === last && resumed !== undefined),
    )
    const left = steps.filter((step) => !refused.some((attempt) => isOf(attempt, step)))
    return tryAll(work, left, reasons)
  }

  return {
    /** Delivers a message that this process has written, and holds. */
    deliver: async (poolId: string, messageId: string): Promise<Delivery> => {
      const message = await messages.find(poolId, messageId)
      return message === undefined ? { outcome: 'elsewhere' } : deliver(message)
    },

    /** Delivers what processes that are gone have left; called every few seconds by every process. */
    deliverDue: async (): Promise<number> => {
      const due = await messages.leaseDue(takenOverAtOnce)
      for (const message of due) {
        try {
          const delivery = await deliver(message)
          log.warn({ message: message.id, ...delivery }, 'a message that was left behind was taken over')
        } catch (error) {
          // One that cannot be delivered, because no route serves it any more, must not hold up the others.
          log.error(
            { err: error, message: message.id },
            'a message that was left behind could not be delivered',
          )
        }
      }
      return due.length
    },

    /** What the first step of the route would cost, for the budget. */
    estimate: async (poolId: string, step: Step, sample: MessageSample): Promise<number> => {
      const text = await deps.templates.render({
        poolId,
        channel: channelOf(step),
        locale: sample.language,
        region: sample.region,
        purpose: sample.purpose,
        code: '0'.repeat(sample.codeLength),
        minutes: sample.minutes,
        app: sample.app,
        webOtpHost: sample.webOtpHost,
        androidHash: sample.androidHash,
      })
      const segments = channelOf(step) === 'sms' ? countSegments(text).segments : 1
      return (await priceOf(poolId, step, segments)).priceMicros
    },

    breakerOf: breakers.stateOf,
  }
}

export type MessageSample = {
  language: string
  region: string | undefined
  purpose: Purpose
  codeLength: number
  minutes: number
  app: string
  webOtpHost: string | undefined
  androidHash: string | undefined
}

export type Deliveries = ReturnType<typeof createDelivery>

const isOf = (attempt: { provider: string; channel: string }, step: Step): boolean =>
  attempt.provider === step.provider && attempt.channel === channelOf(step)

const regionOf = (phone: E164): Region | undefined => {
  const { region } = prefixesOf(phone)
  return /^[A-Z]{2}$/.test(region) ? (region as Region) : undefined
}
