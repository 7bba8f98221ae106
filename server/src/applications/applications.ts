// User pools and their applications. A pool is the smallest unit of isolation: its users, numbers and codes are its
// own. An application is a client inside a pool; its id alone names both.
//
// What must stay true: a stored secret is sealed (rule 27); an application is found by its exact id; a change made by
// another process is seen here within `cacheSeconds`.
import type { Clock } from '../core/clock.ts'
import { type Keyring, newId, randomToken, sameSecret } from '../core/crypto.ts'
import type { Database, Queryable } from '../core/database.ts'
import { Secret } from '../core/secret.ts'
import {
  type ApplicationRow,
  insertApplication,
  insertPool,
  selectAllowedOrigins,
  selectApplication,
  selectApplications,
  selectFirstApplication,
  updateApplication,
} from './store.ts'

export type Application = {
  poolId: string
  id: string
  name: string
  secret: Secret
  /** How a program proves that it is this application: its secret (in the body or as Basic), or not at all. */
  clientAuthentication: 'client_secret' | 'none'
  idTokenAlgorithm: 'RS256' | 'HS256'
  accessTokenTtlSeconds: number
  idTokenTtlSeconds: number
  refreshTokenTtlSeconds: number
  signUpEnabled: boolean
  /** The host name of the site that a phone may offer the code of an SMS to. */
  webOtpHost?: string | undefined
  /** The hash of the Android app that may read the code of an SMS: 11 characters. */
  androidSmsHash?: string | undefined
  /** The origins whose pages may read replies in a browser; `*` alone: any. */
  allowedOrigins: readonly string[]
}

export type ApplicationSettings = Partial<Omit<Application, 'poolId' | 'id' | 'secret'>>

const cacheSeconds = 5

export const createApplications = ({
  db,
  keyring,
  clock,
}: {
  db: Database
  keyring: Keyring
  clock: Clock
}) => {
  const cache = new Map<string, { application: Application; until: number }>()
  let cachedOrigins: { origins: ReadonlySet<string>; until: number } | undefined

  const parse = (row: ApplicationRow): Application => ({
    poolId: row.pool_id,
    id: row.id,
    name: row.name,
    secret: new Secret(keyring.unseal(row.sealed_secret, `application ${row.id}`)),
    clientAuthentication: row.client_authentication,
    idTokenAlgorithm: row.id_token_algorithm,
    accessTokenTtlSeconds: row.access_token_ttl_seconds,
    idTokenTtlSeconds: row.id_token_ttl_seconds,
    refreshTokenTtlSeconds: row.refresh_token_ttl_seconds,
    signUpEnabled: row.sign_up_enabled,
    webOtpHost: row.web_otp_host ?? undefined,
    androidSmsHash: row.android_sms_hash ?? undefined,
    allowedOrigins: row.allowed_origins,
  })

  const toRow = (application: Application): ApplicationRow => ({
    pool_id: application.poolId,
    id: application.id,
    name: application.name,
    sealed_secret: keyring.seal(application.secret.reveal(), `application ${application.id}`),
    client_authentication: application.clientAuthentication,
    id_token_algorithm: application.idTokenAlgorithm,
    access_token_ttl_seconds: application.accessTokenTtlSeconds,
    id_token_ttl_seconds: application.idTokenTtlSeconds,
    refresh_token_ttl_seconds: application.refreshTokenTtlSeconds,
    sign_up_enabled: application.signUpEnabled,
    web_otp_host: application.webOtpHost ?? null,
    android_sms_hash: application.androidSmsHash ?? null,
    allowed_origins: application.allowedOrigins,
  })

  /** Makes an application; without a pool it gets a new one of its own. */
  const create = async (
    given: ApplicationSettings & { poolId?: string; id?: string; secret?: Secret } = {},
    tx: Queryable = db,
  ): Promise<Application> => {
    const { poolId = newId(clock), ...settings } = given
    const application: Application = {
      poolId,
      id: newId(clock),
      name: 'My application',
      secret: new Secret(randomToken()),
      clientAuthentication: 'client_secret',
      idTokenAlgorithm: 'RS256',
      accessTokenTtlSeconds: 7200,
      idTokenTtlSeconds: 7200,
      refreshTokenTtlSeconds: 30 * 86_400,
      signUpEnabled: true,
      allowedOrigins: [],
      ...settings,
    }
    const createdAt = clock.now()
    if (given.poolId === undefined) await insertPool(tx, { id: poolId, name: application.name, createdAt })
    await insertApplication(tx, { ...toRow(application), created_at: createdAt })
    cachedOrigins = undefined
    return application
  }

  return {
    create,

    /** The application of that id, from a cache that is at most `cacheSeconds` old. */
    find: async (id: string): Promise<Application | undefined> => {
      const now = clock.now().getTime()
      const cached = cache.get(id)
      if (cached !== undefined && cached.until > now) return cached.application
      const row = await selectApplication(db, id)
      if (row === undefined) return undefined
      const application = parse(row)
      cache.set(id, { application, until: now + cacheSeconds * 1000 })
      return application
    },

    /** The allowed origins of all applications of all pools, from a cache that is at most `cacheSeconds` old. */
    allowedOrigins: async (): Promise<ReadonlySet<string>> => {
      const now = clock.now().getTime()
      if (cachedOrigins !== undefined && cachedOrigins.until > now) return cachedOrigins.origins
      const origins = new Set((await selectAllowedOrigins(db)).map(({ origin }) => origin))
      cachedOrigins = { origins, until: now + cacheSeconds * 1000 }
      return origins
    },

    first: async (tx: Queryable = db): Promise<Application | undefined> => {
      const row = await selectFirstApplication(tx)
      return row === undefined ? undefined : parse(row)
    },

    /** The applications of a pool, oldest first. */
    list: async (poolId: string, tx: Queryable = db): Promise<Application[]> =>
      (await selectApplications(tx, poolId)).map(parse),

    change: async (
      application: Application,
      settings: ApplicationSettings,
      tx: Queryable = db,
    ): Promise<Application> => {
      const changed = { ...application, ...settings }
      await updateApplication(tx, toRow(changed))
      cache.delete(application.id)
      cachedOrigins = undefined
      return changed
    },

    /** After a transaction that changed applications: what is kept in memory is read anew. */
    forget: (poolId: string): void => {
      for (const [id, { application }] of cache) if (application.poolId === poolId) cache.delete(id)
      cachedOrigins = undefined
    },
  }
}

export type Applications = ReturnType<typeof createApplications>

/** Whether a secret is the application's, in a time that does not depend on it. */
export const isApplicationSecret = (application: Application, given: string | undefined): boolean =>
  given !== undefined && sameSecret(given, application.secret)
