// Deleting the own account, for good.
//
// What must stay true: only who proves the account's own number or address (or, where it has neither, its password) can
// delete it; all goes in one transaction, and the number and the tokens with it; what stays tells nothing of the person:
// events keep their type and time, the history of a number its fingerprint, because both also concern others (rule 18);
// the last message, which says that the account is gone, is forgotten like every message.
import { ApiError, fieldInvalid } from '../api-codes.ts'
import type { Application } from '../applications/applications.ts'
import type { Audit } from '../audit/audit.ts'
import type { Clock } from '../core/clock.ts'
import type { Keyring } from '../core/crypto.ts'
import type { Database, Queryable } from '../core/database.ts'
import type { Notices } from '../notices/notices.ts'
import type { Passcodes, VerdictRow } from '../passcodes/passcodes.ts'
import type { Passwords } from '../passwords/passwords.ts'
import type { E164 } from '../phone-numbers/phone-numbers.ts'
import { type StepUp, stepUpTtlSeconds } from '../step-up/step-up.ts'
import type { AccessToken } from '../tokens/tokens.ts'
import type { UserRow, Users } from '../users/users.ts'
import {
  closePhoneHistory,
  deleteMessagesOf,
  deletePasscodesOf,
  deleteStepUpTokensOf,
  deleteUser,
  deleteWhatNamesUser,
  fingerprintPhoneHistory,
  forgetInEvents,
  selectClearPhones,
  selectRecipients,
} from './store.ts'

export type DeletionProof = {
  user: AccessToken
  application: Application
  ip: string
  by:
    | { kind: 'phone'; phone: E164; code: string }
    /** Without an address the account's own is meant. */
    | { kind: 'email'; email: string | undefined; code: string }
    | { kind: 'password'; password: string }
}

export type DeletionRequest = {
  user: AccessToken
  application: Application
  token: string
  /** Of the notice: BCP 47. */
  language: string
}

/** What the account was reached by when its deletion was proved. */
type Detail = { phone: string | null; email: string | null }

type Deps = {
  db: Database
  users: Users
  passwords: Passwords
  passcodes: Passcodes
  stepUp: StepUp
  notices: Notices
  audit: Audit
  keyring: Keyring
  clock: Clock
}

export const createDeletion = (deps: Deps) => {
  const { db, users, passwords, passcodes, stepUp, notices, audit, keyring, clock } = deps

  const requireUser = async ({ poolId, userId }: AccessToken): Promise<UserRow> => {
    const row = await users.get(poolId, userId)
    if (row === undefined) throw new ApiError('token_invalid', 'the user is gone')
    return row
  }

  const issueToken = (user: AccessToken, row: UserRow, tx: Queryable): Promise<string> => {
    const { poolId, userId, sessionId } = user
    const detail: Detail = { phone: row.phone, email: row.email }
    return stepUp.issue({ poolId, kind: 'delete_account', userId, sessionId }, detail, tx)
  }

  /** A number or address that is not the account's own is refused like a wrong code: nothing is learned of it. */
  const proveByCode = async (proof: DeletionProof, recipient: string, code: string): Promise<string> => {
    const { user, application } = proof
    const { userId } = user
    const asked = passcodes.proof({ application, purpose: 'delete_account', recipient, code, userId })
    const row = await requireUser(user)
    if (recipient !== row.phone && recipient !== row.email)
      throw new ApiError('passcode_incorrect', 'not the number or address of the account')

    const outcome = await db.transaction(async (tx): Promise<string | VerdictRow> => {
      const verdict = await passcodes.verify(asked, tx)
      if (verdict.outcome !== 'accepted') return verdict
      const held = await users.hold(user, tx)
      if (recipient !== held.phone && recipient !== held.email)
        return { outcome: 'incorrect', retry_at: null }
      return issueToken(user, held, tx)
    })

    // Refused outside of the transaction, so that a counted attempt is not rolled back.
    if (typeof outcome === 'string') return outcome
    passcodes.requireAccepted(outcome)
    throw new ApiError('passcode_incorrect', 'the code was not accepted')
  }

  const proveByPassword = async ({ user, ip }: DeletionProof, password: string): Promise<string> => {
    const row = await requireUser(user)
    // An address that nobody proved may be mistyped: no code would ever come back from there.
    if (row.phone !== null || (row.email !== null && row.email_verified)) {
      const instead = row.phone === null ? 'EMAIL_PASSCODE' : 'PHONE_PASSCODE'
      throw fieldInvalid(
        'verifyMethod',
        `must be ${instead}: PASSWORD is for an account without phone and email`,
      )
    }
    const passwordHash = row.password_hash ?? undefined
    const guess = { poolId: user.poolId, identifier: row.id, ip, password, passwordHash }
    if (!(await passwords.verify(guess)))
      throw new ApiError('old_password_incorrect', 'wrong password, or none is set')
    return db.transaction(async (tx) => {
      const held = await users.hold(user, tx)
      if (held.password_hash !== row.password_hash)
        throw new ApiError('old_password_incorrect', 'the password was changed meanwhile')
      return issueToken(user, held, tx)
    })
  }

  /** What stays, without the person. */
  const forget = async (row: UserRow, poolId: string, tx: Queryable): Promise<void> => {
    const of = { poolId, userId: row.id }
    for (const phone of await selectClearPhones(tx, of)) {
      await fingerprintPhoneHistory(tx, { ...of, phone, fingerprint: keyring.fingerprint(phone) })
    }
    await closePhoneHistory(tx, { ...of, now: clock.now() })
    await forgetInEvents(tx, of)
  }

  return {
    /**
     * Exchanges a proof for a token that deletes the account within a minute, in the same session.
     * @throws ApiError token_invalid, user_disabled, passcode_incorrect, passcode_expired, passcode_attempts_exceeded,
     *   old_password_incorrect, account_locked, request_invalid (passCode, verifyMethod)
     */
    verify: async (proof: DeletionProof): Promise<{ token: string; expiresInSeconds: number }> => {
      const { by, user } = proof
      const expiresInSeconds = stepUpTtlSeconds.delete_account
      if (by.kind === 'password')
        return { token: await proveByPassword(proof, by.password), expiresInSeconds }
      if (by.kind === 'phone') return { token: await proveByCode(proof, by.phone, by.code), expiresInSeconds }
      const email = by.email ?? (await requireUser(user)).email
      if (email === null) throw new ApiError('passcode_incorrect', 'the account has no address')
      return { token: await proveByCode(proof, email, by.code), expiresInSeconds }
    },

    /**
     * Rows are taken in the order in which every other call takes them (codes, their messages, tokens, the user, what
     * hangs on it), so that none of them waits for this one while this one waits for it.
     * @throws ApiError token_invalid, user_disabled, step_up_token_invalid
     */
    delete: async ({ user, application, token, language }: DeletionRequest): Promise<void> => {
      const { poolId, userId, sessionId } = user
      const { phone } = await requireUser(user)
      const reach = await notices.reach(poolId, [phone])
      await db.transaction(async (tx) => {
        const asked = { poolId, kind: 'delete_account', userId, sessionId } as const
        const { detail } = await stepUp.consume<Detail>(asked, token, tx)
        const of = { poolId, userId }
        const recipients = await selectRecipients(tx, of)
        await deletePasscodesOf(tx, { ...of, recipients })
        await deleteMessagesOf(tx, { ...of, recipients })
        await deleteStepUpTokensOf(tx, of)
        const row = await users.hold(user, tx)
        if (row.phone !== detail.phone || row.email !== detail.email)
          throw new ApiError('step_up_token_invalid', 'the number or address changed since')
        await deleteWhatNamesUser(tx, of)
        await forget(row, poolId, tx)
        await deleteUser(tx, of)
        const event = { type: 'user.deleted' as const, userId, applicationId: application.id }
        await audit.record(poolId, event, tx)
        const kind = 'account_deleted' as const
        // Without the address of the client: the message outlives the account.
        const notice = { poolId, applicationId: application.id, userId, kind, ip: undefined, language }
        await notices.record(notice, [row.phone, row.email], reach, tx)
      })
    },
  }
}

export type Deletion = ReturnType<typeof createDeletion>
