import { existsSync } from 'node:fs'
import pg from 'pg'
import { beforeAll, describe, expect, it } from 'vitest'
import {
  buildServer,
  clientOf,
  credentialsOf,
  engines,
  isServing,
  newDataDir,
  newPostgresDatabase,
  printed,
  type Settings,
  spawnServer,
  startServer,
  until,
} from '../support/process.ts'

const production = async (): Promise<Settings> => ({
  NODE_ENV: 'production',
  DIALTONE_DATA_DIR: newDataDir(),
  DIALTONE_DATABASE_URL: await newPostgresDatabase(),
  DIALTONE_MASTER_KEY: 'c0ffee-0123456789-abcdef-0123456789',
  DIALTONE_PUBLIC_URL: 'https://id.example.com',
})

beforeAll(buildServer)

describe('in production', { timeout: 300_000 }, () => {
  it('the server refuses to start without its settings, names each fault, and writes nothing', async () => {
    const dataDir = newDataDir()

    const server = await spawnServer({
      NODE_ENV: 'production',
      DIALTONE_DATA_DIR: dataDir,
      DIALTONE_PASSCODE_LENGHT: '6',
      DIALTONE_PASSCODE_TTL_SECONDS: 'long',
    })

    expect(await server.ended).toBe(1)
    for (const name of [
      'DIALTONE_DATABASE_URL',
      'DIALTONE_MASTER_KEY',
      'DIALTONE_PUBLIC_URL',
      'DIALTONE_PASSCODE_LENGHT',
      'DIALTONE_PASSCODE_TTL_SECONDS',
    ]) {
      expect(server.errors()).toContain(name)
    }
    expect(server.errors()).not.toMatch(/^ +at /m)
    expect(server.output()).toBe('')
    expect(existsSync(dataDir)).toBe(false)
  })

  it('the secrets are printed at the first start and never again', async () => {
    const settings = await production()
    const first = await startServer(settings)
    const { id, secret } = credentialsOf(first)
    const password = printed(first, 'administrator').replace('admin, password: ', '')
    await first.kill('SIGTERM')

    const second = await startServer(settings)

    expect([id.length, secret.length, password.length]).toEqual([24, 43, 20])
    expect(second.output()).toContain('clients reach it at https://id.example.com')
    for (const value of [secret, password]) expect(second.output()).not.toContain(value)
    await clientOf(second, { id, secret }).signUp('ada')
    expect(await clientOf(second, { id, secret }).signIn('ada')).toMatchObject({ statusCode: 200 })
  })

  it('a later start writes nothing to its disk', async () => {
    const settings = await production()
    const first = await startServer(settings)
    await first.kill('SIGTERM')
    const elsewhere = newDataDir()

    await startServer({ ...settings, DIALTONE_DATA_DIR: elsewhere })

    expect(existsSync(elsewhere)).toBe(false)
  })

  it('there is no inbox, unless the settings switch it on, and then the log warns', async () => {
    const settings = await production()

    const usual = await startServer(settings)
    const withInbox = await startServer({ ...settings, DIALTONE_INBOX: 'on' })

    const statusesOf = (url: string) =>
      Promise.all(['/inbox', '/inbox/messages'].map(async (path) => (await fetch(`${url}${path}`)).status))
    expect(await statusesOf(usual.url)).toEqual([404, 404])
    expect(usual.output()).not.toContain('DIALTONE_INBOX')
    expect(await statusesOf(withInbox.url)).toEqual([200, 200])
    expect(withInbox.output()).toMatch(/"level":40,.*DIALTONE_INBOX is on in production/)
  })
})

describe.each(['SIGTERM', 'SIGINT'] as const)('%s', { timeout: 300_000 }, (signal) => {
  it('lets the requests in flight be answered, takes no new ones, and ends with 0', async () => {
    const settings = await engines.PostgreSQL()
    const server = await startServer(settings)
    await using users = await lockUsers(settings.DIALTONE_DATABASE_URL)
    const inFlight = Promise.all(['ada', 'bob', 'eve'].map(clientOf(server).signUp))
    await until('three sign-ups wait for the database', async () => (await users.waiting()) === 3)

    const ended = server.kill(signal)
    await until('nothing new is taken', async () => !(await isServing(server.url)))
    await users.unlock()

    expect((await inFlight).map(({ statusCode }) => statusCode)).toEqual([200, 200, 200])
    expect(await ended).toBe(0)
  })
})

/** Holds whoever writes to the table of users, so that a request takes as long as the test wants. */
const lockUsers = async (url: string) => {
  const holder = new pg.Client({ connectionString: url })
  const observer = new pg.Client({ connectionString: url })
  await Promise.all([holder.connect(), observer.connect()])
  await holder.query('begin')
  await holder.query('lock table users in share mode')
  return {
    waiting: async () =>
      (await observer.query(`select from pg_locks where relation = 'users'::regclass and not granted`))
        .rowCount,
    unlock: () => holder.query('commit'),
    [Symbol.asyncDispose]: async () => {
      await Promise.all([holder.end(), observer.end()])
    },
  }
}
