import type { Page } from 'playwright-core'
import { describe, expect, it } from 'vitest'
import { startTestApp, type TestApp } from '../support/app.ts'
import { hasBrowser, openPage } from './browser.ts'

/** The explorer with the application filled in. */
const openExplorer = async (page: Page, app: TestApp) => {
  await page.route('**/explorer/presets.json', (route) =>
    route.fulfill({ json: { applicationId: app.application.id } }),
  )
  await page.goto(`${app.url}/explorer`)
  await page.locator('#operations-Phone-bindPhone').waitFor()
}

/** Opens an operation, sends its first example, and gives the reply. */
const tryOut = async (page: Page, operation: string) => {
  const block = page.locator(`[id^=operations-][id$=-${operation}]`)
  await block.locator('.opblock-summary-control').click()
  await block.getByRole('button', { name: 'Execute' }).click()
  const reply = await block.locator('.live-responses-table .microlight, .live-responses-table code').first()
  return JSON.parse((await reply.textContent()) ?? '')
}

describe.skipIf(!hasBrowser)('the explorer', () => {
  it('loads from this server alone and sends a code with the example of send-sms as it stands, without a fault', async () => {
    await using app = await startTestApp()
    await using browser = await openPage()
    await openExplorer(browser.page, app)

    const reply = await tryOut(browser.page, 'sendSms')

    expect(reply).toMatchObject({ statusCode: 200 })
    expect(await app.readInbox('+8618812345678')).toMatchObject([{ channel: 'CHANNEL_BIND_PHONE' }])
    expect(browser.faults).toEqual([])
    expect(browser.hosts()).toEqual(new Set([new URL(app.url).host]))
  })

  it('carries the token of a sign-in on to the calls of a user', async () => {
    await using app = await startTestApp()
    await using browser = await openPage()
    const { page } = browser
    await openExplorer(page, app)
    await page.locator('.scheme-container .authorize').click()
    await page.locator('#auth-basic-username').fill(app.application.id)
    await page.locator('#auth-basic-password').fill(app.application.secret.reveal())
    await page.locator('.auth-container:has(#auth-basic-username) .authorize').click()
    await page.locator('.close-modal').click()

    await tryOut(page, 'signUp')
    await tryOut(page, 'signInByCredentials')
    const profile = await tryOut(page, 'getProfile')

    expect(profile).toMatchObject({ statusCode: 200, data: { username: 'ada' } })
  })
})
