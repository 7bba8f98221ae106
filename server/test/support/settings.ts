import { createApp } from '../../src/app.ts'
import { readConfig } from '../../src/config.ts'
import { systemClock } from '../../src/core/clock.ts'
import { createKeyring } from '../../src/core/crypto.ts'
import type { Database } from '../../src/core/database.ts'
import { createLog } from '../../src/core/log.ts'
import { migrate } from '../../src/core/migrate.ts'
import { prepareFirstStart, readCredentials } from '../../src/first-start.ts'

/** The settings of every test server. */
export const testSettings = {
  DIALTONE_PUBLIC_URL: 'http://dialtone.test',
  DIALTONE_MASTER_KEY: 'a master key of the tests: 0123456789',
  DIALTONE_APP_ID: 'app-under-test',
  DIALTONE_APP_SECRET: 'secret-of-app-under-test',
  DIALTONE_ADMIN_PASSWORD: 'password-of-admin',
  DIALTONE_LOG_LEVEL: 'trace',
} as const

/** Migrates an empty database and makes keys and application, once, so that each test starts from a copy. */
export const prepareTemplate = async (db: Database): Promise<void> => {
  const config = readConfig(testSettings)
  const credentials = readCredentials(config)
  await migrate(db)
  const log = createLog('silent')
  const app = await createApp({
    config,
    db,
    keyring: createKeyring(credentials.masterKeys),
    clock: systemClock,
    log,
  })
  await prepareFirstStart({ db, app }, credentials)
  await app.http.close()
}
