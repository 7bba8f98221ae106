import { describe, expect, it } from 'vitest'
import { newPhone, startTestApp, type TestApp } from '../support/app.ts'
import { enrollFactor } from '../support/authenticator.ts'
import { linkTo, pressButton } from '../support/notices.ts'
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

  it('stays where a refresh token keeps the account in use without a sign-in', async () => {
    await using app = await startTestApp()
    const alice = await app.signUp({ scope: 'openid phone offline_access' })
    await alice.bindPhone(await alice.receiveCode())
    let refreshToken: string = alice.tokens.refresh_token
    for (let day = 0; day < 190; day += 10) {
      app.clock.advance(days(10))
      const tokens = await app.sdk().getNewAccessTokenByRefreshToken(refreshToken)
      refreshToken = tokens.refresh_token ?? ''
    }

    const { reply } = await bindAgain(app, alice.phone)

    expect(reply).toMatchObject({ statusCode: 409, apiCode: 1320004 })
    expect(await eventsOf(app, alice.userId)).not.toContain('phone.claim_started')
  })

  it('starts a claim where the last refresh is as long ago as the sign-in may be', async () => {
    await using app = await startTestApp()
    const alice = await app.signUp({ scope: 'openid phone offline_access' })
    await alice.bindPhone(await alice.receiveCode())
    app.clock.advance(days(10))
    await app.sdk().getNewAccessTokenByRefreshToken(alice.tokens.refresh_token)
    app.clock.advance(days(181))

    const { reply } = await bindAgain(app, alice.phone)

    expect(reply).toMatchObject({ statusCode: 409, apiCode: 8800018 })
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
    const alice = await personWithEmail(app, 'alice@example.com')
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
    app.clock.advance(hours(720))
    const ripe = await signUp()

    expect(early).toMatchObject({ statusCode: 409, apiCode: 8800018 })
    expect(early.data.retryAfterSeconds).toBe(hours(720))
    expect(ripe).toMatchObject({ statusCode: 200, data: { phone: alice.phone } })
    expect(ripe.data.userId).not.toBe(alice.userId)
    expect(await phoneIn(app, alice.userId)).toBeNull()
  })

  it('becomes the new number of somebody who changes to it after the wait', async () => {
    await using app = await startTestApp()
    const alice = await personWithEmail(app, 'alice@example.com')
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

describe('the owner of an idle account', () => {
  const enroll = async (app: TestApp, token: string, to: string) => {
    const factor = to.includes('@')
      ? { factorType: 'EMAIL', profile: { email: to } }
      : { factorType: 'SMS', profile: { phoneNumber: to } }
    const { data } = await app.post('/api/v3/send-enroll-factor-request', factor, { token })
    const { factorType } = factor
    const passCode = await app.lastCode(to)
    const enrolled = await enrollFactor(app, { factorType, passCode, ...data }, { token })
    if (enrolled.statusCode !== 200) throw new Error(`enroll-factor was refused: ${enrolled.message}`)
  }

  const claimDetail = async (app: TestApp, userId: string) =>
    (await app.app.audit.eventsOf(app.application.poolId, userId)).find(
      ({ type }) => type === 'phone.claim_started',
    )?.detail

  it.each([
    ['another phone', newPhone()],
    ['an address', 'ada@example.com'],
  ])('is told of a claim where %s is a factor, and can stop it from there', async (_what, recipient) => {
    await using app = await startTestApp()
    const alice = await personWithPhone(app)
    await enroll(app, alice.token, recipient)
    app.clock.advance(days(181))

    const { reply } = await bindAgain(app, alice.phone)

    expect(reply.data.retryAfterSeconds).toBe(hours(72))
    expect(await purposesSentTo(app, recipient)).toContain('phone_claim_started')
    expect(await claimDetail(app, alice.userId)).toMatchObject({ ownerTold: true })
    const stopped = await pressButton(app, await linkTo(app, recipient, 'phone_claim_started'))
    expect(stopped.text).toContain('It is stopped')
    app.clock.advance(hours(73))
    expect((await bindAgain(app, alice.phone)).reply).toMatchObject({ apiCode: 1320004 })
  })

  it('is told there too when the number has gone', async () => {
    await using app = await startTestApp()
    const alice = await personWithPhone(app)
    const recipient = newPhone()
    await enroll(app, alice.token, recipient)
    app.clock.advance(days(181))
    await bindAgain(app, alice.phone)
    app.clock.advance(hours(73))

    const { reply } = await bindAgain(app, alice.phone)

    expect(reply).toMatchObject({ statusCode: 200 })
    expect(await purposesSentTo(app, recipient)).toContain('phone_claimed')
  })

  it('who has no other place than the number itself is waited for ten times as long', async () => {
    await using app = await startTestApp()
    const alice = await personWithPhone(app)
    await enroll(app, alice.token, alice.phone)
    app.clock.advance(days(181))

    const first = await bindAgain(app, alice.phone)
    app.clock.advance(hours(719))
    const early = await bindAgain(app, alice.phone)
    app.clock.advance(hours(1))
    const ripe = await bindAgain(app, alice.phone)

    expect(first.reply).toMatchObject({ apiCode: 8800018, data: { retryAfterSeconds: hours(720) } })
    expect(early.reply).toMatchObject({ apiCode: 8800018 })
    expect(ripe.reply).toMatchObject({ statusCode: 200 })
    expect(await purposesSentTo(app, alice.phone)).not.toContain('phone_claim_started')
    expect(await claimDetail(app, alice.userId)).toMatchObject({ ownerTold: false })
  })

  it('whose only other place takes no messages is waited for as long', async () => {
    await using app = await startTestApp()
    const alice = await personWithPhone(app)
    const recipient = newPhone()
    await enroll(app, alice.token, recipient)
    app.clock.advance(days(181))
    await app.app.testNumbers.put(app.application.poolId, {
      phone: `+86${recipient}`,
      code: '246810',
      expiresAt: new Date(app.clock.now().getTime() + 3_600_000).toISOString(),
    })

    const { reply } = await bindAgain(app, alice.phone)

    expect(reply).toMatchObject({ apiCode: 8800018, data: { retryAfterSeconds: hours(720) } })
    expect(await claimDetail(app, alice.userId)).toMatchObject({ ownerTold: false })
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
