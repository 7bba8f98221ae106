import { describe, expect, it } from 'vitest'
import { sql } from '../../src/core/database.ts'
import { startTestApp } from '../support/app.ts'
import { consoleOf } from '../support/console.ts'
import { startSmsApp } from '../support/sms.ts'

const path = '/console/api/sms/routes'
const fields = (body: { data: { errors: { field: string }[] } }) => body.data.errors.map(({ field }) => field)

describe('the routes', () => {
  it('lead to the inbox until they are set, and again once the list is empty', async () => {
    await using app = await startTestApp()
    const calls = await consoleOf(app)
    const inbox = { routes: [{ name: 'Inbox', serves: {}, steps: [{ provider: 'inbox' }] }] }

    const first = await calls.get(path)
    const emptied = await calls.put(path, { routes: [] })

    expect(first).toMatchObject({ status: 200, body: inbox })
    expect(emptied).toMatchObject({ status: 200, body: inbox })
  })

  it('are replaced as a whole, and serve the next message', async () => {
    await using app = await startSmsApp({ routes: [] })
    const calls = await consoleOf(app)
    const alice = await app.signUp()
    await alice.receiveCode()
    app.clock.advance(61)

    const routes = [
      { name: 'China', serves: { regions: ['CN'] }, order: 'listed', steps: [{ provider: 'twilio' }] },
    ]
    const put = await calls.put(path, { routes })
    const sent = await app.sendSms('CHANNEL_BIND_PHONE', alice.phone, { token: alice.token })

    expect(put).toMatchObject({ status: 200, body: { routes } })
    expect(sent.statusCode).toBe(200)
    expect(app.emulator.messages(`+86${alice.phone}`)).toHaveLength(1)
  })

  it('are refused with every fault named, and stay as they were', async () => {
    await using app = await startSmsApp()
    const calls = await consoleOf(app)
    const { body: before } = await calls.get(path)

    const refused = await calls.put(path, {
      routes: [
        { name: 'one', serves: {}, steps: [{ provider: 'nobody' }, { provider: 'inbox' }] },
        { name: 'one', serves: {}, steps: [{ provider: 'twilio' }] },
      ],
    })

    expect(refused.status).toBe(400)
    expect(fields(refused.body)).toEqual(['routes.0.steps.0.provider', 'routes.0.steps.1', 'routes.1.name'])
    expect((await calls.get(path)).body).toEqual(before)
  })

  it('serve countries and calling codes that there are: Britain is GB, and no number begins with +4 alone', async () => {
    await using app = await startSmsApp()
    const calls = await consoleOf(app)
    const { body: before } = await calls.get(path)
    const routesFor = (serves: object) => ({
      routes: [{ name: 'one', serves, steps: [{ provider: 'twilio' }] }],
    })

    const refused = await calls.put(
      path,
      routesFor({ regions: ['FR', 'UK', 'ZZ'], callingCodes: ['+4', '+44', '+1242'], prefixes: ['+4'] }),
    )
    const after = await calls.get(path)
    const taken = await calls.put(
      path,
      // Kosovo and Ascension, which ISO 3166-1 does not assign; Antarctica, which has no numbers; Inmarsat.
      routesFor({
        regions: ['GB', 'XK', 'AC', 'AQ'],
        callingCodes: ['+44', '+1', '+870'],
        prefixes: ['+1242'],
      }),
    )

    expect(refused.status).toBe(400)
    expect(refused.body.data.errors).toEqual([
      { field: 'routes.0.serves.regions.1', message: expect.stringMatching(/such as GB/) },
      { field: 'routes.0.serves.regions.2', message: expect.stringMatching(/such as GB/) },
      { field: 'routes.0.serves.callingCodes.0', message: expect.stringMatching(/prefixes/) },
      { field: 'routes.0.serves.callingCodes.2', message: expect.stringMatching(/prefixes/) },
    ])
    expect(after.body).toEqual(before)
    expect(taken.status).toBe(200)
  })

  it('that were kept before countries were looked at do not stand in the way of a provider', async () => {
    await using app = await startSmsApp()
    const calls = await consoleOf(app)
    await app.db.query(sql`
      update sms_routes
         set serves = '{"regions":["UK"]}'::jsonb`)

    const { body: twilio } = await calls.get('/console/api/sms/providers/twilio')
    const off = await calls.put('/console/api/sms/providers/twilio', {
      kind: 'twilio',
      settings: twilio.settings,
      enabled: false,
    })

    expect(off).toMatchObject({ status: 200, body: { enabled: false } })
  })
})

describe('a preview of a route', () => {
  it('tells what the number is, who would serve it, and what the guard says', async () => {
    await using app = await startSmsApp({
      providers: ['twilio', 'sns'],
      routes: [
        {
          name: 'Britain',
          serves: { callingCodes: ['+44'] },
          steps: [{ provider: 'twilio' }, { provider: 'sns' }],
        },
      ],
    })
    const calls = await consoleOf(app)
    const preview = (phoneNumber: string, phoneCountryCode?: string) =>
      calls.post(`${path}/preview`, { phoneNumber, phoneCountryCode })

    const mobile = await preview('7400 123456', '+44')
    const landline = await preview('+442079460000')
    const elsewhere = await preview('+33612345678')
    const nonsense = await preview('1')

    expect(mobile).toMatchObject({
      status: 200,
      body: {
        phone: '+447400123456',
        region: 'GB',
        operator: '+44740',
        range: '+44740012',
        type: 'mobile',
        route: 'Britain',
        steps: [{ provider: 'twilio' }, { provider: 'sns' }],
        guard: { mode: 'enforce', verdict: 'open' },
      },
    })
    expect(mobile.body.guard.refusal).toBeUndefined()
    expect(landline.body.guard).toMatchObject({ refusal: 'phone_type_not_allowed' })
    expect(elsewhere.body.steps).toEqual([])
    expect(elsewhere.body.route).toBeUndefined()
    expect(nonsense).toMatchObject({ status: 400, body: { apiCode: 2028 } })
    expect(app.emulator.messages()).toEqual([])
  })
})
