import { describe, expect, it } from 'vitest'
import { newPhone, startTestApp } from '../support/app.ts'
import {
  eventsOf,
  historyOf,
  hours,
  lostPhoneChange,
  masked,
  personWithEmail,
  personWithPhone,
  phoneOf,
  purposesSentTo,
  receiveCode,
  signInByPhone,
  unbindPhone,
  updatePhone,
  verifyChange,
} from '../support/phone-changes.ts'

describe('the change of a user who lost the old number', () => {
  it('waits for the hours that the pool names, and says until when', async () => {
    await using app = await startTestApp()
    const alice = await personWithPhone(app)
    const number = newPhone()

    const asked = await updatePhone(app, alice.token, await lostPhoneChange(app, alice, number))

    expect(asked).toMatchObject({ statusCode: 200, data: { success: true } })
    const wait = new Date(asked.data.effectiveAt).getTime() - app.clock.now().getTime()
    expect(Math.round(wait / 3_600_000)).toBe(72)
    app.clock.advance(hours(71))
    await app.app.work()
    expect((await app.app.users.get(app.application.poolId, alice.userId))?.phone).toBe(`+86${alice.phone}`)
  })

  it('happens when it is due, ends the other sessions and tells (rules 14 and 15)', async () => {
    await using app = await startTestApp()
    const alice = await personWithPhone(app)
    const number = newPhone()
    await updatePhone(app, alice.token, await lostPhoneChange(app, alice, number))
    app.clock.advance(hours(72))
    const other = (await alice.signIn()).data

    await app.app.work()

    expect((await app.app.users.get(app.application.poolId, alice.userId))?.phone).toBe(`+86${number}`)
    expect((await app.get('/api/v3/get-profile', { token: other.access_token })).statusCode).toBe(401)
    expect(await purposesSentTo(app, alice.phone)).toContain('phone_changed')
    expect((await historyOf(app, alice.userId)).map(({ phone, endReason }) => [phone, endReason])).toEqual([
      [masked(alice.phone), 'changed'],
      [masked(number), undefined],
    ])
  })

  it('is told at once to the old number and the email address, and ends no session yet', async () => {
    await using app = await startTestApp()
    const alice = await personWithEmail(app, 'alice@example.com')

    await updatePhone(app, alice.token, await lostPhoneChange(app, alice, newPhone()))

    expect(await purposesSentTo(app, alice.phone)).toContain('phone_change_requested')
    expect(await purposesSentTo(app, alice.email)).toContain('phone_change_requested')
    expect(await phoneOf(app, alice.token)).toBe(alice.phone)
    expect(await eventsOf(app, alice.userId)).toContain('phone.change_requested')
  })

  it('needs no patience where the old code is given after all', async () => {
    await using app = await startTestApp()
    const alice = await personWithPhone(app)
    const number = newPhone()
    const verified = await verifyChange(app, alice.token, {
      newPhoneNumber: number,
      newPhonePassCode: await receiveCode(app, alice.token, 'CHANNEL_BIND_PHONE', number),
      oldPhoneNumber: alice.phone,
      oldPhonePassCode: await receiveCode(app, alice.token, 'CHANNEL_UNBIND_PHONE', alice.phone),
      oldPhoneLost: true,
    })

    const changed = await updatePhone(app, alice.token, verified.data.updatePhoneToken)

    expect(changed.data).toEqual({ success: true })
    expect(await phoneOf(app, alice.token)).toBe(number)
  })

  it('is replaced by a newer request', async () => {
    await using app = await startTestApp()
    const alice = await personWithPhone(app)
    const [first, second] = [newPhone(), newPhone()]
    await updatePhone(app, alice.token, await lostPhoneChange(app, alice, first))
    app.clock.advance(600)
    await updatePhone(app, alice.token, await lostPhoneChange(app, alice, second))
    app.clock.advance(hours(72) - 300)
    await app.app.work()
    const early = await app.app.users.get(app.application.poolId, alice.userId)

    app.clock.advance(301)
    await app.app.work()

    expect(early?.phone).toBe(`+86${alice.phone}`)
    expect((await app.app.users.get(app.application.poolId, alice.userId))?.phone).toBe(`+86${second}`)
  })

  it('is stopped by the owner', async () => {
    await using app = await startTestApp()
    const alice = await personWithPhone(app)
    await updatePhone(app, alice.token, await lostPhoneChange(app, alice, newPhone()))
    const { poolId } = app.application

    const stopped = await app.db.transaction((tx) => app.app.phone.stopChange(poolId, alice.userId, tx))

    app.clock.advance(hours(73))
    await app.app.work()
    expect(stopped).toBe(true)
    expect((await app.app.users.get(poolId, alice.userId))?.phone).toBe(`+86${alice.phone}`)
    expect(await eventsOf(app, alice.userId)).toContain('phone.change_stopped')
  })

  it('comes to nothing when the owner unbinds the old number meanwhile', async () => {
    await using app = await startTestApp()
    const alice = await personWithPhone(app)
    await updatePhone(app, alice.token, await lostPhoneChange(app, alice, newPhone()))
    await unbindPhone(app, alice)
    app.clock.advance(hours(73))

    await app.app.work()

    expect((await app.app.users.get(app.application.poolId, alice.userId))?.phone).toBeNull()
  })

  it('comes to nothing when a code of the old number comes back meanwhile: it is not lost', async () => {
    await using app = await startTestApp()
    const alice = await personWithPhone(app)
    await updatePhone(app, alice.token, await lostPhoneChange(app, alice, newPhone()))
    app.clock.advance(hours(1))
    await signInByPhone(app, alice.phone)
    app.clock.advance(hours(72))

    await app.app.work()

    expect((await app.app.users.get(app.application.poolId, alice.userId))?.phone).toBe(`+86${alice.phone}`)
    expect(await eventsOf(app, alice.userId)).toContain('phone.change_stopped')
  })

  it('comes to nothing when another user proved the number meanwhile, and the log says so (rule 17)', async () => {
    await using app = await startTestApp()
    const [alice, bob] = [await personWithPhone(app), await app.signUp()]
    await updatePhone(app, alice.token, await lostPhoneChange(app, alice, bob.phone))
    app.clock.advance(61)
    await bob.bindPhone(await bob.receiveCode())
    app.clock.advance(hours(73))

    await app.app.work()
    await app.app.work()

    const { poolId } = app.application
    expect((await app.app.users.get(poolId, alice.userId))?.phone).toBe(`+86${alice.phone}`)
    expect((await app.app.users.get(poolId, bob.userId))?.phone).toBe(`+86${bob.phone}`)
    const events = await eventsOf(app, alice.userId)
    expect(events.filter((type) => type === 'phone.change_stopped')).toHaveLength(1)
  })

  it('happens once where several processes find it due', async () => {
    await using app = await startTestApp()
    const second = await app.secondProcess()
    const alice = await personWithPhone(app)
    await updatePhone(app, alice.token, await lostPhoneChange(app, alice, newPhone()))
    app.clock.advance(hours(73))

    await Promise.all([app.app.work(), second.app.work(), app.app.work(), second.app.work()])

    const events = await eventsOf(app, alice.userId)
    expect(events.filter((type) => type === 'phone.changed')).toHaveLength(1)
    expect(await historyOf(app, alice.userId)).toHaveLength(2)
  })

  it('is asked for in vain where the code of the new number is wrong', async () => {
    await using app = await startTestApp()
    const alice = await personWithPhone(app)

    const refused = await verifyChange(app, alice.token, {
      newPhoneNumber: newPhone(),
      newPhonePassCode: '123456',
      oldPhoneLost: true,
    })

    expect(refused).toMatchObject({ statusCode: 499, apiCode: 2001 })
  })
})
