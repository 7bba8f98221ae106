import { describe, expect, it } from 'vitest'
import { sql } from '../../src/core/database.ts'
import { newPhone, startTestApp } from '../support/app.ts'
import {
  enrollFactor,
  enrollOtp,
  factorsOf,
  requestOtp,
  verifyRecoveryCode,
  verifyTotp,
} from '../support/authenticator.ts'
import { atOnce, tally } from '../support/replies.ts'

type App = Awaited<ReturnType<typeof startTestApp>>

/** Whether the session of a token has proved a factor that stands in for the old phone. */
const standsIn = (app: App, { token, userId }: { token: string; userId: string }) => {
  const { sid } = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString())
  return app.app.sessions.hasFreshFactor({ poolId: app.application.poolId, sessionId: sid, userId })
}

describe('a code of an authenticator app', () => {
  it('that was used is refused, as long as the app shows it (rule 5)', async () => {
    await using app = await startTestApp()
    const alice = await app.signUp()
    const { authenticator } = await enrollOtp(app, alice)
    const code = authenticator.code()
    await verifyTotp(app, code, alice)

    const replayed = await verifyTotp(app, code, alice)

    expect(replayed).toMatchObject({ statusCode: 499, apiCode: 6001, data: { verified: false } })
  })

  it('that enrolled the app is spent by that', async () => {
    await using app = await startTestApp()
    const alice = await app.signUp()
    const { enrollmentToken, authenticator } = await requestOtp(app, alice)
    const passCode = authenticator.code()
    await enrollFactor(app, { factorType: 'OTP', enrollmentToken, passCode }, alice)

    const replayed = await verifyTotp(app, passCode, alice)

    expect(replayed).toMatchObject({ apiCode: 6001 })
  })

  it('of an earlier step is refused once a later one was used', async () => {
    await using app = await startTestApp()
    const alice = await app.signUp()
    const { authenticator } = await enrollOtp(app, alice)
    app.clock.advance(30)
    const earlier = authenticator.code(-30)
    await verifyTotp(app, authenticator.code(), alice)

    const late = await verifyTotp(app, earlier, alice)

    expect(late).toMatchObject({ apiCode: 6001 })
  })

  it('that comes twenty times at the same instant is accepted once (rule 5)', async () => {
    await using app = await startTestApp({ DIALTONE_FACTOR_FAILURES_HOUR: '50' })
    const other = await app.secondProcess()
    const alice = await app.signUp()
    const { authenticator } = await enrollOtp(app, alice)
    const code = authenticator.code()

    const replies = await atOnce(20, (index) => verifyTotp(index % 2 === 0 ? app : other, code, alice))

    expect(tally(replies)).toEqual({ 200: 1, 6001: 19 })
  })

  it('cannot be guessed: of thirty wrong ones at the same instant ten are compared (rule 5)', async () => {
    await using app = await startTestApp()
    const alice = await app.signUp()
    const { authenticator } = await enrollOtp(app, alice)
    const wrong = authenticator.wrongCode()

    const replies = await atOnce(30, () => verifyTotp(app, wrong, alice))

    expect(tally(replies)).toEqual({ 6001: 10, 8800001: 20 })
    const right = await verifyTotp(app, authenticator.code(), alice)
    expect(right).toMatchObject({ statusCode: 429, apiCode: 8800001, data: { verified: false } })
    expect(right.data.retryAfterSeconds).toBeGreaterThan(3500)
    app.clock.advance(3600)
    const token = (await alice.signIn()).data.access_token
    expect(await verifyTotp(app, authenticator.code(), { token })).toMatchObject({ statusCode: 200 })
  })

  it('cannot be guessed from session to session, nor with the recovery code in turn (rule 7)', async () => {
    await using app = await startTestApp({ DIALTONE_FACTOR_FAILURES_HOUR: '3' })
    const alice = await app.signUp()
    const { authenticator } = await enrollOtp(app, alice)
    const second = { token: (await alice.signIn()).data.access_token }
    await verifyTotp(app, authenticator.wrongCode(), alice)
    await verifyRecoveryCode(app, 'A'.repeat(25), alice)
    await verifyTotp(app, authenticator.code(), alice)
    await verifyTotp(app, authenticator.wrongCode(), second)

    const refused = await verifyTotp(app, authenticator.code(30), second)

    expect(refused).toMatchObject({ apiCode: 8800001 })
  })

  it('of another user’s app is wrong', async () => {
    await using app = await startTestApp()
    const [alice, bob] = [await app.signUp(), await app.signUp()]
    const ofAlice = await enrollOtp(app, alice)
    await enrollOtp(app, bob)

    const refused = await verifyTotp(app, ofAlice.authenticator.code(), bob)

    expect(refused).toMatchObject({ apiCode: 6001 })
  })
})

describe('a recovery code', () => {
  it('that comes ten times at the same instant is accepted once (rule 5)', async () => {
    await using app = await startTestApp()
    const alice = await app.signUp()
    const { recoveryCode } = await enrollOtp(app, alice)

    const replies = await atOnce(10, () => verifyRecoveryCode(app, recoveryCode, alice))

    expect(tally(replies)).toEqual({ 200: 1, 6002: 9 })
  })

  it('of another user is wrong', async () => {
    await using app = await startTestApp()
    const [alice, bob] = [await app.signUp(), await app.signUp()]
    const { recoveryCode } = await enrollOtp(app, alice)
    await enrollOtp(app, bob)

    const refused = await verifyRecoveryCode(app, recoveryCode, bob)

    expect(refused).toMatchObject({ apiCode: 6002 })
    expect(await verifyRecoveryCode(app, recoveryCode, alice)).toMatchObject({ statusCode: 200 })
  })
})

describe('the database', () => {
  it('holds neither secret nor recovery code in clear, before nor after (rules 27 and 28)', async () => {
    await using app = await startTestApp()
    const alice = await app.signUp()
    const bob = await app.signUp()
    const enrolled = await enrollOtp(app, alice)
    const pending = await requestOtp(app, bob)

    const stored = await app.db.query(sql`
      select factors::text as row from factors
      union all
      select step_up_tokens::text as row from step_up_tokens`)

    const text = JSON.stringify(stored)
    expect(stored).toHaveLength(3)
    for (const { authenticator, recoveryCode, enrollmentToken } of [enrolled, pending]) {
      const secret = new URL(authenticator.uri).searchParams.get('secret') ?? ''
      const forms = [secret, recoveryCode, recoveryCode.replaceAll('-', ''), enrollmentToken]
      for (const form of forms) expect(`${text}${app.lines.join()}`).not.toContain(form)
    }
  })
})

describe('an enrollment token', () => {
  it('of another user is refused', async () => {
    await using app = await startTestApp()
    const [alice, bob] = [await app.signUp(), await app.signUp()]
    const { enrollmentToken, authenticator } = await requestOtp(app, alice)
    const passCode = authenticator.code()

    const refused = await enrollFactor(app, { factorType: 'OTP', enrollmentToken, passCode }, bob)

    expect(refused).toMatchObject({ statusCode: 403, apiCode: 1020020 })
    expect(await factorsOf(app, bob)).toEqual([])
  })

  it('of another session of the same user is refused', async () => {
    await using app = await startTestApp()
    const alice = await app.signUp()
    const { enrollmentToken, authenticator } = await requestOtp(app, alice)
    const token = (await alice.signIn()).data.access_token
    const passCode = authenticator.code()

    const refused = await enrollFactor(app, { factorType: 'OTP', enrollmentToken, passCode }, { token })

    expect(refused).toMatchObject({ apiCode: 1020020 })
  })

  it('for one type is refused for another', async () => {
    await using app = await startTestApp()
    const alice = await app.signUp()
    const { enrollmentToken, authenticator } = await requestOtp(app, alice)
    const passCode = authenticator.code()

    const refused = await enrollFactor(app, { factorType: 'SMS', enrollmentToken, passCode }, alice)

    expect(refused).toMatchObject({ apiCode: 1020020 })
  })

  it('that comes ten times at the same instant with a right code enrolls one factor', async () => {
    await using app = await startTestApp()
    const alice = await app.signUp()
    const { enrollmentToken, authenticator } = await requestOtp(app, alice)
    const passCode = authenticator.code()

    const replies = await atOnce(10, () =>
      enrollFactor(app, { factorType: 'OTP', enrollmentToken, passCode }, alice),
    )

    expect(tally(replies)).toEqual({ 200: 1, 1020020: 9 })
    expect(await factorsOf(app, alice)).toHaveLength(1)
  })
})

describe('two enrollments at the same instant', () => {
  it('of two apps leave one (rule 5)', async () => {
    await using app = await startTestApp()
    const alice = await app.signUp()
    const pending = [await requestOtp(app, alice), await requestOtp(app, alice)]

    const replies = await Promise.all(
      pending.map(({ enrollmentToken, authenticator }) =>
        enrollFactor(app, { factorType: 'OTP', enrollmentToken, passCode: authenticator.code() }, alice),
      ),
    )

    expect(tally(replies)).toEqual({ 200: 1, 8800019: 1 })
    expect(await factorsOf(app, alice)).toHaveLength(1)
  })
})

describe('a code that was sent', () => {
  const requestSms = (app: App, { token }: { token: string }, phoneNumber: string) =>
    app.post('/api/v3/send-enroll-factor-request', { factorType: 'SMS', profile: { phoneNumber } }, { token })

  it('to bind a phone enrolls no factor (rule 6)', async () => {
    await using app = await startTestApp()
    const alice = await app.signUp()
    const { data } = await requestSms(app, alice, alice.phone)
    const passCode = await alice.receiveCode('CHANNEL_BIND_PHONE')

    const refused = await enrollFactor(app, { factorType: 'SMS', passCode, ...data }, alice)

    expect(refused).toMatchObject({ apiCode: 2001 })
  })

  it('to enroll a factor binds no phone (rule 6)', async () => {
    await using app = await startTestApp()
    const alice = await app.signUp()
    await requestSms(app, alice, alice.phone)

    const refused = await alice.bindPhone(await app.lastCode(alice.phone))

    expect(refused).toMatchObject({ apiCode: 2001 })
  })

  it('for one user enrolls no factor of another (rule 6)', async () => {
    await using app = await startTestApp()
    const [alice, bob] = [await app.signUp(), await app.signUp()]
    const phone = newPhone()
    await requestSms(app, alice, phone)
    const passCode = await app.lastCode(phone)
    const { data } = await requestSms(app, bob, phone)

    const refused = await enrollFactor(app, { factorType: 'SMS', passCode, ...data }, bob)

    expect(refused).toMatchObject({ apiCode: 2001 })
    expect(await factorsOf(app, bob)).toEqual([])
  })

  it('to another number than the token is for enrolls nothing (rule 6)', async () => {
    await using app = await startTestApp()
    const alice = await app.signUp()
    const { data } = await requestSms(app, alice, newPhone())
    const elsewhere = newPhone()
    await requestSms(app, alice, elsewhere)
    const passCode = await app.lastCode(elsewhere)

    const refused = await enrollFactor(app, { factorType: 'SMS', passCode, ...data }, alice)

    expect(refused).toMatchObject({ apiCode: 2001 })
  })
})

describe('a factor of another user', () => {
  it('is not there: it can neither be seen nor removed', async () => {
    await using app = await startTestApp()
    const [alice, bob] = [await app.signUp(), await app.signUp()]
    const { factorId } = await enrollOtp(app, alice)

    const seen = await app.get(`/api/v3/get-factor?factorId=${factorId}`, bob)
    const removed = await app.post('/api/v3/reset-factor', { factorId }, bob)

    expect([seen, removed]).toMatchObject([{ apiCode: 8800011 }, { apiCode: 8800011 }])
    expect(await factorsOf(app, alice)).toHaveLength(1)
  })

  it.each(['1', '', "' or true --", '00000000-0000-0000-0000-000000000000'])(
    'is not found by %j either',
    async (factorId) => {
      await using app = await startTestApp()
      const alice = await app.signUp()

      const seen = await app.get(`/api/v3/get-factor?factorId=${encodeURIComponent(factorId)}`, alice)
      const removed = await app.post('/api/v3/reset-factor', { factorId }, alice)

      expect([seen, removed]).toMatchObject([{ apiCode: 8800011 }, { apiCode: 8800011 }])
    },
  )
})

describe('who has a stolen token', () => {
  it('cannot remove the factor', async () => {
    await using app = await startTestApp()
    const alice = await app.signUp()
    const { factorId } = await enrollOtp(app, alice)
    app.clock.advance(600)

    const refused = await app.post('/api/v3/reset-factor', { factorId }, alice)

    expect(refused).toMatchObject({ apiCode: 8800022 })
    expect(await factorsOf(app, alice)).toHaveLength(1)
  })

  it('cannot enroll an app that then stands in for the old phone (rule 14)', async () => {
    await using app = await startTestApp()
    const alice = await app.signUp()
    await alice.bindPhone(await alice.receiveCode())
    app.clock.advance(600)
    const { authenticator } = await enrollOtp(app, alice)

    const verified = await verifyTotp(app, authenticator.code(), alice)

    expect(verified.data).toEqual({ verified: true })
    expect(await standsIn(app, alice)).toBe(false)
  })

  it('and the password neither: nor by the recovery code', async () => {
    await using app = await startTestApp()
    const alice = await app.signUp()
    await alice.bindPhone(await alice.receiveCode())
    app.clock.advance(600)
    const thief = { ...alice, token: (await alice.signIn()).data.access_token }
    const { recoveryCode } = await enrollOtp(app, thief)

    await verifyRecoveryCode(app, recoveryCode, thief)

    expect(await standsIn(app, thief)).toBe(false)
  })
})

describe('an app that stands in for the old phone', () => {
  it.each([
    ['before there was a phone', async () => {}, true],
    [
      'right after the phone was bound',
      async (alice: Awaited<ReturnType<App['signUp']>>) => alice.bindPhone(await alice.receiveCode()),
      true,
    ],
  ])('is one that was enrolled %s', async (_when, prepare, expected) => {
    await using app = await startTestApp()
    const alice = await app.signUp()
    await prepare(alice)
    const { authenticator } = await enrollOtp(app, alice)
    app.clock.advance(600)

    await verifyTotp(app, authenticator.code(), alice)

    expect(await standsIn(app, alice)).toBe(expected)
    app.clock.advance(301)
    expect(await standsIn(app, alice)).toBe(false)
  })

  it('is one that was enrolled after signing in with a code of the phone', async () => {
    await using app = await startTestApp()
    const alice = await app.signUp()
    await alice.bindPhone(await alice.receiveCode())
    app.clock.advance(600)
    await app.sendSms('CHANNEL_LOGIN', alice.phone)
    const { data } = await app.post('/api/v3/signin', {
      connection: 'PASSCODE',
      passCodePayload: { phone: alice.phone, passCode: await app.lastCode(alice.phone) },
      client_secret: app.application.secret.reveal(),
    })
    const owner = { ...alice, token: data.access_token }
    const { authenticator } = await enrollOtp(app, owner)

    await verifyTotp(app, authenticator.code(), owner)

    expect(await standsIn(app, owner)).toBe(true)
  })

  it('is one that was enrolled after another factor was proved', async () => {
    await using app = await startTestApp()
    const alice = await app.signUp()
    const first = await enrollOtp(app, alice)
    await alice.bindPhone(await alice.receiveCode())
    app.clock.advance(600)
    await verifyTotp(app, first.authenticator.code(), alice)
    await app.post('/api/v3/reset-factor', { factorId: first.factorId }, alice)
    const second = await enrollOtp(app, alice)
    app.clock.advance(600)

    await verifyTotp(app, second.authenticator.code(), alice)

    expect(await standsIn(app, alice)).toBe(true)
  })
})
