import { describe, expect, it } from 'vitest'
import { newPhone, startTestApp, type TestApp } from '../support/app.ts'
import { consoleOf } from '../support/console.ts'
import {
  bindEmail,
  emailCode,
  emailOf,
  proofsOfChange,
  requestChange,
  updateEmail,
} from '../support/email.ts'
import { parseLetter, startMailServer } from '../support/mail-server.ts'
import {
  linkIn,
  linkTo,
  noticesTo,
  pressButton,
  signInByEmail,
  signInByPassword,
} from '../support/notices.ts'
import { updatePassword } from '../support/passwords.ts'
import {
  days,
  masked,
  personWithEmail,
  personWithPhone,
  phoneOf,
  provenChange,
  signInByPhone,
  unbindPhone,
  updatePhone,
} from '../support/phone-changes.ts'

const email = 'ada@example.com'

const kindsTo = async (app: TestApp, to: string) =>
  (await noticesTo(app, to)).map(({ channel }) => channel.replace('NOTICE_', '').toLowerCase())

/** Everything that is for a mailbox goes to this server from now on. */
const setMailServer = async (app: TestApp, port: number): Promise<void> => {
  const settings = { host: '127.0.0.1', port, security: 'none', from: 'login@example.com' }
  const { status, body } = await (await consoleOf(app)).put('/console/api/mail', settings)
  if (status !== 200) throw new Error(`the mail settings were refused: ${JSON.stringify(body)}`)
}

describe('a notice', () => {
  it('tells the address of a bound phone, and not the phone that has just proved itself', async () => {
    await using app = await startTestApp()
    const ada = await personWithEmail(app, email)

    const [notice] = await noticesTo(app, email)

    expect(notice).toMatchObject({ to: email, passCode: '', channel: 'NOTICE_PHONE_BOUND' })
    expect(notice?.text).toContain(masked(ada.phone))
    expect(notice?.text).not.toContain(ada.phone)
    expect(await kindsTo(app, ada.phone)).toEqual([])
  })

  it('tells the old phone and the address of a changed phone', async () => {
    await using app = await startTestApp()
    const ada = await personWithEmail(app, email)
    const number = newPhone()

    await updatePhone(app, ada.token, await provenChange(app, ada, number))

    expect(await kindsTo(app, ada.phone)).toEqual(['phone_changed'])
    expect(await kindsTo(app, email)).toEqual(['phone_changed', 'phone_bound'])
    expect(await kindsTo(app, number)).toEqual([])
  })

  it('is in the language that the change was asked for in', async () => {
    await using app = await startTestApp()
    const ada = await personWithEmail(app, email)
    const updatePhoneToken = await provenChange(app, ada, newPhone())

    await app.post(
      '/api/v3/update-phone',
      { updatePhoneToken },
      { token: ada.token, headers: { 'x-authing-lang': 'zh-CN' } },
    )

    const [notice] = await noticesTo(app, ada.phone)
    expect(notice?.text).toContain('您的账号手机号已由')
  })

  it('goes nowhere where the account has no address, and nothing is written then', async () => {
    await using app = await startTestApp()

    const alice = await personWithPhone(app)

    expect(await kindsTo(app, alice.phone)).toEqual([])
  })

  it('of an address tells the phone and the old address, and its link brings the old one back', async () => {
    await using app = await startTestApp()
    const alice = await personWithPhone(app)
    await bindEmail(app, alice, email)
    const proofs = await proofsOfChange(app, alice, { from: email, to: 'eve@example.com' })
    const verified = await requestChange(app, alice, proofs)
    await updateEmail(app, alice, verified.data.updateEmailToken)

    const done = await pressButton(app, await linkTo(app, email, 'email_changed'))

    expect(await kindsTo(app, alice.phone)).toEqual(['change_undone', 'email_changed', 'email_bound'])
    expect(done.text).toContain('has its former number or address')
    const { data } = await signInByEmail(app, email)
    expect(await emailOf(app, { token: data.access_token })).toBe(email)
    expect(await phoneOf(app, data.access_token)).toBe(alice.phone)
  })

  it('of a bound address takes it off, and of an unbound one brings it back', async () => {
    await using app = await startTestApp()
    const alice = await personWithPhone(app)
    await bindEmail(app, alice, email)
    const passCode = await emailCode(app, alice, { to: email, channel: 'CHANNEL_UNBIND_EMAIL' })
    await app.post('/api/v3/unbind-email', { passCode }, { token: alice.token })

    await pressButton(app, await linkTo(app, email, 'email_unbound'))
    const restored = await signInByEmail(app, email)
    await pressButton(app, await linkTo(app, alice.phone, 'email_bound'))
    const token = await signInByPhone(app, alice.phone)

    expect(restored).toMatchObject({ statusCode: 200 })
    expect(await emailOf(app, { token })).toBeFalsy()
  })

  it('of a changed password cannot bring the old one back, and says so; the new one opens nothing', async () => {
    await using app = await startTestApp()
    const ada = await personWithEmail(app, email)
    const newPassword = 'staple battery horse correct'
    const changed = await updatePassword(app, ada.token, {
      newPassword,
      oldPassword: 'correct horse battery',
    })

    const done = await pressButton(app, await linkTo(app, ada.phone, 'password_changed'))

    expect(changed).toMatchObject({ statusCode: 200 })
    expect(done.text).toContain('The old password cannot come back')
    expect(await signInByPassword(app, email, newPassword)).toMatchObject({ apiCode: 2058 })
    expect(await app.get('/api/v3/get-profile', { token: ada.token })).toMatchObject({ statusCode: 401 })
  })

  it('of a claim stops it, and signs nobody out', async () => {
    await using app = await startTestApp()
    const ada = await personWithEmail(app, email)
    app.clock.advance(days(181))
    const bob = await app.signUp()
    const claim = async () => bob.bindPhone(await bob.receiveCode('CHANNEL_BIND_PHONE', ada.phone), ada.phone)
    await claim()

    const done = await pressButton(app, await linkTo(app, email, 'phone_claim_started'))

    expect(done.text).toContain('It is stopped')
    expect(done.text).not.toContain('signed out')
    app.clock.advance(73 * 3600)
    const { token } = await app.signUp()
    await app.sendSms('CHANNEL_BIND_PHONE', ada.phone, { token })
    const passCode = await app.lastCode(ada.phone)
    const again = await app.post('/api/v3/bind-phone', { phoneNumber: ada.phone, passCode }, { token })
    expect(again).toMatchObject({ statusCode: 409, apiCode: 1320004 })
  })

  it('outlives neither its link nor its message for long', async () => {
    await using app = await startTestApp()
    const ada = await personWithEmail(app, email)
    const link = await linkTo(app, email, 'phone_bound')
    await unbindPhone(app, ada)
    app.clock.advance(days(9))

    await app.app.housekeeping()

    expect(await noticesTo(app, email)).toEqual([])
    expect((await pressButton(app, link)).status).toBe(404)
  })
})

describe('a notice by email', () => {
  it('is a letter in text and HTML, whose link undoes the change', async () => {
    await using app = await startTestApp()
    const server = await startMailServer({ security: 'none' })
    await setMailServer(app, server.port)
    const ada = await personWithEmail(app, email)

    await app.app.work()

    const [received] = server.received
    const letter = await parseLetter(received?.raw ?? '')
    expect(received?.to).toEqual([email])
    expect(letter.subject).toContain('A phone was bound to your account')
    expect(letter.text).toContain(masked(ada.phone))
    expect(letter.html).toContain('Undo this change')
    expect(letter.html).toContain(linkIn(letter.text))
    expect((await pressButton(app, linkIn(letter.text))).text).toContain('It is undone')
  })

  it('is delivered by a second process where the first is gone, once', async () => {
    await using app = await startTestApp()
    const server = await startMailServer({ security: 'none' })
    await setMailServer(app, server.port)
    await personWithEmail(app, email)
    const second = await app.secondProcess()

    await Promise.all([second.app.work(), second.app.work()])
    await app.app.work()

    expect(server.received).toHaveLength(1)
  })

  it('waits for a mail server that is busy, and goes then', async () => {
    await using app = await startTestApp()
    const refusals = { rcpt: { code: 451, text: '4.3.0 try again later' } }
    const server = await startMailServer({ security: 'none', refusals })
    await setMailServer(app, server.port)
    await personWithEmail(app, email)

    await app.app.work()
    Object.assign(refusals, { rcpt: undefined })
    await app.app.work()
    expect(server.received).toHaveLength(0)
    app.clock.advance(31)
    await app.app.work()

    expect(server.received).toHaveLength(1)
  })

  it('is given up where the mailbox does not exist, and the timeline says so', async () => {
    await using app = await startTestApp()
    const refusals = { rcpt: { code: 550, text: '5.1.1 no such user' } }
    const server = await startMailServer({ security: 'none', refusals })
    await setMailServer(app, server.port)
    await personWithEmail(app, email)

    await app.app.work()

    const admin = await consoleOf(app)
    const { body } = await admin.get(`/console/api/sms/messages?recipient=${email}`)
    const [{ id, state }] = body.messages
    const timeline = await admin.get(`/console/api/sms/messages/${id}`)
    expect(state).toBe('failed')
    expect(timeline.body.attempts).toMatchObject([{ provider: 'smtp', channel: 'email', state: 'refused' }])
  })
})
