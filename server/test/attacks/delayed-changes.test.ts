import { describe, expect, it } from 'vitest'
import { newPhone, startTestApp, type TestApp } from '../support/app.ts'
import { bindEmail } from '../support/email.ts'
import { linkTo, pressButton, signInByPassword } from '../support/notices.ts'
import {
  authenticationPath,
  createPasskeyAuthenticator,
  registerPasskey,
} from '../support/passkey-authenticator.ts'
import { resetPassword, resetToken, updatePassword } from '../support/passwords.ts'
import {
  eventsOf,
  hours,
  lostPhoneChange,
  personWithEmail,
  phoneOf,
  signInByPhone,
  updatePhone,
} from '../support/phone-changes.ts'

const email = 'ada@example.com'
const password = 'correct horse battery'

const sessionOf = (token: string): string =>
  JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()).sid

/** Ada, and somebody who has a session of hers and asks with it for a change of her phone. */
const attackedPerson = async (app: TestApp) => {
  const ada = await personWithEmail(app, email)
  const thief: string = (await signInByPassword(app, email)).data.access_token
  await updatePhone(app, thief, await lostPhoneChange(app, { ...ada, token: thief }, newPhone()))
  return { ...ada, thief }
}

const phoneInForce = async (app: TestApp, userId: string) =>
  (await app.app.users.get(app.application.poolId, userId))?.phone?.slice('+86'.length)

const endDevice = (app: TestApp, call: 'revoke-session' | 'unbind', by: string, token: string) =>
  app.post(`/api/v3/mydevices/${call}`, { deviceId: sessionOf(token) }, { token: by })

describe('a change of phone that waits, asked for by a thief,', () => {
  it.each([72, 168])(
    'and undone after its %i hours, takes the passkey with it',
    async (phoneChangeDelayHours) => {
      await using app = await startTestApp()
      await app.app.accountPolicy.change(app.application.poolId, { phoneChangeDelayHours })
      const ada = await personWithEmail(app, email)
      const passkey = await registerPasskey(app, ada.token)
      app.clock.advance(600)
      await updatePhone(app, ada.token, await lostPhoneChange(app, ada, newPhone()))
      app.clock.advance(hours(phoneChangeDelayHours))
      await app.app.work()

      const done = await pressButton(app, await linkTo(app, ada.phone, 'phone_changed'))

      expect(done.text).toContain('It is undone')
      const asked = await app.get(authenticationPath)
      const again = await app.post(authenticationPath, createPasskeyAuthenticator().get(asked, passkey))
      expect(again.data?.tokenSet).toBeUndefined()
      expect(await phoneOf(app, await signInByPhone(app, ada.phone))).toBe(ada.phone)
    },
  )

  it('comes to nothing when the owner resets the password', async () => {
    await using app = await startTestApp()
    const { userId, phone } = await attackedPerson(app)
    await resetPassword(app, await resetToken(app, email), 'another horse battery')
    const stopped = await eventsOf(app, userId)
    app.clock.advance(hours(73))

    await app.app.work()

    expect(await phoneInForce(app, userId)).toBe(phone)
    expect(stopped).toContain('phone.change_stopped')
  })

  it('comes to nothing when the owner changes the password, also in the session that was stolen', async () => {
    await using app = await startTestApp()
    const { userId, phone, thief } = await attackedPerson(app)
    const changed = { newPassword: 'another horse battery', oldPassword: password }
    await updatePassword(app, thief, changed)
    const stopped = await eventsOf(app, userId)
    app.clock.advance(hours(73))

    await app.app.work()

    expect(await phoneInForce(app, userId)).toBe(phone)
    expect(stopped).toContain('phone.change_stopped')
  })

  it.each(['revoke-session', 'unbind'] as const)(
    'comes to nothing when the owner ends the session by mydevices/%s',
    async (call) => {
      await using app = await startTestApp()
      const { userId, phone, thief, token } = await attackedPerson(app)
      await endDevice(app, call, token, thief)
      app.clock.advance(hours(73))

      await app.app.work()

      expect(await phoneInForce(app, userId)).toBe(phone)
      expect(await eventsOf(app, userId)).toContain('phone.change_stopped')
    },
  )

  it('comes to nothing when a change by the owner signs that session out', async () => {
    await using app = await startTestApp()
    const ada = await app.signUp()
    await ada.bindPhone(await ada.receiveCode())
    const thief: string = (await ada.signIn()).data.access_token
    app.clock.advance(61)
    await updatePhone(app, thief, await lostPhoneChange(app, { ...ada, token: thief }, newPhone()))
    await bindEmail(app, ada, email)
    app.clock.advance(hours(73))

    await app.app.work()

    expect(await phoneInForce(app, ada.userId)).toBe(ada.phone)
  })

  it('comes to nothing when its session ends because a refresh token came back a second time (rule 26)', async () => {
    await using app = await startTestApp()
    const ada = await personWithEmail(app, email)
    const { data } = await app.post('/api/v3/signin', {
      connection: 'PASSWORD',
      passwordPayload: { email, password },
      options: { scope: 'openid phone offline_access' },
      client_secret: app.application.secret.reveal(),
    })
    const refresh = () => app.sdk().getNewAccessTokenByRefreshToken(data.refresh_token)
    const owner = { ...ada, token: data.access_token as string }
    await updatePhone(app, owner.token, await lostPhoneChange(app, owner, newPhone()))
    await refresh()
    await expect(refresh()).rejects.toThrow()
    app.clock.advance(hours(73))

    await app.app.work()

    expect(await phoneInForce(app, ada.userId)).toBe(ada.phone)
  })
})

describe('a change of phone that waits, asked for by the owner,', () => {
  const askedBy = async (app: TestApp) => {
    const ada = await personWithEmail(app, email)
    const number = newPhone()
    await updatePhone(app, ada.token, await lostPhoneChange(app, ada, number))
    return { ...ada, number }
  }

  it('is made all the same after its session signed out by itself', async () => {
    await using app = await startTestApp()
    const { userId, number, token } = await askedBy(app)
    const { id, secret } = app.application
    await fetch(`${app.url}/oidc/token/revocation`, {
      method: 'POST',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: new URLSearchParams({ token, client_id: id, client_secret: secret.reveal() }),
    })
    const signedOut = await app.get('/api/v3/get-profile', { token })
    app.clock.advance(hours(73))

    await app.app.work()

    expect(signedOut).toMatchObject({ statusCode: 401 })
    expect(await phoneInForce(app, userId)).toBe(number)
  })

  it('is made all the same after its session took itself off the list of devices', async () => {
    await using app = await startTestApp()
    const { userId, number, token } = await askedBy(app)
    await endDevice(app, 'unbind', token, token)
    app.clock.advance(hours(73))

    await app.app.work()

    expect(await phoneInForce(app, userId)).toBe(number)
  })

  it('is made all the same after its session ran out, or another one was ended', async () => {
    await using app = await startTestApp()
    const { userId, number, token } = await askedBy(app)
    const { data } = await signInByPassword(app, email)
    await endDevice(app, 'revoke-session', token, data.access_token)
    app.clock.advance(hours(73))

    await app.app.work()

    expect(await phoneInForce(app, userId)).toBe(number)
  })
})
