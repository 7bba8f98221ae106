import { describe, expect, it } from 'vitest'
import { sql } from '../../src/core/database.ts'
import { newPhone, otherCode, startTestApp } from '../support/app.ts'

const countries = [
  { phoneCountryCode: '+86', phoneNumber: '13800138000' },
  { phoneCountryCode: '+852', phoneNumber: '51234567' },
  { phoneCountryCode: '+1', phoneNumber: '2015550123' },
  { phoneCountryCode: '+44', phoneNumber: '7400123456' },
  { phoneCountryCode: '+49', phoneNumber: '15123456789' },
  { phoneCountryCode: '+55', phoneNumber: '11961234567' },
  { phoneCountryCode: '+65', phoneNumber: '81234567' },
  { phoneCountryCode: '+81', phoneNumber: '9012345678' },
  { phoneCountryCode: '+91', phoneNumber: '8123456789' },
]

describe('bind-phone', () => {
  it('binds a proved number to the signed-in account', async () => {
    await using app = await startTestApp()
    const alice = await app.signUp()
    const code = await alice.receiveCode()

    const bound = await alice.bindPhone(code)

    expect(bound).toMatchObject({ status: 200, statusCode: 200 })
    expect(bound.data).toBeUndefined()
    expect((await alice.profile()).data).toMatchObject({
      phone: alice.phone,
      phoneCountryCode: '+86',
      phoneVerified: true,
    })
  })

  it('takes a code that was asked for before signing in', async () => {
    await using app = await startTestApp()
    const alice = await app.signUp()
    await app.sendSms('CHANNEL_BIND_PHONE', alice.phone)

    const bound = await alice.bindPhone(await app.lastCode(alice.phone))

    expect(bound).toMatchObject({ statusCode: 200 })
  })

  it('lets the user sign in by the number from then on', async () => {
    await using app = await startTestApp()
    const alice = await app.signUp()
    await alice.bindPhone(await alice.receiveCode())
    await app.sendSms('CHANNEL_LOGIN', alice.phone)

    const signedIn = await app.post('/api/v3/signin', {
      connection: 'PASSCODE',
      passCodePayload: { phone: alice.phone, passCode: await app.lastCode(alice.phone) },
      client_secret: app.application.secret.reveal(),
    })

    const { data } = await app.get('/api/v3/get-profile', { token: signedIn.data.access_token })
    expect(data.userId).toBe(alice.userId)
  })

  it('binds numbers of every country, and shows them in their two parts', async () => {
    await using app = await startTestApp()

    const shown = await Promise.all(
      countries.map(async ({ phoneNumber, phoneCountryCode }) => {
        const { token } = await app.signUp()
        await app.sendSms('CHANNEL_BIND_PHONE', phoneNumber, { token, phoneCountryCode })
        const passCode = await app.lastCode(`${phoneCountryCode}${phoneNumber}`)
        await app.post('/api/v3/bind-phone', { phoneNumber, phoneCountryCode, passCode }, { token })
        return (await app.get('/api/v3/get-profile', { token })).data
      }),
    )

    expect(shown).toMatchObject(
      countries.map(({ phoneNumber, phoneCountryCode }) => ({ phone: phoneNumber, phoneCountryCode })),
    )
  })

  it('takes +86, 86, 0086, nothing and an empty text for the same calling code (rule 19)', async () => {
    await using app = await startTestApp()

    const replies = await Promise.all(
      ['+86', '86', '0086', '', undefined].map(async (phoneCountryCode) => {
        const { token, phone, receiveCode } = await app.signUp()
        const passCode = await receiveCode()
        return app.post('/api/v3/bind-phone', { phoneNumber: phone, phoneCountryCode, passCode }, { token })
      }),
    )

    expect(replies.map(({ statusCode }) => statusCode)).toEqual([200, 200, 200, 200, 200])
  })

  it('takes the number and the code as people type and paste them (rule 19)', async () => {
    await using app = await startTestApp()
    const alice = await app.signUp()
    const code = await alice.receiveCode()
    const wide = code.replace(/\d/g, (digit) => String.fromCodePoint(0xff10 + Number(digit)))

    const bound = await alice.bindPhone(
      ` ${wide.slice(0, 3)} ${wide.slice(3)}`,
      `+86 ${alice.phone.slice(0, 3)}-${alice.phone.slice(3)}`,
    )

    expect(bound).toMatchObject({ statusCode: 200 })
    expect((await alice.profile()).data.phone).toBe(alice.phone)
  })

  it('writes one history row and one audit event, the number masked (rules 12 and 18)', async () => {
    await using app = await startTestApp()
    const alice = await app.signUp()

    await alice.bindPhone(await alice.receiveCode())

    const events = await app.app.audit.eventsOf(app.application.poolId, alice.userId)
    const bound = events.filter(({ type }) => type === 'phone.bound')
    expect(bound).toMatchObject([
      {
        application_id: app.application.id,
        ip: '127.0.0.1',
        detail: {
          phone: `+86*******${alice.phone.slice(-2)}`,
          phoneFingerprint: expect.stringMatching(/^[\da-f]{24}$/),
        },
      },
    ])
    expect(JSON.stringify(events)).not.toContain(alice.phone)
    // No door shows the history yet.
    const history = await app.db.query(
      sql`select phone, phone_masked, ip from phone_bindings where user_id = ${alice.userId}`,
    )
    expect(history).toEqual([
      { phone: null, phone_masked: `+86*******${alice.phone.slice(-2)}`, ip: '127.0.0.1' },
    ])
  })

  it('refuses a wrong code and then takes the right one', async () => {
    await using app = await startTestApp()
    const alice = await app.signUp()
    const code = await alice.receiveCode()

    const wrong = await alice.bindPhone(otherCode(code))

    expect(wrong).toMatchObject({ status: 200, statusCode: 499, apiCode: 2001 })
    expect((await alice.profile()).data).toMatchObject({ phoneVerified: false })
    expect(await alice.bindPhone(code)).toMatchObject({ statusCode: 200 })
  })

  it('refuses a code where none was sent', async () => {
    await using app = await startTestApp()
    const alice = await app.signUp()

    const refused = await alice.bindPhone('123456')

    expect(refused).toMatchObject({ statusCode: 499, apiCode: 2001 })
  })

  it('tells of a right code that it came too late, and of a wrong one only that it is wrong', async () => {
    await using app = await startTestApp()
    const alice = await app.signUp()
    const code = await alice.receiveCode()
    app.clock.advance(301)

    const wrong = await alice.bindPhone(otherCode(code))
    const late = await alice.bindPhone(code)

    expect(wrong).toMatchObject({ statusCode: 499, apiCode: 2001 })
    expect(late).toMatchObject({ statusCode: 499, apiCode: 2300 })
    expect((await alice.profile()).data.phone).toBeUndefined()
  })

  it('takes a code until five minutes have passed (rule 2)', async () => {
    await using app = await startTestApp()
    const alice = await app.signUp()
    const code = await alice.receiveCode()
    app.clock.advance(270)

    const bound = await alice.bindPhone(code)

    expect(bound).toMatchObject({ statusCode: 200 })
  })

  it('refuses a code that was used before, by whomever (rule 5)', async () => {
    await using app = await startTestApp()
    const alice = await app.signUp()
    const bob = await app.signUp()
    await app.sendSms('CHANNEL_BIND_PHONE', alice.phone)
    const code = await app.lastCode(alice.phone)
    await alice.bindPhone(code)

    const again = await bob.bindPhone(code, alice.phone)

    expect(again).toMatchObject({ statusCode: 499, apiCode: 2001 })
  })

  it('says after five wrong codes when to try again, and keeps its word', async () => {
    await using app = await startTestApp()
    const alice = await app.signUp()
    const code = await alice.receiveCode()
    for (const step of [1, 2, 3, 4, 5]) await alice.bindPhone(otherCode(code, step))

    const refused = await alice.bindPhone(code)

    expect(refused).toMatchObject({ statusCode: 429, apiCode: 8800001 })
    expect(refused.data.retryAfterSeconds).toBeGreaterThan(240)
    expect(refused.data.retryAfterSeconds).toBeLessThanOrEqual(300)
    const tooSoon = await app.sendSms('CHANNEL_BIND_PHONE', alice.phone, { token: alice.token })
    expect(tooSoon.statusCode).toBe(429)
    app.clock.advance(refused.data.retryAfterSeconds)
    expect(await alice.bindPhone(await alice.receiveCode())).toMatchObject({ statusCode: 200 })
  })

  it('points a user who has a phone to changing it, and leaves the new number’s code unspent', async () => {
    await using app = await startTestApp()
    const alice = await app.signUp()
    await alice.bindPhone(await alice.receiveCode())
    const number = newPhone()
    const code = await alice.receiveCode('CHANNEL_BIND_PHONE', number)

    const refused = await alice.bindPhone(code, number)

    expect(refused).toMatchObject({ statusCode: 409, apiCode: 8800002 })
    expect(refused.message).toContain('update-phone')
    expect((await alice.profile()).data.phone).toBe(alice.phone)
    const smsCodePayload = { phone: number, passCode: code, channel: 'CHANNEL_BIND_PHONE' }
    const check = await app.post(
      '/api/v3/pre-check-code',
      { codeType: 'SMS', smsCodePayload },
      { token: alice.token },
    )
    expect(check.data).toEqual({ isValid: true })
  })

  it('tells that a number is taken only to who has its code (rule 10)', async () => {
    await using app = await startTestApp()
    const [alice, bob] = [await app.signUp(), await app.signUp()]
    await bob.bindPhone(await bob.receiveCode())
    const code = await alice.receiveCode('CHANNEL_BIND_PHONE', bob.phone)

    const guessed = await alice.bindPhone(otherCode(code), bob.phone)
    const proved = await alice.bindPhone(code, bob.phone)

    expect(guessed).toMatchObject({ statusCode: 499, apiCode: 2001 })
    expect(proved).toMatchObject({ statusCode: 409, apiCode: 1320004 })
    expect((await alice.profile()).data.phone).toBeUndefined()
    expect((await bob.profile()).data.phone).toBe(bob.phone)
  })
})
