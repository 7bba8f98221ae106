// The options of a client: what each may be, and which words name the one that is wrong.
import { describe, expect, it } from 'vitest'
import { AuthenticationClient } from '../../src/sdk.ts'
import { startServer } from '../support/server.ts'

const good = { appId: 'app', appSecret: 'secret', appHost: 'https://id.example.com' }

const make = (options: Record<string, unknown>) => () =>
  new AuthenticationClient({ ...good, ...options } as typeof good)

/** Where a client with this appHost sends its calls. */
const addressOf = async (appHost: string): Promise<string> => {
  const urls: string[] = []
  const client = new AuthenticationClient({
    ...good,
    appHost,
    fetch: (url) => {
      urls.push(String(url))
      return Promise.resolve(Response.json({ statusCode: 200, message: '', requestId: '' }))
    },
  })
  await client.getProfile()
  return urls.join().replace(/\/api\/v3\/get-profile$/, '')
}

describe('appHost', () => {
  it.each([
    ['https://id.example.com', 'https://id.example.com'],
    ['https://id.example.com/', 'https://id.example.com'],
    ['https://id.example.com//', 'https://id.example.com'],
    ['http://localhost:3000', 'http://localhost:3000'],
    ['HTTP://LocalHost:3000', 'http://localhost:3000'],
    ['id.example.com', 'https://id.example.com'],
    ['id.example.com:8443', 'https://id.example.com:8443'],
    ['localhost:3000', 'https://localhost:3000'],
    ['https://example.com/identity', 'https://example.com/identity'],
    ['example.com/identity/', 'https://example.com/identity'],
    ['http://[::1]:3000', 'http://[::1]:3000'],
  ])('%s means %s', async (appHost, address) => {
    expect(await addressOf(appHost)).toBe(address)
  })

  it.each([
    ['', 'appHost: give the URL of the server'],
    [undefined, 'appHost: give the URL of the server'],
    ['https://', 'appHost: "https://" is no URL'],
    ['http://a b', 'appHost: "http://a b" is no URL'],
    ['ftp://id.example.com', 'appHost: "ftp://id.example.com" is neither http nor https'],
    ['file:///etc/passwd', 'appHost: "file:///etc/passwd" is neither http nor https'],
    ['https://id.example.com?tenant=1', 'appHost: no user, query or fragment'],
    ['https://id.example.com#top', 'appHost: no user, query or fragment'],
  ])('%s is refused', (appHost, words) => {
    expect(make({ appHost })).toThrow(TypeError)
    expect(make({ appHost })).toThrow(words)
  })

  it('with a password is refused without repeating it', () => {
    expect(make({ appHost: 'https://ada:hunter2@id.example.com' })).toThrow(/^(?!.*hunter2)appHost: /)
  })

  it('may have a path, below which the calls are sent', async () => {
    await using server = await startServer()

    await server.client({ appHost: `${server.url}/identity/` }).getProfile()

    expect(server.asked[0]?.path).toBe('/identity/api/v3/get-profile')
  })
})

describe('a client', () => {
  it.each([
    ['appId', { appId: '' }],
    ['appId', { appId: undefined }],
    ['appId', { appId: 'ap\u043f' }],
    ['appId', { appId: 'app\n' }],
    ['lang', { lang: '中文' }],
    ['lang', { lang: 'en\r\nx-own: 1' }],
    ['appSecret', { appSecret: undefined }],
    ['appSecret', { appSecret: '', tokenEndPointAuthMethod: 'client_secret_basic' }],
    ['scope', { scope: 'profile' }],
    ['scope', { scope: 'openid_connect' }],
    ['timeout', { timeout: -1 }],
    ['timeout', { timeout: Number.POSITIVE_INFINITY }],
    ['timeout', { timeout: '10 s' }],
    ['retryTimes', { retryTimes: -1 }],
    ['retryTimes', { retryTimes: 1.5 }],
    ['retryTimes', { retryTimes: Number.POSITIVE_INFINITY }],
    ['tokenEndPointAuthMethod', { tokenEndPointAuthMethod: 'basic' }],
    ['revocationEndPointAuthMethod', { revocationEndPointAuthMethod: 'basic' }],
  ])('is not made with a wrong %s: %o', (name, options) => {
    expect(make(options)).toThrow(TypeError)
    expect(make(options)).toThrow(new RegExp(`^${name}: `))
  })

  it('says what is wrong without repeating the secret', () => {
    const secret = 'f00dcafe'

    expect(make({ appSecret: secret, appHost: 'ftp://x' })).toThrow(/^(?!.*f00dcafe)/)
  })

  it.each([
    ['no secret and no authentication', { appSecret: undefined, tokenEndPointAuthMethod: 'none' }],
    ['what is undefined', { timeout: undefined, retryTimes: undefined, lang: undefined, fetch: undefined }],
    ['the default for timeout 0, as authing-node-sdk has it', { timeout: 0 }],
    [
      'what only authing-node-sdk uses',
      {
        scope: 'openid profile',
        redirectUri: 'https://app.example.com/callback',
        logoutRedirectUri: 'https://app.example.com',
        cookieKey: 'state',
        protocol: 'oidc',
        introspectionEndPointAuthMethod: 'client_secret_basic',
        socketUri: 'wss://events.example.com',
        rejectUnauthorized: false,
      },
    ],
  ])('is made with %s', (_name, options) => {
    expect(make(options)).not.toThrow()
  })

  it('does not change the options that it is made with', () => {
    const options = Object.freeze({ ...good })

    expect(() => new AuthenticationClient(options)).not.toThrow()
  })
})
