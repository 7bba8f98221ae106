// Sign-in by a passcode that was read at a phone or an email address.
//
// What must stay true: a refusal is given outside of the transaction, so that a counted attempt is never rolled back;
// that a user is missing, disabled or has long not proved the number is told only to who read the code (rule 10); a
// number that may have passed to somebody else opens no account that has another way in; who put an address into an
// account without reading mail there keeps no password or passkey to it.
import type { AccountPolicies, AccountPolicy } from '../account-policy/account-policy.ts'
import { type ApiCodeName, ApiError } from '../api-codes.ts'
import type { Audit } from '../audit/audit.ts'
import type { Clock } from '../core/clock.ts'
import type { Database, Queryable } from '../core/database.ts'
import type { FirstProof } from '../first-proof/first-proof.ts'
import type { Notices, Reach } from '../notices/notices.ts'
import type { Passcodes, VerdictRow } from '../passcodes/passcodes.ts'
import type { E164 } from '../phone-numbers/phone-numbers.ts'
import { isPhoneStale, type UserRow, type Users } from '../users/users.ts'
import type { SignInHistory } from './history.ts'
import type { Opened, Opening, Openings } from './opening.ts'

export type PasscodeSignIn = Opening & {
  recipient: { kind: 'phone'; phone: E164 } | { kind: 'email'; email: string }
  code: string
  autoRegister: boolean
  /** Of a notice: BCP 47. */
  language: string
}

type Refused = { refused: ApiCodeName; because: string; verdict?: VerdictRow }

type Deps = {
  db: Database
  users: Users
  passcodes: Passcodes
  firstProof: FirstProof
  notices: Notices
  accountPolicy: AccountPolicies
  audit: Audit
  clock: Clock
  openings: Openings
  history: SignInHistory
}

export const createPasscodeSignIn = (deps: Deps) => {
  const { db, users, passcodes, firstProof, notices, accountPolicy, audit, clock } = deps
  const { openings, history } = deps

  const hasOtherWay = async (poolId: string, userId: string, tx: Queryable): Promise<boolean> => {
    const { email, username, passkey } = await users.signInWays(poolId, userId, tx)
    return email || username || passkey
  }

  const signUp = ({ application, ip, recipient }: PasscodeSignIn, tx: Queryable): Promise<UserRow> => {
    const { poolId, id: applicationId } = application
    const claimed =
      recipient.kind === 'phone'
        ? { phone: recipient.phone }
        : { email: recipient.email, emailVerified: true }
    return users.signUp({ poolId, applicationId, ip, ...claimed }, tx)
  }

  /** What changes in an account whose number or address was just proved for the first time in long, or ever. */
  const recordProof = async (
    { application, ip, language, recipient }: PasscodeSignIn,
    user: UserRow,
    { isStale, reach, tx }: { isStale: boolean; reach: Reach | undefined; tx: Queryable },
  ): Promise<void> => {
    const { poolId, id: applicationId } = application
    const userId = user.id
    if (recipient.kind === 'phone' && isStale) {
      const detail = audit.describePhone(recipient.phone)
      await audit.record(poolId, { type: 'phone.proved', userId, applicationId, ip, detail }, tx)
    }
    if (recipient.kind === 'email' && reach !== undefined && !user.email_verified) {
      const { email } = recipient
      await firstProof.removeOthers({ poolId, applicationId, userId, email, ip }, { language, reach }, tx)
    }
  }

  /** For who has read the right code. */
  const openProved = async (
    request: PasscodeSignIn,
    known: UserRow | undefined,
    { policy, reach, tx }: { policy: AccountPolicy; reach: Reach | undefined; tx: Queryable },
  ): Promise<Opened | Refused> => {
    const { application, recipient, autoRegister } = request
    const { poolId, signUpEnabled } = application
    if (known !== undefined && known.status !== 'Activated')
      return { refused: 'user_disabled', because: `the user is ${known.status}` }
    if (known === undefined && !(autoRegister && signUpEnabled)) {
      const refused = autoRegister ? 'registration_disabled' : 'credentials_invalid'
      return { refused, because: 'the code was right and no user has the number or address' }
    }
    const isStale =
      known !== undefined && recipient.kind === 'phone' && isPhoneStale(known, policy, clock.now())
    if (isStale && (await hasOtherWay(poolId, known.id, tx)))
      return { refused: 'phone_proof_stale', because: 'no code of the number came back for long' }

    const user = known ?? (await signUp(request, tx))
    await recordProof(request, user, { isStale, reach, tx })
    const proof = recipient.kind === 'phone' ? { phone: recipient.phone } : { email: recipient.email }
    const opened = await openings.open(request, { userId: user.id, proof }, tx)
    return opened ?? { refused: 'credentials_invalid', because: 'the user changed at the same instant' }
  }

  /**
   * @throws ApiError passcode_incorrect, passcode_expired, passcode_attempts_exceeded, credentials_invalid, user_disabled,
   *   registration_disabled, phone_proof_stale, user_exists, request_invalid (passCode)
   */
  return async (request: PasscodeSignIn): Promise<Opened> => {
    const { application, recipient, code } = request
    const { poolId } = application
    const to = recipient.kind === 'phone' ? recipient.phone : recipient.email
    const proof = passcodes.proof({ application, purpose: 'sign_in', recipient: to, code })
    const policy = await accountPolicy.of(poolId)
    const reach = recipient.kind === 'email' ? await notices.reach(poolId) : undefined

    const outcome = await db.transaction(async (tx): Promise<Opened | Refused> => {
      const verdict = await passcodes.verify(proof, tx)
      // Looked up in any case, so that a wrong code costs the same whoever has the number (rule 10).
      const known = await users.find(poolId, recipient, tx)
      const result: Opened | Refused =
        verdict.outcome === 'accepted'
          ? await openProved(request, known, { policy, reach, tx })
          : { refused: `passcode_${verdict.outcome ?? 'incorrect'}`, because: 'the code', verdict }
      if ('refused' in result)
        await history.recordRefused(request, { userId: known?.id, reason: result.refused }, tx)
      return result
    })

    if ('session' in outcome) return outcome
    if (outcome.verdict !== undefined) passcodes.requireAccepted(outcome.verdict)
    throw new ApiError(outcome.refused, outcome.because)
  }
}
