import published from 'authing-node-sdk'
import { describe, expect, it } from 'vitest'
import { newPhone, otherCode, startTestApp } from '../support/app.ts'
import { closeTable, contract, type Given } from '../support/contract.ts'

const { connection } = published.Models.SigninByCredentialsDto
const password = 'correct horse battery'
const email = 'ada@example.com'

const signUpByPhone = async ({ app, sdk }: Given) => {
  const phone = newPhone()
  await app.sendSms('CHANNEL_REGISTER', phone)
  const passCode = await app.lastCode(phone)
  await sdk().signUpByPhoneCode({
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

describe('sign-in with both SDKs', () => {
  contract('works by email and password', async ({ sdk }) => {
    await sdk().signUpByEmailPassword({ email, password })

    const signedIn = await sdk().signInByEmailPassword({ email: 'ADA@example.com', password })

    expect(signedIn).toMatchObject(aTokenSet)
    expect(signedIn).not.toHaveProperty('data.refresh_token')
  })

  contract('works by phone and password', async ({ app, sdk }) => {
    const phone = await signUpByPhone({ app, sdk })

    expect(await sdk().signInByPhonePassword({ phone, password })).toMatchObject(aTokenSet)
  })

  contract('works by username and password', async ({ app, sdk }) => {
    const { username } = await app.signUp({ password })

    expect(await sdk().signInByUsernamePassword({ username, password })).toMatchObject(aTokenSet)
  })

  contract('works by any identifier as the account', async ({ app, sdk }) => {
    const { username } = await app.signUp({ password })
    const phone = await signUpByPhone({ app, sdk })
    await sdk().signUpByEmailPassword({ email, password })

    for (const account of [username, phone, `+86${phone}`, email]) {
      expect(await sdk().signInByAccountPassword({ account, password })).toMatchObject(aTokenSet)
    }
  })

  contract('works by email and code', async ({ app, sdk }) => {
    await sdk().signUpByEmailPassword({ email, password })
    await app.sendEmail('CHANNEL_LOGIN', email)

    const signedIn = await sdk().signInByEmailPassCode({ email, passCode: await app.lastCode(email) })

    expect(signedIn).toMatchObject(aTokenSet)
  })

  contract('works by phone and code', async ({ app, sdk }) => {
    const phone = await signUpByPhone({ app, sdk })
    await app.sendSms('CHANNEL_LOGIN', phone)

    const signedIn = await sdk().signInByPhonePassCode({ phone, passCode: await app.lastCode(phone) })

    expect(signedIn).toMatchObject(aTokenSet)
  })

  contract(
    'makes the user of an email or username and a password with autoRegister, but of no unproved phone',
    async ({ sdk }) => {
      const options = { autoRegister: true }

      const byUsername = await sdk().signInByUsernamePassword({ username: 'ada', password, options })
      const byEmail = await sdk().signInByEmailPassword({ email, password, options })
      const byPhone = await sdk().signInByPhonePassword({ phone: newPhone(), password, options })

      expect(byUsername).toMatchObject(aTokenSet)
      expect(byEmail).toMatchObject(aTokenSet)
      expect(byPhone).toMatchObject({ statusCode: 403, apiCode: 2333 })
      const weak = await sdk().signInByUsernamePassword({ username: 'bob', password: 'short', options })
      expect(weak).toMatchObject({ statusCode: 400, apiCode: 2029 })
    },
  )

  contract(
    'makes the user of a right code with autoRegister, and without it answers like a wrong password',
    async ({ app, sdk }) => {
      const phone = newPhone()
      await app.sendSms('CHANNEL_LOGIN', phone)
      const passCode = await app.lastCode(phone)
      const options = { autoRegister: true }

      const guessed = await sdk().signInByPhonePassCode({ phone, passCode: otherCode(passCode), options })
      const made = await sdk().signInByPhonePassCode({ phone, passCode, options })

      expect(guessed).toMatchObject({ statusCode: 499, apiCode: 2001 })
      expect(made).toMatchObject(aTokenSet)
      const { data } = await app.get('/api/v3/get-profile', { token: made.data.access_token as string })
      expect(data).toMatchObject({ phone, phoneVerified: true, emailVerified: false })
    },
  )

  contract(
    'takes the raw call with client_id and client_secret in the body, and none without them',
    async ({ app, sdk }) => {
      const { username } = await app.signUp({ password })
      const call = { connection: connection.PASSWORD, passwordPayload: { username, password } }
      const { id, secret } = app.application

      const bare = await sdk().signInByCredentials(call)
      const proved = await sdk().signInByCredentials({
        ...call,
        client_id: id,
        client_secret: secret.reveal(),
      })

      expect(bare).toMatchObject({ statusCode: 401, apiCode: 8800010 })
      expect(proved).toMatchObject(aTokenSet)
    },
  )

  for (const tokenEndPointAuthMethod of ['client_secret_post', 'client_secret_basic']) {
    contract(`takes the secret by ${tokenEndPointAuthMethod}, and no other one`, async ({ app, sdk }) => {
      const { username } = await app.signUp({ password })
      const given = { username, password }

      const right = await sdk({ tokenEndPointAuthMethod }).signInByUsernamePassword(given)
      const wrong = await sdk({ tokenEndPointAuthMethod, appSecret: 'wrong' }).signInByUsernamePassword(given)

      expect(right).toMatchObject(aTokenSet)
      expect(wrong).toMatchObject({ statusCode: 401, apiCode: 8800010 })
    })
  }

  contract('asks an application without client authentication for no secret', async ({ app, sdk }) => {
    const { username } = await app.signUp({ password })
    const spa = await app.otherApplication({ poolId: app.application.poolId, clientAuthentication: 'none' })
    const client = sdk({ tokenEndPointAuthMethod: 'none', appSecret: undefined }, spa)

    expect(await client.signInByUsernamePassword({ username, password })).toMatchObject(aTokenSet)
  })

  contract('grants the asked scope as far as it is known, and only with openid', async ({ app, sdk }) => {
    const { username } = await app.signUp({ password })
    const signIn = (scope: string) =>
      sdk().signInByUsernamePassword({ username, password, options: { scope } })

    expect((await signIn('phone  openid fly')).data.scope).toBe('openid phone')
    expect(await signIn('profile')).toMatchObject({
      statusCode: 400,
      data: { errors: [{ field: 'options.scope', message: 'must contain openid' }] },
    })
  })

  contract('gives a refresh token with the scope offline_access alone', async ({ app, sdk }) => {
    const { username } = await app.signUp({ password })
    const signIn = (scope: string) =>
      sdk().signInByUsernamePassword({ username, password, options: { scope } })

    expect((await signIn('openid offline_access')).data).toHaveProperty('refresh_token')
    expect((await signIn('openid profile')).data).not.toHaveProperty('refresh_token')
  })

  contract(
    'believes options.clientIp of an application that proved its secret, and of no other',
    async ({ app, sdk }) => {
      const { username } = await app.signUp({ password })
      const spa = await app.otherApplication({ poolId: app.application.poolId, clientAuthentication: 'none' })
      const given = { username, password, options: { clientIp: '203.0.113.9' } }
      const lastIp = async ({ data }: { data: { access_token?: string } }) =>
        (await app.get('/api/v3/get-profile', { token: data.access_token as string, appId: null })).data
          .lastIp

      const proved = await sdk().signInByUsernamePassword(given)
      expect(await lastIp(proved)).toBe('203.0.113.9')

      const claimed = await sdk({ tokenEndPointAuthMethod: 'none' }, spa).signInByUsernamePassword(given)
      expect(await lastIp(claimed)).toBe('127.0.0.1')
    },
  )

  it('says clearly that LDAP and AD are not served, for which our SDK has no methods', async () => {
    await using app = await startTestApp()
    const given = { sAMAccountName: 'ada', password }

    expect(await app.sdk().signInByLDAP(given)).toMatchObject({ statusCode: 501, apiCode: 8800013 })
    expect(await app.sdk().signInByAD(given)).toMatchObject({ statusCode: 501, apiCode: 8800013 })
  })
})

closeTable('sign-in')
