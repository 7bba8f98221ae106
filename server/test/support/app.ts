// A test server: the whole application over real HTTP, on a fresh database, with a clock that the test moves. People
// sign up on it and read their messages from phones, as real ones do.
import { Writable } from 'node:stream'
import sdk from 'authing-node-sdk'
import { type App, createApp } from '../../src/app.ts'
import type { Application, ApplicationSettings } from '../../src/applications/applications.ts'
import { type Config, readConfig } from '../../src/config.ts'
import type { Clock } from '../../src/core/clock.ts'
import { createKeyring } from '../../src/core/crypto.ts'
import type { Database } from '../../src/core/database.ts'
import { createLog } from '../../src/core/log.ts'
import { readCredentials } from '../../src/first-start.ts'
import type { InboxMessage } from '../../src/inbox/inbox.ts'
import type { PasswordCost } from '../../src/passwords/passwords.ts'
import { openTestDatabase } from './database.ts'
import { createSeenSecrets, type SeenSecrets } from './seen-secrets.ts'
import { testSettings } from './settings.ts'

export type Reply = {
  /** Of HTTP. */
  status: number
  headers: Headers
  statusCode: number
  apiCode?: number
  message: string
  requestId: string
  // biome-ignore lint/suspicious/noExplicitAny: a test reads the wire as it comes
  data?: any
}

export type CallOptions = { token?: string; appId?: string | null; headers?: Record<string, string> }

export type MovedClock = Clock & {
  advance(seconds: number): void
  /** From here on time goes by only through `advance`: for an edge that a slow machine would miss. */
  stop(): void
}

const movedClock = (): MovedClock => {
  let offset = 0
  let stoppedAt: number | undefined
  return {
    now: () => new Date((stoppedAt ?? Date.now()) + offset),
    stop: () => {
      stoppedAt = Math.floor(Date.now() / 1000) * 1000
    },
    advance: (seconds) => {
      offset += seconds * 1000
    },
  }
}

/** Phones that no two people of a test share. */
let given = 0
const next = (): number => {
  given += 1
  return given
}

export const newPhone = (): string => `188${10_000_000 + next()}`

/** A hundredth of the real cost, of which most tests have no use. */
const cheapPasswords: PasswordCost = { memoryCost: 512, timeCost: 1, parallelism: 1 }

export const startTestApp = async (
  settings: Record<string, string> = {},
  { realPasswordCost = false }: { realPasswordCost?: boolean } = {},
) => {
  const { db, drop } = await openTestDatabase()
  const clock = movedClock()
  const lines: string[] = []
  const config = readConfig({ ...testSettings, ...settings })
  const passwordCost = realPasswordCost ? undefined : cheapPasswords
  const first = await serve({ db, clock, config, lines, passwordCost })
  const others: Served[] = []
  const seen = createSeenSecrets()

  const readInbox = async (to: string): Promise<InboxMessage[]> => {
    const response = await fetch(`${first.url}/inbox/messages?to=${encodeURIComponent(to)}`)
    const { messages } = (await response.json()) as { messages: InboxMessage[] }
    seen.collectInbox(messages)
    return messages
  }
  const world: World = { url: first.url, app: first.app, readInbox, seen }
  const application = await first.app.applications.find(testSettings.DIALTONE_APP_ID)
  if (application === undefined) throw new Error('the template has no application')

  return {
    ...callsOf(world, application),
    url: first.url,
    app: first.app,
    db,
    clock,
    config,
    lines,
    readInbox,

    /** The same calls for another application, of the same pool or (without `poolId`) of a new one. */
    otherApplication: async (given: ApplicationSettings & { poolId?: string } = {}) =>
      callsOf(world, await first.app.applications.create(given)),

    /** A second server process' worth of application on the same database: nothing is shared but the database. */
    secondProcess: async () => {
      const second = await serve({ db, clock, config, lines, passwordCost })
      others.push(second)
      return { ...callsOf({ ...world, url: second.url, app: second.app }, application), app: second.app }
    },

    [Symbol.asyncDispose]: async () => {
      for (const served of [first, ...others]) await served.app.http.close()
      await drop()
      refuseLeaks(lines)
      seen.refuseIn(lines)
    },
  }
}

export type TestApp = Awaited<ReturnType<typeof startTestApp>>

type Served = { app: App; url: string }
type World = Served & { readInbox(to: string): Promise<InboxMessage[]>; seen: SeenSecrets }

/** All applications of a worker have the same routes. */
const compiledSchemas = new Map<string, unknown>()

const serve = async (given: {
  db: Database
  clock: Clock
  config: Config
  lines: string[]
  passwordCost: PasswordCost | undefined
}): Promise<Served> => {
  const { db, clock, config, lines, passwordCost } = given
  const sink = new Writable({
    write: (chunk, _encoding, done) => {
      lines.push(String(chunk))
      done()
    },
  })
  const { masterKeys } = readCredentials(config)
  const app = await createApp({
    config,
    db,
    keyring: createKeyring(masterKeys),
    clock,
    log: createLog('trace', sink),
    compiledSchemas,
    passwordCost,
  })
  const url = await app.http.listen({ host: '127.0.0.1', port: 0 })
  return { app, url }
}

const callsOf = ({ url, app, readInbox, seen }: World, application: Application) => {
  seen.collect(application.secret.reveal(), 'secret')

  const call = async (
    method: 'GET' | 'POST',
    path: string,
    body: unknown,
    options: CallOptions = {},
  ): Promise<Reply> => {
    const { token, appId = application.id, headers = {} } = options
    seen.collect([body, { token }])
    const response = await fetch(`${url}${path}`, {
      method,
      headers: {
        ...(appId === null ? {} : { 'x-authing-app-id': appId }),
        ...(token === undefined ? {} : { authorization: token }),
        ...(body === undefined || body instanceof Uint8Array ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body === undefined
        ? {}
        : { body: typeof body === 'string' || body instanceof Uint8Array ? body : JSON.stringify(body) }),
    })
    const reply = (await response.json()) as Omit<Reply, 'status' | 'headers'>
    seen.collect(reply.data)
    return { status: response.status, headers: response.headers, ...reply }
  }

  const calls = {
    application,
    post: (path: string, body?: unknown, options?: CallOptions) => call('POST', path, body ?? {}, options),
    get: (path: string, options?: CallOptions) => call('GET', path, undefined, options),

    /** The unmodified published SDK, pointed at this server. */
    sdk: (options: Record<string, unknown> = {}) =>
      new sdk.AuthenticationClient({
        appId: application.id,
        appSecret: application.secret.reveal(),
        appHost: url,
        ...options,
      } as never),

    sendSms: (channel: string, phoneNumber: string, options?: CallOptions & { phoneCountryCode?: string }) =>
      call(
        'POST',
        '/api/v3/send-sms',
        { channel, phoneNumber, phoneCountryCode: options?.phoneCountryCode },
        options,
      ),

    sendEmail: (channel: string, email: string, options?: CallOptions) =>
      call('POST', '/api/v3/send-email', { channel, email }, options),

    /** The newest code that a phone of mainland China, or an email address, has received. */
    lastCode: async (to: string): Promise<string> => {
      const messages = await readInbox(to.includes('@') || to.startsWith('+') ? to : `+86${to}`)
      // Notices hold none.
      const message = messages.find(({ passCode }) => passCode !== '')
      if (message === undefined) throw new Error(`no code for ${to}`)
      return message.passCode
    },

    /** A signed-in user with a username and a password, and no phone. */
    signUp: async (wanted: { username?: string; password?: string; scope?: string } = {}) => {
      const username = wanted.username ?? `user-${next()}`
      const password = wanted.password ?? 'correct horse battery'
      const made = await call('POST', '/api/v3/signup', {
        connection: 'PASSWORD',
        passwordPayload: { username, password },
      })
      if (made.statusCode !== 200) throw new Error(`sign-up was refused: ${made.message}`)
      const signIn = () =>
        call('POST', '/api/v3/signin', {
          connection: 'PASSWORD',
          passwordPayload: { username, password },
          options: { scope: wanted.scope },
          client_id: application.id,
          client_secret: application.secret.reveal(),
        })
      const { data } = await signIn()
      const token: string = data.access_token
      const phone = newPhone()

      return {
        userId: made.data.userId as string,
        username,
        password,
        token,
        tokens: data,
        /** A number that nobody else of the test has. */
        phone,
        signIn,
        /** Asks for a code with the user's own token and reads it from the phone. */
        receiveCode: async (channel = 'CHANNEL_BIND_PHONE', phoneNumber = phone): Promise<string> => {
          const sent = await calls.sendSms(channel, phoneNumber, { token })
          if (sent.statusCode !== 200)
            throw new Error(`send-sms was refused: ${sent.apiCode} ${sent.message}`)
          return calls.lastCode(phoneNumber)
        },
        bindPhone: (passCode: string, phoneNumber = phone) =>
          call('POST', '/api/v3/bind-phone', { phoneNumber, passCode }, { token }),
        profile: () => call('GET', '/api/v3/get-profile', undefined, { token }),
        endSession: () => app.sessions.end(application.poolId, sessionIdOf(token), 'test'),
        disable: () => app.users.setStatus(application.poolId, made.data.userId, 'Suspended'),
      }
    },
  }
  return calls
}

export type Person = Awaited<ReturnType<TestApp['signUp']>>

const sessionIdOf = (token: string): string =>
  JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()).sid

/** A code that is certainly not the given one. */
export const otherCode = (code: string, step = 1): string =>
  String((Number(code) + step) % 1_000_000).padStart(6, '0')

/**
 * Rule 12, at the end of every test, also of what the test itself never saw: no log line holds a token or a whole phone
 * number; and no route has given a refusal that it does not declare.
 */
const refuseLeaks = (lines: readonly string[]): void => {
  for (const line of lines) {
    if (/eyJ[\w-]+\.[\w-]+\./.test(line)) throw new Error(`a token in the log: ${line}`)
    if (/(?<![\da-f-])(?:\+?86)?188[1-9]\d{7}(?!\d)/.test(line))
      throw new Error(`a phone number in the log: ${line}`)
    if (line.includes('refusal that the route does not declare')) throw new Error(line)
  }
}
