// Factors: what a user can prove beside the sign-in. An authenticator app (OTP) with its recovery code, a second phone
// (SMS) or address (EMAIL); one of a type.
//
// What must stay true: a time step of an authenticator app is accepted once, and a recovery code once, however many
// ask at the same instant (rule 5); secrets are sealed (rule 27) and recovery codes stored as keyed digests (rule 28);
// who has a token alone cannot remove a factor, nor enroll one that then stands in for the old phone (rule 14).
import { ApiError } from '../api-codes.ts'
import type { Application } from '../applications/applications.ts'
import type { Audit } from '../audit/audit.ts'
import type { Config } from '../config.ts'
import type { Clock } from '../core/clock.ts'
import type { Keyring } from '../core/crypto.ts'
import type { Database, Queryable } from '../core/database.ts'
import type { Mail } from '../mail/mail.ts'
import type { Passcodes } from '../passcodes/passcodes.ts'
import type { Sessions } from '../sessions/sessions.ts'
import type { Sms } from '../sms/sms.ts'
import type { StepUp } from '../step-up/step-up.ts'
import type { AccessToken } from '../tokens/tokens.ts'
import type { Users } from '../users/users.ts'
import { createAttempts } from './attempts.ts'
import { createEnrollment, describeFactor, secretContext } from './enrollment.ts'
import { recoveryCodeDigests } from './recovery-codes.ts'
import { createStanding } from './standing.ts'
import {
  deleteFactor,
  type FactorRow,
  type FactorType,
  type OtpRow,
  selectFactors,
  selectHasFactor,
  selectOtp,
  spendRecoveryCode,
  spendTotpStep,
} from './store.ts'
import { stepOfTotp } from './totp.ts'

export type { Asker, Wanted } from './enrollment.ts'
export type { FactorRow, FactorType } from './store.ts'
export { readTotp } from './totp.ts'

const factorTypes = ['OTP', 'SMS', 'EMAIL'] as const satisfies readonly FactorType[]

export type Verification = {
  user: AccessToken
  application: Application
  ip: string
  by: { totp: string } | { recoveryCode: string }
}

export type Removal = { user: AccessToken; application: Application; ip: string; factorId: string }

type Deps = {
  db: Database
  users: Users
  sessions: Sessions
  passcodes: Passcodes
  sms: Sms
  mail: Mail
  stepUp: StepUp
  audit: Audit
  keyring: Keyring
  clock: Clock
  config: Pick<Config, 'limits'>
}

export const createFactors = (deps: Deps) => {
  const { db, sessions, audit, keyring, clock } = deps
  const attempts = createAttempts(deps)
  const standing = createStanding(deps)
  const enrollment = createEnrollment({ ...deps, attempts, standing })

  const spend = async (tx: Queryable, { user, by }: Verification, otp: OtpRow): Promise<boolean> => {
    const given = { poolId: user.poolId, factorId: otp.id, now: clock.now() }
    if ('recoveryCode' in by) {
      const digests = recoveryCodeDigests(keyring, user, by.recoveryCode)
      return spendRecoveryCode(tx, { ...given, digests })
    }
    const secret = keyring.unseal(otp.sealed_secret, secretContext(user))
    const step = stepOfTotp(secret, by.totp, given.now)
    return step !== undefined && spendTotpStep(tx, { ...given, step })
  }

  return {
    requestEnrollment: enrollment.request,
    enroll: enrollment.enroll,

    /** Whether what is enrolled now may stand in for a phone or an address later (rule 14). */
    provesMoreThanPassword: standing.provesMoreThanPassword,

    /** Whether the user has signed in, or proved a factor in this session, within five minutes. */
    isFresh: standing.isFresh,

    /** What the user has none of yet. */
    listToEnroll: async (user: AccessToken): Promise<FactorType[]> => {
      const enrolled = await selectFactors(db, user)
      return factorTypes.filter((wanted) => !enrolled.some(({ type }) => type === wanted))
    },

    list: (user: AccessToken): Promise<FactorRow[]> => selectFactors(db, user),

    /** Whether there is any factor, or a passkey. */
    isEnrolled: (user: { poolId: string; userId: string }): Promise<boolean> => selectHasFactor(db, user),

    /** @throws ApiError factor_not_found */
    get: async (user: AccessToken, factorId: string): Promise<FactorRow> => {
      const factor = (await selectFactors(db, user)).find(({ id }) => id === factorId)
      if (factor === undefined) throw new ApiError('factor_not_found', 'not a factor of this user')
      return factor
    },

    /**
     * Spends a code of the authenticator app, or the recovery code; the session has then proved a factor.
     * @throws ApiError factor_not_found, totp_incorrect, recovery_code_incorrect, passcode_attempts_exceeded
     */
    verify: async (verification: Verification): Promise<void> => {
      const { user, application, ip, by } = verification
      const { poolId, userId } = user
      const otp = await selectOtp(db, user)
      if (otp === undefined) throw new ApiError('factor_not_found', 'no authenticator app')

      const factor = 'totp' in by ? 'OTP' : 'RECOVERY_CODE'
      const accepted = await attempts.attempt(user, async (tx) => {
        if (!(await spend(tx, verification, otp))) return false
        if (otp.enrolled_with_proof) await sessions.recordFactorProof(user, factor, tx)
        const event = { type: 'factor.proved', userId, applicationId: application.id, ip } as const
        await audit.record(poolId, { ...event, detail: { factorType: factor } }, tx)
        return true
      })
      if (accepted) return
      if (factor === 'OTP') throw new ApiError('totp_incorrect', 'wrong, of another time, or used before')
      throw new ApiError('recovery_code_incorrect', 'wrong, or used before')
    },

    /** @throws ApiError factor_not_found, factor_proof_required */
    remove: async ({ user, application, ip, factorId }: Removal): Promise<void> => {
      const { poolId, userId } = user
      const isOwn = (await selectFactors(db, user)).some(({ id }) => id === factorId)
      if (!isOwn) throw new ApiError('factor_not_found', 'not a factor of this user')
      if (!(await standing.isFresh(user))) {
        throw new ApiError('factor_proof_required', 'neither sign-in nor factor within five minutes')
      }
      await db.transaction(async (tx) => {
        const removed = await deleteFactor(tx, { poolId, userId, factorId })
        if (removed === undefined) throw new ApiError('factor_not_found', 'removed at the same instant')
        const event = { type: 'factor.removed', userId, applicationId: application.id, ip } as const
        await audit.record(poolId, { ...event, detail: describeFactor(audit, removed) }, tx)
      })
    },
  }
}

export type Factors = ReturnType<typeof createFactors>
