// Who wants another person's number, or another person's account by a number of their own.
import { describe, expect, it } from 'vitest'
import { sql } from '../../src/core/database.ts'
import { newPhone, otherCode, startTestApp, type TestApp } from '../support/app.ts'
import { bindEmail } from '../support/email.ts'
import { signInByEmail } from '../support/notices.ts'
import {
  authenticationPath,
  createPasskeyAuthenticator,
  registerPasskey,
} from '../support/passkey-authenticator.ts'
import {
  bothCodes,
  days,
  eventsOf,
  historyOf,
  hours,
  lostPhoneChange,
  personWithEmail,
  personWithPhone,
  phoneOf,
  provenChange,
  receiveCode,
  unbindPhone,
  updatePhone,
  verifyChange,
} from '../support/phone-changes.ts'

const statusesOf = (replies: readonly { statusCode: number }[]) =>
  replies.map(({ statusCode }) => statusCode).toSorted((a, b) => a - b)

describe('the token of a change', () => {
  it('works once, also for many at the same instant (rule 5)', async () => {
    await using app = await startTestApp()
    const alice = await personWithPhone(app)
    const token = await provenChange(app, alice, newPhone())

    const replies = await Promise.all(Array.from({ length: 8 }, () => updatePhone(app, alice.token, token)))

    expect(statusesOf(replies)).toEqual([200, 403, 403, 403, 403, 403, 403, 403])
    expect(await historyOf(app, alice.userId)).toHaveLength(2)
  })

  it('is worth nothing after a minute', async () => {
    await using app = await startTestApp()
    const alice = await personWithPhone(app)
    const token = await provenChange(app, alice, newPhone())
    app.clock.advance(61)

    const refused = await updatePhone(app, alice.token, token)

    expect(refused).toMatchObject({ statusCode: 403, apiCode: 1020020 })
  })

  it('is worth nothing in the hands of another user or of another session, and is not spent by them', async () => {
    await using app = await startTestApp()
    const [alice, mallory] = [await personWithPhone(app), await personWithPhone(app)]
    const otherSession = (await alice.signIn()).data.access_token
    const token = await provenChange(app, alice, newPhone())

    const byMallory = await updatePhone(app, mallory.token, token)
    const byOtherSession = await updatePhone(app, otherSession, token)

    expect(byMallory).toMatchObject({ statusCode: 403, apiCode: 1020020 })
    expect(byOtherSession).toMatchObject({ statusCode: 403, apiCode: 1020020 })
    expect(await phoneOf(app, mallory.token)).toBe(mallory.phone)
    expect(await updatePhone(app, alice.token, token)).toMatchObject({ statusCode: 200 })
  })

  it('is worth nothing once another change was made', async () => {
    await using app = await startTestApp()
    const alice = await personWithPhone(app)
    const [first, second] = [newPhone(), newPhone()]
    const stale = await provenChange(app, alice, first)
    await app.app.accountPolicy.change(app.application.poolId, { verifyOldPhone: false })
    const newPhonePassCode = await receiveCode(app, alice.token, 'CHANNEL_BIND_PHONE', second)
    const verified = await verifyChange(app, alice.token, { newPhoneNumber: second, newPhonePassCode })
    await updatePhone(app, alice.token, verified.data.updatePhoneToken)

    const refused = await updatePhone(app, alice.token, stale)

    expect(refused).toMatchObject({ statusCode: 403, apiCode: 1020020 })
    expect(await phoneOf(app, alice.token)).toBe(second)
  })

  it('is worth nothing without a live session', async () => {
    await using app = await startTestApp()
    const alice = await personWithPhone(app)
    const token = await provenChange(app, alice, newPhone())
    await alice.endSession()

    const refused = await updatePhone(app, alice.token, token)

    expect(refused).toMatchObject({ statusCode: 401, apiCode: 2020 })
  })
})

describe('the codes of a change', () => {
  it.each(['CHANNEL_LOGIN', 'CHANNEL_RESET_PASSWORD', 'CHANNEL_VERIFY_MFA', 'CHANNEL_DELETE_ACCOUNT'])(
    'are none that were sent for %s (rule 6)',
    async (channel) => {
      await using app = await startTestApp()
      const alice = await personWithPhone(app)
      const number = newPhone()

      const refused = await verifyChange(app, alice.token, {
        newPhoneNumber: number,
        newPhonePassCode: await receiveCode(app, alice.token, 'CHANNEL_BIND_PHONE', number),
        oldPhoneNumber: alice.phone,
        oldPhonePassCode: await receiveCode(app, alice.token, channel, alice.phone),
      })

      expect(refused).toMatchObject({ statusCode: 499, apiCode: 2001 })
    },
  )

  it('are none that another user asked for (rule 6)', async () => {
    await using app = await startTestApp()
    const [alice, mallory] = [await personWithPhone(app), await personWithPhone(app)]
    const number = newPhone()
    const ofMallory = await receiveCode(app, mallory.token, 'CHANNEL_BIND_PHONE', number)
    const oldPhonePassCode = await receiveCode(app, alice.token, 'CHANNEL_UNBIND_PHONE', alice.phone)

    const refused = await verifyChange(app, alice.token, {
      newPhoneNumber: number,
      newPhonePassCode: ofMallory,
      oldPhoneNumber: alice.phone,
      oldPhonePassCode,
    })

    expect(refused).toMatchObject({ statusCode: 499, apiCode: 2001 })
  })

  it('are none that another application sent (rule 6)', async () => {
    await using app = await startTestApp()
    const alice = await personWithPhone(app)
    const other = await app.otherApplication({ poolId: app.application.poolId })
    const number = newPhone()
    await other.sendSms('CHANNEL_BIND_PHONE', number)
    const oldPhonePassCode = await receiveCode(app, alice.token, 'CHANNEL_UNBIND_PHONE', alice.phone)

    const refused = await verifyChange(app, alice.token, {
      newPhoneNumber: number,
      newPhonePassCode: await app.lastCode(number),
      oldPhoneNumber: alice.phone,
      oldPhonePassCode,
    })

    expect(refused).toMatchObject({ statusCode: 499, apiCode: 2001 })
  })

  it('give one token to many calls at the same instant (rule 5)', async () => {
    await using app = await startTestApp()
    const alice = await personWithPhone(app)
    const codes = await bothCodes(app, alice, newPhone())

    const replies = await Promise.all(Array.from({ length: 6 }, () => verifyChange(app, alice.token, codes)))

    expect(replies.filter(({ statusCode }) => statusCode === 200)).toHaveLength(1)
    expect(replies.filter(({ apiCode }) => apiCode === 2001)).toHaveLength(5)
  })

  it('can be guessed five times, whichever of the two is guessed (rule 5)', async () => {
    await using app = await startTestApp()
    const alice = await personWithPhone(app)
    const codes = await bothCodes(app, alice, newPhone())
    const guess = (step: number) =>
      verifyChange(app, alice.token, { ...codes, newPhonePassCode: otherCode(codes.newPhonePassCode, step) })

    const wrong = await Promise.all(Array.from({ length: 12 }, (_, step) => guess(step + 1)))

    const refused = await verifyChange(app, alice.token, codes)
    expect(wrong.filter(({ apiCode }) => apiCode === 2001)).toHaveLength(5)
    expect(wrong.filter(({ apiCode }) => apiCode === 8800001)).toHaveLength(7)
    expect(refused).toMatchObject({ statusCode: 429, apiCode: 8800001 })
    expect(await phoneOf(app, alice.token)).toBe(alice.phone)
  })
})

describe('one number that two users want', () => {
  it('goes to one of them, whoever changes first (rule 13)', async () => {
    await using app = await startTestApp()
    const [alice, bob] = [await personWithPhone(app), await personWithPhone(app)]
    const number = newPhone()
    const ofAlice = await provenChange(app, alice, number)
    const ofBob = await provenChange(app, bob, number)

    const replies = await Promise.all([
      updatePhone(app, alice.token, ofAlice),
      updatePhone(app, bob.token, ofBob),
    ])

    expect(statusesOf(replies)).toEqual([200, 409])
    expect(replies.find(({ statusCode }) => statusCode === 409)).toMatchObject({ apiCode: 1320004 })
    const phones = [await phoneOf(app, alice.token), await phoneOf(app, bob.token)]
    expect(phones.filter((phone) => phone === number)).toHaveLength(1)
  })

  it('can be swapped by nobody who only proves the other’s number (rule 10)', async () => {
    await using app = await startTestApp()
    const [alice, bob] = [await personWithPhone(app), await personWithPhone(app)]
    app.clock.advance(61)
    const [ofAlice, ofBob] = [await bothCodes(app, alice, bob.phone), await bothCodes(app, bob, alice.phone)]

    const replies = await Promise.all([
      verifyChange(app, alice.token, ofAlice),
      verifyChange(app, bob.token, ofBob),
    ])

    expect(statusesOf(replies)).toEqual([409, 409])
  })
})

describe('a stolen session', () => {
  it('cannot change the phone without the old number, only ask for a change that waits (rule 14)', async () => {
    await using app = await startTestApp()
    const alice = await personWithPhone(app)
    const stolen = { ...alice, token: (await alice.signIn()).data.access_token }
    const number = newPhone()
    const newPhonePassCode = await receiveCode(app, stolen.token, 'CHANNEL_BIND_PHONE', number)

    const refused = await verifyChange(app, stolen.token, { newPhoneNumber: number, newPhonePassCode })
    const asked = await verifyChange(app, stolen.token, {
      newPhoneNumber: number,
      newPhonePassCode,
      oldPhoneLost: true,
    })
    await updatePhone(app, stolen.token, asked.data.updatePhoneToken)

    expect(refused).toMatchObject({ statusCode: 403, apiCode: 2038 })
    expect(await phoneOf(app, alice.token)).toBe(alice.phone)
  })

  it('keeps nothing of a change that waits when the owner changes the phone (rule 14)', async () => {
    await using app = await startTestApp()
    const alice = await personWithPhone(app)
    const stolen = { ...alice, token: (await alice.signIn()).data.access_token }
    await updatePhone(app, stolen.token, await lostPhoneChange(app, stolen, newPhone()))
    const number = newPhone()
    await updatePhone(app, alice.token, await provenChange(app, alice, number))
    app.clock.advance(hours(73))

    await app.app.work()

    expect((await app.app.users.get(app.application.poolId, alice.userId))?.phone).toBe(`+86${number}`)
  })
})

describe('unbinding', () => {
  it('happens once, also for many at the same instant (rule 5)', async () => {
    await using app = await startTestApp()
    const alice = await personWithPhone(app)
    const passCode = await receiveCode(app, alice.token, 'CHANNEL_UNBIND_PHONE', alice.phone)

    const replies = await Promise.all(
      Array.from({ length: 8 }, () => app.post('/api/v3/unbind-phone', { passCode }, { token: alice.token })),
    )

    expect(replies.filter(({ statusCode }) => statusCode === 200)).toHaveLength(1)
    const events = await eventsOf(app, alice.userId)
    expect(events.filter((type) => type === 'phone.unbound')).toHaveLength(1)
  })

  it('is not done by a code that was sent for binding (rule 6)', async () => {
    await using app = await startTestApp()
    const alice = await personWithPhone(app)
    app.clock.advance(61)
    const passCode = await receiveCode(app, alice.token, 'CHANNEL_BIND_PHONE', alice.phone)

    const refused = await app.post('/api/v3/unbind-phone', { passCode }, { token: alice.token })

    expect(refused).toMatchObject({ statusCode: 499, apiCode: 2001 })
    expect(await phoneOf(app, alice.token)).toBe(alice.phone)
  })

  it('and changing at the same instant leave one outcome and no fault', async () => {
    await using app = await startTestApp()
    const alice = await personWithPhone(app)
    const number = newPhone()
    const token = await provenChange(app, alice, number)
    await app.sendSms('CHANNEL_UNBIND_PHONE', alice.phone)
    const passCode = await app.lastCode(alice.phone)

    const replies = await Promise.all([
      updatePhone(app, alice.token, token),
      app.post('/api/v3/unbind-phone', { passCode }, { token: alice.token }),
    ])

    expect(replies.filter(({ statusCode }) => statusCode === 200)).toHaveLength(1)
    expect(replies.map(({ statusCode }) => statusCode)).not.toContain(500)
    const open = (await historyOf(app, alice.userId)).filter(({ endReason }) => endReason === undefined)
    const phone = await phoneOf(app, alice.token)
    expect(open).toHaveLength(phone === undefined ? 0 : 1)
  })

  it('takes the number’s SMS factor with it, and a change takes it along (rule 16)', async () => {
    await using app = await startTestApp()
    const [alice, bob] = [await personWithPhone(app), await personWithPhone(app)]
    const { poolId } = app.application
    for (const { userId, phone } of [alice, bob]) {
      await app.db.query(sql`
        insert into factors (pool_id, id, user_id, type, recipient, enrolled_with_proof, enrolled_at)
        values (${poolId}, ${userId}, ${userId}, 'SMS', ${`+86${phone}`}, true, ${app.clock.now()})`)
    }
    const number = newPhone()

    await unbindPhone(app, alice)
    await updatePhone(app, bob.token, await provenChange(app, bob, number))

    const factors = await app.db.query(sql`select user_id, recipient from factors`)
    expect(factors).toEqual([{ user_id: bob.userId, recipient: `+86${number}` }])
  })
})

describe('claims of one dormant number by many', () => {
  it('begin once, and one of them gets it (rules 13 and 17)', async () => {
    await using app = await startTestApp()
    const alice = await personWithEmail(app, 'alice@example.com')
    app.clock.advance(days(181))
    const people = [await app.signUp(), await app.signUp(), await app.signUp()]
    const claim = async () => {
      const codes: string[] = []
      for (const person of people) codes.push(await person.receiveCode('CHANNEL_BIND_PHONE', alice.phone))
      return Promise.all(people.map((person, index) => person.bindPhone(codes[index] ?? '', alice.phone)))
    }

    const early = await claim()
    app.clock.advance(hours(72))
    const again = await Promise.all(people.map(async (person) => (await person.signIn()).data.access_token))
    const codes: string[] = []
    for (const token of again) codes.push(await receiveCode(app, token, 'CHANNEL_BIND_PHONE', alice.phone))
    const ripe = await Promise.all(
      again.map((token, index) =>
        app.post('/api/v3/bind-phone', { phoneNumber: alice.phone, passCode: codes[index] }, { token }),
      ),
    )

    expect(early.map(({ apiCode }) => apiCode)).toEqual([8800018, 8800018, 8800018])
    expect(statusesOf(ripe)).toEqual([200, 409, 409])
    const events = await eventsOf(app, alice.userId)
    expect(events.filter((type) => type === 'phone.claim_started')).toHaveLength(1)
    expect(events.filter((type) => type === 'phone.claimed')).toHaveLength(1)
  })
})

describe('what a stolen session adds', () => {
  /** What the thief asks for: the thief's own number, without a code of the owner's. */
  const change = async (app: TestApp, token: string) => {
    const own = newPhone()
    const newPhonePassCode = await receiveCode(app, token, 'CHANNEL_BIND_PHONE', own)
    return verifyChange(app, token, { newPhoneNumber: own, newPhonePassCode })
  }
  const refused = { statusCode: 403, apiCode: 2038 }

  it('as an address changes no phone for seven days (rule 14)', async () => {
    await using app = await startTestApp()
    const owner = await personWithPhone(app)
    await bindEmail(app, owner, 'thief@example.com')
    const { data } = await signInByEmail(app, 'thief@example.com')

    const soon = await change(app, data.access_token)
    app.clock.advance(days(7))
    const later = await signInByEmail(app, 'thief@example.com')
    const settled = await change(app, later.data.access_token)

    expect(soon).toMatchObject(refused)
    expect(settled.statusCode).toBe(200)
  })

  it('as a passkey changes no phone (rule 14)', async () => {
    await using app = await startTestApp()
    const owner = await personWithPhone(app)
    app.clock.advance(600)
    const thief = await owner.signIn()
    const authenticator = createPasskeyAuthenticator()
    const credential = await registerPasskey(app, thief.data.access_token)
    const answer = authenticator.get(await app.get(authenticationPath), credential)
    const signedIn = await app.post(authenticationPath, answer)

    const asked = await change(app, signedIn.data.tokenSet.access_token)

    expect(asked).toMatchObject(refused)
  })
})
