// Users: who exists in a pool, by which identifiers, and with which profile.
//
// What must stay true: an identifier has one canonical form and belongs to one user of a pool, which unique indexes
// decide (rule 13); a phone comes here only proved; a username can be mistaken for neither a phone nor an email.
import type { AccountPolicy } from '../account-policy/account-policy.ts'
import { ApiError, fieldInvalid } from '../api-codes.ts'
import type { Audit } from '../audit/audit.ts'
import { type Clock, secondsAfter } from '../core/clock.ts'
import { newId } from '../core/crypto.ts'
import { type Database, type Queryable, violatedUniqueIndex } from '../core/database.ts'
import { type E164, parsePhone } from '../phone-numbers/phone-numbers.ts'
import type { TokenSubject } from '../sessions/sessions.ts'
import {
  holdUserOfSession,
  insertPhoneBinding,
  insertUser,
  maskBinding,
  type ProfileChange,
  recordSignIn,
  type SignInProof,
  type SignInWays,
  selectClearBindings,
  selectSignInWays,
  selectUser,
  selectUserByEmail,
  selectUserByPhone,
  selectUserByUsername,
  type UserRow,
  updateProfile,
  updateStatus,
} from './store.ts'

export type { ProfileChange, SignInProof, SignInWays, UserRow } from './store.ts'
export {
  allScopes,
  profileFields,
  profileMeanings,
  toIdClaims,
  toUserDto,
  UserDto,
  type UserView,
} from './user-dto.ts'

export type UserStatus = 'Activated' | 'Suspended' | 'Resigned' | 'Archived' | 'Deactivated'

/** What one signs in with. `account` may be any of the others. */
export type Identifier =
  | { kind: 'phone'; phone: E164 }
  | { kind: 'email'; email: string }
  | { kind: 'username'; username: string }
  | { kind: 'account'; account: string }

export type SignUp = {
  poolId: string
  applicationId: string
  ip: string
  phone?: E164 | undefined
  email?: string | undefined
  emailVerified?: boolean
  username?: string | undefined
  passwordHash?: string | undefined
  passwordSecurityLevel?: number
  profile?: Record<string, string>
  customData?: Record<string, unknown>
}

type Deps = { db: Database; audit: Audit; clock: Clock }

const historyBatch = 500

export const createUsers = ({ db, audit, clock }: Deps) => {
  const find = async (
    poolId: string,
    identifier: Identifier,
    tx: Queryable = db,
  ): Promise<UserRow | undefined> => {
    if (identifier.kind === 'phone') return selectUserByPhone(tx, poolId, identifier.phone)
    if (identifier.kind === 'email') return selectUserByEmail(tx, poolId, identifier.email)
    if (identifier.kind === 'username') return selectUserByUsername(tx, poolId, identifier.username)
    return find(poolId, identifierOf(identifier.account), tx)
  }

  return {
    find,

    get: (poolId: string, userId: string, tx: Queryable = db): Promise<UserRow | undefined> =>
      selectUser(tx, poolId, userId),

    /**
     * The user of a live session, held until the end of the transaction. After the passcodes of the call are verified,
     * never before: the bind takes the two in that order, and the other way round two calls could wait for each other.
     * @throws ApiError token_invalid, user_disabled
     */
    hold: async (token: TokenSubject, tx: Queryable): Promise<UserRow> => {
      const { poolId, userId, sessionId } = token
      const row = await holdUserOfSession(tx, { poolId, userId, sessionId, now: clock.now() })
      if (row === undefined) throw new ApiError('token_invalid', 'the session has ended')
      if (row.status !== 'Activated') throw new ApiError('user_disabled', `the user is ${row.status}`)
      return row
    },

    /** What is there to sign in with; all false where the user is gone. */
    signInWays: async (poolId: string, userId: string, tx: Queryable = db): Promise<SignInWays> =>
      (await selectSignInWays(tx, poolId, userId)) ?? {
        phone: false,
        email: false,
        username: false,
        passkey: false,
      },

    /**
     * Makes a user, with the history of its phone and the audit event.
     * @throws ApiError user_exists, username_taken
     */
    signUp: async (given: SignUp, tx: Queryable): Promise<UserRow> => {
      const { poolId, applicationId, ip, phone, email, username } = given
      const now = clock.now()
      const row = await insertUser(tx, {
        poolId,
        id: newId(clock),
        phone,
        email,
        emailVerified: given.emailVerified ?? false,
        username,
        passwordHash: given.passwordHash,
        passwordSecurityLevel: given.passwordSecurityLevel ?? 0,
        profile: given.profile ?? {},
        customData: given.customData ?? {},
        createdAt: now,
      }).catch(refuseTaken)
      if (phone !== undefined) {
        await insertPhoneBinding(tx, {
          poolId,
          id: newId(clock),
          userId: row.id,
          ...audit.describePhone(phone),
          applicationId,
          ip,
          now,
        })
      }
      const detail = phone === undefined ? {} : audit.describePhone(phone)
      await audit.record(poolId, { type: 'user.signed_up', userId: row.id, applicationId, ip, detail }, tx)
      return row
    },

    /**
     * Counts a sign-in, and what was proved by it. It holds the user: a change of the account at the same instant ends the
     * session that follows, or comes first; then what the sign-in was by is not the user's any more: undefined.
     */
    recordSignIn: (
      given: { poolId: string; userId: string; applicationId: string; ip: string; proof: SignInProof },
      tx: Queryable,
    ): Promise<UserRow | undefined> => recordSignIn(tx, { ...given, now: clock.now() }),

    /** @throws ApiError username_taken, request_invalid (externalId of another user) */
    changeProfile: async (poolId: string, userId: string, change: ProfileChange): Promise<UserRow> => {
      const row = await updateProfile(db, { poolId, userId, change, now: clock.now() }).catch(refuseTaken)
      if (row === undefined) throw new ApiError('token_invalid', 'the user is gone')
      return row
    },

    /** Rewrites bindings from before numbers were masked in the history (rule 12), batch by batch. */
    maskHistory: async (): Promise<void> => {
      for (;;) {
        const rows = await selectClearBindings(db, historyBatch)
        for (const { pool_id: poolId, user_id: userId, id, phone } of rows)
          await maskBinding(db, { poolId, userId, id, ...audit.describePhone(phone) })
        if (rows.length < historyBatch) return
      }
    },

    setStatus: async (poolId: string, userId: string, status: UserStatus): Promise<void> => {
      await updateStatus(db, { poolId, userId, status, now: clock.now() })
    },
  }
}

export type Users = ReturnType<typeof createUsers>

const refuseTaken = (error: unknown): never => {
  const index = violatedUniqueIndex(error)
  if (index === 'users_username_key') throw new ApiError('username_taken', 'username')
  if (index === 'users_external_id_key') throw fieldInvalid('externalId', 'belongs to another user')
  if (index !== undefined) throw new ApiError('user_exists', index)
  throw error
}

/** Operators give numbers to new people: whether no code of the number came back for longer than the policy trusts it. */
export const isPhoneStale = (
  { phone, phone_proved_at: provedAt }: Pick<UserRow, 'phone' | 'phone_proved_at'>,
  { phoneProofDays }: Pick<AccountPolicy, 'phoneProofDays'>,
  now: Date,
): boolean => {
  if (phone === null || phoneProofDays === 0) return false
  return provedAt === null || provedAt < secondsAfter(now, -phoneProofDays * 86_400)
}

/**
 * Whether nobody has used the account for so long that its number, stale as well, may be somebody else's by now. An
 * app that stays signed in signs in once, and takes new tokens ever after.
 */
export const isDormant = (
  user: Pick<UserRow, 'phone' | 'phone_proved_at' | 'last_sign_in_at' | 'created_at'> & {
    last_refresh_at: Date | null
  },
  policy: Pick<AccountPolicy, 'phoneProofDays'>,
  now: Date,
): boolean => {
  const usedSince = secondsAfter(now, -policy.phoneProofDays * 86_400)
  const uses = [user.created_at, user.last_sign_in_at, user.last_refresh_at]
  return isPhoneStale(user, policy, now) && !uses.some((at) => at !== null && at >= usedSince)
}

/** What an account is meant as: whatever holds an @ is an email, what reads as a number is a phone. */
export const identifierOf = (account: string): Exclude<Identifier, { kind: 'account' }> => {
  const text = account.normalize('NFKC').trim()
  if (text.includes('@')) return { kind: 'email', email: text.toLowerCase() }
  const parsed = parsePhone({ number: text })
  if ('phone' in parsed) return { kind: 'phone', phone: parsed.phone }
  return { kind: 'username', username: text }
}

/** One name for all writings of an identifier, so that none of them has guesses of its own. */
export const nameOfIdentifier = (identifier: Identifier): string => {
  const meant = identifier.kind === 'account' ? identifierOf(identifier.account) : identifier
  if (meant.kind === 'phone') return meant.phone
  return meant.kind === 'email' ? meant.email : meant.username.toLowerCase()
}

/** The canonical form of an email address. @throws ApiError email_invalid */
export const requireEmail = (email: string): string => {
  const canonical = email.normalize('NFKC').trim().toLowerCase()
  // One @ with something before it and a dotted name behind it, no spaces: only a message proves more.
  if (canonical.length > 254 || !/^[^\s@<>"(),:;\\[\]]{1,64}@[^\s@]+\.[^\s@.]{2,}$/.test(canonical)) {
    throw new ApiError('email_invalid', 'not an address')
  }
  return canonical
}

/** @throws ApiError request_invalid naming the field */
export const requireUsername = (username: string, field: string): string => {
  const name = username.normalize('NFKC').trim()
  if (!/^[\p{L}\p{N}._-]{2,64}$/u.test(name)) {
    throw fieldInvalid(field, 'must be 2 to 64 letters, digits, dots, underscores or dashes')
  }
  if (/^[\d.-]+$/.test(name))
    throw fieldInvalid(field, 'must hold a letter, so that it is not taken for a phone number')
  return name
}
