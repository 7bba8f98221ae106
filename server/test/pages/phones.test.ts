import { describe, expect, it } from 'vitest'
import { type Emulator, startEmulator } from '../../../sms-emulator/src/emulator.ts'
import { hasBrowser, openPage, readClipboard } from './browser.ts'

const phone = '+8618812345678'

const send = async (emulator: Emulator, form: Record<string, string> = {}): Promise<number> => {
  const { accountSid, authToken } = emulator.accounts.twilio
  const { status } = await fetch(`${emulator.url}/2010-04-01/Accounts/${accountSid}/Messages.json`, {
    method: 'POST',
    headers: { authorization: `Basic ${Buffer.from(`${accountSid}:${authToken}`).toString('base64')}` },
    body: new URLSearchParams({
      From: '+15005550006',
      To: phone,
      Body: 'Your code is 314159. It is valid for 5 minutes.',
      ...form,
    }),
  })
  return status
}

const start = () => startEmulator({ receiptAfterMilliseconds: 0 })

describe.skipIf(!hasBrowser)('the page of the phones', () => {
  it('says how to get a first message, and shows it when it arrives', async () => {
    await using emulator = await start()
    await using browser = await openPage()
    const { page } = browser
    await page.goto(emulator.url)
    await page.getByText('No messages yet').waitFor()
    await page.getByText(`curl ${emulator.url}/2010-04-01/`).waitFor()

    await send(emulator)

    const shown = page.getByRole('article')
    await shown.waitFor()
    expect(await shown.getByRole('heading').textContent()).toBe('+86 188 1234 5678')
    expect(await shown.locator('.digits').textContent()).toBe('314159')
    expect(await shown.locator('.meta').textContent()).toContain('TwilioSMS+15005550006')
    expect(await page.getByText('No messages yet').isVisible()).toBe(false)
    expect(await page.getByRole('status').textContent()).toContain('3 1 4 1 5 9')
    expect(browser.faults).toEqual([])
    expect(browser.hosts()).toEqual(new Set([new URL(emulator.url).host]))
  })

  it('gives each number a phone, the newest message first, and moves none that stands', async () => {
    await using emulator = await start()
    await using browser = await openPage()
    const { page } = browser
    await send(emulator, { Body: 'the first' })
    await send(emulator, { Body: 'to another', To: '+447700900123' })
    await page.goto(emulator.url)
    const numbers = page.getByRole('article').getByRole('heading')
    await numbers.nth(1).waitFor()
    const before = await numbers.allTextContents()

    await send(emulator, { Body: 'the second' })

    await page.getByText('the second', { exact: true }).waitFor()
    const texts = page.getByRole('article').filter({ hasText: '188 1234' }).locator('.text')
    expect(await texts.allTextContents()).toEqual(['the second', 'the first'])
    expect(before).toEqual(['+447700900123', '+86 188 1234 5678'])
    expect(await numbers.allTextContents()).toEqual(before)
  })

  it('reads a code that a voice spells, and shows none where there is none', async () => {
    await using emulator = await start()
    await using browser = await openPage()
    const { page } = browser
    await send(emulator, { Body: 'Your code is 1, 4, 1, 4, 2, 1.' })
    await send(emulator, { Body: 'Your number +447700900123 was removed.', To: '+447700900123' })

    await page.goto(emulator.url)

    await page.getByText('was removed').waitFor()
    expect(await page.locator('.code:visible .digits').allTextContents()).toEqual(['141421'])
  })

  it('copies a code with one click and says so', async () => {
    await using emulator = await start()
    await using browser = await openPage()
    const { page } = browser
    await send(emulator)
    await page.goto(emulator.url)

    await page.getByRole('button', { name: 'Copy code 3 1 4 1 5 9' }).click()

    await page.getByText('Copied ✓').waitFor()
    expect(await readClipboard(page)).toBe('314159')
  })

  it('finds phones and texts while one types, and keeps the search in its address', async () => {
    await using emulator = await start()
    await using browser = await openPage()
    const { page } = browser
    await send(emulator)
    await send(emulator, { To: '+447700900123', Body: 'Welcome' })
    await page.goto(emulator.url)
    const visible = page.locator('.phone:visible .number')
    await visible.nth(1).waitFor()
    const field = page.getByLabel('Find a phone or a text')

    await field.fill('188-1234')
    expect(await visible.allTextContents()).toEqual(['+86 188 1234 5678'])
    expect(new URL(page.url()).searchParams.get('to')).toBe('188-1234')

    await field.fill('welcome')
    expect(await visible.allTextContents()).toEqual(['+447700900123'])

    await field.fill('nobody')
    await page.getByText('No phone or text with “nobody”').waitFor()
    await page.getByRole('button', { name: 'Show all phones' }).click()
    expect(await visible.count()).toBe(2)
  })

  it('clears all phones', async () => {
    await using emulator = await start()
    await using browser = await openPage()
    const { page } = browser
    await send(emulator)
    await page.goto(emulator.url)
    await page.getByRole('article').waitFor()

    await page.getByRole('button', { name: 'Clear all phones' }).click()

    await page.getByText('No messages yet').waitFor()
    expect(emulator.messages()).toEqual([])
  })

  it('switches a fault on and off for one service, with the keyboard alone', async () => {
    await using emulator = await start()
    await using browser = await openPage()
    const { page } = browser
    await page.goto(emulator.url)
    await page.locator('summary', { hasText: 'refuse' }).focus()
    await page.keyboard.press('Enter')
    await page.locator('.fault[open]').getByLabel('Code').fill('21614')
    const twilio = page.getByRole('group', { name: 'Services of refuse' }).getByRole('button', {
      name: 'twilio',
    })

    await twilio.press('Space')
    await page.getByRole('button', { name: 'twilio', pressed: true }).waitFor()
    const refused = await send(emulator)
    await page.getByRole('button', { name: 'Switch all off' }).press('Enter')
    await page.getByRole('button', { name: 'twilio', pressed: true }).waitFor({ state: 'hidden' })
    const accepted = await send(emulator)

    expect([refused, accepted]).toEqual([400, 201])
  })

  it('shows that a fault has come to its end', async () => {
    await using emulator = await start()
    await using browser = await openPage()
    const { page } = browser
    emulator.setFaults([{ kind: 'throttle', service: 'twilio', times: 1 }])
    await page.goto(emulator.url)
    const throttle = page.locator('.fault', { hasText: 'throttle' })
    await throttle.getByText('twilio', { exact: true }).first().waitFor()

    await send(emulator)

    await expect.poll(() => throttle.locator('.on').textContent()).toBe('')
  })

  it('shows a receipt that could not be given', async () => {
    await using emulator = await start()
    await using browser = await openPage()
    const { page } = browser
    await send(emulator, { StatusCallback: 'http://127.0.0.1:9/receipts' })

    await page.goto(emulator.url)

    await page.getByText('One receipt could not be given:').waitFor()
    expect(await page.locator('#failures-list').textContent()).toContain('Twilio, +86 188 1234 5678')
  })

  it('copies the settings of a provider', async () => {
    await using emulator = await start()
    await using browser = await openPage()
    const { page } = browser
    await page.goto(emulator.url)

    await page.locator('summary', { hasText: 'twilio' }).last().click()
    await page.locator('.account[open]').getByRole('button', { name: 'Copy' }).click()

    await page.getByText('Copied ✓').waitFor()
    const { accountSid, authToken } = emulator.accounts.twilio
    expect(JSON.parse(await readClipboard(page))).toMatchObject({
      accountSid,
      authToken,
      endpoint: emulator.url,
    })
  })

  it('shows hostile text as text', async () => {
    await using emulator = await start()
    await using browser = await openPage()
    const { page } = browser
    const hostile = '</li><img src=x onerror="document.title=1"><script>document.title=1</script>'
    await page.route('**/emulator/messages', (route) =>
      route.fulfill({
        json: {
          messages: [
            {
              id: '1',
              to: hostile,
              from: hostile,
              text: hostile,
              service: hostile,
              channel: hostile,
              receivedAt: '2026-03-02T09:30:00.000Z',
            },
          ],
          receiptFailures: [{ service: hostile, to: hostile, reason: hostile, at: hostile }],
        },
      }),
    )

    await page.goto(`${emulator.url}/?to=${encodeURIComponent('<img src=x>')}`)
    await page.getByText('“<img src=x>”').waitFor()
    await page.getByRole('button', { name: 'Show all phones' }).click()

    expect(await page.locator('.message .text').textContent()).toBe(hostile)
    expect(await page.locator('main img, main script').count()).toBe(0)
    expect(await page.title()).toBe('Phones · SMS emulator')
    expect(browser.faults).toEqual([])
  })

  it('says when the emulator is away, and goes on when it is back', async () => {
    await using emulator = await start()
    await using browser = await openPage()
    const { page } = browser
    await send(emulator)
    await page.goto(emulator.url)
    await page.getByRole('article').waitFor()

    await page.route('**/emulator/messages', (route) => route.abort())
    await page.getByText('The emulator does not answer.').waitFor()
    expect(await page.getByRole('article').count()).toBe(1)

    await page.unroute('**/emulator/messages')
    await page.getByText('The emulator does not answer.').waitFor({ state: 'hidden' })
    await page.getByText('Listening').waitFor()
  })

  it.each([
    [1280, 900],
    [390, 844],
    [320, 640],
  ])('fits a window of %i by %i', async (width, height) => {
    await using emulator = await start()
    await using browser = await openPage()
    const { page } = browser
    await send(emulator, { Body: `A word without end: ${'a'.repeat(200)} 314159` })
    await page.setViewportSize({ width, height })

    await page.goto(emulator.url)
    await page.getByRole('article').waitFor()

    expect(await page.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(width)
  })
})
