import { describe, expect, it } from 'vitest'
import { type Queryable, sql } from '../../src/core/database.ts'
import { Secret } from '../../src/core/secret.ts'
import { startTestApp, type TestApp } from '../support/app.ts'
import {
  adminPassword,
  bearer,
  type ConsoleReply,
  type Credentials,
  callsWith,
  consoleOf,
  signIn,
} from '../support/console.ts'
import { atOnce } from '../support/replies.ts'

const signedOut = { status: 401, body: { statusCode: 401, apiCode: 2020 } }
const nobody = '00000000-0000-7000-8000-000000000000'
const wrong = 'a wrong password'

/** All that an answer tells, but for what differs from call to call. */
const told = ({ status, headers, body }: ConsoleReply) => {
  const { requestId: _, data, ...rest } = body
  return { status, headers: [...headers.keys()].sort(), rest, data: Object.keys(data ?? {}) }
}

const tallyStatus = (replies: readonly { status: number; apiCode?: number }[]) => {
  const counts: Record<string, number> = {}
  for (const { status, apiCode } of replies) {
    const code = `${status}/${apiCode ?? ''}`
    counts[code] = (counts[code] ?? 0) + 1
  }
  return counts
}

const post = (app: Pick<TestApp, 'post'>, password: string, headers: Record<string, string> = {}) =>
  app.post('/console/api/sessions', { username: 'admin', password }, { headers })

/** An administrator of a pool of their own, with a key. */
const otherPool = async (app: TestApp) => {
  const { application } = await app.otherApplication()
  const { poolId } = application
  await app.app.administrators.create(poolId, 'boss', new Secret('password of boss'), app.db)
  const { body } = await signIn(app, { username: 'boss', password: 'password of boss', poolId })
  const calls = callsWith(app, bearer(body.token))
  const { body: key } = await calls.post('/console/api/keys', { name: 'key of boss' })
  return { poolId, calls, key, administrator: body.administrator }
}

describe('nobody guesses their way into the console:', () => {
  it('wrong passwords, unknown administrators and unknown pools get the same answers, locked or not (rules 10 and 11)', async () => {
    await using app = await startTestApp()
    const tryOften = async (given: Credentials) => {
      const seen = []
      for (let step = 0; step < 22; step += 1)
        seen.push(told(await signIn(app, { password: wrong, ...given })))
      return seen
    }

    const known = await tryOften({})

    expect(known.map(({ rest }) => rest.apiCode)).toEqual([...Array(20).fill(2333), 2005, 2005])
    expect(known.map(({ status }) => status)).toEqual(Array(22).fill(403))
    expect(await tryOften({ username: 'nobody' })).toEqual(known)
    expect(await tryOften({ poolId: nobody })).toEqual(known)
  })

  it('an unknown administrator costs the time of a wrong password (rule 11)', async () => {
    await using app = await startTestApp(
      { DIALTONE_ADMINISTRATOR_SIGN_IN_FAILURES_HOUR: '1000' },
      { realPasswordCost: true },
    )
    const timeOf = async (username: string) => {
      const startedAt = performance.now()
      await signIn(app, { username, password: wrong })
      return performance.now() - startedAt
    }
    await timeOf('nobody')
    const [known, unknown]: [number[], number[]] = [[], []]
    for (let round = 0; round < 9; round += 1) {
      known.push(await timeOf('admin'))
      unknown.push(await timeOf('nobody'))
    }

    // Whatever else the machine does only adds. Without the decoy an unknown name is answered in a tenth of the time.
    expect(Math.min(...unknown)).toBeGreaterThan(Math.min(...known) / 2)
  })

  it('twenty wrong passwords an hour, counted by all processes together, then not even the right one', async () => {
    await using app = await startTestApp()
    const second = await app.secondProcess()
    const guesses = await atOnce(60, (index) => post(index % 2 === 0 ? app : second, `guess ${index}`))
    expect(tallyStatus(guesses)).toEqual({ '403/2333': 20, '403/2005': 40 })

    const refused = await post(second, adminPassword)

    expect(refused).toMatchObject({ status: 403, statusCode: 403, apiCode: 2005 })
    expect(refused.data.retryAfterSeconds).toBeGreaterThan(3500)
    app.clock.advance(refused.data.retryAfterSeconds)
    expect(await post(second, adminPassword)).toMatchObject({ status: 200 })
  })

  it('in upper or lower case or other characters of the same name no guess is free', async () => {
    await using app = await startTestApp({ DIALTONE_ADMINISTRATOR_SIGN_IN_FAILURES_HOUR: '3' })

    const guesses = []
    for (const username of ['admin', 'ADMIN', ' Admin ', 'ａｄｍｉｎ'])
      guesses.push((await signIn(app, { username, password: wrong })).body.apiCode)

    expect(guesses).toEqual([2333, 2333, 2333, 2005])
  })

  it('the old password in a session that was left open, no more than at the sign-in', async () => {
    await using app = await startTestApp({ DIALTONE_ADMINISTRATOR_SIGN_IN_FAILURES_HOUR: '3' })
    const calls = await consoleOf(app)
    const guess = async (oldPassword: string) =>
      (await calls.put('/console/api/me/password', { oldPassword, newPassword: 'battery staple' })).body
        .apiCode

    const guesses = [await guess('one'), await guess('two'), await guess('three'), await guess(adminPassword)]

    expect(guesses).toEqual([2333, 2333, 2333, 2005])
  })

  it('strangers who guess lock only their own network out (rule 8)', async () => {
    await using app = await startTestApp({
      DIALTONE_TRUSTED_PROXIES: '127.0.0.1',
      DIALTONE_ADMINISTRATOR_SIGN_IN_FAILURES_HOUR: '2',
    })
    const from = (address: string) => ({ 'x-forwarded-for': address })
    for (const last of ['1', '2']) await post(app, wrong, from(`2001:db8::${last}`))

    expect(await post(app, adminPassword, from('2001:db8::3'))).toMatchObject({ apiCode: 2005 })
    expect(await post(app, adminPassword, from('203.0.113.7'))).toMatchObject({ status: 200 })
  })

  it('a password that is changed while it is compared starts no session', async () => {
    await using app = await startTestApp()
    const passwordHash = await app.app.passwords.hash('battery staple')

    const { late } = await app.db.transaction(async (tx) => {
      await tx.query(sql`update administrators set password_hash = ${passwordHash}`)
      const started = { late: signIn(app) }
      while (app.db.engine === 'postgres' && !(await somebodyWaits(tx)));
      return started
    })

    expect(await late).toMatchObject({ status: 403, body: { apiCode: 2333 } })
    expect(await app.db.query(sql`select id from administrator_sessions`)).toEqual([])
  })
})

const somebodyWaits = async (tx: Queryable): Promise<boolean> => {
  await tx.query(sql`select pg_stat_clear_snapshot()`)
  const waiting = await tx.query(sql`
    select pid
      from pg_stat_activity
     where datname = current_database()
       and wait_event_type = 'Lock'`)
  return waiting.length > 0
}

describe('a token', () => {
  it.each([
    ['nothing', {}],
    ['nonsense', bearer('nonsense')],
    ['a session of nobody', bearer(`dts_${'A'.repeat(43)}`)],
    ['a key of nobody', bearer(`dtk_${'A'.repeat(43)}`)],
    ['a cookie of nobody', { cookie: `dialtone_console=dts_${'A'.repeat(43)}` }],
    ['an empty cookie', { cookie: 'dialtone_console=' }],
    ['Basic authentication', { authorization: `Basic ${btoa(`admin:${adminPassword}`)}` }],
  ])('that is %s opens nothing in the console', async (_what, headers) => {
    await using app = await startTestApp()
    const calls = callsWith(app, { 'x-dialtone-console': '1', ...headers })

    expect(await calls.get('/console/api/me')).toMatchObject(signedOut)
    expect(await calls.get('/console/api/keys')).toMatchObject(signedOut)
    expect(await calls.post('/console/api/keys', { name: 'mine' })).toMatchObject(signedOut)
    expect(await calls.delete('/console/api/sessions/current')).toMatchObject(signedOut)
  })

  it('of a session is no key, nor a key a session, nor in another case or length the same', async () => {
    await using app = await startTestApp()
    const { token, ...calls } = await consoleOf(app)
    const { key } = (await calls.post('/console/api/keys', { name: 'backup' })).body
    const forged = [
      token.replace('dts_', 'dtk_'),
      key.replace('dtk_', 'dts_'),
      token.toUpperCase(),
      `${token}A`,
      token.slice(0, -1),
      token.slice(4),
    ]

    for (const candidate of forged) {
      expect(await callsWith(app, bearer(candidate)).get('/console/api/me')).toMatchObject(signedOut)
    }
    expect((await calls.get('/console/api/me')).status).toBe(200)
  })

  it('of a user is refused by the console, and one of an administrator by the V3 API', async () => {
    await using app = await startTestApp()
    const alice = await app.signUp()
    const { token, ...calls } = await consoleOf(app)
    const { key } = (await calls.post('/console/api/keys', { name: 'backup' })).body

    expect(await callsWith(app, bearer(alice.token)).get('/console/api/me')).toMatchObject(signedOut)
    expect(await callsWith(app, bearer(alice.tokens.id_token)).get('/console/api/me')).toMatchObject(
      signedOut,
    )
    for (const written of [token, `Bearer ${token}`, key, `Bearer ${key}`]) {
      const profile = await app.get('/api/v3/get-profile', { token: written })
      expect(profile).toMatchObject({ status: 200, statusCode: 401, apiCode: 2020 })
    }
    const byCookie = await app.get('/api/v3/get-profile', {
      headers: { cookie: `dialtone_console=${token}` },
    })
    expect(byCookie).toMatchObject({ statusCode: 401, apiCode: 2020 })
  })

  it('of one pool’s administrator sees and changes nothing of another pool', async () => {
    await using app = await startTestApp()
    const admin = await consoleOf(app)
    const boss = await otherPool(app)
    const { body: ours } = await admin.post('/console/api/keys', { name: 'key of admin' })

    const seen = [await admin.get('/console/api/keys'), await boss.calls.get('/console/api/keys')]
    const revoked = [
      await admin.delete(`/console/api/keys/${boss.key.id}`),
      await boss.calls.delete(`/console/api/keys/${ours.id}`),
    ]

    expect(seen.map(({ body }) => body.keys.map(({ name }: { name: string }) => name))).toEqual([
      ['key of admin'],
      ['key of boss'],
    ])
    expect(revoked.map(({ status }) => status)).toEqual([404, 404])
    for (const { key } of [ours, boss.key]) {
      expect((await callsWith(app, bearer(key)).get('/console/api/me')).status).toBe(200)
    }
    expect(boss.administrator.poolId).toBe(boss.poolId)
  })

  it('of an administrator of another pool is not to be had without naming that pool', async () => {
    await using app = await startTestApp()
    await otherPool(app)

    const reply = await signIn(app, { username: 'boss', password: 'password of boss' })

    expect(reply).toMatchObject({ status: 403, body: { apiCode: 2333 } })
  })
})

describe('a page of another site', () => {
  it('changes nothing by the cookie that the browser sends along (ASVS 3.5.1)', async () => {
    await using app = await startTestApp()
    const { body } = await signIn(app)
    const owner = callsWith(app, bearer(body.token))
    const { body: key } = await owner.post('/console/api/keys', { name: 'backup' })
    const forger = callsWith(app, { cookie: `dialtone_console=${body.token}`, origin: 'https://evil.test' })
    const passwords = { oldPassword: adminPassword, newPassword: 'battery staple' }

    const replies = [
      await forger.post('/console/api/keys', { name: 'mine' }),
      await forger.put('/console/api/me/password', passwords),
      await forger.delete(`/console/api/keys/${key.id}`),
      await forger.delete('/console/api/sessions/current'),
    ]

    for (const reply of replies) {
      expect(reply).toMatchObject({ status: 403, body: { statusCode: 403 } })
      expect(reply.body.message).toContain('x-dialtone-console')
    }
    expect((await owner.get('/console/api/keys')).body.keys).toHaveLength(1)
    expect((await signIn(app)).status).toBe(200)
  })

  it('may not ask which headers it may send, nor read an answer', async () => {
    await using app = await startTestApp()
    const { token } = await consoleOf(app)
    const origin = 'https://evil.test'

    const asked = await fetch(`${app.url}/console/api/keys`, {
      method: 'OPTIONS',
      headers: { origin, 'access-control-request-method': 'POST' },
    })
    const read = await callsWith(app, { cookie: `dialtone_console=${token}`, origin }).get('/console/api/me')

    expect(asked.status).toBe(404)
    expect(read.status).toBe(200)
    for (const { headers } of [asked, read]) expect(headers.get('access-control-allow-origin')).toBeNull()
  })

  it('signs nobody in as its own administrator with a form', async () => {
    await using app = await startTestApp()

    const response = await fetch(`${app.url}/console/api/sessions`, {
      method: 'POST',
      body: new URLSearchParams({ username: 'admin', password: adminPassword }),
    })

    expect(response.headers.getSetCookie()).toEqual([])
  })
})

describe('a stolen key', () => {
  it('makes no keys, changes no password and ends no session; revoked, it is of no use', async () => {
    await using app = await startTestApp()
    const owner = await consoleOf(app)
    const { body: made } = await owner.post('/console/api/keys', { name: 'backup' })
    const thief = await consoleOf(app, made.key)
    const passwords = { oldPassword: adminPassword, newPassword: 'battery staple' }

    const replies = [
      await thief.post('/console/api/keys', { name: 'mine' }),
      await thief.put('/console/api/me/password', passwords),
      await thief.delete('/console/api/sessions/current'),
    ]

    expect(replies.map(({ status }) => status)).toEqual([403, 403, 403])
    expect((await owner.get('/console/api/keys')).body.keys).toHaveLength(1)
    await owner.delete(`/console/api/keys/${made.id}`)
    expect(await thief.get('/console/api/me')).toMatchObject(signedOut)
    expect((await signIn(app)).status).toBe(200)
  })
})

describe('what an administrator signs in with', () => {
  it('stands in no log line, and in the database as a hash alone (rules 12, 26 and 28)', async () => {
    await using app = await startTestApp({}, { realPasswordCost: true })
    await signIn(app, { password: wrong })
    const { token, ...calls } = await consoleOf(app)
    const { key } = (await calls.post('/console/api/keys', { name: 'backup' })).body
    const newPassword = 'battery staple'
    await calls.put('/console/api/me/password', { oldPassword: adminPassword, newPassword })
    await callsWith(app, bearer(`${key}x`)).get('/console/api/me')
    const secrets: string[] = [token, key, token.slice(4), key.slice(4), wrong, adminPassword, newPassword]

    const stored = JSON.stringify([
      await app.db.query(sql`select * from administrators`),
      await app.db.query(sql`select *, encode(token_hash, 'escape') as bytes from administrator_sessions`),
      await app.db.query(sql`select *, encode(token_hash, 'escape') as bytes from administrator_keys`),
      await app.db.query(sql`select * from audit_events`),
      await app.db.query(sql`select * from limit_counters`),
    ])

    const logged = app.lines.join('')
    expect(logged).toContain('/console/api/sessions')
    expect(stored).toContain('$argon2id$v=19$m=19456,t=2,p=1$')
    for (const secret of secrets) {
      expect(logged).not.toContain(secret)
      expect(stored).not.toContain(secret)
    }
    const hashes = await app.db.query<{ bytes: number }>(sql`
      select octet_length(token_hash) as bytes from administrator_sessions
      union all
      select octet_length(token_hash) from administrator_keys`)
    expect(hashes).toEqual([{ bytes: 32 }, { bytes: 32 }])
  })
})
