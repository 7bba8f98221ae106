// The options of a client: those of authing-node-sdk, and what it lacks.

export type ClientAuthentication = 'client_secret_post' | 'client_secret_basic' | 'none'

export type AuthenticationClientInitOptions<Throws extends boolean = boolean> = {
  /** The id of the application. */
  appId: string
  /** Its secret; not in a browser, where `tokenEndPointAuthMethod` is `none`. */
  appSecret?: string | undefined
  /** Where the server is: `https://id.example.com`. Without a scheme, https is meant. */
  appHost: string
  /** Of the signed-in user; or later, with `setAccessToken`. */
  accessToken?: string | undefined
  /** Milliseconds that a call may take, its repetitions included. Default 10000. */
  timeout?: number | undefined
  /** How the application proves itself where it gets tokens. Default `client_secret_post`. */
  tokenEndPointAuthMethod?: ClientAuthentication | undefined
  /** The same where it revokes them. Default: as `tokenEndPointAuthMethod`. */
  revocationEndPointAuthMethod?: ClientAuthentication | undefined
  /** Of messages: `en-US`, `zh-CN`, or what an administrator has added. Default: the server's. */
  lang?: string | undefined
  /** How often a read (GET) is repeated that got no answer, or 502, 503 or 504. Default 2. Nothing else is repeated. */
  retryTimes?: number | undefined
  /** Whether a refusal is thrown, as an `ApiError`, instead of returned. Default false, as in authing-node-sdk. */
  throwOnError?: Throws | undefined
  /** Instead of the global one: for a proxy, a certificate of one's own, or a test. */
  fetch?: typeof fetch | undefined

  // What authing-node-sdk has besides. Taken, so that its programs run; without effect here.
  /** Without effect: see `RequestError`'s message where a certificate is not trusted. */
  rejectUnauthorized?: boolean | undefined
  scope?: string | undefined
  redirectUri?: string | undefined
  logoutRedirectUri?: string | undefined
  cookieKey?: string | undefined
  protocol?: 'oauth' | 'oidc' | 'saml' | 'cas' | undefined
  introspectionEndPointAuthMethod?: ClientAuthentication | undefined
  socketUri?: string | undefined
}

export type Settings = {
  appId: string
  appSecret: string | undefined
  /** Without a slash at its end. */
  appHost: string
  timeout: number
  tokenEndPointAuthMethod: ClientAuthentication
  revocationEndPointAuthMethod: ClientAuthentication
  lang: string | undefined
  retryTimes: number
  throwOnError: boolean
  fetch: typeof fetch
}

/** What a header can carry: fetch takes anything else for a host that cannot be reached. */
export const isPrintable = (text: string): boolean => /^[\x20-\x7e]+$/.test(text)

const hostHint = 'give the URL of the server, such as https://id.example.com'

const parseUrl = (text: string): URL => {
  try {
    return new URL(text)
  } catch {
    throw new TypeError(`appHost: ${JSON.stringify(text)} is no URL; ${hostHint}`)
  }
}

const parseHost = (appHost: string): string => {
  const { protocol, origin, pathname, username, search, hash } = parseUrl(
    appHost.includes('://') ? appHost : `https://${appHost}`,
  )
  // In words of its own: one with a password must not be repeated in a log.
  if (username !== '' || search !== '' || hash !== '')
    throw new TypeError(`appHost: no user, query or fragment belongs there; ${hostHint}`)
  if (protocol !== 'https:' && protocol !== 'http:')
    throw new TypeError(`appHost: ${JSON.stringify(appHost)} is neither http nor https; ${hostHint}`)
  return `${origin}${pathname}`.replace(/\/+$/, '')
}

/** Timers of JavaScript end at once where they should wait longer. */
const longestTimeout = 2 ** 31 - 1

/** @throws TypeError where a timer cannot wait so long */
export const readTimeout = (timeout: number): number => {
  if (timeout > 0 && timeout <= longestTimeout) return timeout
  throw new TypeError(`timeout: give milliseconds, from 1 to ${longestTimeout}`)
}

const authentications: readonly unknown[] = ['client_secret_post', 'client_secret_basic', 'none']

const readAuthentication = (name: string, method: ClientAuthentication): ClientAuthentication => {
  if (authentications.includes(method)) return method
  throw new TypeError(`${name}: give one of ${authentications.join(', ')}`)
}

const readRetryTimes = (retryTimes: number): number => {
  if (Number.isInteger(retryTimes) && retryTimes >= 0) return retryTimes
  throw new TypeError('retryTimes: give a whole number, 0 for no repetition')
}

/** @throws TypeError that names the option that is missing or malformed */
export const readOptions = (options: AuthenticationClientInitOptions): Settings => {
  const { appId, appSecret, appHost, tokenEndPointAuthMethod = 'client_secret_post' } = options
  const { revocationEndPointAuthMethod = tokenEndPointAuthMethod } = options
  if (!appId) throw new TypeError('appId: give the id of the application')
  if (!isPrintable(appId)) throw new TypeError('appId: it holds a character that no id has; copy it again')
  if (options.lang && !isPrintable(options.lang))
    throw new TypeError('lang: give a language tag, such as en-US or zh-CN')
  if (!appHost) throw new TypeError(`appHost: ${hostHint}`)
  if (!appSecret && tokenEndPointAuthMethod !== 'none')
    throw new TypeError("appSecret: give the application's, or tokenEndPointAuthMethod: 'none'")
  if (options.scope !== undefined && !options.scope.split(' ').includes('openid'))
    throw new TypeError('scope: it must contain openid')
  return {
    appId,
    appSecret,
    appHost: parseHost(appHost),
    timeout: readTimeout(options.timeout || 10_000),
    tokenEndPointAuthMethod: readAuthentication('tokenEndPointAuthMethod', tokenEndPointAuthMethod),
    revocationEndPointAuthMethod: readAuthentication(
      'revocationEndPointAuthMethod',
      revocationEndPointAuthMethod,
    ),
    lang: options.lang,
    retryTimes: readRetryTimes(options.retryTimes ?? 2),
    throwOnError: options.throwOnError === true,
    fetch: options.fetch ?? ((...given) => fetch(...given)),
  }
}
