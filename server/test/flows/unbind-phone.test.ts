import { describe, expect, it } from 'vitest'
import { otherCode, type Reply, startTestApp, type TestApp } from '../support/app.ts'
import {
  bothCodes,
  eventsOf,
  historyOf,
  masked,
  personWithEmail,
  personWithPhone,
  phoneOf,
  phoneOnlyPerson,
  purposesSentTo,
  receiveCode,
  signInByPhone,
  unbindPhone,
  updatePhone,
  verifyChange,
} from '../support/phone-changes.ts'

/** A call without a body, as the Flutter SDK makes it; `fetch` of the test app always sends one. */
const bodiless = async (app: TestApp, token: string, contentType: Record<string, string>) => {
  const headers = { authorization: token, 'x-authing-app-id': app.application.id, ...contentType }
  const response = await fetch(`${app.url}/api/v3/unbind-phone`, { method: 'POST', headers })
  return (await response.json()) as Reply
}

describe('unbinding a phone', () => {
  it('takes the code of the current number, and the number is gone', async () => {
    await using app = await startTestApp()
    const alice = await personWithPhone(app)

    const unbound = await unbindPhone(app, alice)

    expect(unbound).toMatchObject({ status: 200, statusCode: 200 })
    expect(unbound.data).toBeUndefined()
    expect((await alice.profile()).data).toMatchObject({ phoneVerified: false })
    expect(await phoneOf(app, alice.token)).toBeUndefined()
  })

  it('ends signing in by the number (rule 16)', async () => {
    await using app = await startTestApp()
    const alice = await personWithPhone(app)

    await unbindPhone(app, alice)

    await expect(signInByPhone(app, alice.phone)).rejects.toThrow()
  })

  it('frees the number for another user', async () => {
    await using app = await startTestApp()
    const [alice, bob] = [await personWithPhone(app), await app.signUp()]
    await unbindPhone(app, alice)
    app.clock.advance(61)

    const bound = await bob.bindPhone(await bob.receiveCode('CHANNEL_BIND_PHONE', alice.phone), alice.phone)

    expect(bound).toMatchObject({ statusCode: 200 })
  })

  it('voids what else the user was about to prove with the number (rule 16)', async () => {
    await using app = await startTestApp()
    const alice = await personWithPhone(app)
    const pending = await receiveCode(app, alice.token, 'CHANNEL_VERIFY_MFA', alice.phone)

    await unbindPhone(app, alice)

    const check = await app.post(
      '/api/v3/pre-check-code',
      {
        codeType: 'SMS',
        smsCodePayload: { phone: alice.phone, passCode: pending, channel: 'CHANNEL_VERIFY_MFA' },
      },
      { token: alice.token },
    )
    expect(check.data).toMatchObject({ isValid: false })
  })

  it('is refused to who has no phone', async () => {
    await using app = await startTestApp()
    const alice = await app.signUp()

    const refused = await app.post('/api/v3/unbind-phone', { passCode: '123456' }, { token: alice.token })

    expect(refused).toMatchObject({ statusCode: 404, apiCode: 1320005 })
  })

  it('is refused where nothing else would be left to sign in with, and spends no code (rule 16)', async () => {
    await using app = await startTestApp()
    const alice = await phoneOnlyPerson(app)
    const passCode = await receiveCode(app, alice.token, 'CHANNEL_UNBIND_PHONE', alice.phone)

    const refused = await app.post('/api/v3/unbind-phone', { passCode }, { token: alice.token })

    expect(refused).toMatchObject({ statusCode: 422, apiCode: 2217 })
    expect(await phoneOf(app, alice.token)).toBe(alice.phone)
    const check = await app.post(
      '/api/v3/pre-check-code',
      { codeType: 'SMS', smsCodePayload: { phone: alice.phone, passCode, channel: 'CHANNEL_UNBIND_PHONE' } },
      { token: alice.token },
    )
    expect(check.data).toEqual({ isValid: true })
  })

  it('refuses a wrong code and then takes the right one', async () => {
    await using app = await startTestApp()
    const alice = await personWithPhone(app)
    const passCode = await receiveCode(app, alice.token, 'CHANNEL_UNBIND_PHONE', alice.phone)
    const unbind = (code: string) =>
      app.post('/api/v3/unbind-phone', { passCode: code }, { token: alice.token })

    const wrong = await unbind(otherCode(passCode))
    const right = await unbind(passCode)

    expect(wrong).toMatchObject({ statusCode: 499, apiCode: 2001 })
    expect(right).toMatchObject({ statusCode: 200 })
  })

  it('ends the other sessions and keeps this one (rule 15)', async () => {
    await using app = await startTestApp()
    const alice = await personWithPhone(app)
    const other = (await alice.signIn()).data

    await unbindPhone(app, alice)

    const seen = await app.get('/api/v3/get-profile', { token: other.access_token })
    expect(seen).toMatchObject({ statusCode: 401, apiCode: 2020 })
    expect((await alice.profile()).statusCode).toBe(200)
  })

  it('tells the number and the email address (rule 15)', async () => {
    await using app = await startTestApp()
    const alice = await personWithEmail(app, 'alice@example.com')

    await unbindPhone(app, alice)

    expect(await purposesSentTo(app, alice.phone)).toContain('phone_unbound')
    expect(await purposesSentTo(app, alice.email)).toContain('phone_unbound')
  })

  it('stays in the history and in the audit log (rule 18)', async () => {
    await using app = await startTestApp()
    const alice = await personWithPhone(app)

    await unbindPhone(app, alice)

    expect(await historyOf(app, alice.userId)).toMatchObject([
      { phone: masked(alice.phone), endReason: 'unbound' },
    ])
    expect(await eventsOf(app, alice.userId)).toContain('phone.unbound')
  })

  it('makes the token of a change useless', async () => {
    await using app = await startTestApp()
    const alice = await personWithPhone(app)
    const codes = await bothCodes(app, alice, '18866660000')
    const verified = await verifyChange(app, alice.token, codes)
    app.clock.advance(1)
    // The code of CHANNEL_UNBIND_PHONE is spent, and another one is a minute away: a stranger's request has its own.
    await app.sendSms('CHANNEL_UNBIND_PHONE', alice.phone)
    const passCode = await app.lastCode(alice.phone)
    await app.post('/api/v3/unbind-phone', { passCode }, { token: alice.token })

    const refused = await updatePhone(app, alice.token, verified.data.updatePhoneToken)

    expect(refused).toMatchObject({ statusCode: 403, apiCode: 1020020 })
    expect(await phoneOf(app, alice.token)).toBeUndefined()
  })

  it.each([
    ['no body', {}],
    ['an empty body of JSON', { 'content-type': 'application/json' }],
  ])('says to a call with %s which code is missing and where it comes from', async (_what, contentType) => {
    await using app = await startTestApp()
    const alice = await personWithPhone(app)

    const refused = await bodiless(app, alice.token, contentType)

    expect(refused).toMatchObject({ statusCode: 400 })
    expect(refused.data.errors).toEqual([
      { field: 'passCode', message: expect.stringContaining('CHANNEL_UNBIND_PHONE') },
    ])
  })
})
