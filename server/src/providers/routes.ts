import { type Static, Type } from 'typebox'
import { ApiError } from '../api-codes.ts'
import { type Configuration, ProviderEntry } from '../configuration/configuration.ts'
import type { Http } from '../core/http.ts'
import { amountOf } from '../core/money.ts'
import type { BreakerState, Deliveries } from '../delivery/delivery.ts'
import { unlimited } from '../limits.ts'
import type { SendOutcome } from './provider.ts'
import { type ConfiguredProvider, type ProviderKindName, type Providers, providerKinds } from './providers.ts'
import { aboutOf, type TestMessages } from './test-message.ts'

const tags = ['Console: SMS']
const own = unlimited('needs an administrator')

const kindNames = Object.keys(providerKinds) as ProviderKindName[]
const channel = Type.Enum(['sms', 'voice', 'whatsapp'], { examples: ['sms'] })

const Kind = Type.Object({
  kind: Type.Enum(kindNames, { examples: ['twilio'] }),
  title: Type.String({ description: 'The service, in words.', examples: ['Twilio'] }),
  channels: Type.Array(channel, { description: 'How its messages travel.' }),
  receipts: Type.Array(Type.Enum(['signed', 'token', 'polled', 'connection']), {
    description:
      'How it reports deliveries: calls that it signs, calls with our token in the URL, when it is asked, over its connection.',
    examples: [['signed', 'polled']],
  }),
  secrets: Type.Array(Type.String(), {
    description: 'Those of the settings that are sealed and never shown again.',
    examples: [['authToken']],
  }),
  settings: Type.Unsafe<unknown>({
    type: 'object',
    additionalProperties: true,
    description: 'The JSON Schema of its settings.',
    examples: [{ type: 'object', properties: { accountSid: { type: 'string' } } }],
  }),
})

const Provider = Type.Object({
  name: Type.String({ examples: ['twilio'] }),
  kind: Type.Enum(kindNames, { examples: ['twilio'] }),
  enabled: Type.Boolean({ description: 'Whether messages go to it.' }),
  settings: Type.Unsafe<Record<string, unknown>>({
    type: 'object',
    additionalProperties: true,
    description: 'Without the secrets.',
    examples: [{ accountSid: 'AC00000000000000000000000000000001', from: '+15005550006' }],
  }),
  secrets: Type.Array(Type.String(), {
    description: 'The names of the secrets that are kept. Their values are told to nobody.',
    examples: [['authToken']],
  }),
  receiptUrl: Type.String({
    description: 'Where it is to report deliveries; for services in whose own console that is set.',
    examples: ['https://login.example.com/sms/receipts/…'],
  }),
  breaker: Type.Enum(['closed', 'open', 'half_open'], {
    description:
      'In the process that answers: `closed` serves, `open` is left alone because it kept failing, `half_open` is being tried again.',
    examples: ['closed'],
  }),
  updatedAt: Type.String({ examples: ['2026-03-02T09:30:00.000Z'] }),
})

const TestMessageBody = Type.Object(
  {
    to: Type.String({ minLength: 1, maxLength: 40, description: 'E.164.', examples: ['+447700900123'] }),
    channel: Type.Optional(channel),
    from: Type.Optional(
      Type.String({ maxLength: 40, description: 'As in a route.', examples: ['Dialtone'] }),
    ),
    templateId: Type.Optional(
      Type.String({ maxLength: 100, description: 'As in a route.', examples: ['SMS_000001'] }),
    ),
    templateParameters: Type.Optional(
      Type.Array(Type.Enum(['code', 'minutes', 'app']), { maxItems: 3, examples: [['code']] }),
    ),
  },
  { additionalProperties: false },
)

const TestOutcome = Type.Object({
  outcome: Type.Enum(['accepted', 'refused'], { examples: ['accepted'] }),
  providerMessageId: Type.Optional(
    Type.String({ description: 'Of an accepted one.', examples: ['SM0123…'] }),
  ),
  segments: Type.Optional(Type.Integer({ examples: [1] })),
  price: Type.Optional(
    Type.Object({
      amount: Type.String({ examples: ['0.0079'] }),
      currency: Type.String({ examples: ['USD'] }),
    }),
  ),
  reason: Type.Optional(Type.String({ description: 'Of a refused one.' })),
  about: Type.Optional(Type.String({ description: 'The reason in words, and what to do.' })),
  code: Type.Optional(Type.String({ description: 'The provider’s own code.' })),
})

const Name = Type.Object({
  name: Type.String({ maxLength: 60, description: 'By which routes know it.', examples: ['twilio'] }),
})

const toReply = (provider: ConfiguredProvider, breaker: BreakerState): Static<typeof Provider> => {
  const { name, kind, enabled, settings, secrets, receiptUrl, updatedAt } = provider
  return { name, kind, enabled, settings, secrets, receiptUrl, breaker, updatedAt }
}

const toOutcome = (outcome: SendOutcome): Static<typeof TestOutcome> => {
  if (outcome.outcome === 'refused') {
    const { reason, code } = outcome
    return { outcome: 'refused', reason, about: aboutOf(reason), code }
  }
  const { price, ...accepted } = outcome
  if (price === undefined) return accepted
  return { ...accepted, price: { amount: amountOf(price.micros), currency: price.currency } }
}

type Deps = {
  providers: Providers
  configuration: Configuration
  delivery: Pick<Deliveries, 'breakerOf'>
  testMessages: TestMessages
}

export const providerRoutes = (http: Http, deps: Deps): void => {
  const { providers, configuration, delivery } = deps
  readingRoutes(http, deps)

  http.put(
    '/console/api/sms/providers/:name',
    {
      config: { access: 'administrator', limit: own },
      schema: {
        operationId: 'consolePutSmsProvider',
        tags,
        summary: 'Configure a provider',
        description:
          'Makes it, or replaces its settings. A secret that is left out stays as it is, unless a setting that says where it is sent to has changed.',
        params: Name,
        body: ProviderEntry,
        response: { 200: Provider },
      },
    },
    async ({ administrator, params, body, clientIp: ip }) => {
      const { poolId } = administrator
      await configuration.putProvider({ poolId, administrator, ip }, params.name, body)
      return toReply(
        await requireProvider(providers, poolId, params.name),
        delivery.breakerOf(poolId, params.name),
      )
    },
  )

  http.delete(
    '/console/api/sms/providers/:name',
    {
      config: { access: 'administrator', limit: own, refusals: ['record_not_found'] },
      schema: {
        operationId: 'consoleRemoveSmsProvider',
        tags,
        summary: 'Remove a provider',
        description: 'One that neither a route nor the lookup of the guard names.',
        params: Name,
        response: { 200: Type.Object({}) },
      },
    },
    async ({ administrator, params, clientIp: ip }) => {
      await configuration.removeProvider({ poolId: administrator.poolId, administrator, ip }, params.name)
      return {}
    },
  )

  testMessageRoute(http, deps)
}

const requireProvider = async (
  providers: Providers,
  poolId: string,
  name: string,
): Promise<ConfiguredProvider> => {
  const provider = await providers.find(poolId, name)
  if (provider === undefined) throw new ApiError('record_not_found', 'no such provider')
  return provider
}

const readingRoutes = (http: Http, { providers, delivery }: Deps): void => {
  http.get(
    '/console/api/sms/provider-kinds',
    {
      config: { access: 'administrator', limit: own },
      schema: {
        operationId: 'consoleListSmsProviderKinds',
        tags,
        summary: 'The kinds of providers, with what each asks for',
        response: { 200: Type.Object({ kinds: Type.Array(Kind) }) },
      },
    },
    async () => ({
      kinds: kindNames.map((kind) => {
        const { title, channels, receipts, secrets, settings } = providerKinds[kind]
        return {
          kind,
          title,
          channels: [...channels],
          receipts: [...receipts],
          secrets: [...secrets],
          settings,
        }
      }),
    }),
  )

  http.get(
    '/console/api/sms/providers',
    {
      config: { access: 'administrator', limit: own },
      schema: {
        operationId: 'consoleListSmsProviders',
        tags,
        summary: 'The configured providers',
        response: { 200: Type.Object({ providers: Type.Array(Provider) }) },
      },
    },
    async ({ administrator: { poolId } }) => ({
      providers: (await providers.list(poolId)).map((one) =>
        toReply(one, delivery.breakerOf(poolId, one.name)),
      ),
    }),
  )

  http.get(
    '/console/api/sms/providers/:name',
    {
      config: { access: 'administrator', limit: own, refusals: ['record_not_found'] },
      schema: {
        operationId: 'consoleGetSmsProvider',
        tags,
        summary: 'One configured provider',
        params: Name,
        response: { 200: Provider },
      },
    },
    async ({ administrator: { poolId }, params: { name } }) =>
      toReply(await requireProvider(providers, poolId, name), delivery.breakerOf(poolId, name)),
  )
}

const testMessageRoute = (http: Http, { testMessages }: Deps): void => {
  http.post(
    '/console/api/sms/providers/:name/test-message',
    {
      config: {
        access: 'administrator',
        limit: ['testMessagesHour'],
        refusals: ['record_not_found', 'phone_number_invalid', 'sms_limit_reached'],
      },
      schema: {
        operationId: 'consoleTestSmsProvider',
        tags,
        summary: 'Send a test message',
        description:
          'Calls the provider now, past routes and guard, and tells what it answered. A provider of approved templates gets the code 000000. It costs what a message costs.',
        params: Name,
        body: TestMessageBody,
        response: { 200: TestOutcome },
      },
    },
    async ({ administrator, params, body, clientIp: ip }) => {
      const { to, channel = 'sms', from, templateId, templateParameters } = body
      const wanted = { provider: params.name, to, channel, from, templateId, templateParameters, ip }
      return toOutcome(await testMessages.send(administrator, wanted))
    },
  )
}
