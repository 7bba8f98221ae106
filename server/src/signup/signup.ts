// Sign-up: making a user from a proved number or address, or from a username or address with a password. The caller
// gets a user and no tokens.
//
// What must stay true: a phone enters an account only with a code that was read there; that a number or address is
// taken is told only after its code was right (rule 10); a refused sign-up leaves nothing behind but the counted
// attempt.
import { ApiError, fieldInvalid } from '../api-codes.ts'
import type { Application } from '../applications/applications.ts'
import type { Database, Queryable } from '../core/database.ts'
import type { Passcodes, Proof, VerdictRow } from '../passcodes/passcodes.ts'
import { type Passwords, passwordSecurityLevel } from '../passwords/passwords.ts'
import type { E164 } from '../phone-numbers/phone-numbers.ts'
import type { UserRow, Users } from '../users/users.ts'

export type SignUpRequest = {
  application: Application
  ip: string
  /** What proves or claims the first identifier. */
  by:
    | { kind: 'phone_passcode'; phone: E164; code: string }
    | { kind: 'email_passcode'; email: string; code: string }
    | { kind: 'email_password'; email: string }
    | { kind: 'username_password'; username: string }
  /** As the user typed it. */
  password: string | undefined
  /** A further phone or address with the code that was sent there (COMPLETE_PHONE, COMPLETE_EMAIL). */
  completion: { phone?: { phone: E164; code: string }; email?: { email: string; code: string } }
  username: string | undefined
  profile: Record<string, string>
  customData: Record<string, unknown>
}

type Deps = { db: Database; users: Users; passcodes: Passcodes; passwords: Passwords }

export const createSignUp = ({ db, users, passcodes, passwords }: Deps) => {
  const proofsOf = ({ application, by, completion }: SignUpRequest): Proof[] => {
    const proofs: Proof[] = []
    if (by.kind === 'phone_passcode') {
      proofs.push(passcodes.proof({ application, purpose: 'sign_up', recipient: by.phone, code: by.code }))
    }
    if (by.kind === 'email_passcode') {
      proofs.push(passcodes.proof({ application, purpose: 'sign_up', recipient: by.email, code: by.code }))
    }
    if (completion.phone !== undefined) {
      const { phone, code } = completion.phone
      proofs.push(passcodes.proof({ application, purpose: 'complete_phone', recipient: phone, code }))
    }
    if (completion.email !== undefined) {
      const { email, code } = completion.email
      proofs.push(passcodes.proof({ application, purpose: 'complete_email', recipient: email, code }))
    }
    return proofs
  }

  const isTaken = async (tx: Queryable, poolId: string, phone: E164 | undefined, email: string | undefined) =>
    (phone !== undefined && (await users.find(poolId, { kind: 'phone', phone }, tx)) !== undefined) ||
    (email !== undefined && (await users.find(poolId, { kind: 'email', email }, tx)) !== undefined)

  return {
    /**
     * @throws ApiError registration_disabled, password_too_weak, passcode_incorrect, passcode_expired,
     *   passcode_attempts_exceeded, user_exists, username_taken, request_invalid
     */
    signUp: async (request: SignUpRequest): Promise<UserRow> => {
      const { application, by, completion, ip, password } = request
      if (!application.signUpEnabled)
        throw new ApiError('registration_disabled', 'the application takes no new users')
      if (password !== undefined) passwords.requireStrong(password)
      const proofs = proofsOf(request)
      const passwordHash = password === undefined ? undefined : await passwords.hash(password)

      const phone = by.kind === 'phone_passcode' ? by.phone : completion.phone?.phone
      const email =
        by.kind === 'email_passcode' || by.kind === 'email_password' ? by.email : completion.email?.email
      const outcome = await db.transaction(async (tx): Promise<UserRow | VerdictRow | 'taken'> => {
        // With two codes, the first is not consumed before the second is known to be right.
        const looks = proofs.length > 1 ? proofs.map((proof) => ({ ...proof, consume: false })) : []
        for (const proof of [...looks, ...proofs]) {
          const verdict = await passcodes.verify(proof, tx)
          if (verdict.outcome !== 'accepted') return verdict
        }
        if (await isTaken(tx, application.poolId, phone, email)) return 'taken'
        return users.signUp(
          {
            poolId: application.poolId,
            applicationId: application.id,
            ip,
            phone,
            email,
            emailVerified: by.kind === 'email_passcode' || completion.email !== undefined,
            username: by.kind === 'username_password' ? by.username : request.username,
            passwordHash,
            passwordSecurityLevel: password === undefined ? 0 : passwordSecurityLevel(password),
            profile: request.profile,
            customData: request.customData,
          },
          tx,
        )
      })

      // Refused outside of the transaction, so that a counted attempt is not rolled back.
      if (outcome === 'taken') throw new ApiError('user_exists', 'the phone or email belongs to a user')
      if ('outcome' in outcome) {
        passcodes.requireAccepted(outcome)
        throw fieldInvalid('passCode', 'was not accepted')
      }
      return outcome
    },
  }
}

export type SignUp = ReturnType<typeof createSignUp>
