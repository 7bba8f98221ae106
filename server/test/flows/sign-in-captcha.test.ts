import { describe, expect, it } from 'vitest'
import { newPhone, startTestApp, type TestApp } from '../support/app.ts'
import { solveCaptcha } from '../support/captcha.ts'

const right = 'correct horse battery'
const wrong = { statusCode: 403, apiCode: 2333 }
const captchaRequired = { statusCode: 403, apiCode: 2000 }
const locked = { statusCode: 403, apiCode: 2005, data: { retryAfterSeconds: expect.any(Number) } }

const home = '203.0.113.1'

const signIn = (
  app: Pick<TestApp, 'post' | 'application'>,
  account: string,
  given: { password?: string; clientIp?: string; captchaToken?: string; captchaCode?: string } = {},
) => {
  const { password = 'a wrong one', clientIp = home, ...captcha } = given
  return app.post('/api/v3/signin', {
    connection: 'PASSWORD',
    passwordPayload: { account, password },
    options: { clientIp, ...captcha },
    client_secret: app.application.secret.reveal(),
  })
}

const failOften = async (app: TestApp, account: string, times: number, clientIp = home) => {
  const codes = []
  for (let step = 0; step < times; step += 1) codes.push((await signIn(app, account, { clientIp })).apiCode)
  return codes
}

const signUp = async (app: TestApp) => (await app.signUp({ password: right })).username

describe('a sign-in by password', () => {
  it('asks for a captcha after five wrong passwords, and looks at none without it', async () => {
    await using app = await startTestApp()
    const ada = await signUp(app)

    const failures = await failOften(app, ada, 7)

    expect(failures).toEqual([...Array(5).fill(2333), 2000, 2000])
    expect(await signIn(app, ada, { password: right })).toMatchObject(captchaRequired)
    const solved = await signIn(app, ada, { password: right, ...(await solveCaptcha(app)) })
    expect(solved).toMatchObject({ statusCode: 200 })
  })

  it('asks just so where nobody has the name (rule 10)', async () => {
    await using app = await startTestApp()

    for (const nobody of ['nobody', 'nobody@example.com', newPhone()]) {
      expect(await failOften(app, nobody, 7)).toEqual([...Array(5).fill(2333), 2000, 2000])
      expect(await signIn(app, nobody, await solveCaptcha(app))).toMatchObject(wrong)
    }
  })

  it('takes no captcha that was read wrongly, was used, or is of another pool', async () => {
    await using app = await startTestApp()
    const elsewhere = await app.otherApplication()
    const ada = await signUp(app)
    await failOften(app, ada, 5)
    const used = await solveCaptcha(app)
    await signIn(app, ada, used)
    const { captchaToken } = await solveCaptcha(app)

    const replies = [
      await signIn(app, ada, { password: right, captchaToken, captchaCode: '....' }),
      await signIn(app, ada, { password: right, ...used }),
      await signIn(app, ada, { password: right, ...(await solveCaptcha(elsewhere)) }),
      await signIn(app, ada, { password: right, captchaToken: 'nonsense', captchaCode: 'ABCD' }),
      await signIn(app, ada, { password: right, captchaCode: used.captchaCode }),
    ]

    expect(replies.map(({ apiCode }) => apiCode)).toEqual(Array(5).fill(2000))
  })

  it('counts nothing while it asks for a captcha: a stranger who goes on does not lock the network out', async () => {
    await using app = await startTestApp()
    const ada = await signUp(app)
    await failOften(app, ada, 40)

    const solved = await signIn(app, ada, { password: right, ...(await solveCaptcha(app)) })

    expect(solved).toMatchObject({ statusCode: 200 })
  })

  it('is locked for the network after twenty wrong passwords, captcha or not', async () => {
    await using app = await startTestApp()
    const ada = await signUp(app)
    const codes = await failOften(app, ada, 5)
    for (let step = 5; step < 20; step += 1)
      codes.push((await signIn(app, ada, await solveCaptcha(app))).apiCode)

    const refused = await signIn(app, ada, { password: right, ...(await solveCaptcha(app)) })

    expect(codes).toEqual(Array(20).fill(2333))
    expect(refused).toMatchObject(locked)
    const elsewhere = await signIn(app, ada, { password: right, clientIp: '198.51.100.7' })
    expect(elsewhere).toMatchObject({ statusCode: 200 })
  })

  it('with the right password gives its network five tries anew', async () => {
    await using app = await startTestApp()
    const ada = await signUp(app)
    await failOften(app, ada, 4)
    await signIn(app, ada, { password: right })

    const failures = await failOften(app, ada, 6)

    expect(failures).toEqual([...Array(5).fill(2333), 2000])
  })

  it('with the right password and a captcha does so too', async () => {
    await using app = await startTestApp()
    const ada = await signUp(app)
    await failOften(app, ada, 5)
    await signIn(app, ada, { password: right, ...(await solveCaptcha(app)) })

    const failures = await failOften(app, ada, 6)

    expect(failures).toEqual([...Array(5).fill(2333), 2000])
  })

  it('asks for no captcha any more when the hour is over', async () => {
    await using app = await startTestApp()
    const ada = await signUp(app)
    await failOften(app, ada, 6)
    app.clock.advance(3601)

    const later = await signIn(app, ada, { password: right })

    expect(later).toMatchObject({ statusCode: 200 })
  })

  it('counts each network apart: an IPv6 /64 is one', async () => {
    await using app = await startTestApp()
    const ada = await signUp(app)
    await failOften(app, ada, 5, '2001:db8:1:2::1')

    const replies = [
      await signIn(app, ada, { clientIp: '2001:db8:1:2:ffff::9' }),
      await signIn(app, ada, { clientIp: '2001:db8:1:3::1' }),
      await signIn(app, ada, { clientIp: home }),
    ]

    expect(replies.map(({ apiCode }) => apiCode)).toEqual([2000, 2333, 2333])
  })

  it('looks at exactly five of thirty wrong passwords that come at once, in two processes', async () => {
    await using app = await startTestApp()
    const second = await app.secondProcess()
    const ada = await signUp(app)

    const replies = await Promise.all(
      Array.from({ length: 30 }, (_, step) => signIn(step % 2 === 0 ? app : second, ada)),
    )

    const looked = replies.filter(({ apiCode }) => apiCode === 2333)
    expect(looked).toHaveLength(5)
    expect(replies.filter(({ apiCode }) => apiCode === 2000)).toHaveLength(25)
  })

  it('asks everybody for a captcha when a name fails from everywhere, and for the others not', async () => {
    await using app = await startTestApp({ DIALTONE_IDENTIFIER_FAILURES_BEFORE_CAPTCHA: '8' })
    const [ada, bob] = [await signUp(app), await signUp(app)]
    for (let step = 0; step < 8; step += 1) await signIn(app, ada, { clientIp: `198.51.100.${step}` })

    const asked = await signIn(app, ada, { password: right })
    const solved = await signIn(app, ada, { password: right, ...(await solveCaptcha(app)) })

    expect(asked).toMatchObject(captchaRequired)
    expect(solved).toMatchObject({ statusCode: 200 })
    expect(await signIn(app, bob, { password: right })).toMatchObject({ statusCode: 200 })
    expect(await failOften(app, 'nobody', 1)).toEqual([2333])
  })

  it('works with the published SDK and the captcha that it fetched', async () => {
    await using app = await startTestApp()
    const username = await signUp(app)
    await failOften(app, username, 5, '127.0.0.1')
    const refused = await app.sdk().signInByUsernamePassword({ username, password: right })

    const options = await solveCaptcha(app)
    const signedIn = await app.sdk().signInByUsernamePassword({ username, password: right, options })

    expect(refused).toMatchObject(captchaRequired)
    expect(signedIn).toMatchObject({ statusCode: 200 })
  })
})

describe('a sign-in by code', () => {
  it('is never asked for a captcha, whatever happened to the password', async () => {
    await using app = await startTestApp()
    const alice = await app.signUp()
    await alice.bindPhone(await alice.receiveCode())
    await failOften(app, alice.phone, 30)
    await app.sendSms('CHANNEL_LOGIN', alice.phone)

    const signedIn = await app.post('/api/v3/signin', {
      connection: 'PASSCODE',
      passCodePayload: { phone: alice.phone, passCode: await app.lastCode(alice.phone) },
      options: { clientIp: home },
      client_secret: app.application.secret.reveal(),
    })

    expect(signedIn).toMatchObject({ statusCode: 200 })
  })
})
