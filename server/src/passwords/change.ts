// New passwords: changed by who knows the old one, reset by who reads a code, or checked without signing in.
//
// What must stay true: that a number or address has no user is told only to who has its code (rule 10); a token resets
// once, the password of its own user, while the number or address that was proved is still that user's; after a reset
// nobody is signed in, after a change only who changed it (rule 15), and the owner is told; a number that operators may
// have given to somebody else resets nothing where there is another way in; checking a password gives no guess more
// than signing in does.
import type { AccountPolicies } from '../account-policy/account-policy.ts'
import { ApiError } from '../api-codes.ts'
import type { Application } from '../applications/applications.ts'
import type { Audit } from '../audit/audit.ts'
import type { Clock } from '../core/clock.ts'
import { sha256 } from '../core/crypto.ts'
import type { Database, Queryable } from '../core/database.ts'
import type { FirstProof } from '../first-proof/first-proof.ts'
import type { Notices } from '../notices/notices.ts'
import type { Passcodes, VerdictRow } from '../passcodes/passcodes.ts'
import type { Phone } from '../phone/phone.ts'
import type { E164 } from '../phone-numbers/phone-numbers.ts'
import type { Sessions } from '../sessions/sessions.ts'
import { type StepUp, stepUpTtlSeconds } from '../step-up/step-up.ts'
import type { AccessToken } from '../tokens/tokens.ts'
import { type Identifier, isPhoneStale, nameOfIdentifier, type UserRow, type Users } from '../users/users.ts'
import type { Passwords } from './passwords.ts'
import { passwordSecurityLevel } from './policy.ts'
import { type ReplacedPassword, type ResetSubject, replacePassword, selectResetSubject } from './store.ts'

/** Where a call comes from. */
type Origin = { application: Application; ip: string /** Of the notice: BCP 47. */; language: string }

export type PasswordUpdate = Origin & {
  user: AccessToken
  newPassword: string
  oldPassword: string | undefined
  resetToken: string | undefined
}

export type ResetProof = {
  application: Application
  by: { kind: 'phone'; phone: E164 } | { kind: 'email'; email: string }
  code: string
}

export type PasswordReset = Origin & { password: string; resetToken: string }

export type PasswordCheck = {
  application: Application
  ip: string
  identifier: Exclude<Identifier, { kind: 'account' }>
  password: string
  captchaSolved: boolean
}

/** What a reset token was issued for. */
type ResetDetail = { applicationId: string; recipient: string }

type Deps = {
  db: Database
  users: Users
  passwords: Passwords
  passcodes: Passcodes
  accountPolicy: AccountPolicies
  sessions: Sessions
  stepUp: StepUp
  phone: Pick<Phone, 'stopChange'>
  firstProof: FirstProof
  notices: Notices
  audit: Audit
  clock: Clock
}

export const createPasswordChanges = (deps: Deps) => {
  const { db, users, passwords, passcodes, accountPolicy, sessions } = deps
  const { stepUp, phone: phones, firstProof, notices, audit, clock } = deps

  /** Whose token it is, and what stands in the account until it is spent. */
  const subjectOf = async ({ application: { poolId } }: Origin, token: string): Promise<ResetSubject> => {
    const given = { poolId, tokenHash: sha256(token), now: clock.now() }
    const subject = await selectResetSubject(db, given)
    if (subject === undefined) throw new ApiError('step_up_token_invalid', 'no live reset token')
    return subject
  }

  /** Spends the token. @throws ApiError step_up_token_invalid, which leaves it unspent */
  const spend = async (origin: Origin, subject: ResetSubject, token: string, tx: Queryable) => {
    const { poolId, id } = origin.application
    const asked = { poolId, kind: 'reset_password', userId: subject.id } as const
    const { detail } = await stepUp.consume<ResetDetail>(asked, token, tx)
    if (detail.applicationId !== id)
      throw new ApiError('step_up_token_invalid', 'another application’s token')
    return detail.recipient
  }

  /** Audit events of what a code proved beside opening the way. */
  const recordProof = async (origin: Origin, subject: ResetSubject, recipient: string, tx: Queryable) => {
    const { application, ip } = origin
    const { phone, email } = subject
    const event = { userId: subject.id, applicationId: application.id, ip }
    if (recipient === email && !subject.email_verified) {
      const detail = audit.describeEmail(email)
      await audit.record(application.poolId, { ...event, type: 'email.verified', detail }, tx)
    }
    const policy = await accountPolicy.stored(application.poolId, tx)
    if (phone !== null && recipient === phone && isPhoneStale(subject, policy, clock.now())) {
      const detail = audit.describePhone(phone)
      await audit.record(application.poolId, { ...event, type: 'phone.proved', detail }, tx)
    }
  }

  type Replacement = {
    origin: Origin
    userId: string
    type: 'password.changed' | 'password.reset'
    password: { hash: string; level: number }
    recipient: string | undefined
    keptSessionId?: string
    reach: Awaited<ReturnType<Notices['reach']>>
  }

  const replace = async (given: Replacement, tx: Queryable): Promise<ReplacedPassword> => {
    const { origin, userId, type, password, recipient, keptSessionId, reach } = given
    const { application, ip, language } = origin
    const { poolId, id: applicationId } = application
    const { hash: passwordHash, level } = password
    const now = clock.now()
    const row = await replacePassword(tx, { poolId, userId, passwordHash, level, recipient, now })
    if (row === undefined) throw new ApiError('step_up_token_invalid', 'the user is gone')
    if (row.status !== 'Activated') throw new ApiError('user_disabled', `the user is ${row.status}`)
    if (recipient !== undefined && recipient !== row.phone && recipient !== row.email)
      throw new ApiError(
        'step_up_token_invalid',
        'the number or address that was proved has left the account',
      )
    const reason = type === 'password.reset' ? 'password_reset' : 'password_changed'
    const by = type === 'password.reset' ? 'reset' : 'session'
    const spent = await notices.takeChange({ poolId, userId, by }, tx)
    if (spent !== undefined) throw spent
    await sessions.endOthers({ poolId, userId, keptSessionId, reason }, tx)
    await phones.stopChange(poolId, userId, tx)
    await audit.record(poolId, { type, userId, applicationId, ip }, tx)
    const notice = { poolId, applicationId, userId, kind: 'password_changed' as const, ip, language }
    await notices.record(notice, [row.phone, row.email], reach, tx)
    return row
  }

  const prepare = async (
    { application }: Origin,
    of: Pick<ResetSubject, 'username' | 'phone' | 'email'>,
    { password, field }: { password: string; field: string },
  ) => {
    const own = [of.username, of.phone, of.email]
    const { poolId, name: applicationName } = application
    await passwords.requireStrong({ poolId, password, field, own, applicationName })
    return { hash: await passwords.hash(password), level: passwordSecurityLevel(password) }
  }

  /** @throws ApiError old_password_incorrect, account_locked */
  const requireOldPassword = async (row: UserRow, { user, ip, oldPassword }: PasswordUpdate) => {
    if (row.password_hash === null) return
    if (oldPassword === undefined) throw new ApiError('old_password_incorrect', 'no oldPassword')
    const matches = await passwords.verify({
      poolId: user.poolId,
      identifier: row.id,
      ip,
      password: oldPassword,
      passwordHash: row.password_hash,
    })
    if (!matches) throw new ApiError('old_password_incorrect', 'wrong oldPassword')
  }

  return {
    /**
     * Sets a new password in the name of a signed-in user, whose other sessions end.
     * @throws ApiError token_invalid, user_disabled, password_too_weak, old_password_incorrect, account_locked,
     *   step_up_token_invalid, sms_limit_reached
     */
    update: async (update: PasswordUpdate): Promise<void> => {
      const { user, newPassword, resetToken } = update
      const row = await users.get(user.poolId, user.userId)
      if (row === undefined) throw new ApiError('token_invalid', 'the user is gone')
      await notices.requireChangesLeft({ poolId: user.poolId, userId: user.userId, by: 'session' })
      const subject = resetToken === undefined ? undefined : await subjectOf(update, resetToken)
      if (subject !== undefined && subject.id !== user.userId)
        throw new ApiError('step_up_token_invalid', 'another user’s token')
      if (subject === undefined) await requireOldPassword(row, update)
      const password = await prepare(update, row, { password: newPassword, field: 'newPassword' })
      const reach = await notices.reach(user.poolId, [row.phone])

      await db.transaction(async (tx) => {
        const recipient =
          subject === undefined || resetToken === undefined
            ? undefined
            : await spend(update, subject, resetToken, tx)
        const held = await users.hold(user, tx)
        if (subject === undefined && held.password_hash !== row.password_hash)
          throw new ApiError('old_password_incorrect', 'the password was changed meanwhile')
        if (subject !== undefined && recipient !== undefined)
          await recordProof(update, subject, recipient, tx)
        const { userId, sessionId: keptSessionId } = user
        const type = 'password.changed'
        await replace({ origin: update, userId, type, password, recipient, keptSessionId, reach }, tx)
      })
    },

    /**
     * Exchanges a code of CHANNEL_RESET_PASSWORD for a token that resets once.
     * @throws ApiError passcode_incorrect, passcode_expired, passcode_attempts_exceeded, request_invalid (passCode); after
     *   a right code user_not_found, user_disabled, phone_proof_stale
     */
    verifyReset: async (proof: ResetProof): Promise<{ token: string; expiresInSeconds: number }> => {
      const { application, by, code } = proof
      const { poolId, id: applicationId } = application
      const recipient = by.kind === 'phone' ? by.phone : by.email
      const asked = passcodes.proof({ application, purpose: 'reset_password', recipient, code })
      const policy = await accountPolicy.of(poolId)

      type Outcome = string | VerdictRow | { refusal: ApiError }
      const outcome = await db.transaction(async (tx): Promise<Outcome> => {
        const verdict = await passcodes.verify(asked, tx)
        if (verdict.outcome !== 'accepted') return verdict
        const user = await users.find(poolId, by, tx)
        if (user === undefined) return { refusal: new ApiError('user_not_found', 'nobody has it any more') }
        if (user.status !== 'Activated')
          return { refusal: new ApiError('user_disabled', `the user is ${user.status}`) }
        if (by.kind === 'phone' && isPhoneStale(user, policy, clock.now())) {
          const ways = await users.signInWays(poolId, user.id, tx)
          if (ways.email || ways.username || ways.passkey)
            return { refusal: new ApiError('phone_proof_stale', 'a stale number, and another way in') }
        }
        const detail: ResetDetail = { applicationId, recipient }
        return stepUp.issue({ poolId, kind: 'reset_password', userId: user.id }, detail, tx)
      })

      // Refused outside of the transaction, so that a counted attempt is not rolled back.
      if (typeof outcome === 'string')
        return { token: outcome, expiresInSeconds: stepUpTtlSeconds.reset_password }
      if ('refusal' in outcome) throw outcome.refusal
      passcodes.requireAccepted(outcome)
      throw new ApiError('passcode_incorrect', 'the code was not accepted')
    },

    /**
     * Sets a new password with a token of `verifyReset`; all sessions of the user end. A weak password spends no token.
     * @throws ApiError step_up_token_invalid, user_disabled, password_too_weak, sms_limit_reached
     */
    reset: async (reset: PasswordReset): Promise<void> => {
      const { application, resetToken } = reset
      const subject = await subjectOf(reset, resetToken)
      await notices.requireChangesLeft({ poolId: application.poolId, userId: subject.id, by: 'reset' })
      const password = await prepare(reset, subject, { password: reset.password, field: 'password' })
      const reach = await notices.reach(application.poolId, [subject.phone])

      await db.transaction(async (tx) => {
        const recipient = await spend(reset, subject, resetToken, tx)
        await recordProof(reset, subject, recipient, tx)
        if (recipient === subject.email) {
          const { ip, language } = reset
          const { poolId, id: applicationId } = application
          const unproved = { poolId, applicationId, userId: subject.id, email: recipient, ip }
          await firstProof.removeOthers(unproved, { language, reach }, tx)
        }
        const type = 'password.reset'
        await replace({ origin: reset, userId: subject.id, type, password, recipient, reach }, tx)
      })
    },

    /**
     * Whether sign-in would take this password. Counted with the guesses of sign-in, and refused as sign-in refuses.
     * @throws ApiError account_locked, captcha_required; with a right password user_disabled, password_reset_required
     */
    validate: async (check: PasswordCheck): Promise<boolean> => {
      const { application, identifier, ip, password, captchaSolved } = check
      const { poolId } = application
      const user = await users.find(poolId, identifier)
      const matches = await passwords.verify({
        poolId,
        identifier: nameOfIdentifier(identifier),
        ip,
        captchaSolved,
        password,
        passwordHash: user?.password_hash ?? undefined,
      })
      if (!matches || user === undefined) return false
      if (user.status !== 'Activated') throw new ApiError('user_disabled', `the user is ${user.status}`)
      if (user.password_reset_required)
        throw new ApiError('password_reset_required', 'a change to the account was undone')
      return true
    },
  }
}

export type PasswordChanges = ReturnType<typeof createPasswordChanges>
