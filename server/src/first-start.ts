// What the first start makes: the pool with its application, the administrator, and the server's keys. Every later
// start finds them.
import { createAdministrators } from './administrators/administrators.ts'
import type { App } from './app.ts'
import type { Application } from './applications/applications.ts'
import type { Config } from './config.ts'
import type { Clock } from './core/clock.ts'
import { randomToken } from './core/crypto.ts'
import { readOrMakeCredentials } from './core/data-dir.ts'
import type { Database } from './core/database.ts'
import { takeStartLock } from './core/migrate.ts'
import { Secret } from './core/secret.ts'

export type Credentials = {
  masterKeys: readonly [Secret, ...Secret[]]
  appId: string
  appSecret: Secret
  adminPassword: Secret
  /** The administrator's password was made by us and can be shown again. */
  isAdminPasswordMade: boolean
}

/** What the settings give; the rest is made at random and kept in the data directory. */
export const readCredentials = ({ dataDir, masterKeys, firstStart }: Config): Credentials => {
  const given = {
    ...(masterKeys === undefined ? {} : { masterKey: true }),
    ...(firstStart.appId === undefined ? {} : { appId: true }),
    ...(firstStart.appSecret === undefined ? {} : { appSecret: true }),
    ...(firstStart.adminPassword === undefined ? {} : { adminPassword: true }),
  }
  const kept = readOrMakeCredentials(dataDir, (known) =>
    Object.fromEntries(
      ['masterKey', 'appId', 'appSecret', 'adminPassword']
        .filter((name) => !(name in given))
        .map((name) => [name, known[name] ?? makeCredential(name)]),
    ),
  )
  return {
    masterKeys: masterKeys ?? [new Secret(kept['masterKey'] ?? '')],
    appId: firstStart.appId ?? kept['appId'] ?? '',
    appSecret: firstStart.appSecret ?? new Secret(kept['appSecret'] ?? ''),
    adminPassword: firstStart.adminPassword ?? new Secret(kept['adminPassword'] ?? ''),
    isAdminPasswordMade: firstStart.adminPassword === undefined,
  }
}

/** An app id has the form that GenAuth's have, 24 hexadecimal digits, for programs that check it. */
const makeCredential = (name: string): string =>
  name === 'appId'
    ? Buffer.from(randomToken(), 'base64url').toString('hex').slice(0, 24)
    : name === 'adminPassword'
      ? randomToken().slice(0, 20)
      : randomToken()

type Deps = { db: Database; app: App; clock: Clock }

/** Makes what is missing, once, also when several processes start at the same time on one database. */
export const prepareFirstStart = async (
  { db, app, clock }: Deps,
  credentials: Credentials,
): Promise<{ application: Application; isFirst: boolean }> => {
  const administrators = createAdministrators({ passwords: app.passwords, clock })
  return db.transaction(async (tx) => {
    await takeStartLock(tx)
    await app.keys.makeMissing(tx)
    const existing = await app.applications.first(tx)
    if (existing !== undefined) return { application: existing, isFirst: false }
    const application = await app.applications.create(
      { id: credentials.appId, secret: credentials.appSecret },
      tx,
    )
    await administrators.create(application.poolId, 'admin', credentials.adminPassword, tx)
    return { application, isFirst: true }
  })
}
