import { createHash } from 'node:crypto'
import { decodeJwt, decodeProtectedHeader } from 'jose'
import { describe, expect } from 'vitest'
import type { TestApp } from '../support/app.ts'
import { closeTable, contract, type MakeClient, refused } from '../support/contract.ts'

const password = 'correct horse battery'
const invalidGrant = { status: 400, error: 'invalid_grant' }
const offline = { scope: 'openid profile offline_access' }

type Calls = Pick<TestApp, 'application' | 'signUp'>

const signedIn = async (
  { app, sdk }: { app: Calls; sdk: MakeClient },
  options: { scope?: string } = offline,
) => {
  const { username } = await app.signUp({ password })
  const client = sdk({}, app)
  const { data } = await client.signInByUsernamePassword({ username, password, options })
  const tokens = data as Required<typeof data>
  client.setAccessToken(tokens.access_token)
  return { client, tokens }
}

describe('the tokens', () => {
  contract('are read by parseAccessToken and parseIDToken', async ({ app, sdk }) => {
    const { client, tokens } = await signedIn({ app, sdk })

    const access = await client.parseAccessToken(tokens.access_token)
    const id = await client.parseIDToken(tokens.id_token)

    const { id: appId } = app.application
    const common = { iss: 'http://dialtone.test/oidc', aud: appId, sub: expect.any(String) }
    expect(access).toMatchObject({ ...common, scope: tokens.scope, jti: expect.any(String) })
    expect(access).toMatchObject({ exp: Number((access as { iat: number }).iat) + 7200 })
    const half = createHash('sha256').update(tokens.access_token).digest().subarray(0, 16)
    expect(id).toMatchObject({ ...common, at_hash: half.toString('base64url') })
  })

  contract('of an application with HS256 carry an id token that its secret signs', async ({ app, sdk }) => {
    const other = await app.otherApplication({ idTokenAlgorithm: 'HS256' })
    const { client, tokens } = await signedIn({ app: other, sdk })

    const id = await client.parseIDToken(tokens.id_token)

    expect(decodeProtectedHeader(tokens.id_token).alg).toBe('HS256')
    expect(decodeProtectedHeader(tokens.access_token).alg).toBe('RS256')
    expect(id).toMatchObject({ aud: other.application.id })
    const guessing = sdk({ appSecret: 'another' }, other)
    expect(await refused(guessing.parseIDToken(tokens.id_token))).toEqual({
      code: 'ERR_JWS_SIGNATURE_VERIFICATION_FAILED',
    })
  })

  contract(
    'hold in the id token the claims of the scope, and nothing of the user with openid alone',
    async ({ app, sdk }) => {
      const all = 'openid profile username email phone address external_id extended_fields'
      const protocol = ['at_hash', 'aud', 'exp', 'iat', 'iss', 'sub']

      const full = decodeJwt((await signedIn({ app, sdk }, { scope: all })).tokens.id_token)
      const bare = decodeJwt((await signedIn({ app, sdk }, { scope: 'openid' })).tokens.id_token)

      expect(Object.keys(bare).sort()).toEqual(protocol)
      expect(full).toMatchObject({
        gender: 'U',
        nickname: null,
        email: null,
        email_verified: false,
        phone_number: null,
        phone_number_verified: false,
        username: expect.any(String),
        address: expect.any(Object),
        external_id: null,
        extended_fields: {},
      })
    },
  )

  contract('are renewed by the refresh token, which is rotated', async ({ app, sdk }) => {
    const { client, tokens } = await signedIn({ app, sdk })

    const renewed = await client.getNewAccessTokenByRefreshToken(tokens.refresh_token)

    expect(renewed).toMatchObject({ token_type: 'Bearer', expires_in: 7200, scope: tokens.scope })
    expect(renewed?.refresh_token).not.toBe(tokens.refresh_token)
    client.setAccessToken(renewed?.access_token as string)
    expect((await client.getProfile({})).statusCode).toBe(200)
  })

  contract('all end when a rotated refresh token comes back (rule 26)', async ({ app, sdk }) => {
    const { client, tokens } = await signedIn({ app, sdk })
    const renewed = await client.getNewAccessTokenByRefreshToken(tokens.refresh_token)

    const replayed = await refused(client.getNewAccessTokenByRefreshToken(tokens.refresh_token))

    expect(replayed).toEqual(invalidGrant)
    client.setAccessToken(renewed?.access_token as string)
    expect(await client.getProfile({})).toMatchObject({ statusCode: 401, apiCode: 2020 })
    const renewal = client.getNewAccessTokenByRefreshToken(renewed?.refresh_token as string)
    expect(await refused(renewal)).toEqual(invalidGrant)
  })

  contract(
    'are renewed once, and end, when a refresh token is used twice at once (rule 26)',
    async ({ app, sdk }) => {
      const { client, tokens } = await signedIn({ app, sdk })

      const replies = await Promise.allSettled(
        [sdk(), sdk()].map((other) => other.getNewAccessTokenByRefreshToken(tokens.refresh_token)),
      )

      expect(replies.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected'])
      expect(await client.getProfile({})).toMatchObject({ statusCode: 401, apiCode: 2020 })
    },
  )

  contract(
    'of other sessions go on when one session ended so, and the audit log tells it (rule 26)',
    async ({ app, sdk }) => {
      const person = await app.signUp()
      const { id, poolId, secret } = app.application
      const body = {
        connection: 'PASSWORD',
        passwordPayload: { username: person.username, password: person.password },
        options: { scope: 'openid offline_access' },
        client_id: id,
        client_secret: secret.reveal(),
      }
      const { data: tokens } = await app.post('/api/v3/signin', body)
      const renew = () => sdk().getNewAccessTokenByRefreshToken(tokens.refresh_token)
      await renew()
      expect(await refused(renew())).toEqual(invalidGrant)

      expect(await refused(renew())).toEqual(invalidGrant)

      expect((await person.profile()).statusCode).toBe(200)
      const events = await app.app.audit.eventsOf(poolId, person.userId)
      expect(events.filter(({ type }) => type === 'refresh_token.reused')).toMatchObject([
        { application_id: id },
      ])
    },
  )

  for (const kind of ['access_token', 'refresh_token'] as const) {
    contract(`are refused at once after revokeToken(${kind}) (rule 25)`, async ({ app, sdk }) => {
      const { client, tokens } = await signedIn({ app, sdk })

      expect(await client.revokeToken(tokens[kind])).toBe(true)

      const ended = { statusCode: 401, apiCode: 2020 }
      expect(await client.getProfile({})).toMatchObject(ended)
      expect(await client.updateProfile({ nickname: 'Al' })).toMatchObject(ended)
      expect(await client.getSecurityLevel()).toMatchObject(ended)
      expect(await client.bindPhone({ phoneNumber: '18812345678', passCode: '123456' })).toMatchObject(ended)
      const renewal = client.getNewAccessTokenByRefreshToken(tokens.refresh_token)
      expect(await refused(renewal)).toEqual(invalidGrant)
    })
  }

  contract('may be renewed and revoked with the secret as Basic', async ({ app, sdk }) => {
    const { tokens } = await signedIn({ app, sdk })
    const basic = 'client_secret_basic'
    const client = sdk({ tokenEndPointAuthMethod: basic, revocationEndPointAuthMethod: basic })

    const renewed = await client.getNewAccessTokenByRefreshToken(tokens.refresh_token)
    await client.revokeToken(renewed?.refresh_token as string)

    const { access_token: token } = tokens
    expect(await app.get('/api/v3/get-profile', { token })).toMatchObject({ statusCode: 401, apiCode: 2020 })
  })

  contract(
    'are renewed and revoked without a secret by an application that has no client authentication',
    async ({ app, sdk }) => {
      const spa = await app.otherApplication({ clientAuthentication: 'none' })
      const { client, tokens } = await signedIn({ app: spa, sdk })
      const none = {
        tokenEndPointAuthMethod: 'none',
        revocationEndPointAuthMethod: 'none',
        appSecret: undefined,
      }

      const renewed = await sdk(none, spa).getNewAccessTokenByRefreshToken(tokens.refresh_token)
      await sdk(none, spa).revokeToken(renewed?.refresh_token as string)

      expect(await client.getProfile({})).toMatchObject({ statusCode: 401, apiCode: 2020 })
    },
  )

  contract(
    'are renewed and revoked for no client without its secret, nor for another application',
    async ({ app, sdk }) => {
      const other = await app.otherApplication({ poolId: app.application.poolId })
      const { client, tokens } = await signedIn({ app, sdk })

      const guessed = sdk({ appSecret: 'wrong' }).getNewAccessTokenByRefreshToken(tokens.refresh_token)
      expect(await refused(guessed)).toEqual({ status: 401, error: 'invalid_client' })
      const stolen = sdk({}, other).getNewAccessTokenByRefreshToken(tokens.refresh_token)
      expect(await refused(stolen)).toEqual(invalidGrant)
      await sdk({}, other).revokeToken(tokens.refresh_token)

      expect((await client.getProfile({})).statusCode).toBe(200)
    },
  )

  contract(
    'are verified by the keys at both published paths: RSA, the newest first, and never an SM2 key',
    async ({ app, sdk }) => {
      const { tokens } = await signedIn({ app, sdk })
      const keysAt = async (path: string) =>
        (await fetch(`${app.url}${path}`)).json() as Promise<{ keys: object[] }>

      const own = await keysAt('/oidc/.well-known/jwks.json')
      const ofApplication = await keysAt(`/${app.application.id}/oidc/.well-known/jwks.json`)

      const { kid } = decodeProtectedHeader(tokens.access_token)
      expect(own.keys).toEqual([
        { kid, use: 'sig', alg: 'RS256', kty: 'RSA', n: expect.any(String), e: 'AQAB' },
      ])
      expect(ofApplication).toEqual(own)
    },
  )
})

closeTable('tokens')
