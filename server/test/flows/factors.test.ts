import { describe, expect, it } from 'vitest'
import { newPhone, otherCode, startTestApp } from '../support/app.ts'
import {
  enrollFactor,
  enrollOtp,
  factorsOf,
  requestOtp,
  verifyRecoveryCode,
  verifyTotp,
} from '../support/authenticator.ts'
import {
  personWithPhone,
  phoneOf,
  provenChange,
  receiveCode,
  unbindPhone,
  updatePhone,
  verifyChange,
} from '../support/phone-changes.ts'

type Owner = { token: string }
type App = Awaited<ReturnType<typeof startTestApp>>

const requestSms = (app: App, { token }: Owner, phoneNumber: string) =>
  app.post('/api/v3/send-enroll-factor-request', { factorType: 'SMS', profile: { phoneNumber } }, { token })

const requestEmail = (app: App, { token }: Owner, email: string) =>
  app.post('/api/v3/send-enroll-factor-request', { factorType: 'EMAIL', profile: { email } }, { token })

const toEnroll = async (app: App, { token }: Owner) =>
  (await app.get('/api/v3/list-factors-to-enroll', { token })).data.map(
    ({ factorType }: { factorType: string }) => factorType,
  )

const reset = (app: App, { token }: Owner, factorId: string) =>
  app.post('/api/v3/reset-factor', { factorId }, { token })

describe('an authenticator app', () => {
  it('is enrolled by the code that it shows for the new secret', async () => {
    await using app = await startTestApp()
    const alice = await app.signUp()
    const { enrollmentToken, authenticator } = await requestOtp(app, alice)

    const enrolled = await enrollFactor(
      app,
      { factorType: 'OTP', enrollmentToken, passCode: authenticator.code() },
      alice,
    )

    expect(enrolled).toMatchObject({ status: 200, statusCode: 200 })
    expect(await factorsOf(app, alice)).toEqual([
      { factorId: expect.any(String), factorType: 'OTP', profile: {} },
    ])
    expect(await toEnroll(app, alice)).toEqual(['SMS', 'EMAIL'])
  })

  it('reads issuer and account from the QR code, so that one knows what a code is for', async () => {
    await using app = await startTestApp()
    const alice = await app.signUp({ username: 'alice' })

    const { authenticator } = await requestOtp(app, alice)

    const uri = new URL(authenticator.uri)
    const name = encodeURIComponent(app.application.name)
    expect(`${uri.protocol}//${uri.host}${uri.pathname}`).toBe(`otpauth://totp/${name}:alice`)
    expect(Object.fromEntries(uri.searchParams)).toEqual({
      issuer: app.application.name,
      secret: expect.stringMatching(/^[A-Z2-7]{32}$/),
      algorithm: 'SHA1',
      digits: '6',
      period: '30',
    })
  })

  it('proves that it is there, and the session has then proved a factor (rule 14)', async () => {
    await using app = await startTestApp()
    const alice = await app.signUp()
    const { authenticator } = await enrollOtp(app, alice)

    const verified = await verifyTotp(app, authenticator.code(), alice)

    expect(verified).toMatchObject({ statusCode: 200, data: { verified: true } })
    const events = await app.app.audit.eventsOf(app.application.poolId, alice.userId)
    expect(events.slice(-2)).toMatchObject([
      { type: 'factor.enrolled', detail: { factorType: 'OTP' }, ip: '127.0.0.1' },
      { type: 'factor.proved', detail: { factorType: 'OTP' }, application_id: app.application.id },
    ])
  })

  it.each([
    ['a clock that is half a minute slow', -30, 200],
    ['a clock that is half a minute fast', 30, 200],
    ['a clock that is two minutes slow', -120, 6001],
    ['a clock that is two minutes fast', 120, 6001],
  ])('on a phone with %s: %i seconds give %i', async (_clock, off, code) => {
    await using app = await startTestApp()
    const alice = await app.signUp()
    const { authenticator } = await enrollOtp(app, alice)
    app.clock.advance(60)

    const verified = await verifyTotp(app, authenticator.code(off), alice)

    expect(verified.apiCode ?? verified.statusCode).toBe(code)
  })

  it('takes the code as people type it', async () => {
    await using app = await startTestApp()
    const alice = await app.signUp()
    const { authenticator } = await enrollOtp(app, alice)
    const code = authenticator.code()

    const verified = await verifyTotp(app, ` ${code.slice(0, 3)} ${code.slice(3)} `, alice)

    expect(verified.data).toEqual({ verified: true })
  })

  it('counts for the security page, beside the password', async () => {
    await using app = await startTestApp()
    const alice = await app.signUp()
    const before = await app.get('/api/v3/get-security-info', { token: alice.token })

    await enrollOtp(app, alice)

    const after = await app.get('/api/v3/get-security-info', { token: alice.token })
    expect(before.data).toMatchObject({ mfaEnrolled: false, securityScore: 40 })
    expect(after.data).toMatchObject({ mfaEnrolled: true, securityScore: 60 })
  })

  it('that shows a wrong code is not enrolled, and may try again with the same token', async () => {
    await using app = await startTestApp()
    const alice = await app.signUp()
    const { enrollmentToken, authenticator } = await requestOtp(app, alice)
    const enroll = (passCode: string) =>
      enrollFactor(app, { factorType: 'OTP', enrollmentToken, passCode }, alice)

    const wrong = await enroll(authenticator.wrongCode())

    expect(wrong).toMatchObject({ statusCode: 499, apiCode: 6001 })
    expect(await factorsOf(app, alice)).toEqual([])
    expect(await enroll(authenticator.code())).toMatchObject({ statusCode: 200 })
  })

  it('has five minutes to be set up', async () => {
    await using app = await startTestApp()
    const alice = await app.signUp()
    const { enrollmentToken, authenticator } = await requestOtp(app, alice)
    app.clock.advance(301)

    const late = await enrollFactor(
      app,
      { factorType: 'OTP', enrollmentToken, passCode: authenticator.code() },
      alice,
    )

    expect(late).toMatchObject({ statusCode: 403, apiCode: 1020020 })
  })

  it('is one: a second is refused until the first is removed', async () => {
    await using app = await startTestApp()
    const alice = await app.signUp()
    const pending = await requestOtp(app, alice)
    const { factorId } = await enrollOtp(app, alice)
    const passCode = pending.authenticator.code()

    const asked = await app.post('/api/v3/send-enroll-factor-request', { factorType: 'OTP' }, alice)
    const older = await enrollFactor(app, { ...pending, factorType: 'OTP', passCode }, alice)

    expect(asked).toMatchObject({ statusCode: 409, apiCode: 8800019 })
    expect(older).toMatchObject({ statusCode: 409, apiCode: 8800019 })
    await reset(app, alice, factorId)
    const second = await enrollOtp(app, alice)
    expect(second.factorId).not.toBe(factorId)
  })

  it('that was removed proves nothing any more', async () => {
    await using app = await startTestApp()
    const alice = await app.signUp()
    const { factorId, authenticator } = await enrollOtp(app, alice)
    await reset(app, alice, factorId)

    const verified = await verifyTotp(app, authenticator.code(), alice)

    expect(verified).toMatchObject({ statusCode: 404, apiCode: 8800011, data: { verified: false } })
    expect(await factorsOf(app, alice)).toEqual([])
    expect(await toEnroll(app, alice)).toContain('OTP')
  })

  it('is known to every process of the server', async () => {
    await using app = await startTestApp()
    const alice = await app.signUp()
    const { authenticator } = await enrollOtp(app, alice)
    const other = await app.secondProcess()

    const verified = await verifyTotp(other, authenticator.code(), alice)

    expect(verified.data).toEqual({ verified: true })
  })
})

describe('the recovery code', () => {
  it('proves a factor in place of the app, as people copy it from paper', async () => {
    await using app = await startTestApp()
    const alice = await app.signUp()
    const { recoveryCode } = await enrollOtp(app, alice)
    const copied = recoveryCode.toLowerCase().replaceAll('-', ' ').replaceAll('0', 'o').replaceAll('1', 'l')

    const verified = await verifyRecoveryCode(app, copied, alice)

    expect(recoveryCode).toMatch(/^[0-9A-HJKMNP-TV-Z]{5}(-[0-9A-HJKMNP-TV-Z]{5}){4}$/)
    expect(verified).toMatchObject({ statusCode: 200, data: { verified: true } })
    const events = await app.app.audit.eventsOf(app.application.poolId, alice.userId)
    expect(events.at(-1)).toMatchObject({ type: 'factor.proved', detail: { factorType: 'RECOVERY_CODE' } })
  })

  it('works once; the app works on', async () => {
    await using app = await startTestApp()
    const alice = await app.signUp()
    const { recoveryCode, authenticator } = await enrollOtp(app, alice)
    await verifyRecoveryCode(app, recoveryCode, alice)

    const again = await verifyRecoveryCode(app, recoveryCode, alice)

    expect(again).toMatchObject({ statusCode: 499, apiCode: 6002, data: { verified: false } })
    expect((await verifyTotp(app, authenticator.code(), alice)).data).toEqual({ verified: true })
  })

  it('lets who lost the app remove it, and enroll another', async () => {
    await using app = await startTestApp()
    const alice = await app.signUp()
    const { factorId, recoveryCode } = await enrollOtp(app, alice)
    app.clock.advance(3600)
    await verifyRecoveryCode(app, recoveryCode, alice)

    const removed = await reset(app, alice, factorId)

    expect(removed).toMatchObject({ statusCode: 200 })
    expect((await enrollOtp(app, alice)).recoveryCode).not.toBe(recoveryCode)
  })
})

describe('a factor by SMS', () => {
  it('is enrolled by the code that was sent to it, and may be another phone than the account has', async () => {
    await using app = await startTestApp()
    const alice = await app.signUp()
    await alice.bindPhone(await alice.receiveCode())
    const second = newPhone()
    const { data } = await requestSms(app, alice, second)

    const enrolled = await enrollFactor(
      app,
      { factorType: 'SMS', passCode: await app.lastCode(second), ...data },
      alice,
    )

    expect(enrolled).toMatchObject({ statusCode: 200 })
    expect(await factorsOf(app, alice)).toEqual([
      {
        factorId: expect.any(String),
        factorType: 'SMS',
        profile: { phoneNumber: second, phoneCountryCode: '+86' },
      },
    ])
    expect((await alice.profile()).data.phone).toBe(alice.phone)
    const events = await app.app.audit.eventsOf(app.application.poolId, alice.userId)
    expect(events.at(-1)).toMatchObject({
      type: 'factor.enrolled',
      detail: { factorType: 'SMS', phone: `+86*******${second.slice(-2)}` },
    })
    expect(JSON.stringify(events)).not.toContain(second)
  })

  it('is sent a code under the limits of send-sms', async () => {
    await using app = await startTestApp()
    const alice = await app.signUp()
    await requestSms(app, alice, alice.phone)

    const again = await requestSms(app, alice, alice.phone)

    expect(again).toMatchObject({ statusCode: 429, apiCode: 8800007 })
    expect(again.data.retryAfterSeconds).toBeGreaterThan(50)
  })

  it('takes the right code after a wrong one, with the same token', async () => {
    await using app = await startTestApp()
    const alice = await app.signUp()
    const { data } = await requestSms(app, alice, alice.phone)
    const code = await app.lastCode(alice.phone)
    const enroll = (passCode: string) => enrollFactor(app, { factorType: 'SMS', passCode, ...data }, alice)

    const wrong = await enroll(otherCode(code))

    expect(wrong).toMatchObject({ statusCode: 499, apiCode: 2001 })
    expect(await enroll(code)).toMatchObject({ statusCode: 200 })
    expect(await enroll(code)).toMatchObject({ apiCode: 1020020 })
  })

  it('counts wrong codes as every passcode does (rule 7)', async () => {
    await using app = await startTestApp({ DIALTONE_PASSCODE_ATTEMPTS: '2' })
    const alice = await app.signUp()
    const { data } = await requestSms(app, alice, alice.phone)
    const code = await app.lastCode(alice.phone)
    const enroll = (passCode: string) => enrollFactor(app, { factorType: 'SMS', passCode, ...data }, alice)

    const replies = [await enroll(otherCode(code)), await enroll(otherCode(code, 2)), await enroll(code)]

    expect(replies.map(({ apiCode }) => apiCode)).toEqual([2001, 2001, 8800001])
  })

  it('is told when the right code came too late', async () => {
    await using app = await startTestApp({ DIALTONE_PASSCODE_TTL_SECONDS: '60' })
    const alice = await app.signUp()
    const { data } = await requestSms(app, alice, alice.phone)
    const passCode = await app.lastCode(alice.phone)
    app.clock.advance(61)

    const late = await enrollFactor(app, { factorType: 'SMS', passCode, ...data }, alice)

    expect(late).toMatchObject({ statusCode: 499, apiCode: 2300 })
  })
})

describe('a factor by email', () => {
  it('is enrolled by the code that was sent there', async () => {
    await using app = await startTestApp()
    const alice = await app.signUp()
    const { data } = await requestEmail(app, alice, 'Ada@Example.com')

    const enrolled = await enrollFactor(
      app,
      { factorType: 'EMAIL', passCode: await app.lastCode('ada@example.com'), ...data },
      alice,
    )

    expect(enrolled).toMatchObject({ statusCode: 200 })
    expect(await factorsOf(app, alice)).toMatchObject([
      { factorType: 'EMAIL', profile: { email: 'ada@example.com' } },
    ])
    const events = await app.app.audit.eventsOf(app.application.poolId, alice.userId)
    expect(events.at(-1)?.detail).toMatchObject({ factorType: 'EMAIL', email: 'a***@example.com' })
  })

  it('has a code that no other call can send', async () => {
    await using app = await startTestApp()

    const sent = await app.sendEmail('enroll_factor', 'ada@example.com')

    expect(sent).toMatchObject({ statusCode: 400, apiCode: 8800012 })
  })
})

describe('a request to enroll', () => {
  it.each([
    ['a face', { factorType: 'FACE' }, 8800013],
    ['a phone without a number', { factorType: 'SMS' }, 8800012],
    ['a phone with no possible number', { factorType: 'SMS', profile: { phoneNumber: '1' } }, 2028],
    ['an address without one', { factorType: 'EMAIL', profile: {} }, 8800012],
    ['an address that is none', { factorType: 'EMAIL', profile: { email: 'ada' } }, 2003],
    ['something else', { factorType: 'KNOCK' }, 8800012],
  ])('%s is refused', async (_what, body, apiCode) => {
    await using app = await startTestApp()
    const alice = await app.signUp()

    const refused = await app.post('/api/v3/send-enroll-factor-request', body, alice)

    expect(refused.apiCode).toBe(apiCode)
  })

  it('an address where no email is sent is refused', async () => {
    await using app = await startTestApp({ DIALTONE_INBOX: 'off' })
    const alice = await app.signUp()

    const refused = await requestEmail(app, alice, 'ada@example.com')

    expect(refused).toMatchObject({ statusCode: 422 })
  })
})

describe('a code that is missing', () => {
  it.each([
    ['of an app', 'OTP', undefined, 6003],
    ['of an app, left blank', 'OTP', ' ', 6003],
    ['of an app, in letters', 'OTP', 'abcdef', 8800012],
    ['of a phone', 'SMS', undefined, 8800012],
    ['of a face', 'FACE', undefined, 8800013],
  ])('%s is told before anything is counted', async (_what, factorType, passCode, apiCode) => {
    await using app = await startTestApp()
    const alice = await app.signUp()

    const refused = await enrollFactor(app, { factorType, enrollmentToken: 'x', passCode }, alice)

    expect(refused.apiCode).toBe(apiCode)
  })

  it.each([
    ['nothing at all', {}, 6003],
    ['an empty code', { totp: '' }, 6003],
    ['five digits', { totp: '12345' }, 8800012],
    ['an empty recovery code', { recoveryCode: ' ' }, 6004],
  ])('%s proves nothing', async (_what, body, apiCode) => {
    await using app = await startTestApp()
    const alice = await app.signUp()
    await enrollOtp(app, alice)

    const refused = await app.post('/api/v3/mfa-totp-verify', body, alice)

    expect(refused).toMatchObject({ apiCode, data: { verified: false } })
  })
})

describe('reset-factor', () => {
  it('removes a factor within five minutes of signing in', async () => {
    await using app = await startTestApp()
    const alice = await app.signUp()
    const { factorId } = await enrollOtp(app, alice)

    const removed = await reset(app, alice, factorId)

    expect(removed).toMatchObject({ statusCode: 200 })
    expect(await factorsOf(app, alice)).toEqual([])
    const events = await app.app.audit.eventsOf(app.application.poolId, alice.userId)
    expect(events.at(-1)).toMatchObject({ type: 'factor.removed', detail: { factorType: 'OTP' } })
  })

  it('wants a proof later on: a code of the app', async () => {
    await using app = await startTestApp()
    app.clock.stop()
    const alice = await app.signUp()
    const { factorId, authenticator } = await enrollOtp(app, alice)
    app.clock.advance(300)

    const refused = await reset(app, alice, factorId)

    expect(refused).toMatchObject({ statusCode: 403, apiCode: 8800022 })
    await verifyTotp(app, authenticator.code(), alice)
    app.clock.advance(299)
    expect(await reset(app, alice, factorId)).toMatchObject({ statusCode: 200 })
  })

  it('takes a new sign-in for a proof', async () => {
    await using app = await startTestApp()
    const alice = await app.signUp()
    const { factorId } = await enrollOtp(app, alice)
    app.clock.advance(3600)
    const { data } = await alice.signIn()

    const removed = await reset(app, { token: data.access_token }, factorId)

    expect(removed).toMatchObject({ statusCode: 200 })
  })
})

describe('a phone that is lost', () => {
  it('is changed within five minutes of a code of the app, without a code of the old number (rule 14)', async () => {
    await using app = await startTestApp()
    const alice = await personWithPhone(app)
    const { authenticator } = await enrollOtp(app, alice)
    app.clock.advance(3600)
    const newPhoneNumber = newPhone()
    const newPhonePassCode = await receiveCode(app, alice.token, 'CHANNEL_BIND_PHONE', newPhoneNumber)
    const request = () => verifyChange(app, alice.token, { newPhoneNumber, newPhonePassCode })
    const before = await request()
    await verifyTotp(app, authenticator.code(), alice)

    const proved = await request()
    const changed = await updatePhone(app, alice.token, proved.data.updatePhoneToken)

    expect(before).toMatchObject({ statusCode: 403, apiCode: 2038 })
    expect(changed).toMatchObject({ statusCode: 200, data: { success: true } })
    expect(await phoneOf(app, alice.token)).toBe(newPhoneNumber)
  })

  it('is not changed by an app that a mere password enrolled (rule 14)', async () => {
    await using app = await startTestApp()
    const alice = await personWithPhone(app)
    app.clock.advance(600)
    const token: string = (await alice.signIn()).data.access_token
    const { authenticator } = await enrollOtp(app, { token })
    await verifyTotp(app, authenticator.code(), { token })
    const newPhoneNumber = newPhone()
    const newPhonePassCode = await receiveCode(app, token, 'CHANNEL_BIND_PHONE', newPhoneNumber)

    const refused = await verifyChange(app, token, { newPhoneNumber, newPhonePassCode })

    expect(refused).toMatchObject({ statusCode: 403, apiCode: 2038 })
  })
})

describe('the SMS factor of the account’s own phone', () => {
  const enrollOwnPhone = async (app: App, alice: { token: string; phone: string }) => {
    const { data } = await requestSms(app, alice, alice.phone)
    const passCode = await app.lastCode(alice.phone)
    await enrollFactor(app, { factorType: 'SMS', passCode, ...data }, alice)
  }

  it('goes along when the phone is changed', async () => {
    await using app = await startTestApp()
    const alice = await personWithPhone(app)
    await enrollOwnPhone(app, alice)
    const number = newPhone()

    await updatePhone(app, alice.token, await provenChange(app, alice, number))

    expect(await factorsOf(app, alice)).toMatchObject([
      { factorType: 'SMS', profile: { phoneNumber: number, phoneCountryCode: '+86' } },
    ])
  })

  it('goes when the phone is unbound (rule 16)', async () => {
    await using app = await startTestApp()
    const alice = await personWithPhone(app)
    await enrollOwnPhone(app, alice)

    const unbound = await unbindPhone(app, alice)

    expect(unbound).toMatchObject({ statusCode: 200 })
    expect(await factorsOf(app, alice)).toEqual([])
  })
})
