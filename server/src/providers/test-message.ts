// A message that an administrator sends to try a provider out: the provider is called directly, past routes and guard.
//
// What must stay true: it says what it is, and its code is none; a pool sends no more of them in an hour than the limit
// allows, whoever asks; each is told in the audit log, without the whole number (rule 12).
import type { Administrator } from '../administrators/administrators.ts'
import { ApiError, fieldInvalid } from '../api-codes.ts'
import type { Audit } from '../audit/audit.ts'
import type { Config } from '../config.ts'
import type { Clock } from '../core/clock.ts'
import { takeOne } from '../core/counters.ts'
import { newId } from '../core/crypto.ts'
import type { Database } from '../core/database.ts'
import { requirePhone } from '../phone-numbers/phone-numbers.ts'
import { failures } from './failures.ts'
import type { OutgoingMessage, PhoneChannel, SendOutcome } from './provider.ts'
import type { ConnectedProvider, Providers } from './providers.ts'

export type TestMessage = {
  /** The provider's name. */
  provider: string
  to: string
  channel: PhoneChannel
  from: string | undefined
  templateId: string | undefined
  templateParameters: readonly ('code' | 'minutes' | 'app')[] | undefined
  ip: string
}

const text = 'This is a test message of Dialtone, sent by an administrator. It carries no code.'

type Deps = {
  db: Database
  providers: Providers
  audit: Audit
  clock: Clock
  config: Pick<Config, 'limits' | 'providerTimeoutSeconds'>
}

export const createTestMessages = ({ db, providers, audit, clock, config }: Deps) => {
  /** @throws ApiError record_not_found, request_invalid */
  const requireProvider = async (
    poolId: string,
    { provider, channel }: TestMessage,
  ): Promise<ConnectedProvider> => {
    const configured = await providers.find(poolId, provider)
    if (configured === undefined) throw new ApiError('record_not_found', 'no such provider')
    if (!configured.enabled) throw fieldInvalid('name', 'is switched off: enable the provider first')
    const connected = await providers.connected(poolId, provider)
    if (connected === undefined) {
      throw fieldInvalid('name', 'cannot be connected: give its settings and secrets again')
    }
    const { channels } = connected.kind
    if (!channels.includes(channel)) throw fieldInvalid('channel', `must be one of: ${channels.join(', ')}`)
    return connected
  }

  /** @throws ApiError sms_limit_reached */
  const count = async (poolId: string): Promise<void> => {
    const now = clock.now()
    const spentUntil = await takeOne(db, {
      poolId,
      key: 'test_messages',
      ...config.limits.testMessagesHour,
      now,
    })
    if (spentUntil === undefined) return
    const retryAfterSeconds = Math.max(1, Math.ceil((spentUntil.getTime() - now.getTime()) / 1000))
    throw new ApiError('sms_limit_reached', 'test messages of the pool', { retryAfterSeconds })
  }

  return {
    /** @throws ApiError record_not_found, request_invalid, phone_number_invalid, sms_limit_reached */
    send: async (by: Administrator, given: TestMessage): Promise<SendOutcome> => {
      const { poolId } = by
      const { phone, region } = requirePhone(given.to, undefined, 'to')
      const { provider } = await requireProvider(poolId, given)
      await count(poolId)
      const message: OutgoingMessage = {
        id: newId(clock),
        channel: given.channel,
        to: phone,
        region,
        from: given.from,
        text,
        templateId: given.templateId,
        parameters: { code: '000000', minutes: '5', app: 'Dialtone' },
        templateParameters: given.templateParameters ?? ['code'],
        locale: 'en-US',
        receiptUrl: providers.receiptUrlOf(poolId, given.provider),
      }
      const signal = AbortSignal.timeout(config.providerTimeoutSeconds * 1000)
      const outcome = await provider.send(message, signal)
      await audit.record(poolId, {
        type: 'sms_provider.tested',
        ip: given.ip,
        detail: {
          administratorId: by.id,
          username: by.username,
          provider: given.provider,
          outcome: outcome.outcome,
          ...(outcome.outcome === 'refused' && { reason: outcome.reason }),
          ...audit.describePhone(phone),
        },
      })
      return outcome
    },
  }
}

export type TestMessages = ReturnType<typeof createTestMessages>

/** Why a provider refused, in words. */
export const aboutOf = (reason: keyof typeof failures): string => failures[reason].about
