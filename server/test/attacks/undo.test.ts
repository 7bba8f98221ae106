import { describe, expect, it } from 'vitest'
import { sha256 } from '../../src/core/crypto.ts'
import { sql } from '../../src/core/database.ts'
import { newPhone, startTestApp, type TestApp } from '../support/app.ts'
import { enrollOtp, factorsOf } from '../support/authenticator.ts'
import { bindEmail, emailOf, unbindEmail } from '../support/email.ts'
import { linkTo, noticesTo, openLink, pressButton, signInByEmail } from '../support/notices.ts'
import {
  lostPhoneChange,
  personWithEmail,
  personWithPhone,
  phoneOf,
  provenChange,
  receiveCode,
  signInByPhone,
  unbindPhone,
  updatePhone,
} from '../support/phone-changes.ts'
import { storedText } from '../support/stored-text.ts'

const email = 'ada@example.com'

const changedPerson = async (app: TestApp) => {
  const ada = await personWithEmail(app, email)
  const number = newPhone()
  await updatePhone(app, ada.token, await provenChange(app, ada, number))
  return { ...ada, number, link: await linkTo(app, ada.phone, 'phone_changed') }
}

const undoneTimes = async (app: TestApp, userId: string): Promise<number> =>
  (await app.app.audit.eventsOf(app.application.poolId, userId)).filter(
    ({ type }) => type === 'account.change_undone',
  ).length

const statuses = (pages: readonly { status: number }[]) => pages.map(({ status }) => status).sort()

describe('the link of a notice, attacked,', () => {
  it('acts once, however often and wherever it is pressed at the same time', async () => {
    await using app = await startTestApp()
    const { userId, phone, link } = await changedPerson(app)
    const second = await app.secondProcess()
    const url = second.app.http.listeningOrigin

    const pressed = await Promise.all(
      [app, { url }, app, { url }, app].map((process) => pressButton(process, link)),
    )

    expect(statuses(pressed)).toEqual([200, 410, 410, 410, 410])
    expect(await undoneTimes(app, userId)).toBe(1)
    expect(await phoneOf(app, await signInByPhone(app, phone))).toBe(phone)
  })

  it('and that of a later change, pressed at the same time, leave the phone of before both', async () => {
    await using app = await startTestApp()
    const { phone, number, token, link } = await changedPerson(app)
    app.clock.advance(120)
    await updatePhone(app, token, await provenChange(app, { token, phone: number }, newPhone()))
    const late = await linkTo(app, number, 'phone_changed')

    const [first] = await Promise.all([pressButton(app, link), pressButton(app, late)])

    expect(first.status).toBe(200)
    expect(await phoneOf(app, await signInByPhone(app, phone))).toBe(phone)
  })

  it('leaves no session, refresh token, step-up token or code that was there before', async () => {
    await using app = await startTestApp()
    const { userId, number, phone, token, link } = await changedPerson(app)
    app.clock.advance(120)
    const stepUp = await provenChange(app, { token, phone: number }, newPhone())
    await app.sendSms('CHANNEL_LOGIN', number)
    const code = await app.lastCode(number)

    await pressButton(app, link)

    expect(await updatePhone(app, token, stepUp)).toMatchObject({ statusCode: 401 })
    const sessions = await app.db.query(
      sql`select 1 from sessions where user_id = ${userId} and ended_at is null`,
    )
    const stepUps = await app.db.query(
      sql`select 1 from step_up_tokens where user_id = ${userId} and consumed_at is null`,
    )
    expect([...sessions, ...stepUps]).toEqual([])
    const signedIn = await app.post('/api/v3/signin', {
      connection: 'PASSCODE',
      passCodePayload: { phone: number, passCode: code },
      client_secret: app.application.secret.reveal(),
    })
    expect(signedIn.statusCode).not.toBe(200)
    expect(await phoneOf(app, await signInByPhone(app, phone))).toBe(phone)
  })

  it('removes a factor that was added shortly before the change, to come back with', async () => {
    await using app = await startTestApp()
    const ada = await personWithEmail(app, email)
    await enrollOtp(app, ada)
    app.clock.advance(3600)
    await updatePhone(app, ada.token, await provenChange(app, ada, newPhone()))

    await pressButton(app, await linkTo(app, ada.phone, 'phone_changed'))

    expect(await factorsOf(app, { token: await signInByPhone(app, ada.phone) })).toEqual([])
  })

  it('leaves the owner the factors that were there long before', async () => {
    await using app = await startTestApp()
    const ada = await personWithEmail(app, email)
    await enrollOtp(app, ada)
    app.clock.advance(2 * 86_400)
    const again = { token: await signInByPhone(app, ada.phone), phone: ada.phone }
    await updatePhone(app, again.token, await provenChange(app, again, newPhone()))

    await pressButton(app, await linkTo(app, ada.phone, 'phone_changed'))

    // Another code to the same number a minute later.
    app.clock.advance(61)
    const token = await signInByPhone(app, ada.phone)
    expect(await factorsOf(app, { token })).toMatchObject([{ factorType: 'OTP' }])
  })

  it('takes with it a change that waits since', async () => {
    await using app = await startTestApp()
    const { phone, number, token, link } = await changedPerson(app)
    app.clock.advance(120)
    await updatePhone(app, token, await lostPhoneChange(app, { token, phone: number }, newPhone()))

    await pressButton(app, link)

    app.clock.advance(200 * 3600)
    await app.app.work()
    expect(await phoneOf(app, await signInByPhone(app, phone))).toBe(phone)
  })

  it('takes no number from a user who has proved it since, and says that it came off', async () => {
    await using app = await startTestApp()
    const { phone, link } = await changedPerson(app)
    const bob = await app.signUp()
    await bob.bindPhone(await receiveCode(app, bob.token, 'CHANNEL_BIND_PHONE', phone), phone)

    const done = await pressButton(app, link)

    expect(done.text).toContain('taken off your account')
    expect(await phoneOf(app, bob.token)).toBe(phone)
    const { data } = await signInByEmail(app, email)
    expect(await phoneOf(app, data.access_token)).toBeUndefined()
  })

  it('touches nobody in another pool who has the same number', async () => {
    await using app = await startTestApp()
    const { number, link } = await changedPerson(app)
    const other = await app.otherApplication()
    const bob = await other.signUp()
    await other.sendSms('CHANNEL_BIND_PHONE', number, { token: bob.token })
    const passCode = await app.lastCode(number)
    await other.post('/api/v3/bind-phone', { phoneNumber: number, passCode }, { token: bob.token })

    const done = await pressButton(app, link)

    expect(done.status).toBe(200)
    expect((await bob.profile()).data.phone).toBe(number)
  })

  it('of a bound phone is powerless in a mailbox that left the account: it would leave no way in', async () => {
    await using app = await startTestApp()
    const ada = await app.signUp()
    await bindEmail(app, ada, email)
    await ada.bindPhone(await ada.receiveCode())
    const link = await linkTo(app, email, 'phone_bound')
    app.clock.advance(61)
    await unbindEmail(app, ada, email)

    const pressed = [await pressButton(app, link), await pressButton(app, link)]

    for (const { status, text } of pressed) {
      expect(status).toBe(200)
      expect(text).toContain('Nothing was undone')
      expect(text).not.toContain('signed out')
    }
    expect(await phoneOf(app, ada.token)).toBe(ada.phone)
    expect((await ada.signIn()).statusCode).toBe(200)
    expect(await undoneTimes(app, ada.userId)).toBe(0)
  })

  it('of a bound address is powerless on a phone that left the account', async () => {
    await using app = await startTestApp()
    const ada = await personWithPhone(app)
    await bindEmail(app, ada, email)
    const link = await linkTo(app, ada.phone, 'email_bound')
    await unbindPhone(app, ada)

    const pressed = await pressButton(app, link)

    expect(pressed.text).toContain('Nothing was undone')
    expect(await emailOf(app, ada)).toBe(email)
  })

  it('of a bound phone works after that of the address, which brings back who was robbed of both', async () => {
    await using app = await startTestApp()
    const ada = await app.signUp()
    await bindEmail(app, ada, email)
    await ada.bindPhone(await ada.receiveCode())
    const link = await linkTo(app, email, 'phone_bound')
    app.clock.advance(61)
    await unbindEmail(app, ada, email)
    const early = await pressButton(app, link)
    await pressButton(app, await linkTo(app, email, 'email_unbound'))

    const done = await pressButton(app, link)

    expect(early.text).toContain('Nothing was undone')
    expect(done.text).toContain('taken off your account')
    const { data } = await signInByEmail(app, email)
    expect(await phoneOf(app, data.access_token)).toBeUndefined()
  })

  it('that stops is not one that undoes, nor the other way round', async () => {
    await using app = await startTestApp()
    const { link, number, token } = await changedPerson(app)

    const crossed = await pressButton(app, link.replace('/undo/', '/stop/'))

    expect(crossed.status).toBe(404)
    expect(await phoneOf(app, token)).toBe(number)
  })

  it('is answered with a page also where it was never given, and never with a fault', async () => {
    await using app = await startTestApp()
    const junk = [
      'A'.repeat(43),
      'x',
      '%00',
      '%27%20or%201=1--',
      encodeURIComponent('电话'.repeat(10)),
      'A'.repeat(199),
      '..%2f..%2fetc',
    ]

    for (const token of junk) {
      for (const action of ['undo', 'stop']) {
        for (const method of ['GET', 'POST'] as const) {
          const response = await fetch(`${app.url}/account/${action}/${token}`, { method })
          expect(response.status).toBe(404)
          expect(await response.text()).toContain('This link is not known here')
        }
      }
    }
  })

  it('is unknown, and not a fault, where the master key that made it was taken away', async () => {
    await using app = await startTestApp()
    const { link, phone } = await changedPerson(app)
    await app.db.query(sql`update notices set key_id = 'a key that is gone'`)

    const pages = [await openLink(app, link), await pressButton(app, link)]

    expect(statuses(pages)).toEqual([404, 404])
    expect(await noticesTo(app, phone)).toEqual([])
  })

  it('reaches neither the log nor, by its page, another site or a cache', async () => {
    await using app = await startTestApp()
    const { link } = await changedPerson(app)
    const token = new URL(link).pathname.split('/').at(-1) ?? ''

    const pages = [await openLink(app, link), await pressButton(app, link), await openLink(app, link)]

    for (const { headers } of pages) {
      expect(headers.get('referrer-policy')).toBe('no-referrer')
      expect(headers.get('cache-control')).toBe('no-store')
      expect(headers.get('content-security-policy')).toContain("default-src 'none'")
      expect(headers.get('content-security-policy')).toContain("frame-ancestors 'none'")
    }
    expect(app.lines.join('')).toContain('/account/undo/:token')
    expect(app.lines.join('')).not.toContain(token)
  })

  it('stands nowhere in the database, and the numbers of a notice nowhere in clear (rule 28)', async () => {
    await using app = await startTestApp()
    const { link, phone, number } = await changedPerson(app)
    const token = new URL(link).pathname.split('/').at(-1) ?? ''

    const notices = await storedText(app, ['notices'])

    expect(notices).toContain('phone_changed')
    expect(notices).toContain(sha256(token).toString('base64url'))
    for (const secret of [token, phone, number, email]) expect(notices).not.toContain(secret)
    expect(await storedText(app)).not.toContain(token)
  })

  it('shows what people are named as text, never as markup', async () => {
    await using app = await startTestApp()
    const other = await app.otherApplication({ name: '<script>alert(1)</script>' })
    const bob = await other.signUp()
    await other.sendEmail('CHANNEL_BIND_EMAIL', 'bob@example.com', { token: bob.token })
    const passCode = await other.lastCode('bob@example.com')
    await other.post('/api/v3/bind-email', { email: 'bob@example.com', passCode }, { token: bob.token })
    await bob.bindPhone(await bob.receiveCode())

    const page = await openLink(app, await linkTo(app, 'bob@example.com', 'phone_bound'))

    expect(page.status).toBe(200)
    expect(page.text).toContain('&lt;script&gt;')
    expect(page.text).not.toContain('<script')
  })
})
