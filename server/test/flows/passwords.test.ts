import { describe, expect, it } from 'vitest'
import { sql } from '../../src/core/database.ts'
import { newPhone, startTestApp, type TestApp } from '../support/app.ts'
import {
  personWithUnprovedEmail,
  resetPassword,
  resetToken,
  signInBy,
  updatePassword,
  validatePassword,
  verifyReset,
} from '../support/passwords.ts'
import { personWithEmail, personWithPhone, phoneOnlyPerson, signInByPhone } from '../support/phone-changes.ts'

const old = 'correct horse battery'
const fresh = 'staple of a new horse'
const ada = 'ada@example.com'
const days = (count: number) => count * 86_400

const refused = { statusCode: 401, apiCode: 2020 }
const weak = (field: string, message: string) => ({
  statusCode: 400,
  apiCode: 2029,
  data: { errors: [{ field, message: expect.stringContaining(message) }] },
})

const eventsOf = async ({ app, application }: TestApp, userId: string): Promise<string[]> =>
  (await app.audit.eventsOf(application.poolId, userId)).map(({ type }) => type)

const profileOf = (app: TestApp, token: string) => app.get('/api/v3/get-profile', { token })

const changesTold = async (app: TestApp): Promise<string[]> => {
  const rows = await app.db.query<{ recipient: string }>(sql`
    select recipient
      from messages
     where notice_id is not null
       and purpose = 'password_changed'
     order by recipient`)
  return rows.map(({ recipient }) => recipient)
}

const refresh = async ({ url, application }: TestApp, refreshToken: string) => {
  const body = new URLSearchParams({
    grant_type: 'refresh_token',
    refresh_token: refreshToken,
    client_id: application.id,
    client_secret: application.secret.reveal(),
  })
  const response = await fetch(`${url}/oidc/token`, { method: 'POST', body })
  return { status: response.status, ...((await response.json()) as object) }
}

const requireReset = (app: TestApp, userId: string) =>
  app.db.query(sql`update users set password_reset_required = true where id = ${userId}`)

describe('update-password', () => {
  it('changes a password for who knows the old one', async () => {
    await using app = await startTestApp()
    const alice = await app.signUp()

    const changed = await updatePassword(app, alice.token, { oldPassword: old, newPassword: fresh })

    expect(changed).toMatchObject({ status: 200, statusCode: 200 })
    expect(changed.data).toBeUndefined()
    const { username } = alice
    expect(await signInBy(app, { username, password: old })).toMatchObject({ statusCode: 403, apiCode: 2333 })
    expect((await signInBy(app, { username, password: fresh })).statusCode).toBe(200)
    expect(await eventsOf(app, alice.userId)).toContain('password.changed')
  })

  it('ends the other sessions and their refresh tokens, and keeps the one that it was called in (rule 15)', async () => {
    await using app = await startTestApp()
    const alice = await app.signUp({ scope: 'openid offline_access' })
    const other = (await alice.signIn()).data

    await updatePassword(app, alice.token, { oldPassword: old, newPassword: fresh })

    expect((await alice.profile()).statusCode).toBe(200)
    expect(await profileOf(app, other.access_token)).toMatchObject(refused)
    expect(await refresh(app, other.refresh_token)).toMatchObject({ status: 400, error: 'invalid_grant' })
    expect((await refresh(app, alice.tokens.refresh_token)).status).toBe(200)
  })

  it('tells the phone and the email address (rule 15)', async () => {
    await using app = await startTestApp()
    const { token, phone } = await personWithEmail(app, ada)

    await updatePassword(app, token, { oldPassword: old, newPassword: fresh })

    expect(await changesTold(app)).toEqual([`+86${phone}`, ada])
  })

  it('gives a first password to a user who has none', async () => {
    await using app = await startTestApp()
    const { token, phone } = await phoneOnlyPerson(app)

    const set = await updatePassword(app, token, { newPassword: fresh })

    expect(set).toMatchObject({ statusCode: 200 })
    expect((await signInBy(app, { phone, password: fresh })).statusCode).toBe(200)
    expect((await app.get('/api/v3/get-security-info', { token })).data).toMatchObject({ passwordSet: true })
  })

  it('takes the token of a proved phone in place of the old password', async () => {
    await using app = await startTestApp()
    const alice = await personWithPhone(app)
    const passwordResetToken = await resetToken(app, alice.phone)

    const changed = await updatePassword(app, alice.token, { newPassword: fresh, passwordResetToken })

    expect(changed).toMatchObject({ statusCode: 200 })
    expect((await alice.profile()).statusCode).toBe(200)
    expect((await signInBy(app, { username: alice.username, password: fresh })).statusCode).toBe(200)
  })

  it.each([{}, { oldPassword: 'a wrong password' }])('refuses %j while a password is set', async (given) => {
    await using app = await startTestApp()
    const alice = await app.signUp()

    const answer = await updatePassword(app, alice.token, { newPassword: fresh, ...given })

    expect(answer).toMatchObject({ statusCode: 403, apiCode: 1320011 })
    expect((await alice.signIn()).statusCode).toBe(200)
  })

  it('lifts the demand for a new password that an undone change left behind', async () => {
    await using app = await startTestApp()
    const alice = await personWithPhone(app)
    await requireReset(app, alice.userId)
    const token = await signInByPhone(app, alice.phone)

    await updatePassword(app, token, { oldPassword: old, newPassword: fresh })

    expect((await signInBy(app, { username: alice.username, password: fresh })).statusCode).toBe(200)
  })
})

describe('reset-password', () => {
  it('sets a new password for who reads a code at the phone, and ends every session', async () => {
    await using app = await startTestApp()
    const alice = await personWithPhone(app)
    await requireReset(app, alice.userId)

    const reset = await resetPassword(app, await resetToken(app, alice.phone), fresh)

    expect(reset).toMatchObject({ statusCode: 200, data: { success: true } })
    expect(await alice.profile()).toMatchObject(refused)
    expect((await signInBy(app, { username: alice.username, password: fresh })).statusCode).toBe(200)
    expect(await changesTold(app)).toEqual([`+86${alice.phone}`])
    expect(await eventsOf(app, alice.userId)).toContain('password.reset')
  })

  it('takes an email address from who signed up with it before its owner', async () => {
    await using app = await startTestApp()
    const squatter = await personWithUnprovedEmail(app, ada, old)

    await resetPassword(app, await resetToken(app, ada), fresh)

    expect(await profileOf(app, squatter.token)).toMatchObject(refused)
    expect(await signInBy(app, { email: ada, password: old })).toMatchObject({ apiCode: 2333 })
    const { data } = await signInBy(app, { email: ada, password: fresh }, { scope: 'openid email' })
    expect((await profileOf(app, data.access_token)).data).toMatchObject({ email: ada, emailVerified: true })
    expect(await eventsOf(app, squatter.userId)).toContain('email.verified')
  })

  it('by the phone proves no address', async () => {
    await using app = await startTestApp()
    const { userId, phone } = await personWithEmail(app, ada)

    await resetPassword(app, await resetToken(app, phone), fresh)

    expect(await app.app.users.get(app.application.poolId, userId)).toMatchObject({ email_verified: false })
    expect(await eventsOf(app, userId)).not.toContain('email.verified')
  })

  it('keeps the token when the password is too weak', async () => {
    await using app = await startTestApp()
    const alice = await personWithPhone(app)
    const token = await resetToken(app, alice.phone)

    expect(await resetPassword(app, token, 'password1')).toMatchObject(weak('password', 'many people'))

    expect((await resetPassword(app, token, fresh)).statusCode).toBe(200)
  })

  it('proves a stale number anew where it is the only way in', async () => {
    await using app = await startTestApp()
    const { phone, userId } = await phoneOnlyPerson(app)
    app.clock.advance(days(200))

    const reset = await resetPassword(app, await resetToken(app, phone), fresh)

    expect(reset.statusCode).toBe(200)
    expect(await eventsOf(app, userId)).toContain('phone.proved')
    const row = await app.app.users.get(app.application.poolId, userId)
    expect(row?.phone_proved_at?.getTime()).toBeGreaterThan(app.clock.now().getTime() - 60_000)
  })

  it.each([
    ['an email address', (app: TestApp) => personWithEmail(app, ada)],
    ['a username and a password', personWithPhone],
  ])('takes no stale number where there is %s', async (_way, signUp) => {
    await using app = await startTestApp()
    const { phone } = await signUp(app)
    app.clock.advance(days(200))
    await app.sendSms('CHANNEL_RESET_PASSWORD', phone)

    const verified = await verifyReset(app, phone, await app.lastCode(phone))

    expect(verified).toMatchObject({ statusCode: 403, apiCode: 8800017 })
  })
})

describe('a new password', () => {
  it.each([
    ['low', 'abcdefgh', true],
    ['medium', 'abcdefgh', false],
    ['medium', 'abcdefghij', true],
    ['medium', 'Abcdef7!', true],
    ['high', 'abcdefghijklmno', false],
    ['high', 'abcdefghijklmnop', true],
    ['high', 'Abcdefghijk7', true],
  ] as const)('at level %s: %s is taken: %s', async (passwordLevel, password, taken) => {
    await using app = await startTestApp()
    await app.app.accountPolicy.change(app.application.poolId, { passwordLevel })

    const made = await app.post('/api/v3/signup', {
      connection: 'PASSWORD',
      passwordPayload: { username: 'ada', password },
    })

    if (taken) expect(made.statusCode).toBe(200)
    else expect(made).toMatchObject(weak('passwordPayload.password', 'must have at least'))
  })

  it.each(['password', 'PassWord1', 'dragon2024!', 'ｐａｓｓｗｏｒｄ', ' iloveyou '])(
    'must not be one that many people use: %s',
    async (newPassword) => {
      await using app = await startTestApp()
      const alice = await app.signUp()

      const answer = await updatePassword(app, alice.token, { oldPassword: old, newPassword })

      expect(answer).toMatchObject(weak('newPassword', 'many people'))
    },
  )

  it('may be a common one where the pool does not mind', async () => {
    await using app = await startTestApp()
    const alice = await app.signUp()
    await app.app.accountPolicy.change(app.application.poolId, { refuseCommonPasswords: false })

    const changed = await updatePassword(app, alice.token, { oldPassword: old, newPassword: 'password' })

    expect(changed.statusCode).toBe(200)
  })

  it('must not be the own username, address, number or the application’s name, however written', async () => {
    await using app = await startTestApp()
    const email = 'ada.lovelace@example.com'
    const { token, phone } = await personWithEmail(app, email)
    await app.post('/api/v3/update-profile', { username: 'countess-ada' }, { token })
    const { name } = app.application
    const own = [
      'Countess-Ada',
      'countessada!1',
      email,
      'adalovelace',
      'Ada.Lovelace1',
      phone,
      `+86 ${phone}`,
    ]

    for (const newPassword of [...own, `${name}${name.length < 8 ? '2024' : ''}`]) {
      const answer = await updatePassword(app, token, { oldPassword: old, newPassword })
      expect(answer, newPassword).toMatchObject(weak('newPassword', 'must not be your name'))
    }
  })

  it('is judged wherever one is set', async () => {
    await using app = await startTestApp()
    const phone = newPhone()
    await app.sendSms('CHANNEL_REGISTER', phone)
    const passCodePayload = { phone, passCode: await app.lastCode(phone) }
    const options = { passwordForPhonePassCode: 'password1' }

    const byCode = await app.post('/api/v3/signup', { connection: 'PASSCODE', passCodePayload, options })
    const auto = await signInBy(app, { email: ada, password: 'password1' }, { autoRegister: true })

    expect(byCode).toMatchObject(weak('options.passwordForPhonePassCode', 'many people'))
    expect(auto).toMatchObject(weak('passwordPayload.password', 'many people'))
  })
})

describe('validate-password', () => {
  it('tells whether a password is right, and starts no session', async () => {
    await using app = await startTestApp()
    const { userId, phone } = await personWithEmail(app, ada)
    const before = await eventsOf(app, userId)

    for (const identifier of [{ email: 'ADA@example.com' }, { phone }]) {
      expect(await validatePassword(app, { ...identifier, password: old })).toMatchObject({
        statusCode: 200,
        data: { valid: true },
      })
      expect((await validatePassword(app, { ...identifier, password: fresh })).data).toEqual({ valid: false })
    }

    expect(await eventsOf(app, userId)).toEqual(before)
  })

  it('goes by the email before the phone, and by the phone before the username', async () => {
    await using app = await startTestApp()
    const [alice, bob] = [await personWithPhone(app), await app.signUp({ password: fresh })]
    await personWithUnprovedEmail(app, ada, 'the third password')
    const of = { email: ada, phone: alice.phone, username: bob.username }

    expect((await validatePassword(app, { ...of, password: 'the third password' })).data.valid).toBe(true)
    expect((await validatePassword(app, { ...of, email: undefined, password: old })).data.valid).toBe(true)
    expect((await validatePassword(app, { username: bob.username, password: fresh })).data.valid).toBe(true)
  })

  it('needs somebody to ask about', async () => {
    await using app = await startTestApp()

    expect(await validatePassword(app, { password: old })).toMatchObject({
      statusCode: 400,
      apiCode: 8800012,
    })
  })
})
