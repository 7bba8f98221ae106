// `npm run keys:rotate`: a new key signs tokens from now on; the old one stays published and accepted until every
// token that it signed has expired. Running servers take the new key up within a minute. With the embedded database,
// which belongs to one process, stop the server first.
import { readConfig } from './config.ts'
import { systemClock } from './core/clock.ts'
import { createKeyring } from './core/crypto.ts'
import { createLog } from './core/log.ts'
import { migrate } from './core/migrate.ts'
import { readCredentials } from './first-start.ts'
import { createKeys } from './keys/keys.ts'
import { openDatabase } from './open-database.ts'

const config = readConfig()
const db = await openDatabase(config, createLog(config.logLevel))
try {
  await migrate(db)
  const keys = createKeys({
    db,
    keyring: createKeyring(readCredentials(config).masterKeys),
    clock: systemClock,
  })
  await keys.rotateSigningKey()
  const { keys: published } = await keys.jwks()
  process.stdout.write(
    `Tokens are signed with key ${published[0]?.kid} now; ${published.length} keys are accepted.\n`,
  )
} finally {
  await db.close()
}
