// The administrators' API as a program or a page calls it.
import type { TestApp } from './app.ts'
import { testSettings } from './settings.ts'

export type ConsoleReply = {
  status: number
  headers: Headers
  // biome-ignore lint/suspicious/noExplicitAny: a test reads the wire as it comes
  body: any
}

export type Console = ReturnType<typeof callsWith>

type Server = Pick<TestApp, 'url'>

/** The calls of whoever sends these headers. */
export const callsWith = ({ url }: Server, headers: Record<string, string> = {}) => {
  const call = async (method: string, path: string, body?: unknown): Promise<ConsoleReply> => {
    const response = await fetch(`${url}${path}`, {
      method,
      headers: { ...(body === undefined ? {} : { 'content-type': 'application/json' }), ...headers },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    return { status: response.status, headers: response.headers, body: await response.json() }
  }
  return {
    get: (path: string) => call('GET', path),
    post: (path: string, body: unknown = {}) => call('POST', path, body),
    put: (path: string, body: unknown = {}) => call('PUT', path, body),
    delete: (path: string, body?: unknown) => call('DELETE', path, body),
  }
}

export const bearer = (token: string) => ({ authorization: `Bearer ${token}` })

export type Credentials = { username?: string; password?: string; poolId?: string }

export const adminPassword: string = testSettings.DIALTONE_ADMIN_PASSWORD

/** A sign-in as `admin`, or with what is given instead. */
export const signIn = (app: Server, given: Credentials = {}, headers: Record<string, string> = {}) =>
  callsWith(app, headers).post('/console/api/sessions', {
    username: 'admin',
    password: adminPassword,
    ...given,
  })

/** The calls of `admin`, signed in; or of a key. Every path is given whole: `/console/api/me`. */
export const consoleOf = async (app: Server, key?: string): Promise<Console & { token: string }> => {
  const token = key ?? (await signInOrFail(app))
  return { ...callsWith(app, bearer(token)), token }
}

const signInOrFail = async (app: Server): Promise<string> => {
  const { status, body } = await signIn(app)
  if (status !== 200) throw new Error(`the administrator's sign-in was refused: ${body.message}`)
  return body.token
}
