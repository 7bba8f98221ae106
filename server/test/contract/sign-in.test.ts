import sdk from 'authing-node-sdk'
import { describe, expect, it } from 'vitest'
import { newPhone, otherCode, startTestApp, type TestApp } from '../support/app.ts'

const { connection } = sdk.Models.SigninByCredentialsDto
const password = 'correct horse battery'
const email = 'ada@example.com'

const signUpByPhone = async (app: TestApp) => {
  const phone = newPhone()
  await app.sendSms('CHANNEL_REGISTER', phone)
  const passCode = await app.lastCode(phone)
  await app.sdk().signUpByPhoneCode({
    phone,
    passCode,
    options: { passwordForPhonePassCode: password, context: undefined },
  })
  return phone
}

const aTokenSet = {
  statusCode: 200,
  data: {
    access_token: expect.stringMatching(/^eyJ/),
    id_token: expect.stringMatching(/^eyJ/),
    scope: expect.stringContaining('openid'),
    token_type: 'bearer',
    expire_in: 7200,
    expires_in: 7200,
  },
}

describe('sign-in with the published SDK', () => {
  it('works by email and password', async () => {
    await using app = await startTestApp()
    await app.sdk().signUpByEmailPassword({ email, password })

    const signedIn = await app.sdk().signInByEmailPassword({ email: 'ADA@example.com', password })

    expect(signedIn).toMatchObject(aTokenSet)
    expect(signedIn).not.toHaveProperty('data.refresh_token')
  })

  it('works by phone and password', async () => {
    await using app = await startTestApp()
    const phone = await signUpByPhone(app)

    expect(await app.sdk().signInByPhonePassword({ phone, password })).toMatchObject(aTokenSet)
  })

  it('works by username and password', async () => {
    await using app = await startTestApp()
    const { username } = await app.signUp({ password })

    expect(await app.sdk().signInByUsernamePassword({ username, password })).toMatchObject(aTokenSet)
  })

  it('works by any identifier as the account', async () => {
    await using app = await startTestApp()
    const { username } = await app.signUp({ password })
    const phone = await signUpByPhone(app)
    await app.sdk().signUpByEmailPassword({ email, password })

    for (const account of [username, phone, `+86${phone}`, email]) {
      expect(await app.sdk().signInByAccountPassword({ account, password })).toMatchObject(aTokenSet)
    }
  })

  it('works by email and code', async () => {
    await using app = await startTestApp()
    await app.sdk().signUpByEmailPassword({ email, password })
    await app.sendEmail('CHANNEL_LOGIN', email)

    const signedIn = await app.sdk().signInByEmailPassCode({ email, passCode: await app.lastCode(email) })

    expect(signedIn).toMatchObject(aTokenSet)
  })

  it('works by phone and code', async () => {
    await using app = await startTestApp()
    const phone = await signUpByPhone(app)
    await app.sendSms('CHANNEL_LOGIN', phone)

    const signedIn = await app.sdk().signInByPhonePassCode({ phone, passCode: await app.lastCode(phone) })

    expect(signedIn).toMatchObject(aTokenSet)
  })

  it('makes the user of an email or username and a password with autoRegister, but of no unproved phone', async () => {
    await using app = await startTestApp()
    const options = { autoRegister: true }

    const byUsername = await app.sdk().signInByUsernamePassword({ username: 'ada', password, options })
    const byEmail = await app.sdk().signInByEmailPassword({ email, password, options })
    const byPhone = await app.sdk().signInByPhonePassword({ phone: newPhone(), password, options })

    expect(byUsername).toMatchObject(aTokenSet)
    expect(byEmail).toMatchObject(aTokenSet)
    expect(byPhone).toMatchObject({ statusCode: 403, apiCode: 2333 })
    const weak = await app.sdk().signInByUsernamePassword({ username: 'bob', password: 'short', options })
    expect(weak).toMatchObject({ statusCode: 400, apiCode: 2029 })
  })

  it('makes the user of a right code with autoRegister, and without it answers like a wrong password', async () => {
    await using app = await startTestApp()
    const phone = newPhone()
    await app.sendSms('CHANNEL_LOGIN', phone)
    const passCode = await app.lastCode(phone)
    const options = { autoRegister: true }

    const guessed = await app.sdk().signInByPhonePassCode({ phone, passCode: otherCode(passCode), options })
    const made = await app.sdk().signInByPhonePassCode({ phone, passCode, options })

    expect(guessed).toMatchObject({ statusCode: 499, apiCode: 2001 })
    expect(made).toMatchObject(aTokenSet)
    const { data } = await app.get('/api/v3/get-profile', { token: made.data.access_token as string })
    expect(data).toMatchObject({ phone, phoneVerified: true, emailVerified: false })
  })

  it('takes the raw call with client_id and client_secret in the body, and none without them', async () => {
    await using app = await startTestApp()
    const { username } = await app.signUp({ password })
    const call = { connection: connection.PASSWORD, passwordPayload: { username, password } }
    const { id, secret } = app.application

    const bare = await app.sdk().signInByCredentials(call)
    const proved = await app
      .sdk()
      .signInByCredentials({ ...call, client_id: id, client_secret: secret.reveal() })

    expect(bare).toMatchObject({ statusCode: 401, apiCode: 8800010 })
    expect(proved).toMatchObject(aTokenSet)
  })

  it.each(['client_secret_post', 'client_secret_basic'])(
    'takes the secret by %s, and no other one',
    async (way) => {
      await using app = await startTestApp()
      const { username } = await app.signUp({ password })
      const given = { username, password }

      const right = await app.sdk({ tokenEndPointAuthMethod: way }).signInByUsernamePassword(given)
      const wrong = await app
        .sdk({ tokenEndPointAuthMethod: way, appSecret: 'wrong' })
        .signInByUsernamePassword(given)

      expect(right).toMatchObject(aTokenSet)
      expect(wrong).toMatchObject({ statusCode: 401, apiCode: 8800010 })
    },
  )

  it('asks an application without client authentication for no secret', async () => {
    await using app = await startTestApp()
    const { username } = await app.signUp({ password })
    const spa = await app.otherApplication({ poolId: app.application.poolId, clientAuthentication: 'none' })
    const client = spa.sdk({ tokenEndPointAuthMethod: 'none', appSecret: undefined })

    expect(await client.signInByUsernamePassword({ username, password })).toMatchObject(aTokenSet)
  })

  it('grants the asked scope as far as it is known, and only with openid', async () => {
    await using app = await startTestApp()
    const { username } = await app.signUp({ password })
    const signIn = (scope: string) =>
      app.sdk().signInByUsernamePassword({ username, password, options: { scope } })

    expect((await signIn('phone  openid fly')).data.scope).toBe('openid phone')
    expect(await signIn('profile')).toMatchObject({
      statusCode: 400,
      data: { errors: [{ field: 'options.scope', message: 'must contain openid' }] },
    })
  })

  it('gives a refresh token with the scope offline_access alone', async () => {
    await using app = await startTestApp()
    const { username } = await app.signUp({ password })
    const signIn = (scope: string) =>
      app.sdk().signInByUsernamePassword({ username, password, options: { scope } })

    expect((await signIn('openid offline_access')).data).toHaveProperty('refresh_token')
    expect((await signIn('openid profile')).data).not.toHaveProperty('refresh_token')
  })

  it('believes options.clientIp of an application that proved its secret, and of no other', async () => {
    await using app = await startTestApp()
    const { username } = await app.signUp({ password })
    const spa = await app.otherApplication({ poolId: app.application.poolId, clientAuthentication: 'none' })
    const given = { username, password, options: { clientIp: '203.0.113.9' } }
    const lastIp = async ({ data }: { data: { access_token?: string } }) =>
      (await app.get('/api/v3/get-profile', { token: data.access_token as string, appId: null })).data.lastIp

    const proved = await app.sdk().signInByUsernamePassword(given)
    expect(await lastIp(proved)).toBe('203.0.113.9')

    const claimed = await spa.sdk({ tokenEndPointAuthMethod: 'none' }).signInByUsernamePassword(given)
    expect(await lastIp(claimed)).toBe('127.0.0.1')
  })

  it('says clearly that LDAP and AD are not served', async () => {
    await using app = await startTestApp()
    const given = { sAMAccountName: 'ada', password }

    expect(await app.sdk().signInByLDAP(given)).toMatchObject({ statusCode: 501, apiCode: 8800013 })
    expect(await app.sdk().signInByAD(given)).toMatchObject({ statusCode: 501, apiCode: 8800013 })
  })
})
