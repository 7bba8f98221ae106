import { describe, expect, it } from 'vitest'
import { sql } from '../../src/core/database.ts'
import { defaultPolicy } from '../../src/guard/guard.ts'
import { newPhone, startTestApp } from '../support/app.ts'
import { consoleOf } from '../support/console.ts'
import { startSmsApp } from '../support/sms.ts'

const path = '/console/api/sms/guard'
const testNumbers = '/console/api/sms/test-numbers'

describe('the policy of the guard', () => {
  it('is the default until it is set, and holds for the next message', async () => {
    await using app = await startSmsApp()
    const calls = await consoleOf(app)
    const before = await calls.get(path)
    expect((await app.sendSms('CHANNEL_REGISTER', newPhone())).statusCode).toBe(200)

    const put = await calls.put(path, { ...defaultPolicy, deniedRegions: ['CN'] })
    const refused = await app.sendSms('CHANNEL_REGISTER', newPhone())

    expect(before).toMatchObject({ status: 200, body: defaultPolicy })
    expect(put).toMatchObject({ status: 200, body: { ...defaultPolicy, deniedRegions: ['CN'] } })
    expect(refused).toMatchObject({ statusCode: 403, apiCode: 8800005 })
    expect((await calls.get(path)).body).toEqual(put.body)
  })

  it.each([
    {
      what: 'less for a challenge than for a block',
      given: { conversion: { challengeBelow: 0.1, blockBelow: 0.2 } },
      field: 'conversion.blockBelow',
    },
    {
      what: 'more for an hour than for a day',
      given: { budget: { ...defaultPolicy.budget, perHour: '401' } },
      field: 'budget.perHour',
    },
    {
      what: 'a lookup by nobody',
      given: { lookup: { provider: 'nobody', refusedLineTypes: [], refuseSimSwappedHours: 0 } },
      field: 'lookup.provider',
    },
    {
      what: 'an amount that is none',
      given: { budget: { ...defaultPolicy.budget, perDay: '1e3' } },
      field: 'budget.perDay',
    },
    { what: 'a field missing', given: { mode: undefined }, field: 'mode' },
    { what: 'UK in place of GB', given: { allowedRegions: ['FR', 'UK'] }, field: 'allowedRegions.1' },
    { what: 'a country that is none', given: { deniedRegions: ['ZZ'] }, field: 'deniedRegions.0' },
    { what: 'a calling code that is none', given: { deniedRegions: ['999'] }, field: 'deniedRegions.0' },
    {
      what: 'a count for a country that is none',
      given: { regionMessagesPerHour: { UK: 5 } },
      field: 'regionMessagesPerHour.UK',
    },
  ])('is refused with $what, by name', async ({ given, field }) => {
    await using app = await startTestApp()
    const calls = await consoleOf(app)

    const refused = await calls.put(path, { ...defaultPolicy, ...given })

    expect(refused.status).toBe(400)
    expect(refused.body.data.errors.map((error: { field: string }) => error.field)).toEqual([field])
    expect((await calls.get(path)).body).toEqual(defaultPolicy)
  })

  it('names countries of ISO 3166-1, and the calling code of numbers that belong to none', async () => {
    await using app = await startTestApp()
    const calls = await consoleOf(app)

    const given = {
      ...defaultPolicy,
      allowedRegions: ['GB', 'XK', '870'],
      deniedRegions: ['AQ', '1'],
      regionMessagesPerHour: { CN: 50_000 },
    }
    const put = await calls.put(path, given)

    expect(put).toMatchObject({ status: 200, body: given })
  })

  it('keeps the provider that it asks about numbers from being removed', async () => {
    await using app = await startSmsApp({ routes: [] })
    const calls = await consoleOf(app)
    const lookup = { provider: 'twilio', refusedLineTypes: ['nonFixedVoip'], refuseSimSwappedHours: 72 }

    const put = await calls.put(path, { ...defaultPolicy, lookup })
    const removed = await calls.delete('/console/api/sms/providers/twilio')

    expect(put).toMatchObject({ status: 200, body: { lookup } })
    expect(removed).toMatchObject({ status: 400, body: { data: { errors: [{ field: 'name' }] } } })
  })
})

describe('the figures of the guard', () => {
  it('tell which codes came back, and what the policy makes of it', async () => {
    await using app = await startSmsApp()
    const calls = await consoleOf(app)
    for (let sent = 0; sent < 8; sent += 1) await app.sendSms('CHANNEL_REGISTER', newPhone())
    app.clock.advance(120)
    await app.app.work()
    await calls.put(path, { ...defaultPolicy, conversion: { challengeBelow: 0.5, blockBelow: 0.4 } })

    const { body } = await calls.get(`${path}/conversions`)

    const of = (prefix: string) => body.conversions.find(({ key }: { key: string }) => key.startsWith(prefix))
    expect(of('region:CN')).toMatchObject({ verified: 0, verdict: 'challenged' })
    expect(of('region:CN').rate).toBeCloseTo(5 / 18, 2)
    expect(of('operator:+86188')).toMatchObject({ verdict: 'blocked' })
    expect(of('provider:twilio:CN').verdict).toBeUndefined()
  })

  it('tell what of the budget is used, and what messages cost, by currency', async () => {
    await using app = await startSmsApp({
      routes: [{ name: 'all', serves: {}, steps: [{ provider: 'twilio', price: '0.5' }] }],
    })
    const calls = await consoleOf(app)
    await app.sendSms('CHANNEL_REGISTER', newPhone())

    const { body } = await calls.get(`${path}/spending`)

    expect(body.budget).toMatchObject({
      currency: 'USD',
      hour: { limit: '100', used: '0.5', resetsAt: expect.any(String) },
      day: { limit: '400', used: '0.5' },
    })
    expect(body.messages).toMatchObject([{ currency: 'USD' }])
    expect(Number(body.messages[0].day)).toBeGreaterThan(0)
  })
})

describe('a test number', () => {
  const expiresAt = (app: { clock: { now(): Date } }, days = 30) =>
    new Date(app.clock.now().getTime() + days * 86_400_000).toISOString()

  it('gets its fixed code and no message, until it is removed', async () => {
    await using app = await startTestApp()
    const calls = await consoleOf(app)
    const alice = await app.signUp()
    const number = { code: '246810', expiresAt: expiresAt(app) }

    const put = await calls.put(`${testNumbers}/+86${alice.phone}`, number)
    await app.sendSms('CHANNEL_BIND_PHONE', alice.phone, { token: alice.token })
    const bound = await alice.bindPhone('246810')
    const removed = await calls.delete(`${testNumbers}/+86${alice.phone}`)

    const shown = { phone: `+86${alice.phone}`, ...number, inForce: true }
    expect(put).toMatchObject({ status: 200, body: { testNumbers: [shown] } })
    expect(bound.statusCode).toBe(200)
    expect(await app.readInbox(`+86${alice.phone}`)).toEqual([])
    expect(removed.status).toBe(200)
    expect((await calls.get(testNumbers)).body).toEqual({ testNumbers: [] })
    expect(await calls.delete(`${testNumbers}/+86${alice.phone}`)).toMatchObject({ status: 404 })
  })

  it('is refused by name for a code of another length and a date that is past or far', async () => {
    await using app = await startTestApp()
    const calls = await consoleOf(app)
    const put = async (number: object, phone = '+8618812345678') => {
      const { body } = await calls.put(`${testNumbers}/${phone}`, {
        code: '246810',
        expiresAt: expiresAt(app),
        ...number,
      })
      return body.data.errors.map(({ field }: { field: string }) => field)
    }

    expect(await put({ code: '12345' })).toEqual(['code'])
    expect(await put({ expiresAt: expiresAt(app, -1) })).toEqual(['expiresAt'])
    expect(await put({ expiresAt: expiresAt(app, 400) })).toEqual(['expiresAt'])
    expect(await put({}, '12')).toEqual(['phone'])
  })

  it('is not in force where the settings switch such numbers off, and stands in no event (rule 12)', async () => {
    await using app = await startTestApp({ DIALTONE_TEST_NUMBERS: 'off' })
    const calls = await consoleOf(app)

    const { body } = await calls.put(`${testNumbers}/+8618812345678`, {
      code: '246810',
      expiresAt: expiresAt(app),
    })

    expect(body.testNumbers).toMatchObject([{ inForce: false }])
    const events = await app.db.query<{ detail: object }>(sql`
      select detail
        from audit_events
       where type = 'sms_configuration.changed'`)
    expect(events).toMatchObject([{ detail: { what: 'testNumbers', phone: '+86*******78' } }])
    expect(JSON.stringify(events)).not.toMatch(/18812345678|246810/)
  })
})
