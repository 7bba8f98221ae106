// Administrators: the people who run the console, and the programs that call its API. They sign in to a session by
// username and password; for a program they make a key. The first start makes one administrator, `admin`.
//
// What must stay true: a password is stored as argon2id alone (rule 26); an unknown username costs the time of a wrong
// password and gets its answer (rules 10 and 11); guesses are counted before they are compared; of a session's token
// and of a key only the hash is stored (rule 28); a key makes no keys, so that a stolen one is of no use once it is
// revoked; nobody sees or changes another pool than the own.
import { ApiError } from '../api-codes.ts'
import type { Applications } from '../applications/applications.ts'
import type { Audit, AuditEvent } from '../audit/audit.ts'
import { type Clock, secondsAfter } from '../core/clock.ts'
import { newId, randomToken, sha256 } from '../core/crypto.ts'
import type { Database, Queryable } from '../core/database.ts'
import type { Secret } from '../core/secret.ts'
import type { Passwords } from '../passwords/passwords.ts'
import {
  type AdministratorKeyRow,
  type CredentialRow,
  deleteAdministratorSession,
  deleteOldAdministratorSessions,
  deleteOtherAdministratorSessions,
  insertAdministrator,
  insertAdministratorKey,
  insertAdministratorSession,
  revokeAdministratorKey,
  selectAdministrator,
  selectAdministratorKeys,
  updateAdministratorPassword,
  useAdministratorKey,
  useAdministratorSession,
} from './store.ts'

export type { AdministratorKeyRow } from './store.ts'

/** Who calls: an administrator, by a session or by a key. */
export type Administrator = {
  poolId: string
  id: string
  username: string
  /** One of the two is there. */
  sessionId?: string
  keyId?: string
}

export type SignedInAdministrator = {
  /** Told once. */
  token: string
  expiresAt: Date
  administrator: Administrator
}

/** A long working day; what NIST SP 800-63B (4.2.3) allows at most where two factors are asked for. */
export const sessionHours = 12

/** A screen that somebody left stays open no longer than a meeting. */
const idleMinutes = 60

/** Use is noted to the minute, so that few requests cost a write: a session may end up to a minute early. */
const noteUseSeconds = 60

const sessionToken = /^dts_[\w-]{43}$/
const keyToken = /^dtk_[\w-]{43}$/

/** The administrator that the first start makes. */
export const firstUsername = 'admin'

/** A pool that is none, for a server without applications. */
const noPool = '00000000-0000-0000-0000-000000000000'

type Deps = {
  db: Database
  applications: Applications
  audit: Audit
  passwords: Passwords
  clock: Clock
}

export const createAdministrators = ({ db, applications, audit, passwords, clock }: Deps) => {
  const idleSince = () => secondsAfter(clock.now(), -idleMinutes * 60)

  /** No user is called so, whose own wrong passwords would count here: no request may hold NUL. */
  const countedAs = (username: string) => `administrator\0${username.toLowerCase()}`

  const record = (by: Administrator, event: Omit<AuditEvent, 'userId'>, tx: Queryable) =>
    audit.record(
      by.poolId,
      { ...event, detail: { administratorId: by.id, username: by.username, ...event.detail } },
      tx,
    )

  /** @throws ApiError credentials_invalid, account_locked */
  const requirePassword = async (given: {
    poolId: string
    username: string
    password: string
    ip: string
  }) => {
    const { poolId, username, password, ip } = given
    const row = await selectAdministrator(db, poolId, username)
    const passwordHash = row?.password_hash
    const identifier = countedAs(username)
    const limit = 'administratorSignInFailuresHour'
    const matches = await passwords.verify({ poolId, identifier, ip, limit, password, passwordHash })
    if (!matches || row === undefined)
      throw new ApiError('credentials_invalid', 'unknown administrator or wrong password')
    return row
  }

  const issueKey = async (
    by: Administrator,
    given: { name: string; expiresInDays?: number | undefined; ip?: string | undefined },
  ): Promise<{ key: string; row: AdministratorKeyRow }> => {
    const { name, expiresInDays, ip } = given
    const { poolId, id: administratorId, username } = by
    const key = `dtk_${randomToken()}`
    const id = newId(clock)
    const createdAt = clock.now()
    const expiresAt =
      expiresInDays === undefined ? undefined : secondsAfter(createdAt, expiresInDays * 86_400)
    const stored = { poolId, id, administratorId, name, tokenHash: sha256(key), createdAt, expiresAt }
    await db.transaction(async (tx) => {
      await insertAdministratorKey(tx, stored)
      await record(by, { type: 'administrator_key.created', ip, detail: { keyId: id, name } }, tx)
    })
    const times = { created_at: createdAt, expires_at: expiresAt ?? null, last_used_at: null }
    return { key, row: { id, name, username, ...times } }
  }

  return {
    create: async (poolId: string, username: string, password: Secret, tx: Queryable): Promise<void> => {
      const passwordHash = await passwords.hash(password.reveal())
      const id = newId(clock)
      await insertAdministrator(tx, { poolId, id, username, passwordHash, createdAt: clock.now() })
    },

    /** Without a pool, in that of the first application. @throws ApiError credentials_invalid, account_locked */
    signIn: async (given: {
      poolId: string | undefined
      username: string
      password: string
      ip: string
      userAgent: string | undefined
    }): Promise<SignedInAdministrator> => {
      const { ip, userAgent } = given
      const askedPool = given.poolId ?? (await applications.first())?.poolId ?? noPool
      const row = await requirePassword({ ...given, poolId: askedPool })
      const poolId = row.pool_id
      const token = `dts_${randomToken()}`
      const createdAt = clock.now()
      const expiresAt = secondsAfter(createdAt, sessionHours * 3600)
      const administrator = { poolId, id: row.id, username: row.username, sessionId: newId(clock) }
      await db.transaction(async (tx) => {
        const started = await insertAdministratorSession(tx, {
          poolId,
          id: administrator.sessionId,
          administratorId: row.id,
          passwordHash: row.password_hash,
          tokenHash: sha256(token),
          ip,
          userAgent: userAgent?.slice(0, 400),
          createdAt,
          expiresAt,
        })
        if (!started) throw new ApiError('credentials_invalid', 'the password was changed meanwhile')
        await record(administrator, { type: 'administrator.signed_in', ip }, tx)
      })
      return { token, expiresAt, administrator }
    },

    /** Whose session or key a token is; undefined: nobody's, or one that has ended. */
    authenticate: async (token: string): Promise<Administrator | undefined> => {
      const now = clock.now()
      const given = { tokenHash: sha256(token), now, usedSince: secondsAfter(now, -noteUseSeconds) }
      if (sessionToken.test(token)) {
        const row = await useAdministratorSession(db, { ...given, idleSince: idleSince() })
        return row && { ...nameOf(row), sessionId: row.id }
      }
      if (!keyToken.test(token)) return undefined
      const row = await useAdministratorKey(db, given)
      return row && { ...nameOf(row), keyId: row.id }
    },

    /** Ends the session that the caller came with. @throws ApiError administrator_session_required */
    signOut: async (by: Administrator, ip: string): Promise<void> => {
      const sessionId = requireSession(by)
      await db.transaction(async (tx) => {
        const ended = await deleteAdministratorSession(tx, by.poolId, sessionId)
        if (ended) await record(by, { type: 'administrator.signed_out', ip }, tx)
      })
    },

    /**
     * Ends the caller's other sessions; keys stay, because programs hang on them.
     * @throws ApiError administrator_session_required, password_too_weak, credentials_invalid, account_locked
     */
    changePassword: async (
      by: Administrator,
      given: { oldPassword: string; newPassword: string; ip: string },
    ): Promise<void> => {
      const keptId = requireSession(by)
      const { oldPassword, newPassword, ip } = given
      const { poolId, id, username } = by
      await passwords.requireStrong({ poolId, password: newPassword, field: 'newPassword', own: [username] })
      const { password_hash: oldHash } = await requirePassword({
        poolId,
        username,
        password: oldPassword,
        ip,
      })
      const newHash = await passwords.hash(newPassword)
      await db.transaction(async (tx) => {
        const changed = await updateAdministratorPassword(tx, { poolId, id, oldHash, newHash })
        if (!changed) throw new ApiError('credentials_invalid', 'the password was changed meanwhile')
        await deleteOtherAdministratorSessions(tx, { poolId, administratorId: id, keptId })
        await record(by, { type: 'administrator.password_changed', ip }, tx)
      })
    },

    /** The key itself is told here and never again. @throws ApiError administrator_session_required */
    createKey: async (
      by: Administrator,
      given: { name: string; expiresInDays: number | undefined; ip: string },
    ): Promise<{ key: string; row: AdministratorKeyRow }> => {
      requireSession(by)
      return issueKey(by, given)
    },

    /** For the command line, where whoever has the database has every right: a key of the first administrator. */
    createKeyOfFirst: async (name: string): Promise<string | undefined> => {
      const application = await applications.first()
      const row = application && (await selectAdministrator(db, application.poolId, firstUsername))
      if (row === undefined) return undefined
      const by = { poolId: row.pool_id, id: row.id, username: row.username }
      return (await issueKey(by, { name })).key
    },

    /** The keys of the pool, of all its administrators, newest first; without the revoked ones. */
    listKeys: (poolId: string) => selectAdministratorKeys(db, poolId),

    /** From now on the key is refused. @throws ApiError record_not_found */
    revokeKey: async (by: Administrator, id: string, ip: string): Promise<void> => {
      await db.transaction(async (tx) => {
        const key = await revokeAdministratorKey(tx, { poolId: by.poolId, id, now: clock.now() })
        if (key === undefined) throw new ApiError('record_not_found', 'no such key, or revoked before')
        const detail = { keyId: id, name: key.name }
        await record(by, { type: 'administrator_key.revoked', ip, detail }, tx)
      })
    },

    /** Deletes the sessions that nobody can use any more; the audit events stay. */
    deleteOld: async (): Promise<void> => {
      await deleteOldAdministratorSessions(db, { now: clock.now(), idleSince: idleSince() })
    },
  }
}

export type Administrators = ReturnType<typeof createAdministrators>

const nameOf = ({ pool_id: poolId, administrator_id: id, username }: CredentialRow) => ({
  poolId,
  id,
  username,
})

const requireSession = ({ sessionId }: Administrator): string => {
  if (sessionId === undefined) throw new ApiError('administrator_session_required', 'called with a key')
  return sessionId
}
