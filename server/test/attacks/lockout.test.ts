import { describe, expect, it } from 'vitest'
import { otherCode, startTestApp, type TestApp } from '../support/app.ts'
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

describe('nobody locks a signed-in user out (rule 8):', () => {
  it('strangers who spend a number’s sends and guesses', async () => {
    await using app = await startTestApp()
    const alice = await app.signUp()
    await exhaust(app, alice.phone)

    const bound = await alice.bindPhone(await alice.receiveCode())

    expect(bound).toMatchObject({ statusCode: 200 })
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
