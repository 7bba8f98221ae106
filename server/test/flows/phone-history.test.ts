import { describe, expect, it } from 'vitest'
import { sql } from '../../src/core/database.ts'
import { newPhone, startTestApp } from '../support/app.ts'
import { consoleOf } from '../support/console.ts'
import {
  historyOf,
  masked,
  personWithPhone,
  provenChange,
  unbindPhone,
  updatePhone,
} from '../support/phone-changes.ts'

const nobody = '019c2f4e-6b1a-7c52-9d0e-3f6a8b1c2d4e'

describe('the history of a user’s phones', () => {
  it('shows an administrator every number ever bound, with time, origin and end (rule 18)', async () => {
    await using app = await startTestApp()
    const alice = await personWithPhone(app)
    const number = newPhone()
    await updatePhone(app, alice.token, await provenChange(app, alice, number))
    app.clock.advance(61)
    await unbindPhone(app, { ...alice, phone: number })

    const shown = await (await consoleOf(app)).get(`/console/api/users/${alice.userId}/phone-history`)

    const origin = {
      applicationId: app.application.id,
      ip: '127.0.0.1',
      boundAt: expect.stringMatching(/Z$/),
      unboundAt: expect.stringMatching(/Z$/),
      phoneFingerprint: expect.stringMatching(/^[\da-f]{24}$/),
    }
    expect(shown.status).toBe(200)
    expect(shown.body.bindings).toEqual([
      { ...origin, phone: masked(alice.phone), endReason: 'changed' },
      { ...origin, phone: masked(number), endReason: 'unbound' },
    ])
  })

  it('has the same fingerprint for the same number in the history of another user', async () => {
    await using app = await startTestApp()
    const [alice, bob] = [await personWithPhone(app), await app.signUp()]
    await unbindPhone(app, alice)
    app.clock.advance(61)
    await bob.bindPhone(await bob.receiveCode('CHANNEL_BIND_PHONE', alice.phone), alice.phone)

    const [ofAlice, ofBob] = [await historyOf(app, alice.userId), await historyOf(app, bob.userId)]

    expect(ofBob).toMatchObject([{ phoneFingerprint: Reflect.get(ofAlice[0] ?? {}, 'phoneFingerprint') }])
  })

  it('holds no number in clear, not even of the time before it was masked (rule 12)', async () => {
    await using app = await startTestApp()
    const alice = await personWithPhone(app)
    await app.db.query(sql`
      update phone_bindings
         set phone = ${`+86${alice.phone}`},
             phone_masked = null,
             phone_fingerprint = null
       where user_id = ${alice.userId}`)
    const shownBefore = await historyOf(app, alice.userId)

    await app.app.housekeeping()

    const stored = await app.db.query(sql`select * from phone_bindings where user_id = ${alice.userId}`)
    expect(JSON.stringify(stored)).not.toContain(alice.phone)
    expect(shownBefore).toMatchObject([{ phone: masked(alice.phone) }])
    expect(await historyOf(app, alice.userId)).toEqual(shownBefore)
  })

  it('stays by its fingerprint when the user was deleted (rule 18)', async () => {
    await using app = await startTestApp()
    const alice = await personWithPhone(app)
    const [before] = await historyOf(app, alice.userId)
    const passCode = await alice.receiveCode('CHANNEL_DELETE_ACCOUNT')
    const verified = await app.post(
      '/api/v3/verify-delete-account-request',
      {
        verifyMethod: 'PHONE_PASSCODE',
        phonePassCodePayload: { phoneNumber: alice.phone, passCode },
      },
      { token: alice.token },
    )
    const { deleteAccountToken } = verified.data
    await app.post('/api/v3/delete-account', { deleteAccountToken }, { token: alice.token })

    const history = await historyOf(app, alice.userId)

    expect(history).toMatchObject([
      { phoneFingerprint: Reflect.get(before ?? {}, 'phoneFingerprint'), endReason: 'deleted' },
    ])
    expect(history[0]).not.toHaveProperty('phone')
  })

  it('is shown with what else happened to the user, oldest first', async () => {
    await using app = await startTestApp()
    const alice = await personWithPhone(app)

    const shown = await (await consoleOf(app)).get(`/console/api/users/${alice.userId}/events`)

    expect(shown.status).toBe(200)
    expect(shown.body.events.map(({ type }: { type: string }) => type)).toEqual([
      'user.signed_up',
      'session.started',
      'phone.bound',
    ])
    expect(shown.body.events.at(-1)).toMatchObject({
      applicationId: app.application.id,
      ip: '127.0.0.1',
      detail: { phone: masked(alice.phone) },
    })
  })

  it('is empty for a user who never had a phone, and missing for a user who never was', async () => {
    await using app = await startTestApp()
    const alice = await app.signUp()
    const console = await consoleOf(app)

    const empty = await console.get(`/console/api/users/${alice.userId}/phone-history`)
    const missing = await console.get(`/console/api/users/${nobody}/phone-history`)
    const noEvents = await console.get(`/console/api/users/${nobody}/events`)

    expect(empty).toMatchObject({ status: 200, body: { bindings: [] } })
    expect([missing.status, noEvents.status]).toEqual([404, 404])
  })

  it('is for administrators alone', async () => {
    await using app = await startTestApp()
    const alice = await personWithPhone(app)

    const asUser = await app.get(`/console/api/users/${alice.userId}/phone-history`, { token: alice.token })

    expect(asUser.status).toBe(401)
  })
})
