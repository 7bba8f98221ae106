import { describe, expect, it } from 'vitest'
import { newPhone, startTestApp, type TestApp } from '../support/app.ts'
import { enrollFactor, factorsOf } from '../support/authenticator.ts'
import { proofsOfChange, requestChange, unbindEmail, updateEmail } from '../support/email.ts'
import { linkTo, pressButton, signInByEmail, signInByPassword } from '../support/notices.ts'
import {
  days,
  hours,
  lostPhoneChange,
  personWithEmail,
  provenChange,
  signInByPhone,
  unbindPhone,
  updatePhone,
} from '../support/phone-changes.ts'

const email = 'ada@example.com'

/** A sign-in by a code of the phone, also one that is refused. */
const tryPhone = async (app: TestApp, phone: string) => {
  await app.sendSms('CHANNEL_LOGIN', phone)
  return app.post('/api/v3/signin', {
    connection: 'PASSCODE',
    passCodePayload: { phone, passCode: await app.lastCode(phone) },
    client_secret: app.application.secret.reveal(),
  })
}

/** Ada, who signs in by her password again after so many days; her phone was proved as the account was made. */
const adaAfter = async (app: TestApp, count: number) => {
  const ada = await personWithEmail(app, email)
  app.clock.advance(days(count))
  const token: string = (await signInByPassword(app, email)).data.access_token
  return { ...ada, token }
}

describe('a number that an undone change brings back', () => {
  it('is as stale as it was, where nobody proved it for the change', async () => {
    await using app = await startTestApp()
    const ada = await adaAfter(app, 181)
    await updatePhone(app, ada.token, await lostPhoneChange(app, ada, newPhone()))
    app.clock.advance(hours(73))
    await app.app.work()

    await pressButton(app, await linkTo(app, email, 'phone_changed'))

    expect(await tryPhone(app, ada.phone)).toMatchObject({ statusCode: 403, apiCode: 8800017 })
  })

  it('is as stale as it was also by the link that would have stopped the change', async () => {
    await using app = await startTestApp()
    const ada = await adaAfter(app, 181)
    await updatePhone(app, ada.token, await lostPhoneChange(app, ada, newPhone()))
    app.clock.advance(hours(73))
    await app.app.work()

    await pressButton(app, await linkTo(app, email, 'phone_change_requested'))

    expect(await tryPhone(app, ada.phone)).toMatchObject({ statusCode: 403, apiCode: 8800017 })
  })

  it('is proved where its code made the change', async () => {
    await using app = await startTestApp()
    const ada = await adaAfter(app, 181)
    await updatePhone(app, ada.token, await provenChange(app, ada, newPhone()))

    await pressButton(app, await linkTo(app, email, 'phone_changed'))

    expect(await tryPhone(app, ada.phone)).toMatchObject({ statusCode: 200 })
  })

  it('is proved where its code unbound it', async () => {
    await using app = await startTestApp()
    const ada = await adaAfter(app, 181)
    await unbindPhone(app, ada)

    await pressButton(app, await linkTo(app, email, 'phone_unbound'))

    expect(await tryPhone(app, ada.phone)).toMatchObject({ statusCode: 200 })
  })
})

describe('the factor of a number or address', () => {
  const profileOf = (to: string) => (to.includes('@') ? { email: to } : { phoneNumber: to })

  const enroll = async (app: TestApp, token: string, to: string) => {
    const factorType = to.includes('@') ? 'EMAIL' : 'SMS'
    const profile = profileOf(to)
    const { data } = await app.post('/api/v3/send-enroll-factor-request', { factorType, profile }, { token })
    const passCode = await app.lastCode(to)
    const enrolled = await enrollFactor(app, { factorType, passCode, ...data }, { token })
    if (enrolled.statusCode !== 200) throw new Error(`enroll-factor was refused: ${enrolled.message}`)
  }

  /** Ada, who enrolled the factor long enough before what comes next. */
  const adaWithFactor = async (app: TestApp, kind: 'SMS' | 'EMAIL', daysAgo = 2) => {
    const ada = await personWithEmail(app, email)
    // Proves the address, which would end sessions later on.
    const token: string = (await signInByEmail(app, email)).data.access_token
    app.clock.advance(61)
    await enroll(app, token, kind === 'SMS' ? ada.phone : email)
    app.clock.advance(days(daysAgo))
    return { ...ada, token: await signInByPhone(app, ada.phone) }
  }

  const factorTypes = async (app: TestApp, phone: string) => {
    app.clock.advance(61)
    const factors = await factorsOf(app, { token: await signInByPhone(app, phone) })
    return factors.map(({ factorType, profile }) => [factorType, Object.values(profile)[0]])
  }

  it('comes back with the number', async () => {
    await using app = await startTestApp()
    const ada = await adaWithFactor(app, 'SMS')
    app.clock.advance(61)
    await unbindPhone(app, ada)

    await pressButton(app, await linkTo(app, ada.phone, 'phone_unbound'))

    expect(await factorTypes(app, ada.phone)).toEqual([['SMS', ada.phone]])
  })

  it('comes back where the number was changed, and the new one unbound', async () => {
    await using app = await startTestApp()
    const ada = await adaWithFactor(app, 'SMS')
    const number = newPhone()
    app.clock.advance(61)
    await updatePhone(app, ada.token, await provenChange(app, ada, number))
    const link = await linkTo(app, ada.phone, 'phone_changed')
    app.clock.advance(61)
    await unbindPhone(app, { token: ada.token, phone: number })

    await pressButton(app, link)

    expect(await factorTypes(app, ada.phone)).toEqual([['SMS', ada.phone]])
  })

  it('comes back with the address', async () => {
    await using app = await startTestApp()
    const ada = await adaWithFactor(app, 'EMAIL')
    app.clock.advance(61)
    await unbindEmail(app, ada, email)

    await pressButton(app, await linkTo(app, email, 'email_unbound'))

    expect(await factorTypes(app, ada.phone)).toEqual([['EMAIL', email]])
  })

  it('comes back where the address was changed, and the new one unbound', async () => {
    await using app = await startTestApp()
    const ada = await adaWithFactor(app, 'EMAIL')
    const to = 'thief@example.com'
    const { data } = await requestChange(app, ada, await proofsOfChange(app, ada, { from: email, to }))
    await updateEmail(app, ada, data.updateEmailToken)
    const link = await linkTo(app, email, 'email_changed')
    app.clock.advance(61)
    await unbindEmail(app, ada, to)

    await pressButton(app, link)

    expect(await factorTypes(app, ada.phone)).toEqual([['EMAIL', email]])
  })

  it('stays away where it was enrolled within a day before: whoever made the change may have done it', async () => {
    await using app = await startTestApp()
    const ada = await adaWithFactor(app, 'SMS', 0.5)
    app.clock.advance(61)
    await unbindPhone(app, ada)

    await pressButton(app, await linkTo(app, ada.phone, 'phone_unbound'))

    expect(await factorTypes(app, ada.phone)).toEqual([])
  })
})
