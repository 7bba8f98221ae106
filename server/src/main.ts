// The process: settings, database, listen, and a graceful stop.
import { join as joinPath } from 'node:path'
import { type App, createApp } from './app.ts'
import { banner } from './banner.ts'
import { type Config, ConfigFaults, readConfig } from './config.ts'
import { systemClock } from './core/clock.ts'
import { createKeyring, UnknownMasterKey } from './core/crypto.ts'
import { DataDirInUse, lockDataDir } from './core/data-dir.ts'
import { type Database, openPglite, openPostgres } from './core/database.ts'
import { createLog, type Log } from './core/log.ts'
import { migrate } from './core/migrate.ts'
import { prepareFirstStart, readCredentials } from './first-start.ts'

const housekeepingMinutes = 15
const drainSeconds = 10

const openDatabase = async (config: Config, log: Log): Promise<Database> => {
  if (config.databaseUrl !== undefined) {
    const onError = (error: Error) => log.error({ err: error }, 'a connection to the database broke')
    return openPostgres(config.databaseUrl, { poolSize: config.databasePoolSize, onError })
  }
  const release = lockDataDir(config.dataDir)
  const db = await openPglite(joinPath(config.dataDir, 'pglite'))
  return {
    ...db,
    close: async () => {
      await db.close()
      release()
    },
  }
}

/** Refuses new connections, lets running requests finish, then closes the database. */
const stopOnSignal = (app: App, db: Database, log: Log): void => {
  let isStopping = false
  const stop = async (signal: string) => {
    if (isStopping) return
    isStopping = true
    log.info({ signal }, 'stopping')
    const deadline = setTimeout(() => process.exit(1), drainSeconds * 1000)
    await app.http.close()
    await db.close()
    clearTimeout(deadline)
    process.exit(0)
  }
  process.on('SIGTERM', (signal) => void stop(signal))
  process.on('SIGINT', (signal) => void stop(signal))
}

const keepHouse = (app: App, log: Log): void => {
  const timer = setInterval(
    () => app.housekeeping().catch((error: unknown) => log.error({ err: error }, 'housekeeping failed')),
    housekeepingMinutes * 60_000,
  )
  timer.unref()
}

const start = async (): Promise<void> => {
  const config = readConfig()
  const log = createLog(config.logLevel)
  const credentials = readCredentials(config)
  const db = await openDatabase(config, log)
  await migrate(db)
  const clock = systemClock
  const app = await createApp({ config, db, keyring: createKeyring(credentials.masterKeys), clock, log })
  const { application, isFirst } = await prepareFirstStart({ db, app, clock }, credentials)
  if (config.production && config.inbox) {
    log.warn('DIALTONE_INBOX is on in production: whoever reaches /inbox reads every code')
  }
  stopOnSignal(app, db, log)
  keepHouse(app, log)
  await app.http.listen({ host: config.host, port: config.port })
  process.stdout.write(banner({ config, application, credentials, isFirst }))
}

/** What the operator can mend is told in one message without a stack. */
const explain = (error: unknown): string => {
  if (error instanceof ConfigFaults || error instanceof DataDirInUse) return error.message
  if (error instanceof UnknownMasterKey) {
    return `DIALTONE_MASTER_KEY is not the key that this database was sealed with (${error.message}): set that key, or after a rotation both, newest first.`
  }
  if (error instanceof Error && 'code' in error && error.code === 'EADDRINUSE') {
    return `${error.message}: another program listens there; set PORT to a free one.`
  }
  return error instanceof Error ? (error.stack ?? error.message) : String(error)
}

start().catch((error: unknown) => {
  process.stderr.write(`${explain(error)}\n`)
  process.exit(1)
})
