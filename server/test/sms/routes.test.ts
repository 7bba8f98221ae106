import { describe, expect, it } from 'vitest'
import { apiCodes } from '../../src/api-codes.ts'
import { newPhone, type Reply, startTestApp } from '../support/app.ts'
import { type SmsApp, startSmsApp } from '../support/sms.ts'

const send = (
  app: Pick<SmsApp, 'sendSms'>,
  phone: string,
  phoneCountryCode: string,
  channel = 'CHANNEL_REGISTER',
): Promise<Reply> => app.sendSms(channel, phone, { phoneCountryCode })

/** A guard that never asks for a captcha, so that codes may go unread. */
const patient = { conversion: { challengeBelow: 0, blockBelow: 0 } }

const germanPhone = (index: number): string => `15123${String(100_000 + index)}`

describe('the route of a number', () => {
  it('is the first that serves its prefix, its calling code or its region', async () => {
    await using app = await startSmsApp({
      providers: ['twilio', 'generic', 'sns', 'vonage'],
      routes: [
        { name: 'a range', serves: { prefixes: ['+4474001'] }, steps: [{ provider: 'generic' }] },
        { name: 'calling code', serves: { callingCodes: ['+44'] }, steps: [{ provider: 'sns' }] },
        { name: 'regions', serves: { regions: ['DE', 'GB', 'CA'] }, steps: [{ provider: 'vonage' }] },
        { name: 'all others', serves: {}, steps: [{ provider: 'twilio' }] },
        { name: 'never', serves: { regions: ['FR'] }, steps: [{ provider: 'sns' }] },
      ],
    })
    const numbers = [
      ['+44', '7400123456', 'generic'],
      ['+44', '7400223456', 'sns'],
      ['+49', '15123456789', 'vonage'],
      ['+1', '5062345678', 'vonage'],
      ['+1', '2015550123', 'twilio'],
      ['+33', '612345678', 'twilio'],
    ] as const

    for (const [code, phone] of numbers)
      expect(await send(app, phone, code)).toMatchObject({ statusCode: 200 })

    const services = numbers.map(([code, phone]) => [code, phone, ...app.servicesOn(`${code}${phone}`)])
    expect(services).toEqual(numbers)
  })

  it('is one that there is: a number without one is refused, and nothing is counted (rule 21)', async () => {
    await using app = await startSmsApp({
      settings: { DIALTONE_MESSAGES_PER_IP_HOUR: '1', DIALTONE_MESSAGES_PER_RECIPIENT_DAY: '1' },
      routes: [{ name: 'China', serves: { regions: ['CN'] }, steps: [{ provider: 'twilio' }] }],
    })

    const abroad = [await send(app, '7400123456', '+44'), await send(app, '7400123456', '+44')]
    const served = await send(app, newPhone(), '+86')

    for (const reply of abroad)
      expect(reply).toMatchObject({
        statusCode: 422,
        apiCode: apiCodes.international_sms_not_configured.apiCode,
      })
    expect(served).toMatchObject({ statusCode: 200 })
    expect(app.emulator.messages()).toHaveLength(1)
    expect(await app.storiesOf('+447400123456')).toEqual([])
  })

  it('leads to the inbox until an administrator says otherwise, and where a route says so', async () => {
    await using fresh = await startTestApp()
    const phone = newPhone()
    await fresh.sendSms('CHANNEL_REGISTER', phone)
    expect(await fresh.readInbox(`+86${phone}`)).toHaveLength(1)
    await using app = await startSmsApp({
      routes: [
        { name: 'trial', serves: { regions: ['US'] }, steps: [{ provider: 'inbox' }] },
        { name: 'all', serves: {}, steps: [{ provider: 'twilio' }] },
      ],
    })

    await send(app, '2015550123', '+1')
    await send(app, '7400123456', '+44')

    expect((await app.readInbox('+12015550123')).map(({ to }) => to)).toEqual(['+12015550123'])
    expect(app.emulator.messages().map(({ to }) => to)).toEqual(['+447400123456'])
  })

  it('names the sender and the approved template of a country', async () => {
    await using app = await startSmsApp({
      providers: ['twilio', 'tencent'],
      accounts: {
        tencent: {
          secretId: 'AKIDEmulator',
          secretKey: 'tencent-emulator-secret',
          sdkAppId: '1400000001',
          signNames: ['Dialtone', '演示'],
          templates: { '100001': 'Your code is {1}. It is valid for {2} minutes.', '100002': '验证码 {1}' },
        },
      },
      routes: [
        { name: 'GB', serves: { regions: ['GB'] }, steps: [{ provider: 'twilio', from: 'Acme' }] },
        {
          name: 'CN',
          serves: { regions: ['CN'] },
          steps: [{ provider: 'tencent', from: '演示', templateId: '100002', templateParameters: ['code'] }],
        },
      ],
    })
    const phone = newPhone()

    await send(app, '7400123456', '+44')
    await send(app, phone, '+86')

    expect(app.emulator.messages('+447400123456')[0]?.from).toBe('Acme')
    expect(app.textsOn(phone)[0]).toMatch(/^【演示】验证码 \d{6}$/)
  })
})

describe('the steps of a route', () => {
  it('share the messages as their shares say, and a step without one only follows', async () => {
    await using app = await startSmsApp({
      providers: ['twilio', 'generic', 'sns'],
      routes: [
        {
          name: 'all',
          serves: {},
          order: 'share',
          steps: [{ provider: 'twilio', share: 30 }, { provider: 'generic', share: 10 }, { provider: 'sns' }],
        },
      ],
    })
    const { routing } = app.app
    const phone = '+4915123456789' as Parameters<typeof routing.order>[2]
    const route = await routing.routeOf(app.poolId, phone)
    const first = { twilio: 0, generic: 0, sns: 0 } as Record<string, number>

    for (let drawn = 0; drawn < 2000; drawn += 1) {
      const [step] = await routing.order(app.poolId, route, phone, [])
      first[step?.provider ?? ''] = (first[step?.provider ?? ''] ?? 0) + 1
    }

    // 1500 are expected, and ten standard deviations are 194.
    expect(first['twilio']).toBeGreaterThan(1500 - 194)
    expect(first['twilio']).toBeLessThan(1500 + 194)
    expect(first['sns']).toBe(0)
    expect((first['twilio'] ?? 0) + (first['generic'] ?? 0)).toBe(2000)
  })

  it('are learned from the codes that come back, for each region by itself; at one rate the cheaper goes first', async () => {
    await using app = await startSmsApp({
      providers: ['generic', 'twilio'],
      policy: patient,
      routes: [
        {
          name: 'all',
          serves: {},
          order: 'learned',
          steps: [
            { provider: 'twilio', price: '0.02' },
            { provider: 'generic', price: '0.01' },
          ],
        },
      ],
    })
    app.setFaults({ kind: 'drop', service: 'generic' })
    for (let index = 0; index < 8; index += 1) await send(app, germanPhone(index), '+49')
    const before = app.emulator.messages()
    app.clock.advance(91)
    await app.app.work()
    app.setFaults()

    await send(app, germanPhone(500), '+49')
    await send(app, '7400123456', '+44')

    expect(before).toEqual([])
    expect(app.servicesOn(`+49${germanPhone(500)}`)).toEqual(['twilio'])
    expect(app.servicesOn('+447400123456')).toEqual(['generic'])
  })

  it('learn their order among those of one channel: nobody is called first, however cheap a call is', async () => {
    await using app = await startSmsApp({
      providers: ['twilio', 'sns'],
      routes: [
        {
          name: 'all',
          serves: {},
          order: 'learned',
          steps: [
            { provider: 'twilio', price: '0.0835' },
            { provider: 'twilio', channel: 'voice', price: '0.04' },
            { provider: 'sns', price: '0.0732' },
          ],
        },
      ],
    })
    app.setFaults({ kind: 'http_500', service: 'sns' })

    await send(app, germanPhone(1), '+49')

    const [story] = await app.storiesOf(`+49${germanPhone(1)}`)
    expect(story?.slice(1, 5)).toEqual([
      'tried sns',
      'refused sns provider_fault',
      'tried twilio',
      'accepted twilio',
    ])
    expect(app.emulator.messages(`+49${germanPhone(1)}`).map(({ channel }) => channel)).toEqual(['sms'])
  })

  it('count as dear as the budget assumes, where they name no price', async () => {
    await using app = await startSmsApp({
      providers: ['generic', 'twilio'],
      policy: { budget: { currency: 'USD', perHour: '100', perDay: '100', assumedPrice: '0.05' } },
      routes: [
        {
          name: 'all',
          serves: {},
          order: 'learned',
          steps: [{ provider: 'generic' }, { provider: 'twilio', price: '0.02' }],
        },
      ],
    })

    await send(app, germanPhone(1), '+49')

    expect(app.servicesOn(`+49${germanPhone(1)}`)).toEqual(['twilio'])
  })

  it('change places back when codes come back again', async () => {
    await using app = await startSmsApp({
      providers: ['generic', 'twilio'],
      policy: patient,
      routes: [
        {
          name: 'all',
          serves: {},
          order: 'learned',
          steps: [{ provider: 'generic' }, { provider: 'twilio' }],
        },
      ],
    })
    for (let index = 0; index < 6; index += 1) await send(app, germanPhone(index), '+49')
    app.clock.advance(91)
    await app.app.work()
    await send(app, germanPhone(500), '+49')

    for (let index = 0; index < 6; index += 1) {
      const phone = germanPhone(index)
      await app.post('/api/v3/signup', {
        connection: 'PASSCODE',
        passCodePayload: { phone, phoneCountryCode: '+49', passCode: app.codeOn(`+49${phone}`) },
      })
    }
    await send(app, germanPhone(501), '+49')

    expect(app.servicesOn(`+49${germanPhone(500)}`)).toEqual(['twilio'])
    expect(app.servicesOn(`+49${germanPhone(501)}`)).toEqual(['generic'])
  })
})

describe('a resend', () => {
  it.each([
    ['goes to the next provider when there is no sign that the first one delivered', 'drop', 'tencent'],
    ['goes to the next provider when the first one reports a failure', 'fail', 'tencent'],
    ['goes to the same provider when that one has delivered', 'duplicate', 'twilio'],
  ] as const)('%s, and carries the same code (rule 4)', async (_, kind, next) => {
    await using app = await startSmsApp({ providers: ['twilio', 'tencent'] })
    const phone = newPhone()
    app.setFaults({ kind, service: 'twilio', times: 1 })
    await send(app, phone, '+86')
    await app.emulator.settle()
    const codes = app.textsOn(phone).map(() => app.codeOn(phone))
    app.clock.advance(61)

    await send(app, phone, '+86')

    expect(app.servicesOn(phone).at(-1)).toBe(next)
    expect(new Set([...codes, app.codeOn(phone)])).toHaveLength(1)
    const messages = await app.messagesTo(phone)
    expect(messages.map(({ message }) => message.provider)).toEqual(['twilio', next])
  })
})
