// Enrolling a factor in two calls: the first makes or sends what is to be proved, the second brings the proof.
//
// What must stay true: nothing is enrolled but by a code that was read there, or that the app with the new secret
// shows; between the two calls the secret lives sealed in the token alone (rule 27); a wrong code does not spend the
// token, and a right one spends both.
import { ApiError } from '../api-codes.ts'
import type { Application } from '../applications/applications.ts'
import type { Audit } from '../audit/audit.ts'
import type { Clock } from '../core/clock.ts'
import { type Keyring, newId } from '../core/crypto.ts'
import type { Database, Queryable } from '../core/database.ts'
import type { Mail } from '../mail/mail.ts'
import type { Passcodes } from '../passcodes/passcodes.ts'
import { type E164, isPhone } from '../phone-numbers/phone-numbers.ts'
import type { Sms } from '../sms/sms.ts'
import type { StepUp } from '../step-up/step-up.ts'
import type { AccessToken } from '../tokens/tokens.ts'
import type { Users } from '../users/users.ts'
import type { Attempts } from './attempts.ts'
import { newRecoveryCode, recoveryCodeDigest } from './recovery-codes.ts'
import type { Standing } from './standing.ts'
import { type FactorType, insertFactor, type NewFactor, selectFactors } from './store.ts'
import { newTotpSecret, stepOfTotp, totpUri } from './totp.ts'

/** Who asks, and from where. */
export type Asker = {
  user: AccessToken
  application: Application
  ip: string
  /** Of messages: BCP 47. */
  language: string
}

/** What is to be enrolled. */
export type Wanted =
  | { type: 'OTP' }
  | { type: 'SMS'; phone: E164; captcha: { token: string; code: string } | undefined }
  | { type: 'EMAIL'; email: string }

/** What the token holds, sealed. */
type Pending =
  | { type: 'OTP'; secret: string; recoveryCodeDigest: string }
  | { type: 'SMS' | 'EMAIL'; recipient: string }

export type EnrollmentRequest = {
  enrollmentToken: string
  otpData?: { qrCodeUri: string; qrCodeDataUrl: string; recoveryCode: string }
}

/** @param code digits, read as the type has them */
export type EnrollmentProof = { type: FactorType; enrollmentToken: string; code: string }

type Deps = {
  db: Database
  users: Users
  passcodes: Passcodes
  sms: Sms
  mail: Mail
  stepUp: StepUp
  attempts: Attempts
  standing: Standing
  audit: Audit
  keyring: Keyring
  clock: Clock
}

/** Rule 27: bound to its owner, so that a secret cannot be moved to another row. */
export const secretContext = ({ poolId, userId }: { poolId: string; userId: string }): string =>
  `totp ${poolId} ${userId}`

/** How a factor may stand in an audit event (rule 12). */
export const describeFactor = (audit: Audit, factor: { type: FactorType; recipient?: string | null }) => {
  const { type, recipient } = factor
  if (!recipient) return { factorType: type }
  const described = isPhone(recipient) ? audit.describePhone(recipient) : audit.describeEmail(recipient)
  return { factorType: type, ...described }
}

export const createEnrollment = (deps: Deps) => {
  const { db, users, passcodes, sms, mail, stepUp, attempts, standing, audit, keyring, clock } = deps

  const subjectOf = ({ poolId, userId, sessionId }: AccessToken) =>
    ({ poolId, userId, sessionId, kind: 'enroll_factor' }) as const

  const requestOtp = async ({ user, application }: Asker): Promise<EnrollmentRequest> => {
    const row = await users.get(user.poolId, user.userId)
    const secret = newTotpSecret()
    const recoveryCode = newRecoveryCode()
    const account = row?.username ?? row?.email ?? row?.phone ?? user.userId
    const qrCodeUri = totpUri({ secret, issuer: application.name, account })
    const enrollmentToken = await stepUp.issue<Pending>(subjectOf(user), {
      type: 'OTP',
      secret,
      recoveryCodeDigest: recoveryCodeDigest(keyring, user, recoveryCode).toString('base64url'),
    })
    // Loaded when the first picture is asked for: most processes never draw one.
    const { toDataURL } = await import('qrcode')
    const qrCodeDataUrl = await toDataURL(qrCodeUri)
    return { enrollmentToken, otpData: { qrCodeUri, qrCodeDataUrl, recoveryCode } }
  }

  /** In the transaction that spends the code; what this throws leaves the right code and the token unspent. */
  const enrollIn = async (
    tx: Queryable,
    { user, application, ip }: Asker,
    given: { enrollmentToken: string; factor: Omit<NewFactor, 'poolId' | 'userId' | 'id' | 'now'> },
  ): Promise<void> => {
    const { poolId, userId } = user
    await users.hold(user, tx)
    await stepUp.consume(subjectOf(user), given.enrollmentToken, tx)
    const added = await insertFactor(tx, {
      ...given.factor,
      poolId,
      userId,
      id: newId(clock),
      now: clock.now(),
    })
    if (!added) throw new ApiError('factor_already_enrolled', 'enrolled since the request')
    const detail = describeFactor(audit, given.factor)
    const applicationId = application.id
    await audit.record(poolId, { type: 'factor.enrolled', userId, applicationId, ip, detail }, tx)
  }

  const enrollOtp = async (
    asker: Asker,
    { enrollmentToken, code }: EnrollmentProof,
    pending: Extract<Pending, { type: 'OTP' }>,
  ): Promise<void> => {
    const enrolledWithProof = await standing.provesMoreThanPassword(asker.user)
    const accepted = await attempts.attempt(asker.user, async (tx) => {
      const step = stepOfTotp(pending.secret, code, clock.now())
      if (step === undefined) return false
      const factor = {
        type: 'OTP',
        sealedSecret: keyring.seal(pending.secret, secretContext(asker.user)),
        lastStep: step,
        recoveryCodeDigest: Buffer.from(pending.recoveryCodeDigest, 'base64url'),
        enrolledWithProof,
      } as const
      await enrollIn(tx, asker, { enrollmentToken, factor })
      return true
    })
    if (!accepted) throw new ApiError('totp_incorrect', 'not a code of the new secret')
  }

  const enrollRecipient = async (
    asker: Asker,
    { enrollmentToken, code }: EnrollmentProof,
    { type, recipient }: Exclude<Pending, { type: 'OTP' }>,
  ): Promise<void> => {
    const { user, application } = asker
    const proof = passcodes.proof({
      application,
      purpose: 'enroll_factor',
      recipient,
      code,
      userId: user.userId,
    })
    const enrolledWithProof = await standing.provesMoreThanPassword(user)
    const verdict = await db.transaction(async (tx) => {
      const seen = await passcodes.verify(proof, tx)
      if (seen.outcome === 'accepted') {
        await enrollIn(tx, asker, { enrollmentToken, factor: { type, recipient, enrolledWithProof } })
      }
      return seen
    })
    passcodes.requireAccepted(verdict)
  }

  return {
    /**
     * Makes the secret of an authenticator app, or sends a code to a phone or an address.
     * @throws ApiError factor_already_enrolled, and every refusal of a message that is sent
     */
    request: async (asker: Asker, wanted: Wanted): Promise<EnrollmentRequest> => {
      const { user, ...sending } = asker
      const enrolled = await selectFactors(db, user)
      if (enrolled.some(({ type }) => type === wanted.type)) {
        throw new ApiError('factor_already_enrolled', wanted.type)
      }
      if (wanted.type === 'OTP') return requestOtp(asker)

      const message = { ...sending, purpose: 'enroll_factor', sender: user } as const
      if (wanted.type === 'SMS') {
        await sms.sendPasscode({ ...message, phone: wanted.phone, captcha: wanted.captcha })
      }
      // The wire has no channel of this purpose for email: only this call sends such a code there.
      if (wanted.type === 'EMAIL') await mail.sendPasscode({ ...message, email: wanted.email })
      const recipient = wanted.type === 'SMS' ? wanted.phone : wanted.email
      const pending = { type: wanted.type, recipient }
      return { enrollmentToken: await stepUp.issue<Pending>(subjectOf(user), pending) }
    },

    /**
     * @throws ApiError token_invalid, user_disabled, step_up_token_invalid, factor_already_enrolled, totp_incorrect,
     *   passcode_incorrect, passcode_expired, passcode_attempts_exceeded, request_invalid (passCode)
     */
    enroll: async (asker: Asker, proof: EnrollmentProof): Promise<void> => {
      const pending = await stepUp.look<Pending>(subjectOf(asker.user), proof.enrollmentToken)
      if (pending.type !== proof.type) {
        throw new ApiError('step_up_token_invalid', `the token is for ${pending.type}`)
      }
      if (pending.type === 'OTP') return enrollOtp(asker, proof, pending)
      return enrollRecipient(asker, proof, pending)
    },
  }
}

export type Enrollment = ReturnType<typeof createEnrollment>
