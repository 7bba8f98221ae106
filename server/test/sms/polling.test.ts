import { describe, expect, it } from 'vitest'
import { newPhone } from '../support/app.ts'
import { type SmsApp, startSmsApp } from '../support/sms.ts'

const send = (app: Pick<SmsApp, 'sendSms'>, phone: string) => app.sendSms('CHANNEL_REGISTER', phone)

const newest = async (app: SmsApp, phone: string) => {
  const [timeline] = await app.messagesTo(phone)
  const [attempt] = timeline?.attempts ?? []
  return { state: timeline?.message.state, reason: attempt?.reason, price: Number(attempt?.price_micros) }
}

describe('a provider that does not report by itself', () => {
  it.each(['sns', 'tencent', 'aliyun', 'twilio'] as const)(
    'is asked twenty seconds after it took a message, and not before: %s (rule 24)',
    async (provider) => {
      await using app = await startSmsApp({ providers: [provider], receipts: false })
      const phone = newPhone()
      await send(app, phone)
      await app.emulator.settle()
      await app.app.work()
      const before = await newest(app, phone)
      app.clock.advance(21)

      await app.app.work()

      expect(before.state).toBe('accepted')
      expect((await newest(app, phone)).state).toBe('delivered')
    },
  )

  it('tells the price and why a message failed', async () => {
    await using app = await startSmsApp({ providers: ['sns'], receipts: false })
    app.setFaults({ kind: 'fail', code: 'Blocked as spam by phone carrier', times: 1 })
    const [lost, delivered] = [newPhone(), newPhone()]
    await send(app, lost)
    await send(app, delivered)
    await app.emulator.settle()
    app.clock.advance(21)

    await app.app.work()

    expect(await newest(app, lost)).toMatchObject({ state: 'failed', reason: 'blocked_by_carrier' })
    expect(await newest(app, delivered)).toMatchObject({ state: 'delivered', price: 6450 })
  })

  it('is asked again later while it knows nothing, or fails', async () => {
    await using app = await startSmsApp({ providers: ['tencent'], receipts: false })
    app.setFaults({ kind: 'late_receipt', milliseconds: 3_600_000 })
    const phone = newPhone()
    await send(app, phone)
    app.clock.advance(21)
    await app.app.work()
    const early = await newest(app, phone)
    app.setFaults({ kind: 'http_500', times: 1 })
    await app.emulator.settle()
    app.clock.advance(41)
    await app.app.work()
    const failing = await newest(app, phone)
    app.clock.advance(121)

    await app.app.work()

    expect(early.state).toBe('accepted')
    expect(failing.state).toBe('accepted')
    expect((await newest(app, phone)).state).toBe('delivered')
  })

  it('is asked by one process of several at a time', async () => {
    await using app = await startSmsApp({ providers: ['tencent'], receipts: false })
    const second = await app.secondProcess()
    const phone = newPhone()
    await send(app, phone)
    await app.emulator.settle()
    app.setFaults({ kind: 'http_500', times: 1 })
    app.clock.advance(21)

    await Promise.all([app.app.work(), second.app.work()])

    // A second question would have been answered.
    expect((await newest(app, phone)).state).toBe('accepted')
  })
})
