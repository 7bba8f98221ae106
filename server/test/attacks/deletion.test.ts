import { raw } from 'sql-template-tag'
import { describe, expect, it } from 'vitest'
import { sql } from '../../src/core/database.ts'
import { newPhone, otherCode, startTestApp } from '../support/app.ts'
import {
  byEmail,
  byPassword,
  byPhone,
  deleteAccount,
  deletionCode,
  deletionToken,
  verifyDeletion,
} from '../support/deletion.ts'
import { resetToken } from '../support/passwords.ts'
import { personWithEmail, personWithPhone } from '../support/phone-changes.ts'
import { atOnce, tally } from '../support/replies.ts'

const password = 'correct horse battery'
const incorrect = { statusCode: 499, apiCode: 2001 }
const badToken = { statusCode: 403, apiCode: 1020020 }

describe('nobody deletes an account', () => {
  it('by a code of another number, right or wrong, and learns nothing of that number (rule 10)', async () => {
    await using app = await startTestApp()
    const [alice, bob] = [await personWithPhone(app), await personWithPhone(app)]
    const bobsCode = await deletionCode(app, bob)

    const answers = [
      await verifyDeletion(app, alice.token, byPhone(bob.phone, bobsCode)),
      await verifyDeletion(app, alice.token, byPhone(bob.phone, otherCode(bobsCode))),
      await verifyDeletion(app, alice.token, byPhone(newPhone(), '123456')),
      await verifyDeletion(app, alice.token, byEmail('nobody@example.com', '123456')),
      await verifyDeletion(app, alice.token, byEmail(undefined, '123456')),
    ]

    for (const answer of answers) expect(answer).toMatchObject(incorrect)
    expect(new Set(answers.map(({ message }) => message)).size).toBe(1)
    expect((await verifyDeletion(app, bob.token, byPhone(bob.phone, bobsCode))).statusCode).toBe(200)
  })

  it('by a code that was sent for something else (rule 6)', async () => {
    await using app = await startTestApp()
    const alice = await personWithPhone(app)
    app.clock.advance(61)

    for (const channel of ['CHANNEL_LOGIN', 'CHANNEL_UNBIND_PHONE', 'CHANNEL_RESET_PASSWORD']) {
      const code = await alice.receiveCode(channel)
      expect(await verifyDeletion(app, alice.token, byPhone(alice.phone, code)), channel).toMatchObject(
        incorrect,
      )
    }
  })

  it('by a code that another user’s token asked for, or another application’s (rule 6)', async () => {
    await using app = await startTestApp()
    const other = await app.otherApplication({ poolId: app.application.poolId })
    const alice = await personWithPhone(app)
    await other.sendSms('CHANNEL_DELETE_ACCOUNT', alice.phone)

    const answer = await verifyDeletion(
      app,
      alice.token,
      byPhone(alice.phone, await app.lastCode(alice.phone)),
    )

    expect(answer).toMatchObject(incorrect)
  })

  it('by the password alone where a phone or a proved address is bound', async () => {
    await using app = await startTestApp()
    const alice = await personWithPhone(app)

    const answer = await verifyDeletion(app, alice.token, byPassword(password))

    expect(answer).toMatchObject({
      statusCode: 400,
      apiCode: 8800012,
      data: { errors: [{ field: 'verifyMethod', message: expect.stringContaining('PHONE_PASSCODE') }] },
    })
  })

  it('by guessing passwords: twenty an hour, also at once', async () => {
    await using app = await startTestApp()
    const alice = await app.signUp()

    const replies = await atOnce(25, () => verifyDeletion(app, alice.token, byPassword('a wrong password')))

    expect(tally(replies)).toEqual({ 1320011: 20, 2005: 5 })
    expect(await verifyDeletion(app, alice.token, byPassword(password))).toMatchObject({ apiCode: 2005 })
  })

  it('by guessing codes: five for each, also at once (rule 5)', async () => {
    await using app = await startTestApp()
    const alice = await personWithPhone(app)
    const code = await deletionCode(app, alice)
    const guess = (index: number) =>
      verifyDeletion(app, alice.token, byPhone(alice.phone, otherCode(code, index + 1)))

    const replies = await atOnce(20, guess)

    expect(tally(replies)).toEqual({ 2001: 5, 8800001: 15 })
    expect((await verifyDeletion(app, alice.token, byPhone(alice.phone, code))).apiCode).toBe(8800001)
  })

  it('by a token of another user, of another session, of another kind, or too late', async () => {
    await using app = await startTestApp()
    const [alice, bob] = [await personWithPhone(app), await personWithPhone(app)]
    const second = (await alice.signIn()).data.access_token
    const token = await deletionToken(app, alice)

    expect(await deleteAccount(app, bob.token, token)).toMatchObject(badToken)
    expect(await deleteAccount(app, second, token)).toMatchObject(badToken)
    expect(await deleteAccount(app, bob.token, await resetToken(app, bob.phone))).toMatchObject(badToken)
    app.clock.advance(61)
    expect(await deleteAccount(app, alice.token, token)).toMatchObject(badToken)
    expect((await alice.profile()).data.phone).toBe(alice.phone)
  })

  it('by a token of before the number changed', async () => {
    await using app = await startTestApp()
    const alice = await personWithPhone(app)
    const token = await deletionToken(app, alice)
    await app.db.query(sql`update users set phone = ${`+86${newPhone()}`} where id = ${alice.userId}`)

    expect(await deleteAccount(app, alice.token, token)).toMatchObject(badToken)

    expect((await alice.profile()).statusCode).toBe(200)
  })

  it('whose session has ended, or who is disabled', async () => {
    await using app = await startTestApp()
    const [alice, bob] = [await personWithPhone(app), await personWithPhone(app)]
    const tokens = [await deletionToken(app, alice), await deletionToken(app, bob)] as const
    await alice.endSession()
    await bob.disable()

    expect(await deleteAccount(app, alice.token, tokens[0])).toMatchObject({ apiCode: 2020 })
    expect(await deleteAccount(app, bob.token, tokens[1])).toMatchObject({ apiCode: 2120008 })
  })
})

describe('a deletion', () => {
  it('happens once, however often it is asked for at once', async () => {
    await using app = await startTestApp()
    const alice = await personWithPhone(app)
    const token = await deletionToken(app, alice)

    const replies = await atOnce(10, () => deleteAccount(app, alice.token, token))

    expect(replies.filter(({ statusCode }) => statusCode === 200)).toHaveLength(1)
    expect(replies.every(({ statusCode }) => [200, 401, 403].includes(statusCode))).toBe(true)
    const events = await app.app.audit.eventsOf(app.application.poolId, alice.userId)
    expect(events.filter(({ type }) => type === 'user.deleted')).toHaveLength(1)
  })

  it('and everything else that the account does at the same instant leave no half of either', async () => {
    await using app = await startTestApp()
    const { token, phone, userId } = await personWithEmail(app, 'ada@example.com')
    const deletion = await deletionToken(app, { token, phone })
    app.clock.advance(1)
    await app.sendSms('CHANNEL_LOGIN', phone)
    const login = await app.lastCode(phone)
    await app.sendSms('CHANNEL_RESET_PASSWORD', phone)
    const reset = await app.lastCode(phone)
    const client = { client_secret: app.application.secret.reveal() }

    const replies = await Promise.all([
      deleteAccount(app, token, deletion),
      app.post('/api/v3/signin', {
        connection: 'PASSCODE',
        passCodePayload: { phone, passCode: login },
        ...client,
      }),
      app.post('/api/v3/verify-reset-password-request', {
        verifyMethod: 'PHONE_PASSCODE',
        phonePassCodePayload: { phoneNumber: phone, passCode: reset },
      }),
      app.post(
        '/api/v3/update-password',
        { oldPassword: password, newPassword: 'staple of a horse' },
        { token },
      ),
    ])

    expect(replies.map(({ statusCode }) => statusCode)).not.toContain(500)
    expect(replies[0]?.statusCode).toBe(200)
    for (const table of ['users', 'sessions', 'step_up_tokens', 'refresh_tokens']) {
      const rows = await app.db.query(raw(`select 1 from ${table}`))
      expect(rows, table).toEqual([])
    }
    expect(await app.app.users.get(app.application.poolId, userId)).toBeUndefined()
  })
})
