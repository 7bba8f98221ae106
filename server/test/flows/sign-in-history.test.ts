import { describe, expect, it } from 'vitest'
import { sql } from '../../src/core/database.ts'
import { newPhone, otherCode, startTestApp, type TestApp } from '../support/app.ts'

const right = 'correct horse battery'

type Row = {
  user_id: string | null
  application_id: string
  session_id: string | null
  method: string
  succeeded: boolean
  reason: string | null
  ip: string
  user_agent: string
  tried_at: Date
}

const history = ({ db }: TestApp) =>
  db.query<Row>(sql`
    select user_id, application_id, session_id, method, succeeded, reason, ip, user_agent, tried_at
      from sign_ins
     order by id`)

/** What is left of the rows when a test has signed people up before. */
const clear = ({ db }: TestApp) => db.query(sql`delete from sign_ins`)

const signIn = (app: TestApp, body: object, headers: Record<string, string> = {}) =>
  app.post('/api/v3/signin', { client_secret: app.application.secret.reveal(), ...body }, { headers })

const byPassword = (app: TestApp, account: string, password: string, options: object = {}) =>
  signIn(app, { connection: 'PASSWORD', passwordPayload: { account, password }, options })

const byCode = (
  app: TestApp,
  recipient: { phone?: string; email?: string },
  passCode: string,
  options: object = {},
) =>
  signIn(app, {
    connection: 'PASSCODE',
    passCodePayload: { phone: recipient.phone, email: recipient.email, passCode },
    options,
  })

const signUpByPhone = async (app: TestApp) => {
  const phone = newPhone()
  await app.sendSms('CHANNEL_REGISTER', phone)
  const passCodePayload = { phone, passCode: await app.lastCode(phone) }
  const { data } = await app.post('/api/v3/signup', { connection: 'PASSCODE', passCodePayload })
  return { phone, userId: data.userId as string }
}

const sessionOf = (token: string) =>
  JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()).sid

describe('the history of sign-ins', () => {
  it('has who signed in, how, where, when and with what, and the session', async () => {
    await using app = await startTestApp()
    const alice = await app.signUp({ password: right })
    await clear(app)

    const { data } = await signIn(
      app,
      {
        connection: 'PASSWORD',
        passwordPayload: { username: alice.username, password: right },
        options: { clientIp: '203.0.113.5' },
      },
      { 'user-agent': `Firefox ${'x'.repeat(500)}` },
    )

    const [row, ...others] = await history(app)
    expect(others).toEqual([])
    expect(row).toEqual({
      user_id: alice.userId,
      application_id: app.application.id,
      session_id: sessionOf(data.access_token),
      method: 'password',
      succeeded: true,
      reason: null,
      ip: '203.0.113.5',
      user_agent: `Firefox ${'x'.repeat(392)}`,
      tried_at: expect.any(Date),
    })
    expect(Math.abs((row?.tried_at.getTime() ?? 0) - app.clock.now().getTime())).toBeLessThan(60_000)
  })

  it('has every way to sign in, and the account that autoRegister makes', async () => {
    await using app = await startTestApp()
    const { phone, userId } = await signUpByPhone(app)
    const email = 'ada@example.com'
    await app.sendSms('CHANNEL_LOGIN', phone)
    await app.sendEmail('CHANNEL_LOGIN', email)
    await byCode(app, { phone }, await app.lastCode(phone))
    await byCode(app, { email }, await app.lastCode(email), { autoRegister: true })
    const passwordPayload = { username: 'ada', password: right }
    await signIn(app, { connection: 'PASSWORD', passwordPayload, options: { autoRegister: true } })

    const rows = await history(app)

    expect(rows.map(({ method, succeeded, reason }) => [method, succeeded, reason])).toEqual([
      ['phone_passcode', true, null],
      ['email_passcode', true, null],
      ['password', true, null],
    ])
    expect(rows[0]?.user_id).toBe(userId)
    expect(rows.every(({ user_id, session_id }) => user_id !== null && session_id !== null)).toBe(true)
  })

  it('has every refusal by its name: one row a try, with a user where the name is one’s', async () => {
    await using app = await startTestApp({
      DIALTONE_PASSWORD_FAILURES_HOUR: '2',
      DIALTONE_SIGN_IN_FAILURES_BEFORE_CAPTCHA: '3',
      DIALTONE_PASSCODE_ATTEMPTS: '1',
    })
    const alice = await app.signUp({ password: right })
    const [ada, bob] = [await signUpByPhone(app), await signUpByPhone(app)]
    await clear(app)
    for (const { phone } of [ada, bob]) await app.sendSms('CHANNEL_LOGIN', phone)
    const code = await app.lastCode(ada.phone)

    await byPassword(app, 'nobody', right)
    await byPassword(app, alice.username, 'wrong')
    await byPassword(app, alice.username, 'wrong')
    await byPassword(app, alice.username, right)
    await byCode(app, { phone: newPhone() }, '000000')
    await byCode(app, ada, otherCode(code))
    await byCode(app, ada, code)
    app.clock.advance(301)
    await byCode(app, bob, await app.lastCode(bob.phone))

    const rows = (await history(app)).map(({ user_id, method, reason }) => [user_id, method, reason])
    expect(rows).toEqual([
      [null, 'password', 'credentials_invalid'],
      [alice.userId, 'password', 'credentials_invalid'],
      [alice.userId, 'password', 'credentials_invalid'],
      [alice.userId, 'password', 'account_locked'],
      [null, 'phone_passcode', 'passcode_incorrect'],
      [ada.userId, 'phone_passcode', 'passcode_incorrect'],
      [ada.userId, 'phone_passcode', 'passcode_attempts_exceeded'],
      [bob.userId, 'phone_passcode', 'passcode_expired'],
    ])
  })

  it('has captchas that were asked for, and users who may not sign in', async () => {
    await using app = await startTestApp({ DIALTONE_SIGN_IN_FAILURES_BEFORE_CAPTCHA: '1' })
    const [alice, bob] = [await app.signUp({ password: right }), await app.signUp({ password: right })]
    await bob.disable()
    await clear(app)

    await byPassword(app, alice.username, 'wrong')
    await byPassword(app, alice.username, right)
    await byPassword(app, bob.username, right)

    const rows = (await history(app)).map(({ user_id, reason }) => [user_id, reason])
    expect(rows).toEqual([
      [alice.userId, 'credentials_invalid'],
      [alice.userId, 'captcha_required'],
      [bob.userId, 'user_disabled'],
    ])
  })

  it('has no row of a request that is no try: malformed, of a stranger application, or with a wrong secret', async () => {
    await using app = await startTestApp()
    const passwordPayload = { account: 'ada', password: right }

    await signIn(app, { connection: 'PASSWORD' })
    await signIn(app, { connection: 'PASSWORD', passwordPayload, client_secret: 'wrong' })
    await byCode(app, { phone: newPhone() }, 'no digits')
    await byCode(app, { email: 'nobody' }, '123456')
    await signIn(app, { connection: 'LDAP', passwordPayload })

    expect(await history(app)).toEqual([])
  })

  it('holds no number, address, name, password or code', async () => {
    await using app = await startTestApp()
    const { phone } = await signUpByPhone(app)
    await byCode(app, { phone }, '123456')
    await byPassword(app, phone, 'a secret one')
    await byPassword(app, 'somebody@example.com', 'a secret one')

    const rows = JSON.stringify(await app.db.query(sql`select * from sign_ins`))

    expect(rows).toContain('credentials_invalid')
    for (const typed of [phone, '123456', 'secret', 'example.com']) expect(rows).not.toContain(typed)
  })

  it('forgets after 90 days', async () => {
    await using app = await startTestApp()
    await byPassword(app, 'nobody', 'early')
    app.clock.advance(89 * 86_400)
    await byPassword(app, 'nobody', 'late')
    await app.app.housekeeping()
    const before = await history(app)
    app.clock.advance(2 * 86_400)

    await app.app.housekeeping()

    expect(before).toHaveLength(2)
    expect(await history(app)).toHaveLength(1)
  })
})
