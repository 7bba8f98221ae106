import { describe, expect, it } from 'vitest'
import type { AccountPolicy } from '../../src/account-policy/account-policy.ts'
import { newPhone, startTestApp, type TestApp } from '../support/app.ts'

const password = 'correct horse battery'
const days = (count: number) => count * 86_400
const stale = { statusCode: 403, apiCode: 8800017 }

const setPolicy = ({ app, application }: TestApp, policy: Partial<AccountPolicy>) =>
  app.accountPolicy.change(application.poolId, policy)

/** Somebody with a phone, and what `completion` adds to it. */
const signUpByPhone = async (app: TestApp, completion: { username?: string; email?: string } = {}) => {
  const { username, email } = completion
  const phone = newPhone()
  await app.sendSms('CHANNEL_REGISTER', phone)
  if (email !== undefined) await app.sendEmail('CHANNEL_COMPLETE_EMAIL', email)
  const { data } = await app.post('/api/v3/signup', {
    connection: 'PASSCODE',
    passCodePayload: { phone, passCode: await app.lastCode(phone) },
    profile: { username, email },
    options: {
      passwordForPhonePassCode: username === undefined ? undefined : password,
      emailPassCodeForInformationCompletion: email === undefined ? undefined : await app.lastCode(email),
    },
  })
  return { phone, userId: data.userId as string }
}

const signIn = (app: TestApp, body: object) =>
  app.post('/api/v3/signin', { client_secret: app.application.secret.reveal(), ...body })

const signInByPhone = async (app: TestApp, phone: string, options: object = {}) => {
  await app.sendSms('CHANNEL_LOGIN', phone)
  const passCodePayload = { phone, passCode: await app.lastCode(phone) }
  return signIn(app, { connection: 'PASSCODE', passCodePayload, options })
}

const eventsOf = async ({ app, application }: TestApp, userId: string) =>
  (await app.audit.eventsOf(application.poolId, userId)).map(({ type }) => type)

describe('a sign-in by a phone whose codes did not come back for 180 days', () => {
  it.each([
    ['a username and a password', { username: 'ada' }],
    ['an email address', { email: 'ada@example.com' }],
  ])('is refused where the account has %s: the number may be somebody else’s by now', async (_what, more) => {
    await using app = await startTestApp()
    const { phone, userId } = await signUpByPhone(app, more)
    app.clock.advance(days(181))

    const refused = await signInByPhone(app, phone)

    expect(refused).toMatchObject(stale)
    expect(refused.data).toBeUndefined()
    expect(await eventsOf(app, userId)).not.toContain('session.started')
  })

  it('spends the code, and a wrong one learns nothing of it (rule 10)', async () => {
    await using app = await startTestApp()
    const { phone } = await signUpByPhone(app, { username: 'ada' })
    app.clock.advance(days(181))
    await app.sendSms('CHANNEL_LOGIN', phone)
    const code = await app.lastCode(phone)
    const guess = (passCode: string) =>
      signIn(app, { connection: 'PASSCODE', passCodePayload: { phone, passCode } })

    const replies = [
      await guess(code === '111111' ? '222222' : '111111'),
      await guess(code),
      await guess(code),
    ]

    expect(replies.map(({ apiCode }) => apiCode)).toEqual([2001, 8800017, 2001])
  })

  it('leaves the other way in, which is refused nothing', async () => {
    await using app = await startTestApp()
    await signUpByPhone(app, { username: 'ada' })
    app.clock.advance(days(181))

    const signedIn = await signIn(app, {
      connection: 'PASSWORD',
      passwordPayload: { username: 'ada', password },
    })

    expect(signedIn).toMatchObject({ statusCode: 200 })
  })

  it('is let in where the phone is the only way, and proves it again', async () => {
    await using app = await startTestApp()
    const { phone, userId } = await signUpByPhone(app)
    app.clock.advance(days(181))

    const signedIn = await signInByPhone(app, phone)

    expect(signedIn).toMatchObject({ statusCode: 200 })
    expect((await eventsOf(app, userId)).filter((type) => type === 'phone.proved')).toHaveLength(1)
    app.clock.advance(days(179))
    expect(await signInByPhone(app, phone)).toMatchObject({ statusCode: 200 })
    expect((await eventsOf(app, userId)).filter((type) => type === 'phone.proved')).toHaveLength(1)
  })

  it('is let in where the account has a password and no name for it', async () => {
    await using app = await startTestApp()
    const phone = newPhone()
    await app.sendSms('CHANNEL_REGISTER', phone)
    await app.post('/api/v3/signup', {
      connection: 'PASSCODE',
      passCodePayload: { phone, passCode: await app.lastCode(phone) },
      options: { passwordForPhonePassCode: password },
    })
    app.clock.advance(days(181))

    expect(await signInByPhone(app, phone)).toMatchObject({ statusCode: 200 })
  })

  it('is no matter of autoRegister, which makes no second account of the number', async () => {
    await using app = await startTestApp()
    const { phone } = await signUpByPhone(app, { username: 'ada' })
    app.clock.advance(days(181))

    expect(await signInByPhone(app, phone, { autoRegister: true })).toMatchObject(stale)
  })
})

describe('a sign-in by a phone', () => {
  it('counts as its proof: who uses it now and then is never refused', async () => {
    await using app = await startTestApp()
    const { phone, userId } = await signUpByPhone(app, { username: 'ada' })

    for (let step = 0; step < 4; step += 1) {
      app.clock.advance(days(100))
      expect(await signInByPhone(app, phone)).toMatchObject({ statusCode: 200 })
    }

    expect(await eventsOf(app, userId)).not.toContain('phone.proved')
  })

  it('is trusted for as long as the account policy says, from the next call on', async () => {
    await using app = await startTestApp()
    const { phone } = await signUpByPhone(app, { username: 'ada' })
    app.clock.advance(days(31))
    await setPolicy(app, { phoneProofDays: 30 })

    const refused = await signInByPhone(app, phone)

    expect(refused).toMatchObject(stale)
    await setPolicy(app, { phoneProofDays: 0 })
    app.clock.advance(days(4000))
    expect(await signInByPhone(app, phone)).toMatchObject({ statusCode: 200 })
  })
})
