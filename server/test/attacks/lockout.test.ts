import { describe, expect, it } from 'vitest'
import { otherCode, startTestApp, type TestApp } from '../support/app.ts'
import { solveCaptcha } from '../support/captcha.ts'
import { smsChannels } from '../support/replies.ts'

/** Sends on every channel until the number's hour is spent, and guesses until nobody answers any more. */
const exhaust = async (app: TestApp, phone: string, token?: string) => {
  const options = token === undefined ? {} : { token }
  const sends = []
  for (const channel of smsChannels) sends.push(await app.sendSms(channel, phone, options))
  expect(sends.at(-1)).toMatchObject({ apiCode: 8800008 })
  const guesses = []
  for (const channel of smsChannels.slice(0, 6)) {
    for (const passCode of ['000001', '000002', '000003', '000004', '000005']) {
      const smsCodePayload = { phone, passCode, channel }
      guesses.push(await app.post('/api/v3/pre-check-code', { codeType: 'SMS', smsCodePayload }, options))
    }
  }
  expect(guesses.at(-1)).toMatchObject({ apiCode: 8800001 })
}

const password = 'correct horse battery'

const signIn = (app: TestApp, body: object, options: object) =>
  app.post('/api/v3/signin', { ...body, options, client_secret: app.application.secret.reveal() })

const byPassword = (app: TestApp, account: string, typed: string, options: object) =>
  signIn(app, { connection: 'PASSWORD', passwordPayload: { account, password: typed } }, options)

/** A stranger who has a thousand networks, one after the other, a hundred at a time. */
const guessFromEverywhere = async (app: TestApp, account: string) => {
  const codes = []
  for (let start = 0; start < 1000; start += 100) {
    const guesses = Array.from({ length: 100 }, (_, index) => {
      const clientIp = `2001:db8:${(start + index).toString(16)}::1`
      return byPassword(app, account, 'a wrong one', { clientIp })
    })
    codes.push(...(await Promise.all(guesses)).map(({ apiCode }) => apiCode))
  }
  return codes
}

describe('nobody locks a user out of signing in (rule 8):', () => {
  it('a stranger with a thousand networks, who makes the owner solve a captcha and no more', async () => {
    await using app = await startTestApp()
    const alice = await app.signUp({ password })
    const codes = await guessFromEverywhere(app, alice.username)
    const home = { clientIp: '203.0.113.1' }

    const owner = await byPassword(app, alice.username, password, { ...home, ...(await solveCaptcha(app)) })

    expect(owner).toMatchObject({ statusCode: 200 })
    expect(codes.filter((code) => code === 2333)).toHaveLength(50)
    expect(codes.filter((code) => code === 2000)).toHaveLength(950)
  })

  it('a stranger who spends the passwords, and not the codes', async () => {
    await using app = await startTestApp({ DIALTONE_IDENTIFIER_FAILURES_BEFORE_CAPTCHA: '1' })
    const alice = await app.signUp({ password })
    await alice.bindPhone(await alice.receiveCode())
    const home = { clientIp: '203.0.113.1' }
    for (let step = 0; step < 25; step += 1) {
      const captcha = step === 0 ? {} : await solveCaptcha(app)
      await byPassword(app, alice.phone, 'a wrong one', { ...home, ...captcha })
    }
    await app.sendSms('CHANNEL_LOGIN', alice.phone)

    const passCodePayload = { phone: alice.phone, passCode: await app.lastCode(alice.phone) }
    const byCode = await signIn(app, { connection: 'PASSCODE', passCodePayload }, home)

    const locked = await byPassword(app, alice.phone, password, { ...home, ...(await solveCaptcha(app)) })
    expect(locked).toMatchObject({ apiCode: 2005 })
    expect(byCode).toMatchObject({ statusCode: 200 })
  })
})

describe('nobody locks a signed-in user out (rule 8):', () => {
  it('strangers who spend a number’s sends and guesses', async () => {
    await using app = await startTestApp()
    const alice = await app.signUp()
    await exhaust(app, alice.phone)

    const bound = await alice.bindPhone(await alice.receiveCode())

    expect(bound).toMatchObject({ statusCode: 200 })
  })

  it('strangers who spend all that a number gets in a day', async () => {
    await using app = await startTestApp()
    const alice = await app.signUp()
    await exhaust(app, alice.phone)
    app.clock.advance(3600)
    await exhaust(app, alice.phone)

    const bound = await alice.bindPhone(await alice.receiveCode())

    expect(bound).toMatchObject({ statusCode: 200 })
    app.clock.advance(3600)
    expect(await app.sendSms('CHANNEL_LOGIN', alice.phone)).toMatchObject({ apiCode: 8800008 })
  })

  it('strangers who do so while the user’s own code is on its way', async () => {
    await using app = await startTestApp()
    const alice = await app.signUp()
    const code = await alice.receiveCode()
    await exhaust(app, alice.phone)

    const bound = await alice.bindPhone(code)

    expect(bound).toMatchObject({ statusCode: 200 })
  })

  it('strangers, out of the second attempt after a typing error', async () => {
    await using app = await startTestApp()
    const alice = await app.signUp()
    const code = await alice.receiveCode()
    await exhaust(app, alice.phone)

    const wrong = await alice.bindPhone(otherCode(code))

    expect(wrong).toMatchObject({ apiCode: 2001 })
    expect(await alice.bindPhone(code)).toMatchObject({ statusCode: 200 })
  })

  it('another signed-in user who spends a number’s guesses', async () => {
    await using app = await startTestApp()
    const [alice, mallory] = [await app.signUp(), await app.signUp()]
    for (const guess of Array.from({ length: 21 }, (_, index) => String(100_000 + index))) {
      await mallory.bindPhone(guess, alice.phone)
    }

    const bound = await alice.bindPhone(await alice.receiveCode())

    expect(bound).toMatchObject({ statusCode: 200 })
  })

  it('another signed-in user who spends the sends and guesses of a number that is bound', async () => {
    await using app = await startTestApp()
    const [alice, mallory] = [await app.signUp(), await app.signUp()]
    await alice.bindPhone(await alice.receiveCode())
    await exhaust(app, alice.phone, mallory.token)

    const passCode = await alice.receiveCode('CHANNEL_UNBIND_PHONE')

    const smsCodePayload = { phone: alice.phone, passCode, channel: 'CHANNEL_UNBIND_PHONE' }
    const body = { codeType: 'SMS', smsCodePayload }
    expect((await app.post('/api/v3/pre-check-code', body, { token: alice.token })).data).toEqual({
      isValid: true,
    })
  })
})
