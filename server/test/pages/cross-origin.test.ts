import { describe, expect, it } from 'vitest'
import { startTestApp, type TestApp } from '../support/app.ts'
import { listenHttp } from '../support/http-server.ts'
import { hasBrowser, openPage } from './browser.ts'

const production = {
  NODE_ENV: 'production',
  DIALTONE_PUBLIC_URL: 'https://login.example.com',
  // The test's own database is used; production asks for one by name.
  DIALTONE_DATABASE_URL: 'postgres://unused.test/dialtone',
}

/** An empty page of another origin, in a browser. */
const openSite = async () => {
  const site = await listenHttp((_request, response) => {
    response
      .setHeader('content-type', 'text/html')
      .end('<!doctype html><title>Shop</title><link rel="icon" href="data:,">')
  })
  const browser = await openPage()
  await browser.page.goto(site.url)

  return {
    origin: site.url,
    /** What a script of the page gets to read: the status of the reply, or `kept back`. */
    call: (url: string, init: object = {}): Promise<number | string> =>
      browser.page.evaluate(`fetch(${JSON.stringify(url)}, ${JSON.stringify(init)}).then(
        async (reply) => (await reply.json()).statusCode ?? reply.status,
        () => 'kept back',
      )`),
    [Symbol.asyncDispose]: async () => {
      await browser[Symbol.asyncDispose]()
      await site[Symbol.asyncDispose]()
    },
  }
}

const profileOf = async (app: TestApp) => {
  const { token } = await app.signUp()
  return {
    url: `${app.url}/api/v3/get-profile`,
    init: {
      headers: {
        authorization: token,
        'x-authing-app-id': app.application.id,
        'x-authing-lang': 'en-US',
        'x-authing-sdk-version': '0.1.0',
        'x-authing-request-from': 'dialtone-sdk',
      },
    },
  }
}

describe.skipIf(!hasBrowser)('a browser', () => {
  it('lets a page read the profile where the application allows its origin, and keeps it back elsewhere', async () => {
    await using app = await startTestApp(production)
    await using site = await openSite()
    const { url, init } = await profileOf(app)

    const before = await site.call(url, init)
    await app.app.applications.change(app.application, { allowedOrigins: [site.origin] })
    const after = await site.call(url, init)

    expect(before).toBe('kept back')
    expect(after).toBe(200)
  })

  it('lets a page of the developer’s own machine call at once, outside production', async () => {
    await using app = await startTestApp()
    await using site = await openSite()
    const { url, init } = await profileOf(app)

    expect(await site.call(url, init)).toBe(200)
  })

  it('shows a page neither the inbox nor the console, and brings no cookies', async () => {
    await using app = await startTestApp()
    await using site = await openSite()
    const { url, init } = await profileOf(app)
    await app.app.applications.change(app.application, { allowedOrigins: ['*'] })

    expect(await site.call(`${app.url}/inbox/messages?to=%2B8618812345678`)).toBe('kept back')
    expect(await site.call(`${app.url}/console/api/me`)).toBe('kept back')
    expect(await site.call(`${app.url}/openapi.json`)).toBe('kept back')
    expect(await site.call(url, { ...init, credentials: 'include' })).toBe('kept back')
    expect(await site.call(`${app.url}/api/v3/system`)).not.toBe('kept back')
  })
})
