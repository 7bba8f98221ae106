import { describe, expect, it } from 'vitest'
import { sql } from '../../src/core/database.ts'
import { startTestApp, type TestApp } from '../support/app.ts'
import {
  authenticationPath,
  createPasskeyAuthenticator,
  registerPasskey,
  registrationPath,
} from '../support/passkey-authenticator.ts'

const authenticator = createPasskeyAuthenticator()

const historyOf = (app: TestApp, userId: string) =>
  app.db.query<{ method: string; succeeded: boolean; reason: string | null }>(sql`
    select method, succeeded, reason
      from sign_ins
     where user_id = ${userId}
     order by id`)

describe('a passkey', () => {
  it('is registered and signs in, through the published SDK', async () => {
    await using app = await startTestApp()
    const alice = await app.signUp({ username: 'alice' })
    const client = app.sdk()
    client.setAccessToken(alice.token)

    const begun = (await client.initRegisterOptions()) as never
    const { credential, answer } = authenticator.create(begun)
    const registered = await client.verifyRegister(answer as never)
    const stranger = app.sdk()
    const asked = (await stranger.initAuthenticationOptions()) as never
    const signedIn = await stranger.verifyAuthentication(authenticator.get(asked, credential) as never)

    expect(registered).toMatchObject({ statusCode: 200, data: { verified: true } })
    expect(signedIn).toMatchObject({ statusCode: 200, data: { verified: true } })
    const { tokenSet } = signedIn.data
    expect(tokenSet).toMatchObject({ token_type: 'bearer', expire_in: 7200 })
    stranger.setAccessToken(tokenSet?.access_token ?? '')
    expect((await stranger.getProfile({})).data.userId).toBe(alice.userId)
  })

  it('begins with options that say what a browser needs, and nothing of the person', async () => {
    await using app = await startTestApp()
    const alice = await app.signUp({ username: 'alice' })
    const first = await registerPasskey(app, alice.token)

    const { data } = await app.get(registrationPath, { token: alice.token })

    expect(data.registrationOptions).toEqual({
      challenge: expect.stringMatching(/^[\w-]{43}$/),
      rp: { id: 'dialtone.test', name: expect.any(String) },
      user: {
        id: Buffer.from(alice.userId).toString('base64url'),
        name: 'alice',
        displayName: 'alice',
      },
      pubKeyCredParams: [-8, -7, -257].map((alg) => ({ alg, type: 'public-key' })),
      timeout: 300_000,
      excludeCredentials: [{ id: first.id, type: 'public-key', transports: ['hybrid', 'internal'] }],
      authenticatorSelection: {
        residentKey: 'required',
        requireResidentKey: true,
        userVerification: 'required',
      },
      attestation: 'none',
    })
    expect(data.ticket).toEqual(expect.any(String))
  })

  it('signs in whoever has it, without a name: the options name no passkey', async () => {
    await using app = await startTestApp()
    const alice = await app.signUp()
    const credential = await registerPasskey(app, alice.token)

    const asked = await app.get(authenticationPath)
    const signedIn = await app.post(authenticationPath, {
      ...authenticator.get(asked, credential),
      options: { scope: 'openid offline_access' },
    })

    expect(asked.data.authenticationOptions).toEqual({
      challenge: expect.any(String),
      rpId: 'dialtone.test',
      timeout: 300_000,
      allowCredentials: [],
      userVerification: 'required',
    })
    expect(signedIn.data.tokenSet.refresh_token).toEqual(expect.any(String))
    expect(await historyOf(app, alice.userId)).toEqual([
      { method: 'password', succeeded: true, reason: null },
      { method: 'passkey', succeeded: true, reason: null },
    ])
  })

  it('proves a factor in the session of a signed-in user, who is asked for an own one', async () => {
    await using app = await startTestApp()
    const alice = await app.signUp()
    const credential = await registerPasskey(app, alice.token)
    const factorOf = () =>
      app.db.query(sql`
        select method, proved_factor
          from sessions
         where user_id = ${alice.userId}
         order by created_at`)

    const asked = await app.get(authenticationPath, { token: alice.token })
    const before = await factorOf()
    await app.post(authenticationPath, authenticator.get(asked, credential), { token: alice.token })

    expect(asked.data.authenticationOptions.allowCredentials).toMatchObject([{ id: credential.id }])
    expect(before).toEqual([{ method: 'password', proved_factor: null }])
    expect(await factorOf()).toEqual([
      { method: 'password', proved_factor: 'PASSKEY' },
      { method: 'passkey', proved_factor: 'PASSKEY' },
    ])
    const events = await app.app.audit.eventsOf(app.application.poolId, alice.userId)
    expect(events.map(({ type }) => type)).toEqual([
      'user.signed_up',
      'session.started',
      'passkey.registered',
      'session.started',
      'factor.proved',
    ])
  })

  it('signs in beside an old token, which proves nothing', async () => {
    await using app = await startTestApp()
    const alice = await app.signUp()
    const credential = await registerPasskey(app, alice.token)
    await alice.endSession()

    const asked = await app.get(authenticationPath, { token: alice.token })
    const answer = authenticator.get(asked, credential)
    const signedIn = await app.post(authenticationPath, answer, { token: alice.token })

    expect(asked.data.authenticationOptions.allowCredentials).toEqual([])
    expect(signedIn).toMatchObject({ statusCode: 200 })
    const events = await app.app.audit.eventsOf(app.application.poolId, alice.userId)
    expect(events.map(({ type }) => type)).not.toContain('factor.proved')
  })

  it('counts its uses, where its authenticator does', async () => {
    await using app = await startTestApp()
    const alice = await app.signUp()
    const credential = await registerPasskey(app, alice.token, { counter: 7 })

    const signedIn = await app.post(
      authenticationPath,
      authenticator.get(await app.get(authenticationPath), credential, { counter: 8 }),
    )

    expect(signedIn.statusCode).toBe(200)
    expect(await app.db.query(sql`select counter::integer from passkeys`)).toEqual([{ counter: 8 }])
  })

  it('works on the site of the application, where that lies below the server’s own', async () => {
    await using app = await startTestApp()
    const shop = await app.otherApplication({
      poolId: app.application.poolId,
      webOtpHost: 'shop.dialtone.test',
      clientAuthentication: 'none',
    })
    const alice = await app.signUp()
    const credential = await registerPasskey(app, alice.token)
    const atShop = async (calls: Pick<TestApp, 'get' | 'post'>) =>
      calls.post(
        authenticationPath,
        authenticator.get(await calls.get(authenticationPath), credential, {
          origin: 'https://shop.dialtone.test',
        }),
      )

    const [there, elsewhere] = [await atShop(shop), await atShop(app)]

    expect(there.statusCode).toBe(200)
    expect(elsewhere).toMatchObject({ statusCode: 499, apiCode: 8800021 })
  })

  it('is listed, a page at a time, and removed', async () => {
    await using app = await startTestApp()
    const alice = await app.signUp()
    const first = await registerPasskey(app, alice.token)
    app.clock.advance(1)
    const second = await registerPasskey(app, alice.token)
    const client = app.sdk()
    client.setAccessToken(alice.token)

    const listed = await client.listWebAuthnCredentials({ page: 1, limit: 1 } as never)
    const response = await fetch(`${app.url}/api/v3/webauthn/credentials/${first.id}`, {
      method: 'DELETE',
      headers: { authorization: alice.token },
    })
    const removed = await response.json()

    expect(listed.data).toEqual({
      totalCount: 2,
      list: [
        {
          credentialId: first.id,
          authenticatorId: '00000000-0000-0000-0000-000000000000',
          transports: ['hybrid', 'internal'],
          backedUp: false,
          createdAt: expect.any(String),
          lastUsedAt: null,
        },
      ],
    })
    expect(removed).toMatchObject({ statusCode: 200 })
    const left = await app.get('/api/v3/webauthn/credentials', { token: alice.token })
    expect(left.data.list).toMatchObject([{ credentialId: second.id }])
    const refused = await app.post(
      authenticationPath,
      authenticator.get(await app.get(authenticationPath), first),
    )
    expect(refused.apiCode).toBe(8800021)
  })

  it('is a way to sign in: the last one is not removed', async () => {
    await using app = await startTestApp()
    const alice = await app.signUp()
    const credential = await registerPasskey(app, alice.token)
    await app.db.query(sql`update users set password_hash = null where id = ${alice.userId}`)

    const response = await fetch(`${app.url}/api/v3/webauthn/credentials/${credential.id}`, {
      method: 'DELETE',
      headers: { authorization: alice.token },
    })

    expect(await response.json()).toMatchObject({ apiCode: 2217 })
    const left = await app.get('/api/v3/webauthn/credentials', { token: alice.token })
    expect(left.data.totalCount).toBe(1)
  })
})
