import { describe, expect, it } from 'vitest'
import { newPhone, startTestApp, type TestApp } from '../support/app.ts'
import { smsChannels } from '../support/replies.ts'

const isValid = async (app: TestApp, phone: string, passCode: string) => {
  const smsCodePayload = { phone, passCode, channel: 'CHANNEL_BIND_PHONE' }
  const { data } = await app.post('/api/v3/pre-check-code', { codeType: 'SMS', smsCodePayload })
  return data.isValid
}

describe('send-sms', () => {
  it('sends a code on each of the eleven channels', async () => {
    await using app = await startTestApp({ DIALTONE_MESSAGES_PER_RECIPIENT_HOUR: '12' })
    const alice = await app.signUp()
    await alice.bindPhone(await alice.receiveCode())
    app.clock.advance(61)

    const replies = []
    for (const channel of smsChannels) replies.push(await app.sendSms(channel, alice.phone))

    for (const reply of replies) {
      expect(reply).toMatchObject({ status: 200, statusCode: 200 })
      expect(reply.data).toBeUndefined()
    }
    const messages = (await app.readInbox(`+86${alice.phone}`)).slice(0, 11).reverse()
    expect(messages.map(({ channel }) => channel)).toEqual(smsChannels)
    for (const { text, passCode } of messages) {
      expect(passCode).toMatch(/^\d{6}$/)
      expect(text).toContain(passCode)
      expect(text).toContain(app.application.name)
    }
  })

  it('writes in the language that the client asks for', async () => {
    await using app = await startTestApp()
    const phone = newPhone()

    await app.sendSms('CHANNEL_BIND_PHONE', phone, { headers: { 'x-authing-lang': 'zh-CN' } })

    const [message] = await app.readInbox(`+86${phone}`)
    expect(message?.text).toContain('验证码')
  })

  it.each([
    ['a channel of email', { channel: 'CHANNEL_BIND_EMAIL', phoneNumber: '18812345678' }, 8800012],
    ['an unknown channel', { channel: 'CHANNEL_NONE', phoneNumber: '18812345678' }, 8800012],
    ['no channel', { phoneNumber: '18812345678' }, 8800012],
    ['no number', { channel: 'CHANNEL_LOGIN' }, 8800012],
    ['an impossible number', { channel: 'CHANNEL_LOGIN', phoneNumber: '123' }, 2028],
  ])('refuses %s', async (_what, body, apiCode) => {
    await using app = await startTestApp()

    const refused = await app.post('/api/v3/send-sms', body)

    expect(refused).toMatchObject({ status: 200, statusCode: 400, apiCode })
  })

  it('says that no provider serves a number, and counts nothing', async () => {
    await using app = await startTestApp({ DIALTONE_INBOX: 'off' })
    const phone = newPhone()

    const replies = [
      await app.sendSms('CHANNEL_BIND_PHONE', phone),
      await app.sendSms('CHANNEL_BIND_PHONE', phone),
    ]

    for (const reply of replies) expect(reply).toMatchObject({ statusCode: 422, apiCode: 8800006 })
  })

  it('sends the same code again while it lives, and for longer (rule 4)', async () => {
    await using app = await startTestApp()
    const alice = await app.signUp()
    const code = await alice.receiveCode()
    app.clock.advance(240)

    const resent = await alice.receiveCode()

    expect(resent).toBe(code)
    app.clock.advance(240)
    expect(await alice.bindPhone(code)).toMatchObject({ statusCode: 200 })
  })

  it('lets no code live beyond ten minutes, however often it is sent again (rule 2)', async () => {
    await using app = await startTestApp({ DIALTONE_PASSCODE_LENGTH: '8' })
    const phone = newPhone()
    const codes = []
    for (const _send of [0, 270, 540]) {
      await app.sendSms('CHANNEL_BIND_PHONE', phone)
      codes.push(await app.lastCode(phone))
      app.clock.advance(270)
    }

    app.clock.advance(-270 + 40)
    const atTheEnd = await isValid(app, phone, codes[0] ?? '')
    app.clock.advance(25)
    const afterwards = await isValid(app, phone, codes[0] ?? '')

    expect(new Set(codes).size).toBe(1)
    expect(atTheEnd).toBe(true)
    expect(afterwards).toBe(false)
    await app.sendSms('CHANNEL_BIND_PHONE', phone)
    expect(await app.lastCode(phone)).not.toBe(codes[0])
  })

  it('sends a new code once the old one was used or has expired', async () => {
    await using app = await startTestApp({ DIALTONE_PASSCODE_LENGTH: '8' })
    const alice = await app.signUp()
    const used = await alice.receiveCode()
    await alice.bindPhone(used)
    app.clock.advance(61)

    const second = await alice.receiveCode()
    app.clock.advance(301)
    const third = await alice.receiveCode()

    expect(new Set([used, second, third]).size).toBe(3)
  })

  it('sends a signed-in user’s sign-in code so that it signs in', async () => {
    await using app = await startTestApp()
    const [alice, bob] = [await app.signUp(), await app.signUp()]
    await bob.bindPhone(await bob.receiveCode())
    // The published SDK sends its access token with every call, also when somebody else is about to sign in.
    await app.sendSms('CHANNEL_LOGIN', bob.phone, { token: alice.token })

    const signedIn = await app.post('/api/v3/signin', {
      connection: 'PASSCODE',
      passCodePayload: { phone: bob.phone, passCode: await app.lastCode(bob.phone) },
      client_secret: app.application.secret.reveal(),
    })

    expect(signedIn).toMatchObject({ statusCode: 200 })
  })
})
