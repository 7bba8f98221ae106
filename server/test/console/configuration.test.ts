import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { resolveVariables } from '../../src/configuration/configuration.ts'
import { sql } from '../../src/core/database.ts'
import { defaultPolicy } from '../../src/guard/guard.ts'
import { newPhone, startTestApp, type TestApp } from '../support/app.ts'
import { consoleOf } from '../support/console.ts'
import { startSmsApp } from '../support/sms.ts'

const path = '/console/api/sms/configuration'
const authToken = 'a-token-that-nobody-may-see'
const settings = { accountSid: 'AC00000000000000000000000000000001', authToken, from: '+15005550006' }

const documentOf = (app: TestApp) => ({
  providers: { main: { kind: 'twilio', settings }, spare: { kind: 'twilio', settings, enabled: false } },
  routes: [
    {
      name: 'Britain',
      serves: { callingCodes: ['+44'] },
      steps: [{ provider: 'main' }, { provider: 'spare' }],
    },
    { name: 'Rest', serves: {}, steps: [{ provider: 'inbox' }] },
  ],
  templates: [{ channel: 'sms', locale: 'fr', text: 'Votre code : {{code}}' }],
  guard: { deniedRegions: ['AQ'], budget: { perDay: '100' } },
  testNumbers: [
    {
      phone: '+8618812345678',
      code: '246810',
      expiresAt: new Date(app.clock.now().getTime() + 86_400_000).toISOString(),
    },
  ],
  applications: { [app.application.id]: { webOtpHost: 'login.example.com', androidSmsHash: 'FA+9qCX9VSu' } },
})

type Change = { part: string; name: string; change: string }
const lines = ({ changes }: { changes: Change[] }) =>
  changes.map(({ part, name, change }) => `${change} ${part} ${name}`)
const fields = (body: { data: { errors: { field: string }[] } }) => body.data.errors.map(({ field }) => field)

const eventCount = async (app: TestApp) => {
  const rows = await app.db.query(
    sql`select from audit_events where type in ('sms_configuration.changed', 'application.changed')`,
  )
  return rows.length
}

describe('a configuration document', () => {
  it('is applied as a whole, and a second time changes nothing', async () => {
    await using app = await startTestApp()
    const calls = await consoleOf(app)
    const document = documentOf(app)

    const first = await calls.put(path, document)
    const events = await eventCount(app)
    const second = await calls.put(path, document)

    expect(first.status).toBe(200)
    expect(lines(first.body)).toEqual([
      'created providers main',
      'created providers spare',
      'created routes Britain',
      'created routes Rest',
      'removed routes Inbox',
      'changed guard policy',
      'created templates sms fr',
      'created testNumbers +8618812345678',
      `changed applications ${app.application.id}`,
    ])
    expect(events).toBe(9)
    expect(second.status).toBe(200)
    expect(new Set(second.body.changes.map(({ change }: Change) => change))).toEqual(new Set(['unchanged']))
    expect(await eventCount(app)).toBe(events)
  })

  it('is shown as it is, without secrets, and changes nothing when it is applied again (rule 27)', async () => {
    await using app = await startTestApp()
    const calls = await consoleOf(app)
    await calls.put(path, documentOf(app))

    const { status, body } = await calls.get(path)
    const again = await calls.put(path, body)

    const { authToken: _, ...open } = settings
    expect(status).toBe(200)
    expect(body).toMatchObject({
      ...documentOf(app),
      providers: { main: { kind: 'twilio', enabled: true, settings: open }, spare: { enabled: false } },
      guard: {
        ...defaultPolicy,
        deniedRegions: ['AQ'],
        budget: { ...defaultPolicy.budget, perDay: '100' },
      },
      testNumbers: [{ phone: '+8618812345678', code: '246810' }],
    })
    expect(JSON.stringify(body)).not.toContain(authToken)
    expect(again.status).toBe(200)
    expect(new Set(again.body.changes.map(({ change }: Change) => change))).toEqual(new Set(['unchanged']))
  })

  it('is applied as the guide shows one, once its variables are resolved', async () => {
    await using app = await startTestApp()
    const calls = await consoleOf(app)
    const sample = new URL('../../../docs/guides/sms-configuration.example.json', import.meta.url)
    const { resolved, faults } = resolveVariables(JSON.parse(readFileSync(sample, 'utf8')), (name) => name)

    const { status, body } = await calls.put(path, resolved)

    expect(faults).toEqual([])
    expect(status).toBe(200)
    expect(lines(body)).toContain('created providers twilio')
  })

  it('leaves a part that is absent as it is, and makes one that is present exactly so', async () => {
    await using app = await startTestApp()
    const calls = await consoleOf(app)
    await calls.put(path, documentOf(app))
    const { body: before } = await calls.get(path)

    const { body } = await calls.put(path, { templates: [], guard: {} })

    expect(lines(body)).toEqual(['changed guard policy', 'removed templates sms fr'])
    expect((await calls.get(path)).body).toEqual({ ...before, templates: [], guard: defaultPolicy })
  })

  it('only tells what it would change in a dry run', async () => {
    await using app = await startTestApp()
    const calls = await consoleOf(app)
    const { body: before } = await calls.get(path)

    const { body } = await calls.put(`${path}?dryRun=true`, documentOf(app))
    const misspelt = await calls.put(`${path}?dryRun=yes`, documentOf(app))

    expect(body.dryRun).toBe(true)
    expect(lines(body)).toContain('created providers main')
    expect(misspelt).toMatchObject({ status: 400, body: { data: { errors: [{ field: 'dryRun' }] } } })
    expect((await calls.get(path)).body).toEqual(before)
    expect(await eventCount(app)).toBe(0)
  })

  it('is refused with every fault of every part, and then changes nothing', async () => {
    await using app = await startTestApp()
    const calls = await consoleOf(app)
    const { body: before } = await calls.get(path)
    const good = documentOf(app)

    const refused = await calls.put(path, {
      ...good,
      providers: { ...good.providers, main: { kind: 'twilio', settings: { ...settings, fromm: 'x' } } },
      routes: [...good.routes, { name: 'Rest', serves: {}, steps: [{ provider: 'nobody' }] }],
      templates: [{ channel: 'sms', locale: 'fr', text: 'no code' }],
      guard: { conversion: { blockBelow: 0.9 } },
      testNumbers: [{ phone: '12', code: '246810', expiresAt: '2020-01-01T00:00:00Z' }],
      applications: { nobody: {}, [app.application.id]: { webOtpHost: 'https://x' } },
      colour: 'blue',
    })

    expect(refused.status).toBe(400)
    expect(fields(refused.body).sort()).toEqual([
      `applications.${app.application.id}.webOtpHost`,
      'applications.nobody',
      'colour',
      'guard.conversion.blockBelow',
      'providers.main.settings.fromm',
      'routes.2.name',
      'routes.2.steps.0.provider',
      'templates.0.text',
      'testNumbers.0.phone',
    ])
    expect((await calls.get(path)).body).toEqual(before)
    expect(await eventCount(app)).toBe(0)
  })

  it('is refused where its form is wrong, together with what is wrong in its sound parts', async () => {
    await using app = await startTestApp()
    const calls = await consoleOf(app)

    const refused = await calls.put(path, {
      ...documentOf(app),
      providers: { main: { kind: 'pigeon', settings }, spare: { kind: 'twilio', settings } },
      templates: [{ channel: 'sms', locale: 'fr', text: 'no code' }],
    })

    expect(fields(refused.body)).toEqual(['providers.main.kind', 'templates.0.text'])
    expect(await calls.put(path, [])).toMatchObject({ status: 400 })
    expect((await calls.get(path)).body.templates).toEqual([])
  })

  it('removes a provider that it does not name, unless a route that stays uses it', async () => {
    await using app = await startTestApp()
    const calls = await consoleOf(app)
    await calls.put(path, documentOf(app))
    const providers = { main: { kind: 'twilio', settings } }

    const refused = await calls.put(path, { providers })
    const [britain, rest] = documentOf(app).routes
    const removed = await calls.put(path, {
      providers,
      routes: [{ ...britain, steps: [{ provider: 'main' }] }, rest],
    })

    expect(refused.status).toBe(400)
    expect(fields(refused.body)).toEqual(['providers.spare.name'])
    expect(lines(removed.body)).toEqual([
      'unchanged providers main',
      'changed routes Britain',
      'unchanged routes Rest',
      'removed providers spare',
    ])
  })

  it('is refused where it turns a provider into a kind that its route cannot use', async () => {
    await using app = await startTestApp()
    const calls = await consoleOf(app)
    const steps = [{ provider: 'main', channel: 'voice' }]
    await calls.put(path, {
      providers: { main: { kind: 'twilio', settings } },
      routes: [{ name: 'all', serves: {}, steps }],
    })

    const sns = { region: 'us-east-1', accessKeyId: 'AKIA', secretAccessKey: 'x' }
    const refused = await calls.put(path, { providers: { main: { kind: 'sns', settings: sns } } })

    expect(fields(refused.body)).toEqual(['routes.0.steps.0.channel'])
    expect((await calls.get(path)).body.providers.main.kind).toBe('twilio')
  })

  it('holds no variable of the environment: the server reads none for a document', async () => {
    await using app = await startTestApp()
    const calls = await consoleOf(app)

    const refused = await calls.put(path, {
      providers: {
        main: { kind: 'twilio', settings: { ...settings, authToken: { $env: 'DIALTONE_MASTER_KEY' } } },
      },
    })

    expect(refused.body.data.errors).toEqual([
      {
        field: 'providers.main.settings.authToken',
        message: 'names an environment variable: only npm run config reads those',
      },
    ])
  })

  it('holds at once for the messages that follow, though what went before was remembered', async () => {
    await using app = await startSmsApp()
    const calls = await consoleOf(app)
    const phone = newPhone()
    await app.sendSms('CHANNEL_LOGIN', phone)

    await calls.put(path, { routes: [], providers: {} })
    await app.sendSms('CHANNEL_REGISTER', phone)

    expect(app.emulator.messages(`+86${phone}`)).toHaveLength(1)
    expect(await app.readInbox(`+86${phone}`)).toHaveLength(1)
  })

  it('is out of sight, and out of reach, for the administrators of another pool', async () => {
    await using app = await startTestApp()
    const calls = await consoleOf(app)
    const other = await app.otherApplication({ name: 'Other' })

    const refused = await calls.put(path, {
      applications: { [other.application.id]: { webOtpHost: 'a.example' } },
    })
    const put = await calls.put(`/console/api/sms/applications/${other.application.id}`, {
      webOtpHost: 'a.example',
    })

    expect(fields(refused.body)).toEqual([`applications.${other.application.id}`])
    expect(put.status).toBe(404)
    expect(Object.keys((await calls.get(path)).body.applications)).toEqual([app.application.id])
  })
})

describe('what an application adds to an SMS', () => {
  it('is set, stands in the next message, and is taken away again', async () => {
    await using app = await startTestApp()
    const calls = await consoleOf(app)
    const own = `/console/api/sms/applications/${app.application.id}`
    const alice = await app.signUp()

    const set = await calls.put(own, { webOtpHost: 'login.example.com', androidSmsHash: 'FA+9qCX9VSu' })
    await alice.receiveCode()
    const [message] = await app.readInbox(`+86${alice.phone}`)
    const taken = await calls.put(own, {})

    expect(set.body.applications).toMatchObject([
      { id: app.application.id, webOtpHost: 'login.example.com', androidSmsHash: 'FA+9qCX9VSu' },
    ])
    expect(message?.text.split('\n').slice(1)).toEqual([
      'FA+9qCX9VSu',
      `@login.example.com #${message?.passCode}`,
    ])
    expect(taken.body.applications[0].webOtpHost).toBeUndefined()
    expect((await calls.get('/console/api/sms/applications')).body).toEqual(taken.body)
  })

  it.each([
    ['webOtpHost', 'https://login.example.com'],
    ['webOtpHost', 'login.example.com:8443'],
    ['webOtpHost', 'localhost'],
    ['androidSmsHash', 'FA+9qCX9VS'],
    ['androidSmsHash', 'FA+9qCX9VS '],
  ])('is refused as %s %j', async (field, value) => {
    await using app = await startTestApp()
    const calls = await consoleOf(app)

    const refused = await calls.put(`/console/api/sms/applications/${app.application.id}`, { [field]: value })

    expect(refused.status).toBe(400)
    expect(fields(refused.body)).toEqual([field])
  })
})
