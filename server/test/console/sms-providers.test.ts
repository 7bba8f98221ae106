import { describe, expect, it } from 'vitest'
import { sql } from '../../src/core/database.ts'
import { Secret } from '../../src/core/secret.ts'
import { startTestApp, type TestApp } from '../support/app.ts'
import { bearer, callsWith, consoleOf, signIn } from '../support/console.ts'
import { startSmsApp } from '../support/sms.ts'

const providers = '/console/api/sms/providers'
const authToken = 'a-token-that-nobody-may-see'
const settings = { accountSid: 'AC00000000000000000000000000000001', authToken, from: '+15005550006' }
const twilio = { kind: 'twilio', settings }

const eventsOf = (app: TestApp, type: string) =>
  app.db.query<{ detail: Record<string, unknown> }>(sql`
    select detail
      from audit_events
     where type = ${type}
     order by id`)

/** The administrator of a pool of their own. */
const strangerOf = async (app: TestApp) => {
  const { application } = await app.otherApplication()
  const { poolId } = application
  await app.app.administrators.create(poolId, 'admin', new Secret('battery staple'), app.db)
  const { body } = await signIn(app, { poolId, password: 'battery staple' })
  return callsWith(app, bearer(body.token))
}

describe('the kinds of providers', () => {
  it('are told with a schema of their settings, from which a form can be built', async () => {
    await using app = await startTestApp()
    const calls = await consoleOf(app)

    const { status, body } = await calls.get('/console/api/sms/provider-kinds')

    expect(status).toBe(200)
    const kinds = body.kinds.map(({ kind }: { kind: string }) => kind)
    expect(kinds).toEqual(['aliyun', 'tencent', 'twilio', 'sns', 'vonage', 'generic', 'smpp'])
    expect(body.kinds[2]).toMatchObject({
      title: 'Twilio',
      channels: ['sms', 'voice', 'whatsapp'],
      secrets: ['authToken', 'apiKeySecret'],
      settings: { type: 'object', required: ['accountSid', 'authToken'], additionalProperties: false },
    })
    expect(body.kinds[2].settings.properties.accountSid).toMatchObject({ type: 'string' })
  })
})

describe('a provider', () => {
  it('is configured, read, switched off and removed, each change with an audit event', async () => {
    await using app = await startTestApp()
    const calls = await consoleOf(app)

    const made = await calls.put(`${providers}/main`, twilio)
    const read = await calls.get(`${providers}/main`)
    const off = await calls.put(`${providers}/main`, { ...twilio, enabled: false })
    const removed = await calls.delete(`${providers}/main`)

    expect(made).toMatchObject({
      status: 200,
      body: { name: 'main', kind: 'twilio', enabled: true, secrets: ['authToken'], breaker: 'closed' },
    })
    expect(made.body.receiptUrl).toContain(`/sms/receipts/${app.application.poolId}/main/`)
    expect(read.body).toEqual(made.body)
    expect(off.body.enabled).toBe(false)
    expect(removed).toMatchObject({ status: 200, body: {} })
    expect((await calls.get(providers)).body).toEqual({ providers: [] })
    const events = await eventsOf(app, 'sms_configuration.changed')
    const event = expect.objectContaining({ username: 'admin', what: 'providers', name: 'main' })
    expect(events.map(({ detail }) => detail)).toEqual([event, event, event])
  })

  it('never shows its secrets: not in a reply, a log line, an event, or a column (rule 27)', async () => {
    await using app = await startTestApp()
    const calls = await consoleOf(app)

    const replies = [
      await calls.put(`${providers}/main`, twilio),
      await calls.get(`${providers}/main`),
      await calls.get(providers),
      await calls.get('/console/api/sms/configuration'),
      await calls.put(`${providers}/main`, { ...twilio, settings: { ...settings, unknownField: 1 } }),
    ]

    const rows = await app.db.query(sql`select * from sms_providers`)
    const events = await app.db.query(sql`select * from audit_events`)
    expect(rows).toHaveLength(1)
    const all = [...replies.map(({ body }) => body), rows, events, app.lines]
    expect(all.filter((one) => JSON.stringify(one).includes(authToken))).toEqual([])
  })

  it('keeps a secret that is left out, unless it would go to another address', async () => {
    await using app = await startTestApp()
    const calls = await consoleOf(app)
    await calls.put(`${providers}/main`, twilio)
    const { authToken: _, ...open } = settings

    const renamed = await calls.put(`${providers}/main`, {
      kind: 'twilio',
      settings: { ...open, from: 'Ada' },
    })
    const moved = await calls.put(`${providers}/main`, {
      kind: 'twilio',
      settings: { ...open, endpoint: 'https://attacker.example' },
    })

    expect(renamed).toMatchObject({
      status: 200,
      body: { secrets: ['authToken'], settings: { from: 'Ada' } },
    })
    expect(moved.status).toBe(400)
    expect(moved.body.data.errors).toContainEqual({
      field: 'settings.authToken',
      message: 'must be given again, because settings.endpoint has changed',
    })
    expect((await calls.get(`${providers}/main`)).body.settings.endpoint).toBeUndefined()
  })

  it.each([
    {
      what: 'an unknown setting',
      name: 'main',
      body: { ...twilio, settings: { ...settings, authTokn: 'x' } },
      field: 'settings.authTokn',
    },
    {
      what: 'a missing setting',
      name: 'main',
      body: { kind: 'twilio', settings: {} },
      field: 'settings.accountSid',
    },
    { what: 'an unknown kind', name: 'main', body: { kind: 'pigeon', settings: {} }, field: 'kind' },
    { what: 'a name that means the inbox', name: 'inbox', body: twilio, field: 'name' },
    { what: 'a name in capitals', name: 'Main', body: twilio, field: 'name' },
  ])('is refused with $what, by name', async ({ name, body, field }) => {
    await using app = await startTestApp()
    const calls = await consoleOf(app)

    const refused = await calls.put(`${providers}/${name}`, body)

    expect(refused).toMatchObject({ status: 400, body: { apiCode: 8800012 } })
    expect(refused.body.data.errors.map((error: { field: string }) => error.field)).toContain(field)
    expect((await calls.get(providers)).body.providers).toEqual([])
  })

  it('stays while a route uses it, and keeps a kind that can do what the route asks for', async () => {
    await using app = await startTestApp()
    const calls = await consoleOf(app)
    await calls.put(`${providers}/main`, twilio)
    const steps = [{ provider: 'main', channel: 'voice' }]
    await calls.put('/console/api/sms/routes', { routes: [{ name: 'all', serves: {}, steps }] })

    const removed = await calls.delete(`${providers}/main`)
    const turned = await calls.put(`${providers}/main`, {
      kind: 'sns',
      settings: { region: 'us-east-1', accessKeyId: 'AKIA', secretAccessKey: 'x' },
    })

    expect(removed).toMatchObject({ status: 400, body: { data: { errors: [{ field: 'name' }] } } })
    expect(turned).toMatchObject({
      status: 400,
      body: { data: { errors: [{ field: 'routes.0.steps.0.channel' }] } },
    })
    expect((await calls.get(`${providers}/main`)).body.kind).toBe('twilio')
  })

  it('is out of sight for the administrators of another pool', async () => {
    await using app = await startTestApp()
    const stranger = await strangerOf(app)
    await (await consoleOf(app)).put(`${providers}/main`, twilio)

    const notFound = { status: 404, body: { statusCode: 404 } }
    expect((await stranger.get(providers)).body).toEqual({ providers: [] })
    expect(await stranger.get(`${providers}/main`)).toMatchObject(notFound)
    expect(await stranger.delete(`${providers}/main`)).toMatchObject(notFound)
    expect(await stranger.post(`${providers}/main/test-message`, { to: '+447700900123' })).toMatchObject(
      notFound,
    )
    await stranger.put(`${providers}/main`, { ...twilio, enabled: false })
    expect((await (await consoleOf(app)).get(`${providers}/main`)).body.enabled).toBe(true)
  })

  it('is configured by a key as by a session, and by nobody else', async () => {
    await using app = await startTestApp()
    const { body: key } = await (await consoleOf(app)).post('/console/api/keys', { name: 'deploy' })
    const alice = await app.signUp()

    const byKey = await callsWith(app, bearer(key.key)).put(`${providers}/main`, twilio)
    const byUser = await callsWith(app, bearer(alice.token)).put(`${providers}/main`, twilio)
    const byNobody = await callsWith(app).get(providers)

    expect(byKey.status).toBe(200)
    expect([byUser.status, byNobody.status]).toEqual([401, 401])
  })
})

describe('a test message', () => {
  it('goes to the provider itself, says what it is, and leaves an event without the number (rule 12)', async () => {
    await using app = await startSmsApp({
      routes: [{ name: 'none', serves: {}, steps: [{ provider: 'inbox' }] }],
    })
    const calls = await consoleOf(app)

    const { status, body } = await calls.post(`${providers}/twilio/test-message`, { to: '+44 7911 123456' })

    expect({ status, body }).toMatchObject({ status: 200, body: { outcome: 'accepted', segments: 1 } })
    expect(body.providerMessageId).toMatch(/^SM/)
    await app.emulator.settle()
    expect(app.emulator.messages('+447911123456')).toMatchObject([
      { text: expect.stringContaining('test message of Dialtone') },
    ])
    const events = await eventsOf(app, 'sms_provider.tested')
    expect(events).toMatchObject([{ detail: { username: 'admin', provider: 'twilio', outcome: 'accepted' } }])
    expect(JSON.stringify(events)).not.toContain('7911123456')
  })

  it('tells why the provider refused it, in words', async () => {
    await using app = await startSmsApp()
    const calls = await consoleOf(app)
    app.emulator.setFaults([{ kind: 'refuse', code: '21408', service: 'twilio' }])

    const { body } = await calls.post(`${providers}/twilio/test-message`, { to: '+447911123456' })

    expect(body).toEqual({
      outcome: 'refused',
      reason: 'geo_permission_missing',
      about: expect.stringContaining('Geo permission missing'),
      code: '21408',
    })
  })

  it('has a limit of the pool', async () => {
    await using app = await startSmsApp({ settings: { DIALTONE_TEST_MESSAGES_HOUR: '1' } })
    const calls = await consoleOf(app)
    const send = () => calls.post(`${providers}/twilio/test-message`, { to: '+447911123456' })
    await send()

    const refused = await send()
    app.clock.advance(3601)
    const calls2 = await consoleOf(app)

    expect(refused).toMatchObject({ status: 429, body: { apiCode: 8800008 } })
    expect(refused.body.data.retryAfterSeconds).toBeGreaterThan(3500)
    const later = await calls2.post(`${providers}/twilio/test-message`, { to: '+447911123456' })
    expect(later).toMatchObject({ status: 200, body: { outcome: 'accepted' } })
  })

  it('is refused for a number that is none, a channel the kind has not, and a provider that is off', async () => {
    await using app = await startSmsApp({ providers: ['sns'] })
    const calls = await consoleOf(app)
    const send = (body: object) =>
      calls.post(`${providers}/sns/test-message`, { to: '+447911123456', ...body })

    expect(await send({ to: '12' })).toMatchObject({ status: 400, body: { apiCode: 2028 } })
    expect(await send({ channel: 'voice' })).toMatchObject({
      body: { data: { errors: [{ field: 'channel' }] } },
    })
    const { body: sns } = await calls.get(`${providers}/sns`)
    await calls.put(`${providers}/sns`, { kind: 'sns', settings: sns.settings, enabled: false })
    expect(await send({})).toMatchObject({ status: 400, body: { data: { errors: [{ field: 'name' }] } } })
  })
})
