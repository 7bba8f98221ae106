// What every change of an address has in common: who asks for it, and what goes with it in the same transaction.

import type { AccountPolicies } from '../account-policy/account-policy.ts'
import { ApiError } from '../api-codes.ts'
import type { Application } from '../applications/applications.ts'
import type { Audit } from '../audit/audit.ts'
import type { Clock } from '../core/clock.ts'
import { type Database, type Queryable, violatedUniqueIndex } from '../core/database.ts'
import type { Factors } from '../factors/factors.ts'
import type { KeptFactor, Notices } from '../notices/notices.ts'
import type { Passcodes, VerdictRow } from '../passcodes/passcodes.ts'
import type { E164 } from '../phone-numbers/phone-numbers.ts'
import type { Sessions } from '../sessions/sessions.ts'
import type { StepUp } from '../step-up/step-up.ts'
import type { AccessToken } from '../tokens/tokens.ts'
import type { UserRow, Users } from '../users/users.ts'

export type EmailDeps = {
  db: Database
  users: Users
  passcodes: Passcodes
  sessions: Sessions
  factors: Pick<Factors, 'isFresh'>
  stepUp: StepUp
  notices: Notices
  accountPolicy: AccountPolicies
  audit: Audit
  clock: Clock
}

export type Caller = {
  user: AccessToken
  application: Application
  ip: string
  /** Of the notice: BCP 47. */
  language: string
}

/** The caller as the account is now; what is decided by it is decided again under the lock of `users.hold`. */
export const requireUser = async ({ users }: EmailDeps, { user }: Caller): Promise<UserRow> => {
  const row = await users.get(user.poolId, user.userId)
  if (row === undefined) throw new ApiError('token_invalid', 'the user is gone')
  return row
}

export type Change = {
  event: 'email.bound' | 'email.changed' | 'email.unbound'
  notice: 'email_bound' | 'email_changed' | 'email_unbound'
  before: string | null
  beforeVerified?: boolean
  beforeFactor?: KeptFactor | undefined
  after: string | null
  phone: E164 | null
}

/** Rule 15: ends the other sessions, and tells the audit log, the old address and the phone. */
export const recordChange = async (
  { sessions, audit, notices }: EmailDeps,
  given: { caller: Caller; change: Change; reach: Awaited<ReturnType<Notices['reach']>> },
  tx: Queryable,
): Promise<void> => {
  const { caller, change, reach } = given
  const { user, application, ip, language } = caller
  const { poolId, userId, sessionId } = user
  const { event, notice, before, beforeVerified, beforeFactor, after, phone } = change
  await sessions.endOthers({ poolId, userId, keptSessionId: sessionId, reason: notice }, tx)
  const of = (email: string | null) => (email === null ? {} : audit.describeEmail(email))
  const detail =
    after === null ? of(before) : { ...of(after), ...(before === null ? {} : { before: of(before) }) }
  await audit.record(poolId, { type: event, userId, applicationId: application.id, ip, detail }, tx)
  await notices.record(
    {
      poolId,
      applicationId: application.id,
      userId,
      kind: notice,
      ip,
      language,
      before: before ?? undefined,
      beforeVerified,
      beforeFactor,
      after: after ?? undefined,
    },
    // Who reads an address that nobody proved may be a stranger, who could take the account back there by the link: it
    // is told only where nobody else would be.
    [beforeVerified === false && phone !== null ? null : before, phone],
    reach,
    tx,
  )
}

export const emailTaken = () => new ApiError('email_taken', 'the address is another user’s')

/** The unique index failed the statement: another user proved the address at the same instant. */
export const refuseTaken = (error: unknown): never => {
  if (violatedUniqueIndex(error) === 'users_email_key') throw emailTaken()
  throw error
}

/** Throws what a transaction came to, outside of it, so that a counted attempt is not rolled back. */
export const requireDone = (passcodes: Passcodes, outcome: VerdictRow | ApiError): void => {
  if (outcome instanceof ApiError) throw outcome
  passcodes.requireAccepted(outcome)
}
