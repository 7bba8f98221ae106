// A change that costs nobody a code by SMS is told by SMS: a pump, if it were not limited (rules 20 and 22).
import { describe, expect, it } from 'vitest'
import { newPhone, startTestApp, type TestApp } from '../support/app.ts'
import { bindEmail, emailCode, proofsOfChange, requestChange, updateEmail } from '../support/email.ts'
import { noticesTo } from '../support/notices.ts'
import { resetPassword, resetToken, updatePassword } from '../support/passwords.ts'
import { personWithPhone } from '../support/phone-changes.ts'
import { tally } from '../support/replies.ts'
import { startSmsApp } from '../support/sms.ts'

const password = 'correct horse battery'
const email = 'ada@example.com'
const limited = { statusCode: 429, apiCode: 8800008, data: { retryAfterSeconds: expect.any(Number) } }
const once = { DIALTONE_ACCOUNT_CHANGES_HOUR: '1' }

/** Changes the password to what it is already. */
const change = (app: Pick<TestApp, 'post'>, token: string) =>
  updatePassword(app, token, { oldPassword: password, newPassword: password })

const unbind = async (app: TestApp, person: { token: string }) => {
  const passCode = await emailCode(app, person, { to: email, channel: 'CHANNEL_UNBIND_EMAIL' })
  return app.post('/api/v3/unbind-email', { passCode }, { token: person.token })
}

describe('changes for the sake of their notices', () => {
  it('end after ten passwords in an hour, for every session of the account, and go on after it', async () => {
    await using app = await startTestApp()
    const mallory = await personWithPhone(app)

    const replies = []
    for (let step = 0; step < 20; step += 1) replies.push(await change(app, mallory.token))
    const elsewhere = await change(app, (await mallory.signIn()).data.access_token)

    expect(tally(replies)).toEqual({ 200: 10, 8800008: 10 })
    expect(elsewhere).toMatchObject(limited)
    expect(await noticesTo(app, mallory.phone)).toHaveLength(10)
    app.clock.advance(3601)
    expect(await change(app, (await mallory.signIn()).data.access_token)).toMatchObject({ statusCode: 200 })
  })

  it('end after ten binds and unbinds of an address, and the code of a refused one is not spent', async () => {
    await using app = await startTestApp({ DIALTONE_MESSAGES_PER_RECIPIENT_HOUR: '100' })
    const mallory = await personWithPhone(app)
    for (let round = 0; round < 5; round += 1) {
      expect(await bindEmail(app, mallory, email)).toMatchObject({ statusCode: 200 })
      expect(await unbind(app, mallory)).toMatchObject({ statusCode: 200 })
      app.clock.advance(61)
    }
    app.clock.advance(3600 - 5 * 61 - 60)
    const passCode = await emailCode(app, mallory, { to: email, channel: 'CHANNEL_BIND_EMAIL' })
    const bind = () => app.post('/api/v3/bind-email', { email, passCode }, { token: mallory.token })

    const refused = await bind()

    expect(refused).toMatchObject(limited)
    expect(await noticesTo(app, mallory.phone)).toHaveLength(10)
    app.clock.advance(61)
    expect(await bind()).toMatchObject({ statusCode: 200 })
  })

  it('end with a change of the address, whose token is not spent', async () => {
    await using app = await startTestApp(once)
    const mallory = await personWithPhone(app)
    await bindEmail(app, mallory, email)
    app.clock.advance(3580)
    const proofs = await proofsOfChange(app, mallory, { from: email, to: 'eve@example.com' })
    const { data } = await requestChange(app, mallory, proofs)

    const refused = await updateEmail(app, mallory, data.updateEmailToken)

    expect(refused).toMatchObject(limited)
    app.clock.advance(25)
    expect(await updateEmail(app, mallory, data.updateEmailToken)).toMatchObject({ statusCode: 200 })
  })

  it('are no more than the limit also where two are made at the same time', async () => {
    await using app = await startTestApp(once)
    const mallory = await personWithPhone(app)
    const passCode = await emailCode(app, mallory, { to: email, channel: 'CHANNEL_BIND_EMAIL' })

    const replies = await Promise.all([
      app.post('/api/v3/bind-email', { email, passCode }, { token: mallory.token }),
      change(app, mallory.token),
    ])

    expect(tally(replies)).toEqual({ 200: 1, 8800008: 1 })
    expect(await noticesTo(app, mallory.phone)).toHaveLength(1)
  })

  it('are not counted where the password or the code was wrong', async () => {
    await using app = await startTestApp(once)
    const alice = await personWithPhone(app)

    const wrong = [
      await updatePassword(app, alice.token, { oldPassword: 'wrong', newPassword: password }),
      await app.post('/api/v3/bind-email', { email, passCode: '123456' }, { token: alice.token }),
    ]

    expect(wrong.map(({ apiCode }) => apiCode)).toEqual([1320011, 2001])
    expect(await change(app, alice.token)).toMatchObject({ statusCode: 200 })
  })

  it('by a thief leave the owner the reset by a code (rule 8), which is limited apart', async () => {
    await using app = await startTestApp(once)
    const alice = await personWithPhone(app)
    await bindEmail(app, alice, email)
    expect(await change(app, alice.token)).toMatchObject(limited)

    const reset = await resetPassword(app, await resetToken(app, email), password)
    app.clock.advance(61)
    const token = await resetToken(app, email)
    const again = await resetPassword(app, token, password)

    expect(reset).toMatchObject({ statusCode: 200 })
    expect(again).toMatchObject(limited)
    app.clock.advance(3540)
    expect(await resetPassword(app, token, password)).toMatchObject({ apiCode: 1020020 })
    expect(await resetPassword(app, await resetToken(app, email), password)).toMatchObject({
      statusCode: 200,
    })
  })
})

describe('the price of notices', () => {
  const toInbox = [{ name: 'inbox', serves: {}, steps: [{ provider: 'inbox' }] }]

  it('is in the budget, which refuses codes by it, and never holds back a notice', async () => {
    const budget = { currency: 'USD', perHour: '0.01', perDay: '0.01', assumedPrice: '0.05' }
    await using app = await startSmsApp({ routes: toInbox, policy: { budget } })
    const alice = await personWithPhone(app)
    await app.setRoutes([{ name: 'all', serves: {}, steps: [{ provider: 'twilio', price: '0.02' }] }])

    for (let step = 0; step < 3; step += 1) {
      await change(app, alice.token)
      await app.app.work()
    }

    expect(app.textsOn(alice.phone)).toHaveLength(3)
    const { hour, day } = await app.app.guard.spending(app.poolId)
    const tries = (await app.messagesTo(alice.phone)).flatMap(({ attempts }) => attempts)
    const price = tries.reduce((sum, { price_micros }) => sum + Number(price_micros ?? 0), 0)
    expect(price).toBeGreaterThanOrEqual(3 * 20_000)
    expect([hour.usedMicros, day.usedMicros]).toEqual([price, price])
    expect(await app.sendSms('CHANNEL_REGISTER', newPhone())).toMatchObject({ apiCode: 8800008 })
  })
})
