import { describe, expect, it } from 'vitest'
import { type Reply, startTestApp, type TestApp } from '../support/app.ts'
import { consoleOf } from '../support/console.ts'
import { parseLetter, type Refusals, startMailServer } from '../support/mail-server.ts'
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

/** A mail server that takes what it is not told to refuse, and is set for the pool. */
const withMailServer = async (app: TestApp, refusals: Refusals = {}) => {
  const server = await startMailServer({ security: 'none', refusals })
  const calls = await consoleOf(app)
  const settings = { host: '127.0.0.1', port: server.port, security: 'none', from: 'login@example.com' }
  const put = await calls.put('/console/api/mail', settings)
  if (put.status !== 200) throw new Error(JSON.stringify(put.body))
  return server
}

describe('send-email by a mail server', () => {
  it('sends a letter with a subject, a text and HTML, whose code signs the user in', async () => {
    await using app = await startTestApp()
    const server = await withMailServer(app)
    await signUpByEmail(app)

    const sent = await app.sendEmail('CHANNEL_LOGIN', email)

    expect(sent).toMatchObject({ status: 200, statusCode: 200 })
    expect(server.received).toHaveLength(1)
    const letter = await parseLetter(server.received[0]?.raw ?? '')
    const [code = ''] = /\b\d{6}\b/.exec(letter.text ?? '') ?? []
    expect(letter.subject).toMatch(/^Your .* code to sign in$/)
    expect(letter.subject).not.toContain(code)
    expect(letter.html).toContain(`>${code}</p>`)
    expect(await app.readInbox(email)).toEqual([])
    expect(app.lines.join()).not.toContain(code)
    expect(await signIn(app, code)).toMatchObject({ statusCode: 200 })
  })

  it('sends it in the language that was asked for', async () => {
    await using app = await startTestApp()
    const server = await withMailServer(app)

    await app.sendEmail('CHANNEL_BIND_EMAIL', email, { headers: { 'x-authing-lang': 'zh-CN' } })

    const letter = await parseLetter(server.received[0]?.raw ?? '')
    expect(letter.subject).toContain('验证码:绑定邮箱')
    expect(letter.html).toContain('<html lang="zh-CN">')
  })

  it('says that it could not be sent, and gives the waiting time back', async () => {
    await using app = await startTestApp()
    const server = await withMailServer(app, { rcpt: { code: 550, text: '5.1.1 no such user' } })

    const first = await app.sendEmail('CHANNEL_BIND_EMAIL', email)
    const second = await app.sendEmail('CHANNEL_BIND_EMAIL', email)

    expect([first, second]).toMatchObject([
      { status: 200, statusCode: 502, apiCode: 8800020 },
      { status: 200, statusCode: 502, apiCode: 8800020 },
    ])
    expect(server.received).toEqual([])
  })

  it('says the same for known and unknown addresses, even where the server refuses (rule 10)', async () => {
    await using app = await startTestApp()
    await withMailServer(app, { data: { code: 554, text: '5.7.1 no' } })
    await signUpByEmail(app)

    const known = await app.sendEmail('CHANNEL_RESET_PASSWORD', email)
    const unknown = await app.sendEmail('CHANNEL_RESET_PASSWORD', 'nobody@example.com')

    const seen = ({ status, statusCode, apiCode, message }: Reply) => ({
      status,
      statusCode,
      apiCode,
      message,
    })
    expect(seen(known)).toEqual(seen(unknown))
    expect(known).toMatchObject({ statusCode: 200 })
  })

  it('sends the link of CHANNEL_VERIFY_EMAIL_LINK as a button and as text', async () => {
    await using app = await startTestApp()
    const server = await withMailServer(app)
    await signUpByEmail(app)

    await app.sendEmail('CHANNEL_VERIFY_EMAIL_LINK', email)

    await expect.poll(() => server.received.length).toBe(1)
    const letter = await parseLetter(server.received[0]?.raw ?? '')
    const [, path = ''] =
      /http:\/\/dialtone\.test(\/account\/verify-email\/\S+)/.exec(letter.text ?? '') ?? []
    expect(letter.html).toContain(`href="http://dialtone.test${path}"`)
    expect((await fetch(`${app.url}${path}`, { method: 'POST' })).status).toBe(200)
  })
})
