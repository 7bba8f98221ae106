// Takes a queued message to its reader: to a phone by the first provider of its route, the next when that one refuses
// or does not answer; to a mailbox by the pool's mail server; and after a crash whatever process finds it.
//
// What must stay true: every try is a row before anybody is called, and nobody is called inside a transaction (rule 23);
// one process at a time has a message; a passcode is taken or refused at once, since somebody waits for it; a notice is
// tried again until its time is over, since nobody asks for it a second time; a provider that keeps failing is left
// alone.
import type { Config } from '../config.ts'
import { secondsAfter } from '../core/clock.ts'
import type { AttemptRow, MessageRow } from '../messages/messages.ts'
import type { E164 } from '../phone-numbers/phone-numbers.ts'
import { type FailureReason, failures } from '../providers/providers.ts'
import { channelOf, type Routing, type Step } from '../routing/routing.ts'
import { countSegments } from '../templates/templates.ts'
import { type Breakers, createBreakers } from './breakers.ts'
import { type ComposeDeps, createCompose, type MessageSample } from './compose.ts'
import { createLedger, freeLedger, type Ledger, noticeLedger } from './ledger.ts'
import { createTries, isOf, type TriesDeps, type Work } from './tries.ts'

export type { BreakerState } from './breakers.ts'
export type { MessageSample } from './compose.ts'

/** A request waits no longer for all providers together; within a lease, so that no other process takes over. */
const deliverySeconds = 15

/** So many messages that are due are delivered side by side, and so many rounds of them follow at once. */
const atOnce = 5
const rounds = 4

/** A notice waits three times as long as it is old, so that a server which was away for a moment gets it soon. */
const retryFactor = 3
const retrySeconds = { least: 30, most: 4 * 3600 }

export type Delivery =
  | { outcome: 'accepted' }
  /** Nobody took it; `mayHaveGone`: or one did not answer, who may have sent it. */
  | { outcome: 'failed'; reasons: string[]; mayHaveGone: boolean }
  /** Nobody took it, and it is tried again: a notice. */
  | { outcome: 'waiting'; reasons: string[] }
  /** Another process has it. */
  | { outcome: 'elsewhere' }

type Deps = TriesDeps &
  ComposeDeps & { routing: Routing; config: Pick<Config, 'providerTimeoutSeconds' | 'providerBreakSeconds'> }

export const createDelivery = (deps: Deps) => {
  const { messages, routing, guard, clock, config, log } = deps
  const breakers: Breakers = createBreakers({ config, log })
  const compose = createCompose(deps)
  const tries = createTries({ ...deps, compose, breakers })

  const waitOn = async (message: MessageRow): Promise<void> => {
    const age = (clock.now().getTime() - message.created_at.getTime()) / 1000
    const seconds = Math.min(retrySeconds.most, Math.max(retrySeconds.least, age * retryFactor))
    await messages.postpone(message.pool_id, message.id, seconds)
  }

  /** @param mayPass whether it may go better later */
  const giveUp = async (
    { message, ledger }: Pick<Work, 'message' | 'ledger'>,
    reasons: string[],
    mayPass = false,
  ): Promise<Delivery> => {
    if (mayPass && isNotice(message)) {
      await waitOn(message)
      return { outcome: 'waiting', reasons }
    }
    await messages.fail(message.pool_id, message.id)
    return { outcome: 'failed', reasons, mayHaveGone: ledger.mayHaveGone() }
  }

  /** The steps of the route in their order, and what was tried with this message before. */
  const plan = async (
    message: MessageRow,
  ): Promise<{ steps: readonly Step[]; own: readonly AttemptRow[] }> => {
    const phone = message.recipient as E164
    const attempts = await messages.attemptsOfContent(message)
    const route = await routing.routeOf(message.pool_id, phone)
    const tried = attempts.filter(({ state }) => state !== 'delivered')
    const steps = await routing.order(message.pool_id, route, phone, tried)
    return {
      // A call cannot be read again, and holds no link.
      steps: isNotice(message) ? steps.filter((step) => channelOf(step) !== 'voice') : steps,
      own: attempts.filter((attempt) => attempt.message_id === message.id),
    }
  }

  const raiseAlarm = ({ pool_id: poolId, application_id: applicationId }: MessageRow, setting: string) =>
    guard.raiseAlarm({ poolId, applicationId }, setting)

  /** One step after the other, until a provider takes the message or none could. */
  const tryAll = async (work: Work, steps: readonly Step[], reasons: string[]): Promise<Delivery> => {
    let { position } = work
    let spentSetting: string | undefined
    // Of a try that was resumed.
    let mayPass = reasons.length > 0
    for (const step of steps) {
      if (clock.now() >= work.deadline) {
        mayPass = true
        break
      }
      const outcome = await tries.tryStep({ ...work, position }, step)
      if (outcome === undefined) {
        reasons.push(`${step.provider}: not available`)
        mayPass = true
        continue
      }
      if (outcome === 'elsewhere') return { outcome: 'elsewhere' }
      if (outcome.outcome === 'accepted') return { outcome: 'accepted' }
      if (outcome.outcome === 'unaffordable') {
        spentSetting = outcome.setting
        reasons.push(`${step.provider}: no room in ${outcome.setting}`)
        continue
      }
      reasons.push(`${step.provider}: ${outcome.reason}`)
      mayPass ||= isPassing(outcome.reason)
      position += 1
      if (!failures[outcome.reason].tryNext) break
    }
    if (spentSetting !== undefined) await raiseAlarm(work.message, spentSetting)
    return giveUp(work, reasons, mayPass)
  }

  const deliverToPhone = async (given: Omit<Work, 'position'>): Promise<Delivery> => {
    const { message } = given
    const { steps, own } = await plan(message)
    const work = { ...given, position: own.length }

    const last = own.at(-1)
    const resumed =
      last?.state === 'started'
        ? await tries.resume({ ...work, position: last.position }, last, steps)
        : undefined
    if (resumed?.outcome === 'accepted') return { outcome: 'accepted' }
    const reasons = resumed === undefined ? [] : [`${last?.provider}: ${resumed.reason}`]
    if (resumed !== undefined && !failures[resumed.reason].tryNext) return giveUp(work, reasons)
    // What has refused this message is not asked again, unless what was wrong may be over; who did not get to answer
    // comes last.
    const refused = own.filter(
      (attempt) =>
        (attempt.state === 'refused' && !(isNotice(message) && isPassing(attempt.reason))) ||
        (attempt === last && resumed !== undefined),
    )
    const left = steps.filter((step) => !refused.some((attempt) => isOf(attempt, step)))
    return tryAll(work, left, reasons)
  }

  const deliverToMailbox = async (given: Omit<Work, 'position'>): Promise<Delivery> => {
    const { message } = given
    const own = await messages.attemptsOf(message)
    const last = own.at(-1)
    // The letter goes out again under the same Message-ID: a mailbox may show it once.
    if (last?.state === 'started') await messages.markUnknown(message.pool_id, message.id, last.position)
    const outcome = await tries.tryPost({ ...given, position: own.length })
    if (outcome === 'elsewhere') return { outcome: 'elsewhere' }
    if (outcome.outcome === 'accepted') return { outcome: 'accepted' }
    return giveUp(given, [outcome.reason], outcome.retry)
  }

  /** @param ledger holds what was taken for the message when it was written */
  const deliver = async (message: MessageRow, ledger: Ledger): Promise<Delivery> => {
    const now = clock.now()
    const content = await compose.contentOf(message)
    if (content === undefined || message.expires_at <= now) return giveUp({ message, ledger }, ['expired'])
    const work = { message, content, deadline: secondsAfter(now, deliverySeconds), ledger }
    return message.channel === 'email' ? deliverToMailbox(work) : deliverToPhone(work)
  }

  const ledgerOf = (message: MessageRow, advance: number): Ledger => {
    const { pool_id: poolId, channel } = message
    if (channel === 'email') return freeLedger()
    if (isNotice(message)) return noticeLedger(guard, poolId)
    return createLedger(guard, { poolId, advance })
  }

  const deliverOneDue = async (message: MessageRow): Promise<void> => {
    try {
      const ledger = ledgerOf(message, 0)
      const delivery = await deliver(message, ledger).finally(ledger.settle)
      if (!isNotice(message))
        log.warn({ message: message.id, ...delivery }, 'a message that was left behind was taken over')
      else if (delivery.outcome !== 'accepted')
        log.warn({ message: message.id, ...delivery }, 'a notice was not delivered')
    } catch (error) {
      // One that cannot be delivered, because no route serves it any more, must not hold up the others.
      log.error({ err: error, message: message.id }, 'a message that was due could not be delivered')
      if (isNotice(message)) await waitOn(message)
    }
  }

  return {
    /**
     * Delivers a message that this process has written, and holds.
     * @param advance what of the budget was taken for it, in millionths
     * @returns also what of that no try has used
     */
    deliver: async (
      poolId: string,
      messageId: string,
      advance = 0,
    ): Promise<Delivery & { unspentMicros: number }> => {
      const message = await messages.find(poolId, messageId)
      if (message === undefined) return { outcome: 'elsewhere', unspentMicros: 0 }
      const ledger = ledgerOf(message, advance)
      const delivery = await deliver(message, ledger)
      return { ...delivery, unspentMicros: await ledger.settle() }
    },

    /** Delivers notices, and what processes that are gone have left; called every few seconds by every process. */
    deliverDue: async (): Promise<number> => {
      let delivered = 0
      for (let round = 0; round < rounds; round += 1) {
        const due = await messages.leaseDue(atOnce)
        await Promise.all(due.map(deliverOneDue))
        delivered += due.length
        if (due.length < atOnce) break
      }
      return delivered
    },

    /** What the first step of the route would cost, for the budget. */
    estimate: async (poolId: string, step: Step, sample: MessageSample): Promise<number> => {
      const channel = channelOf(step)
      const text = await compose.sampleText(poolId, channel, sample)
      const segments = channel === 'sms' ? countSegments(text).segments : 1
      return (await tries.priceOf(poolId, step, segments)).priceMicros
    },

    /** What a message says, for the inbox; undefined where that can no longer be made. */
    read: async (message: MessageRow): Promise<{ text: string; code: string | undefined } | undefined> => {
      const content = await compose.contentOf(message)
      if (content === undefined) return undefined
      const text = await compose.textOf(message, message.channel, content)
      return { text, code: content.kind === 'passcode' ? content.code : undefined }
    },

    breakerOf: breakers.stateOf,
  }
}

export type Deliveries = ReturnType<typeof createDelivery>

const isNotice = ({ notice_id: noticeId }: MessageRow): boolean => noticeId !== null

/** Whether what tells of a provider, not of the message: it may be mended within hours. */
const isPassing = (reason: string | null): boolean =>
  reason !== null && Object.hasOwn(failures, reason) && failures[reason as FailureReason].breaks
