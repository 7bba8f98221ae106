import { describe, expect, it } from 'vitest'
import { newPhone, type Reply, startTestApp, type TestApp } from '../support/app.ts'
import { smsChannels, tally } from '../support/replies.ts'

/** One send after the other on different channels, so that no cooldown holds them up. */
const sendTimes = async (app: Pick<TestApp, 'sendSms'>, count: number, phone: string): Promise<Reply[]> => {
  const replies: Reply[] = []
  for (const channel of smsChannels.slice(0, count)) replies.push(await app.sendSms(channel, phone))
  return replies
}

describe('sending has limits (rule 20):', () => {
  it('one message a minute for a number and a purpose, counted by all processes together', async () => {
    await using app = await startTestApp()
    const second = await app.secondProcess()
    const phone = newPhone()
    await app.sendSms('CHANNEL_BIND_PHONE', phone)

    const refused = await second.sendSms('CHANNEL_BIND_PHONE', phone)
    const otherPurpose = await second.sendSms('CHANNEL_REGISTER', phone)

    expect(refused).toMatchObject({ status: 200, statusCode: 429, apiCode: 8800007 })
    expect(refused.data.retryAfterSeconds).toBeGreaterThan(30)
    expect(refused.data.retryAfterSeconds).toBeLessThanOrEqual(60)
    expect(otherPurpose).toMatchObject({ statusCode: 200 })
    app.clock.advance(refused.data.retryAfterSeconds)
    expect(await second.sendSms('CHANNEL_BIND_PHONE', phone)).toMatchObject({ statusCode: 200 })
  })

  it('ten messages an hour for a number, counted by all processes together', async () => {
    await using app = await startTestApp()
    const second = await app.secondProcess()
    const phone = newPhone()
    const sent = await sendTimes(app, 10, phone)

    const refused = await second.sendSms('CHANNEL_DELETE_ACCOUNT', phone)

    expect(tally(sent)).toEqual({ 200: 10 })
    expect(refused).toMatchObject({ status: 200, statusCode: 429, apiCode: 8800008 })
    expect(refused.data.retryAfterSeconds).toBeGreaterThan(3500)
    expect(refused.data.retryAfterSeconds).toBeLessThanOrEqual(3600)
    expect(await app.sendSms('CHANNEL_DELETE_ACCOUNT', newPhone())).toMatchObject({ statusCode: 200 })
    app.clock.advance(refused.data.retryAfterSeconds)
    expect(await app.sendSms('CHANNEL_DELETE_ACCOUNT', phone)).toMatchObject({ statusCode: 200 })
  })

  it('twenty messages a day for a number', async () => {
    await using app = await startTestApp()
    const phone = newPhone()
    const sent = await sendTimes(app, 10, phone)
    app.clock.advance(3600)
    sent.push(...(await sendTimes(app, 10, phone)))
    app.clock.advance(3600)

    const refused = await app.sendSms('CHANNEL_BIND_PHONE', phone)

    expect(tally(sent)).toEqual({ 200: 20 })
    expect(refused).toMatchObject({ statusCode: 429, apiCode: 8800008 })
    expect(refused.data.retryAfterSeconds).toBeGreaterThan(79_000)
    expect(refused.data.retryAfterSeconds).toBeLessThanOrEqual(79_200)
    app.clock.advance(refused.data.retryAfterSeconds)
    expect(await app.sendSms('CHANNEL_BIND_PHONE', phone)).toMatchObject({ statusCode: 200 })
  })

  it('a hundred messages an hour for a client’s address, counted by all processes together', async () => {
    await using app = await startTestApp()
    const second = await app.secondProcess()
    for (let sent = 0; sent < 100; sent += 1) await app.sendSms('CHANNEL_REGISTER', newPhone())

    const refused = await second.sendSms('CHANNEL_REGISTER', newPhone())

    expect(refused).toMatchObject({ statusCode: 429, apiCode: 8800008 })
    app.clock.advance(refused.data.retryAfterSeconds)
    expect(await second.sendSms('CHANNEL_REGISTER', newPhone())).toMatchObject({ statusCode: 200 })
  })

  it('so many messages an hour for an application as its setting says, and none for another application', async () => {
    await using app = await startTestApp({ DIALTONE_MESSAGES_PER_APPLICATION_HOUR: '5' })
    const second = await app.secondProcess()
    const other = await app.otherApplication({ poolId: app.application.poolId })
    const sent = await sendTimes(app, 5, newPhone())

    const refused = await second.sendSms('CHANNEL_REGISTER', newPhone())

    expect(tally(sent)).toEqual({ 200: 5 })
    expect(refused).toMatchObject({ statusCode: 429, apiCode: 8800008 })
    expect(await other.sendSms('CHANNEL_REGISTER', newPhone())).toMatchObject({ statusCode: 200 })
    app.clock.advance(refused.data.retryAfterSeconds)
    expect(await app.sendSms('CHANNEL_REGISTER', newPhone())).toMatchObject({ statusCode: 200 })
  })

  it('and a send that one limit refuses is charged to no other', async () => {
    await using app = await startTestApp({ DIALTONE_MESSAGES_PER_IP_HOUR: '10' })
    const phone = newPhone()
    await sendTimes(app, 10, newPhone())
    const fromElsewhere = (channel: string) =>
      app.post('/api/v3/send-sms', {
        channel,
        phoneNumber: phone,
        options: { clientIp: '203.0.113.1' },
        client_secret: app.application.secret.reveal(),
      })

    const refused = [...(await sendTimes(app, 11, phone)), ...(await sendTimes(app, 11, phone))]

    expect(tally(refused)).toEqual({ 8800008: 22 })
    const accepted = []
    for (const channel of smsChannels.slice(0, 10)) accepted.push(await fromElsewhere(channel))
    expect(tally(accepted)).toEqual({ 200: 10 })
  })

  it('and a code whose attempts are spent is not sent again, which costs nothing', async () => {
    await using app = await startTestApp()
    const alice = await app.signUp()
    await alice.receiveCode()
    for (const guess of ['000001', '000002', '000003', '000004', '000005']) await alice.bindPhone(guess)
    app.clock.advance(61)
    const send = () => app.sendSms('CHANNEL_BIND_PHONE', alice.phone, { token: alice.token })

    const refused = await send()

    expect(refused).toMatchObject({ statusCode: 429, apiCode: 8800001 })
    app.clock.advance(refused.data.retryAfterSeconds)
    expect(await send()).toMatchObject({ statusCode: 200 })
  })
})
