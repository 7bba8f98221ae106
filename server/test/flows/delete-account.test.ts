import { raw } from 'sql-template-tag'
import { describe, expect, it } from 'vitest'
import { sql } from '../../src/core/database.ts'
import { newPhone, startTestApp, type TestApp } from '../support/app.ts'
import { byEmail, byPassword, deleteAccount, deletionToken, verifyDeletion } from '../support/deletion.ts'
import { personWithUnprovedEmail, signInBy, updatePassword } from '../support/passwords.ts'
import { days, personWithEmail, personWithPhone, phoneOnlyPerson } from '../support/phone-changes.ts'

const ada = 'ada@example.com'
const password = 'correct horse battery'
const ip = '203.0.113.77'

/** Every table that holds one of these texts anywhere in a row, with how many such rows. */
const tablesWith = async ({ db }: TestApp, texts: readonly string[]): Promise<Record<string, number>> => {
  const tables = await db.query<{ name: string }>(sql`
    select table_name as name
      from information_schema.tables
     where table_schema = 'public'
       and table_type = 'BASE TABLE'`)
  const found: Record<string, number> = {}
  for (const { name } of tables) {
    const rows = await db.query<{ row: string }>(raw(`select t::text as row from "${name}" t`))
    const hits = rows.filter(({ row }) => texts.some((text) => row.includes(text))).length
    if (hits > 0) found[name] = hits
  }
  return found
}

/** A second factor on another number than the account's. */
const enrollPhone = async (app: TestApp, token: string): Promise<string> => {
  const phoneNumber = newPhone()
  const asked = { factorType: 'SMS', profile: { phoneNumber } }
  const { data } = await app.post('/api/v3/send-enroll-factor-request', asked, { token })
  const enrollmentData = { passCode: await app.lastCode(phoneNumber) }
  const { enrollmentToken } = data
  const enrollment = { factorType: 'SMS', enrollmentToken, enrollmentData }
  const enrolled = await app.post('/api/v3/enroll-factor', enrollment, { token })
  if (enrolled.statusCode !== 200) throw new Error(`the factor was refused: ${enrolled.message}`)
  return phoneNumber
}

/** All that a person leaves in the tables: sign-ins, failures, codes, messages, notices, factors. */
const livedIn = async (app: TestApp) => {
  const person = await personWithEmail(app, ada)
  const { token, phone } = person
  const username = 'countess-ada'
  await app.post('/api/v3/update-profile', { username, nickname: 'The Countess' }, { token })
  await signInBy(app, { username, password }, { clientIp: ip })
  await signInBy(app, { username, password: 'a wrong password' }, { clientIp: ip })
  await app.sendSms('CHANNEL_LOGIN', phone, { token })
  await app.sendEmail('CHANNEL_LOGIN', ada)
  await app.sendSms('CHANNEL_BIND_PHONE', '18899990000', { token })
  await updatePassword(app, token, { oldPassword: password, newPassword: 'staple of a new horse' })
  const factorPhone = await enrollPhone(app, token)
  return { ...person, username, texts: [phone, ada, username, ip, factorPhone, 'The Countess'] }
}

describe('delete-account', () => {
  it('deletes an account whose phone was proved, through the published SDK', async () => {
    await using app = await startTestApp()
    const alice = await personWithPhone(app)
    const client = app.sdk()
    client.setAccessToken(alice.token)
    const passCode = await alice.receiveCode('CHANNEL_DELETE_ACCOUNT')

    const verified = await client.verifyDeleteAccountRequest({
      verifyMethod: 'PHONE_PASSCODE' as never,
      phonePassCodePayload: { phoneNumber: alice.phone, passCode },
    })
    const { deleteAccountToken } = verified.data
    const deleted = await client.deleteAccount({ deleteAccountToken })

    expect(verified).toMatchObject({ statusCode: 200, data: { tokenExpiresIn: 60 } })
    expect(deleted).toMatchObject({ statusCode: 200, data: { success: true } })
    expect(await alice.profile()).toMatchObject({ statusCode: 401, apiCode: 2020 })
    expect(await alice.signIn()).toMatchObject({ statusCode: 403, apiCode: 2333 })
  })

  it.each([ada, undefined])('takes a code of the email address, named as %s', async (email) => {
    await using app = await startTestApp()
    const { token } = await personWithEmail(app, ada)
    await app.sendEmail('CHANNEL_DELETE_ACCOUNT', ada, { token })

    const verified = await verifyDeletion(app, token, byEmail(email, await app.lastCode(ada)))

    expect((await deleteAccount(app, token, verified.data.deleteAccountToken)).statusCode).toBe(200)
    expect((await app.get('/api/v3/get-profile', { token })).apiCode).toBe(2020)
  })

  it.each([
    ['without phone and email', (app: TestApp) => app.signUp()],
    ['whose address nobody proved', (app: TestApp) => personWithUnprovedEmail(app, ada, password)],
  ])('takes the password of an account %s', async (_which, signUp) => {
    await using app = await startTestApp()
    const { token } = await signUp(app)

    const verified = await verifyDeletion(app, token, byPassword(password))

    expect((await deleteAccount(app, token, verified.data.deleteAccountToken)).statusCode).toBe(200)
  })

  it('frees the number at once, for a new account that has nothing of the old one', async () => {
    await using app = await startTestApp()
    const alice = await personWithPhone(app)
    await deleteAccount(app, alice.token, await deletionToken(app, alice))
    app.clock.advance(61)

    const anew = await phoneOnlyPerson(app, alice.phone)

    expect(anew.userId).not.toBe(alice.userId)
    expect((await app.app.users.get(app.application.poolId, anew.userId))?.username).toBeNull()
    expect((await app.signUp({ username: alice.username })).userId).not.toBe(alice.userId)
  })

  it('leaves nothing of the person but the message that says so, and that for a week', async () => {
    await using app = await startTestApp()
    const person = await livedIn(app)
    expect(Object.keys(await tablesWith(app, person.texts))).toEqual(
      expect.arrayContaining(['users', 'messages', 'passcodes', 'sign_ins', 'sessions', 'factors']),
    )

    await deleteAccount(app, person.token, await deletionToken(app, person))

    const { limit_counters: _limits, ...left } = await tablesWith(app, person.texts)
    expect(left).toEqual({ messages: 2 })
    const told = await app.db.query(
      sql`select purpose, recipient, ip, requested_by from messages order by recipient`,
    )
    const kept = { ip: null, requested_by: null }
    expect(told).toEqual([
      { ...kept, purpose: 'account_deleted', recipient: `+86${person.phone}` },
      // To a number that never was the account’s: it still counts for the guard.
      { ...kept, purpose: 'bind_phone', recipient: '+8618899990000' },
      { ...kept, purpose: 'account_deleted', recipient: ada },
    ])

    // Limits outlive the account: else who deletes it has all guesses and messages anew.
    app.clock.advance(days(9))
    await app.app.housekeeping()
    expect(await tablesWith(app, person.texts)).toEqual({})
  })

  it('keeps that the number changed hands, and what happened when, without the person (rule 18)', async () => {
    await using app = await startTestApp()
    const person = await livedIn(app)
    const types = (await app.app.audit.eventsOf(app.application.poolId, person.userId)).map(
      ({ type }) => type,
    )

    await deleteAccount(app, person.token, await deletionToken(app, person))

    const events = await app.app.audit.eventsOf(app.application.poolId, person.userId)
    expect(events.map(({ type }) => type)).toEqual([...types, 'user.deleted'])
    expect(events.filter(({ ip: from }) => from !== null)).toEqual([])
    expect(JSON.stringify(events)).not.toMatch(/\*|ingerprint/)
    const history = await app.db.query(sql`
      select phone, phone_masked, phone_fingerprint, end_reason, unbound_at is not null as closed, ip
        from phone_bindings
       where user_id = ${person.userId}`)
    expect(history).toEqual([
      {
        phone: null,
        phone_masked: null,
        phone_fingerprint: expect.stringMatching(/^[0-9a-f]{24}$/),
        end_reason: 'deleted',
        closed: true,
        ip: null,
      },
    ])
  })

  it('gives a number in a history from before there were fingerprints one of its own', async () => {
    await using app = await startTestApp()
    const alice = await personWithPhone(app)
    const phone = `+86${alice.phone}`
    const [before] = await app.db.query<{ phone_fingerprint: string }>(
      sql`select phone_fingerprint from phone_bindings`,
    )
    await app.db.query(
      sql`update phone_bindings set phone = ${phone}, phone_masked = null, phone_fingerprint = null`,
    )

    await deleteAccount(app, alice.token, await deletionToken(app, alice))

    expect(await app.db.query(sql`select phone, phone_fingerprint from phone_bindings`)).toEqual([
      { phone: null, ...before },
    ])
  })

  it('tells the phone and the address that the account is gone, with no link', async () => {
    await using app = await startTestApp()
    const { token, phone } = await personWithEmail(app, ada)

    await deleteAccount(app, token, await deletionToken(app, { token, phone }))

    const [sms] = await app.readInbox(`+86${phone}`)
    const [letter] = await app.readInbox(ada)
    expect([sms, letter]).toMatchObject([
      { channel: 'NOTICE_ACCOUNT_DELETED', passCode: '' },
      { channel: 'NOTICE_ACCOUNT_DELETED', passCode: '' },
    ])
    expect(`${sms?.text} ${letter?.text}`).not.toContain('/account/')
  })

  it('leaves everybody else as they were', async () => {
    await using app = await startTestApp()
    const [alice, bob] = [await personWithPhone(app), await personWithPhone(app)]
    const before = await tablesWith(app, [bob.phone, bob.username, bob.userId])

    await deleteAccount(app, alice.token, await deletionToken(app, alice))

    expect(await tablesWith(app, [bob.phone, bob.username, bob.userId])).toEqual(before)
    expect((await bob.profile()).data.phone).toBe(bob.phone)
  })
})
