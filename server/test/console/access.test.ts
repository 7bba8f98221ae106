import { describe, expect, it } from 'vitest'
import { sql } from '../../src/core/database.ts'
import { startTestApp, type TestApp } from '../support/app.ts'
import { adminPassword, bearer, callsWith, consoleOf, signIn } from '../support/console.ts'

const minutes = (count: number) => count * 60
const hours = (count: number) => count * 3600
const days = (count: number) => count * 86_400

const signedOut = { status: 401, body: { statusCode: 401, apiCode: 2020 } }
const page = { 'x-dialtone-console': '1' }

type Event = { type: string; detail: Record<string, unknown>; ip: string | null }

const eventsOf = (app: TestApp) =>
  app.db.query<Event>(sql`
    select type, detail, ip
      from audit_events
     where type like 'administrator%'
     order by id`)

describe('an administrator', () => {
  it('signs in, is told who they are, and signs out, which every process knows at once', async () => {
    await using app = await startTestApp()
    const second = await app.secondProcess()
    const { body } = await signIn(app)
    const calls = callsWith(app, bearer(body.token))
    const administrator = { ...body.administrator, credential: 'session' }
    expect(administrator).toMatchObject({ username: 'admin', poolId: app.application.poolId })
    expect(await calls.get('/console/api/me')).toMatchObject({ status: 200, body: administrator })

    const signedOff = await calls.delete('/console/api/sessions/current')

    expect(signedOff).toMatchObject({ status: 200, body: {} })
    expect(await calls.get('/console/api/me')).toMatchObject(signedOut)
    expect(await second.get('/console/api/me', { headers: bearer(body.token) })).toMatchObject({
      status: 401,
    })
  })

  it('is signed in for twelve hours, however busy', async () => {
    await using app = await startTestApp()
    const before = app.clock.now()
    const { body } = await signIn(app)
    const calls = callsWith(app, bearer(body.token))
    const lasts = (new Date(body.expiresAt).getTime() - before.getTime()) / 1000
    expect(Math.round(lasts / 60)).toBe(12 * 60)
    for (let half = 1; half < 24; half += 1) {
      app.clock.advance(minutes(30))
      expect((await calls.get('/console/api/me')).status, `after ${half} half hours`).toBe(200)
    }

    app.clock.advance(minutes(30))

    expect(await calls.get('/console/api/me')).toMatchObject(signedOut)
  })

  it('is signed out by an hour without use', async () => {
    await using app = await startTestApp()
    const [idle, busy] = [await consoleOf(app), await consoleOf(app)]
    app.clock.advance(minutes(58))
    expect((await busy.get('/console/api/me')).status).toBe(200)

    app.clock.advance(minutes(2))

    expect(await idle.get('/console/api/me')).toMatchObject(signedOut)
    expect((await busy.get('/console/api/me')).status).toBe(200)
  })

  it('changes the password, which ends the other sessions and keeps this one and the keys', async () => {
    await using app = await startTestApp()
    const [here, elsewhere] = [await consoleOf(app), await consoleOf(app)]
    const { body: made } = await here.post('/console/api/keys', { name: 'backup' })
    const newPassword = 'battery staple'

    const changed = await here.put('/console/api/me/password', { oldPassword: adminPassword, newPassword })

    expect(changed).toMatchObject({ status: 200, body: {} })
    expect((await here.get('/console/api/me')).status).toBe(200)
    expect(await elsewhere.get('/console/api/me')).toMatchObject(signedOut)
    expect((await callsWith(app, bearer(made.key)).get('/console/api/me')).status).toBe(200)
    expect(await signIn(app)).toMatchObject({ status: 403, body: { apiCode: 2333 } })
    expect((await signIn(app, { password: newPassword })).status).toBe(200)
  })

  it('keeps the password where the old one is wrong or the new one is weak', async () => {
    await using app = await startTestApp()
    const calls = await consoleOf(app)
    const change = (oldPassword: string, newPassword: string) =>
      calls.put('/console/api/me/password', { oldPassword, newPassword })

    expect(await change('a wrong one', 'battery staple')).toMatchObject({
      status: 403,
      body: { apiCode: 2333 },
    })
    expect(await change(adminPassword, 'short')).toMatchObject({ status: 400, body: { apiCode: 2029 } })
    expect((await signIn(app)).status).toBe(200)
  })

  it('is told by the HTTP status what is refused, in the language asked for', async () => {
    await using app = await startTestApp()
    const { token } = await consoleOf(app)
    const chinese = callsWith(app, { ...bearer(token), 'x-authing-lang': 'zh-CN' })

    const malformed = await chinese.post('/console/api/keys', { name: 'backup', expiresInDay: 30 })
    const unknownId = await chinese.delete('/console/api/keys/nonsense')
    const unknownPath = await chinese.get('/console/api/nonsense')

    expect(malformed).toMatchObject({ status: 400, body: { statusCode: 400, apiCode: 8800012 } })
    expect(malformed.body.message).toContain('请求参数不正确')
    expect(unknownId).toMatchObject({ status: 400, body: { data: { errors: [{ field: 'id' }] } } })
    expect(unknownPath).toMatchObject({ status: 404, body: { statusCode: 404 } })
  })

  it('leaves an audit event of every sign-in, sign-out and change', async () => {
    await using app = await startTestApp()
    const calls = await consoleOf(app)
    const { body: key } = await calls.post('/console/api/keys', { name: 'backup' })
    await calls.delete(`/console/api/keys/${key.id}`)
    const passwords = { oldPassword: adminPassword, newPassword: 'battery staple' }
    await calls.put('/console/api/me/password', passwords)
    await calls.delete('/console/api/sessions/current')

    const events = await eventsOf(app)

    const ofKey = { keyId: key.id, name: 'backup' }
    expect(events.map(({ type, detail }) => [type, detail])).toEqual([
      ['administrator.signed_in', expect.objectContaining({ username: 'admin' })],
      ['administrator_key.created', expect.objectContaining({ username: 'admin', ...ofKey })],
      ['administrator_key.revoked', expect.objectContaining({ username: 'admin', ...ofKey })],
      ['administrator.password_changed', expect.objectContaining({ username: 'admin' })],
      ['administrator.signed_out', expect.objectContaining({ username: 'admin' })],
    ])
    expect(new Set(events.map(({ ip }) => ip))).toEqual(new Set(['127.0.0.1']))
  })

  it('whose session has ended leaves nothing but the events, once the house is kept', async () => {
    await using app = await startTestApp()
    const [old, idle] = [await consoleOf(app), await consoleOf(app)]
    app.clock.advance(minutes(50))
    await old.get('/console/api/me')
    app.clock.advance(minutes(20))
    const live = await consoleOf(app)

    await app.app.housekeeping()

    expect(await idle.get('/console/api/me')).toMatchObject(signedOut)
    expect((await old.get('/console/api/me')).status).toBe(200)
    expect((await live.get('/console/api/me')).status).toBe(200)
    const rows = await app.db.query(sql`select id from administrator_sessions`)
    expect(rows).toHaveLength(2)
    expect(await eventsOf(app)).toHaveLength(3)
  })
})

describe('a page of the console', () => {
  it.each([
    ['http://dialtone.test', 'Path=/console; HttpOnly; SameSite=Strict'],
    ['https://dialtone.test', 'Path=/console; HttpOnly; SameSite=Strict; Secure'],
    ['https://id.example.com/auth/', 'Path=/auth/console; HttpOnly; SameSite=Strict; Secure'],
  ])('at %s gets its session as a cookie with %s', async (publicUrl, attributes) => {
    await using app = await startTestApp({ DIALTONE_PUBLIC_URL: publicUrl })

    const { headers, body } = await signIn(app, {}, page)

    expect(headers.getSetCookie()).toEqual([`dialtone_console=${body.token}; Max-Age=43200; ${attributes}`])
    expect(headers.get('cache-control')).toBe('no-store')
  })

  it('reads and changes by the cookie, among others, and gives it back at the end', async () => {
    await using app = await startTestApp()
    const { body } = await signIn(app, {}, page)
    const cookie = `theme=dark; dialtone_console=${body.token}; other=1`
    const calls = callsWith(app, { ...page, cookie })

    const made = await calls.post('/console/api/keys', { name: 'backup' })
    const read = await calls.get('/console/api/keys')
    const ended = await calls.delete('/console/api/sessions/current')

    expect([made.status, read.status, ended.status]).toEqual([200, 200, 200])
    expect(ended.headers.getSetCookie()).toEqual([
      'dialtone_console=; Max-Age=0; Path=/console; HttpOnly; SameSite=Strict',
    ])
    expect(await calls.get('/console/api/keys')).toMatchObject(signedOut)
  })

  it('keeps its cookie behind a proxy that asks for a password of its own', async () => {
    await using app = await startTestApp()
    const { body } = await signIn(app, {}, page)
    const cookie = `dialtone_console=${body.token}`

    const calls = callsWith(app, { cookie, authorization: 'Basic b3BzOnNlY3JldA==' })

    expect((await calls.get('/console/api/me')).status).toBe(200)
  })

  it('is not helped by its cookie where a wrong token stands beside it', async () => {
    await using app = await startTestApp()
    const { body } = await signIn(app, {}, page)
    const cookie = `dialtone_console=${body.token}`

    const calls = callsWith(app, { cookie, ...bearer('dts_of-nobody') })

    expect(await calls.get('/console/api/me')).toMatchObject(signedOut)
  })
})

describe('a key of an administrator', () => {
  it('is told once, and stands in the list with its name and its last use to the minute', async () => {
    await using app = await startTestApp()
    const calls = await consoleOf(app)

    const { status, body: made } = await calls.post('/console/api/keys', { name: 'nightly backup' })

    const { key, ...rest } = made
    expect(status).toBe(200)
    expect(key).toMatch(/^dtk_[\w-]{43}$/)
    expect(rest).toEqual({
      id: expect.any(String),
      name: 'nightly backup',
      username: 'admin',
      createdAt: expect.any(String),
    })
    expect((await calls.get('/console/api/keys')).body).toEqual({ keys: [rest] })

    const program = await consoleOf(app, key)
    const me = await program.get('/console/api/me')
    const firstUse = (await calls.get('/console/api/keys')).body.keys[0].lastUsedAt
    app.clock.advance(30)
    await program.get('/console/api/me')
    const secondUse = (await calls.get('/console/api/keys')).body.keys[0].lastUsedAt
    app.clock.advance(60)
    await program.get('/console/api/me')
    const thirdUse = (await calls.get('/console/api/keys')).body.keys[0].lastUsedAt

    expect(me.body).toMatchObject({ username: 'admin', credential: 'key' })
    expect(secondUse).toBe(firstUse)
    expect(new Date(thirdUse).getTime() - new Date(firstUse).getTime()).toBeGreaterThanOrEqual(90_000)
  })

  it('works for months without use, and ends on its day', async () => {
    await using app = await startTestApp()
    const calls = await consoleOf(app)
    const forever = (await calls.post('/console/api/keys', { name: 'forever' })).body
    const bounded = (await calls.post('/console/api/keys', { name: 'bounded', expiresInDays: 90 })).body
    const lifetime = new Date(bounded.expiresAt).getTime() - new Date(bounded.createdAt).getTime()
    expect(lifetime).toBe(days(90) * 1000)
    const meBy = async (key: string) => (await consoleOf(app, key)).get('/console/api/me')
    app.clock.advance(days(90) - hours(1))
    expect((await meBy(bounded.key)).status).toBe(200)

    app.clock.advance(hours(1))

    expect(await meBy(bounded.key)).toMatchObject(signedOut)
    expect((await meBy(forever.key)).status).toBe(200)
  })

  it('is refused by every process as soon as it is revoked, which a second time finds nothing', async () => {
    await using app = await startTestApp()
    const second = await app.secondProcess()
    const calls = await consoleOf(app)
    const { body: made } = await calls.post('/console/api/keys', { name: 'backup' })
    const headers = bearer(made.key)
    expect(await second.get('/console/api/me', { headers })).toMatchObject({ status: 200 })

    const revoked = await calls.delete(`/console/api/keys/${made.id}`)

    expect(revoked).toMatchObject({ status: 200, body: {} })
    expect(await second.get('/console/api/me', { headers })).toMatchObject({ status: 401, apiCode: 2020 })
    expect((await calls.get('/console/api/keys')).body).toEqual({ keys: [] })
    expect(await calls.delete(`/console/api/keys/${made.id}`)).toMatchObject({ status: 404 })
  })
})
