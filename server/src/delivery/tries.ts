// One try of one provider with one message.
//
// What must stay true: the try is a row before the provider is called, and no provider is called inside a transaction
// (rule 23); of several processes one has the message; after a crash a provider that knows idempotency keys is called
// again under the same key, and no other is.
import { maskEmail } from '../audit/audit.ts'
import type { Config } from '../config.ts'
import type { Clock } from '../core/clock.ts'
import { newId } from '../core/crypto.ts'
import type { Log } from '../core/log.ts'
import type { Guard } from '../guard/guard.ts'
import type { Post } from '../mail/mail.ts'
import type { AttemptRow, MessageRow, Messages } from '../messages/messages.ts'
import { type E164, maskPhone } from '../phone-numbers/phone-numbers.ts'
import {
  type ConnectedProvider,
  isIdempotent,
  type OutgoingMessage,
  type Providers,
  type SendOutcome,
} from '../providers/providers.ts'
import { channelOf, costOf, type Step } from '../routing/routing.ts'
import { countSegments } from '../templates/templates.ts'
import type { Breakers, Tried } from './breakers.ts'
import type { Compose, Content } from './compose.ts'
import { type Ledger, mayHaveGone } from './ledger.ts'

const firstPollSeconds = 20

/** The name under which the pool's mail server stands in attempts. */
export const mailProvider = 'smtp'

export type Work = {
  message: MessageRow
  content: Content
  position: number
  deadline: Date
  ledger: Ledger
}

/** The setting of the guard's policy that has no room for the step: no provider was called. */
export type Unaffordable = { outcome: 'unaffordable'; setting: string }

/** What a try of the mail server gives. */
export type Posted = Awaited<ReturnType<Post['send']>> | 'elsewhere'

export type TriesDeps = {
  messages: Messages
  providers: Providers
  post: Post
  guard: Guard
  clock: Clock
  config: Pick<Config, 'providerTimeoutSeconds'>
  log: Log
}

export const createTries = (deps: TriesDeps & { compose: Compose; breakers: Breakers }) => {
  const { messages, providers, post, guard, clock, config, log, compose, breakers } = deps

  const call = (
    { provider }: ConnectedProvider,
    outgoing: OutgoingMessage,
    deadline: Date,
  ): Promise<SendOutcome> => {
    const left = deadline.getTime() - clock.now().getTime()
    const milliseconds = Math.max(1, Math.min(config.providerTimeoutSeconds * 1000, left))
    return provider.send(outgoing, AbortSignal.timeout(milliseconds))
  }

  const keepRefusal = async (
    message: MessageRow,
    attempt: { position: number; provider: string },
    { reason, code, isPaid }: { reason: string; code: string; isPaid: boolean },
  ): Promise<void> => {
    const { pool_id: poolId, id: messageId, recipient, channel } = message
    const { position, provider } = attempt
    const to = channel === 'email' ? maskEmail(recipient) : maskPhone(recipient as E164)
    log.warn({ provider, reason, code, to }, 'a provider refused a message')
    await messages.refuseAttempt({ poolId, messageId, position, reason, code: code.slice(0, 100), isPaid })
  }

  /** What the provider answered, kept. */
  const keepOutcome = async (
    message: MessageRow,
    attempt: { position: number; provider: string; kind: ConnectedProvider['kind'] },
    outcome: SendOutcome,
  ): Promise<void> => {
    if (outcome.outcome === 'refused') {
      return keepRefusal(message, attempt, { ...outcome, isPaid: mayHaveGone(outcome) })
    }
    await messages.acceptAttempt({
      poolId: message.pool_id,
      messageId: message.id,
      position: attempt.position,
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

  return {
    priceOf,

    /** One step: undefined where it could not be tried. */
    tryStep: async (work: Work, step: Step): Promise<Tried | Unaffordable | undefined> => {
      const { message, content, position, deadline, ledger } = work
      const { pool_id: poolId, id: messageId } = message
      const { provider } = step
      const connected = await providers.connected(poolId, provider)
      if (connected === undefined) return undefined
      const outgoing = await compose.forPhone(message, step, content)
      const segments = outgoing.channel === 'sms' ? countSegments(outgoing.text).segments : 1
      const price = await priceOf(poolId, step, segments)
      const setting = await ledger.pay(price.priceMicros)
      if (setting !== undefined) return { outcome: 'unaffordable', setting }
      return breakers.run(poolId, provider, async () => {
        const { id, channel } = outgoing
        const attempt = { poolId, messageId, position, id, provider, channel, segments, ...price }
        if (!(await messages.startAttempt(attempt))) return 'elsewhere'
        const outcome = await call(connected, outgoing, deadline)
        ledger.book(price.priceMicros, mayHaveGone(outcome))
        await keepOutcome(message, { position, provider, kind: connected.kind }, outcome)
        return outcome
      })
    },

    /** After a crash in the middle of a call: again under the same key, where the provider knows such keys. */
    resume: async (
      work: Work,
      attempt: AttemptRow,
      steps: readonly Step[],
    ): Promise<SendOutcome | undefined> => {
      const { message, content, deadline, ledger } = work
      const { position, provider } = attempt
      const step = steps.find((one) => isOf(attempt, one))
      const connected = await providers.connected(message.pool_id, provider)
      const outcome =
        step === undefined || connected === undefined || !isIdempotent(connected)
          ? undefined
          : await breakers.run(message.pool_id, provider, async () =>
              call(
                connected,
                { ...(await compose.forPhone(message, step, content)), id: attempt.id },
                deadline,
              ),
            )
      if (connected === undefined || outcome === undefined || outcome === 'elsewhere') {
        await messages.markUnknown(message.pool_id, message.id, position)
        return undefined
      }
      const price = Number(attempt.price_micros ?? 0)
      ledger.takeOver(price)
      ledger.book(price, mayHaveGone(outcome))
      await keepOutcome(message, { position, provider, kind: connected.kind }, outcome)
      return outcome
    },

    /** Hands a letter to the pool's mail server. */
    tryPost: async (work: Work): Promise<Posted> => {
      const { message, content, position, deadline, ledger } = work
      const { pool_id: poolId, id: messageId, recipient } = message
      const { budget } = await guard.policyOf(poolId)
      const attempt = { poolId, messageId, position, provider: mailProvider, channel: 'email' as const }
      const free = { segments: 1, priceMicros: 0, currency: budget.currency }
      if (!(await messages.startAttempt({ ...attempt, ...free, id: newId(clock) }))) return 'elsewhere'
      const letter = await compose.forMailbox(message, content)
      const left = Math.max(1, deadline.getTime() - clock.now().getTime())
      const outcome = await post.send(
        poolId,
        { id: messageId, to: recipient, ...letter },
        AbortSignal.timeout(left),
      )
      if (outcome.outcome === 'refused') {
        ledger.book(0, outcome.reason === 'timeout')
        await keepRefusal(message, attempt, { ...outcome, isPaid: false })
        return outcome
      }
      const { providerMessageId } = outcome
      await messages.acceptAttempt({
        ...attempt,
        providerMessageId,
        segments: undefined,
        price: undefined,
        pollAfterSeconds: undefined,
        asksOn: false,
      })
      return outcome
    },
  }
}

export type Tries = ReturnType<typeof createTries>

export const isOf = (attempt: { provider: string; channel: string }, step: Step): boolean =>
  attempt.provider === step.provider && attempt.channel === channelOf(step)
