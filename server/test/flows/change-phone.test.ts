import { describe, expect, it } from 'vitest'
import { newPhone, otherCode, startTestApp } from '../support/app.ts'
import {
  bothCodes,
  eventsOf,
  historyOf,
  masked,
  personWithEmail,
  personWithPhone,
  phoneOf,
  provenChange,
  purposesSentTo,
  receiveCode,
  signInByPhone,
  updatePhone,
  verifyChange,
} from '../support/phone-changes.ts'

describe('changing a phone', () => {
  it('takes both codes, then the token, and the new number is the phone', async () => {
    await using app = await startTestApp()
    const alice = await personWithPhone(app)
    const number = newPhone()

    const verified = await verifyChange(app, alice.token, await bothCodes(app, alice, number))
    const changed = await updatePhone(app, alice.token, verified.data.updatePhoneToken)

    expect(verified).toMatchObject({
      statusCode: 200,
      data: { updatePhoneToken: expect.any(String), tokenExpiresIn: 60 },
    })
    expect(changed).toMatchObject({ status: 200, statusCode: 200, data: { success: true } })
    expect(changed.data).toEqual({ success: true })
    expect(await phoneOf(app, alice.token)).toBe(number)
  })

  it('leaves the old number in force until the token is used (rule 14)', async () => {
    await using app = await startTestApp()
    const alice = await personWithPhone(app)

    await provenChange(app, alice, newPhone())

    expect(await phoneOf(app, alice.token)).toBe(alice.phone)
  })

  it('lets the user sign in by the new number, and nobody by the old one', async () => {
    await using app = await startTestApp()
    const alice = await personWithPhone(app)
    const number = newPhone()
    await updatePhone(app, alice.token, await provenChange(app, alice, number))

    const token = await signInByPhone(app, number)

    expect(await phoneOf(app, token)).toBe(number)
    await expect(signInByPhone(app, alice.phone)).rejects.toThrow()
  })

  it('takes codes of either channel for the old number', async () => {
    await using app = await startTestApp()
    const alice = await personWithPhone(app)
    const number = newPhone()
    app.clock.advance(61)
    const oldPhonePassCode = await receiveCode(app, alice.token, 'CHANNEL_BIND_PHONE', alice.phone)
    const newPhonePassCode = await receiveCode(app, alice.token, 'CHANNEL_BIND_PHONE', number)

    const verified = await verifyChange(app, alice.token, {
      newPhoneNumber: number,
      newPhonePassCode,
      oldPhoneNumber: alice.phone,
      oldPhonePassCode,
    })

    expect(verified).toMatchObject({ statusCode: 200 })
  })

  it('does not burn one code when the other is wrong', async () => {
    await using app = await startTestApp()
    const alice = await personWithPhone(app)
    const codes = await bothCodes(app, alice, newPhone())

    const wrongOld = await verifyChange(app, alice.token, {
      ...codes,
      oldPhonePassCode: otherCode(codes.oldPhonePassCode),
    })
    const wrongNew = await verifyChange(app, alice.token, {
      ...codes,
      newPhonePassCode: otherCode(codes.newPhonePassCode),
    })
    const right = await verifyChange(app, alice.token, codes)

    expect(wrongOld).toMatchObject({ statusCode: 499, apiCode: 2001 })
    expect(wrongNew).toMatchObject({ statusCode: 499, apiCode: 2001 })
    expect(right).toMatchObject({ statusCode: 200 })
  })

  it('names the field of a code that cannot be one', async () => {
    await using app = await startTestApp()
    const alice = await personWithPhone(app)

    const refused = await verifyChange(app, alice.token, {
      newPhoneNumber: newPhone(),
      newPhonePassCode: '123456',
      oldPhoneNumber: alice.phone,
      oldPhonePassCode: 'abc',
    })

    expect(refused).toMatchObject({ statusCode: 400 })
    expect(refused.data.errors[0].field).toBe('phonePassCodePayload.oldPhonePassCode')
  })

  it('refuses who has no phone, and the same number again', async () => {
    await using app = await startTestApp()
    const [alice, bob] = [await app.signUp(), await personWithPhone(app)]

    const none = await verifyChange(app, alice.token, {
      newPhoneNumber: newPhone(),
      newPhonePassCode: '123456',
    })
    const same = await verifyChange(app, bob.token, { newPhoneNumber: bob.phone, newPhonePassCode: '123456' })

    expect(none).toMatchObject({ statusCode: 404, apiCode: 1320005 })
    expect(same).toMatchObject({ statusCode: 409, apiCode: 2230 })
  })

  it.each([
    ['nothing of the old number', () => ({})],
    ['no code of it', (phone: string) => ({ oldPhoneNumber: phone })],
    ['no number with the code', () => ({ oldPhonePassCode: '123456' })],
    ['another number', () => ({ oldPhoneNumber: newPhone(), oldPhonePassCode: '123456' })],
    ['empty texts', () => ({ oldPhoneNumber: '', oldPhonePassCode: '' })],
  ])(
    'asks for proof of the old number where the call gives %s, and counts no code (rule 14)',
    async (_what, old) => {
      await using app = await startTestApp({ DIALTONE_PASSCODE_ATTEMPTS: '1' })
      const alice = await personWithPhone(app)
      const codes = await bothCodes(app, alice, newPhone())
      const { newPhoneNumber, newPhonePassCode } = codes

      const refused = await verifyChange(app, alice.token, {
        newPhoneNumber,
        newPhonePassCode: otherCode(newPhonePassCode),
        ...old(alice.phone),
      })

      expect(refused).toMatchObject({ statusCode: 403, apiCode: 2038 })
      expect(await verifyChange(app, alice.token, codes)).toMatchObject({ statusCode: 200 })
    },
  )

  it('needs no proof of the old number where the pool does not ask for it', async () => {
    await using app = await startTestApp()
    await app.app.accountPolicy.change(app.application.poolId, { verifyOldPhone: false })
    const alice = await personWithPhone(app)
    const number = newPhone()
    const newPhonePassCode = await receiveCode(app, alice.token, 'CHANNEL_BIND_PHONE', number)

    const verified = await verifyChange(app, alice.token, { newPhoneNumber: number, newPhonePassCode })

    expect(verified).toMatchObject({ statusCode: 200 })
  })

  it('checks the old code all the same where it is given without need', async () => {
    await using app = await startTestApp()
    await app.app.accountPolicy.change(app.application.poolId, { verifyOldPhone: false })
    const alice = await personWithPhone(app)
    const codes = await bothCodes(app, alice, newPhone())

    const refused = await verifyChange(app, alice.token, {
      ...codes,
      oldPhonePassCode: otherCode(codes.oldPhonePassCode),
    })

    expect(refused).toMatchObject({ statusCode: 499, apiCode: 2001 })
  })

  it('takes another factor of the last five minutes in place of the old number (rule 14)', async () => {
    await using app = await startTestApp()
    const alice = await personWithPhone(app)
    const number = newPhone()
    const newPhonePassCode = await receiveCode(app, alice.token, 'CHANNEL_BIND_PHONE', number)
    const payload = { newPhoneNumber: number, newPhonePassCode }
    const sessionId = JSON.parse(Buffer.from(alice.token.split('.')[1] ?? '', 'base64url').toString()).sid
    const { poolId } = app.application
    await app.app.sessions.recordFactorProof({ poolId, userId: alice.userId, sessionId }, 'OTP')

    const verified = await verifyChange(app, alice.token, payload)

    expect(verified).toMatchObject({ statusCode: 200 })
    app.clock.advance(301)
    const late = await verifyChange(app, alice.token, payload)
    expect(late).toMatchObject({ statusCode: 403, apiCode: 2038 })
  })

  it('tells that the new number is taken only to who has its code (rule 10)', async () => {
    await using app = await startTestApp()
    const [alice, bob] = [await personWithPhone(app), await personWithPhone(app)]
    app.clock.advance(61)
    const codes = await bothCodes(app, alice, bob.phone)

    const guessed = await verifyChange(app, alice.token, {
      ...codes,
      newPhonePassCode: otherCode(codes.newPhonePassCode),
    })
    const proved = await verifyChange(app, alice.token, codes)

    expect(guessed).toMatchObject({ statusCode: 499, apiCode: 2001 })
    expect(proved).toMatchObject({ statusCode: 409, apiCode: 1320004 })
    expect(await phoneOf(app, bob.token)).toBe(bob.phone)
  })

  it('ends the other sessions with their refresh tokens, and keeps this one (rule 15)', async () => {
    await using app = await startTestApp()
    const alice = await personWithPhone(app)
    const other = (await alice.signIn()).data

    await updatePhone(app, alice.token, await provenChange(app, alice, newPhone()))

    const seen = await app.get('/api/v3/get-profile', { token: other.access_token })
    expect(seen).toMatchObject({ statusCode: 401, apiCode: 2020 })
    expect((await alice.profile()).statusCode).toBe(200)
  })

  it('tells the old number and the email address (rule 15)', async () => {
    await using app = await startTestApp()
    const alice = await personWithEmail(app, 'alice@example.com')
    const number = newPhone()

    await updatePhone(app, alice.token, await provenChange(app, alice, number))

    expect(await purposesSentTo(app, alice.phone)).toContain('phone_changed')
    expect(await purposesSentTo(app, alice.email)).toContain('phone_changed')
    expect(await purposesSentTo(app, number)).not.toContain('phone_changed')
  })

  it('closes the old binding in the history, opens a new one and writes an audit event (rule 18)', async () => {
    await using app = await startTestApp()
    const alice = await personWithPhone(app)
    const number = newPhone()

    await updatePhone(app, alice.token, await provenChange(app, alice, number))

    const history = await historyOf(app, alice.userId)
    expect(history.map(({ phone, endReason }) => [phone, endReason])).toEqual([
      [masked(alice.phone), 'changed'],
      [masked(number), undefined],
    ])
    expect(await eventsOf(app, alice.userId)).toContain('phone.changed')
  })
})

describe('binding a phone', () => {
  it('ends the other sessions with their refresh tokens, and keeps this one (rule 15)', async () => {
    await using app = await startTestApp()
    const alice = await app.signUp({ scope: 'openid profile phone offline_access' })
    const other = (await alice.signIn()).data

    await alice.bindPhone(await alice.receiveCode())

    const seen = await app.get('/api/v3/get-profile', { token: other.access_token })
    expect(seen).toMatchObject({ statusCode: 401, apiCode: 2020 })
    const refresh = (refreshToken: string) =>
      app
        .sdk()
        .getNewAccessTokenByRefreshToken(refreshToken)
        .then(
          (reply) => reply.access_token,
          () => undefined,
        )
    expect(await refresh(other.refresh_token)).toBeUndefined()
    expect(await refresh(alice.tokens.refresh_token)).toEqual(expect.any(String))
    expect((await alice.profile()).statusCode).toBe(200)
  })

  it('tells the email address (rule 15)', async () => {
    await using app = await startTestApp()

    const alice = await personWithEmail(app, 'alice@example.com')

    expect(await purposesSentTo(app, alice.email)).toContain('phone_bound')
  })
})
