// The client: what it sends with each call, and what it makes of the reply.
//
// What must stay true: a token or a secret goes to `appHost` alone; nothing but a read is ever repeated; a program of
// authing-node-sdk gets what it got there.
import { ApiError, OAuthError, RequestError } from './errors.ts'
import { Calls } from './generated/calls.ts'
import {
  type AuthenticationClientInitOptions,
  type ClientAuthentication,
  isPrintable,
  readOptions,
  type Settings,
} from './options.ts'
import {
  type AccessToken,
  type IDToken,
  type JWKSObject,
  parseAccessToken,
  parseIDToken,
  type TokenRules,
} from './tokens.ts'
import { exchange, type HttpReply } from './transport.ts'
import type { CallOptions } from './types.ts'

/** The reply of the token endpoint. */
export type OIDCTokenResponse = {
  access_token: string
  id_token: string
  refresh_token: string
  scope: string
  token_type: string
  /** Seconds. */
  expires_in: number
}

type Envelope = ConstructorParameters<typeof ApiError>[0]

type OAuthCall = {
  path: string
  form: Record<string, string>
  method: ClientAuthentication
  /** The field that a success has. */
  gives?: string
}

const isObject = (body: unknown): body is object =>
  typeof body === 'object' && body !== null && !Array.isArray(body)

const isEnvelope = (body: unknown): body is Envelope =>
  isObject(body) &&
  'statusCode' in body &&
  typeof body.statusCode === 'number' &&
  'message' in body &&
  // Web frameworks have the other two in errors of their own.
  'requestId' in body

const isRefusal = (body: unknown): body is Envelope => isEnvelope(body) && Number(body.statusCode) !== 200

/** The call of the V3 API, beside those of OAuth, where an application may prove itself in the header. */
const takesBasic = '/api/v3/signin'

/** Of a call that needs no user. */
const nobody: CallOptions = { accessToken: '' }

/** In words of its own: those of fetch repeat the token, and end up in a log. */
const readToken = (accessToken: string): string => {
  if (isPrintable(accessToken.trim())) return accessToken
  throw new TypeError('accessToken: it holds a character that no token has')
}

const queryOf = (params: object | undefined): string => {
  const given = Object.entries(params ?? {}).filter(([, value]) => value !== undefined)
  return given.length === 0
    ? ''
    : `?${new URLSearchParams(given.map(([name, value]) => [name, String(value)]))}`
}

const toBase64 = (text: string): string => btoa(String.fromCharCode(...new TextEncoder().encode(text)))

const remedyOf = (status: number): string => {
  if (status === 413) return 'a proxy refuses bodies of this size'
  return status >= 500
    ? 'something before the server, such as a proxy, failed: try again later, or look at its log'
    : 'check that appHost is the address of the server'
}

const notAnEnvelope = (host: string, call: string, { status, body }: HttpReply): RequestError => {
  const what = body === undefined ? 'a body that is not JSON' : 'JSON that is not of this API'
  return new RequestError(
    'reply',
    `${host} answered ${call} with HTTP ${status} and ${what}: ${remedyOf(status)}`,
    { httpStatus: status },
  )
}

/**
 * Speaks the V3 authentication API: the methods of authing-node-sdk's class of this name, as far as the server serves
 * their calls.
 *
 * A method resolves with the envelope `{ statusCode, message, apiCode?, requestId, data? }`; `statusCode` 200 means
 * success. With `throwOnError: true` a refusal is thrown instead, as an {@link ApiError}. In both cases a call that got
 * no answer of the server rejects with a {@link RequestError}.
 */
export class AuthenticationClient<Throws extends boolean = false> extends Calls<Throws> {
  readonly #settings: Settings
  readonly #rules: TokenRules
  #accessToken: string | undefined

  /** @throws TypeError that names the option that is missing or malformed */
  constructor(options: AuthenticationClientInitOptions<Throws>) {
    super()
    const settings = readOptions(options)
    this.#settings = settings
    this.#accessToken = options.accessToken
    this.#rules = {
      ...settings,
      readKeys: () => this.callBare<JWKSObject>('GET', '/oidc/.well-known/jwks.json', undefined, nobody),
    }
  }

  /** Sent with every call from now on: of a sign-in's `data.access_token`. */
  setAccessToken(accessToken: string): void {
    this.#accessToken = accessToken
  }

  /**
   * New tokens for a refresh token, which is of no use afterwards.
   * @param refreshToken of a sign-in with `offline_access` in its `options.scope`
   * @throws OAuthError `invalid_grant` when it is not, or no longer, good
   */
  getNewAccessTokenByRefreshToken(refreshToken: string, options?: CallOptions): Promise<OIDCTokenResponse> {
    const form = { grant_type: 'refresh_token', refresh_token: refreshToken }
    const method = this.#settings.tokenEndPointAuthMethod
    return this.#sendForm({ path: '/oidc/token', form, method, gives: 'access_token' }, options)
  }

  /**
   * Withdraws an access token or a refresh token, which ends the session.
   * @throws OAuthError
   */
  async revokeToken(token: string, options?: CallOptions): Promise<true> {
    const method = this.#settings.revocationEndPointAuthMethod
    await this.#sendForm({ path: '/oidc/token/revocation', form: { token }, method }, options)
    return true
  }

  /**
   * Verifies an access token: signature, expiry, issuer and audience. Asks the server for its keys, and again
   * after ten minutes, or for a key that is not among them. Needs the package `jose`. Whether the session lives, only the
   * server knows.
   * @param options.serverJWKS the server's keys, where they should not be fetched
   * @param options.issuer default: `<appHost>/oidc`
   * @throws an error of jose that says what is wrong with the token
   * @throws RequestError when the keys cannot be fetched
   * @throws Error when the package `jose` is not installed
   */
  parseAccessToken(token: string, options: ParseOptions = {}): Promise<AccessToken> {
    return parseAccessToken(token, { ...this.#rules, ...options })
  }

  /**
   * Verifies an id token in the same way; one that is signed with the application's secret (HS256), too.
   * @throws as {@link parseAccessToken}
   */
  parseIDToken(token: string, options: ParseOptions = {}): Promise<IDToken> {
    return parseIDToken(token, { ...this.#rules, ...options })
  }

  protected client(): { client_id?: string; client_secret?: string } {
    const { appId, appSecret, tokenEndPointAuthMethod } = this.#settings
    return tokenEndPointAuthMethod === 'client_secret_post' && appSecret !== undefined
      ? { client_id: appId, client_secret: appSecret }
      : {}
  }

  protected async call<Reply>(
    method: string,
    path: string,
    params: object | undefined,
    options: CallOptions | undefined,
  ): Promise<Reply> {
    const reply = await this.#request(method, path, params, options)
    if (!isEnvelope(reply.body)) throw notAnEnvelope(this.#settings.appHost, `${method} ${path}`, reply)
    if (this.#settings.throwOnError && isRefusal(reply.body)) throw new ApiError(reply.body)
    return reply.body as Reply
  }

  protected async callBare<Reply>(
    method: string,
    path: string,
    params: object | undefined,
    options: CallOptions | undefined,
  ): Promise<Reply> {
    const reply = await this.#request(method, path, params, options)
    if (isRefusal(reply.body)) throw new ApiError(reply.body)
    if (reply.status === 200 && isObject(reply.body) && !isEnvelope(reply.body)) return reply.body as Reply
    throw notAnEnvelope(this.#settings.appHost, `${method} ${path}`, reply)
  }

  #request(
    method: string,
    path: string,
    params: object | undefined,
    { accessToken = this.#accessToken, ...limits }: CallOptions = {},
  ): Promise<HttpReply> {
    const hasBody = method === 'POST'
    const { tokenEndPointAuthMethod } = this.#settings
    const basic = path === takesBasic && this.#basic(tokenEndPointAuthMethod)
    const headers = {
      ...this.#headers(),
      ...(accessToken ? { authorization: readToken(accessToken) } : {}),
      ...basic,
      ...(hasBody ? { 'content-type': 'application/json' } : {}),
    }
    return exchange(
      this.#settings,
      {
        method,
        path: hasBody ? path : `${path}${queryOf(params)}`,
        headers,
        body: hasBody ? JSON.stringify(params ?? {}) : null,
      },
      limits,
    )
  }

  /** A call of OAuth, which has refusals of its own (RFC 6749) and knows no user's token in its header. */
  async #sendForm<Reply>(
    { path, form, method, gives }: OAuthCall,
    { signal, timeout }: CallOptions = {},
  ): Promise<Reply> {
    const { appHost, appId, appSecret } = this.#settings
    const client =
      method === 'client_secret_basic'
        ? undefined
        : { client_id: appId, ...(method === 'none' ? {} : { client_secret: appSecret ?? '' }) }
    const headers = {
      ...this.#headers(),
      ...this.#basic(method),
      'content-type': 'application/x-www-form-urlencoded',
    }
    const body = new URLSearchParams({ ...form, ...client }).toString()
    const reply = await exchange(this.#settings, { method: 'POST', path, headers, body }, { signal, timeout })
    const { status, body: found } = reply
    if (isRefusal(found)) throw new ApiError(found)
    if (status === 200 && isObject(found) && (gives === undefined || gives in found)) return found as Reply
    if (isObject(found) && 'error' in found)
      throw new OAuthError(
        String(found.error),
        'error_description' in found ? String(found.error_description) : '',
        status,
      )
    throw notAnEnvelope(appHost, `POST ${path}`, reply)
  }

  #headers(): Record<string, string> {
    const { appId, lang } = this.#settings
    return { 'x-authing-app-id': appId, ...(lang === undefined ? {} : { 'x-authing-lang': lang }) }
  }

  #basic(method: ClientAuthentication): { authorization?: string } {
    const { appId, appSecret } = this.#settings
    return method === 'client_secret_basic'
      ? { authorization: `Basic ${toBase64(`${appId}:${appSecret ?? ''}`)}` }
      : {}
  }
}

export type ParseOptions = { serverJWKS?: JWKSObject; issuer?: string }
