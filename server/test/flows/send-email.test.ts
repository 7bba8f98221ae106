import { describe, expect, it } from 'vitest'
import { type Reply, startTestApp, type TestApp } from '../support/app.ts'
import { emailChannels, tally } from '../support/replies.ts'

const email = 'ada@example.com'

const signUpByEmail = (app: TestApp) =>
  app.post('/api/v3/signup', {
    connection: 'PASSWORD',
    passwordPayload: { email, password: 'correct horse battery' },
  })

const signIn = (app: TestApp, passCode: string) =>
  app.post('/api/v3/signin', {
    connection: 'PASSCODE',
    passCodePayload: { email, passCode },
    client_secret: app.application.secret.reveal(),
  })

describe('send-email', () => {
  it('sends a code on each of the eleven channels', async () => {
    await using app = await startTestApp({ DIALTONE_MESSAGES_PER_RECIPIENT_HOUR: '11' })
    await signUpByEmail(app)

    const replies: Reply[] = []
    for (const channel of emailChannels) replies.push(await app.sendEmail(channel, email))

    for (const reply of replies) {
      expect(reply).toMatchObject({ status: 200, statusCode: 200 })
      expect(reply.data).toBeUndefined()
    }
    const messages = (await app.readInbox(email)).reverse()
    expect(messages.map(({ channel }) => channel)).toEqual(emailChannels)
  })

  it('sends a code that signs the user in', async () => {
    await using app = await startTestApp()
    await signUpByEmail(app)
    await app.sendEmail('CHANNEL_LOGIN', email)

    const signedIn = await signIn(app, await app.lastCode(email))

    expect(signedIn).toMatchObject({ statusCode: 200 })
  })

  it('takes every writing of an address for the same one', async () => {
    await using app = await startTestApp()
    await signUpByEmail(app)

    const sent = await app.sendEmail('CHANNEL_LOGIN', ' ADA@Example.COM ')
    const again = await app.sendEmail('CHANNEL_LOGIN', email)

    expect(sent).toMatchObject({ statusCode: 200 })
    expect(again).toMatchObject({ statusCode: 429, apiCode: 8800007 })
    expect(await signIn(app, await app.lastCode(email))).toMatchObject({ statusCode: 200 })
  })

  it.each([
    ['a channel of SMS', { channel: 'CHANNEL_BIND_PHONE', email }, 8800012],
    ['an unknown channel', { channel: 'CHANNEL_NONE', email }, 8800012],
    ['no address', { channel: 'CHANNEL_LOGIN' }, 8800012],
    ['what is no address', { channel: 'CHANNEL_LOGIN', email: 'ada' }, 2003],
  ])('refuses %s', async (_what, body, apiCode) => {
    await using app = await startTestApp()

    const refused = await app.post('/api/v3/send-email', body)

    expect(refused).toMatchObject({ status: 200, statusCode: 400, apiCode })
  })

  it('says that no provider is configured', async () => {
    await using app = await startTestApp({ DIALTONE_INBOX: 'off' })

    const refused = await app.sendEmail('CHANNEL_BIND_EMAIL', email)

    expect(refused).toMatchObject({ statusCode: 422, apiCode: 8800014 })
  })

  it('sends the same code again while it lives, and for longer, but never beyond ten minutes (rules 2 and 4)', async () => {
    await using app = await startTestApp({ DIALTONE_PASSCODE_LENGTH: '8' })
    const codes: string[] = []
    for (const seconds of [270, 270, 0]) {
      await app.sendEmail('CHANNEL_BIND_EMAIL', email)
      codes.push(await app.lastCode(email))
      app.clock.advance(seconds)
    }
    const isValid = async () => {
      const emailCodePayload = { email, passCode: codes[0], channel: 'CHANNEL_BIND_EMAIL' }
      return (await app.post('/api/v3/pre-check-code', { codeType: 'EMAIL', emailCodePayload })).data.isValid
    }

    const before = await isValid()
    app.clock.advance(61)
    const after = await isValid()

    expect(new Set(codes).size).toBe(1)
    expect({ before, after }).toEqual({ before: true, after: false })
  })

  it('sends ten messages an hour and twenty a day, by all processes together (rule 20)', async () => {
    await using app = await startTestApp()
    const second = await app.secondProcess()
    const sendAll = async () => {
      const replies: Reply[] = []
      for (const [index, channel] of emailChannels.entries()) {
        replies.push(await (index % 2 === 0 ? app : second).sendEmail(channel, email))
      }
      return tally(replies)
    }

    const first = await sendAll()
    app.clock.advance(3600)
    const next = await sendAll()
    app.clock.advance(3600)
    const third = await sendAll()

    expect([first, next, third]).toEqual([{ 200: 10, 8800008: 1 }, { 200: 10, 8800008: 1 }, { 8800008: 11 }])
  })
})
