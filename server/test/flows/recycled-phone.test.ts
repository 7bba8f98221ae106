import { describe, expect, it } from 'vitest'
import { startTestApp, type TestApp } from '../support/app.ts'
import {
  bothCodes,
  days,
  eventsOf,
  historyOf,
  hours,
  personWithEmail,
  personWithPhone,
  phoneOnlyPerson,
  purposesSentTo,
  receiveCode,
  signUpByPhone,
  updatePhone,
  verifyChange,
} from '../support/phone-changes.ts'

const phoneIn = async (app: TestApp, userId: string) =>
  (await app.app.users.get(app.application.poolId, userId))?.phone

/** Somebody new proves the number, with the code that comes to it now. */
const bindAgain = async (app: TestApp, phone: string) => {
  const bob = await app.signUp()
  const reply = await bob.bindPhone(await bob.receiveCode('CHANNEL_BIND_PHONE', phone), phone)
  return { bob, reply }
}

describe('the number of an account that nobody has used for long', () => {
  it('is not given away at once: who proves it is told how long to wait', async () => {
    await using app = await startTestApp()
    const alice = await personWithEmail(app, 'alice@example.com')
    app.clock.advance(days(181))

    const { reply } = await bindAgain(app, alice.phone)

    expect(reply).toMatchObject({ statusCode: 409, apiCode: 8800018 })
    expect(reply.data.retryAfterSeconds).toBe(hours(72))
    expect(await phoneIn(app, alice.userId)).toBe(`+86${alice.phone}`)
    expect(await purposesSentTo(app, alice.email)).toContain('phone_claim_started')
    expect(await eventsOf(app, alice.userId)).toContain('phone.claim_started')
  })

  it('goes to who proves it again after the wait, and the old account loses nothing but the number', async () => {
    await using app = await startTestApp()
    const alice = await personWithEmail(app, 'alice@example.com')
    app.clock.advance(days(181))
    await bindAgain(app, alice.phone)
    app.clock.advance(hours(72))

    const { bob, reply } = await bindAgain(app, alice.phone)

    expect(reply).toMatchObject({ statusCode: 200 })
    expect(await phoneIn(app, bob.userId)).toBe(`+86${alice.phone}`)
    expect(await app.app.users.get(app.application.poolId, alice.userId)).toMatchObject({
      phone: null,
      email: alice.email,
    })
    expect(await historyOf(app, alice.userId)).toMatchObject([{ endReason: 'claimed' }])
    expect(await historyOf(app, bob.userId)).toHaveLength(1)
    expect(await purposesSentTo(app, alice.email)).toContain('phone_claimed')
    expect(await eventsOf(app, alice.userId)).toContain('phone.claimed')
    expect(await eventsOf(app, bob.userId)).toContain('phone.bound')
  })

  it('is refused to who asks again too soon, without another notice', async () => {
    await using app = await startTestApp()
    const alice = await personWithEmail(app, 'alice@example.com')
    app.clock.advance(days(181))
    await bindAgain(app, alice.phone)
    app.clock.advance(hours(71))

    const { reply } = await bindAgain(app, alice.phone)

    expect(reply).toMatchObject({ apiCode: 8800018 })
    expect(reply.data.retryAfterSeconds).toBeLessThanOrEqual(hours(1))
    const told = await purposesSentTo(app, alice.email)
    expect(told.filter((purpose) => purpose === 'phone_claim_started')).toHaveLength(1)
  })

  it('stays where the owner objects', async () => {
    await using app = await startTestApp()
    const alice = await personWithEmail(app, 'alice@example.com')
    const { poolId } = app.application
    app.clock.advance(days(181))
    await bindAgain(app, alice.phone)
    await app.db.transaction((tx) => app.app.phone.stopClaim(poolId, alice.userId, tx))
    app.clock.advance(hours(73))

    const { reply } = await bindAgain(app, alice.phone)

    expect(reply).toMatchObject({ statusCode: 409, apiCode: 1320004 })
    expect(await phoneIn(app, alice.userId)).toBe(`+86${alice.phone}`)
    expect(await eventsOf(app, alice.userId)).toContain('phone.claim_stopped')
  })

  it('stays where the owner has signed in meanwhile', async () => {
    await using app = await startTestApp()
    const alice = await personWithPhone(app)
    app.clock.advance(days(181))
    await bindAgain(app, alice.phone)
    app.clock.advance(hours(73))
    await alice.signIn()

    const { reply } = await bindAgain(app, alice.phone)

    expect(reply).toMatchObject({ statusCode: 409, apiCode: 1320004 })
  })

  it('stays where the account is used, however long ago the number was proved', async () => {
    await using app = await startTestApp()
    const alice = await personWithPhone(app)
    app.clock.advance(days(181))
    await alice.signIn()

    const { reply } = await bindAgain(app, alice.phone)

    expect(reply).toMatchObject({ statusCode: 409, apiCode: 1320004 })
    expect(await eventsOf(app, alice.userId)).not.toContain('phone.claim_started')
  })

  it('stays where the pool lets a proof count for ever', async () => {
    await using app = await startTestApp()
    await app.app.accountPolicy.change(app.application.poolId, { phoneProofDays: 0 })
    const alice = await personWithPhone(app)
    app.clock.advance(days(3000))

    const { reply } = await bindAgain(app, alice.phone)

    expect(reply).toMatchObject({ statusCode: 409, apiCode: 1320004 })
  })

  it('needs a new claim where nobody proved it again in time', async () => {
    await using app = await startTestApp()
    const alice = await personWithPhone(app)
    app.clock.advance(days(181))
    await bindAgain(app, alice.phone)
    app.clock.advance(days(18))
    await app.app.housekeeping()

    const { reply } = await bindAgain(app, alice.phone)

    expect(reply).toMatchObject({ statusCode: 409, apiCode: 8800018 })
    expect(reply.data.retryAfterSeconds).toBe(hours(72))
  })

  it('opens a new account by sign-up after the wait', async () => {
    await using app = await startTestApp()
    const alice = await phoneOnlyPerson(app)
    app.clock.advance(days(181))
    const signUp = async () => {
      await app.sendSms('CHANNEL_REGISTER', alice.phone)
      return signUpByPhone(app, alice.phone, await app.lastCode(alice.phone))
    }

    const early = await signUp()
    app.clock.advance(hours(72))
    const ripe = await signUp()

    expect(early).toMatchObject({ statusCode: 409, apiCode: 8800018 })
    expect(early.data.retryAfterSeconds).toBe(hours(72))
    expect(ripe).toMatchObject({ statusCode: 200, data: { phone: alice.phone } })
    expect(ripe.data.userId).not.toBe(alice.userId)
    expect(await phoneIn(app, alice.userId)).toBeNull()
  })

  it('becomes the new number of somebody who changes to it after the wait', async () => {
    await using app = await startTestApp()
    const alice = await personWithPhone(app)
    app.clock.advance(days(181))
    const early = await personWithPhone(app)
    const refused = await verifyChange(app, early.token, await bothCodes(app, early, alice.phone))
    app.clock.advance(hours(72))
    const bob = await personWithPhone(app)

    const verified = await verifyChange(app, bob.token, await bothCodes(app, bob, alice.phone))
    const changed = await updatePhone(app, bob.token, verified.data.updatePhoneToken)

    expect(refused).toMatchObject({ statusCode: 409, apiCode: 8800018 })
    expect(changed).toMatchObject({ statusCode: 200 })
    expect(await phoneIn(app, bob.userId)).toBe(`+86${alice.phone}`)
    expect(await phoneIn(app, alice.userId)).toBeNull()
  })

  it('starts no claim without the right code (rule 10)', async () => {
    await using app = await startTestApp()
    const alice = await personWithPhone(app)
    app.clock.advance(days(181))
    const bob = await app.signUp()

    const refused = await bob.bindPhone('123456', alice.phone)

    expect(refused).toMatchObject({ statusCode: 499, apiCode: 2001 })
    expect(await eventsOf(app, alice.userId)).not.toContain('phone.claim_started')
  })
})

describe('one’s own number that was not proved for long', () => {
  it('is proved again with bind-phone', async () => {
    await using app = await startTestApp()
    const alice = await personWithPhone(app)
    app.clock.advance(days(181))
    const token = (await alice.signIn()).data.access_token
    const passCode = await receiveCode(app, token, 'CHANNEL_BIND_PHONE', alice.phone)
    const bind = (code: string) =>
      app.post('/api/v3/bind-phone', { phoneNumber: alice.phone, passCode: code }, { token })

    const wrong = await bind('000000')
    const proved = await bind(passCode)
    const again = await bind(passCode)

    expect(wrong).toMatchObject({ statusCode: 499, apiCode: 2001 })
    expect(proved).toMatchObject({ statusCode: 200 })
    expect(again).toMatchObject({ statusCode: 409, apiCode: 8800002 })
    expect(await eventsOf(app, alice.userId)).toContain('phone.proved')
    expect(await historyOf(app, alice.userId)).toHaveLength(1)
  })

  it('is bound already as long as its proof counts', async () => {
    await using app = await startTestApp()
    const alice = await personWithPhone(app)
    app.clock.advance(61)

    const refused = await alice.bindPhone(await alice.receiveCode())

    expect(refused).toMatchObject({ statusCode: 409, apiCode: 8800002 })
  })
})
