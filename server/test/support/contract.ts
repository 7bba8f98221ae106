// The contract that both SDKs keep: each case runs once with the published client and once with ours, each on a server
// of its own, and all that the calls gave is compared.
//
// What must stay true: a case knows nothing of which client it has; it is written against the published one's types.
import published from 'authing-node-sdk'
import { expect, it } from 'vitest'
import { startTestApp, type TestApp } from './app.ts'
import { type Call, differences, type Recording } from './compare-replies.ts'
import { type CommonMethod, homes, unalike } from './contract-methods.ts'
import { testSettings } from './settings.ts'

export type Client = ReturnType<TestApp['sdk']>

type OwnSdk = {
  AuthenticationClient: new (options: object) => Client
  OAuthError: new (...given: never) => Error & { error: string; httpStatus: number }
  Models: object
}

/** From its source, so that no build has to come first: its own settings check the types, these hold for the tests. */
export const own: OwnSdk = await import('../../../sdk/src/sdk.ts' as string)

/** A client of an application: by default of the one that every test server has, with its secret. */
export type MakeClient = (options?: Record<string, unknown>, of?: Pick<TestApp, 'application'>) => Client

export type Given = { app: TestApp; sdk: MakeClient }

const { DIALTONE_PUBLIC_URL: publicUrl } = testSettings

const makeOwn = (url: string, options: object): Client =>
  new own.AuthenticationClient({
    // It verifies the issuer of a token, and so is told the public address of the server, which is reached at another.
    appHost: publicUrl,
    fetch: (address: string, init: RequestInit) => fetch(address.replace(publicUrl, url), init),
    ...options,
  })

const makers = {
  'authing-node-sdk': (url: string, options: object): Client =>
    new published.AuthenticationClient({ appHost: url, ...options } as never),
  '@dialtone/sdk': makeOwn,
} as const

const credentialsOf = ({ application: { id, secret } }: Pick<TestApp, 'application'>) => ({
  appId: id,
  appSecret: secret.reveal(),
})

/** Ours, where a test is not about both. */
export const ownClient = (app: TestApp): Client => makeOwn(app.url, credentialsOf(app))

/** The status of HTTP and the code of the body, which each client throws in its own way; or the code of jose. */
const refusalOf = (error: unknown): { status?: number; error?: string; code?: string } => {
  if (error instanceof own.OAuthError) return { status: error.httpStatus, error: error.error }
  const { response, code } = error as {
    response?: { status: number; data: { error: string } }
    code?: string
  }
  return response === undefined
    ? { code: code ?? String(error) }
    : { status: response.status, error: response.data.error }
}

/** How a call was refused that has no envelope; nothing when it was not. */
export const refused = (call: Promise<unknown>) => call.then(() => undefined, refusalOf)

type Recorded = Call & { startedIn: number }

/** Calls that ran at once may end in any order: those that were resolved come first. */
const inOrder = (calls: readonly Recorded[]): Recorded[] =>
  calls.toSorted(
    (one, other) =>
      one.startedIn - other.startedIn ||
      Number(one.outcome?.kind === 'refused') - Number(other.outcome?.kind === 'refused'),
  )

const createRecorder = () => {
  const calls: Recorded[] = []
  let running = 0
  let round = 0

  const settle = (call: Recorded, kind: 'resolved' | 'refused', value: unknown) => {
    call.outcome = { kind, value }
    running -= 1
  }
  const start = (method: string, work: () => unknown): unknown => {
    if (running === 0) round += 1
    running += 1
    const call: Recorded = { method, outcome: undefined, startedIn: round }
    calls.push(call)
    const given = work()
    if (!(given instanceof Promise)) settle(call, 'resolved', given)
    else
      given.then(
        (value) => settle(call, 'resolved', value),
        (error) => settle(call, 'refused', refusalOf(error)),
      )
    return given
  }

  return {
    calls: () => inOrder(calls),
    watch: (client: Client): Client =>
      new Proxy(client, {
        get: (target, name) => {
          const member: unknown = Reflect.get(target, name)
          return typeof member === 'function'
            ? (...given: unknown[]) => start(String(name), () => Reflect.apply(member, target, given))
            : member
        },
      }),
  }
}

type Body = (given: Given) => Promise<void>

const play = async (
  by: keyof typeof makers,
  body: Body,
  settings: Record<string, string>,
): Promise<Recording> => {
  await using app = await startTestApp(settings)
  const recorder = createRecorder()
  const sdk: MakeClient = (options = {}, of = app) =>
    recorder.watch(makers[by](app.url, { ...credentialsOf(of), ...options }))
  try {
    await body({ app, sdk })
  } catch (error) {
    if (error instanceof Error) error.message = `with ${by}: ${error.message}`
    throw error
  }
  return { by, calls: recorder.calls() }
}

/** By test file, which share a worker. */
const called = new Map<string, Set<string>>()

const remember = ({ calls }: Recording): void => {
  const file = expect.getState().testPath ?? ''
  called.set(file, new Set([...(called.get(file) ?? []), ...calls.map(({ method }) => method)]))
}

/** A test that runs with either SDK, and fails where they differ. */
export const contract = (name: string, body: Body, settings: Record<string, string> = {}): void => {
  it(name, async () => {
    const theirs = await play('authing-node-sdk', body, settings)
    const ours = await play('@dialtone/sdk', body, settings)
    remember(ours)

    expect(theirs.calls).not.toEqual([])
    expect(differences(theirs, ours, Object.keys(unalike))).toEqual([])
  })
}

/** At the end of a file: the methods that the table says are called in it were. */
export const closeTable = (home: (typeof homes)[CommonMethod]): void => {
  it(`are all called that have their home in ${home}.test.ts`, () => {
    const names = Object.entries(homes).flatMap(([name, of]) => (of === home ? [name] : []))

    expect([...(called.get(expect.getState().testPath ?? '') ?? [])]).toEqual(expect.arrayContaining(names))
  })
}
