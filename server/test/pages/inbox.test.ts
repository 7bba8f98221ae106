import { describe, expect, it } from 'vitest'
import { startTestApp } from '../support/app.ts'
import { hasBrowser, openPage, readClipboard } from './browser.ts'

describe.skipIf(!hasBrowser)('the inbox page', () => {
  it('says how to get a first message, and shows it when it arrives', async () => {
    await using app = await startTestApp()
    await using browser = await openPage()
    const { page } = browser
    await page.goto(`${app.url}/inbox`)
    await page.getByText('No messages yet').waitFor()
    expect(await page.locator('#command').textContent()).toContain(`${app.url}/api/v3/send-sms`)

    await app.sendSms('CHANNEL_BIND_PHONE', '18812345678')

    const code = await app.lastCode('18812345678')
    const message = page.getByRole('listitem')
    await message.waitFor()
    expect(await message.locator('.digits').textContent()).toBe(code)
    expect(await message.textContent()).toContain('+86 188 1234 5678')
    expect(await message.textContent()).toContain('Bind phone')
    expect(await page.getByText('No messages yet').isVisible()).toBe(false)
    expect(await page.getByRole('status').textContent()).toContain([...code].join(' '))
    expect(browser.faults).toEqual([])
    expect(browser.hosts()).toEqual(new Set([new URL(app.url).host]))
  })

  it('puts the newest message first and moves none that stands', async () => {
    await using app = await startTestApp()
    await using browser = await openPage()
    const { page } = browser
    await app.sendSms('CHANNEL_LOGIN', '18812345678')
    await app.sendSms('CHANNEL_REGISTER', '18812345678')
    await page.goto(`${app.url}/inbox`)
    const older = page.getByRole('listitem').first()
    await older.waitFor()
    await page.evaluate("document.querySelector('.code').focus()")

    await app.sendEmail('CHANNEL_BIND_EMAIL', 'ada@example.com')

    await page.getByText('ada@example.com').first().waitFor()
    const purposes = await page.locator('#messages .purpose').allTextContents()
    expect(purposes[0]).toBe('Bind email')
    expect(purposes[1]).toBe('Sign up')
    expect(
      await page.evaluate("document.activeElement.closest('li') === document.querySelectorAll('li')[1]"),
    ).toBe(true)
  })

  it('copies a code with one click and says so', async () => {
    await using app = await startTestApp()
    await using browser = await openPage()
    const { page } = browser
    await app.sendSms('CHANNEL_BIND_PHONE', '18812345678')
    await page.goto(`${app.url}/inbox`)

    await page.getByRole('button', { name: /^Copy code/ }).click()

    await page.getByText('Copied ✓').waitFor()
    expect(await readClipboard(page)).toBe(await app.lastCode('18812345678'))
  })

  it('copies where the browser has no clipboard API, as over plain HTTP', async () => {
    await using app = await startTestApp()
    await using browser = await openPage()
    const { page } = browser
    await app.sendSms('CHANNEL_BIND_PHONE', '18812345678')
    await page.addInitScript("Object.defineProperty(navigator, 'clipboard', { value: undefined })")
    await page.goto(`${app.url}/inbox`)

    await page.getByRole('button', { name: /^Copy code/ }).click()

    await page.getByText('Copied ✓').waitFor()
    const field = page.getByLabel('Filter by recipient')
    await field.focus()
    await page.keyboard.press('Control+V')
    expect(await field.inputValue()).toBe(await app.lastCode('18812345678'))
  })

  it('filters while one types, and keeps the filter in its address', async () => {
    await using app = await startTestApp()
    await using browser = await openPage()
    const { page } = browser
    await app.sendSms('CHANNEL_BIND_PHONE', '18812345678')
    await app.sendEmail('CHANNEL_BIND_EMAIL', 'ada@example.com')
    await page.goto(`${app.url}/inbox`)
    const visible = page.locator('#messages li:visible .recipient')
    await visible.nth(1).waitFor()

    await page.getByLabel('Filter by recipient').fill('188 1234')
    expect(await visible.allTextContents()).toEqual(['+86 188 1234 5678'])
    expect(new URL(page.url()).searchParams.get('to')).toBe('188 1234')

    await page.getByLabel('Filter by recipient').fill('bob')
    expect(await visible.count()).toBe(0)
    await page.getByText('No message for “bob”').waitFor()

    await page.goto(`${app.url}/inbox?to=ada`)
    await visible.first().waitFor()
    expect(await visible.allTextContents()).toEqual(['ada@example.com'])
    expect(await page.getByLabel('Filter by recipient').inputValue()).toBe('ada')
  })

  it('shows hostile text as text', async () => {
    await using app = await startTestApp()
    await using browser = await openPage()
    const { page } = browser
    const hostile = '</li><img src=x onerror="document.title=1"><script>document.title=1</script>'
    const message = { id: '1', to: hostile, text: hostile, passCode: hostile, channel: hostile }
    await page.route('**/inbox/messages', (route) =>
      route.fulfill({ json: { messages: [{ ...message, createdAt: '2026-03-02T09:30:00.000Z' }] } }),
    )

    await page.goto(`${app.url}/inbox?to=${encodeURIComponent('<img src=x>')}`)
    await page.getByText('<img src=x>').first().waitFor()
    await page.getByRole('button', { name: 'Show all messages' }).click()

    expect(await page.locator('#messages .text').textContent()).toBe(hostile)
    expect(await page.locator('#messages img, #messages script, main img').count()).toBe(0)
    expect(await page.title()).toBe('Inbox · Dialtone')
    expect(browser.faults).toEqual([])
  })

  it('says when the server is away, and goes on when it is back', async () => {
    await using app = await startTestApp()
    await using browser = await openPage()
    const { page } = browser
    await app.sendSms('CHANNEL_BIND_PHONE', '18812345678')
    await page.goto(`${app.url}/inbox`)
    await page.getByRole('listitem').waitFor()

    await page.route('**/inbox/messages', (route) => route.abort())
    await page.getByRole('alert').waitFor()
    expect(await page.getByRole('listitem').count()).toBe(1)

    await page.unroute('**/inbox/messages')
    await page.getByRole('alert').waitFor({ state: 'hidden' })
    await page.getByText('Listening').waitFor()
  })
})

describe('the files of the inbox page', () => {
  it('come with a policy that lets nothing else run or load', async () => {
    await using app = await startTestApp()

    const { headers } = await fetch(`${app.url}/inbox`)

    expect(headers.get('content-security-policy')).toContain("default-src 'none'; script-src 'self'")
    expect(headers.get('content-security-policy')).not.toContain('unsafe')
    expect(headers.get('x-content-type-options')).toBe('nosniff')
    expect(headers.get('referrer-policy')).toBe('no-referrer')
  })

  it('do not exist where the inbox is off', async () => {
    await using app = await startTestApp({ DIALTONE_INBOX: 'off' })

    for (const path of ['/inbox', '/inbox/inbox.js', '/inbox/messages']) {
      expect((await fetch(`${app.url}${path}`)).status).toBe(404)
    }
  })
})
