// Sign-in: by password or by a passcode, to a session and its tokens.
//
// What must stay true: an unknown account and a wrong password or code get the same answer in the same time (rules 10
// and 11); whoever fails as a stranger, from wherever, keeps no owner out (rule 8); every sign-in, and every try, is in
// the history.
import type { AccountPolicies } from '../account-policy/account-policy.ts'
import type { Application } from '../applications/applications.ts'
import type { Audit } from '../audit/audit.ts'
import type { Captcha } from '../captcha/captcha.ts'
import type { Clock } from '../core/clock.ts'
import type { Database } from '../core/database.ts'
import type { FirstProof } from '../first-proof/first-proof.ts'
import type { Notices } from '../notices/notices.ts'
import type { Passcodes } from '../passcodes/passcodes.ts'
import type { Passwords } from '../passwords/passwords.ts'
import type { E164 } from '../phone-numbers/phone-numbers.ts'
import type { Sessions } from '../sessions/sessions.ts'
import type { TokenSet, Tokens } from '../tokens/tokens.ts'
import type { Identifier, Users } from '../users/users.ts'
import { createPasscodeSignIn } from './by-passcode.ts'
import { createPasswordSignIn } from './by-password.ts'
import { createSignInHistory } from './history.ts'
import { createOpenings } from './opening.ts'

export type { Opened, Opening } from './opening.ts'

export type SignInRequest = {
  application: Application
  ip: string
  /** Of a notice: BCP 47. */
  language: string
  userAgent: string | undefined
  /** Granted scopes, parted by spaces. */
  scope: string
  autoRegister: boolean
  captcha: { token: string; code: string } | undefined
  by:
    | { kind: 'password'; identifier: Identifier; password: string }
    | { kind: 'phone_passcode'; phone: E164; code: string }
    | { kind: 'email_passcode'; email: string; code: string }
}

type Deps = {
  db: Database
  users: Users
  passcodes: Passcodes
  passwords: Passwords
  firstProof: FirstProof
  notices: Notices
  captcha: Captcha
  sessions: Sessions
  tokens: Tokens
  accountPolicy: AccountPolicies
  audit: Audit
  clock: Clock
}

export const createSignIn = (deps: Deps) => {
  const history = createSignInHistory(deps)
  const openings = createOpenings({ ...deps, history })
  const byPassword = createPasswordSignIn({ ...deps, openings, history })
  const byPasscode = createPasscodeSignIn({ ...deps, openings, history })

  const openBy = ({ by, ...request }: SignInRequest) => {
    const opening = { ...request, method: by.kind }
    if (by.kind === 'password') return byPassword({ ...opening, ...by })
    const recipient =
      by.kind === 'phone_passcode'
        ? { kind: 'phone' as const, phone: by.phone }
        : { kind: 'email' as const, email: by.email }
    return byPasscode({ ...opening, recipient, code: by.code })
  }

  return {
    /** For another feature's way to sign in: each of its tries ends in `open` or `recordRefused`. */
    ...openings,
    recordRefused: history.recordRefused,

    /**
     * @throws ApiError credentials_invalid, captcha_required, account_locked, user_disabled, password_reset_required,
     *   phone_proof_stale, registration_disabled, passcode_incorrect, passcode_expired, passcode_attempts_exceeded,
     *   password_too_weak, user_exists, username_taken, request_invalid
     */
    signIn: async (request: SignInRequest): Promise<TokenSet> =>
      openings.issueTokens({ ...request, method: request.by.kind }, await openBy(request)),

    /** Forgets the sign-ins of long ago. */
    deleteOld: history.deleteOld,
  }
}

export type SignIn = ReturnType<typeof createSignIn>
