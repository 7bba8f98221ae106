import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { type AddressInfo, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import pg from 'pg'
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import {
  buildServer,
  clientOf,
  credentialsOf,
  dataDirWithDatabase,
  engines,
  isServing,
  newDataDir,
  newPostgresDatabase,
  printed,
  type ServerProcess,
  type Settings,
  spawnServer,
  startServer,
  until,
  untilReady,
} from '../support/process.ts'

const masterKey = 'master key of these tests 0123456789'

beforeAll(buildServer)

describe.each(Object.entries(engines))('a start on %s', { timeout: 300_000 }, (_engine, newPlace) => {
  it('prints what a person needs, and answers', async () => {
    const server = await startServer(await newPlace())

    expect(server.output()).toContain(
      `listens on 127.0.0.1:${server.port}; clients reach it at ${server.url}`,
    )
    expect(printed(server, 'app id')).toMatch(/^[0-9a-f]{24}$/)
    expect(printed(server, 'app secret')).toMatch(/^[\w-]{43}$/)
    expect(printed(server, 'app host')).toBe(server.url)
    expect(printed(server, 'administrator')).toMatch(/^admin, password: [\w-]{20}$/)
    expect(server.errors()).toBe('')
    for (const path of ['/healthz', '/readyz', '/explorer', '/inbox']) {
      expect((await fetch(`${server.url}${path}`)).status, path).toBe(200)
    }
    expect(printed(server, 'API explorer')).toBe(`${server.url}/explorer`)
    expect(printed(server, 'inbox')).toBe(`${server.url}/inbox`)
  })

  it('prints a program that binds a phone when it is pasted', async () => {
    const server = await startServer(await newPlace())

    const result = await paste(/^ {2}import[\s\S]*^ {2}console\.log.*$/m.exec(server.output())?.[0] ?? '')

    expect(JSON.parse(result)).toMatchObject({ statusCode: 200 })
  })

  it('finds what an earlier one made, and the people who signed up', async () => {
    const settings = await newPlace()
    const first = await startServer(settings)
    await clientOf(first).signUp('ada')
    const codeOfFirst = await first.kill('SIGTERM')

    const second = await startServer(settings)

    expect(codeOfFirst).toBe(0)
    for (const label of ['app id', 'app secret', 'administrator']) {
      expect(printed(second, label)).toBe(printed(first, label))
    }
    expect(await clientOf(second).signIn('ada')).toMatchObject({ statusCode: 200 })
  })
})

describe('two processes that start at the same instant', { timeout: 300_000 }, () => {
  it.each([
    ['and share a data directory', () => ({ DIALTONE_DATA_DIR: newDataDir() }), (one: Settings) => one],
    [
      'and share a master key',
      () => ({ DIALTONE_DATA_DIR: newDataDir(), DIALTONE_MASTER_KEY: masterKey }),
      (one: Settings) => ({ ...one, DIALTONE_DATA_DIR: newDataDir() }),
    ],
  ])('on one empty PostgreSQL %s make one application and one set of keys', async (_how, settingsOf, and) => {
    const databaseUrl = await newPostgresDatabase()
    const ones: Settings = { ...settingsOf(), DIALTONE_DATABASE_URL: databaseUrl }

    const both = await Promise.all([spawnServer(ones), spawnServer(and(ones))])
    await Promise.all(both.map(untilReady))

    const [one, other] = both
    expect(credentialsOf(other)).toEqual(credentialsOf(one))
    expect(await clientOf(other).publicKeys()).toBe(await clientOf(one).publicKeys())
    expect(await countRows(databaseUrl)).toEqual({
      pools: '1',
      applications: '1',
      administrators: '1',
      keys: '3',
    })
    await clientOf(one).signUp('ada')
    expect(await clientOf(other).signIn('ada')).toMatchObject({ statusCode: 200 })
    expect(both.filter(knowsAdminPassword).length).toBeGreaterThan(0)
    expect(
      new Set(both.filter(knowsAdminPassword).map((server) => printed(server, 'administrator'))).size,
    ).toBe(1)
  })
})

describe('a data directory', { timeout: 300_000 }, () => {
  it('is refused to a second process while a first one uses it', async () => {
    const settings = { DIALTONE_DATA_DIR: await dataDirWithDatabase() }
    const first = await startServer(settings)

    const second = await spawnServer(settings)

    expect(await second.ended).toBe(1)
    expect(second.errors()).toBe(
      `another Dialtone (process ${first.pid}) uses the data directory ${settings.DIALTONE_DATA_DIR}: stop it, or set DIALTONE_DATA_DIR or DIALTONE_DATABASE_URL\n`,
    )
    expect(await isServing(first.url)).toBe(true)
  })

  it('is taken over from a killed process, by one of several that try at the same instant', async () => {
    const settings = { DIALTONE_DATA_DIR: await dataDirWithDatabase() }
    const killed = await startServer(settings)
    await clientOf(killed).signUp('ada')
    await killed.kill('SIGKILL')

    const heirs = await Promise.all([1, 2, 3].map(() => spawnServer(settings)))
    const refused = await firstEnded(heirs, heirs.length - 1)

    const [heir] = heirs.filter((server) => !refused.includes(server))
    if (heir === undefined) throw new Error('nobody took it over')
    await untilReady(heir)
    for (const server of refused)
      expect(server.errors()).toContain(`(process ${heir.pid}) uses the data directory`)
    expect(await clientOf(heir).signIn('ada')).toMatchObject({ statusCode: 200 })
  })

  it.each(['pglite.unfinished/base/1', 'pglite/PG_VERSION'])(
    'is of use also when a process was killed as it had made %s',
    async (file) => {
      const dataDir = newDataDir()
      const killed = await spawnServer({ DIALTONE_DATA_DIR: dataDir })
      await until('that much of the database is there', async () => existsSync(join(dataDir, file)))
      await killed.kill('SIGKILL')

      const server = await startServer({ DIALTONE_DATA_DIR: dataDir })

      expect(await clientOf(server).signUp('ada')).toMatchObject({ statusCode: 200 })
    },
  )
})

describe('a start', { timeout: 300_000 }, () => {
  it('tells what to do when the port is taken', async () => {
    const other = createServer().listen(0, '127.0.0.1')
    await once(other, 'listening')
    onTestFinished(() => void other.close())
    const { port } = other.address() as AddressInfo

    const server = await spawnServer({ DIALTONE_DATA_DIR: await dataDirWithDatabase(), PORT: String(port) })

    expect(await server.ended).toBe(1)
    expect(server.errors()).toMatch(
      /^listen EADDRINUSE.*: another program listens there; set PORT to a free one\.\n$/,
    )
  })

  it('tells what to do when the database does not answer', async () => {
    const server = await spawnServer({
      DIALTONE_DATA_DIR: newDataDir(),
      DIALTONE_DATABASE_URL: 'postgres://nobody@127.0.0.1:1/none',
    })

    expect(await server.ended).toBe(1)
    expect(server.errors()).toMatch(
      /^.*ECONNREFUSED.*: the database does not answer; check DIALTONE_DATABASE_URL\.\n$/,
    )
  })

  it('tells of a master key that is not the one of the database', async () => {
    const settings = await engines.PostgreSQL()
    const first = await startServer({ ...settings, DIALTONE_MASTER_KEY: masterKey })
    await first.kill('SIGTERM')

    const second = await spawnServer({ ...settings, DIALTONE_MASTER_KEY: `another ${masterKey}` })

    expect(await second.ended).toBe(1)
    expect(second.errors()).toMatch(
      /^The master key \(DIALTONE_MASTER_KEY.* is not the one .*Set DIALTONE_MASTER_KEY .*\n$/,
    )
  })
})

const paste = async (program: string): Promise<string> => {
  const folder = mkdtempSync(join(tmpdir(), 'dialtone-paste-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  symlinkSync(join(import.meta.dirname, '../../../node_modules'), join(folder, 'node_modules'))
  writeFileSync(join(folder, 'program.mjs'), program)
  return (await promisify(execFile)(process.execPath, [join(folder, 'program.mjs')])).stdout
}

const countRows = async (url: string) => {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    const { rows } = await client.query(`
      select (select count(*) from pools) as pools,
             (select count(*) from applications) as applications,
             (select count(*) from administrators) as administrators,
             (select count(*) from server_keys) as keys`)
    return rows[0]
  } finally {
    await client.end()
  }
}

const knowsAdminPassword = (server: ServerProcess) =>
  /^admin, password: [\w-]{20}$/.test(printed(server, 'administrator'))

const firstEnded = async (servers: readonly ServerProcess[], count: number): Promise<ServerProcess[]> => {
  const ended: ServerProcess[] = []
  for (const server of servers) void server.ended.then(() => ended.push(server))
  await until(`${count} have ended`, async () => ended.length >= count)
  return [...ended]
}
