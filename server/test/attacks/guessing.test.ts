import { describe, expect, it } from 'vitest'
import { newPhone, otherCode, startTestApp, type TestApp } from '../support/app.ts'
import { atOnce, collide, tally } from '../support/replies.ts'

type Calls = Pick<TestApp, 'post'>

const preCheck = (app: Calls, phone: string, passCode: string, channel = 'CHANNEL_BIND_PHONE') =>
  app.post('/api/v3/pre-check-code', { codeType: 'SMS', smsCodePayload: { phone, passCode, channel } })

describe('guessing passcodes', () => {
  it('gets the right code through once, however often it comes at once (rule 5)', async () => {
    await using app = await startTestApp()
    const alice = await app.signUp()
    const code = await alice.receiveCode()

    const replies = await collide(app, { on: 'passcodes', waiting: 15 }, () =>
      atOnce(100, () => alice.bindPhone(code)),
    )

    const { 200: bound, 2001: spent = 0, 8800002: hasPhone = 0, ...others } = tally(replies)
    expect(bound).toBe(1)
    expect(spent + hasPhone).toBe(99)
    expect(others).toEqual({})
    const events = await app.app.audit.eventsOf(app.application.poolId, alice.userId)
    expect(events.filter(({ type }) => type === 'phone.bound')).toHaveLength(1)
  })

  it('is told of five wrong codes, of a hundred at once, and then locked out of the right one (rule 5)', async () => {
    await using app = await startTestApp()
    const alice = await app.signUp()
    const code = await alice.receiveCode()

    const replies = await collide(app, { on: 'passcodes', waiting: 15 }, () =>
      atOnce(100, (index) => alice.bindPhone(otherCode(code, index + 1))),
    )

    expect(tally(replies)).toEqual({ 2001: 5, 8800001: 95 })
    expect(await alice.bindPhone(code)).toMatchObject({ statusCode: 429, apiCode: 8800001 })
    expect((await alice.profile()).data.phone).toBeUndefined()
  })

  it('is stopped at five by any number of server processes (rule 7)', async () => {
    await using app = await startTestApp()
    const second = await app.secondProcess()
    const phone = newPhone()
    await app.sendSms('CHANNEL_BIND_PHONE', phone)
    const code = await app.lastCode(phone)

    const replies = await atOnce(40, (index) =>
      preCheck(index % 2 === 0 ? app : second, phone, otherCode(code, index + 1)),
    )

    expect(tally(replies)).toEqual({ 200: 5, 8800001: 35 })
    expect(replies.filter(({ data }) => data.isValid === true)).toEqual([])
  })

  it('gains no attempts from a resend or a restart (rules 4 and 7)', async () => {
    await using app = await startTestApp()
    const alice = await app.signUp()
    const code = await alice.receiveCode()
    for (const step of [1, 2, 3]) await alice.bindPhone(otherCode(code, step))
    app.clock.advance(61)

    const resent = await alice.receiveCode()
    const restarted = await app.secondProcess()
    const bind = (passCode: string) =>
      restarted.post('/api/v3/bind-phone', { phoneNumber: alice.phone, passCode }, { token: alice.token })

    expect(resent).toBe(code)
    expect(await bind(otherCode(code, 4))).toMatchObject({ apiCode: 2001 })
    expect(await bind(otherCode(code, 5))).toMatchObject({ apiCode: 2001 })
    expect(await bind(code)).toMatchObject({ apiCode: 8800001 })
  })

  it('has 20 wrong codes an hour for an account, however many new codes come (rule 7)', async () => {
    await using app = await startTestApp()
    const alice = await app.signUp()
    for (const _round of [1, 2, 3, 4]) {
      const code = await alice.receiveCode()
      const replies = await atOnce(5, (index) => alice.bindPhone(otherCode(code, index + 1)))
      expect(tally(replies)).toEqual({ 2001: 5 })
      app.clock.advance(301)
    }
    const fresh = await alice.receiveCode()

    const refused = await alice.bindPhone(fresh)

    expect(refused).toMatchObject({ statusCode: 429, apiCode: 8800001 })
    app.clock.advance(refused.data.retryAfterSeconds)
    expect(await alice.bindPhone(await alice.receiveCode())).toMatchObject({ statusCode: 200 })
  })

  it('has 20 wrong codes an hour for an account, on whatever numbers (rule 7)', async () => {
    await using app = await startTestApp()
    const mallory = await app.signUp()
    for (const number of [newPhone(), newPhone(), newPhone(), newPhone()]) {
      const code = await mallory.receiveCode('CHANNEL_BIND_PHONE', number)
      await atOnce(5, (index) => mallory.bindPhone(otherCode(code, index + 1), number))
    }

    const fifth = await mallory.bindPhone(await mallory.receiveCode())

    expect(fifth).toMatchObject({ statusCode: 429, apiCode: 8800001 })
    expect(fifth.data.retryAfterSeconds).toBeGreaterThan(3500)
  })

  it('has 20 wrong codes an hour for a number, of whatever purpose (rule 7)', async () => {
    await using app = await startTestApp()
    const phone = newPhone()
    const channels = ['CHANNEL_LOGIN', 'CHANNEL_REGISTER', 'CHANNEL_BIND_PHONE', 'CHANNEL_COMPLETE_PHONE']
    for (const channel of channels) {
      await app.sendSms(channel, phone)
      const code = await app.lastCode(phone)
      for (const step of [1, 2, 3, 4, 5]) await preCheck(app, phone, otherCode(code, step), channel)
    }
    await app.sendSms('CHANNEL_IDENTITY_VERIFICATION', phone)
    const code = await app.lastCode(phone)

    const refused = await preCheck(app, phone, code, 'CHANNEL_IDENTITY_VERIFICATION')

    expect(refused).toMatchObject({ statusCode: 429, apiCode: 8800001 })
    app.clock.advance(refused.data.retryAfterSeconds)
    await app.sendSms('CHANNEL_IDENTITY_VERIFICATION', phone)
    const later = await preCheck(app, phone, await app.lastCode(phone), 'CHANNEL_IDENTITY_VERIFICATION')
    expect(later.data).toEqual({ isValid: true })
  })

  it('has one wrong code left after 19, for however many that come at once, and no right one (rule 7)', async () => {
    await using app = await startTestApp()
    const mallory = await app.signUp()
    const numbers = Array.from({ length: 4 }, newPhone)
    for (const [index, number] of numbers.entries()) {
      const code = await mallory.receiveCode('CHANNEL_BIND_PHONE', number)
      const times = index === 0 ? 4 : 5
      for (let step = 1; step <= times; step += 1) await mallory.bindPhone(otherCode(code, step), number)
    }
    const phone = newPhone()
    const code = await mallory.receiveCode('CHANNEL_BIND_PHONE', phone)

    const replies = await collide(app, { on: 'limit_counters', waiting: 5 }, () =>
      atOnce(5, (index) => mallory.bindPhone(otherCode(code, index + 1), phone)),
    )

    expect(tally(replies)).toEqual({ 2001: 1, 8800001: 4 })
    expect(await mallory.bindPhone(code, phone)).toMatchObject({ statusCode: 429, apiCode: 8800001 })
  })

  it('for a number ends at 20 also where they come at once for several purposes (rule 7)', async () => {
    await using app = await startTestApp()
    const phone = newPhone()
    const channels = ['CHANNEL_LOGIN', 'CHANNEL_REGISTER', 'CHANNEL_BIND_PHONE', 'CHANNEL_COMPLETE_PHONE']
    const codes: Record<string, string> = {}
    for (const channel of [...channels, 'CHANNEL_IDENTITY_VERIFICATION']) {
      await app.sendSms(channel, phone)
      codes[channel] = await app.lastCode(phone)
    }
    const guess = (channel: string, step: number) =>
      preCheck(app, phone, otherCode(codes[channel] ?? '', step), channel)

    const replies = await atOnce(25, (index) =>
      guess(Object.keys(codes)[index % 5] ?? '', 1 + Math.floor(index / 5)),
    )

    expect(tally(replies)).toEqual({ 200: 20, 8800001: 5 })
  })

  it('spends the budgets of its own account and number, and of nobody else (rules 7 and 8)', async () => {
    await using app = await startTestApp()
    const [alice, mallory] = [await app.signUp(), await app.signUp()]
    const guesses = Array.from({ length: 21 }, (_, index) => String(100_000 + index))
    const answers = []
    for (const guess of guesses) answers.push(await mallory.bindPhone(guess))
    await app.sendSms('CHANNEL_BIND_PHONE', alice.phone)

    const bound = await alice.bindPhone(await app.lastCode(alice.phone))

    expect(tally(answers)).toEqual({ 2001: 20, 8800001: 1 })
    expect(bound).toMatchObject({ statusCode: 200 })
  })

  it('never ends the session of who mistypes (rule 9)', async () => {
    await using app = await startTestApp()
    const alice = await app.signUp()
    const code = await alice.receiveCode()

    for (const step of [1, 2, 3, 4, 5, 6, 7]) await alice.bindPhone(otherCode(code, step))

    expect(await alice.profile()).toMatchObject({ statusCode: 200, data: { userId: alice.userId } })
  })

  it('counts at pre-check-code as it does at the call itself', async () => {
    await using app = await startTestApp()
    const phone = newPhone()
    await app.sendSms('CHANNEL_LOGIN', phone)
    const code = await app.lastCode(phone)
    for (const step of [1, 2, 3, 4, 5]) await preCheck(app, phone, otherCode(code, step), 'CHANNEL_LOGIN')

    const signedIn = await app.post('/api/v3/signin', {
      connection: 'PASSCODE',
      passCodePayload: { phone, passCode: code },
      options: { autoRegister: true },
      client_secret: app.application.secret.reveal(),
    })

    expect(signedIn).toMatchObject({ statusCode: 429, apiCode: 8800001 })
  })

  it('leaves a code whole that pre-check-code finds right, however often', async () => {
    await using app = await startTestApp()
    const alice = await app.signUp()
    await app.sendSms('CHANNEL_BIND_PHONE', alice.phone)
    const code = await app.lastCode(alice.phone)

    const checks = await atOnce(10, () => preCheck(app, alice.phone, code))

    expect(checks.map(({ data }) => data)).toEqual(Array.from({ length: 10 }, () => ({ isValid: true })))
    expect(await alice.bindPhone(code)).toMatchObject({ statusCode: 200 })
  })

  it('spends no attempt on what cannot be a code', async () => {
    await using app = await startTestApp()
    const alice = await app.signUp()
    const code = await alice.receiveCode()

    const replies = await atOnce(10, (index) =>
      alice.bindPhone(['12345', '1234567', 'abcdef', ''][index % 4] ?? ''),
    )

    expect(tally(replies)).toEqual({ 8800012: 10 })
    expect(await alice.bindPhone(code)).toMatchObject({ statusCode: 200 })
  })
})
