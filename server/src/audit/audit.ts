// The append-only log of what happened to accounts, in the past tense: `phone.bound`, `session.started`.
//
// What must stay true: an event is written in the statement or transaction of what it tells, so that neither exists
// without the other; a number stands in it as a keyed fingerprint and masked, never in clear (rule 12).
import type { Clock } from '../core/clock.ts'
import { type Keyring, newId } from '../core/crypto.ts'
import type { Database, Queryable, Sql } from '../core/database.ts'
import { type E164, maskPhone } from '../phone-numbers/phone-numbers.ts'
import { type AuditRow, insertEvent, insertEventFrom, selectEvents } from './store.ts'

export type EventType =
  | 'user.signed_up'
  | 'session.started'
  | 'session.ended'
  | 'refresh_token.reused'
  | 'phone.bound'
  | 'phone.proved'
  | 'phone.changed'
  | 'phone.unbound'
  | 'phone.change_requested'
  | 'phone.change_stopped'
  | 'phone.claim_started'
  | 'phone.claim_stopped'
  | 'phone.claimed'
  | 'email.bound'
  | 'email.verified'
  | 'email.changed'
  | 'email.unbound'
  | 'email.disowned'
  | 'account.change_undone'
  | 'account.secured'
  | 'password.changed'
  | 'password.reset'
  | 'factor.enrolled'
  | 'factor.proved'
  | 'factor.removed'
  | 'passkey.registered'
  | 'passkey.counter_regressed'
  | 'user.deleted'
  | 'account_policy.changed'
  | 'application.created'
  | 'application.changed'
  | 'mail_settings.changed'
  | 'sms_budget.exhausted'
  | 'sms_configuration.changed'
  | 'sms_provider.tested'
  | 'administrator.signed_in'
  | 'administrator.signed_out'
  | 'administrator.password_changed'
  | 'administrator_key.created'
  | 'administrator_key.revoked'

export type AuditEvent = {
  type: EventType
  userId?: string | undefined
  applicationId?: string | undefined
  ip?: string | undefined
  detail?: Record<string, unknown>
}

export const createAudit = ({ db, keyring, clock }: { db: Database; keyring: Keyring; clock: Clock }) => {
  const toRow = (event: AuditEvent): AuditRow => ({
    id: newId(clock),
    type: event.type,
    userId: event.userId,
    applicationId: event.applicationId,
    ip: event.ip,
    detail: event.detail ?? {},
    occurredAt: clock.now(),
  })

  return {
    /** Writes the event by itself, or in the caller's transaction. */
    record: async (poolId: string, event: AuditEvent, tx: Queryable = db): Promise<void> => {
      await insertEvent(tx, poolId, toRow(event))
    },

    /** The event as part of another statement: written for each row of `source`, a CTE's name. */
    recordFrom: (source: Sql, poolId: string, event: AuditEvent): Sql =>
      insertEventFrom(source, poolId, toRow(event)),

    /** How a number may stand in an event: enough to join and to recognize, not to call. */
    describePhone: (phone: E164) => ({
      phone: maskPhone(phone),
      phoneFingerprint: keyring.fingerprint(phone),
    }),

    /** The same for an email address. */
    describeEmail: (email: string) => ({
      email: maskEmail(email),
      emailFingerprint: keyring.fingerprint(email),
    }),

    /** What happened to one user, oldest first. */
    eventsOf: (poolId: string, userId: string) => selectEvents(db, poolId, userId),
  }
}

/** `a***@example.com`. */
export const maskEmail = (email: string): string => email.replace(/^(.).*@/su, '$1***@')

export type Audit = ReturnType<typeof createAudit>
