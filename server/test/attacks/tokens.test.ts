import { createHmac, createPrivateKey, createPublicKey, generateKeyPairSync } from 'node:crypto'
import { decodeJwt, decodeProtectedHeader, SignJWT } from 'jose'
import { describe, expect, it } from 'vitest'
import { type Person, startTestApp, type TestApp } from '../support/app.ts'

const refused = { status: 200, statusCode: 401, apiCode: 2020 }
const day = 86_400

const base64 = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
const strangersKey = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey

/** The person's own token with other claims or another header, signed by the server's own key. */
const resign = async (app: TestApp, token: string, claims: object, header: object = {}) => {
  const key = await app.app.keys.newest('sign_token')
  return new SignJWT({ ...decodeJwt(token), ...claims })
    .setProtectedHeader({ alg: 'RS256', kid: key.id, ...header })
    .sign(createPrivateKey(key.privateKey))
}

/** HS256 with the server's public key as the secret: the classic confusion of algorithms (RFC 8725, section 2.1). */
const signWithPublicKey = async (
  app: TestApp,
  token: string,
  form: 'pem' | 'der' | 'pem without its last line end',
) => {
  const { id, publicKey } = await app.app.keys.newest('sign_token')
  const secret =
    form === 'der'
      ? createPublicKey(publicKey).export({ type: 'spki', format: 'der' })
      : form === 'pem'
        ? publicKey
        : publicKey.trim()
  const input = `${base64({ alg: 'HS256', kid: id })}.${token.split('.')[1]}`
  return `${input}.${createHmac('sha256', secret).update(input).digest('base64url')}`
}

type Forge = (app: TestApp, alice: Person) => string | Promise<string>

const forgeries: Record<string, Forge> = {
  'whose signature was changed': (_app, { token }) => `${token.slice(0, -6)}AAAAAA`,
  'whose claims were changed': (_app, { token }) => {
    const [header, , signature] = token.split('.')
    return [header, base64({ ...decodeJwt(token), sub: 'somebody-else' }), signature].join('.')
  },
  'without a signature': (_app, { token }) => token.split('.').slice(0, 2).join('.'),
  'with the algorithm none': (_app, { token }) =>
    `${base64({ ...decodeProtectedHeader(token), alg: 'none' })}.${token.split('.')[1]}.`,
  'with the algorithm None': (_app, { token }) =>
    `${base64({ ...decodeProtectedHeader(token), alg: 'None' })}.${token.split('.')[1]}.`,
  'signed by HS256 with the public key as PEM': (app, { token }) => signWithPublicKey(app, token, 'pem'),
  'signed by HS256 with the public key as trimmed PEM': (app, { token }) =>
    signWithPublicKey(app, token, 'pem without its last line end'),
  'signed by HS256 with the public key as DER': (app, { token }) => signWithPublicKey(app, token, 'der'),
  'signed by HS256 with the secret of the application': (app, { token }) =>
    new SignJWT(decodeJwt(token))
      .setProtectedHeader({ ...decodeProtectedHeader(token), alg: 'HS256' })
      .sign(Buffer.from(app.application.secret.reveal())),
  'signed by a stranger under our key id': (_app, { token }) =>
    new SignJWT(decodeJwt(token))
      .setProtectedHeader({ ...decodeProtectedHeader(token), alg: 'RS256' })
      .sign(strangersKey),
  'that brings its own key': (_app, { token }) =>
    new SignJWT(decodeJwt(token))
      .setProtectedHeader({ alg: 'RS256', jwk: createPublicKey(strangersKey).export({ format: 'jwk' }) })
      .sign(strangersKey),
  'with an unknown key id': (app, { token }) => resign(app, token, {}, { kid: 'unknown' }),
  'with the key id of a key that opens passwords': async (app, { token }) =>
    resign(app, token, {}, { kid: (await app.app.keys.newest('password_rsa')).id }),
  'with RS512, by our own key': (app, { token }) => resign(app, token, {}, { alg: 'RS512' }),
  'of another issuer': (app, { token }) => resign(app, token, { iss: 'http://evil.test/oidc' }),
  'for an application that does not exist': (app, { token }) => resign(app, token, { aud: 'nobody' }),
  'for two applications': (app, { token }) =>
    resign(app, token, { aud: [app.application.id, 'app-of-somebody-else'] }),
  'that never expires': (app, { token }) => resign(app, token, { exp: undefined }),
  'of a session of nobody': (app, { token }) =>
    resign(app, token, { sid: '00000000-0000-7000-8000-000000000000' }),
  'of another user, in the own session': (app, { token }) =>
    resign(app, token, { sub: '00000000-0000-7000-8000-000000000000' }),
  'that is an id token': (_app, { tokens }) => tokens.id_token,
  'that is a refresh token': (_app, { tokens }) => tokens.refresh_token,
  'that is no token': () => 'Bearer nonsense.of.mine',
}

const expectRefused = async (app: TestApp, token: string, what = 'the token') => {
  const bind = { phoneNumber: '18812345678', passCode: '123456' }
  expect(await app.get('/api/v3/get-profile', { token }), what).toMatchObject(refused)
  expect(await app.post('/api/v3/bind-phone', bind, { token }), what).toMatchObject(refused)
}

describe('an access token (rule 25)', () => {
  it('is refused however it was forged, and the real one still works', async () => {
    await using app = await startTestApp()
    const alice = await app.signUp({ scope: 'openid offline_access' })

    for (const [what, forge] of Object.entries(forgeries)) {
      await expectRefused(app, await forge(app, alice), what)
    }

    expect((await alice.profile()).statusCode).toBe(200)
  })

  it('of one application is refused where the request names another', async () => {
    await using app = await startTestApp()
    const other = await app.otherApplication({ poolId: app.application.poolId })
    const alice = await app.signUp()

    const profile = await other.get('/api/v3/get-profile', { token: alice.token })

    expect(profile).toMatchObject(refused)
  })

  it('is refused once it has expired', async () => {
    await using app = await startTestApp()
    app.clock.stop()
    const alice = await app.signUp({ scope: 'openid offline_access' })
    app.clock.advance(7199)
    expect((await alice.profile()).statusCode).toBe(200)

    app.clock.advance(2)

    await expectRefused(app, alice.token)
  })

  it('is refused at once when its session has ended, also by another process', async () => {
    await using app = await startTestApp()
    const other = await app.secondProcess()
    const alice = await app.signUp()
    expect((await other.get('/api/v3/get-profile', alice)).statusCode).toBe(200)

    await alice.endSession()

    await expectRefused(app, alice.token)
    expect(await other.get('/api/v3/get-profile', alice)).toMatchObject(refused)
  })
})

const publishedKids = async ({ url }: TestApp) => {
  const response = await fetch(`${url}/oidc/.well-known/jwks.json`)
  return ((await response.json()) as { keys: { kid: string }[] }).keys.map(({ kid }) => kid)
}

describe('a rotation of the signing key', () => {
  it('keeps old tokens good, publishes both keys with the newest first, and lets the SDK read both', async () => {
    await using app = await startTestApp()
    const before = await app.signUp()

    await app.app.keys.rotateSigningKey()

    const after = await app.signUp()
    const kids = [after, before].map(({ token }) => decodeProtectedHeader(token).kid)
    expect(await publishedKids(app)).toEqual(kids)
    expect([await before.profile(), await after.profile()]).toMatchObject([
      { statusCode: 200 },
      { statusCode: 200 },
    ])
    for (const person of [before, after]) {
      expect(await app.sdk().parseAccessToken(person.token)).toMatchObject({ sub: person.userId })
      expect(await app.sdk().parseIDToken(person.tokens.id_token)).toMatchObject({ sub: person.userId })
    }
  })

  it('is seen by another process at the first token of the new key', async () => {
    await using app = await startTestApp()
    const other = await app.secondProcess()
    const before = await app.signUp()
    expect((await other.get('/api/v3/get-profile', before)).statusCode).toBe(200)
    await app.app.keys.rotateSigningKey()
    app.clock.advance(3)

    const after = await app.signUp()

    expect((await other.get('/api/v3/get-profile', after)).statusCode).toBe(200)
  })

  it('ends with the old key deleted and its tokens refused', async () => {
    await using app = await startTestApp()
    const { kid } = decodeProtectedHeader((await app.signUp()).token)
    await app.app.keys.rotateSigningKey()

    app.clock.advance(15 * day + 61)

    const alice = await app.signUp()
    const old = await resign(app, alice.token, {}, { kid })
    expect(await publishedKids(app)).not.toContain(kid)
    await expectRefused(app, old)
    expect((await alice.profile()).statusCode).toBe(200)
  })
})
