// Sign-in by password.
//
// What must stay true: an unknown account and a wrong password get the same answer in the same time, with or without a
// captcha (rules 10 and 11); what hinders a user is told only to who knows the password.
import { ApiError } from '../api-codes.ts'
import type { Captcha } from '../captcha/captcha.ts'
import type { Database } from '../core/database.ts'
import { type Passwords, passwordSecurityLevel } from '../passwords/passwords.ts'
import {
  type Identifier,
  nameOfIdentifier,
  requireUsername,
  type UserRow,
  type Users,
} from '../users/users.ts'
import type { SignInHistory } from './history.ts'
import type { Opened, Opening, Openings } from './opening.ts'

export type PasswordSignIn = Opening & {
  identifier: Identifier
  password: string
  autoRegister: boolean
  captcha: { token: string; code: string } | undefined
}

/** A phone must be proved, and an `account` may be anything: neither opens an account by a password alone. */
type Claimable = Extract<Identifier, { kind: 'email' | 'username' }>

type Deps = {
  db: Database
  users: Users
  passwords: Passwords
  captcha: Captcha
  openings: Openings
  history: SignInHistory
}

export const createPasswordSignIn = ({ db, users, passwords, captcha, openings, history }: Deps) => {
  const isSolved = async ({ application, captcha: given }: PasswordSignIn): Promise<boolean> =>
    given !== undefined && (await captcha.verify(application.poolId, given.token, given.code))

  /** @throws ApiError captcha_required, account_locked, credentials_invalid, user_disabled, password_reset_required */
  const requireRight = async (request: PasswordSignIn, user: UserRow | undefined) => {
    const passwordHash = user?.password_hash ?? undefined
    const matches = await passwords.verify({
      poolId: request.application.poolId,
      identifier: nameOfIdentifier(request.identifier),
      ip: request.ip,
      captchaSolved: await isSolved(request),
      password: request.password,
      passwordHash,
    })
    if (!matches || user === undefined || passwordHash === undefined)
      throw new ApiError('credentials_invalid', 'unknown account or wrong password')
    if (user.status !== 'Activated') throw new ApiError('user_disabled', `the user is ${user.status}`)
    if (user.password_reset_required)
      throw new ApiError('password_reset_required', 'a change to the account was undone')
    return { userId: user.id, proof: { passwordHash } }
  }

  const openKnown = async (request: PasswordSignIn, user: UserRow | undefined): Promise<Opened> => {
    try {
      const by = await requireRight(request, user)
      const opened = await db.transaction((tx) => openings.open(request, by, tx))
      if (opened === undefined)
        throw new ApiError('credentials_invalid', 'the password changed at the same instant')
      return opened
    } catch (error) {
      if (error instanceof ApiError) {
        await history.recordRefused(request, { userId: user?.id, reason: error.code })
      }
      throw error
    }
  }

  const register = async (request: PasswordSignIn, identifier: Claimable): Promise<Opened> => {
    const { application, ip, password } = request
    const { poolId, id: applicationId, name: applicationName } = application
    const own = [identifier.kind === 'email' ? identifier.email : identifier.username]
    await passwords.requireStrong({
      poolId,
      password,
      field: 'passwordPayload.password',
      own,
      applicationName,
    })
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
      const opened = await openings.open(request, { userId: user.id, proof: {} }, tx)
      if (opened === undefined) throw new Error('a user that was just made is not there')
      return opened
    })
  }

  /**
   * @throws ApiError captcha_required, account_locked, credentials_invalid, user_disabled, password_reset_required; with
   *   autoRegister password_too_weak, user_exists, username_taken, request_invalid
   */
  return async (request: PasswordSignIn): Promise<Opened> => {
    const { application, identifier } = request
    const user = await users.find(application.poolId, identifier)
    // Whom a password alone cannot open an account for goes on, to the decoy and the count (rules 10 and 11).
    const opensAccount = request.autoRegister && application.signUpEnabled && isClaimable(identifier)
    return user === undefined && opensAccount ? register(request, identifier) : openKnown(request, user)
  }
}

const isClaimable = (identifier: Identifier): identifier is Claimable =>
  identifier.kind === 'email' || identifier.kind === 'username'
