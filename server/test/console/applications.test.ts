import { describe, expect, it } from 'vitest'
import { sql } from '../../src/core/database.ts'
import { startTestApp, type TestApp } from '../support/app.ts'
import { bearer, callsWith, consoleOf } from '../support/console.ts'

const path = '/console/api/applications'
const document = '/console/api/sms/configuration'
const page = 'https://app.example.com'

const fields = (body: { data: { errors: { field: string }[] } }) => body.data.errors.map(({ field }) => field)

const originsOf = (app: TestApp) => `${path}/${app.application.id}/allowed-origins`

const events = (app: TestApp) =>
  app.db.query<{ type: string; detail: object }>(sql`
    select type, detail
      from audit_events
     where type like 'application.%'
     order by id`)

describe('an application for browsers', () => {
  it('is made without a secret, shares the users of the pool, and is written down', async () => {
    await using app = await startTestApp()
    const calls = await consoleOf(app)
    const alice = await app.signUp()

    const made = await calls.post(path, {
      name: 'Shop',
      clientAuthentication: 'none',
      allowedOrigins: [page],
    })
    const signedIn = await app.post(
      '/api/v3/signin',
      {
        connection: 'PASSWORD',
        passwordPayload: { username: alice.username, password: alice.password },
      },
      { appId: made.body.id },
    )

    expect(made.status).toBe(200)
    expect(made.body).toEqual({
      id: expect.any(String),
      name: 'Shop',
      clientAuthentication: 'none',
      allowedOrigins: [page],
    })
    expect(signedIn.statusCode).toBe(200)
    expect(JSON.stringify((await calls.get(path)).body)).not.toContain(app.application.secret.reveal())
    expect((await calls.get(path)).body.applications).toEqual([
      {
        id: app.application.id,
        name: app.application.name,
        clientAuthentication: 'client_secret',
        allowedOrigins: [],
      },
      made.body,
    ])
    expect(await events(app)).toEqual([
      {
        type: 'application.created',
        detail: expect.objectContaining({ username: 'admin', name: made.body.id }),
      },
    ])
  })

  it.each([
    ['name', { name: '', clientAuthentication: 'none' }],
    ['name', { name: '  ', clientAuthentication: 'none' }],
    ['name', { clientAuthentication: 'none' }],
    ['clientAuthentication', { name: 'Shop' }],
    ['clientAuthentication', { name: 'Shop', clientAuthentication: 'client_secret' }],
    ['allowedOrigins.0', { name: 'Shop', clientAuthentication: 'none', allowedOrigins: ['app.example.com'] }],
    ['body', { name: 'Shop', clientAuthentication: 'none', secret: 'my own secret' }],
  ])('is refused for its %s, and nothing is made: %j', async (field, body) => {
    await using app = await startTestApp()
    const calls = await consoleOf(app)

    const refused = await calls.post(path, body)

    expect(refused.status).toBe(400)
    expect(fields(refused.body)).toContain(field)
    expect((await calls.get(path)).body.applications).toHaveLength(1)
    expect(await events(app)).toEqual([])
  })
})

describe('the allowed origins of an application', () => {
  it('are set as a whole, and what an application adds to an SMS stays', async () => {
    await using app = await startTestApp()
    const calls = await consoleOf(app)
    await calls.put(`/console/api/sms/applications/${app.application.id}`, { webOtpHost: 'app.example.com' })

    const set = await calls.put(originsOf(app), { allowedOrigins: [page, 'http://localhost:5173'] })
    const again = await calls.put(originsOf(app), { allowedOrigins: [page, 'http://localhost:5173'] })
    const cleared = await calls.put(originsOf(app), { allowedOrigins: [] })

    expect(set.body.allowedOrigins).toEqual([page, 'http://localhost:5173'])
    expect(again.body).toEqual(set.body)
    expect(cleared.body.allowedOrigins).toEqual([])
    expect((await calls.get('/console/api/sms/applications')).body.applications).toMatchObject([
      { webOtpHost: 'app.example.com' },
    ])
    // The SMS part, and two of the three: the second one changed nothing.
    expect((await events(app)).map(({ type }) => type)).toEqual(Array(3).fill('application.changed'))
  })

  it('stay when what an application adds to an SMS is set', async () => {
    await using app = await startTestApp()
    const calls = await consoleOf(app)
    await calls.put(originsOf(app), { allowedOrigins: [page] })

    await calls.put(`/console/api/sms/applications/${app.application.id}`, {})

    expect((await calls.get(path)).body.applications).toMatchObject([{ allowedOrigins: [page] }])
  })

  it('are refused, each by its place, where no browser would send them', async () => {
    await using app = await startTestApp()
    const calls = await consoleOf(app)

    for (const origin of [
      '',
      'app.example.com',
      'https://app.example.com/',
      'https://app.example.com/login',
      'https://app.example.com?a=b',
      'https://APP.example.com',
      'https://app.example.com:443',
      'https://*.example.com',
      'https://user@app.example.com',
      'https://münchen.example',
      ' https://app.example.com',
      'https://app.example.com\n',
      'https://a.example https://b.example',
      'ftp://app.example.com',
      'capacitor://localhost',
      'javascript:alert(1)',
      'file://',
      'null',
      '**',
    ]) {
      const refused = await calls.put(originsOf(app), { allowedOrigins: [page, origin] })

      expect([origin, refused.status, fields(refused.body)]).toEqual([origin, 400, ['allowedOrigins.1']])
    }
    expect((await calls.get(path)).body.applications).toMatchObject([{ allowedOrigins: [] }])
  })

  it.each([
    ['allowedOrigins.1', [page, '*']],
    ['allowedOrigins.0', ['*', page]],
    ['allowedOrigins', Array.from({ length: 21 }, (_, n) => `https://a${n}.example.com`)],
    ['allowedOrigins', page],
    ['allowedOrigins.0', [{ origin: page }]],
    ['allowedOrigins', undefined],
  ])('are refused at %s as %j', async (field, allowedOrigins) => {
    await using app = await startTestApp()
    const calls = await consoleOf(app)

    const refused = await calls.put(originsOf(app), { allowedOrigins })

    expect(refused.status).toBe(400)
    expect(fields(refused.body)).toEqual([field])
  })

  it('may be twenty, or any', async () => {
    await using app = await startTestApp()
    const calls = await consoleOf(app)
    const twenty = Array.from({ length: 20 }, (_, n) => `https://a${n}.example.com`)

    expect((await calls.put(originsOf(app), { allowedOrigins: twenty })).body.allowedOrigins).toEqual(twenty)
    expect((await calls.put(originsOf(app), { allowedOrigins: ['*'] })).body.allowedOrigins).toEqual(['*'])
  })

  it('are part of the configuration document', async () => {
    await using app = await startTestApp()
    const calls = await consoleOf(app)
    const { id } = app.application

    const applied = await calls.put(document, { applications: { [id]: { allowedOrigins: [page] } } })
    const shown = await calls.get(document)
    const again = await calls.put(document, { applications: shown.body.applications })
    const without = await calls.put(document, { applications: { [id]: {} } })

    expect(applied.body.changes).toEqual([{ part: 'applications', name: id, change: 'changed' }])
    expect(shown.body.applications).toEqual({ [id]: { allowedOrigins: [page] } })
    expect(again.body.changes).toEqual([{ part: 'applications', name: id, change: 'unchanged' }])
    expect(without.body.changes).toEqual([{ part: 'applications', name: id, change: 'changed' }])
    expect((await calls.get(path)).body.applications).toMatchObject([{ allowedOrigins: [] }])
  })

  it('are refused in the document beside every other fault of the application', async () => {
    await using app = await startTestApp()
    const calls = await consoleOf(app)
    const { id } = app.application

    const refused = await calls.put(document, {
      applications: { [id]: { webOtpHost: 'localhost', allowedOrigins: [page, 'nowhere', '*'] } },
    })

    expect(refused.status).toBe(400)
    expect(fields(refused.body)).toEqual([
      `applications.${id}.webOtpHost`,
      `applications.${id}.allowedOrigins.1`,
      `applications.${id}.allowedOrigins.2`,
    ])
  })
})

describe('the applications of another pool', () => {
  it('are out of sight and out of reach', async () => {
    await using app = await startTestApp()
    const calls = await consoleOf(app)
    const other = await app.otherApplication({ name: 'Other' })

    const put = await calls.put(`${path}/${other.application.id}/allowed-origins`, { allowedOrigins: ['*'] })
    const unknown = await calls.put(`${path}/nobody/allowed-origins`, { allowedOrigins: ['*'] })

    expect([put.status, unknown.status]).toEqual([404, 404])
    expect((await calls.get(path)).body.applications).toHaveLength(1)
    expect(await app.app.applications.find(other.application.id)).toMatchObject({ allowedOrigins: [] })
  })

  it('are nobody’s without an administrator: a user’s token changes none', async () => {
    await using app = await startTestApp()
    const alice = await app.signUp()

    for (const headers of [{}, bearer(alice.token)]) {
      const calls = callsWith(app, headers)
      expect((await calls.get(path)).status).toBe(401)
      expect((await calls.post(path, { name: 'Mine', clientAuthentication: 'none' })).status).toBe(401)
      expect((await calls.put(originsOf(app), { allowedOrigins: ['*'] })).status).toBe(401)
    }
  })
})
