// Who signs up with somebody else's address prepares to stay in the account when its owner comes.
import { describe, expect, it } from 'vitest'
import { newPhone, startTestApp, type TestApp } from '../support/app.ts'
import { enrollOtp } from '../support/authenticator.ts'
import { linkTo, noticesTo, pressButton, signInByEmail } from '../support/notices.ts'
import {
  authenticationPath,
  type Credential,
  createPasskeyAuthenticator,
  registerPasskey,
} from '../support/passkey-authenticator.ts'
import { personWithUnprovedEmail, resetPassword, resetToken, signInBy } from '../support/passwords.ts'
import { masked, phoneOf, receiveCode, signInByPhone } from '../support/phone-changes.ts'

const email = 'ada@example.com'
const password = 'correct horse battery'

const squat = (app: TestApp) => personWithUnprovedEmail(app, email, password)

const signInByPasskey = async (app: TestApp, credential: Credential) => {
  const asked = await app.get(authenticationPath)
  return app.post(authenticationPath, createPasskeyAuthenticator().get(asked, credential))
}

/** With a phone of the squatter's own. */
const squatWithPhone = async (app: TestApp) => {
  const mallory = { ...(await squat(app)), phone: newPhone() }
  const passCode = await receiveCode(app, mallory.token, 'CHANNEL_BIND_PHONE', mallory.phone)
  const body = { phoneNumber: mallory.phone, passCode }
  await app.post('/api/v3/bind-phone', body, { token: mallory.token })
  return mallory
}

const securedEvents = async (app: TestApp, userId: string) =>
  (await app.app.audit.eventsOf(app.application.poolId, userId)).filter(
    ({ type }) => type === 'account.secured',
  )

describe('who signed up with an address of somebody else', () => {
  it('keeps no password, passkey, factor or session once its owner signs in with a code', async () => {
    await using app = await startTestApp()
    const mallory = await squat(app)
    const credential = await registerPasskey(app, mallory.token)
    await enrollOtp(app, mallory)

    const { data } = await signInByEmail(app, email)

    expect(await signInByPasskey(app, credential)).toMatchObject({ apiCode: 8800021 })
    expect(await signInBy(app, { email, password })).toMatchObject({ apiCode: 2333 })
    expect(await app.get('/api/v3/get-profile', { token: mallory.token })).toMatchObject({ apiCode: 2020 })
    const factors = await app.get('/api/v3/list-enrolled-factors', { token: data.access_token })
    expect(factors).toMatchObject({ statusCode: 200, data: [] })
    expect(await securedEvents(app, mallory.userId)).toMatchObject([
      {
        detail: {
          reason: 'email_proved',
          email: 'a***@example.com',
          passwordsRemoved: 1,
          passkeysRemoved: 1,
          factorsRemoved: 1,
        },
      },
    ])
  })

  it('keeps no passkey, factor or session once its owner resets the password with a code', async () => {
    await using app = await startTestApp()
    const mallory = await squat(app)
    const credential = await registerPasskey(app, mallory.token)
    await enrollOtp(app, mallory)

    const reset = await resetPassword(app, await resetToken(app, email), 'staple of a new horse')

    expect(reset).toMatchObject({ statusCode: 200 })
    expect(await signInByPasskey(app, credential)).toMatchObject({ apiCode: 8800021 })
    expect(await app.get('/api/v3/get-profile', { token: mallory.token })).toMatchObject({ apiCode: 2020 })
    const own = await signInBy(app, { email, password: 'staple of a new horse' })
    const factors = await app.get('/api/v3/list-enrolled-factors', { token: own.data.access_token })
    expect(factors).toMatchObject({ statusCode: 200, data: [] })
  })

  it('adds no passkey at the instant at which its owner signs in', async () => {
    await using app = await startTestApp()
    const mallory = await squat(app)
    const registering = [1, 2, 3, 4].map(() => registerPasskey(app, mallory.token).catch(() => undefined))

    const [signedIn, ...made] = await Promise.all([signInByEmail(app, email), ...registering])

    expect(signedIn).toMatchObject({ statusCode: 200 })
    for (const credential of made) {
      if (credential === undefined) continue
      expect(await signInByPasskey(app, credential)).toMatchObject({ apiCode: 8800021 })
    }
  })

  it.each(['a sign-in', 'a reset'])(
    'keeps a phone that was bound, of which the address is told after %s, with a link that takes it off',
    async (proof) => {
      await using app = await startTestApp()
      const mallory = await squatWithPhone(app)
      // The link that came as the phone was bound is of no use any more.
      app.clock.advance(8 * 86_400)
      if (proof === 'a sign-in') await signInByEmail(app, email)
      else await resetPassword(app, await resetToken(app, email), 'staple of a new horse')
      const back = await signInByPhone(app, mallory.phone)

      const pressed = await pressButton(app, await linkTo(app, email, 'phone_bound'))

      expect(pressed.text).toContain('taken off your account')
      expect(await app.get('/api/v3/get-profile', { token: back })).toMatchObject({ apiCode: 2020 })
      await app.sendSms('CHANNEL_LOGIN', mallory.phone)
      const passCodePayload = { phone: mallory.phone, passCode: '123456' }
      const client_secret = app.application.secret.reveal()
      const body = { connection: 'PASSCODE', passCodePayload, client_secret }
      expect(await app.post('/api/v3/signin', body)).toMatchObject({ apiCode: 2001 })
      app.clock.advance(61)
      const { data } = await signInByEmail(app, email)
      expect(await phoneOf(app, data.access_token)).toBeUndefined()
    },
  )
})

describe('who signed up with the own address', () => {
  it('keeps the phone that was bound, and reads that it was there before', async () => {
    await using app = await startTestApp()
    const ada = await squatWithPhone(app)

    const { data } = await signInByEmail(app, email)

    expect(await phoneOf(app, data.access_token)).toBe(ada.phone)
    const [notice] = await noticesTo(app, email)
    expect(notice?.text).toContain(
      `${masked(ada.phone)} was bound to your account before you proved this address`,
    )
  })

  it('keeps passkey and factors at every later code, and hears of the phone no more', async () => {
    await using app = await startTestApp()
    await squatWithPhone(app)
    const { data } = await signInByEmail(app, email)
    const credential = await registerPasskey(app, data.access_token)
    await enrollOtp(app, { token: data.access_token })
    const before = await noticesTo(app, email)
    app.clock.advance(61)

    const again = await signInByEmail(app, email)
    await resetPassword(app, await resetToken(app, email), 'staple of a new horse')

    expect(again).toMatchObject({ statusCode: 200 })
    expect(await signInByPasskey(app, credential)).toMatchObject({ statusCode: 200 })
    const told = (await noticesTo(app, email)).filter(({ channel }) => channel === 'NOTICE_PHONE_BOUND')
    expect(told).toHaveLength(before.length)
  })
})
