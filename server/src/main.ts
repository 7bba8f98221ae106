// The process: settings, database, listen, and a graceful stop.
import { type App, createApp } from './app.ts'
import { repeat } from './background-work/background-work.ts'
import { banner } from './banner.ts'
import { ConfigFaults, readConfig } from './config.ts'
import { systemClock } from './core/clock.ts'
import { createKeyring, UnknownMasterKey } from './core/crypto.ts'
import { DataDirFault } from './core/data-dir.ts'
import type { Database } from './core/database.ts'
import { createLog, type Log } from './core/log.ts'
import { migrate } from './core/migrate.ts'
import { prepareFirstStart, readCredentials } from './first-start.ts'
import { openDatabase } from './open-database.ts'

const housekeepingMinutes = 15
const drainSeconds = 10
const workSeconds = 2
const sweepMilliseconds = 50

/** Refuses new connections, lets running requests finish, then closes the database. */
const stopOnSignal = (app: App, db: Database, log: Log): void => {
  let isStopping = false
  const stop = async (signal: string) => {
    if (isStopping) return
    isStopping = true
    log.info({ signal }, 'stopping')
    const deadline = setTimeout(() => process.exit(1), drainSeconds * 1000)
    // A connection whose last request was answered after the signal would stay open until its client lets go.
    const sweep = setInterval(() => app.http.server.closeIdleConnections(), sweepMilliseconds)
    await app.http.close()
    await db.close()
    clearInterval(sweep)
    clearTimeout(deadline)
    process.exit(0)
  }
  process.on('SIGTERM', (signal) => void stop(signal))
  process.on('SIGINT', (signal) => void stop(signal))
}

const start = async (): Promise<void> => {
  const config = readConfig()
  const log = createLog(config.logLevel)
  const credentials = readCredentials(config)
  const db = await openDatabase(config, log)
  await migrate(db)
  const clock = systemClock
  const app = await createApp({ config, db, keyring: createKeyring(credentials.masterKeys), clock, log })
  const { application, isFirst } = await prepareFirstStart({ db, app }, credentials)
  if (config.production && config.inbox) {
    log.warn('DIALTONE_INBOX is on in production: whoever reaches /inbox reads every code')
  }
  stopOnSignal(app, db, log)
  repeat(app.housekeeping, housekeepingMinutes * 60)
  app.keepWorking(workSeconds)
  await app.http.listen({ host: config.host, port: config.port })
  const adminPassword = credentials.madeAdminPassword(application.id)
  process.stdout.write(banner({ config, application, adminPassword, isFirst }))
}

/** What the operator can mend is told in one message without a stack. */
const explain = (error: unknown): string => {
  if (error instanceof ConfigFaults || error instanceof DataDirFault) return error.message
  if (error instanceof UnknownMasterKey) {
    return `The master key (DIALTONE_MASTER_KEY, or masterKey of credentials.json in the data directory) is not the one that this database was sealed with: ${error.message}. Set DIALTONE_MASTER_KEY to that one, or after a rotation to both, newest first.`
  }
  const code = error instanceof Error && 'code' in error ? String(error.code) : ''
  const remedy = remedies[code]
  if (remedy !== undefined) return `${messageOf(error)}: ${remedy}`
  return error instanceof Error ? (error.stack ?? error.message) : String(error)
}

/** By the code of a system call, or the SQLSTATE of PostgreSQL. */
const remedies: Readonly<Record<string, string>> = {
  EADDRINUSE: 'another program listens there; set PORT to a free one.',
  EADDRNOTAVAIL: 'this machine has no such address; check HOST.',
  EACCES: 'not permitted; check PORT, and who owns the data directory (DIALTONE_DATA_DIR).',
  EROFS: 'the data directory must be writable; set DIALTONE_DATA_DIR.',
  ECONNREFUSED: 'the database does not answer; check DIALTONE_DATABASE_URL.',
  ENOTFOUND: 'there is no such host; check DIALTONE_DATABASE_URL.',
  '28P01': 'check the user and the password in DIALTONE_DATABASE_URL.',
  '3D000': 'create that database, or check DIALTONE_DATABASE_URL.',
}

/** Of a host with several addresses each failed, and the error that holds them has no message of its own. */
const messageOf = (error: unknown): string =>
  error instanceof AggregateError ? error.errors.map(messageOf).join('; ') : (error as Error).message

start().catch((error: unknown) => {
  process.stderr.write(`${explain(error)}\n`)
  process.exit(1)
})
