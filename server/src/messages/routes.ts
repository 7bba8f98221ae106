import { type Static, Type } from 'typebox'
import { ApiError } from '../api-codes.ts'
import type { Http } from '../core/http.ts'
import { amountOf } from '../core/money.ts'
import { unlimited } from '../limits.ts'
import { requirePhone } from '../phone-numbers/phone-numbers.ts'
import type { AttemptRow, MessageSummary, Messages, TimelineEvent } from './messages.ts'

const tags = ['Console: SMS']
const own = unlimited('needs an administrator')

const uuid = '^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$'
const defaultLimit = 50

const time = (description: string) =>
  Type.String({ description: `${description} ISO 8601, UTC.`, examples: ['2026-03-02T09:30:00.000Z'] })
const id = Type.String({ pattern: uuid, examples: ['019c2f4e-6b1a-7c52-9d0e-3f6a8b1c2d4e'] })

const Message = Type.Object({
  id,
  applicationId: Type.String({ examples: ['676e6965b3d4f2a7c2a1b0d5'] }),
  channel: Type.String({ description: '`sms` for whatever goes to a phone, or `email`.', examples: ['sms'] }),
  recipient: Type.String({ description: 'The whole number, or the address.', examples: ['+447700900123'] }),
  region: Type.Optional(Type.String({ examples: ['GB'] })),
  purpose: Type.String({
    description: 'What its code is for; or what its notice tells of, such as `phone_changed`.',
    examples: ['bind_phone'],
  }),
  state: Type.Enum(['queued', 'accepted', 'delivered', 'failed'], {
    description: 'A provider’s acceptance is not delivery.',
    examples: ['delivered'],
  }),
  provider: Type.Optional(Type.String({ description: 'Who has taken it.', examples: ['twilio'] })),
  guardNote: Type.Optional(
    Type.String({
      description:
        'What the guard would have done, had it not only observed: `challenged`, `blocked`, `limited`, or the refusal of the number or its line.',
      examples: ['challenged'],
    }),
  ),
  createdAt: time('When it was asked for.'),
  verifiedAt: Type.Optional(time('When its code came back.')),
})

const Attempt = Type.Object({
  id,
  provider: Type.String({ examples: ['twilio'] }),
  channel: Type.Enum(['sms', 'voice', 'whatsapp', 'email'], { examples: ['sms'] }),
  state: Type.Enum(['started', 'unknown', 'refused', 'accepted', 'sent', 'delivered', 'failed'], {
    examples: ['delivered'],
  }),
  reason: Type.Optional(Type.String({ examples: ['blocked_by_carrier'] })),
  code: Type.Optional(Type.String({ description: 'The provider’s own.', examples: ['30007'] })),
  providerMessageId: Type.Optional(Type.String({ examples: ['SM0123…'] })),
  segments: Type.Optional(Type.Integer({ examples: [1] })),
  price: Type.Optional(
    Type.Object({
      amount: Type.String({ examples: ['0.0079'] }),
      currency: Type.String({ examples: ['USD'] }),
    }),
  ),
  startedAt: time('When the provider was called.'),
  answeredAt: Type.Optional(time('When it answered.')),
  finishedAt: Type.Optional(time('When it was delivered, or failed for good.')),
})

const Event = Type.Object({
  type: Type.String({
    description:
      'queued, tried, refused, unknown (the process ended while it waited), accepted, sent, delivered, failed, verified.',
    examples: ['delivered'],
  }),
  at: time(''),
  provider: Type.Optional(Type.String({ examples: ['twilio'] })),
  channel: Type.Optional(Type.String({ examples: ['sms'] })),
  reason: Type.Optional(Type.String()),
  about: Type.Optional(Type.String({ description: 'The reason in words.' })),
  code: Type.Optional(Type.String({ description: 'The provider’s own.' })),
})

/** Without those that are null. */
const present = <Fields extends Record<string, string | number | null>>(fields: Fields) =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== null)) as {
    [Name in keyof Fields]?: Exclude<Fields[Name], null>
  }

const isoOrNull = (at: Date | null): string | null => at?.toISOString() ?? null

const toMessage = (row: MessageSummary): Static<typeof Message> => ({
  id: row.id,
  applicationId: row.application_id,
  channel: row.channel,
  recipient: row.recipient,
  purpose: row.purpose,
  state: row.state as Static<typeof Message>['state'],
  createdAt: row.created_at.toISOString(),
  ...present({
    region: row.region,
    provider: row.provider,
    guardNote: row.guard_note,
    verifiedAt: isoOrNull(row.verified_at),
  }),
})

const toAttempt = (row: AttemptRow): Static<typeof Attempt> => ({
  id: row.id,
  provider: row.provider,
  channel: row.channel,
  state: row.state,
  startedAt: row.started_at.toISOString(),
  ...present({
    reason: row.reason,
    code: row.code,
    providerMessageId: row.provider_message_id,
    segments: row.segments,
    answeredAt: isoOrNull(row.answered_at),
    finishedAt: isoOrNull(row.finished_at),
  }),
  ...(row.price_micros !== null && row.currency !== null
    ? { price: { amount: amountOf(Number(row.price_micros)), currency: row.currency } }
    : {}),
})

/** A `+` often arrives as a space, which is what it means in a URL. @throws ApiError phone_number_invalid */
const recipientOf = (given: string | undefined): string | undefined => {
  if (given === undefined || given.includes('@')) return given?.trim().toLowerCase()
  return requirePhone(given.replace(/^ (?=\d)/, '+'), undefined, 'recipient').phone
}

export const messageRoutes = (http: Http, messages: Messages): void => {
  http.get(
    '/console/api/sms/messages',
    {
      config: { access: 'administrator', limit: own, refusals: ['phone_number_invalid'] },
      schema: {
        operationId: 'consoleListMessages',
        tags,
        summary: 'Messages, newest first',
        description: 'Kept for seven days. None of them tells its code, or the link of its notice.',
        querystring: Type.Object({
          recipient: Type.Optional(
            Type.String({ maxLength: 300, description: 'A number (%2B44…) or an email address.' }),
          ),
          before: Type.Optional(Type.String({ pattern: uuid, description: 'Of the page before: `next`.' })),
          limit: Type.Optional(
            Type.String({
              pattern: '^([1-9]\\d?|1\\d\\d|200)$',
              description: `1 to 200. Default: ${defaultLimit}.`,
            }),
          ),
        }),
        response: {
          200: Type.Object({
            messages: Type.Array(Message),
            next: Type.Optional(
              Type.String({ description: 'There are older ones: ask with this as `before`.' }),
            ),
          }),
        },
      },
    },
    async ({ administrator, query }) => {
      const limit = Number(query.limit ?? defaultLimit)
      const filter = { recipient: recipientOf(query.recipient), before: query.before, limit: limit + 1 }
      const rows = await messages.summaries(administrator.poolId, filter)
      const shown = rows.slice(0, limit)
      const next = rows.length > limit ? shown.at(-1)?.id : undefined
      return { messages: shown.map(toMessage), ...(next && { next }) }
    },
  )

  http.get(
    '/console/api/sms/messages/:id',
    {
      config: { access: 'administrator', limit: own, refusals: ['record_not_found'] },
      schema: {
        operationId: 'consoleGetMessage',
        tags,
        summary: 'What became of a message',
        description: 'Each provider that was tried, and all that happened, in the order of time.',
        params: Type.Object({ id }),
        response: {
          200: Type.Object({
            message: Message,
            attempts: Type.Array(Attempt),
            timeline: Type.Array(Event),
          }),
        },
      },
    },
    async ({ administrator, params }) => {
      const found = await messages.timeline(administrator.poolId, params.id)
      if (found === undefined) throw new ApiError('record_not_found', 'no such message')
      const { message, attempts, events } = found
      return {
        message: toMessage(message),
        attempts: attempts.map(toAttempt),
        timeline: events satisfies TimelineEvent[],
      }
    },
  )
}
