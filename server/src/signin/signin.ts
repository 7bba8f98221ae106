// Sign-in: by password or by a passcode, to a session and its tokens.
//
// What must stay true: an unknown account and a wrong password get the same answer in the same time (rules 10 and 11);
// that a user is disabled or missing is told only to whoever proved the number or knew the password.
import { ApiError } from '../api-codes.ts'
import type { Application } from '../applications/applications.ts'
import type { Database, Queryable } from '../core/database.ts'
import type { Passcodes, VerdictRow } from '../passcodes/passcodes.ts'
import { type Passwords, passwordSecurityLevel } from '../passwords/passwords.ts'
import type { E164 } from '../phone-numbers/phone-numbers.ts'
import type { Sessions, StartedSession } from '../sessions/sessions.ts'
import type { TokenSet, Tokens } from '../tokens/tokens.ts'
import {
  type Identifier,
  identifierOf,
  requireUsername,
  toIdClaims,
  type UserRow,
  type Users,
} from '../users/users.ts'

export type SignInRequest = {
  application: Application
  ip: string
  userAgent: string | undefined
  /** Granted scopes, parted by spaces. */
  scope: string
  autoRegister: boolean
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
  sessions: Sessions
  tokens: Tokens
}

export const createSignIn = ({ db, users, passcodes, passwords, sessions, tokens }: Deps) => {
  const startSession = async (
    request: SignInRequest,
    user: UserRow,
    tx: Queryable,
  ): Promise<StartedSession> => {
    const { application, ip, userAgent, scope, by } = request
    const { poolId, id: applicationId } = application
    const verifiesEmail = by.kind === 'email_passcode'
    await users.recordSignIn({ poolId, userId: user.id, applicationId, ip, verifiesEmail }, tx)
    return sessions.start({ application, userId: user.id, scope, method: by.kind, ip, userAgent }, tx)
  }

  const byPassword = async (request: SignInRequest, identifier: Identifier, password: string) => {
    const { application, ip } = request
    const user = await users.find(application.poolId, identifier)
    // Whom a password alone cannot open an account for goes on, to the decoy and the count (rules 10 and 11).
    const opensAccount = request.autoRegister && application.signUpEnabled && isClaimable(identifier)
    if (user === undefined && opensAccount) return registerByPassword(request, identifier, password)
    const matches = await passwords.verify({
      poolId: application.poolId,
      identifier: nameOf(identifier),
      ip,
      password,
      passwordHash: user?.password_hash ?? undefined,
    })
    if (!matches || user === undefined)
      throw new ApiError('credentials_invalid', 'unknown account or wrong password')
    requireActivated(user)
    return { user, session: await db.transaction((tx) => startSession(request, user, tx)) }
  }

  const registerByPassword = async (request: SignInRequest, identifier: Claimable, password: string) => {
    const { application, ip } = request
    const { poolId, id: applicationId } = application
    passwords.requireStrong(password)
    const claimed =
      identifier.kind === 'email'
        ? { email: identifier.email }
        : { username: requireUsername(identifier.username, 'passwordPayload.username') }
    const passwordHash = await passwords.hash(password)
    const level = passwordSecurityLevel(password)
    return db.transaction(async (tx) => {
      const user = await users.signUp(
        { poolId, applicationId, ip, ...claimed, passwordHash, passwordSecurityLevel: level },
        tx,
      )
      return { user, session: await startSession(request, user, tx) }
    })
  }

  const byPasscode = async (
    request: SignInRequest,
    identifier: Identifier,
    recipient: string,
    code: string,
  ) => {
    const { application, autoRegister, ip } = request
    const { poolId } = application
    const proof = passcodes.proof({ application, purpose: 'sign_in', recipient, code })
    const phone = identifier.kind === 'phone' ? identifier.phone : undefined
    const email = identifier.kind === 'email' ? identifier.email : undefined

    const outcome = await db.transaction(
      async (tx): Promise<{ user: UserRow; session: StartedSession } | VerdictRow | UserRow | 'unknown'> => {
        const verdict = await passcodes.verify(proof, tx)
        if (verdict.outcome !== 'accepted') return verdict
        const known = await users.find(poolId, identifier, tx)
        if (known !== undefined && known.status !== 'Activated') return known
        if (known === undefined && !(autoRegister && application.signUpEnabled)) return 'unknown'
        const user =
          known ??
          (await users.signUp(
            { poolId, applicationId: application.id, ip, phone, email, emailVerified: email !== undefined },
            tx,
          ))
        return { user, session: await startSession(request, user, tx) }
      },
    )

    // Refused outside of the transaction, so that a counted attempt is not rolled back.
    if (outcome === 'unknown') {
      const name = autoRegister ? 'registration_disabled' : 'credentials_invalid'
      throw new ApiError(name, 'the code was right and no user has the number or address')
    }
    if ('session' in outcome) return outcome
    if ('status' in outcome) requireActivated(outcome)
    else passcodes.requireAccepted(outcome)
    throw new ApiError('passcode_incorrect', 'the code was not accepted')
  }

  return {
    /**
     * @throws ApiError credentials_invalid, account_locked, user_disabled, registration_disabled, passcode_incorrect,
     *   passcode_expired, passcode_attempts_exceeded, password_too_weak, user_exists, username_taken, request_invalid
     */
    signIn: async (request: SignInRequest): Promise<TokenSet> => {
      const { application, by } = request
      const { user, session } =
        by.kind === 'password'
          ? await byPassword(request, by.identifier, by.password)
          : by.kind === 'phone_passcode'
            ? await byPasscode(request, { kind: 'phone', phone: by.phone }, by.phone, by.code)
            : await byPasscode(request, { kind: 'email', email: by.email }, by.email, by.code)
      return tokens.issue({
        application,
        userId: user.id,
        sessionId: session.sessionId,
        scope: session.scope,
        userClaims: toIdClaims(user, session.scope),
        refreshToken: session.refreshToken,
      })
    },
  }
}

export type SignIn = ReturnType<typeof createSignIn>

type Claimable = Extract<Identifier, { kind: 'email' | 'username' }>

/** A phone must be proved, and an `account` may be anything: neither opens an account by a password alone. */
const isClaimable = (identifier: Identifier): identifier is Claimable =>
  identifier.kind === 'email' || identifier.kind === 'username'

const requireActivated = (user: UserRow): void => {
  if (user.status !== 'Activated') throw new ApiError('user_disabled', `the user is ${user.status}`)
}

/** One name for all writings of an identifier, so that none of them has guesses of its own. */
const nameOf = (identifier: Identifier): string => {
  const meant = identifier.kind === 'account' ? identifierOf(identifier.account) : identifier
  if (meant.kind === 'phone') return meant.phone
  return meant.kind === 'email' ? meant.email : meant.username.toLowerCase()
}
