import { describe, expect, it } from 'vitest'
import { createKeyring } from '../../src/core/crypto.ts'
import { sql } from '../../src/core/database.ts'
import { Secret } from '../../src/core/secret.ts'
import { defaultPolicy, type GuardPolicy } from '../../src/guard/guard.ts'
import type { Reply } from '../support/app.ts'
import { tally } from '../support/replies.ts'
import { testSettings } from '../support/settings.ts'
import { type SmsApp, startSmsApp } from '../support/sms.ts'

/** Mobile numbers of one range of 10,000, in the United Kingdom. */
const britishPhone = (index: number): string => `7400${String(100_000 + index)}`

/** Of as many operators as there are numbers: each begins with other three digits. */
const scatteredPhone = (index: number): string => `7${400 + index}100000`.slice(0, 10)

const send = (app: Pick<SmsApp, 'post'>, phoneNumber: string, more: object = {}): Promise<Reply> =>
  app.post('/api/v3/send-sms', {
    channel: 'CHANNEL_REGISTER',
    phoneNumber,
    phoneCountryCode: '+44',
    ...more,
  })

/** Time in which a code could have come back. */
const waitForCodes = async (app: SmsApp): Promise<void> => {
  app.clock.advance(91)
  await app.app.work()
}

const sendAll = async (app: SmsApp, phones: readonly string[]): Promise<Reply[]> => {
  const replies: Reply[] = []
  for (const phone of phones) replies.push(await send(app, phone))
  await waitForCodes(app)
  return replies
}

const phonesOf = (count: number, phoneAt: (index: number) => string, from = 0): string[] =>
  Array.from({ length: count }, (_, index) => phoneAt(from + index))

/** What a person reads from the picture. */
const solveCaptcha = async (app: SmsApp) => {
  const { data } = await app.get('/api/v3/get-captcha-code')
  const keyring = createKeyring([new Secret(testSettings.DIALTONE_MASTER_KEY)])
  const [, captchaCode] = JSON.parse(keyring.unseal(data.captchaToken, `captcha ${app.poolId}`))
  return { captchaToken: data.captchaToken as string, captchaCode: captchaCode as string }
}

const typeCode = (app: SmsApp, phone: string): Promise<Reply> =>
  app.post('/api/v3/signup', {
    connection: 'PASSCODE',
    passCodePayload: { phone, phoneCountryCode: '+44', passCode: app.codeOn(`+44${phone}`) },
  })

/** How many numbers a service was paid to look up. */
const lookupsOf = async (app: SmsApp): Promise<number> => {
  const [row] = await app.db.query<{ asked: string | number }>(
    sql`select count(*) as asked from line_lookups`,
  )
  return Number(row?.asked)
}

const eventsOf = (app: SmsApp, type: string) =>
  app.db.query<{ detail: object }>(sql`select detail from audit_events where type = ${type}`)

describe('where codes do not come back, the guard (rule 22)', () => {
  it('asks for a captcha, and sends to who solves it', async () => {
    await using app = await startSmsApp()
    const before = await sendAll(app, phonesOf(11, britishPhone))

    const challenged = await send(app, britishPhone(500))
    const wrong = await send(app, britishPhone(500), { ...(await solveCaptcha(app)), captchaCode: 'XXXX' })
    const solved = await send(app, britishPhone(500), await solveCaptcha(app))

    expect(tally(before)).toEqual({ 200: 11 })
    expect(challenged).toMatchObject({ status: 200, statusCode: 403, apiCode: 2000 })
    expect(wrong).toMatchObject({ statusCode: 403, apiCode: 2000 })
    expect(solved).toMatchObject({ statusCode: 200 })
    expect(app.emulator.messages('+447400100500')).toHaveLength(1)
  })

  it('counts nothing for a request that it challenges', async () => {
    await using app = await startSmsApp()
    await sendAll(app, phonesOf(11, britishPhone))

    const challenged = await send(app, britishPhone(500))
    const again = await send(app, britishPhone(500))

    expect([challenged.apiCode, again.apiCode]).toEqual([2000, 2000])
  })

  it('blocks the range when captchas are solved and still no code comes back, and lets go with time', async () => {
    await using app = await startSmsApp()
    await sendAll(app, phonesOf(11, britishPhone))
    for (const phone of phonesOf(30, britishPhone, 11)) await send(app, phone, await solveCaptcha(app))
    await waitForCodes(app)

    const blocked = await send(app, britishPhone(500), await solveCaptcha(app))
    app.clock.advance(12 * 3600)
    const challenged = await send(app, britishPhone(500))
    app.clock.advance(24 * 3600)
    const open = await send(app, britishPhone(500))

    expect(blocked).toMatchObject({ status: 200, statusCode: 403, apiCode: 8800005 })
    expect(challenged).toMatchObject({ apiCode: 2000 })
    expect(open).toMatchObject({ statusCode: 200 })
  })

  it('challenges a country that is attacked everywhere, but never blocks it', async () => {
    await using app = await startSmsApp({ settings: { DIALTONE_CAPTCHAS_PER_IP_HOUR: '1000' } })
    await sendAll(app, phonesOf(11, scatteredPhone))
    for (const phone of phonesOf(60, scatteredPhone, 11)) await send(app, phone, await solveCaptcha(app))
    await waitForCodes(app)

    const challenged = await send(app, scatteredPhone(90))
    const solved = await send(app, scatteredPhone(90), await solveCaptcha(app))

    expect(challenged).toMatchObject({ apiCode: 2000 })
    expect(solved).toMatchObject({ statusCode: 200 })
  })

  it('disturbs nobody while codes come back, and does not count codes that had no time to', async () => {
    await using app = await startSmsApp()
    for (const phone of phonesOf(20, britishPhone)) {
      await send(app, phone)
      await typeCode(app, phone)
    }
    const burst = []
    for (const phone of phonesOf(40, britishPhone, 20)) burst.push(await send(app, phone))
    await app.app.work()

    const next = await send(app, britishPhone(500))

    expect(tally(burst)).toEqual({ 200: 40 })
    expect(next).toMatchObject({ statusCode: 200 })
  })

  it('counts for the provider whose message was read, not for the one that dropped it', async () => {
    await using app = await startSmsApp({ providers: ['twilio', 'generic'] })
    app.emulator.setFaults([{ kind: 'drop', service: 'twilio' }])
    await send(app, britishPhone(1))
    app.clock.advance(61)
    await send(app, britishPhone(1))
    await app.emulator.settle()

    await typeCode(app, britishPhone(1))

    const rows = await app.db.query<{ key: string }>(
      sql`select key from conversions where key like 'provider:%' and verified > 0`,
    )
    expect(rows.map(({ key }) => key)).toEqual(['provider:generic:GB'])
  })

  it('counts every message once, however many processes work', async () => {
    await using app = await startSmsApp()
    for (const phone of phonesOf(10, britishPhone)) await send(app, phone)
    app.clock.advance(91)

    await Promise.all([app.app.work(), app.app.work(), app.app.work()])

    const [row] = await app.db.query<{ sent: number }>(
      sql`select sum(sent) as sent from conversions where key = 'region:GB'`,
    )
    expect(Number(row?.sent)).toBeCloseTo(10, 1)
  })

  it('only notes what it would have done where it observes', async () => {
    await using app = await startSmsApp({ policy: { mode: 'observe' } })
    await sendAll(app, phonesOf(45, britishPhone))

    const next = await send(app, britishPhone(500))

    expect(next).toMatchObject({ statusCode: 200 })
    const [message] = await app.db.query(
      sql`select guard_note from messages where recipient = '+447400100500'`,
    )
    expect(message).toEqual({ guard_note: 'blocked' })
  })

  it('says the same for a number that somebody has and one that nobody has (rule 10)', async () => {
    await using app = await startSmsApp()
    await send(app, britishPhone(1))
    await typeCode(app, britishPhone(1))
    await sendAll(app, phonesOf(30, britishPhone, 10))
    const signIn = { channel: 'CHANNEL_RESET_PASSWORD' }

    const known = await send(app, britishPhone(1), signIn)
    const unknown = await send(app, britishPhone(500), signIn)

    expect(known.apiCode).toBe(2000)
    expect({ ...unknown, requestId: '', headers: '' }).toEqual({ ...known, requestId: '', headers: '' })
  })
})

describe('the guard’s limits (rule 20)', () => {
  it.each([
    ['a network of addresses', 'DIALTONE_MESSAGES_PER_NETWORK_HOUR'],
    ['a range of 10,000 numbers', 'DIALTONE_MESSAGES_PER_PREFIX_HOUR'],
    ['a country', 'DIALTONE_MESSAGES_PER_REGION_HOUR'],
    ['the pool', 'DIALTONE_MESSAGES_PER_POOL_HOUR'],
  ])('hold for %s, in all processes together', async (_what, setting) => {
    await using app = await startSmsApp({ settings: { [setting]: '3' } })
    const second = await app.secondProcess()
    for (const phone of phonesOf(3, britishPhone)) await send(app, phone)

    const refused = await send(second, britishPhone(500))
    app.clock.advance(3600)
    const later = await send(second, britishPhone(500))

    expect(refused).toMatchObject({ status: 200, statusCode: 429, apiCode: 8800008 })
    expect(refused.data.retryAfterSeconds).toBeGreaterThan(3500)
    expect(later).toMatchObject({ statusCode: 200 })
  })

  it('count apart for another network, range and country', async () => {
    await using app = await startSmsApp({
      settings: {
        DIALTONE_TRUSTED_PROXIES: '127.0.0.1',
        DIALTONE_MESSAGES_PER_NETWORK_HOUR: '1',
        DIALTONE_MESSAGES_PER_PREFIX_HOUR: '1',
        DIALTONE_MESSAGES_PER_REGION_HOUR: '1',
      },
    })
    const from = (ip: string) => ({ headers: { 'x-forwarded-for': ip } })
    await app.sendSms('CHANNEL_REGISTER', '+447400100000', from('192.0.2.1'))

    const sameNetwork = await app.sendSms('CHANNEL_REGISTER', '+33612345678', from('192.0.2.200'))
    const other = await app.sendSms('CHANNEL_REGISTER', '+33612345678', from('192.0.3.1'))
    const sixth = await app.sendSms('CHANNEL_REGISTER', '+4915123456789', from('2001:db8:1:1::1'))
    const sameSixth = await app.sendSms('CHANNEL_REGISTER', '+393201234567', from('2001:db8:1:ffff::1'))

    expect([sameNetwork.apiCode, other.statusCode, sixth.statusCode, sameSixth.apiCode]).toEqual([
      8800008, 200, 200, 8800008,
    ])
  })

  it('can be set for one country in the policy', async () => {
    await using app = await startSmsApp({ policy: { regionMessagesPerHour: { GB: 1 } } })
    await send(app, britishPhone(1))

    const refused = await send(app, britishPhone(2))
    const elsewhere = await app.sendSms('CHANNEL_REGISTER', '+33612345678')

    expect(refused).toMatchObject({ apiCode: 8800008 })
    expect(elsewhere).toMatchObject({ statusCode: 200 })
  })

  it('let nothing through where they are zero', async () => {
    await using app = await startSmsApp({ policy: { regionMessagesPerHour: { GB: 0 } } })

    const first = await send(app, britishPhone(1))

    expect(first).toMatchObject({ apiCode: 8800008, data: { retryAfterSeconds: 3600 } })
  })

  it('let no two requests at once take the last unit', async () => {
    await using app = await startSmsApp({ settings: { DIALTONE_MESSAGES_PER_PREFIX_HOUR: '5' } })

    const replies = await Promise.all(phonesOf(20, britishPhone).map((phone) => send(app, phone)))

    expect(tally(replies)).toEqual({ 200: 5, 8800008: 15 })
  })
})

describe('the budget', () => {
  const price = [{ name: 'all', serves: {}, steps: [{ provider: 'twilio', price: '0.10' }] }]
  const budget = { currency: 'USD', perHour: '0.35', perDay: '0.60', assumedPrice: '0.05' }

  it('stops everything that costs money when the hour’s or the day’s is spent, with one alarm each (rule 22)', async () => {
    await using app = await startSmsApp({ routes: price, policy: { budget } })
    const second = await app.secondProcess()
    const firstHour = await sendAll(app, phonesOf(3, scatteredPhone))
    const spent = [await send(app, scatteredPhone(10)), await send(second, scatteredPhone(11))]
    app.clock.advance(3600)
    const secondHour = await sendAll(app, phonesOf(3, scatteredPhone, 20))
    app.clock.advance(3600)

    const day = await send(app, scatteredPhone(30))

    expect(tally(firstHour)).toEqual({ 200: 3 })
    expect(tally(spent)).toEqual({ 8800008: 2 })
    expect(tally(secondHour)).toEqual({ 200: 3 })
    expect(day).toMatchObject({ statusCode: 429, apiCode: 8800008 })
    expect(day.data.retryAfterSeconds).toBeGreaterThan(70_000)
    expect((await eventsOf(app, 'sms_budget.exhausted')).map(({ detail }) => detail)).toEqual([
      { window: 'perHour', limit: '0.35', currency: 'USD' },
      { window: 'perDay', limit: '0.60', currency: 'USD' },
    ])
  })

  it('lets no message through that costs more than all of it', async () => {
    await using app = await startSmsApp({ routes: price, policy: { budget: { ...budget, perHour: '0.09' } } })

    const refused = await send(app, britishPhone(1))

    expect(refused).toMatchObject({ apiCode: 8800008 })
    expect(app.emulator.messages()).toEqual([])
  })

  it('pays each segment of a long text, and the assumed price where a route names none', async () => {
    await using app = await startSmsApp({ policy: { budget: { ...budget, perHour: '0.12' } } })
    const words = `{{code}} ${'word '.repeat(40)}`
    await app.app.templates.put(app.poolId, {
      channel: 'sms',
      locale: 'en-US',
      region: '',
      purpose: '',
      text: words,
    })

    const first = await send(app, britishPhone(1))
    const second = await send(app, britishPhone(2))

    expect(first).toMatchObject({ statusCode: 200 })
    expect(second).toMatchObject({ apiCode: 8800008 })
  })

  it('sounds the alarm and goes on sending where the guard observes', async () => {
    await using app = await startSmsApp({ routes: price, policy: { budget, mode: 'observe' } })

    const replies = await sendAll(app, phonesOf(6, scatteredPhone))

    expect(tally(replies)).toEqual({ 200: 6 })
    expect(await eventsOf(app, 'sms_budget.exhausted')).toHaveLength(1)
  })
})

describe('the guard’s policy', () => {
  it('refuses countries that it leaves out or denies (rule 21)', async () => {
    await using app = await startSmsApp({ policy: { allowedRegions: ['GB', 'FR'], deniedRegions: ['FR'] } })

    const allowed = await send(app, britishPhone(1))
    const denied = await app.sendSms('CHANNEL_REGISTER', '+33612345678')
    const leftOut = await app.sendSms('CHANNEL_REGISTER', '+4915123456789')

    expect(allowed).toMatchObject({ statusCode: 200 })
    expect([denied, leftOut].map(({ statusCode, apiCode }) => [statusCode, apiCode])).toEqual([
      [403, 8800005],
      [403, 8800005],
    ])
  })

  it.each([
    ['a landline', '+442079460018'],
    ['a premium number', '+449012345678'],
    ['a shared-cost number', '+448431234567'],
  ])('refuses %s by default', async (_what, phone) => {
    await using app = await startSmsApp()

    const refused = await app.sendSms('CHANNEL_REGISTER', phone)

    expect(refused).toMatchObject({ status: 200, statusCode: 422, apiCode: 8800004 })
    expect(app.emulator.messages()).toEqual([])
  })

  it('sends to a landline where the pool allows it', async () => {
    await using app = await startSmsApp({ policy: { refusedNumberTypes: [] } })

    const sent = await app.sendSms('CHANNEL_REGISTER', '+442079460018')

    expect(sent).toMatchObject({ statusCode: 200 })
  })

  it('counts and refuses nothing where it is off', async () => {
    await using app = await startSmsApp({
      settings: { DIALTONE_MESSAGES_PER_PREFIX_HOUR: '1' },
      policy: { mode: 'off', deniedRegions: ['GB'] },
    })

    const replies = await sendAll(app, phonesOf(3, britishPhone))

    expect(tally(replies)).toEqual({ 200: 3 })
  })
})

describe('a guard that observes', () => {
  const lookup = { provider: 'twilio', refusedLineTypes: ['nonFixedVoip'], refuseSimSwappedHours: 72 }

  it.each([
    ['region_not_allowed', { deniedRegions: ['GB'] }, '+447400100001'],
    ['phone_type_not_allowed', {}, '+442079460018'],
    ['phone_type_not_allowed', { lookup }, '+447400109901'],
    ['sim_swapped', { lookup }, '+447400109904'],
  ] satisfies [string, Partial<GuardPolicy>, string][])(
    'sends all the same, and notes %s on the message (policy %o)',
    async (note, policy, phone) => {
      await using app = await startSmsApp({ policy: { mode: 'observe', ...policy } })

      const sent = await app.sendSms('CHANNEL_REGISTER', phone)

      expect(sent).toMatchObject({ statusCode: 200 })
      expect(app.textsOn(phone)).toHaveLength(1)
      const [timeline] = await app.messagesTo(phone)
      expect(timeline?.message.guard_note).toBe(note)
    },
  )

  it('does not say in its alarm that nothing is sent', async () => {
    const budget = { currency: 'USD', perHour: '0', perDay: '0', assumedPrice: '0.05' }
    await using app = await startSmsApp({ policy: { mode: 'observe', budget } })

    const sent = await send(app, britishPhone(1))

    expect(sent).toMatchObject({ statusCode: 200 })
    const alarms = app.lines.filter((line) => line.includes('the SMS budget is spent'))
    expect(alarms).toHaveLength(2)
    for (const alarm of alarms) expect(alarm).toContain('messages go on, because the guard only observes')
  })
})

describe('a lookup service', () => {
  const lookup = { provider: 'twilio', refusedLineTypes: ['nonFixedVoip'], refuseSimSwappedHours: 72 }

  it('refuses lines of a kind that the policy names, and SIMs that were swapped', async () => {
    await using app = await startSmsApp({ policy: { lookup } })

    const voip = await send(app, '7400109901')
    const swapped = await send(app, '7400109904')
    const mobile = await send(app, '7400100001')

    expect([voip, swapped, mobile].map(({ statusCode, apiCode }) => [statusCode, apiCode])).toEqual([
      [422, 8800004],
      [403, 8800016],
      [200, undefined],
    ])
  })

  it('keeps of a number its keyed fingerprint alone (rule 12)', async () => {
    await using app = await startSmsApp({ policy: { lookup } })

    await send(app, '7400109901')

    const rows = await app.db.query(sql`select * from line_lookups`)
    expect(rows).toHaveLength(1)
    expect(JSON.stringify(rows)).not.toContain('7400109901')
  })

  it('is not asked more often than its limit: each question costs money', async () => {
    await using app = await startSmsApp({
      settings: { DIALTONE_LOOKUPS_PER_IP_HOUR: '2' },
      policy: { lookup },
    })
    for (const phone of phonesOf(2, britishPhone)) await send(app, phone)

    const unasked = await send(app, '7400109901')
    const known = await send(app, britishPhone(0), { channel: 'CHANNEL_BIND_PHONE' })

    expect([unasked.statusCode, known.statusCode]).toEqual([200, 200])
    expect(await lookupsOf(app)).toBe(2)
    expect(app.lines.filter((line) => line.includes('the limit of lookups is spent'))).toHaveLength(1)
  })

  it('is not asked about a number that the guard stops for another reason', async () => {
    await using app = await startSmsApp({
      policy: { lookup, budget: { currency: 'USD', perHour: '0', perDay: '0', assumedPrice: '0.05' } },
    })

    const replies = [await send(app, britishPhone(1)), await send(app, '7400109901')]

    expect(tally(replies)).toEqual({ 8800008: 2 })
    expect(await lookupsOf(app)).toBe(0)
  })

  it('is not asked for a number of which few codes come back, until a captcha is solved', async () => {
    await using app = await startSmsApp()
    await sendAll(app, phonesOf(11, britishPhone))
    await app.app.guard.putPolicy(app.poolId, { ...defaultPolicy, lookup })

    const challenged = await send(app, '7400109901')
    const asked = await lookupsOf(app)
    const solved = await send(app, '7400109901', await solveCaptcha(app))

    expect(challenged).toMatchObject({ apiCode: 2000 })
    expect(asked).toBe(0)
    expect(solved).toMatchObject({ apiCode: 8800004 })
  })

  it('is asked for nothing that the policy does not use', async () => {
    const nothing = { ...lookup, refusedLineTypes: [], refuseSimSwappedHours: 0 }
    await using app = await startSmsApp({ policy: { lookup: nothing } })

    await send(app, '7400109901')
    const before = await lookupsOf(app)
    await app.app.guard.putPolicy(app.poolId, {
      ...defaultPolicy,
      lookup: { ...nothing, refuseSimSwappedHours: 72 },
    })
    await send(app, '7400109904')

    expect(before).toBe(0)
    const rows = await app.db.query(sql`select line_type, sim_swapped_at from line_lookups`)
    expect(rows).toEqual([{ line_type: null, sim_swapped_at: expect.any(Date) }])
  })

  it('is asked anew for what the policy did not want before', async () => {
    await using app = await startSmsApp({ policy: { lookup: { ...lookup, refuseSimSwappedHours: 0 } } })
    const before = await send(app, '7400109904')
    await app.app.guard.putPolicy(app.poolId, { ...defaultPolicy, lookup })

    const swapped = await send(app, '7400109904', { channel: 'CHANNEL_BIND_PHONE' })

    expect(before).toMatchObject({ statusCode: 200 })
    expect(swapped).toMatchObject({ statusCode: 403, apiCode: 8800016 })
  })

  it('stops nobody when it does not answer', async () => {
    await using app = await startSmsApp({ providers: ['vonage', 'twilio'], policy: { lookup } })
    app.emulator.setFaults([{ kind: 'http_500', service: 'twilio' }])

    const sent = await send(app, '7400109901')

    expect(sent).toMatchObject({ statusCode: 200 })
  })
})
