import { describe, expect, it } from 'vitest'
import type { Fault } from '../../../sms-emulator/src/emulator.ts'
import { sql } from '../../src/core/database.ts'
import { newPhone, type Reply } from '../support/app.ts'
import { report, startGateway } from '../support/gateway.ts'
import { closedUrl } from '../support/outgoing.ts'
import { until } from '../support/process.ts'
import { type SmsApp, startSmsApp } from '../support/sms.ts'

const send = (app: Pick<SmsApp, 'sendSms'>, phone: string, channel = 'CHANNEL_REGISTER') =>
  app.sendSms(channel, phone)

const undeliverable = { status: 200, statusCode: 502, apiCode: 8800009 }

/** Ways to make Twilio fail, and the reason that the timeline then gives. */
const failing: readonly [string, (app: SmsApp) => Promise<void> | void][] = [
  ['provider_fault', (app) => app.setFaults({ kind: 'http_500', service: 'twilio' })],
  ['throttled', (app) => app.setFaults({ kind: 'throttle', service: 'twilio' })],
  ['timeout', (app) => app.setFaults({ kind: 'hold', service: 'twilio' })],
  ['number_opted_out', (app) => app.setFaults({ kind: 'refuse', service: 'twilio', code: '21610' })],
  ['credentials_invalid', (app) => app.setProvider('twilio', 'twilio', { authToken: 'wrong' })],
  ['connection_failed', async (app) => app.setProvider('twilio', 'twilio', { endpoint: await closedUrl() })],
]

/** A promise that the test keeps when it is time. */
const held = (): [promise: Promise<void>, keep: () => void] => {
  let keep = () => {}
  const promise = new Promise<void>((resolve) => {
    keep = resolve
  })
  return [promise, () => keep()]
}

const impatient = { DIALTONE_PROVIDER_TIMEOUT_SECONDS: '3' }

describe('delivery', () => {
  it.each(failing)('goes to the next provider within the request: %s', async (reason, fail) => {
    const settings = reason === 'timeout' ? impatient : {}
    await using app = await startSmsApp({ providers: ['twilio', 'generic'], settings })
    await fail(app)
    const phone = newPhone()

    const reply = await send(app, phone)

    expect(reply).toMatchObject({ statusCode: 200 })
    expect(app.servicesOn(phone)).toEqual(['generic'])
    const [story] = await app.storiesOf(phone)
    expect(story?.slice(0, 5)).toEqual([
      'queued',
      'tried twilio',
      `refused twilio ${reason}`,
      'tried generic',
      'accepted generic',
    ])
  })

  it('that no provider takes is refused, and costs neither the minute of waiting nor money', async () => {
    await using app = await startSmsApp({
      providers: ['twilio', 'generic'],
      policy: { budget: { currency: 'USD', perHour: '0.05', perDay: '0.05', assumedPrice: '0.05' } },
    })
    const phone = newPhone()
    app.setFaults({ kind: 'http_500' })

    const refused = [await send(app, phone), await send(app, phone)]
    app.setFaults()
    const sent = await send(app, phone)
    const overBudget = await send(app, newPhone())

    for (const reply of refused) expect(reply).toMatchObject(undeliverable)
    expect(sent).toMatchObject({ statusCode: 200 })
    expect(app.servicesOn(phone)).toEqual(['twilio'])
    expect(overBudget).toMatchObject({ statusCode: 429, apiCode: 8800008 })
    const [first] = await app.messagesTo(phone)
    expect(first?.message.state).toBe('failed')
  })

  it('asks no other provider about a number that does not exist', async () => {
    await using app = await startSmsApp({ providers: ['twilio', 'generic'] })
    app.setFaults({ kind: 'refuse', service: 'twilio', code: '21211' })
    const phone = newPhone()

    const reply = await send(app, phone)

    expect(reply).toMatchObject(undeliverable)
    expect(app.emulator.messages()).toEqual([])
    expect(await app.storiesOf(phone)).toEqual([['queued', 'tried twilio', 'refused twilio number_invalid']])
  })

  it('skips a provider that is switched off', async () => {
    await using app = await startSmsApp({ providers: ['twilio', 'generic'] })
    const twilio = await app.app.providers.find(app.poolId, 'twilio')
    if (twilio === undefined) throw new Error('twilio is configured')
    await app.app.providers.put(app.poolId, { ...twilio, enabled: false })
    const phone = newPhone()

    await send(app, phone)

    expect(app.servicesOn(phone)).toEqual(['generic'])
  })

  it('gives up on a provider that does not answer, when its time is over', async () => {
    await using app = await startSmsApp({ settings: impatient })
    app.setFaults({ kind: 'hold' })
    const phone = newPhone()

    const reply = await send(app, phone)

    expect(reply).toMatchObject(undeliverable)
    expect((await app.storiesOf(phone))[0]?.at(-1)).toBe('refused twilio timeout')
  })

  it('calls no provider inside a transaction: others are served meanwhile (rule 23)', async () => {
    await using app = await startSmsApp()
    app.setFaults({ kind: 'hold' })
    const phone = newPhone()
    let isAnswered = false

    const reply = send(app, phone).finally(() => {
      isAnswered = true
    })
    await until('the provider is asked', async () => (await app.storiesOf(phone))[0]?.[1] === 'tried twilio')
    await app.db.transaction((tx) => tx.query(sql`lock table messages in access exclusive mode`))
    const other = await app.get('/api/v3/get-country-list')

    expect(other).toMatchObject({ statusCode: 200 })
    expect(isAnswered).toBe(false)
    app.setFaults()
    expect(await reply).toMatchObject({ statusCode: 200 })
  })
})

describe('a message that goes to known numbers only', () => {
  const told = ({ status, statusCode, apiCode, message, data }: Reply) => ({
    status,
    statusCode,
    apiCode,
    message,
    data,
  })

  it.each([
    ['does not answer yet', { kind: 'hold' }],
    ['fails', { kind: 'http_500' }],
  ] satisfies [string, Fault][])(
    'does not show by its reply whether there is one, though the provider %s (rule 10)',
    async (_, fault) => {
      await using app = await startSmsApp()
      const alice = await app.signUp()
      await send(app, alice.phone, 'CHANNEL_BIND_PHONE')
      await alice.bindPhone(app.codeOn(alice.phone))
      await app.emulator.settle()
      const stranger = newPhone()
      app.setFaults(fault)

      const known = await send(app, alice.phone, 'CHANNEL_RESET_PASSWORD')
      const onPhone = app.textsOn(alice.phone).length
      const unknown = await send(app, stranger, 'CHANNEL_RESET_PASSWORD')

      expect(told(known)).toEqual(told(unknown))
      expect(known).toMatchObject({ statusCode: 200 })
      // Only the code for binding: the reply did not wait for the provider.
      expect(onPhone).toBe(1)
      if (fault.kind === 'hold') app.setFaults()
      await until(
        'the provider has answered',
        async () => (await app.storiesOf(alice.phone))[1]?.[2] !== undefined,
      )
      expect(await app.storiesOf(stranger)).toEqual([])
      expect(app.textsOn(stranger)).toEqual([])
      expect(app.textsOn(alice.phone)).toHaveLength(fault.kind === 'hold' ? 2 : 1)
      // What became of it changes nothing of what the next request meets.
      const again = {
        known: await send(app, alice.phone, 'CHANNEL_RESET_PASSWORD'),
        unknown: await send(app, stranger, 'CHANNEL_RESET_PASSWORD'),
      }
      expect(again.known).toMatchObject({ statusCode: 429, apiCode: 8800007 })
      expect(again.unknown).toMatchObject({ statusCode: 429, apiCode: 8800007 })
    },
  )

  it('leaves as much of the budget whether there is one or not, though no provider takes it (rule 10)', async () => {
    await using app = await startSmsApp({
      policy: { budget: { currency: 'USD', perHour: '10', perDay: '10', assumedPrice: '0.05' } },
    })
    const alice = await app.signUp()
    await send(app, alice.phone, 'CHANNEL_BIND_PHONE')
    await alice.bindPhone(app.codeOn(alice.phone))
    const usedMicros = async () => (await app.app.guard.spending(app.poolId)).hour.usedMicros
    app.setFaults({ kind: 'http_500' })
    const before = await usedMicros()

    await send(app, alice.phone, 'CHANNEL_RESET_PASSWORD')
    await until(
      'the message failed',
      async () => (await app.messagesTo(alice.phone))[1]?.message.state === 'failed',
    )
    const ofKnown = (await usedMicros()) - before
    await send(app, newPhone(), 'CHANNEL_RESET_PASSWORD')
    const ofUnknown = (await usedMicros()) - before - ofKnown

    expect([ofKnown, ofUnknown]).toEqual([50_000, 50_000])
  })
})

describe('a message whose process does not go on', () => {
  it.each([
    ['once to a provider that knows idempotency keys', 'generic', 1, ['accepted']],
    ['at least once to another one', 'twilio', 2, ['unknown', 'accepted']],
  ] as const)('is sent %s, by one process of several', async (_, provider, times, states) => {
    await using app = await startSmsApp({ providers: [provider], receipts: false })
    const others = [await app.secondProcess(), await app.secondProcess()]
    const phone = newPhone()
    app.setFaults({ kind: 'hold', times: 1 })
    const lost = send(app, phone)
    await until('the provider is asked', async () => (await app.storiesOf(phone))[0]?.length === 2)
    for (const { app: other } of others) await other.work()
    const duringLease = await app.storiesOf(phone)
    app.clock.advance(31)

    await Promise.all(others.map(({ app: other }) => other.work()))
    const takenOver = await app.messagesTo(phone)
    app.setFaults()
    await lost

    expect(duringLease).toEqual([['queued', `tried ${provider}`]])
    expect(takenOver[0]?.message.state).toBe('accepted')
    expect(takenOver[0]?.attempts.map(({ state }) => state)).toEqual(states)
    expect(app.textsOn(phone)).toHaveLength(times)
    expect(new Set(app.textsOn(phone))).toHaveLength(1)
  })

  it('stays delivered when the answer to the process before comes at last (rule 24)', async () => {
    await using app = await startSmsApp({ providers: ['generic'] })
    const second = await app.secondProcess()
    const [answer, letAnswer] = held()
    await using gateway = await startGateway(({ id }) => (id === 'id-0' ? answer : Promise.resolve()))
    await app.setProvider('generic', 'generic', gateway.settings)
    const phone = newPhone()
    const lost = send(app, phone)
    await until('the provider is asked', async () => gateway.sends.length === 1)
    app.clock.advance(31)
    await second.app.work()
    for (const sent of gateway.sends.slice(1)) await report(sent, 'delivered')

    letAnswer()
    const reply = await lost

    expect(reply).toMatchObject({ statusCode: 200 })
    const [timeline] = await app.messagesTo(phone)
    expect(timeline?.message.state).toBe('delivered')
    expect(timeline?.attempts.map(({ state }) => state)).toEqual(['delivered'])
  })

  it('is not sent again when its code has expired meanwhile', async () => {
    await using app = await startSmsApp()
    const second = await app.secondProcess()
    const phone = newPhone()
    app.setFaults({ kind: 'hold', times: 1 })
    const lost = send(app, phone)
    await until('the provider is asked', async () => (await app.storiesOf(phone))[0]?.length === 2)
    app.clock.advance(301)

    await second.app.work()
    const [left] = await app.messagesTo(phone)
    app.setFaults()
    await lost

    expect(left?.message.state).toBe('failed')
    expect(left?.attempts).toHaveLength(1)
  })
})
