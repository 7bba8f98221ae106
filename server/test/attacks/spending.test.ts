// Rule 22: the budget in money stops what gets past everything else, also when everything comes at once.
import { describe, expect, it } from 'vitest'
import { newPhone } from '../support/app.ts'
import { atOnce, collide, tally } from '../support/replies.ts'
import { startSmsApp } from '../support/sms.ts'

describe('paid messages that are asked for at once', () => {
  it('never cost more than the budget (rules 20 and 22)', async () => {
    await using app = await startSmsApp({
      routes: [{ name: 'all', serves: {}, steps: [{ provider: 'twilio', price: '0.10' }] }],
      policy: { budget: { currency: 'USD', perHour: '0.35', perDay: '0.35', assumedPrice: '0.10' } },
    })
    const second = await app.secondProcess()
    const before = await app.sendSms('CHANNEL_REGISTER', newPhone())

    const replies = await collide(app, { on: 'limit_counters', waiting: 15 }, () =>
      atOnce(20, (index) => (index % 2 === 0 ? app : second).sendSms('CHANNEL_REGISTER', newPhone())),
    )

    expect(before).toMatchObject({ statusCode: 200 })
    expect(tally(replies)).toEqual({ 200: 2, 8800008: 18 })
    expect(app.emulator.messages()).toHaveLength(3)
    const { hour, day } = await app.app.guard.spending(app.poolId)
    expect([hour.usedMicros, day.usedMicros]).toEqual([300_000, 300_000])
  })
})
