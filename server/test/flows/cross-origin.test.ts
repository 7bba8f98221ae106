// A page of a web application calls the server from its own origin. What a browser does with the headers is the Fetch
// Standard's; a browser itself is in test/pages/cross-origin.test.ts.
import { describe, expect, it } from 'vitest'
import { sql } from '../../src/core/database.ts'
import { startTestApp, type TestApp } from '../support/app.ts'
import { consoleOf } from '../support/console.ts'

const production = {
  NODE_ENV: 'production',
  DIALTONE_PUBLIC_URL: 'https://login.example.com',
  // The test's own database is used; production asks for one by name.
  DIALTONE_DATABASE_URL: 'postgres://unused.test/dialtone',
}
const page = 'https://app.example.com'
const stranger = 'https://stranger.example.org'

const preflight = (app: Pick<TestApp, 'url'>, origin: string, path = '/api/v3/bind-phone') =>
  fetch(`${app.url}${path}`, {
    method: 'OPTIONS',
    headers: {
      origin,
      'access-control-request-method': 'POST',
      'access-control-request-headers': 'authorization,content-type,x-authing-app-id',
    },
  })

const call = (app: Pick<TestApp, 'url'>, origin: string, path = '/api/v3/system', init: RequestInit = {}) =>
  fetch(`${app.url}${path}`, { ...init, headers: { ...init.headers, origin } })

const allowed = ({ headers }: { headers: Headers }) => headers.get('access-control-allow-origin')

const allow = async (app: TestApp, ...allowedOrigins: string[]) => {
  const { put } = await consoleOf(app)
  const reply = await put(`/console/api/applications/${app.application.id}/allowed-origins`, {
    allowedOrigins,
  })
  if (reply.status !== 200) throw new Error(`the origins were refused: ${JSON.stringify(reply.body)}`)
}

describe('a page of an allowed origin', () => {
  it('may send what the SDK sends, and asks again after ten minutes', async () => {
    await using app = await startTestApp()
    await allow(app, page)

    const asked = await preflight(app, page)

    const { headers } = asked
    expect(asked.status).toBe(204)
    expect(allowed(asked)).toBe(page)
    expect(headers.get('access-control-allow-methods')).toBe('GET, POST, DELETE')
    expect(headers.get('access-control-allow-headers')?.split(', ')).toEqual(
      expect.arrayContaining([
        'authorization',
        'content-type',
        'x-authing-app-id',
        'x-genauth-app-id',
        'x-authing-lang',
        'x-authing-sdk-version',
        'x-authing-request-from',
      ]),
    )
    expect(headers.get('access-control-max-age')).toBe('600')
    expect(headers.get('vary')).toBe('Origin')
  })

  it('signs a user in without a secret, binds a phone, and renews the tokens', async () => {
    await using app = await startTestApp()
    const { post } = await consoleOf(app)
    const { body: spa } = await post('/console/api/applications', {
      name: 'Shop',
      clientAuthentication: 'none',
      allowedOrigins: [page],
    })
    const alice = await app.signUp()
    const headers = { origin: page }

    const signedIn = await app.post(
      '/api/v3/signin',
      {
        connection: 'PASSWORD',
        passwordPayload: { username: alice.username, password: alice.password },
        options: { scope: 'openid offline_access' },
      },
      { appId: spa.id, headers },
    )
    const own = { appId: spa.id, token: signedIn.data.access_token as string, headers }
    await app.sendSms('CHANNEL_BIND_PHONE', alice.phone, own)
    const passCode = await app.lastCode(alice.phone)
    const bound = await app.post('/api/v3/bind-phone', { phoneNumber: alice.phone, passCode }, own)
    const renewed = await call(app, page, '/oidc/token', {
      method: 'POST',
      body: new URLSearchParams({
        grant_type: 'refresh_token',
        refresh_token: signedIn.data.refresh_token,
        client_id: spa.id,
      }),
    })

    expect([signedIn.statusCode, bound.statusCode, renewed.status]).toEqual([200, 200, 200])
    expect([allowed(signedIn), allowed(bound), allowed(renewed)]).toEqual([page, page, page])
  })

  it('reads refusals too, of paths that are unknown as well', async () => {
    await using app = await startTestApp()
    await allow(app, page)

    const refusal = await call(app, page, '/api/v3/get-profile')
    const oauthRefusal = await call(app, page, '/oidc/token', { method: 'POST', body: new URLSearchParams() })
    const unserved = await call(app, page, '/api/v3/list-roles', { method: 'POST' })
    const unknown = await call(app, page, '/oidc/nowhere')

    expect(await refusal.json()).toMatchObject({ statusCode: 401 })
    expect(oauthRefusal.status).toBe(401)
    expect(await unserved.json()).toMatchObject({ statusCode: 501 })
    expect(unknown.status).toBe(404)
    for (const reply of [refusal, oauthRefusal, unserved, unknown]) expect(allowed(reply)).toBe(page)
  })

  it('reads the keys of an application under its own path', async () => {
    await using app = await startTestApp()
    await allow(app, page)

    const keys = await call(app, page, `/${app.application.id}/oidc/.well-known/jwks.json`)

    expect(keys.status).toBe(200)
    expect(allowed(keys)).toBe(page)
    expect(allowed(await preflight(app, page, `/${app.application.id}/oidc/token`))).toBe(page)
  })

  it('is any page where * is allowed, one without an origin to speak of too', async () => {
    await using app = await startTestApp()
    await allow(app, '*')

    // Sandboxed frames and files have the origin `null`.
    expect(allowed(await call(app, stranger))).toBe('*')
    expect(allowed(await call(app, 'null'))).toBe('*')
  })

  it('is one again of a stranger as soon as the origin is taken away, in other processes after five seconds', async () => {
    await using app = await startTestApp()
    app.clock.stop()
    const second = await app.secondProcess()
    const elsewhere = { url: second.app.http.listeningOrigin }
    await allow(app, page)
    const before = [allowed(await call(app, page)), allowed(await call(elsewhere, page))]

    await allow(app)
    const atOnce = [allowed(await call(app, page)), allowed(await call(elsewhere, page))]
    app.clock.advance(6)
    const later = allowed(await call(elsewhere, page))

    expect(before).toEqual([page, page])
    expect(atOnce).toEqual([null, page])
    expect(later).toBeNull()
  })
})

describe('a page of another origin', () => {
  it('gets nothing from its browser, however much it looks like an allowed one', async () => {
    await using app = await startTestApp()
    await allow(app, page)

    for (const origin of [
      stranger,
      'https://evil.app.example.com',
      'https://app.example.com.evil.test',
      'https://evilapp.example.com',
      'http://app.example.com',
      'https://app.example.com:8443',
      'https://APP.example.com',
      'https://app.example.com/',
      `${page} ${stranger}`,
      `${page}, ${page}`,
      'null',
      '*',
    ]) {
      const asked = await preflight(app, origin)
      const called = await call(app, origin)

      expect([origin, allowed(asked), allowed(called)]).toEqual([origin, null, null])
      expect(called.headers.get('vary')).toBe('Origin')
    }
  })

  it('is not refused: the reply is the same, and the browser keeps it back', async () => {
    await using app = await startTestApp()
    await allow(app, page)

    const called = await call(app, stranger)

    expect(called.status).toBe(200)
    expect(await called.json()).toEqual(await (await call(app, page)).json())
  })

  it('is answered from memory, so that its preflights cost no query each', async () => {
    await using app = await startTestApp()
    app.clock.stop()
    await preflight(app, stranger)
    // Behind the server's back: who reads the database sees it.
    await app.db.query(sql`update applications set allowed_origins = array[${stranger}]`)

    const many = await Promise.all(Array.from({ length: 50 }, () => preflight(app, stranger)))
    app.clock.advance(6)
    const later = await preflight(app, stranger)

    expect(new Set(many.map(({ status }) => status))).toEqual(new Set([204]))
    expect(new Set(many.map(allowed))).toEqual(new Set([null]))
    expect(allowed(later)).toBe(stranger)
  })
})

describe('a request without an origin', () => {
  it('is told that replies vary by it, so that no cache gives the wrong one to a page', async () => {
    await using app = await startTestApp()
    await allow(app, page)

    const reply = await fetch(`${app.url}/api/v3/system`)

    expect(reply.headers.get('vary')).toBe('Origin')
    expect(allowed(reply)).toBeNull()
  })
})

describe('a page on the developer’s own machine', () => {
  const local = ['http://localhost', 'http://localhost:5173', 'http://127.0.0.1:8080']

  it('is allowed outside production without being listed', async () => {
    await using app = await startTestApp()

    for (const origin of local) {
      expect(allowed(await preflight(app, origin))).toBe(origin)
      expect(allowed(await call(app, origin))).toBe(origin)
    }
  })

  it('is a stranger in production until it is listed', async () => {
    await using app = await startTestApp(production)
    const before = await Promise.all(local.map((origin) => preflight(app, origin)))

    await allow(app, ...local)

    const after = await Promise.all(local.map((origin) => preflight(app, origin)))
    expect(before.map(allowed)).toEqual([null, null, null])
    expect(after.map(allowed)).toEqual(local)
  })

  it('is not taken for one by a name or address that looks alike', async () => {
    await using app = await startTestApp()

    for (const origin of [
      'https://localhost:5173',
      'http://localhost.evil.test',
      'http://localhost:5173.evil.test',
      'http://evil.localhost:5173',
      'http://127.0.0.10:5173',
      'http://192.168.0.2:5173',
    ]) {
      expect([origin, allowed(await preflight(app, origin))]).toEqual([origin, null])
    }
  })
})

describe('what is not for pages of other origins', () => {
  it('is shared with nobody, whoever is allowed: the console, the inbox, receipts, pages', async () => {
    await using app = await startTestApp()
    await allow(app, '*')

    for (const path of [
      '/console/api/me',
      '/console/api/applications',
      '/console/oidc/nowhere',
      '/%63onsole/api/me',
      '//console/api/me',
      '/inbox',
      '/inbox/messages?to=%2B8618812345678',
      '/sms/receipts/pool/provider/token',
      '/docs',
      '/docs/oidc/nowhere',
      '/explorer',
      '/explorer/presets.json',
      '/openapi.json',
      '/healthz',
      '/api/v4/anything',
      '/apixv3/anything',
      '/a/b/oidc/token',
      '/nowhere',
      '/',
    ]) {
      for (const origin of [page, 'http://localhost:5173']) {
        const asked = await preflight(app, origin, path)
        const called = await call(app, origin, path)
        const posted = await call(app, origin, path, { method: 'POST' })

        expect([path, ...[asked, called, posted].map(allowed)]).toEqual([path, null, null, null])
        expect(asked.headers.get('access-control-allow-methods')).toBeNull()
      }
    }
  })

  it('is what a browser holds for the server: no reply allows it to bring cookies', async () => {
    await using app = await startTestApp()
    await allow(app, page)

    for (const reply of [await preflight(app, page), await call(app, page)]) {
      expect(allowed(reply)).toBe(page)
      expect(reply.headers.get('access-control-allow-credentials')).toBeNull()
    }
  })
})
