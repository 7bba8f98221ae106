// What an administrator may read of a user's past: the numbers, masked, and the audit events.
import { Type } from 'typebox'
import { ApiError } from '../api-codes.ts'
import type { Audit } from '../audit/audit.ts'
import type { Http } from '../core/http.ts'
import { unlimited } from '../limits.ts'
import type { Phone } from '../phone/phone.ts'
import type { Users } from '../users/users.ts'

const tags = ['Console: users']
const own = unlimited('needs an administrator')

const userId = Type.String({
  pattern: '^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$',
  examples: ['019c2f4e-6b1a-7c52-9d0e-3f6a8b1c2d4e'],
})

const time = (description: string) =>
  Type.String({ description: `${description} ISO 8601, UTC.`, examples: ['2026-03-02T09:30:00.000Z'] })
const applicationId = Type.String({ examples: ['676e6965b3d4f2a7c2a1b0d5'] })
const ip = Type.String({ examples: ['203.0.113.7'] })

const Binding = Type.Object({
  phone: Type.Optional(
    Type.String({
      description: 'Its calling code and last two digits; absent where the user was deleted since.',
      examples: ['+86*******78'],
    }),
  ),
  phoneFingerprint: Type.String({
    description: 'The same for the same number, in the history of whichever user.',
    examples: ['5f0c9a7e1b3d2c4f6a8e9b0d'],
  }),
  boundAt: time('When it was bound.'),
  unboundAt: Type.Optional(time('When it was not any more; absent: it is bound.')),
  endReason: Type.Optional(
    Type.String({ description: 'changed, unbound, undone, claimed or deleted.', examples: ['changed'] }),
  ),
  applicationId,
  ip: Type.Optional(ip),
})

const Event = Type.Object({
  type: Type.String({ description: 'What happened, in the past tense.', examples: ['phone.bound'] }),
  at: time('When.'),
  applicationId: Type.Optional(applicationId),
  ip: Type.Optional(ip),
  detail: Type.Record(Type.String(), Type.Unknown(), {
    description: 'Depends on the type; numbers and addresses are masked, with a fingerprint.',
  }),
})

export const userHistoryRoutes = (
  http: Http,
  { phone, users, audit }: { phone: Phone; users: Users; audit: Audit },
): void => {
  /** A deleted user has a history still. @throws ApiError record_not_found */
  const requireKnown = async (poolId: string, id: string, rows: readonly unknown[]): Promise<void> => {
    if (rows.length > 0 || (await users.get(poolId, id)) !== undefined) return
    throw new ApiError('record_not_found', 'no such user')
  }

  http.get(
    '/console/api/users/:userId/phone-history',
    {
      config: { access: 'administrator', limit: own, refusals: ['record_not_found'] },
      schema: {
        operationId: 'consoleListPhoneHistory',
        tags,
        summary: 'Every number that a user ever had, oldest first',
        description: 'Also of a user who was deleted.',
        params: Type.Object({ userId }),
        response: { 200: Type.Object({ bindings: Type.Array(Binding) }) },
      },
    },
    async ({ administrator: { poolId }, params }) => {
      const bindings = await phone.historyOf(poolId, params.userId)
      await requireKnown(poolId, params.userId, bindings)
      return {
        bindings: bindings.map((binding) => ({
          phoneFingerprint: binding.phoneFingerprint,
          applicationId: binding.applicationId,
          boundAt: binding.boundAt.toISOString(),
          ...(binding.phone !== null && { phone: binding.phone }),
          ...(binding.unboundAt !== null && { unboundAt: binding.unboundAt.toISOString() }),
          ...(binding.endReason !== null && { endReason: binding.endReason }),
          ...(binding.ip !== null && { ip: binding.ip }),
        })),
      }
    },
  )

  http.get(
    '/console/api/users/:userId/events',
    {
      config: { access: 'administrator', limit: own, refusals: ['record_not_found'] },
      schema: {
        operationId: 'consoleListUserEvents',
        tags,
        summary: 'What happened to a user, oldest first',
        description: 'The audit events of the account. Also of a user who was deleted.',
        params: Type.Object({ userId }),
        response: { 200: Type.Object({ events: Type.Array(Event) }) },
      },
    },
    async ({ administrator: { poolId }, params }) => {
      const events = await audit.eventsOf(poolId, params.userId)
      await requireKnown(poolId, params.userId, events)
      return {
        events: events.map((event) => ({
          type: event.type,
          at: event.occurred_at.toISOString(),
          detail: event.detail,
          ...(event.application_id !== null && { applicationId: event.application_id }),
          ...(event.ip !== null && { ip: event.ip }),
        })),
      }
    },
  )
}
