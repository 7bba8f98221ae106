// What the first start makes: the pool with its application, the administrator, and the server's keys. Every later
// start finds them.
//
// What must stay true: several processes that start at the same instant on one database make it once; what was made at
// random is on disk before the database has it; a start that makes nothing writes nothing.
import { firstUsername } from './administrators/administrators.ts'
import type { App } from './app.ts'
import type { Application } from './applications/applications.ts'
import type { Config } from './config.ts'
import { randomToken } from './core/crypto.ts'
import { keepCredentials, readCredentialsFile } from './core/data-dir.ts'
import type { Database } from './core/database.ts'
import { takeStartLock } from './core/migrate.ts'
import { Secret } from './core/secret.ts'

export type Credentials = {
  masterKeys: readonly [Secret, ...Secret[]]
  /** Where the settings give none: made at random and kept in the data directory. */
  forFirstStart(): { appId: string; appSecret: Secret; adminPassword: Secret }
  /** The password that we made for the administrator of this application, if the data directory still knows it. */
  madeAdminPassword(appId: string): Secret | undefined
}

export const readCredentials = ({ dataDir, masterKeys, firstStart }: Config): Credentials => {
  const keptOrMade = <Name extends string>(name: Name, make: () => string) => ({
    [name]: readCredentialsFile(dataDir)[name] ?? make(),
  })
  const keptMasterKey = () =>
    new Secret(keepCredentials(dataDir, keptOrMade('masterKey', randomToken))['masterKey'] ?? '')

  return {
    masterKeys: masterKeys ?? [keptMasterKey()],

    forFirstStart: () => {
      const { appId, appSecret, adminPassword } = firstStart
      if (appId !== undefined && appSecret !== undefined && adminPassword !== undefined) {
        return { appId, appSecret, adminPassword }
      }
      const kept = keepCredentials(dataDir, {
        // Also one that the settings give: it says which application the rest belongs to.
        ...(appId === undefined ? keptOrMade('appId', newAppId) : { appId }),
        ...(appSecret === undefined ? keptOrMade('appSecret', randomToken) : {}),
        ...(adminPassword === undefined ? keptOrMade('adminPassword', newPassword) : {}),
      })
      return {
        appId: kept['appId'] ?? '',
        appSecret: appSecret ?? new Secret(kept['appSecret'] ?? ''),
        adminPassword: adminPassword ?? new Secret(kept['adminPassword'] ?? ''),
      }
    },

    madeAdminPassword: (appId) => {
      const kept = readCredentialsFile(dataDir)
      const isKnown = firstStart.adminPassword === undefined && kept['appId'] === appId
      return isKnown && kept['adminPassword'] !== undefined ? new Secret(kept['adminPassword']) : undefined
    },
  }
}

/** 24 hexadecimal digits, as GenAuth's ids have, for programs that check it. */
const newAppId = (): string => Buffer.from(randomToken(), 'base64url').toString('hex').slice(0, 24)

/** 120 random bits. */
const newPassword = (): string => randomToken().slice(0, 20)

type Deps = { db: Database; app: App }

/** Makes what is missing, once, also when several processes start at the same time on one database. */
export const prepareFirstStart = async (
  { db, app }: Deps,
  credentials: Credentials,
): Promise<{ application: Application; isFirst: boolean }> => {
  return db.transaction(async (tx) => {
    await takeStartLock(tx)
    await app.keys.makeMissing(tx)
    const existing = await app.applications.first(tx)
    if (existing !== undefined) return { application: existing, isFirst: false }
    const { appId, appSecret, adminPassword } = credentials.forFirstStart()
    const application = await app.applications.create({ id: appId, secret: appSecret }, tx)
    await app.administrators.create(application.poolId, firstUsername, adminPassword, tx)
    return { application, isFirst: true }
  })
}
