import { describe, expect, it } from 'vitest'
import { sql } from '../../src/core/database.ts'
import { newPhone, startTestApp, type TestApp } from '../support/app.ts'
import { solveCaptcha } from '../support/captcha.ts'

const password = 'correct horse battery'
const email = 'ada@example.com'

type Caller = Pick<TestApp, 'post' | 'application'>

const signIn = (app: Caller, body: object) =>
  app.post('/api/v3/signin', { client_secret: app.application.secret.reveal(), ...body })

const byPassword = (app: Caller, account: string, typed: string, options: object = {}) =>
  signIn(app, { connection: 'PASSWORD', passwordPayload: { account, password: typed }, options })

const byCode = (app: Caller, recipient: { phone?: string; email?: string }, passCode: string) =>
  signIn(app, { connection: 'PASSCODE', passCodePayload: { ...recipient, passCode } })

const signUpByEmail = (app: TestApp, more: object = {}) =>
  app.post('/api/v3/signup', { connection: 'PASSWORD', passwordPayload: { email, password }, ...more })

const isSignedIn = async (app: TestApp, token: string) =>
  (await app.get('/api/v3/get-profile', { token })).statusCode === 200

describe('whoever signs in', () => {
  it('gets one answer for one captcha, however many guesses share it', async () => {
    await using app = await startTestApp()
    const second = await app.secondProcess()
    const { username } = await app.signUp({ password })
    for (let step = 0; step < 5; step += 1) await byPassword(app, username, 'wrong')
    const captcha = await solveCaptcha(app)

    const guesses = Array.from({ length: 20 }, (_, step) =>
      byPassword(step % 2 === 0 ? app : second, username, 'wrong', captcha),
    )

    const codes = (await Promise.all(guesses)).map(({ apiCode }) => apiCode)
    expect(codes.filter((code) => code === 2333)).toHaveLength(1)
    expect(codes.filter((code) => code === 2000)).toHaveLength(19)
  })

  it('learns nothing of a right password without the captcha: the answer is that of a wrong one', async () => {
    await using app = await startTestApp()
    const { username } = await app.signUp({ password })
    for (let step = 0; step < 5; step += 1) await byPassword(app, username, 'wrong')

    const [right, wrong] = [await byPassword(app, username, password), await byPassword(app, username, 'no')]

    const told = ({ statusCode, apiCode, message, data }: typeof right) => [
      statusCode,
      apiCode,
      message,
      data,
    ]
    expect(right.apiCode).toBe(2000)
    expect(told(right)).toEqual(told(wrong))
  })

  it('cannot have more guesses by other writings of a name', async () => {
    await using app = await startTestApp()
    const { username } = await app.signUp({ password })
    const writings = [username, username.toUpperCase(), ` ${username} `, username, username.toUpperCase()]
    for (const account of writings) await byPassword(app, account, 'wrong')

    expect(await byPassword(app, ` ${username.toUpperCase()}`, 'wrong')).toMatchObject({ apiCode: 2000 })
  })

  it('learns only by the right password that it must be reset, and is let in by a code', async () => {
    await using app = await startTestApp()
    const alice = await app.signUp({ password })
    await alice.bindPhone(await alice.receiveCode())
    await app.db.query(sql`update users set password_reset_required = true`)
    await app.sendSms('CHANNEL_LOGIN', alice.phone)
    const code = await app.lastCode(alice.phone)

    const wrong = await byPassword(app, alice.username, 'wrong')
    const right = await byPassword(app, alice.username, password)
    const signedIn = await byCode(app, { phone: alice.phone }, code)

    expect(wrong).toMatchObject({ statusCode: 403, apiCode: 2333 })
    expect(right).toMatchObject({ statusCode: 403, apiCode: 2058 })
    expect(right.data).toBeUndefined()
    expect(signedIn).toMatchObject({ statusCode: 200 })
    const { data } = await app.get('/api/v3/get-profile', { token: signedIn.data.access_token })
    expect(data.userId).toBe(alice.userId)
  })

  it('is one session for one code, however many send it at once', async () => {
    await using app = await startTestApp()
    const second = await app.secondProcess()
    const alice = await app.signUp()
    await alice.bindPhone(await alice.receiveCode())
    await app.sendSms('CHANNEL_LOGIN', alice.phone)
    const code = await app.lastCode(alice.phone)
    await app.db.query(sql`delete from sign_ins`)

    const replies = await Promise.all(
      Array.from({ length: 20 }, (_, step) =>
        byCode(step % 2 === 0 ? app : second, { phone: alice.phone }, code),
      ),
    )

    expect(replies.filter(({ statusCode }) => statusCode === 200)).toHaveLength(1)
    const [row] = await app.db.query<{ tries: number; successes: number }>(sql`
      select count(*)::integer as tries, count(*) filter (where succeeded)::integer as successes
        from sign_ins`)
    expect(row).toEqual({ tries: 20, successes: 1 })
  })

  it('with a password that is changed at the same instant is signed in before it, or not at all', async () => {
    await using app = await startTestApp()
    const { username, userId } = await app.signUp({ password })
    const { poolId } = app.application
    const passwordHash = await app.app.passwords.hash('another password')
    const changed = app.db.transaction(async (tx) => {
      await tx.query(sql`
        update users
           set password_hash = ${passwordHash}
         where id = ${userId}`)
      await app.app.sessions.endOthers({ poolId, userId, reason: 'password_changed' }, tx)
    })

    const [replies] = await Promise.all([
      Promise.all(Array.from({ length: 8 }, () => byPassword(app, username, password))),
      changed,
    ])

    for (const { statusCode, data } of replies) {
      if (statusCode === 200) expect(await isSignedIn(app, data.access_token)).toBe(false)
      else expect(statusCode).toBe(403)
    }
    const later = await byPassword(app, username, password, { clientIp: '203.0.113.9' })
    expect(later).toMatchObject({ apiCode: 2333 })
  })
})

describe('who signs up with the address of somebody else, and waits', () => {
  it('has no password and no session any more when its owner signs in by a code', async () => {
    await using app = await startTestApp()
    await signUpByEmail(app)
    const mallory = await byPassword(app, email, password)
    await app.sendEmail('CHANNEL_LOGIN', email)

    const owner = await byCode(app, { email }, await app.lastCode(email))

    expect(mallory).toMatchObject({ statusCode: 200 })
    expect(owner).toMatchObject({ statusCode: 200 })
    expect(await isSignedIn(app, mallory.data.access_token)).toBe(false)
    expect(await isSignedIn(app, owner.data.access_token)).toBe(true)
    expect(await byPassword(app, email, password)).toMatchObject({ apiCode: 2333 })
  })

  it('keeps both where the owner’s code was wrong', async () => {
    await using app = await startTestApp()
    await signUpByEmail(app)
    const { data } = await byPassword(app, email, password)
    await app.sendEmail('CHANNEL_LOGIN', email)
    const code = await app.lastCode(email)

    const guessed = await byCode(app, { email }, code === '111111' ? '222222' : '111111')

    expect(guessed).toMatchObject({ apiCode: 2001 })
    expect(await isSignedIn(app, data.access_token)).toBe(true)
  })

  it('is nobody where the address was proved: the password stays', async () => {
    await using app = await startTestApp()
    await app.sendEmail('CHANNEL_REGISTER', email)
    await app.post('/api/v3/signup', {
      connection: 'PASSCODE',
      passCodePayload: { email, passCode: await app.lastCode(email) },
      options: { passwordForPhonePassCode: password },
    })
    await app.db.query(sql`update users set password_hash = coalesce(password_hash, 'some hash')`)
    await app.sendEmail('CHANNEL_LOGIN', email)

    await byCode(app, { email }, await app.lastCode(email))

    const [user] = await app.db.query<{ password_hash: string | null }>(sql`select password_hash from users`)
    expect(user?.password_hash).not.toBeNull()
  })

  it('gets no sign-in code to a phone that is not the account’s', async () => {
    await using app = await startTestApp()
    const alice = await app.signUp()
    await alice.bindPhone(await alice.receiveCode())
    const other = newPhone()
    await app.sendSms('CHANNEL_LOGIN', other)

    const refused = await byCode(app, { phone: alice.phone }, await app.lastCode(other))

    expect(refused).toMatchObject({ apiCode: 2001 })
  })
})
