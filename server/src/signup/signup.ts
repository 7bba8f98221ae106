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
import type { ClaimOutcome, ClaimTerms, Phone } from '../phone/phone.ts'
import type { E164 } from '../phone-numbers/phone-numbers.ts'
import type { UserRow, Users } from '../users/users.ts'

export type SignUpRequest = {
  application: Application
  ip: string
  /** Of notices: BCP 47. */
  language: string
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

type Deps = { db: Database; users: Users; passcodes: Passcodes; passwords: Passwords; phone: Phone }

export const createSignUp = ({ db, users, passcodes, passwords, phone: phones }: Deps) => {
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

  /** Whether both are free. A number of a dormant account may be claimed (see phone/claims.ts). */
  const judge = async (
    { application, ip, language }: SignUpRequest,
    {
      phone,
      email,
      terms,
    }: { phone: E164 | undefined; email: string | undefined; terms: ClaimTerms | undefined },
    tx: Queryable,
  ): Promise<ClaimOutcome> => {
    const { poolId, id: applicationId } = application
    // The address first: a number must not leave its account for a sign-up that is refused.
    if (email !== undefined && (await users.find(poolId, { kind: 'email', email }, tx)) !== undefined)
      return { state: 'taken' }
    if (phone === undefined || terms === undefined) return { state: 'free' }
    return phones.claim({ poolId, applicationId, phone, ip, language }, terms, tx)
  }

  return {
    /**
     * @throws ApiError registration_disabled, password_too_weak, passcode_incorrect, passcode_expired,
     *   passcode_attempts_exceeded, user_exists, username_taken, phone_claim_started, request_invalid
     */
    signUp: async (request: SignUpRequest): Promise<UserRow> => {
      const { application, by, completion, ip, password } = request
      if (!application.signUpEnabled)
        throw new ApiError('registration_disabled', 'the application takes no new users')
      if (password !== undefined) await passwords.requireStrong(newPasswordOf(request, password))
      const proofs = proofsOf(request)
      const passwordHash = password === undefined ? undefined : await passwords.hash(password)

      const phone = by.kind === 'phone_passcode' ? by.phone : completion.phone?.phone
      const email =
        by.kind === 'email_passcode' || by.kind === 'email_password' ? by.email : completion.email?.email
      const terms = phone === undefined ? undefined : await phones.claimTerms(application.poolId, phone)
      const outcome = await db.transaction(async (tx): Promise<UserRow | VerdictRow | ClaimOutcome> => {
        const verdict = isSome(proofs) ? await passcodes.verifyAll(proofs, tx) : undefined
        if (verdict !== undefined && verdict.outcome !== 'accepted') return verdict
        const judged = await judge(request, { phone, email, terms }, tx)
        if (judged.state !== 'free') return judged
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
      if ('state' in outcome) {
        phones.requireFree(outcome, 'user_exists')
        throw new ApiError('user_exists', 'the phone or email belongs to a user')
      }
      if ('outcome' in outcome) {
        passcodes.requireAccepted(outcome)
        throw fieldInvalid('passCode', 'was not accepted')
      }
      return outcome
    },
  }
}

const newPasswordOf = ({ application, by, completion, username }: SignUpRequest, password: string) => ({
  poolId: application.poolId,
  password,
  field: by.kind.endsWith('_password') ? 'passwordPayload.password' : 'options.passwordForPhonePassCode',
  own: [
    'phone' in by ? by.phone : completion.phone?.phone,
    'email' in by ? by.email : completion.email?.email,
    'username' in by ? by.username : username,
  ],
  applicationName: application.name,
})

export type SignUp = ReturnType<typeof createSignUp>

const isSome = (proofs: Proof[]): proofs is [Proof, ...Proof[]] => proofs.length > 0
