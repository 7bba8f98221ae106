// What goes over the wire, and what must not.
import { describe, expect, it } from 'vitest'
import { AuthenticationClient } from '../../src/sdk.ts'
import { json, reasonOf, startServer, success } from '../support/server.ts'

const bindPhone = { phoneNumber: '18812345678', passCode: '123456' }
const tokens = { access_token: 'a', id_token: 'i', refresh_token: 'r', expires_in: 7200 }

const basic = `Basic ${Buffer.from('app:secret').toString('base64')}`

const formOf = (body: string) => Object.fromEntries(new URLSearchParams(body))

describe('a call with a body', () => {
  it('is a POST of JSON with the application, and of a user without a token nothing', async () => {
    await using server = await startServer()

    await server.client().bindPhone({ ...bindPhone, phoneCountryCode: '+86' })

    const [asked] = server.asked
    expect(asked).toMatchObject({ method: 'POST', path: '/api/v3/bind-phone' })
    expect(JSON.parse(asked?.body ?? '')).toEqual({ ...bindPhone, phoneCountryCode: '+86' })
    expect(asked?.headers).toMatchObject({ 'content-type': 'application/json', 'x-authing-app-id': 'app' })
    expect(asked?.headers).not.toHaveProperty('authorization')
    expect(asked?.headers).not.toHaveProperty('x-authing-lang')
    expect(asked?.headers).not.toHaveProperty('cookie')
  })

  it('leaves out what is undefined, at any depth', async () => {
    await using server = await startServer()

    await server.client().bindPhone({ ...bindPhone, phoneCountryCode: undefined })
    await server
      .client()
      .signUpByPhoneCode({ phone: '18812345678', passCode: '1', profile: { name: undefined } })

    expect(server.asked.map(({ body }) => JSON.parse(body))).toEqual([
      bindPhone,
      {
        connection: 'PASSCODE',
        passCodePayload: { phone: '18812345678', passCode: '1' },
        profile: {},
      },
    ])
  })

  it('names the language of its messages where the client has one', async () => {
    await using server = await startServer()

    await server.client({ lang: 'zh-CN' }).bindPhone(bindPhone)

    expect(server.asked[0]?.headers).toMatchObject({ 'x-authing-lang': 'zh-CN' })
  })
})

describe('a call with a parameter that cannot be sent', () => {
  it('rejects, and throws nothing', async () => {
    await using server = await startServer()
    // As a program without types calls it.
    const client = server.client() as unknown as Record<string, (params?: unknown) => Promise<unknown>>
    const names = ['bindPhone', 'signInByPhonePassCode', 'signUpByEmailPassword', 'deleteWebAuthnCredential']
    const halfOfALetter = '\ud800'
    const circular: Record<string, unknown> = {}
    circular['self'] = circular

    const [bind, signIn, signUp, path] = names.map((name) => client[name]?.bind(client))
    const reasons = [
      await reasonOf(bind?.(circular) ?? Promise.resolve()),
      await reasonOf(signIn?.() ?? Promise.resolve()),
      await reasonOf(signUp?.(null) ?? Promise.resolve()),
      await reasonOf(path?.(halfOfALetter) ?? Promise.resolve()),
    ]

    expect(reasons.map((reason) => Object(reason).name)).toEqual([
      'TypeError',
      'TypeError',
      'TypeError',
      'URIError',
    ])
    expect(server.asked).toEqual([])
  })
})

describe('a call without a body', () => {
  it('is a GET whose query has what is given', async () => {
    await using server = await startServer()
    const client = server.client()

    await client.getProfile()
    await client.getProfile({})
    await client.getProfile({ withCustomData: true, withIdentities: false })
    await client.getLoginHistory({ appId: 'a b&c=d/é+', page: 2, limit: undefined })

    expect(server.asked.map(({ method, path, body }) => [method, path, body])).toEqual([
      ['GET', '/api/v3/get-profile', ''],
      ['GET', '/api/v3/get-profile', ''],
      ['GET', '/api/v3/get-profile?withCustomData=true&withIdentities=false', ''],
      ['GET', '/api/v3/get-my-login-history?appId=a+b%26c%3Dd%2F%C3%A9%2B&page=2', ''],
    ])
    for (const { headers } of server.asked) expect(headers).not.toHaveProperty('content-type')
  })

  it('keeps what stands in its path in one segment', async () => {
    await using server = await startServer()

    await server.client().deleteWebAuthnCredential('../../get-profile?a#b/ü')

    expect(server.asked[0]?.path).toMatch(/\/\.\.%2F\.\.%2Fget-profile%3Fa%23b%2F%C3%BC$/)
  })
})

describe('the token of a user', () => {
  it('is that of the options, then of setAccessToken; a call may have its own', async () => {
    await using server = await startServer()
    const client = server.client({ accessToken: 'first' })

    await client.getProfile()
    client.setAccessToken('second')
    await client.getProfile()
    await client.getProfile({}, { accessToken: 'of the call' })
    await client.getProfile()
    await client.getProfile({}, { accessToken: '' })

    const sent = server.asked.map(({ headers }) => headers.authorization)
    expect(sent).toEqual(['first', 'second', 'of the call', 'second', undefined])
  })

  it('never mixes with that of a call at the same time', async () => {
    await using server = await startServer((response, asked, count) => {
      const { authorization } = asked.headers
      const answer = json({ ...success, data: { username: authorization } })
      setTimeout(() => answer(response, asked, count), Math.random() * 30)
    })
    const client = server.client({ accessToken: 'of the client' })
    const names = Array.from({ length: 40 }, (_, index) => `user-${index}`)

    const results = await Promise.all(names.map((accessToken) => client.getProfile({}, { accessToken })))

    expect(results.map(({ data }) => data.username)).toEqual(names)
  })

  it('is of no use to OAuth and to whoever asks for the keys, and not sent there', async () => {
    await using server = await startServer(json({ ...tokens, keys: [] }))
    const client = server.client({ accessToken: 'token' })

    await client.getNewAccessTokenByRefreshToken('refresh')
    await client.revokeToken('another')
    await reasonOf(client.parseAccessToken('e30.e30.e30'))

    expect(server.asked.map(({ path, headers }) => [path, headers.authorization])).toEqual([
      ['/oidc/token', undefined],
      ['/oidc/token/revocation', undefined],
      ['/oidc/.well-known/jwks.json', undefined],
    ])
  })

  it('that no header can carry is refused without being repeated', async () => {
    await using server = await startServer()

    const reason = await reasonOf(server.client({ accessToken: 'tok\nen-é' }).getProfile())
    const ofBlanks = await reasonOf(server.client({ accessToken: ' ' }).getProfile())

    expect(ofBlanks).toMatchObject({ name: 'TypeError', message: expect.stringMatching(/^accessToken: /) })
    expect(reason).toMatchObject({ name: 'TypeError', message: expect.stringMatching(/^accessToken: /) })
    expect(`${JSON.stringify(reason)} ${reason}`).not.toContain('en-é')
    expect(server.asked).toEqual([])
  })
})

describe('the secret of the application', () => {
  /** Every kind of call; gives which of them showed the secret, and how. */
  const show = async (method: 'client_secret_post' | 'client_secret_basic' | 'none') => {
    await using server = await startServer(json({ ...success, ...tokens }))
    await using oauth = await startServer(json({ ...tokens }))
    const options = { tokenEndPointAuthMethod: method, accessToken: 'token' }
    const client = server.client(options)
    const user = { username: 'ada', password: 'correct horse battery' }

    await client.signInByUsernamePassword(user)
    await client.signInByCredentials({ connection: 'PASSWORD', passwordPayload: user })
    await client.signUpByUsernamePassword(user)
    await client.sendSms({ channel: 'CHANNEL_BIND_PHONE', phoneNumber: '18812345678' })
    await client.bindPhone(bindPhone)
    await client.getProfile()
    await oauth.client(options).getNewAccessTokenByRefreshToken('refresh')
    await oauth.client(options).revokeToken('another')

    return [...server.asked, ...oauth.asked]
      .map(({ path, headers, body }) => {
        const inBody = /[&"]client_secret["=:]+secret/.test(body)
        const inHeader = headers.authorization === basic
        return `${path}${inBody ? ' body' : ''}${inHeader ? ' header' : ''}`
      })
      .filter((line) => line.includes(' '))
  }

  it('goes into the body of what gives tokens, with client_secret_post', async () => {
    expect(await show('client_secret_post')).toEqual([
      '/api/v3/signin body',
      '/oidc/token body',
      '/oidc/token/revocation body',
    ])
  })

  it('goes into the header of the three paths that read it there, with client_secret_basic', async () => {
    expect(await show('client_secret_basic')).toEqual([
      '/api/v3/signin header',
      '/api/v3/signin header',
      '/oidc/token header',
      '/oidc/token/revocation header',
    ])
  })

  it('goes nowhere with none, even where it is known', async () => {
    expect(await show('none')).toEqual([])
  })

  it('may be shown in another way for a revocation', async () => {
    await using server = await startServer(json({}))
    const client = server.client({ revocationEndPointAuthMethod: 'client_secret_basic' })

    await client.revokeToken('token')

    expect(server.asked[0]).toMatchObject({ headers: { authorization: basic }, body: 'token=token' })
  })

  it('and the id of the application are the form of OAuth with the grant', async () => {
    await using server = await startServer(json(tokens))

    const renewed = await server.client().getNewAccessTokenByRefreshToken('refresh&é')
    await server.client({ tokenEndPointAuthMethod: 'none' }).getNewAccessTokenByRefreshToken('refresh')

    expect(renewed).toEqual(tokens)
    const grant = { grant_type: 'refresh_token', client_id: 'app' }
    expect(server.asked.map(({ body }) => formOf(body))).toEqual([
      { ...grant, refresh_token: 'refresh&é', client_secret: 'secret' },
      { ...grant, refresh_token: 'refresh' },
    ])
    expect(server.asked[0]?.headers['content-type']).toBe('application/x-www-form-urlencoded')
  })
})

describe('a fetch of one’s own', () => {
  it('is used for every call, and called as a function, as those of browsers must be', async () => {
    const seen: [unknown, string, RequestInit | undefined][] = []
    function own(this: unknown, url: string | URL | Request, init?: RequestInit) {
      seen.push([this, String(url), init])
      return Promise.resolve(Response.json({ ...success, ...tokens, keys: [] }))
    }
    const client = new AuthenticationClient({
      appId: 'app',
      appSecret: 'secret',
      appHost: 'https://id.example.com',
      fetch: own,
    })

    await client.getProfile()
    await client.bindPhone(bindPhone)

    expect(seen.map(([self, url, init]) => [self, url, init?.method, init?.redirect])).toEqual([
      [undefined, 'https://id.example.com/api/v3/get-profile', 'GET', 'manual'],
      [undefined, 'https://id.example.com/api/v3/bind-phone', 'POST', 'manual'],
    ])
  })

  it('that throws is a host that cannot be reached', async () => {
    const fault = new TypeError('Failed to fetch')
    const client = new AuthenticationClient({
      appId: 'app',
      appSecret: 'secret',
      appHost: 'id.example.com',
      fetch: () => Promise.reject(fault),
    })

    const reason = await reasonOf(client.bindPhone(bindPhone))

    expect(reason).toMatchObject({ kind: 'network', cause: fault })
    expect(String(reason)).toContain('https://id.example.com cannot be reached: check appHost; in a browser')
  })
})
