import { describe, expect, it } from 'vitest'
import { newPhone, startTestApp, type TestApp } from '../support/app.ts'
import { proofsOfChange, requestChange, updateEmail } from '../support/email.ts'
import {
  linkTo,
  noticesTo,
  openLink,
  pressButton,
  signInByEmail,
  signInByPassword,
} from '../support/notices.ts'
import {
  days,
  eventsOf,
  hours,
  lostPhoneChange,
  masked,
  personWithEmail,
  phoneOf,
  provenChange,
  signInByPhone,
  unbindPhone,
  updatePhone,
} from '../support/phone-changes.ts'

const email = 'ada@example.com'

/** Somebody whose phone was changed a moment ago. */
const changedPerson = async (app: TestApp) => {
  const ada = await personWithEmail(app, email)
  const number = newPhone()
  await updatePhone(app, ada.token, await provenChange(app, ada, number))
  return { ...ada, number }
}

describe('the link of a notice', () => {
  it('takes a phone off again that was bound', async () => {
    await using app = await startTestApp()
    const ada = await personWithEmail(app, email)
    const link = await linkTo(app, email, 'phone_bound')

    const asked = await openLink(app, link)
    const done = await pressButton(app, link)

    expect(asked.status).toBe(200)
    expect(asked.text).toContain('A phone was bound to your account')
    expect(asked.text).toContain(masked(ada.phone))
    expect(asked.text).not.toContain(ada.phone)
    expect(done.status).toBe(200)
    expect(done.text).toContain('It is undone')
    const { data } = await signInByEmail(app, email)
    expect(await phoneOf(app, data.access_token)).toBeUndefined()
  })

  it('brings the old phone back after a change, and signs every device out', async () => {
    await using app = await startTestApp()
    const { number, phone, token } = await changedPerson(app)

    const done = await pressButton(app, await linkTo(app, phone, 'phone_changed'))

    expect(done.text).toContain('has its former number')
    expect(await app.get('/api/v3/get-profile', { token })).toMatchObject({ statusCode: 401 })
    const again = await signInByPhone(app, phone)
    expect(await phoneOf(app, again)).toBe(phone)
    await expect(signInByPhone(app, number)).rejects.toThrow()
  })

  it('leaves codes to sign in with, and of the password nothing until it is set anew', async () => {
    await using app = await startTestApp()
    await changedPerson(app)

    const done = await pressButton(app, await linkTo(app, email, 'phone_changed'))

    expect(done.text).toContain('forgot password')
    expect(await signInByPassword(app, email)).toMatchObject({ apiCode: 2058 })
    expect(await signInByPassword(app, email, 'a wrong password')).not.toMatchObject({ apiCode: 2058 })
    expect(await signInByEmail(app, email)).toMatchObject({ statusCode: 200 })
  })

  it('is the same on the phone and in the mailbox, and works once', async () => {
    await using app = await startTestApp()
    const { phone } = await changedPerson(app)
    const links = [await linkTo(app, phone, 'phone_changed'), await linkTo(app, email, 'phone_changed')]

    const first = await pressButton(app, links[0] ?? '')
    const second = await pressButton(app, links[1] ?? '')
    const looked = await openLink(app, links[1] ?? '')

    expect(links[0]).toBe(links[1])
    expect(first.status).toBe(200)
    expect(second.status).toBe(410)
    expect(second.text).toContain('This link has been used')
    expect(looked.status).toBe(410)
  })

  it('brings a phone back that was taken off', async () => {
    await using app = await startTestApp()
    const ada = await personWithEmail(app, email)
    await unbindPhone(app, ada)

    const done = await pressButton(app, await linkTo(app, ada.phone, 'phone_unbound'))

    expect(done.text).toContain('has its former number')
    expect(await phoneOf(app, await signInByPhone(app, ada.phone))).toBe(ada.phone)
  })

  it('of an earlier change wins over the later ones, whose links are void', async () => {
    await using app = await startTestApp()
    const { phone, number, token } = await changedPerson(app)
    const early = await linkTo(app, phone, 'phone_changed')
    app.clock.advance(120)
    await updatePhone(app, token, await provenChange(app, { token, phone: number }, newPhone()))
    const late = await linkTo(app, number, 'phone_changed')

    const done = await pressButton(app, early)
    const void_ = await pressButton(app, late)

    expect(late).not.toBe(early)
    expect(done.status).toBe(200)
    expect(void_.status).toBe(410)
    expect(await phoneOf(app, await signInByPhone(app, phone))).toBe(phone)
  })

  it('about the phone leaves the link about the address in force', async () => {
    await using app = await startTestApp()
    const thief = await changedPerson(app)
    const proofs = await proofsOfChange(app, thief, { from: email, to: 'thief@example.com' })
    const { data } = await requestChange(app, thief, proofs)
    await updateEmail(app, thief, data.updateEmailToken)
    await pressButton(app, await linkTo(app, thief.phone, 'phone_changed'))

    const done = await pressButton(app, await linkTo(app, email, 'email_changed'))

    expect(done.text).toContain('has its former number or address')
    expect((await signInByEmail(app, email)).statusCode).toBe(200)
  })

  it('about a bind takes off the number that the bound one was changed for since', async () => {
    await using app = await startTestApp()
    const { userId } = await changedPerson(app)

    const done = await pressButton(app, await linkTo(app, email, 'phone_bound'))

    expect(done.status).toBe(200)
    expect((await app.app.users.get(app.application.poolId, userId))?.phone).toBeNull()
  })

  it('that would have stopped a change undoes it where it was made meanwhile', async () => {
    await using app = await startTestApp()
    const ada = await personWithEmail(app, email)
    await updatePhone(app, ada.token, await lostPhoneChange(app, ada, newPhone()))
    const link = await linkTo(app, ada.phone, 'phone_change_requested')
    app.clock.advance(hours(73))
    await app.app.work()

    const done = await pressButton(app, link)

    expect(done.text).toContain('has its former number')
    expect(await phoneOf(app, await signInByPhone(app, ada.phone))).toBe(ada.phone)
  })

  it('works for seven days and no longer', async () => {
    await using app = await startTestApp()
    const { number, phone } = await changedPerson(app)
    const link = await linkTo(app, phone, 'phone_changed')
    app.clock.advance(days(7) - 60)
    const inTime = await openLink(app, link)
    app.clock.advance(61)

    const late = await pressButton(app, link)

    expect(inTime.status).toBe(200)
    expect(late.status).toBe(410)
    expect(late.text).toContain('This link has expired')
    expect(await phoneOf(app, await signInByPhone(app, number))).toBe(number)
  })

  it('changes nothing until its button is pressed: mail scanners open links', async () => {
    await using app = await startTestApp()
    const { number, phone, token } = await changedPerson(app)
    const link = await linkTo(app, phone, 'phone_changed')

    const looks = [
      await openLink(app, link),
      await openLink(app, link),
      await openLink(app, link, { method: 'HEAD' }),
    ]

    expect(looks.map(({ status }) => status)).toEqual([200, 200, 200])
    expect(await phoneOf(app, token)).toBe(number)
    expect((await pressButton(app, link)).status).toBe(200)
  })

  it('stops a change that waits, and signs out who asked for it', async () => {
    await using app = await startTestApp()
    const ada = await personWithEmail(app, email)
    await updatePhone(app, ada.token, await lostPhoneChange(app, ada, newPhone()))
    const link = await linkTo(app, ada.phone, 'phone_change_requested')

    const asked = await openLink(app, link)
    const done = await pressButton(app, link)

    expect(asked.text).toContain('stop it')
    expect(asked.text).toContain('Every device is signed out')
    expect(asked.text).toContain('the password opens nothing until you set a new one')
    expect(done.text).toContain('It is stopped')
    expect(await app.get('/api/v3/get-profile', { token: ada.token })).toMatchObject({ statusCode: 401 })
    expect(await signInByPassword(app, email)).toMatchObject({ apiCode: 2058 })
    app.clock.advance(hours(100))
    await app.app.work()
    expect(await phoneOf(app, await signInByPhone(app, ada.phone))).toBe(ada.phone)
  })

  it('says so where the account has changed since and nothing is left to undo', async () => {
    await using app = await startTestApp()
    const ada = await personWithEmail(app, email)
    const link = await linkTo(app, email, 'phone_bound')
    await unbindPhone(app, ada)

    const done = await pressButton(app, link)

    expect(done.status).toBe(200)
    expect(done.text).toContain('nothing left to undo')
    expect(await app.get('/api/v3/get-profile', { token: ada.token })).toMatchObject({ statusCode: 401 })
  })

  it('is told of when it was used: to the phone and the address of now, and to the phone that it took away', async () => {
    await using app = await startTestApp()
    const { number, phone } = await changedPerson(app)

    await pressButton(app, await linkTo(app, phone, 'phone_changed'))

    for (const to of [email, phone, number]) {
      const [notice] = await noticesTo(app, to)
      expect(notice).toMatchObject({ channel: 'NOTICE_CHANGE_UNDONE', passCode: '' })
      expect(notice?.text).not.toContain('http')
    }
  })

  it('leaves an audit event, and the history tells of both numbers (rule 18)', async () => {
    await using app = await startTestApp()
    const { userId, phone } = await changedPerson(app)

    await pressButton(app, await linkTo(app, phone, 'phone_changed'))

    expect(await eventsOf(app, userId)).toContain('account.change_undone')
    const events = await app.app.audit.eventsOf(app.application.poolId, userId)
    expect(events.find(({ type }) => type === 'account.change_undone')?.detail).toEqual({
      kind: 'phone_changed',
      result: 'restored',
      passkeysRemoved: 0,
      factorsRemoved: 0,
    })
  })

  it('speaks Chinese to who reads Chinese', async () => {
    await using app = await startTestApp()
    const { phone } = await changedPerson(app)
    const link = await linkTo(app, phone, 'phone_changed')

    const asked = await openLink(app, link, { language: 'zh-CN,zh;q=0.9,en;q=0.8' })

    expect(asked.text).toContain('<html lang="zh-CN">')
    expect(asked.text).toContain('您的账号更换了手机号')
  })
})
