// `npm run config -- apply FILE` and `npm run config -- show`: the configuration of SMS as one JSON document. Without
// --server it opens the database of the settings itself; with the embedded one, which belongs to one process, a
// running server is asked instead: --server URL with a key of an administrator.
import { readFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { ApiError, type FieldFault } from './api-codes.ts'
import { createApp } from './app.ts'
import { ConfigFaults, environmentVariable, readConfig } from './config.ts'
import { type Change, resolveVariables } from './configuration/configuration.ts'
import { systemClock } from './core/clock.ts'
import { createKeyring } from './core/crypto.ts'
import { DataDirFault } from './core/data-dir.ts'
import { createLog } from './core/log.ts'
import { migrate } from './core/migrate.ts'
import { readCredentials } from './first-start.ts'
import { openDatabase } from './open-database.ts'

const usage = `Usage:
  npm run config -- apply FILE [--dry-run] [--pool ID]
  npm run config -- show [--pool ID]
With a running server: --server URL and --key-file FILE (or --key KEY), in place of --pool.`

/** Told in one line each, without a stack. */
class Faults extends Error {
  readonly lines: readonly string[]

  constructor(lines: readonly string[]) {
    super(lines.join('\n'))
    this.lines = lines
  }
}

const faultsOf = (errors: readonly FieldFault[]): Faults =>
  new Faults(errors.map(({ field, message }) => `${field}: ${message}`))

/** Where the configuration is kept. */
type Target = {
  show(): Promise<unknown>
  apply(document: unknown, dryRun: boolean): Promise<readonly Change[]>
}

const onServer = (url: string, key: string): Target => {
  const call = async (method: string, query = '', body?: unknown) => {
    const response = await fetch(`${url.replace(/\/+$/, '')}/console/api/sms/configuration${query}`, {
      method,
      redirect: 'error',
      headers: {
        authorization: `Bearer ${key}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    const reply = (await response.json()) as {
      message?: string
      changes?: Change[]
      data?: { errors?: FieldFault[] }
    }
    if (reply.data?.errors !== undefined) throw faultsOf(reply.data.errors)
    if (!response.ok) throw new Faults([reply.message ?? `the server answered ${response.status}`])
    return reply
  }
  return {
    show: () => call('GET'),
    apply: async (document, dryRun) => (await call('PUT', `?dryRun=${dryRun}`, document)).changes ?? [],
  }
}

/** Opens the database of the settings for as long as `work` takes. */
const onDatabase = async (
  pool: string | undefined,
  work: (target: Target) => Promise<void>,
): Promise<void> => {
  const config = readConfig()
  const log = createLog(config.logLevel)
  const db = await openDatabase(config, log)
  try {
    await migrate(db)
    const keyring = createKeyring(readCredentials(config).masterKeys)
    const app = await createApp({ config, db, keyring, clock: systemClock, log })
    const poolId = pool ?? (await app.applications.first())?.poolId
    if (poolId === undefined || (await app.applications.list(poolId)).length === 0) {
      throw new Faults(['There is no such pool: start the server once, or check --pool.'])
    }
    await work({
      show: () => app.configuration.show(poolId),
      apply: (document, dryRun) => app.configuration.apply({ poolId }, document, { dryRun }),
    })
    await app.http.close()
  } finally {
    await db.close()
  }
}

const readDocument = (file: string): unknown => {
  let document: unknown
  try {
    document = JSON.parse(readFileSync(file, 'utf8'))
  } catch (error) {
    throw new Faults([`${file} cannot be read as JSON: ${error instanceof Error ? error.message : ''}`])
  }
  const { resolved, faults } = resolveVariables(document, environmentVariable)
  if (faults.length > 0) throw faultsOf(faults)
  return resolved
}

const print = (line: string): void => {
  process.stdout.write(`${line}\n`)
}

const parse = () => {
  const options = { type: 'string' } as const
  try {
    const { values, positionals } = parseArgs({
      allowPositionals: true,
      options: {
        'dry-run': { type: 'boolean', default: false },
        server: options,
        key: options,
        'key-file': options,
        pool: options,
      },
    })
    const [command, file, ...more] = positionals
    const isApply = command === 'apply' && file !== undefined
    if ((!isApply && command !== 'show') || (command === 'show' && file !== undefined) || more.length > 0) {
      throw new Faults([usage])
    }
    return { ...values, file }
  } catch (error) {
    throw error instanceof Faults ? error : new Faults([error instanceof Error ? error.message : '', usage])
  }
}

const keyOf = (values: { key?: string | undefined; 'key-file'?: string | undefined }): string => {
  const file = values['key-file']
  const key = file === undefined ? values.key : readFileSync(file, 'utf8').trim()
  if (key === undefined) throw new Faults(['With --server, give --key-file FILE or --key KEY.'])
  return key
}

const run = async (): Promise<void> => {
  const { file, server, pool, 'dry-run': dryRun, ...keys } = parse()
  const document = file === undefined ? undefined : readDocument(file)
  const work = async (target: Target): Promise<void> => {
    if (file === undefined) return print(JSON.stringify(await target.show(), null, 2))
    const changes = await target.apply(document, dryRun)
    for (const { part, name, change } of changes) print(`${change} ${part} ${name}`)
    if (dryRun) print('Nothing was changed: this was a dry run.')
  }
  if (server === undefined) return onDatabase(pool, work)
  if (pool !== undefined) throw new Faults(['A key has its own pool: leave --pool out with --server.'])
  await work(onServer(server, keyOf(keys)))
}

const explain = (error: unknown): readonly string[] => {
  if (error instanceof Faults) return error.lines
  if (error instanceof ApiError) {
    const { errors } = error.detail
    return errors === undefined ? [error.message] : faultsOf(errors).lines
  }
  if (error instanceof ConfigFaults) return [error.message]
  if (error instanceof DataDirFault) {
    return [`${error.message}; or ask the running server: --server URL --key-file FILE`]
  }
  return [error instanceof Error ? (error.stack ?? error.message) : String(error)]
}

try {
  await run()
} catch (error) {
  process.stderr.write(
    explain(error)
      .map((line) => `${line}\n`)
      .join(''),
  )
  process.exitCode = 1
}
