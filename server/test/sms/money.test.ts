// What a message takes of the budget, whichever step brings it: rule 22.
import { text } from 'node:stream/consumers'
import { describe, expect, it } from 'vitest'
import { createMessages } from '../../src/messages/messages.ts'
import type { Route } from '../../src/routing/routing.ts'
import { newPhone } from '../support/app.ts'
import { listenHttp } from '../support/http-server.ts'
import { closedUrl } from '../support/outgoing.ts'
import { until } from '../support/process.ts'
import { type SmsApp, startSmsApp } from '../support/sms.ts'

const impatient = { DIALTONE_PROVIDER_TIMEOUT_SECONDS: '3' }

/** A cheap message first, then a call that costs a hundred times as much. */
const smsThenCall = (first: 'twilio' | 'generic'): Route[] => [
  {
    name: 'all',
    serves: {},
    steps: [
      { provider: first, price: '0.01' },
      { provider: 'twilio', channel: 'voice', price: '1' },
    ],
  },
]

const budgetOf = (perHour: string) => ({
  budget: { currency: 'USD', perHour, perDay: perHour, assumedPrice: '0.05' },
})

const usedOf = async (app: SmsApp): Promise<{ hour: number; day: number }> => {
  const { hour, day } = await app.app.guard.spending(app.poolId)
  return { hour: hour.usedMicros / 1_000_000, day: day.usedMicros / 1_000_000 }
}

/** A gateway that takes each request whole, and then breaks the connection. */
const startHangingUp = async () => {
  const requests: string[] = []
  const server = await listenHttp(async (request) => {
    requests.push(await text(request))
    request.socket.destroy()
  })
  return { url: `${server.url}/send`, requests, [Symbol.asyncDispose]: server[Symbol.asyncDispose] }
}

const triesOf = async (app: SmsApp, phone: string): Promise<string[]> =>
  (await app.messagesTo(phone)).flatMap(({ attempts }) =>
    attempts.map(({ provider, channel }) => `${provider} ${channel}`),
  )

describe('the budget pays each try before its provider is called (rule 22), so that', () => {
  it('a resend leaves out a call that it has no room for', async () => {
    await using app = await startSmsApp({ routes: smsThenCall('twilio'), policy: budgetOf('0.10') })
    app.setFaults({ kind: 'drop', service: 'twilio' })
    const phone = newPhone()
    await app.sendSms('CHANNEL_REGISTER', phone)
    app.clock.advance(61)

    const again = await app.sendSms('CHANNEL_REGISTER', phone)

    expect(again).toMatchObject({ statusCode: 200 })
    expect(await triesOf(app, phone)).toEqual(['twilio sms', 'twilio sms'])
    expect(await usedOf(app)).toEqual({ hour: 0.02, day: 0.02 })
  })

  it('a resend by a call costs the call', async () => {
    await using app = await startSmsApp({ routes: smsThenCall('twilio'), policy: budgetOf('2') })
    app.setFaults({ kind: 'drop', service: 'twilio' })
    const phone = newPhone()
    await app.sendSms('CHANNEL_REGISTER', phone)
    app.clock.advance(61)

    await app.sendSms('CHANNEL_REGISTER', phone)

    expect(await triesOf(app, phone)).toEqual(['twilio sms', 'twilio voice'])
    expect(await usedOf(app)).toEqual({ hour: 1.01, day: 1.01 })
  })

  it('a failover leaves out a call that it has no room for, and tells of the spent budget', async () => {
    await using app = await startSmsApp({
      providers: ['generic', 'twilio'],
      routes: smsThenCall('generic'),
      policy: budgetOf('0.10'),
    })
    app.setFaults({ kind: 'http_500', service: 'generic' })
    const phone = newPhone()

    const refused = await app.sendSms('CHANNEL_REGISTER', phone)

    expect(refused).toMatchObject({ statusCode: 502, apiCode: 8800009 })
    expect(app.emulator.messages()).toEqual([])
    expect(await usedOf(app)).toEqual({ hour: 0, day: 0 })
    expect(app.lines.filter((line) => line.includes('the SMS budget is spent'))).toHaveLength(1)
  })

  it('a failover to a call costs the call alone where the message before went to nobody', async () => {
    await using app = await startSmsApp({
      providers: ['generic', 'twilio'],
      routes: smsThenCall('generic'),
      policy: budgetOf('1'),
    })
    app.setFaults({ kind: 'http_500', service: 'generic' })
    const phone = newPhone()

    const sent = await app.sendSms('CHANNEL_REGISTER', phone)
    const next = await app.sendSms('CHANNEL_REGISTER', newPhone())

    expect(sent).toMatchObject({ statusCode: 200 })
    expect(app.servicesOn(phone)).toEqual(['twilio'])
    expect(await usedOf(app)).toEqual({ hour: 1, day: 1 })
    expect(next).toMatchObject({ statusCode: 429, apiCode: 8800008 })
  })

  it.each(['learned', 'share'] as const)(
    'with order %s a step that is not the first listed costs its own price',
    async (order) => {
      const steps = [
        { provider: 'generic', price: '0.50' },
        { provider: 'twilio', price: '0.01', share: 1 },
      ]
      await using app = await startSmsApp({
        providers: ['generic', 'twilio'],
        routes: [{ name: 'all', serves: {}, order, steps }],
        policy: budgetOf('2'),
      })
      const phone = newPhone()

      await app.sendSms('CHANNEL_REGISTER', phone)

      expect(app.servicesOn(phone)).toEqual(['twilio'])
      expect(await usedOf(app)).toEqual({ hour: 0.01, day: 0.01 })
    },
  )

  it('what another process takes over is paid again, and left out where there is no room', async () => {
    await using app = await startSmsApp({ routes: smsThenCall('twilio'), policy: budgetOf('0.50') })
    const second = await app.secondProcess()
    app.setFaults({ kind: 'hold', service: 'twilio', times: 1 })
    const phone = newPhone()
    const lost = app.sendSms('CHANNEL_REGISTER', phone)
    await until('the provider is asked', async () => (await app.storiesOf(phone))[0]?.length === 2)
    app.clock.advance(31)

    await second.app.work()
    app.setFaults()
    await lost

    expect(await triesOf(app, phone)).toEqual(['twilio sms', 'twilio sms'])
    expect(await usedOf(app)).toEqual({ hour: 0.02, day: 0.02 })
  })

  it('calls go on where the guard observes, and are counted', async () => {
    await using app = await startSmsApp({
      providers: ['generic', 'twilio'],
      routes: smsThenCall('generic'),
      policy: { mode: 'observe', ...budgetOf('0.10') },
    })
    app.setFaults({ kind: 'http_500', service: 'generic' })
    const phone = newPhone()

    const sent = await app.sendSms('CHANNEL_REGISTER', phone)

    expect(sent).toMatchObject({ statusCode: 200 })
    expect(await usedOf(app)).toEqual({ hour: 1, day: 1 })
  })
})

describe('a try of which nobody knows whether it reached the phone', () => {
  const toGeneric: Route[] = [{ name: 'all', serves: {}, steps: [{ provider: 'generic', price: '0.10' }] }]

  it('keeps its price and the minute of waiting when the provider answers too late', async () => {
    await using app = await startSmsApp({
      providers: ['generic'],
      routes: toGeneric,
      policy: budgetOf('1'),
      settings: impatient,
    })
    app.setFaults({ kind: 'hold' })
    const phone = newPhone()

    const late = await app.sendSms('CHANNEL_REGISTER', phone)
    const again = await app.sendSms('CHANNEL_REGISTER', phone)

    expect(late).toMatchObject({ statusCode: 502, apiCode: 8800009 })
    expect(again).toMatchObject({ statusCode: 429, apiCode: 8800007 })
    expect(await usedOf(app)).toEqual({ hour: 0.1, day: 0.1 })
    const [timeline] = await app.messagesTo(phone)
    expect(timeline?.attempts.map(({ price_micros: micros }) => Number(micros))).toEqual([100_000])
  })

  it('keeps both when the connection breaks after the request', async () => {
    await using app = await startSmsApp({ providers: ['generic'], routes: toGeneric, policy: budgetOf('1') })
    await using gateway = await startHangingUp()
    await app.setProvider('generic', 'generic', { url: gateway.url })
    const phone = newPhone()

    const broken = await app.sendSms('CHANNEL_REGISTER', phone)
    const again = await app.sendSms('CHANNEL_REGISTER', phone)

    expect(gateway.requests).toHaveLength(1)
    expect(broken).toMatchObject({ statusCode: 502 })
    expect(again).toMatchObject({ statusCode: 429, apiCode: 8800007 })
    expect(await usedOf(app)).toEqual({ hour: 0.1, day: 0.1 })
  })

  it('stands among what was spent', async () => {
    await using app = await startSmsApp({
      providers: ['generic', 'twilio'],
      routes: [
        {
          name: 'all',
          serves: {},
          steps: [
            { provider: 'generic', price: '0.10' },
            { provider: 'twilio', price: '0.20' },
          ],
        },
      ],
      policy: budgetOf('1'),
      settings: impatient,
    })
    app.setFaults({ kind: 'hold', service: 'generic' })
    const phone = newPhone()

    await app.sendSms('CHANNEL_REGISTER', phone)

    expect(app.servicesOn(phone)).toContain('twilio')
    expect(await usedOf(app)).toEqual({ hour: 0.3, day: 0.3 })
    const spent = await createMessages({ db: app.db, clock: app.clock }).spending(app.poolId, 3600)
    expect(spent.map(({ micros }) => Number(micros))).toEqual([300_000])
  })

  it('is not one where the provider could not even be reached', async () => {
    await using app = await startSmsApp({ providers: ['generic'], routes: toGeneric, policy: budgetOf('1') })
    await app.setProvider('generic', 'generic', { url: await closedUrl() })
    const phone = newPhone()

    const replies = [
      await app.sendSms('CHANNEL_REGISTER', phone),
      await app.sendSms('CHANNEL_REGISTER', phone),
    ]

    for (const reply of replies) expect(reply).toMatchObject({ statusCode: 502 })
    expect(await usedOf(app)).toEqual({ hour: 0, day: 0 })
  })
})
