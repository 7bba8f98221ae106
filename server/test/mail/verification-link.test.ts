import { describe, expect, it } from 'vitest'
import { sql } from '../../src/core/database.ts'
import { startTestApp, type TestApp } from '../support/app.ts'
import { consoleOf } from '../support/console.ts'
import { registerPasskey } from '../support/passkey-authenticator.ts'
import { personWithUnprovedEmail, signInBy } from '../support/passwords.ts'

const email = 'ada@example.com'
const channel = 'CHANNEL_VERIFY_EMAIL_LINK'

const signUp = (app: Pick<TestApp, 'post'>, address = email) =>
  app.post('/api/v3/signup', {
    connection: 'PASSWORD',
    passwordPayload: { email: address, password: 'correct horse battery' },
  })

const isVerified = async (app: TestApp, poolId = app.application.poolId): Promise<boolean[]> => {
  const rows = await app.db.query<{ email_verified: boolean }>(
    sql`select email_verified from users where pool_id = ${poolId}`,
  )
  return rows.map((row) => row.email_verified)
}

/** The link of the newest message, at the address of this server. */
const receiveLink = async (app: TestApp, address = email): Promise<string> => {
  const [message] = await app.readInbox(address)
  const [, path] = /http:\/\/dialtone\.test(\/account\/verify-email\/\S+)/.exec(message?.text ?? '') ?? []
  if (path === undefined) throw new Error(`no link in ${message?.text}`)
  return `${app.url}${path}`
}

const askForLink = async (app: TestApp, address = email): Promise<string> => {
  await signUp(app, address)
  const sent = await app.sendEmail(channel, address)
  if (sent.statusCode !== 200) throw new Error(sent.message)
  return receiveLink(app, address)
}

const open = async (url: string, method = 'GET', language = 'en') => {
  const response = await fetch(url, { method, headers: { 'accept-language': language } })
  return { status: response.status, headers: response.headers, page: await response.text() }
}

const verifiedEvents = async (app: TestApp) =>
  app.db.query<{ detail: Record<string, string> }>(
    sql`select detail from audit_events where type = 'email.verified'`,
  )

describe('the link of CHANNEL_VERIFY_EMAIL_LINK', () => {
  it('comes in place of a code, and the button of its page confirms the address', async () => {
    await using app = await startTestApp()
    const link = await askForLink(app)

    const asked = await open(link)
    const before = await isVerified(app)
    const pressed = await open(link, 'POST')

    expect((await app.readInbox(email))[0]).toMatchObject({ passCode: '', channel })
    expect(asked).toMatchObject({ status: 200 })
    expect(asked.page).toContain(`<strong>${email}</strong>`)
    expect(asked.page).toContain('<form method="post">')
    expect(asked.page).toContain('<form method="post" action="?answer=not_me">')
    expect(before).toEqual([false])
    expect(pressed.status).toBe(200)
    expect(pressed.page).toContain('Your email address is confirmed')
    expect(await isVerified(app)).toEqual([true])
  })

  it('changes nothing when it is opened, since mail scanners open every link', async () => {
    await using app = await startTestApp()
    const link = await askForLink(app)

    for (const method of ['GET', 'HEAD', 'GET']) await open(link, method)

    expect(await isVerified(app)).toEqual([false])
    expect(await verifiedEvents(app)).toEqual([])
  })

  it('is a plain page that runs nothing and tells its address to nobody', async () => {
    await using app = await startTestApp()
    const link = await askForLink(app)

    const { headers, page } = await open(link, 'GET', 'zh-CN,zh;q=0.9')

    expect(page).toContain('<html lang="zh-CN">')
    expect(page).toContain('确认您的邮箱')
    expect(page).not.toContain('<script')
    expect(headers.get('content-security-policy')).toContain("default-src 'none'")
    expect(headers.get('referrer-policy')).toBe('no-referrer')
    expect(headers.get('cache-control')).toBe('no-store')
    expect(app.lines.join()).not.toContain(link.split('/').at(-1))
  })

  it('may be used again and by two at once, and is told in the audit log once', async () => {
    await using app = await startTestApp()
    const link = await askForLink(app)

    const results = await Promise.all([open(link, 'POST'), open(link, 'POST'), open(link, 'POST')])

    expect(results.map(({ status }) => status)).toEqual([200, 200, 200])
    const events = await verifiedEvents(app)
    expect(events).toMatchObject([{ detail: { email: 'a***@example.com' } }])
    expect(JSON.stringify(events)).not.toContain(email)
  })

  it('works for a day, and then says that it has expired', async () => {
    await using app = await startTestApp()
    const link = await askForLink(app)

    app.clock.advance(86_300)
    const live = await open(link)
    app.clock.advance(200)
    const late = await open(link)
    const pressed = await open(link, 'POST')

    expect([live.status, late.status, pressed.status]).toEqual([200, 410, 410])
    expect(pressed.page).toContain('This link has expired')
    expect(await isVerified(app)).toEqual([false])
  })

  it('is refused in plain words where it is forged, cut, or sealed for something else', async () => {
    await using app = await startTestApp()
    const link = await askForLink(app)
    const captcha = await app.get('/api/v3/get-captcha-code')
    const base = `${app.url}/account/verify-email/`
    const forged = [
      link.slice(0, -1),
      `${link}xxxx`,
      link.replace(/.(?=.{20}$)/, (sign) => (sign === 'A' ? 'B' : 'A')),
      `${base}${captcha.data.captchaToken}`,
      base,
      `${base}a`,
      `${base}a.b`,
      `${base}%00`,
      `${base}${'x'.repeat(4000)}`,
      `${base}../../etc/passwd`.replaceAll('/', '%2F').replace(/^.*verify-email%2F/, base),
    ]

    const results = await Promise.all(forged.flatMap((url) => [open(url), open(url, 'POST')]))

    expect(results.map(({ status }) => status)).toEqual(results.map(() => 404))
    expect(await isVerified(app)).toEqual([false])
  })

  it('confirms the address of nobody else: not in another pool, and not once it has moved', async () => {
    await using app = await startTestApp()
    const link = await askForLink(app)
    const other = await app.otherApplication()
    await signUp(other)
    await app.db.query(sql`update users set email = null where pool_id = ${app.application.poolId}`)

    const pressed = await open(link, 'POST')

    expect(pressed.status).toBe(409)
    expect(pressed.page).toContain('No account has this email address any more')
    expect(await isVerified(app, other.application.poolId)).toEqual([false])
  })

  it('holds an address of any length', async () => {
    await using app = await startTestApp()
    const long = `${'a'.repeat(64)}@${'b'.repeat(60)}.${'c'.repeat(60)}.${'d'.repeat(50)}.example.com`
    const link = await askForLink(app, long)

    const pressed = await open(link, 'POST')

    expect(pressed.status).toBe(200)
    expect(await isVerified(app)).toEqual([true])
  })

  it('says who made what, in the letter and on the page, in English and in Chinese', async () => {
    await using app = await startTestApp()
    const link = await askForLink(app)
    const headers = { 'x-authing-lang': 'zh-CN' }
    app.clock.advance(61)

    const letter = (await app.readInbox(email))[0]?.text ?? ''
    await app.sendEmail(channel, email, { headers })
    const letterInChinese = (await app.readInbox(email))[0]?.text ?? ''
    const { page } = await open(link)
    const { page: pageInChinese } = await open(link, 'GET', 'zh-CN')

    const { name } = app.application
    for (const text of [letter, page]) {
      expect(text).toContain(`Somebody made an account in ${name} with this address and a password`)
      expect(text).toContain('It was not me')
    }
    for (const text of [letterInChinese, pageInChinese]) {
      expect(text).toContain('有人使用此邮箱和密码在')
      expect(text).toContain('不是我')
    }
  })

  it('leaves who made the account nothing of it where the owner of the mailbox did not', async () => {
    await using app = await startTestApp()
    const password = 'correct horse battery'
    const mallory = await personWithUnprovedEmail(app, email, password)
    await registerPasskey(app, mallory.token)
    await app.sendEmail(channel, email)
    const link = await receiveLink(app)

    const pressed = await open(`${link}?answer=not_me`, 'POST')

    expect(pressed.status).toBe(200)
    expect(pressed.page).toContain('That account no longer has your address')
    expect(await signInBy(app, { email, password })).toMatchObject({ apiCode: 2333 })
    expect(await app.get('/api/v3/get-profile', { token: mallory.token })).toMatchObject({ apiCode: 2020 })
    expect(await app.db.query(sql`select 1 from passkeys`)).toEqual([])
    const events = await app.app.audit.eventsOf(app.application.poolId, mallory.userId)
    expect(events.map(({ type }) => type)).toEqual(
      expect.arrayContaining(['email.disowned', 'account.secured']),
    )
    // The address is free, and what the mailbox's owner makes with it has nothing of the other account.
    const own = await personWithUnprovedEmail(app, email, 'another horse battery')
    expect(own.userId).not.toBe(mallory.userId)
  })

  it('takes nothing from an account whose address was confirmed', async () => {
    await using app = await startTestApp()
    const link = await askForLink(app)
    await open(link, 'POST')

    const pressed = await open(`${link}?answer=not_me`, 'POST')

    expect(pressed.status).toBe(409)
    expect(pressed.page).toContain('has confirmed it already')
    expect(await signInBy(app, { email, password: 'correct horse battery' })).toMatchObject({
      statusCode: 200,
    })
  })

  it('gives one answer where both buttons are pressed at once', async () => {
    await using app = await startTestApp()
    const link = await askForLink(app)

    const pressed = await Promise.all([open(link, 'POST'), open(`${link}?answer=not_me`, 'POST')])

    expect([
      [200, 409],
      [409, 200],
    ]).toContainEqual(pressed.map(({ status }) => status))
  })

  it('changes nothing when its second button’s address is opened, and refuses a forged one', async () => {
    await using app = await startTestApp()
    const link = await askForLink(app)

    const opened = await open(`${link}?answer=not_me`)
    const forged = await open(`${link.slice(0, -1)}?answer=not_me`, 'POST')
    app.clock.advance(86_500)
    const late = await open(`${link}?answer=not_me`, 'POST')

    expect([opened.status, forged.status, late.status]).toEqual([200, 404, 410])
    expect(await signInBy(app, { email, password: 'correct horse battery' })).toMatchObject({
      statusCode: 200,
    })
  })

  it('goes to nobody who has no such address, with the same reply (rule 10)', async () => {
    await using app = await startTestApp()

    const sent = await app.sendEmail(channel, 'nobody@example.com')

    expect(sent).toMatchObject({ status: 200, statusCode: 200 })
    expect(await app.readInbox('nobody@example.com')).toEqual([])
  })

  it('stands in words of the pool’s own, which hold it where a code stands in others', async () => {
    await using app = await startTestApp()
    const calls = await consoleOf(app)
    const path = '/console/api/sms/templates'
    const ofLink = { channel: 'email', locale: 'en-US', purpose: 'verify_email' }
    const put = (template: object) => calls.put(path, { templates: [template] })

    const refused = await Promise.all([
      put({ ...ofLink, text: 'Your code: {{code}}' }),
      put({ ...ofLink, text: 'Hello' }),
      put({ channel: 'email', locale: 'en-US', text: '{{link}}' }),
      put({ channel: 'sms', locale: 'en-US', text: '{{code}}', subject: 'x' }),
      put({ channel: 'email', locale: 'en-US', text: '{{code}}', subject: 'Code {{code}}' }),
      put({ channel: 'email', locale: 'en-US', text: '{{code}}', subject: 'a\nBcc: b' }),
    ])
    await calls.put(path, {
      templates: [
        { channel: 'email', locale: 'en-US', text: 'Any: {{code}}' },
        { ...ofLink, text: 'Own words: {{link}}', subject: 'Own subject of {{app}}' },
      ],
    })
    await askForLink(app)
    const shown = await calls.post(`${path}/preview`, ofLink)

    expect(refused.map(({ status }) => status)).toEqual(refused.map(() => 400))
    expect((await app.readInbox(email))[0]?.text).toMatch(/^Own words: http/)
    expect(shown.body.subject).toMatch(/^Own subject of /)
    expect(shown.body.text).toMatch(/^Own words: http/)
    expect(shown.body.html).toContain('<a href="http')
  })
})
