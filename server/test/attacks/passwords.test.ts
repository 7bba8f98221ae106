import { describe, expect, it } from 'vitest'
import { sha256 } from '../../src/core/crypto.ts'
import { sql } from '../../src/core/database.ts'
import { newPhone, otherCode, type Reply, startTestApp, type TestApp } from '../support/app.ts'
import { solveCaptcha } from '../support/captcha.ts'
import { deletionToken } from '../support/deletion.ts'
import {
  personWithUnprovedEmail,
  resetCode,
  resetPassword,
  resetToken,
  signInBy,
  updatePassword,
  validatePassword,
  verifyReset,
} from '../support/passwords.ts'
import { personWithPhone } from '../support/phone-changes.ts'
import { atOnce, tally } from '../support/replies.ts'
import { storedText } from '../support/stored-text.ts'

const old = 'correct horse battery'
const fresh = 'staple of a new horse'
const ada = 'ada@example.com'
const badToken = { statusCode: 403, apiCode: 1020020 }

/** What a caller can tell answers apart by. */
const told = ({ statusCode, apiCode, message, data }: Reply) => ({
  statusCode,
  apiCode,
  message,
  data: data !== undefined && 'retryAfterSeconds' in data ? Object.keys(data) : data,
})

const forgetPhone = (app: TestApp, userId: string) =>
  app.db.query(sql`update users set phone = null where id = ${userId}`)

describe('verify-reset-password-request', () => {
  it('answers unknown numbers and addresses like wrong codes, sent or not (rule 10)', async () => {
    await using app = await startTestApp({ DIALTONE_PASSCODE_LENGTH: '8' })
    const alice = await personWithPhone(app)
    await personWithUnprovedEmail(app, ada, old)
    const guesses = async (to: string) => {
      const seen = []
      const channel = 'CHANNEL_RESET_PASSWORD'
      await (to.includes('@') ? app.sendEmail(channel, to) : app.sendSms(channel, to))
      for (let step = 0; step < 7; step += 1) seen.push(told(await verifyReset(app, to, `0000000${step}`)))
      return seen
    }

    const known = await guesses(alice.phone)

    expect(known.map(({ apiCode }) => apiCode)).toEqual([...Array(5).fill(2001), 8800001, 8800001])
    for (const to of [newPhone(), ada, 'nobody@example.com']) expect(await guesses(to), to).toEqual(known)
  })

  it('tells only who has the right code that the user is gone or disabled (rule 10)', async () => {
    await using app = await startTestApp()
    const [alice, bob] = [await personWithPhone(app), await personWithPhone(app)]
    const codes = [await resetCode(app, alice.phone), await resetCode(app, bob.phone)] as const
    await forgetPhone(app, alice.userId)
    await bob.disable()

    const wrong = [
      await verifyReset(app, alice.phone, otherCode(codes[0])),
      await verifyReset(app, bob.phone, otherCode(codes[1])),
    ]
    const right = [await verifyReset(app, alice.phone, codes[0]), await verifyReset(app, bob.phone, codes[1])]

    expect(wrong.map(({ apiCode }) => apiCode)).toEqual([2001, 2001])
    expect(right).toMatchObject([
      { statusCode: 404, apiCode: 2004 },
      { statusCode: 403, apiCode: 2120008 },
    ])
  })

  it('takes a code once, also at once (rule 5)', async () => {
    await using app = await startTestApp()
    const alice = await personWithPhone(app)
    const code = await resetCode(app, alice.phone)

    const replies = await atOnce(10, () => verifyReset(app, alice.phone, code))

    expect(replies.filter(({ statusCode }) => statusCode === 200)).toHaveLength(1)
  })

  it('takes no code that was sent for something else, nor too late (rules 2 and 6)', async () => {
    await using app = await startTestApp()
    const alice = await personWithPhone(app)
    app.clock.advance(61)
    for (const channel of ['CHANNEL_LOGIN', 'CHANNEL_DELETE_ACCOUNT', 'CHANNEL_UNBIND_PHONE']) {
      const code = await alice.receiveCode(channel)
      expect((await verifyReset(app, alice.phone, code)).apiCode, channel).toBe(2001)
    }
    const late = await resetCode(app, alice.phone)
    app.clock.advance(301)

    expect((await verifyReset(app, alice.phone, late)).apiCode).toBe(2300)
  })
})

describe('a reset token', () => {
  it('works once, however often it is used at once', async () => {
    await using app = await startTestApp()
    const alice = await personWithPhone(app)
    const token = await resetToken(app, alice.phone)

    const replies = await atOnce(8, (index) => resetPassword(app, token, `${fresh} ${index}`))

    expect(tally(replies)).toEqual({ 200: 1, 1020020: 7 })
    const won = replies.findIndex(({ statusCode }) => statusCode === 200)
    const { username } = alice
    expect((await signInBy(app, { username, password: `${fresh} ${won}` })).statusCode).toBe(200)
  })

  it('is refused after a minute', async () => {
    await using app = await startTestApp()
    const alice = await personWithPhone(app)
    const token = await resetToken(app, alice.phone)
    app.clock.advance(61)

    expect(await resetPassword(app, token, fresh)).toMatchObject(badToken)
  })

  it('of another user changes no password', async () => {
    await using app = await startTestApp()
    const [alice, mallory] = [await personWithPhone(app), await personWithPhone(app)]
    const passwordResetToken = await resetToken(app, mallory.phone)

    const answer = await updatePassword(app, alice.token, { newPassword: fresh, passwordResetToken })

    expect(answer).toMatchObject(badToken)
    expect((await alice.signIn()).statusCode).toBe(200)
  })

  it('of another application resets nothing', async () => {
    await using app = await startTestApp()
    const other = await app.otherApplication({ poolId: app.application.poolId })
    const stranger = await app.otherApplication()
    const alice = await personWithPhone(app)
    const token = await resetToken(app, alice.phone)

    expect(await resetPassword(other, token, fresh)).toMatchObject(badToken)
    expect(await resetPassword(stranger, token, fresh)).toMatchObject(badToken)
    expect((await resetPassword(app, token, fresh)).statusCode).toBe(200)
  })

  it('of another kind, or invented, resets nothing', async () => {
    await using app = await startTestApp()
    const alice = await personWithPhone(app)

    for (const token of [await deletionToken(app, alice), 'x', '', '💥'.repeat(50)]) {
      expect(await resetPassword(app, token, fresh), token).toMatchObject(badToken)
      const given = { newPassword: fresh, passwordResetToken: token }
      expect(await updatePassword(app, alice.token, given), token).toMatchObject(badToken)
    }
  })

  it('of a number that has left the account since resets nothing', async () => {
    await using app = await startTestApp()
    const alice = await personWithPhone(app)
    const token = await resetToken(app, alice.phone)
    await forgetPhone(app, alice.userId)

    expect(await resetPassword(app, token, fresh)).toMatchObject(badToken)

    expect((await alice.signIn()).statusCode).toBe(200)
  })

  it('of a user who was disabled since resets nothing', async () => {
    await using app = await startTestApp()
    const alice = await personWithPhone(app)
    const token = await resetToken(app, alice.phone)
    await alice.disable()

    expect(await resetPassword(app, token, fresh)).toMatchObject({ statusCode: 403, apiCode: 2120008 })
  })

  it('stands nowhere in clear (rule 28)', async () => {
    await using app = await startTestApp()
    const alice = await personWithPhone(app)

    const token = await resetToken(app, alice.phone)

    const stored = await storedText(app, ['step_up_tokens'])
    expect(stored).toContain(sha256(token).toString('base64url'))
    expect(stored).not.toContain(token)
    expect(stored).not.toContain(alice.phone)
    expect(app.lines.join()).not.toContain(token)
  })
})

describe('update-password', () => {
  it('lets one of several changes with the same old password win', async () => {
    await using app = await startTestApp()
    const alice = await app.signUp()
    const change = (index: number) =>
      updatePassword(app, alice.token, { oldPassword: old, newPassword: `${fresh} ${index}` })

    const replies = await atOnce(6, change)

    expect(tally(replies)).toEqual({ 200: 1, 1320011: 5 })
  })

  it('hears twenty wrong passwords an hour from one address, also at once', async () => {
    await using app = await startTestApp()
    const alice = await app.signUp()
    const guess = () => updatePassword(app, alice.token, { oldPassword: 'wrong', newPassword: fresh })

    expect(tally(await atOnce(24, guess))).toEqual({ 1320011: 20, 2005: 4 })

    const right = await updatePassword(app, alice.token, { oldPassword: old, newPassword: fresh })
    expect(right).toMatchObject({ apiCode: 2005, data: { retryAfterSeconds: expect.any(Number) } })
    // The budgets are apart: a thief with a token keeps nobody from signing in (rule 8).
    expect((await alice.signIn()).statusCode).toBe(200)
  })

  it('is refused without a session, or after its end', async () => {
    await using app = await startTestApp()
    const alice = await app.signUp()
    await alice.endSession()

    const answer = await updatePassword(app, alice.token, { oldPassword: old, newPassword: fresh })

    expect(answer).toMatchObject({ statusCode: 401, apiCode: 2020 })
    expect((await app.post('/api/v3/update-password', { newPassword: fresh })).apiCode).toBe(2020)
  })
})

describe('validate-password', () => {
  it('gives no guess more than sign-in: the two share their counts, their captcha and their lock', async () => {
    await using app = await startTestApp()
    const { username } = await app.signUp()
    const guess = { username, password: 'a wrong password' }

    for (let step = 0; step < 5; step += 1)
      expect((await validatePassword(app, guess)).data).toEqual({ valid: false })

    expect(await signInBy(app, guess)).toMatchObject({ statusCode: 403, apiCode: 2000 })
    expect(await validatePassword(app, { username, password: old })).toMatchObject({ apiCode: 2000 })
    for (let step = 0; step < 15; step += 1) {
      await validatePassword(app, { ...guess, ...(await solveCaptcha(app)) })
    }
    const locked = { statusCode: 403, apiCode: 2005 }
    expect(
      await validatePassword(app, { username, password: old, ...(await solveCaptcha(app)) }),
    ).toMatchObject(locked)
    expect(await signInBy(app, { username, password: old }, await solveCaptcha(app))).toMatchObject(locked)
  })

  it('answers for unknown and disabled accounts as for a wrong password (rules 10 and 11)', async () => {
    await using app = await startTestApp()
    const [alice, bob] = [await app.signUp(), await app.signUp()]
    await bob.disable()
    const tryOften = async (identifier: object) => {
      const seen = []
      for (let step = 0; step < 7; step += 1) {
        seen.push(told(await validatePassword(app, { ...identifier, password: 'a wrong password' })))
      }
      return seen
    }

    const known = await tryOften({ username: alice.username })

    expect(known.map(({ apiCode }) => apiCode)).toEqual([...Array(5).fill(undefined), 2000, 2000])
    const others = [
      { username: bob.username },
      { username: 'nobody' },
      { phone: newPhone() },
      { email: 'nobody@example.com' },
    ]
    for (const other of others) expect(await tryOften(other)).toEqual(known)
  })

  it('refuses a right password that opens nothing, as sign-in does', async () => {
    await using app = await startTestApp()
    const [alice, bob] = [await app.signUp(), await app.signUp()]
    await alice.disable()
    await app.db.query(sql`update users set password_reset_required = true where id = ${bob.userId}`)

    for (const { username } of [alice, bob]) {
      const told = await validatePassword(app, { username, password: old })
      const signedIn = await signInBy(app, { username, password: old })
      expect(told.apiCode).toBe(signedIn.apiCode)
      expect([2120008, 2058]).toContain(told.apiCode)
    }
  })
})
