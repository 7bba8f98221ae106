// `npm run admin:key -- NAME`: makes a key of the first administrator for a program, and prints it once. For set-ups
// where nobody signs in; the console lists and revokes it as any other. Running servers take it at once. With the
// embedded database, which belongs to one process, stop the server first.
import { createApp } from './app.ts'
import { readConfig } from './config.ts'
import { systemClock } from './core/clock.ts'
import { createKeyring } from './core/crypto.ts'
import { createLog } from './core/log.ts'
import { migrate } from './core/migrate.ts'
import { readCredentials } from './first-start.ts'
import { openDatabase } from './open-database.ts'

const fail = (message: string): void => {
  process.stderr.write(`${message}\n`)
  process.exitCode = 1
}

const makeKey = async (name: string): Promise<void> => {
  const config = readConfig()
  const log = createLog(config.logLevel)
  const db = await openDatabase(config, log)
  try {
    await migrate(db)
    const keyring = createKeyring(readCredentials(config).masterKeys)
    const { http, administrators } = await createApp({ config, db, keyring, clock: systemClock, log })
    const key = await administrators.createKeyOfFirst(name)
    await http.close()
    if (key === undefined)
      return fail('There is no administrator yet: start the server once, then try again.')
    process.stdout.write(`The key "${name}" is told this once:\n${key}\n`)
  } finally {
    await db.close()
  }
}

const [name = '', ...more] = process.argv.slice(2)
if (name.trim() === '' || name.length > 100 || more.length > 0) {
  fail(
    'Say what the key is for, in one name of at most 100 characters: npm run admin:key -- "nightly backup"',
  )
} else {
  await makeKey(name)
}
