import { describe, expect, it } from 'vitest'
import { startTestApp } from '../support/app.ts'
import { hasBrowser, openPage } from './browser.ts'

describe.skipIf(!hasBrowser)('the documentation in a browser', () => {
  it('is read, searched and followed where scripts are switched off', async () => {
    await using app = await startTestApp()
    await using browser = await openPage({ javaScriptEnabled: false })
    const { page } = browser
    await page.goto(`${app.url}/docs`)
    await page.getByRole('heading', { name: 'Dialtone', level: 1 }).waitFor()

    await page.getByRole('searchbox', { name: 'Search the documentation' }).fill('passcode_incorrect')
    await page.keyboard.press('Enter')
    await page.getByRole('heading', { name: 'Results for “passcode_incorrect”' }).waitFor()
    await page.locator('.results a').first().click()
    await page.getByRole('heading', { name: 'passcode_incorrect' }).waitFor()
    const found = new URL(page.url())
    await page.getByRole('navigation', { name: 'All pages' }).getByText('Calls', { exact: true }).click()
    await page.getByText('Phone', { exact: true }).click()
    await page.getByRole('link', { name: 'bindPhone', exact: true }).first().click()
    await page.getByRole('heading', { name: 'bindPhone', level: 1 }).waitFor()

    expect(found.pathname + found.hash).toBe('/docs/reference/api-codes#passcode_incorrect')
    expect(await page.locator('[aria-current=page]').textContent()).toBe('bindPhone')
    // In sight without a script that scrolls: the list of all pages is longer than the window.
    expect((await page.locator('[aria-current=page]').boundingBox())?.y).toBeLessThan(600)
    expect(await page.locator('script').count()).toBe(0)
    expect(browser.faults).toEqual([])
    expect(browser.hosts()).toEqual(new Set([new URL(app.url).host]))
  })

  it('fits a phone: what is wider scrolls inside of itself, and a menu has all pages', async () => {
    await using app = await startTestApp()
    await using browser = await openPage({ viewport: { width: 390, height: 844 }, hasTouch: true })
    const { page } = browser
    const widths: unknown[] = []
    for (const path of ['', '/reference/api-codes', '/reference/settings', '/README', '/search?q=phone']) {
      await page.goto(`${app.url}/docs${path}`)
      widths.push(await page.evaluate('document.documentElement.scrollWidth'))
    }

    await page.goto(`${app.url}/docs/reference/settings`)
    const pages = page.getByRole('navigation', { name: 'All pages' })
    const before = await pages.isVisible()
    await page.getByRole('button', { name: 'Menu' }).tap()
    await pages.getByRole('link', { name: 'Limits' }).tap()
    await page.getByRole('heading', { name: 'Limits', level: 1 }).waitFor()

    expect(widths).toEqual([390, 390, 390, 390, 390])
    expect(before).toBe(false)
    expect(await pages.isVisible()).toBe(false)
    expect(browser.faults).toEqual([])
  })

  it('is dark where the system is', async () => {
    await using app = await startTestApp()
    await using browser = await openPage({ colorScheme: 'dark' })
    const { page } = browser

    await page.goto(`${app.url}/docs`)

    expect(await page.evaluate('getComputedStyle(document.body).backgroundColor')).toBe('rgb(17, 20, 22)')
    expect(browser.faults).toEqual([])
  })

  it('is reached from the inbox and from the explorer', async () => {
    await using app = await startTestApp()
    await using browser = await openPage()
    const { page } = browser

    await page.goto(`${app.url}/explorer`)
    const address = await page.getByRole('link', { name: 'The documentation' }).getAttribute('href')
    await page.goto(`${app.url}/inbox`)
    await page.getByRole('link', { name: 'Documentation' }).click()
    await page.waitForURL(`${app.url}/docs`)

    expect(address).toBe('/docs')
    expect(browser.faults).toEqual([])
  })
})

describe('the documentation over HTTP', () => {
  it('is for everybody, in production too, under a policy that lets no script run', async () => {
    await using app = await startTestApp({
      NODE_ENV: 'production',
      DIALTONE_PUBLIC_URL: 'https://login.example.com',
      // The test’s own database is used; production asks for one by name.
      DIALTONE_DATABASE_URL: 'postgres://unused.test/dialtone',
    })

    for (const path of [
      '/docs',
      '/docs/guides/sms',
      '/docs/search?q=sms',
      '/docs/docs.css',
      '/docs/no-page',
    ]) {
      const { headers } = await fetch(`${app.url}${path}`)

      expect(headers.get('content-security-policy')).toBe(
        "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
      )
      expect(headers.get('x-content-type-options')).toBe('nosniff')
      expect(headers.get('referrer-policy')).toBe('no-referrer')
      expect(headers.get('cache-control')).toBe('no-cache')
    }
    expect((await fetch(`${app.url}/docs/guides/sms`)).status).toBe(200)
  })

  it.each([
    ['/docs/reference/api-codes', 'text/html; charset=utf-8'],
    ['/docs/images/inbox.png', 'image/png'],
    ['/docs/guides/sms-configuration.example.json', 'application/json; charset=utf-8'],
    ['/docs/docs.css', 'text/css; charset=utf-8'],
    ['/docs/icon.svg', 'image/svg+xml'],
  ])('%s comes as what it is, and once as long as it does not change', async (path, type) => {
    await using app = await startTestApp()
    const first = await fetch(`${app.url}${path}`)
    const etag = first.headers.get('etag') ?? ''

    const again = await fetch(`${app.url}${path}`, { headers: { 'if-none-match': etag } })
    const head = await fetch(`${app.url}${path}`, { method: 'HEAD' })

    expect({ status: first.status, type: first.headers.get('content-type') }).toEqual({ status: 200, type })
    expect({ status: again.status, body: await again.text() }).toEqual({ status: 304, body: '' })
    expect({ status: head.status, body: await head.text() }).toEqual({ status: 200, body: '' })
    expect(head.headers.get('content-length')).toBe(String((await first.arrayBuffer()).byteLength))
  })

  it.each([
    '/docs/..%2fpackage.json',
    '/docs/..%2f..%2f..%2fetc%2fpasswd',
    '/docs/%2e%2e%2fpackage.json',
    '/docs/..%5cpackage.json',
    '/docs/%2fetc%2fpasswd',
    '/docs/images/..%2f..%2fserver%2fpackage.json',
    '/docs/guides/sms%00.md',
    '/docs/data/credentials.json',
    '/docs/.git/config',
  ])('has nothing at %s', async (path) => {
    await using app = await startTestApp()

    const response = await fetch(`${app.url}${path}`)

    expect(response.status).toBe(404)
    expect(await response.text()).toContain('<h1>No such page</h1>')
  })

  it.each(['', '?q', '?q=', '?q=a&q=b', '?q[a]=b', '?other=1', `?q=${'x'.repeat(500)}`, '?q=%00%ff'])(
    'answers a search with a page: %s',
    async (query) => {
      await using app = await startTestApp()

      const response = await fetch(`${app.url}/docs/search${query}`)

      expect(response.status).toBe(200)
      expect(await response.text()).toContain('<main')
    },
  )

  it('leads another spelling of a path to the page', async () => {
    await using app = await startTestApp()

    const response = await fetch(`${app.url}/docs/guides/sms.md`)

    expect(response.url).toBe(`${app.url}/docs/guides/sms`)
    expect(response.status).toBe(200)
  })

  it('is no part of the API document, and no search stands in the log', async () => {
    await using app = await startTestApp()
    await fetch(`${app.url}/docs/search?q=zzyzxqw`)

    const { paths } = (await (await fetch(`${app.url}/openapi.json`)).json()) as { paths: object }

    expect(Object.keys(paths).filter((path) => path.startsWith('/docs'))).toEqual([])
    expect(app.lines.filter((line) => line.includes('zzyzxqw'))).toEqual([])
    expect(app.lines.some((line) => line.includes('"/docs/search"'))).toBe(true)
  })
})
