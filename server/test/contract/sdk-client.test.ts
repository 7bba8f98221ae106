// What only our SDK has, against the real server: refusals that are thrown, a token for one call, and tokens that are
// verified in full, with the server's own and with forged ones.
import { decodeJwt, decodeProtectedHeader, exportJWK, generateKeyPair, type JWTPayload, SignJWT } from 'jose'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { otherCode, type Reply, startTestApp, type TestApp } from '../support/app.ts'

type Options = {
  appId: string
  appSecret?: string
  appHost: string
  accessToken?: string | undefined
  fetch?: typeof fetch
  lang?: string
  retryTimes?: number
  throwOnError?: boolean
  tokenEndPointAuthMethod?: 'none'
}
type Method = (params?: object, options?: { accessToken?: string }) => Promise<Reply>
type Parse = (token: string, options?: { issuer?: string; serverJWKS?: object }) => Promise<JWTPayload>
type Client = Record<'bindPhone' | 'getProfile' | 'sendSms' | 'signInByUsernamePassword', Method> & {
  getNewAccessTokenByRefreshToken(token: string): Promise<{ access_token: string; refresh_token: string }>
  revokeToken(token: string): Promise<true>
  parseAccessToken: Parse
  parseIDToken: Parse
}
type Sdk = {
  AuthenticationClient: new (options: Options) => Client
  ApiError: typeof Error
  OAuthError: typeof Error
  apiCodes: Record<'passcode_incorrect' | 'request_invalid' | 'sms_cooldown' | 'token_invalid', number>
}

// From its source, so that no build has to come first. What its own types are worth, sdk/test/types says.
const { ApiError, apiCodes, AuthenticationClient, OAuthError }: Sdk = await import(
  '../../../sdk/src/sdk.ts' as string
)

type World = Pick<TestApp, 'application' | 'signUp'>

/** Of the test servers, which are reached at another address than they are told. */
const issuer = 'http://dialtone.test/oidc'

const optionsOf = (app: TestApp, { application }: World = app) => ({
  appId: application.id,
  appSecret: application.secret.reveal(),
  appHost: app.url,
})

const clientOf = (app: TestApp, options: Partial<Options> = {}) =>
  new AuthenticationClient({ ...optionsOf(app), ...options })

const throwingOf = (app: TestApp, accessToken?: string) =>
  new AuthenticationClient({ ...optionsOf(app), throwOnError: true, accessToken })

const reasonOf = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => 'it resolved',
    (reason: unknown) => reason,
  )

const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')

/** The same token with another header or other claims, and the signature of before. */
const altered = (token: string, header: object, claims: object = {}) => {
  const [, , signature = ''] = token.split('.')
  const parts = [
    { ...decodeProtectedHeader(token), ...header },
    { ...decodeJwt(token), ...claims },
  ]
  return [...parts.map(encode), signature].join('.')
}

describe('a client with throwOnError', () => {
  it('gives what the server gives', async () => {
    await using app = await startTestApp()
    const alice = await app.signUp()
    const client = throwingOf(app, alice.token)

    await client.sendSms({ channel: 'CHANNEL_BIND_PHONE', phoneNumber: alice.phone })
    const bound = await client.bindPhone({
      phoneNumber: alice.phone,
      passCode: await app.lastCode(alice.phone),
    })
    const { data: user } = await client.getProfile()

    expect(bound.statusCode).toBe(200)
    expect(user).toMatchObject({ userId: alice.userId, phone: alice.phone, phoneVerified: true })
  })

  it('throws a refusal with its code, its words and its request', async () => {
    await using app = await startTestApp()
    const alice = await app.signUp()
    const passCode = otherCode(await alice.receiveCode())

    const reason = await reasonOf(
      throwingOf(app, alice.token).bindPhone({ phoneNumber: alice.phone, passCode }),
    )

    expect(reason).toBeInstanceOf(ApiError)
    expect(reason).toMatchObject({
      statusCode: 499,
      apiCode: apiCodes.passcode_incorrect,
      message: expect.stringMatching(/\w/),
      requestId: expect.stringMatching(/^[\da-f-]{36}$/),
      errors: [],
    })
  })

  it('throws which fields are wrong, and how long to wait', async () => {
    await using app = await startTestApp()
    const alice = await app.signUp()
    const client = throwingOf(app, alice.token)
    const body = { phoneNumber: alice.phone, passCode: 123456 }
    const sms = { channel: 'CHANNEL_BIND_PHONE', phoneNumber: alice.phone }

    const malformed = await reasonOf(client.bindPhone(body))
    await client.sendSms(sms)
    const early = await reasonOf(client.sendSms(sms))

    expect(malformed).toMatchObject({ apiCode: apiCodes.request_invalid })
    expect(malformed).toHaveProperty('errors.0.field', 'passCode')
    expect(early).toMatchObject({ apiCode: apiCodes.sms_cooldown, retryAfterSeconds: expect.any(Number) })
  })
})

describe('a client', () => {
  it('has its messages in the language that it names', async () => {
    await using app = await startTestApp()

    const english = await clientOf(app, { lang: 'en-US' }).getProfile()
    const chinese = await clientOf(app, { lang: 'zh-CN' }).getProfile()

    expect(english.message).toMatch(/^[ -~’]+$/)
    expect(chinese.message).toMatch(/[\u4e00-\u9fff]/)
  })

  it('serves many users at once, each call with the token of its own', async () => {
    await using app = await startTestApp()
    const people = await Promise.all(Array.from({ length: 6 }, () => app.signUp()))
    const client = clientOf(app, { accessToken: 'of nobody' })

    const profiles = await Promise.all(
      people.map(({ token }) => client.getProfile({}, { accessToken: token })),
    )

    expect(profiles.map(({ data }) => data)).toMatchObject(people.map(({ userId }) => ({ userId })))
    expect(await client.getProfile()).toMatchObject({ statusCode: 401, apiCode: apiCodes.token_invalid })
  })

  it('of an application without a secret signs in, renews and revokes', async () => {
    await using app = await startTestApp()
    const spa = await app.otherApplication({ clientAuthentication: 'none' })
    const { username, password } = await spa.signUp()
    const client = new AuthenticationClient({
      appId: spa.application.id,
      appHost: app.url,
      tokenEndPointAuthMethod: 'none',
      throwOnError: true,
    })

    const scope = 'openid offline_access'
    const { data } = await client.signInByUsernamePassword({ username, password, options: { scope } })
    const renewed = await client.getNewAccessTokenByRefreshToken(String(data.refresh_token))

    expect(await client.revokeToken(renewed.access_token)).toBe(true)
    const reason = await reasonOf(client.getNewAccessTokenByRefreshToken(renewed.refresh_token))
    expect(reason).toBeInstanceOf(OAuthError)
    expect(reason).toMatchObject({ error: 'invalid_grant', httpStatus: 400 })
  })
})

/** Of a new user of the application. */
const tokensOf = async (world: World) => {
  const { userId, tokens } = await world.signUp()
  return { userId, access: String(tokens.access_token), id: String(tokens.id_token) }
}

describe('parseAccessToken', () => {
  it('gives the claims of a token of the server', async () => {
    await using app = await startTestApp()
    const { userId, access } = await tokensOf(app)

    const claims = await clientOf(app).parseAccessToken(access, { issuer })

    expect(claims).toEqual(decodeJwt(access))
    expect(claims).toMatchObject({ sub: userId, aud: app.application.id, iss: issuer })
  })

  it('asks for the keys once, however many tokens there are', async () => {
    await using app = await startTestApp()
    const asked: string[] = []
    const counted = clientOf(app, {
      fetch: (url, init) => {
        asked.push(String(url))
        return fetch(url, init)
      },
    })
    const { access, id } = await tokensOf(app)

    await Promise.all([
      counted.parseAccessToken(access, { issuer }),
      counted.parseAccessToken(access, { issuer }),
      counted.parseIDToken(id, { issuer }),
    ])
    await counted.parseAccessToken(access, { issuer })

    expect(asked).toEqual([`${app.url}/oidc/.well-known/jwks.json`])
  })

  it('takes the keys that it is given, and asks for none', async () => {
    await using app = await startTestApp()
    const { access } = await tokensOf(app)
    const serverJWKS = await app.app.keys.jwks()
    const offline = clientOf(app, { fetch: () => Promise.reject(new Error('offline')) })

    const claims = await offline.parseAccessToken(access, { issuer, serverJWKS })

    expect(claims.aud).toBe(app.application.id)
  })

  it('refuses a token that has expired (rule 25)', async () => {
    await using app = await startTestApp()
    app.clock.advance(-8000)
    const { access } = await tokensOf(app)

    const reason = await reasonOf(clientOf(app).parseAccessToken(access, { issuer }))

    expect(reason).toMatchObject({ code: 'ERR_JWT_EXPIRED' })
  })

  it('refuses a token of another issuer and one for another application (rule 25)', async () => {
    await using app = await startTestApp()
    const other = await app.otherApplication({ poolId: app.application.poolId })
    const { access } = await tokensOf(app)

    const elsewhere = await reasonOf(clientOf(app).parseAccessToken(access))
    const others = new AuthenticationClient(optionsOf(app, other))
    const stranger = await reasonOf(others.parseAccessToken(access, { issuer }))

    expect(elsewhere).toMatchObject({ code: 'ERR_JWT_CLAIM_VALIDATION_FAILED', claim: 'iss' })
    expect(stranger).toMatchObject({ code: 'ERR_JWT_CLAIM_VALIDATION_FAILED', claim: 'aud' })
  })

  it('refuses an id token, though the same key signs it', async () => {
    await using app = await startTestApp()
    const { id } = await tokensOf(app)

    const reason = await reasonOf(clientOf(app).parseAccessToken(id, { issuer }))

    expect(reason).toMatchObject({ code: 'ERR_JWT_CLAIM_VALIDATION_FAILED', reason: 'missing' })
  })

  it('refuses a token whose claims or whose signature were changed', async () => {
    await using app = await startTestApp()
    const { access } = await tokensOf(app)
    const client = clientOf(app)

    const changed = await reasonOf(client.parseAccessToken(altered(access, {}, { sub: 'root' }), { issuer }))
    const bare = await reasonOf(client.parseAccessToken(access.replace(/[^.]+$/, ''), { issuer }))

    for (const reason of [changed, bare])
      expect(reason).toMatchObject({ code: 'ERR_JWS_SIGNATURE_VERIFICATION_FAILED' })
  })

  it('refuses a token without a signature: alg none (rule 25)', async () => {
    await using app = await startTestApp()
    const { access } = await tokensOf(app)
    const client = clientOf(app)

    for (const alg of ['none', 'None', 'NONE']) {
      const forged = altered(access, { alg }).replace(/[^.]+$/, '')
      expect(await reasonOf(client.parseAccessToken(forged, { issuer }))).toMatchObject({
        code: 'ERR_JOSE_ALG_NOT_ALLOWED',
      })
    }
  })

  it('refuses a token that the public key, or the application’s secret, signs as a secret (rule 25)', async () => {
    await using app = await startTestApp()
    const { access } = await tokensOf(app)
    const { keys } = await app.app.keys.jwks()
    const sign = (secret: string) =>
      new SignJWT(decodeJwt(access))
        .setProtectedHeader({ alg: 'HS256', kid: String(keys[0]?.kid) })
        .sign(new TextEncoder().encode(secret))
    const client = clientOf(app)

    for (const secret of [JSON.stringify(keys[0]), String(keys[0]?.n), app.application.secret.reveal()])
      expect(await reasonOf(client.parseAccessToken(await sign(secret), { issuer }))).toMatchObject({
        code: 'ERR_JOSE_ALG_NOT_ALLOWED',
      })
  })

  it('refuses a key that the token brings itself', async () => {
    await using app = await startTestApp()
    const { access } = await tokensOf(app)
    const { publicKey, privateKey } = await generateKeyPair('RS256')
    const jwk = await exportJWK(publicKey)
    const { kid } = decodeProtectedHeader(access)
    const sign = (header: object) =>
      new SignJWT(decodeJwt(access)).setProtectedHeader({ alg: 'RS256', jwk, ...header }).sign(privateKey)
    const client = clientOf(app)

    const known = await reasonOf(client.parseAccessToken(await sign({ kid }), { issuer }))
    const unknown = await reasonOf(client.parseAccessToken(await sign({ kid: 'mine' }), { issuer }))

    expect(known).toMatchObject({ code: 'ERR_JWS_SIGNATURE_VERIFICATION_FAILED' })
    expect(unknown).toMatchObject({ code: 'ERR_JWKS_NO_MATCHING_KEY' })
  })

  it('learns of new keys when the server rotates them, and asks not more than twice a minute', async () => {
    vi.useFakeTimers({ toFake: ['Date'] })
    onTestFinished(() => {
      vi.useRealTimers()
    })
    await using app = await startTestApp()
    let asked = 0
    const client = clientOf(app, {
      fetch: (url, init) => {
        asked += 1
        return fetch(url, init)
      },
    })
    const { access: old } = await tokensOf(app)
    await client.parseAccessToken(old, { issuer })
    await app.app.keys.rotateSigningKey()
    const { access: fresh } = await tokensOf(app)

    const early = await reasonOf(client.parseAccessToken(fresh, { issuer }))
    vi.setSystemTime(Date.now() + 31_000)
    const [known, ...forged] = await Promise.all([
      client.parseAccessToken(fresh, { issuer }),
      ...Array.from({ length: 5 }, (_, index) =>
        reasonOf(client.parseAccessToken(altered(fresh, { kid: `forged-${index}` }), { issuer })),
      ),
    ])

    expect(early).toMatchObject({ code: 'ERR_JWKS_NO_MATCHING_KEY' })
    expect(known).toEqual(decodeJwt(fresh))
    for (const reason of forged) expect(reason).toMatchObject({ code: 'ERR_JWKS_NO_MATCHING_KEY' })
    expect(await client.parseAccessToken(old, { issuer })).toEqual(decodeJwt(old))
    expect(asked).toBe(2)
  })

  it('trusts a key that the server has withdrawn for ten minutes at most', async () => {
    vi.useFakeTimers({ toFake: ['Date'] })
    onTestFinished(() => {
      vi.useRealTimers()
    })
    await using app = await startTestApp()
    const { access } = await tokensOf(app)
    let isWithdrawn = false
    const client = clientOf(app, {
      fetch: (url, init) => (isWithdrawn ? Promise.resolve(Response.json({ keys: [] })) : fetch(url, init)),
    })
    await client.parseAccessToken(access, { issuer })
    isWithdrawn = true

    vi.setSystemTime(Date.now() + 599_000)
    const before = await client.parseAccessToken(access, { issuer })
    vi.setSystemTime(Date.now() + 1000)
    const after = await reasonOf(client.parseAccessToken(access, { issuer }))

    expect(before).toEqual(decodeJwt(access))
    expect(after).toMatchObject({ code: 'ERR_JWKS_NO_MATCHING_KEY' })
  })

  it('trusts no key any longer where it cannot ask for newer ones', async () => {
    vi.useFakeTimers({ toFake: ['Date'] })
    onTestFinished(() => {
      vi.useRealTimers()
    })
    await using app = await startTestApp()
    const { access } = await tokensOf(app)
    let isDown = false
    const client = clientOf(app, {
      retryTimes: 0,
      fetch: (url, init) => (isDown ? Promise.reject(new TypeError('down')) : fetch(url, init)),
    })
    await client.parseAccessToken(access, { issuer })
    isDown = true

    vi.setSystemTime(Date.now() + 600_000)
    const reason = await reasonOf(client.parseAccessToken(access, { issuer }))
    isDown = false

    expect(reason).toMatchObject({ name: 'RequestError', kind: 'network' })
    expect(await client.parseAccessToken(access, { issuer })).toEqual(decodeJwt(access))
  })

  it('asks for the keys again after it could not get them', async () => {
    await using app = await startTestApp()
    const { access } = await tokensOf(app)
    let isDown = true
    const client = clientOf(app, {
      retryTimes: 0,
      fetch: (url, init) => (isDown ? Promise.reject(new TypeError('down')) : fetch(url, init)),
    })

    const reason = await reasonOf(client.parseAccessToken(access, { issuer }))
    isDown = false

    expect(reason).toMatchObject({ name: 'RequestError', kind: 'network' })
    expect(await client.parseAccessToken(access, { issuer })).toEqual(decodeJwt(access))
  })
})

describe('parseAccessToken and parseIDToken', () => {
  it.each(['parseAccessToken', 'parseIDToken'] as const)('%s refuses what is no token', async (method) => {
    await using app = await startTestApp()
    const client = clientOf(app)

    for (const text of ['', 'token', 'a.b', 'a.b.c', '..', 'e30.e30.e30'])
      expect([text, await reasonOf(client[method](text, { issuer }))]).toMatchObject([
        text,
        { code: expect.stringMatching(/^ERR_/) },
      ])
  })
})

describe('parseIDToken', () => {
  it('gives the claims of a token of the server', async () => {
    await using app = await startTestApp()
    const { userId, id } = await tokensOf(app)

    const claims = await clientOf(app).parseIDToken(id, { issuer })

    expect(claims).toEqual(decodeJwt(id))
    expect(claims).toMatchObject({ sub: userId, aud: app.application.id, at_hash: expect.any(String) })
  })

  it('reads one that the secret of the application signs (HS256), and none that another secret signs', async () => {
    await using app = await startTestApp()
    const other = await app.otherApplication({ idTokenAlgorithm: 'HS256' })
    const { id } = await tokensOf(other)
    const options = optionsOf(app, other)

    const claims = await new AuthenticationClient(options).parseIDToken(id, { issuer })
    const wrong = new AuthenticationClient({ ...options, appSecret: 'another' })
    const reason = await reasonOf(wrong.parseIDToken(id, { issuer }))

    expect(decodeProtectedHeader(id).alg).toBe('HS256')
    expect(claims).toEqual(decodeJwt(id))
    expect(reason).toMatchObject({ code: 'ERR_JWS_SIGNATURE_VERIFICATION_FAILED' })
  })

  it('reads no HS256 where the client has no secret, whatever the key is taken to be (rule 25)', async () => {
    await using app = await startTestApp()
    const { id } = await tokensOf(app)
    const { keys } = await app.app.keys.jwks()
    const client = new AuthenticationClient({
      appId: app.application.id,
      appHost: app.url,
      tokenEndPointAuthMethod: 'none',
    })

    for (const secret of [JSON.stringify(keys[0]), 'undefined', ' ']) {
      const forged = await new SignJWT(decodeJwt(id))
        .setProtectedHeader({ alg: 'HS256', kid: String(keys[0]?.kid) })
        .sign(new TextEncoder().encode(secret))
      expect(await reasonOf(client.parseIDToken(forged, { issuer }))).toMatchObject({
        code: 'ERR_JOSE_ALG_NOT_ALLOWED',
      })
    }
  })

  it('refuses an access token, one that has expired, of another issuer, or for another application', async () => {
    await using app = await startTestApp()
    const { access, id } = await tokensOf(app)
    const other = await app.otherApplication({ poolId: app.application.poolId })
    const secret = new TextEncoder().encode(app.application.secret.reveal())
    const sign = (claims: JWTPayload) =>
      new SignJWT({ ...decodeJwt(id), ...claims }).setProtectedHeader({ alg: 'HS256' }).sign(secret)
    const client = clientOf(app)
    const parse = async (token: string) => reasonOf(client.parseIDToken(token, { issuer }))
    const failed = 'ERR_JWT_CLAIM_VALIDATION_FAILED'

    expect(await parse(access)).toMatchObject({ code: failed, claim: 'at_hash' })
    expect(await parse(await sign({ exp: 1_000_000_000 }))).toMatchObject({ code: 'ERR_JWT_EXPIRED' })
    expect(await parse(await sign({ iss: 'https://id.example.com/oidc' }))).toMatchObject({ claim: 'iss' })
    expect(await parse(await sign({ aud: other.application.id }))).toMatchObject({ claim: 'aud' })
    expect(await parse(altered(id, { alg: 'none' }).replace(/[^.]+$/, ''))).toMatchObject({
      code: 'ERR_JOSE_ALG_NOT_ALLOWED',
    })
  })
})
