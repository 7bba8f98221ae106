/**
 * The real server as a child process, as an operator runs it: settings in its environment, a data directory, signals.
 *
 * What must stay true: nothing of our own environment reaches it; and once a test is over, however it ended, so are
 * the processes that it started.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { inject, onTestFinished } from 'vitest'
import { copyEmptyPglite } from './empty-pglite.ts'
import { freePort } from './free-ports.ts'
import { type Postgres, startPostgres } from './postgres.ts'
import { administer, databaseUrl } from './postgres-template.ts'

const root = join(import.meta.dirname, '../../..')

export type Settings = Record<string, string>

/** Compiles what changed; safe beside other builds and beside servers that start. */
export const buildServer = async (): Promise<void> => {
  const build = spawn(process.execPath, [join(root, 'scripts/build.mjs')], { stdio: 'inherit' })
  const [code] = await once(build, 'exit')
  if (code !== 0) throw new Error('the server could not be built')
}

/** A name for a data directory that does not exist yet; removed at the end of the test. */
export const newDataDir = (): string => {
  const folder = mkdtempSync(join(tmpdir(), 'dialtone-process-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  return join(folder, 'data')
}

/** A data directory whose embedded database is made and was never used: for tests that are not about making one. */
export const dataDirWithDatabase = async (): Promise<string> => {
  const dataDir = newDataDir()
  mkdirSync(dataDir, { mode: 0o700 })
  await copyEmptyPglite(join(dataDir, 'pglite'), inject('scratch'))
  return dataDir
}

/** The PostgreSQL of this worker; it ends with it. */
let postgres: Promise<Postgres> | undefined

/** The URL of an empty database of its own. */
export const newPostgresDatabase = async (): Promise<string> => {
  postgres ??= startPostgres()
  const { url } = await postgres
  const name = `process_${randomUUID().replaceAll('-', '')}`
  await administer(url, `create database ${name}`)
  return databaseUrl(url, name)
}

export type ServerProcess = {
  url: string
  port: number
  pid: number
  /** What it has written to standard output and to standard error so far. */
  output(): string
  errors(): string
  /** Its exit code, or the name of the signal that ended it. */
  ended: Promise<number | string>
  kill(signal: NodeJS.Signals): Promise<number | string>
}

/** Starts a process and does not wait. Without PORT in the settings it gets a free one. */
export const spawnServer = async (settings: Settings): Promise<ServerProcess> => {
  const port = Number(settings['PORT'] ?? (await freePort()))
  const child = spawn(process.execPath, [join(root, 'server/dist/main.js')], {
    // The settings only: a DIALTONE_… of the tests' own environment would be an unknown or a false setting.
    env: { PATH: process.env['PATH'], PORT: String(port), ...settings },
    cwd: tmpdir(),
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const ended = endOf(child)
  onTestFinished(async () => {
    child.kill('SIGKILL')
    await ended
  })
  const output = collect(child.stdout)
  const errors = collect(child.stderr)
  return {
    url: `http://127.0.0.1:${port}`,
    port,
    pid: child.pid ?? 0,
    output,
    errors,
    ended,
    kill: (signal) => {
      child.kill(signal)
      return ended
    },
  }
}

/** Starts a process and waits until it serves. @throws when it ends before */
export const startServer = async (settings: Settings): Promise<ServerProcess> => {
  const server = await spawnServer(settings)
  await untilReady(server)
  return server
}

export const untilReady = async (server: ServerProcess): Promise<void> => {
  let end: number | string | undefined
  void server.ended.then((how) => {
    end = how
  })
  await until('the server is ready', async () => {
    if (end !== undefined) throw new Error(`the server ended with ${end}. It said:\n${server.errors()}`)
    return server.output().includes('Dialtone listens on') && (await isServing(server.url))
  })
}

export const isServing = (url: string): Promise<boolean> =>
  fetch(`${url}/readyz`).then(
    (response) => response.ok,
    () => false,
  )

/** Asks again and again until the answer is yes. @throws after four minutes */
export const until = async (what: string, isSo: () => Promise<boolean>): Promise<void> => {
  const deadline = Date.now() + 240_000
  while (!(await isSo())) {
    if (Date.now() > deadline) throw new Error(`waited in vain until ${what}`)
    await sleep(20)
  }
}

const endOf = async (child: ChildProcess): Promise<number | string> => {
  const [code, signal] = await once(child, 'close')
  return code ?? signal
}

const collect = (stream: NodeJS.ReadableStream): (() => string) => {
  let text = ''
  stream.setEncoding('utf8')
  stream.on('data', (chunk: string) => {
    text += chunk
  })
  return () => text
}

/** The value that the start printed after a label, as `app id`. */
export const printed = (server: ServerProcess, label: string): string =>
  new RegExp(`^ +${label} +(.+)$`, 'm').exec(server.output())?.[1] ?? `nothing after ${label}`

/** The calls that these tests need, over plain HTTP. */
export const clientOf = (server: ServerProcess, app = credentialsOf(server)) => {
  const post = async (path: string, body: object, token?: string) => {
    const response = await fetch(`${server.url}${path}`, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        'x-authing-app-id': app.id,
        ...(token === undefined ? {} : { authorization: token }),
      },
      body: JSON.stringify(body),
    })
    return (await response.json()) as Answer
  }
  const passwordOf = (username: string) => ({
    connection: 'PASSWORD',
    passwordPayload: { username, password: 'correct horse battery' },
  })

  return {
    post,
    signUp: (username: string) => post('/api/v3/signup', passwordOf(username)),
    signIn: (username: string) =>
      post('/api/v3/signin', { ...passwordOf(username), client_id: app.id, client_secret: app.secret }),
    sendCode: (phoneNumber: string) =>
      post('/api/v3/send-sms', { channel: 'CHANNEL_BIND_PHONE', phoneNumber }),
    bindPhone: (token: string, phoneNumber: string, passCode: string) =>
      post('/api/v3/bind-phone', { phoneNumber, passCode }, token),
    profile: async (token: string) => {
      const response = await fetch(`${server.url}/api/v3/get-profile`, {
        headers: { authorization: token, 'x-authing-app-id': app.id },
      })
      return (await response.json()) as Answer
    },
    lastCode: async (phoneNumber: string): Promise<string> => {
      const response = await fetch(`${server.url}/inbox/messages?to=%2B86${phoneNumber}`)
      return ((await response.json()) as { messages: { passCode: string }[] }).messages[0]?.passCode ?? ''
    },
    publicKeys: async (): Promise<string> => (await fetch(`${server.url}/oidc/.well-known/jwks.json`)).text(),
  }
}

export type Client = ReturnType<typeof clientOf>

export type Answer = {
  statusCode: number
  apiCode?: number
  message: string
  // biome-ignore lint/suspicious/noExplicitAny: a test reads the wire as it comes
  data?: any
}

/** What the start printed of the application. */
export const credentialsOf = (server: ServerProcess) => ({
  id: printed(server, 'app id'),
  secret: printed(server, 'app secret'),
})

/** Of each engine, the settings that name a fresh database. */
export const engines = {
  'the embedded database': async () => ({ DIALTONE_DATA_DIR: await dataDirWithDatabase() }),
  PostgreSQL: async () => ({
    DIALTONE_DATA_DIR: newDataDir(),
    DIALTONE_DATABASE_URL: await newPostgresDatabase(),
  }),
} satisfies Record<string, () => Promise<Settings & { DIALTONE_DATA_DIR: string }>>
