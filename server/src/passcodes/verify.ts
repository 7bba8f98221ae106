// Verifying a passcode: by itself, several together, or without consuming it.
//
// What must stay true: a code is bound to its pool, application, purpose, number and, when the sender was signed in,
// that user (rule 6); it is consumed once, by the one statement that counts the attempt first (rule 5).
import { ApiError, apiCodes, fieldInvalid } from '../api-codes.ts'
import type { Application } from '../applications/applications.ts'
import type { Config, Language } from '../config.ts'
import { type Clock, secondsUntil } from '../core/clock.ts'
import { digest, type Keyring } from '../core/crypto.ts'
import type { Database, Queryable } from '../core/database.ts'
import type { Purpose } from './purposes.ts'
import { type Proof, stranger, type VerdictRow, verifyPasscode } from './store.ts'

export type PasscodeProof = {
  application: Application
  /** Of several, a code for any will do; one guess is one attempt at each of their live challenges. */
  purpose: Purpose | readonly [Purpose, ...Purpose[]]
  recipient: string
  code: string
  userId?: string | undefined
  consume?: boolean
  /** What the wire calls the code, for the refusal of one that cannot be right. */
  field?: string
}

export type VerifyDeps = {
  db: Database
  keyring: Keyring
  clock: Clock
  config: Pick<Config, 'limits' | 'passcodeLength'>
}

export const createVerify = ({ db, keyring, clock, config }: VerifyDeps) => {
  const { limits, passcodeLength } = config

  /** Passes when the code was right. @throws ApiError passcode_incorrect, _expired, _attempts_exceeded */
  const requireAccepted = (verdict: VerdictRow): void => {
    if (verdict.outcome === 'accepted') return
    if (verdict.outcome === 'expired') throw new ApiError('passcode_expired', 'the right code, too late')
    if (verdict.outcome === 'attempts_exceeded') {
      const retryAfterSeconds = verdict.retry_at === null ? 1 : secondsUntil(clock.now(), verdict.retry_at)
      throw new ApiError('passcode_attempts_exceeded', 'no attempts left', { retryAfterSeconds })
    }
    throw new ApiError('passcode_incorrect', 'no live challenge has this code')
  }

  return {
    requireAccepted,

    /**
     * What a statement needs to verify a code with `passcodeVerdict`.
     * @throws ApiError request_invalid where no code of ours can look like that; nothing is counted then
     */
    proof: (given: PasscodeProof): Proof => {
      const { application, purpose, recipient, code, userId, consume = true, field = 'passCode' } = given
      const typed = code.normalize('NFKC').replace(/\s/g, '')
      if (!/^\d+$/.test(typed) || typed.length !== passcodeLength) {
        throw fieldInvalid(field, `must be the ${passcodeLength} digits of the message`)
      }
      const holders = userId === undefined ? [stranger] : [userId, stranger]
      const wanted = typeof purpose === 'string' ? [purpose] : purpose
      const { poolId, id } = application
      return {
        poolId,
        recipient,
        purposes: wanted,
        applicationId: id,
        userId,
        digests: keyring.all.flatMap((key) =>
          holders.flatMap((holder) =>
            wanted.map((one) => digest(key.digest, poolId, id, one, recipient, holder, typed)),
          ),
        ),
        consume,
        maxAttempts: limits.attemptsPerPasscode.count,
        maxFailures: limits.passcodeFailuresHour.count,
        failureWindowSeconds: limits.passcodeFailuresHour.windowSeconds,
        now: clock.now(),
      }
    },

    /** Verifies a code by itself, or in the caller's transaction, which must commit also when the code is wrong. */
    verify: (proof: Proof, tx: Queryable = db): Promise<VerdictRow> => verifyPasscode(tx, proof),

    /**
     * Verifies several codes in the caller's transaction, which must commit also when one is wrong: none is consumed
     * before all are known to be right. In the order of recipients, so that two such calls never wait for each other.
     * For every change that needs two codes (phone, email, sign-up).
     */
    verifyAll: async (proofs: readonly [Proof, ...Proof[]], tx: Queryable): Promise<VerdictRow> => {
      const ordered = proofs.toSorted((a, b) => compareTexts(keyOf(a), keyOf(b)))
      const looks = ordered.length > 1 ? ordered.map((proof) => ({ ...proof, consume: false })) : []
      let verdict: VerdictRow = { outcome: null, retry_at: null }
      for (const proof of [...looks, ...ordered]) {
        verdict = await verifyPasscode(tx, proof)
        if (verdict.outcome !== 'accepted') return verdict
      }
      return verdict
    },

    /** Whether a code is right, without consuming it. @throws ApiError passcode_attempts_exceeded */
    check: async (proof: Proof, language: Language): Promise<{ isValid: boolean; message?: string }> => {
      const verdict = await verifyPasscode(db, proof)
      if (verdict.outcome === 'accepted') return { isValid: true }
      if (verdict.outcome === 'attempts_exceeded') requireAccepted(verdict)
      const { en, zh } = apiCodes[verdict.outcome === 'expired' ? 'passcode_expired' : 'passcode_incorrect']
      return { isValid: false, message: language === 'zh-CN' ? zh : en }
    },
  }
}

const keyOf = ({ recipient, purposes: names }: Proof): string => `${recipient} ${names.join(' ')}`

const compareTexts = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)
