import { describe, expect, it } from 'vitest'
import { newPhone, startTestApp } from '../support/app.ts'

const days = (count: number) => count * 86_400

describe('housekeeping', () => {
  it('forgets messages after a week', async () => {
    await using app = await startTestApp()
    const [early, late] = [newPhone(), newPhone()]
    await app.sendSms('CHANNEL_BIND_PHONE', early)
    app.clock.advance(days(8))
    await app.sendSms('CHANNEL_BIND_PHONE', late)

    await app.app.housekeeping()

    expect(await app.readInbox(`+86${early}`)).toEqual([])
    expect(await app.readInbox(`+86${late}`)).toHaveLength(1)
  })

  it('keeps what still counts: sessions, codes and limits', async () => {
    await using app = await startTestApp()
    const alice = await app.signUp()
    const code = await alice.receiveCode()

    await app.app.housekeeping()

    expect(await app.sendSms('CHANNEL_BIND_PHONE', alice.phone, { token: alice.token })).toMatchObject({
      apiCode: 8800007,
    })
    expect(await alice.bindPhone(code)).toMatchObject({ statusCode: 200 })
  })

  it('keeps users and their history for good', async () => {
    await using app = await startTestApp()
    const alice = await app.signUp()
    await alice.bindPhone(await alice.receiveCode())
    app.clock.advance(days(400))

    await app.app.housekeeping()

    const events = await app.app.audit.eventsOf(app.application.poolId, alice.userId)
    expect(events.map(({ type }) => type)).toEqual(['user.signed_up', 'session.started', 'phone.bound'])
    expect((await alice.signIn()).statusCode).toBe(200)
  })
})
