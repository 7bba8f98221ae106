import { describe, expect, it } from 'vitest'
import { sql } from '../../src/core/database.ts'
import { otherCode, type Person, startTestApp, type TestApp } from '../support/app.ts'
import {
  bindEmail,
  emailCode,
  emailOf,
  proofsOfChange,
  requestChange,
  updateEmail,
} from '../support/email.ts'
import { noticesTo } from '../support/notices.ts'
import { personWithUnprovedEmail, signInBy } from '../support/passwords.ts'
import { personWithEmail } from '../support/phone-changes.ts'

const ada = 'ada@example.com'
const countess = 'countess@example.com'

/** Signed in once more, on another device. */
const otherDevice = async (person: Person) => ({
  token: (await person.signIn()).data.access_token as string,
})

const signInByPhone = async (app: TestApp, phone: string) => {
  await app.sendSms('CHANNEL_LOGIN', phone)
  const { data } = await app.post('/api/v3/signin', {
    connection: 'PASSCODE',
    passCodePayload: { phone, passCode: await app.lastCode(phone) },
    client_secret: app.application.secret.reveal(),
  })
  return { token: data.access_token as string }
}

const signInByEmail = async (app: TestApp, email: string) => {
  await app.sendEmail('CHANNEL_LOGIN', email)
  return app.post('/api/v3/signin', {
    connection: 'PASSCODE',
    passCodePayload: { email, passCode: await app.lastCode(email) },
    client_secret: app.application.secret.reveal(),
  })
}

/** Whom a notice of that kind was written to. */
const toldOf = async (app: TestApp, kind: string): Promise<string[]> => {
  const rows = await app.db.query<{ recipient: string }>(
    sql`select recipient from messages where notice_id is not null and purpose = ${kind} order by recipient`,
  )
  return rows.map(({ recipient }) => recipient)
}

const eventsOf = async (app: TestApp, person: Person, type: string) =>
  (await app.app.audit.eventsOf(app.application.poolId, person.userId)).filter((event) => event.type === type)

const enrollEmailFactor = (app: TestApp, person: Person, recipient: string) =>
  app.db.query(sql`
    insert into factors (pool_id, id, user_id, type, recipient, enrolled_at)
    values (${app.application.poolId}, gen_random_uuid(), ${person.userId}, 'EMAIL', ${recipient}, ${app.clock.now()})`)

const emailFactors = async (app: TestApp) =>
  (await app.db.query<{ recipient: string }>(sql`select recipient from factors`)).map(
    ({ recipient }) => recipient,
  )

describe('bind-email', () => {
  it('binds a proved address, with which the user signs in from then on', async () => {
    await using app = await startTestApp()
    const alice = await app.signUp()

    const bound = await bindEmail(app, alice, ada)

    expect(bound).toMatchObject({ status: 200, statusCode: 200 })
    expect(bound.data).toBeUndefined()
    expect((await alice.profile()).data).toMatchObject({ email: ada, emailVerified: true })
    const { data } = await signInByEmail(app, ada)
    expect((await app.get('/api/v3/get-profile', { token: data.access_token })).data.userId).toBe(
      alice.userId,
    )
  })

  it('takes the address in upper case and the code as people paste it', async () => {
    await using app = await startTestApp()
    const alice = await app.signUp()
    const code = await emailCode(app, alice, { to: ada, channel: 'CHANNEL_BIND_EMAIL' })
    const body = { email: ' Ada@Example.com ', passCode: ` ${code.slice(0, 3)} ${code.slice(3)}` }

    const bound = await app.post('/api/v3/bind-email', body, { token: alice.token })

    expect(bound.statusCode).toBe(200)
    expect(await emailOf(app, alice)).toBe(ada)
  })

  it('verifies the own address that the sign-up only claimed, and ends no session', async () => {
    await using app = await startTestApp()
    const password = 'correct horse battery'
    await app.post('/api/v3/signup', { connection: 'PASSWORD', passwordPayload: { email: ada, password } })
    const signIn = () =>
      app.post('/api/v3/signin', {
        connection: 'PASSWORD',
        passwordPayload: { email: ada, password },
        client_secret: app.application.secret.reveal(),
      })
    const [here, there] = [await signIn(), await signIn()]
    const token = here.data.access_token

    const bound = await bindEmail(app, { token }, ada)

    expect(bound.statusCode).toBe(200)
    const { data } = await app.get('/api/v3/get-profile', { token: there.data.access_token })
    expect(data).toMatchObject({ email: ada, emailVerified: true })
    const again = await app.post('/api/v3/bind-email', { email: ada, passCode: '123456' }, { token })
    expect(again).toMatchObject({ statusCode: 409, apiCode: 8800003 })
  })

  it('ends the other sessions, keeps the caller’s, and tells the phone (rule 15)', async () => {
    await using app = await startTestApp()
    const alice = await app.signUp()
    await alice.bindPhone(await alice.receiveCode())
    const other = await otherDevice(alice)

    await bindEmail(app, alice, ada)

    expect(await app.get('/api/v3/get-profile', other)).toMatchObject({ statusCode: 401, apiCode: 2020 })
    expect((await alice.profile()).statusCode).toBe(200)
    expect(await toldOf(app, 'email_bound')).toEqual([`+86${alice.phone}`])
  })

  it('writes one audit event, the address masked (rule 12)', async () => {
    await using app = await startTestApp()
    const alice = await app.signUp()

    await bindEmail(app, alice, ada)

    const events = await eventsOf(app, alice, 'email.bound')
    expect(events).toMatchObject([
      {
        application_id: app.application.id,
        ip: '127.0.0.1',
        detail: { email: 'a***@example.com', emailFingerprint: expect.stringMatching(/^[\da-f]{24}$/) },
      },
    ])
    expect(JSON.stringify(events)).not.toContain(ada)
  })

  it('refuses a wrong code, keeps the session, and then takes the right one (rule 9)', async () => {
    await using app = await startTestApp()
    const alice = await app.signUp()
    const { token } = alice
    const code = await emailCode(app, alice, { to: ada, channel: 'CHANNEL_BIND_EMAIL' })

    const wrong = await app.post('/api/v3/bind-email', { email: ada, passCode: otherCode(code) }, { token })

    expect(wrong).toMatchObject({ statusCode: 499, apiCode: 2001 })
    const right = await app.post('/api/v3/bind-email', { email: ada, passCode: code }, { token })
    expect(right.statusCode).toBe(200)
  })

  it('refuses a second address, and counts no attempt at its code', async () => {
    await using app = await startTestApp({ DIALTONE_PASSCODE_ATTEMPTS: '1' })
    const alice = await app.signUp()
    await bindEmail(app, alice, ada)
    const code = await emailCode(app, alice, { to: countess, channel: 'CHANNEL_BIND_EMAIL' })
    const body = { email: countess, passCode: otherCode(code) }

    const refused = await app.post('/api/v3/bind-email', body, { token: alice.token })

    expect(refused).toMatchObject({ statusCode: 409, apiCode: 8800003 })
    const checked = await app.post(
      '/api/v3/pre-check-code',
      {
        codeType: 'EMAIL',
        emailCodePayload: { email: countess, passCode: code, channel: 'CHANNEL_BIND_EMAIL' },
      },
      { token: alice.token },
    )
    expect(checked.data).toEqual({ isValid: true })
  })

  it('tells that an address is taken only to who has its code (rule 10)', async () => {
    await using app = await startTestApp()
    const [alice, bob] = [await app.signUp(), await app.signUp()]
    await bindEmail(app, bob, ada)
    app.clock.advance(61)
    const code = await emailCode(app, alice, { to: ada, channel: 'CHANNEL_BIND_EMAIL' })
    const bind = (passCode: string) =>
      app.post('/api/v3/bind-email', { email: ada, passCode }, { token: alice.token })

    const guessed = await bind(otherCode(code))
    const proved = await bind(code)

    expect(guessed).toMatchObject({ statusCode: 499, apiCode: 2001 })
    expect(proved).toMatchObject({ statusCode: 409, apiCode: 1320004 })
    expect(await emailOf(app, alice)).toBeUndefined()
    expect(await emailOf(app, bob)).toBe(ada)
  })
})

describe('changing an address', () => {
  it('takes the codes of both, and then the token that they gave', async () => {
    await using app = await startTestApp()
    const alice = await app.signUp()
    await bindEmail(app, alice, ada)
    const payload = await proofsOfChange(app, alice, { from: ada, to: countess })

    const verified = await requestChange(app, alice, payload)
    const between = await emailOf(app, alice)
    const changed = await updateEmail(app, alice, verified.data.updateEmailToken)

    expect(verified).toMatchObject({ statusCode: 200, data: { tokenExpiresIn: 60 } })
    expect(between).toBe(ada)
    expect(changed).toMatchObject({ statusCode: 200, data: { success: true } })
    expect((await alice.profile()).data).toMatchObject({ email: countess, emailVerified: true })
    expect(await signInByEmail(app, countess)).toMatchObject({ statusCode: 200 })
  })

  it.each([
    ['CHANNEL_UPDATE_EMAIL', 'CHANNEL_UNBIND_EMAIL'],
    ['CHANNEL_BIND_EMAIL', 'CHANNEL_UPDATE_EMAIL'],
    ['CHANNEL_BIND_EMAIL', 'CHANNEL_UNBIND_EMAIL'],
  ])('takes %s for the new and %s for the old one', async (newChannel, oldChannel) => {
    await using app = await startTestApp()
    const alice = await app.signUp()
    await bindEmail(app, alice, ada)
    const newEmailPassCode = await emailCode(app, alice, { to: countess, channel: newChannel })
    const oldEmailPassCode = await emailCode(app, alice, { to: ada, channel: oldChannel })

    const verified = await requestChange(app, alice, {
      newEmail: countess,
      newEmailPassCode,
      oldEmailPassCode,
    })

    expect(verified.statusCode).toBe(200)
  })

  it('ends the other sessions, tells the old address and the phone, and moves the factor (rule 15)', async () => {
    await using app = await startTestApp()
    const alice = await app.signUp()
    await alice.bindPhone(await alice.receiveCode())
    await bindEmail(app, alice, ada)
    await enrollEmailFactor(app, alice, ada)
    const other = await otherDevice(alice)
    const { data } = await requestChange(
      app,
      alice,
      await proofsOfChange(app, alice, { from: ada, to: countess }),
    )

    await updateEmail(app, alice, data.updateEmailToken)

    expect(await app.get('/api/v3/get-profile', other)).toMatchObject({ statusCode: 401, apiCode: 2020 })
    expect((await alice.profile()).statusCode).toBe(200)
    expect(await toldOf(app, 'email_changed')).toEqual([`+86${alice.phone}`, ada])
    expect(await emailFactors(app)).toEqual([countess])
    expect(await eventsOf(app, alice, 'email.changed')).toMatchObject([
      { detail: { email: 'c***@example.com', before: { email: 'a***@example.com' } } },
    ])
  })

  it.each([
    ['nothing', {}],
    ['the code of another address', { oldEmail: 'else@example.com', oldEmailPassCode: '123456' }],
    ['the address without its code', { oldEmail: ada }],
    ['empty texts', { oldEmail: '', oldEmailPassCode: '' }],
  ])('refuses %s as proof of the old one, and counts no attempt (rule 14)', async (_what, old) => {
    await using app = await startTestApp({ DIALTONE_PASSCODE_ATTEMPTS: '1' })
    const alice = await app.signUp()
    await bindEmail(app, alice, ada)
    const payload = await proofsOfChange(app, alice, { from: ada, to: countess })
    const { newEmail, newEmailPassCode } = payload
    const wrong = { newEmail, newEmailPassCode: otherCode(newEmailPassCode) }

    const refused = await requestChange(app, alice, { ...wrong, ...old })

    expect(refused).toMatchObject({ statusCode: 403, apiCode: 2227 })
    expect(await requestChange(app, alice, payload)).toMatchObject({ statusCode: 200 })
  })

  it('needs no code of the old one within five minutes of a sign-in by phone (rule 14)', async () => {
    await using app = await startTestApp()
    const alice = await app.signUp()
    await alice.bindPhone(await alice.receiveCode())
    await bindEmail(app, alice, ada)
    app.clock.advance(7 * 86_400)
    const fresh = await signInByPhone(app, alice.phone)
    const newEmailPassCode = await emailCode(app, fresh, { to: countess, channel: 'CHANNEL_UPDATE_EMAIL' })

    const soon = await requestChange(app, fresh, { newEmail: countess, newEmailPassCode })
    app.clock.advance(301)
    const late = await requestChange(app, fresh, { newEmail: countess, newEmailPassCode })

    expect(soon.statusCode).toBe(200)
    expect(late).toMatchObject({ statusCode: 403, apiCode: 2227 })
  })

  it('needs it after a sign-in by a code of that very address (rule 14)', async () => {
    await using app = await startTestApp()
    const alice = await app.signUp()
    await bindEmail(app, alice, ada)
    const fresh = { token: (await signInByEmail(app, ada)).data.access_token as string }
    const newEmailPassCode = await emailCode(app, fresh, { to: countess, channel: 'CHANNEL_UPDATE_EMAIL' })

    const refused = await requestChange(app, fresh, { newEmail: countess, newEmailPassCode })

    expect(refused).toMatchObject({ statusCode: 403, apiCode: 2227 })
  })

  it('needs none where the pool asks for none', async () => {
    await using app = await startTestApp()
    await app.app.accountPolicy.change(app.application.poolId, { verifyOldEmail: false })
    const alice = await app.signUp()
    await bindEmail(app, alice, ada)
    const newEmailPassCode = await emailCode(app, alice, { to: countess, channel: 'CHANNEL_UPDATE_EMAIL' })

    const verified = await requestChange(app, alice, { newEmail: countess, newEmailPassCode })

    expect(verified.statusCode).toBe(200)
  })

  it.each(['newEmailPassCode', 'oldEmailPassCode'] as const)(
    'refuses a wrong %s and spends neither code',
    async (field) => {
      await using app = await startTestApp()
      const alice = await app.signUp()
      await bindEmail(app, alice, ada)
      const payload = await proofsOfChange(app, alice, { from: ada, to: countess })

      const refused = await requestChange(app, alice, { ...payload, [field]: otherCode(payload[field]) })

      expect(refused).toMatchObject({ statusCode: 499, apiCode: 2001 })
      expect(await requestChange(app, alice, payload)).toMatchObject({ statusCode: 200 })
    },
  )

  it('names the code that cannot be right', async () => {
    await using app = await startTestApp()
    const alice = await app.signUp()
    await bindEmail(app, alice, ada)

    const refused = await requestChange(app, alice, {
      newEmail: countess,
      newEmailPassCode: '123456',
      oldEmailPassCode: 'abc',
    })

    expect(refused).toMatchObject({
      apiCode: 8800012,
      data: { errors: [{ field: 'emailPassCodePayload.oldEmailPassCode' }] },
    })
  })

  it('refuses who has no address, and the address that is there already', async () => {
    await using app = await startTestApp()
    const [alice, bob] = [await app.signUp(), await app.signUp()]
    await bindEmail(app, bob, ada)

    const without = await requestChange(app, alice, { newEmail: countess, newEmailPassCode: '123456' })
    const same = await requestChange(app, bob, { newEmail: 'ADA@example.com', newEmailPassCode: '123456' })

    expect(without).toMatchObject({ statusCode: 404, apiCode: 1320009 })
    expect(same).toMatchObject({ statusCode: 409, apiCode: 2229 })
  })

  it('tells that the new one is taken only to who has its code (rule 10)', async () => {
    await using app = await startTestApp()
    const [alice, bob] = [await app.signUp(), await app.signUp()]
    await bindEmail(app, alice, ada)
    await bindEmail(app, bob, countess)
    const payload = await proofsOfChange(app, alice, { from: ada, to: countess })
    const guess = { ...payload, newEmailPassCode: otherCode(payload.newEmailPassCode) }

    const guessed = await requestChange(app, alice, guess)
    const proved = await requestChange(app, alice, payload)

    expect(guessed).toMatchObject({ statusCode: 499, apiCode: 2001 })
    expect(proved).toMatchObject({ statusCode: 409, apiCode: 1320004 })
  })

  it('fails where another user bound the new one before the token was spent (rule 17)', async () => {
    await using app = await startTestApp()
    const [alice, bob] = [await app.signUp(), await app.signUp()]
    await bindEmail(app, alice, ada)
    const { data } = await requestChange(
      app,
      alice,
      await proofsOfChange(app, alice, { from: ada, to: countess }),
    )
    await bindEmail(app, bob, countess)

    const changed = await updateEmail(app, alice, data.updateEmailToken)

    expect(changed).toMatchObject({ statusCode: 409, apiCode: 1320004 })
    expect(await emailOf(app, alice)).toBe(ada)
    expect((await alice.profile()).statusCode).toBe(200)
  })

  it('fails a minute after it was proved', async () => {
    await using app = await startTestApp()
    const alice = await app.signUp()
    await bindEmail(app, alice, ada)
    const { data } = await requestChange(
      app,
      alice,
      await proofsOfChange(app, alice, { from: ada, to: countess }),
    )
    app.clock.advance(61)

    const changed = await updateEmail(app, alice, data.updateEmailToken)

    expect(changed).toMatchObject({ statusCode: 403, apiCode: 1020020 })
  })
})

describe('unbind-email', () => {
  it('takes the address, and every use of it, off the account (rule 16)', async () => {
    await using app = await startTestApp()
    const alice = await app.signUp()
    await bindEmail(app, alice, ada)
    await enrollEmailFactor(app, alice, ada)
    await app.sendEmail('CHANNEL_LOGIN', ada)
    const signInCode = await app.lastCode(ada)
    const passCode = await emailCode(app, alice, { to: ada, channel: 'CHANNEL_UNBIND_EMAIL' })

    const unbound = await app.post('/api/v3/unbind-email', { passCode }, { token: alice.token })

    expect(unbound).toMatchObject({ status: 200, statusCode: 200 })
    expect(unbound.data).toBeUndefined()
    expect((await alice.profile()).data).toMatchObject({ emailVerified: false })
    expect(await emailOf(app, alice)).toBeUndefined()
    expect(await emailFactors(app)).toEqual([])
    const signIn = await app.post('/api/v3/signin', {
      connection: 'PASSCODE',
      passCodePayload: { email: ada, passCode: signInCode },
      client_secret: app.application.secret.reveal(),
    })
    expect(signIn).toMatchObject({ statusCode: 499, apiCode: 2001 })
  })

  it('ends the other sessions, and tells the address and the phone (rule 15)', async () => {
    await using app = await startTestApp()
    const alice = await app.signUp()
    await alice.bindPhone(await alice.receiveCode())
    await bindEmail(app, alice, ada)
    const other = await otherDevice(alice)
    const passCode = await emailCode(app, alice, { to: ada, channel: 'CHANNEL_UNBIND_EMAIL' })

    await app.post('/api/v3/unbind-email', { passCode }, { token: alice.token })

    expect(await app.get('/api/v3/get-profile', other)).toMatchObject({ statusCode: 401, apiCode: 2020 })
    expect((await alice.profile()).statusCode).toBe(200)
    expect(await toldOf(app, 'email_unbound')).toEqual([`+86${alice.phone}`, ada])
    expect(await eventsOf(app, alice, 'email.unbound')).toMatchObject([
      { detail: { email: 'a***@example.com' } },
    ])
  })

  it('refuses where nothing else would be left to sign in with (rule 16)', async () => {
    await using app = await startTestApp()
    await app.sendEmail('CHANNEL_REGISTER', ada)
    await app.post('/api/v3/signup', {
      connection: 'PASSCODE',
      passCodePayload: { email: ada, passCode: await app.lastCode(ada) },
    })
    const token = (await signInByEmail(app, ada)).data.access_token as string
    const passCode = await emailCode(app, { token }, { to: ada, channel: 'CHANNEL_UNBIND_EMAIL' })

    const refused = await app.post('/api/v3/unbind-email', { passCode }, { token })

    expect(refused).toMatchObject({ statusCode: 422, apiCode: 2217 })
    expect(await emailOf(app, { token })).toBe(ada)
  })

  it('refuses who has no address, and a wrong code without touching the session (rule 9)', async () => {
    await using app = await startTestApp()
    const [alice, bob] = [await app.signUp(), await app.signUp()]
    await bindEmail(app, bob, ada)
    const code = await emailCode(app, bob, { to: ada, channel: 'CHANNEL_UNBIND_EMAIL' })
    const unbind = ({ token }: Person, passCode: string) =>
      app.post('/api/v3/unbind-email', { passCode }, { token })

    expect(await unbind(alice, '123456')).toMatchObject({ statusCode: 404, apiCode: 1320009 })
    expect(await unbind(bob, otherCode(code))).toMatchObject({ statusCode: 499, apiCode: 2001 })
    expect(await unbind(bob, code)).toMatchObject({ statusCode: 200 })
  })
})

describe('an address that was mistyped at sign-up', () => {
  const mistyped = 'adda@example.com'
  const password = 'correct horse battery'

  /** Without a code from the current address. */
  const correction = async (app: TestApp, person: { token: string }, to = ada) =>
    requestChange(app, person, {
      newEmail: to,
      newEmailPassCode: await emailCode(app, person, { to, channel: 'CHANNEL_UPDATE_EMAIL' }),
    })

  it('is corrected by who has just signed in, with a code from the right one alone', async () => {
    await using app = await startTestApp()
    const alice = await personWithUnprovedEmail(app, mistyped, password)

    const verified = await correction(app, alice)
    const changed = await updateEmail(app, alice, verified.data.updateEmailToken)

    expect(changed).toMatchObject({ statusCode: 200 })
    const row = await app.app.users.get(app.application.poolId, alice.userId)
    expect(row).toMatchObject({ email: ada, email_verified: true })
    expect(await signInByEmail(app, mistyped)).not.toMatchObject({ statusCode: 200 })
  })

  it('takes a new sign-in after five minutes (rule 14)', async () => {
    await using app = await startTestApp()
    const alice = await personWithUnprovedEmail(app, mistyped, password)
    app.clock.advance(301)

    const late = await correction(app, alice)
    const again = await signInBy(app, { email: mistyped, password })
    app.clock.advance(61)
    const fresh = await correction(app, { token: again.data.access_token })

    expect(late).toMatchObject({ statusCode: 403, apiCode: 2227 })
    expect(fresh).toMatchObject({ statusCode: 200 })
  })

  it('stays once it was verified, also with a token that was given before', async () => {
    await using app = await startTestApp()
    const alice = await personWithUnprovedEmail(app, ada, password)
    const { data } = await correction(app, alice, countess)
    await app.sendEmail('CHANNEL_VERIFY_EMAIL_LINK', ada)
    const [letter] = await app.readInbox(ada)
    const [path] = /\/account\/verify-email\/\S+/.exec(letter?.text ?? '') ?? []
    await fetch(`${app.url}${path}`, { method: 'POST' })

    const late = await updateEmail(app, alice, data.updateEmailToken)
    app.clock.advance(61)
    const again = await correction(app, alice, countess)

    expect(late).toMatchObject({ statusCode: 403, apiCode: 1020020 })
    expect(again).toMatchObject({ statusCode: 403, apiCode: 2227 })
    expect(await emailOf(app, alice)).toBe(ada)
  })

  it('gets no link back into the account where a phone is told in its place', async () => {
    await using app = await startTestApp()
    const alice = await personWithEmail(app, mistyped)
    const bob = await personWithUnprovedEmail(app, 'bobb@example.com', password)

    const ofAlice = await correction(app, alice)
    await updateEmail(app, alice, ofAlice.data.updateEmailToken)
    const ofBob = await correction(app, bob, 'bob@example.com')
    await updateEmail(app, bob, ofBob.data.updateEmailToken)

    const told = async (to: string) => (await noticesTo(app, to)).map(({ channel }) => channel)
    expect(await told(mistyped)).not.toContain('NOTICE_EMAIL_CHANGED')
    expect(await told(alice.phone)).toContain('NOTICE_EMAIL_CHANGED')
    expect(await told('bobb@example.com')).toContain('NOTICE_EMAIL_CHANGED')
  })
})
