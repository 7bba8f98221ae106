// Who calls: the application that a request names, the user whose token it carries, or the administrator, and the
// client's address. Runs before every handler, by what the route's `access` says.
//
// What must stay true: the audience of a user's token is the application that the request names (rule 25); what a user
// signs in with opens no administrator's route, nor the other way round; the cookie of the console changes nothing for
// a page of another site; a client's own claim of its address counts only from a trusted proxy or with the
// application's secret.
import { BlockList, isIP } from 'node:net'
import type { FastifyRequest } from 'fastify'
import type { Administrator, Administrators } from '../administrators/administrators.ts'
import { ApiError } from '../api-codes.ts'
import { type Application, type Applications, isApplicationSecret } from '../applications/applications.ts'
import { type Http, isSafeMethod } from '../core/http.ts'
import type { Sessions } from '../sessions/sessions.ts'
import type { AccessToken, Tokens } from '../tokens/tokens.ts'

declare module 'fastify' {
  interface FastifyRequest {
    /** The application that the request names. Routes with access `application`, `user` or `token`. */
    application: Application
    /** The caller's verified token. Routes with access `user` or `token`. */
    user: AccessToken
    /** The caller's verified token, where a signed-in user calls a route that anybody may call. */
    sender: AccessToken | undefined
    /** Whether the request proved with the secret that it comes from the application itself. */
    authenticatedApplication: boolean
    /** The administrator who calls. Routes with access `administrator`. */
    administrator: Administrator
    /** The address that limits and the audit log go by. */
    clientIp: string
  }
}

type Deps = {
  applications: Applications
  tokens: Tokens
  sessions: Sessions
  administrators: Administrators
  trustedProxies: readonly string[]
}

export const installAccess = (http: Http, deps: Deps): void => {
  const { applications, tokens, sessions, administrators, trustedProxies } = deps
  const isTrustedProxy = trustedProxyCheck(trustedProxies)
  http.decorateRequest('application', null as unknown as Application)
  http.decorateRequest('user', null as unknown as AccessToken)
  http.decorateRequest('sender', undefined)
  http.decorateRequest('authenticatedApplication', false)
  http.decorateRequest('administrator', null as unknown as Administrator)
  http.decorateRequest('clientIp', '')

  const requireApplication = async (id: string | undefined): Promise<Application> => {
    const application = id === undefined ? undefined : await applications.find(id)
    if (application === undefined)
      throw new ApiError('app_not_found', id === undefined ? 'no id' : 'unknown id')
    return application
  }

  const tokenOfStranger = async (request: FastifyRequest): Promise<AccessToken | undefined> => {
    const token = tokenOf(request)
    if (token === undefined) return undefined
    try {
      return await tokens.verify(token)
    } catch (error) {
      // The SDK sends a token that it once got with every call: an old one must not stop a new sign-in.
      if (error instanceof ApiError) return undefined
      throw error
    }
  }

  const requireAdministrator = async (request: FastifyRequest): Promise<Administrator> => {
    const bearer = /^Bearer +(\S+)$/i.exec(request.headers.authorization ?? '')?.[1]
    const token = bearer ?? consoleCookieOf(request)
    if (token === undefined) throw new ApiError('token_invalid', 'no token of an administrator')
    if (bearer === undefined && !isSafeMethod(request.method) && !hasConsoleHeader(request)) {
      throw new ApiError('console_header_missing', 'a change by the cookie without the header')
    }
    const administrator = await administrators.authenticate(token)
    if (administrator === undefined) throw new ApiError('token_invalid', 'no live session or key')
    return administrator
  }

  http.addHook('preValidation', async (request, reply) => {
    const { access } = request.routeOptions.config
    if (access === 'application') {
      const sender = await tokenOfStranger(request)
      request.application = await requireApplication(applicationIdOf(request) ?? sender?.applicationId)
      if (sender?.applicationId === request.application.id) request.sender = sender
    }
    if (access === 'user' || access === 'token') {
      const token = tokenOf(request)
      if (token === undefined) throw new ApiError('token_invalid', 'no token')
      request.user = await tokens.verify(token)
      request.application = await requireApplication(applicationIdOf(request) ?? request.user.applicationId)
      if (request.user.applicationId !== request.application.id) {
        throw new ApiError('token_invalid', 'the token is for another application')
      }
      if (access === 'user') await sessions.requireLive(request.user)
    }
    if (access === 'administrator') {
      reply.header('cache-control', 'no-store')
      request.administrator = await requireAdministrator(request)
    }
    if (request.application !== null) {
      request.authenticatedApplication = isApplicationSecret(request.application, clientSecretOf(request))
    }
    request.clientIp = clientIpOf(request, isTrustedProxy)
  })
}

const field = (source: unknown, name: string): string | undefined => {
  if (typeof source !== 'object' || source === null) return undefined
  const value = (source as Record<string, unknown>)[name]
  return typeof value === 'string' && value !== '' ? value : undefined
}

/** `Authorization: Basic`, as RFC 6749 section 2.3.1 has it; the SDK does not percent-encode the parts. */
const basicOf = (request: FastifyRequest): { id: string; secret: string } | undefined => {
  const match = /^Basic ([A-Za-z0-9+/=_-]+)$/i.exec(request.headers.authorization ?? '')
  if (match?.[1] === undefined) return undefined
  const text = Buffer.from(match[1], 'base64').toString('utf8')
  const colon = text.indexOf(':')
  // No id holds NUL, and PostgreSQL would not take it in a look-up.
  if (colon < 1 || text.includes('\0')) return undefined
  return { id: text.slice(0, colon), secret: text.slice(colon + 1) }
}

export const applicationIdOf = (request: FastifyRequest): string | undefined =>
  field(request.headers, 'x-authing-app-id') ??
  field(request.headers, 'x-genauth-app-id') ??
  field(request.body, 'client_id') ??
  field(request.query, 'client_id') ??
  basicOf(request)?.id

export const clientSecretOf = (request: FastifyRequest): string | undefined =>
  field(request.body, 'client_secret') ?? basicOf(request)?.secret

/** A raw JWT (Node, Python, Go), `Bearer x` (C#, Flutter) or `Bearerx` (Java): all are in use. */
const tokenOf = (request: FastifyRequest): string | undefined => {
  const header = request.headers.authorization
  if (header === undefined || /^Basic /i.test(header)) return undefined
  const token = header.replace(/^Bearer\s*/i, '').trim()
  return token === '' ? undefined : token
}

/** Where a browser keeps the token of an administrator's session, out of reach of scripts. */
export const consoleCookie = 'dialtone_console'

const consoleCookieOf = (request: FastifyRequest): string | undefined =>
  new RegExp(`(?:^|; *)${consoleCookie}=([^;]+)`).exec(request.headers.cookie ?? '')?.[1]

/**
 * A form of another site cannot send a header of its own, and a script of another site must ask first, which this
 * server never allows on the console's paths (OWASP ASVS 5.0, 3.5.1).
 */
export const hasConsoleHeader = (request: FastifyRequest): boolean =>
  request.headers['x-dialtone-console'] === '1'

const trustedProxyCheck = (entries: readonly string[]) => {
  const list = new BlockList()
  for (const entry of entries) {
    const [address = '', prefix] = entry.split('/')
    const family = isIP(address) === 6 ? 'ipv6' : 'ipv4'
    if (prefix === undefined) list.addAddress(address, family)
    else list.addSubnet(address, Number(prefix), family)
  }
  return (address: string) => list.check(address, isIP(address) === 6 ? 'ipv6' : 'ipv4')
}

const clientIpOf = (request: FastifyRequest, isTrustedProxy: (address: string) => boolean): string => {
  const header = (name: string) => field(request.headers, name)
  const options = (request.body as { options?: unknown } | null | undefined)?.options
  const claims = request.authenticatedApplication
    ? [field(options, 'clientIp'), header('x-real-ip'), header('x-forwarded-for')?.split(',')[0]?.trim()]
    : isTrustedProxy(plainIp(request.socket.remoteAddress ?? '')) && header('x-forwarded-for') === undefined
      ? [header('x-real-ip')]
      : []
  // Fastify has already walked x-forwarded-for from the right, past the trusted proxies.
  const claimed = claims.find((claim) => claim !== undefined && isIP(claim) !== 0)
  return plainIp(claimed ?? request.ip)
}

/** An IPv4 address that a dual-stack socket shows as IPv6 is the same client. */
const plainIp = (address: string): string => address.replace(/^::ffff:(?=\d+\.)/i, '')
