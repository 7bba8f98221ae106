import { describe, expect, it } from 'vitest'
import { newPhone, startTestApp, type TestApp } from '../support/app.ts'
import { linkTo } from '../support/notices.ts'
import {
  personWithEmail,
  phoneOf,
  provenChange,
  signInByPhone,
  updatePhone,
} from '../support/phone-changes.ts'
import { hasBrowser, openPage } from './browser.ts'

const changedPerson = async (app: TestApp) => {
  const ada = await personWithEmail(app, 'ada@example.com')
  const number = newPhone()
  await updatePhone(app, ada.token, await provenChange(app, ada, number))
  const link = await linkTo(app, 'ada@example.com', 'phone_changed')
  return { ...ada, number, path: new URL(link).pathname }
}

describe.skipIf(!hasBrowser)('the page of a notice', () => {
  it('undoes the change with one button, also where scripts are switched off', async () => {
    await using app = await startTestApp()
    const { phone, number, path } = await changedPerson(app)
    await using browser = await openPage({ javaScriptEnabled: false })
    const { page } = browser

    await page.goto(`${app.url}${path}`)
    const asked = await page.locator('main').textContent()
    await page.getByRole('button', { name: 'It was not me: undo it' }).click()
    await page.getByRole('heading', { name: 'It is undone' }).waitFor()

    expect(asked).toContain(`+86*******${phone.slice(-2)}`)
    expect(asked).toContain(`+86*******${number.slice(-2)}`)
    expect(await page.locator('button').count()).toBe(0)
    expect(await phoneOf(app, await signInByPhone(app, phone))).toBe(phone)
    expect(browser.faults).toEqual([])
    expect(browser.hosts()).toEqual(new Set([new URL(app.url).host]))
  })

  it('is reached from the inbox by a link, where a notice shows no code', async () => {
    await using app = await startTestApp()
    const { path } = await changedPerson(app)
    await using browser = await openPage()
    const { page } = browser

    await page.goto(`${app.url}/inbox?to=ada@example.com`)
    const notice = page.getByRole('listitem').filter({ hasText: 'Phone changed' })
    await notice.waitFor()

    expect(await notice.getByRole('button').count()).toBe(0)
    const address = await notice.getByRole('link').getAttribute('href')
    expect(new URL(address ?? '').pathname).toBe(path)
    expect(browser.faults).toEqual([])
  })
})
