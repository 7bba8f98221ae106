import { describe, expect, it } from 'vitest'
import { newPhone, startTestApp, type TestApp } from '../../test/support/app.ts'

const right = 'correct horse battery'
const wrong = { statusCode: 403, apiCode: 2333 }
const locked = { statusCode: 403, apiCode: 2005, data: { retryAfterSeconds: expect.any(Number) } }

/** Twenty wrong passwords lock; a captcha is asked for long before (test/flows/sign-in-captcha.test.ts). */
const withoutCaptcha = { DIALTONE_SIGN_IN_FAILURES_BEFORE_CAPTCHA: '100' }

const signUp = (app: TestApp, password: string) =>
  app.post('/api/v3/signup', { connection: 'PASSWORD', passwordPayload: { username: 'ada', password } })

const signIn = (app: TestApp, identifier: object, password: string, clientIp = '203.0.113.1') =>
  app.post('/api/v3/signin', {
    connection: 'PASSWORD',
    passwordPayload: { ...identifier, password },
    options: { clientIp },
    client_secret: app.application.secret.reveal(),
  })

const times = <Result>(count: number, act: () => Promise<Result>) =>
  Promise.all(Array.from({ length: count }, act))

const codes = (replies: readonly { apiCode?: number }[]) =>
  replies.map(({ apiCode }) => apiCode).sort((one, other) => (one ?? 0) - (other ?? 0))

describe('a password', () => {
  it.each([
    ['seven characters', 'abcdefg'],
    ['129 characters', 'a'.repeat(129)],
    ['seven characters of two units each', '🔑'.repeat(7)],
  ])('of %s is refused at sign-up', async (_what, password) => {
    await using app = await startTestApp()

    expect(await signUp(app, password)).toMatchObject({ statusCode: 400, apiCode: 2029 })
  })

  it.each(['abcdefgh', '🔑'.repeat(128)])('of eight to 128 characters is taken: %s', async (password) => {
    await using app = await startTestApp()

    expect((await signUp(app, password)).statusCode).toBe(200)
    expect((await signIn(app, { username: 'ada' }, password)).statusCode).toBe(200)
  })

  it('is stored as argon2id with the parameters of OWASP alone (rule 26)', async () => {
    await using app = await startTestApp({}, { realPasswordCost: true })
    const { data } = await signUp(app, right)

    const user = await app.app.users.get(app.application.poolId, data.userId)

    expect(user?.password_hash).toMatch(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$[\w+/]{22}\$[\w+/]{43}$/)
    expect(JSON.stringify({ ...user, password_hash: '' })).not.toContain(right)
  })

  it('that is right once more after 19 wrong ones resets nothing', async () => {
    await using app = await startTestApp(withoutCaptcha)
    await signUp(app, right)
    const ada = { username: 'ada' }
    await times(19, () => signIn(app, ada, 'wrong'))

    expect((await signIn(app, ada, right)).statusCode).toBe(200)
    expect(await signIn(app, ada, 'wrong')).toMatchObject(wrong)

    expect(await signIn(app, ada, right)).toMatchObject(locked)
  })

  it('may be wrong exactly 20 times in an hour from one address, also at once', async () => {
    await using app = await startTestApp(withoutCaptcha)
    await signUp(app, right)
    const ada = { username: 'ada' }

    const replies = await times(30, () => signIn(app, ada, 'wrong'))

    expect(codes(replies)).toEqual([...Array(10).fill(2005), ...Array(20).fill(2333)])
    app.clock.advance(3601)
    expect((await signIn(app, ada, right)).statusCode).toBe(200)
  })

  it('that a stranger guesses from elsewhere does not lock the owner out (rule 8)', async () => {
    await using app = await startTestApp()
    await signUp(app, right)
    await times(21, () => signIn(app, { username: 'ada' }, 'wrong', '198.51.100.1'))

    const owner = await signIn(app, { username: 'ada' }, right, '203.0.113.1')

    expect(owner.statusCode).toBe(200)
  })

  it('of an unknown account is answered and locked as one of a known account (rule 10)', async () => {
    await using app = await startTestApp(withoutCaptcha)
    const nobody = { username: 'nobody' }

    const replies = await times(21, () => signIn(app, nobody, right))

    expect(codes(replies)).toEqual([2005, ...Array(20).fill(2333)])
  })

  it('of an unknown account that autoRegister cannot open counts as a guess too (rules 10 and 11)', async () => {
    await using app = await startTestApp({ DIALTONE_PASSWORD_FAILURES_HOUR: '1' })
    const closed = await app.otherApplication({ signUpEnabled: false })
    const guess = (on: Pick<TestApp, 'post' | 'application'>, identifier: object) =>
      on.post('/api/v3/signin', {
        connection: 'PASSWORD',
        passwordPayload: { ...identifier, password: right },
        options: { autoRegister: true },
        client_secret: on.application.secret.reveal(),
      })
    const unknown = [
      [app, { phone: newPhone() }],
      [app, { account: 'nobody' }],
      [closed, { username: 'nobody' }],
      [closed, { email: 'nobody@example.com' }],
    ] as const

    for (const [on, identifier] of unknown) {
      expect(await guess(on, identifier)).toMatchObject(wrong)
      expect(await guess(on, identifier)).toMatchObject(locked)
    }
  })

  it('that cannot be decrypted is a guess too, at sign-in and at sign-up', async () => {
    await using app = await startTestApp({ DIALTONE_PASSWORD_FAILURES_HOUR: '2' })
    const sealed = { connection: 'PASSWORD', passwordPayload: { username: 'ada', password: 'c2VjcmV0' } }
    const post = (path: string) =>
      app.post(path, {
        ...sealed,
        options: { passwordEncryptType: 'rsa' },
        client_secret: app.application.secret.reveal(),
      })

    const replies = [await post('/api/v3/signin'), await post('/api/v3/signup')]

    expect(codes(replies)).toEqual([8800012, 8800012])
    expect(await post('/api/v3/signin')).toMatchObject(locked)
    expect(await post('/api/v3/signup')).toMatchObject(locked)
  })

  it('gets no more guesses by another spelling of the same number or name', async () => {
    await using app = await startTestApp({ DIALTONE_PASSWORD_FAILURES_HOUR: '1' })
    const phone = newPhone()
    await app.sendSms('CHANNEL_REGISTER', phone)
    const passCodePayload = { phone, passCode: await app.lastCode(phone) }
    const options = { passwordForPhonePassCode: right }
    await app.post('/api/v3/signup', { connection: 'PASSCODE', passCodePayload, options })
    await signUp(app, right)
    await signIn(app, { phone }, 'wrong')
    await signIn(app, { username: 'ada' }, 'wrong')

    for (const account of [phone, `+86${phone}`, `0086 ${phone}`, `${phone.slice(0, 3)} ${phone.slice(3)}`]) {
      expect(await signIn(app, { account }, right), account).toMatchObject(locked)
    }
    for (const account of ['ADA', ' ada ']) {
      expect(await signIn(app, { account }, right), account).toMatchObject(locked)
    }
  })
})
