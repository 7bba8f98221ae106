// The example of the SDK, `sdk/examples/bind-phone`, in a browser: its page on one origin, the server on another.
import { describe, expect, it } from 'vitest'
import { otherCode, startTestApp, type TestApp } from '../support/app.ts'
import { hasBrowser, openPage } from './browser.ts'
import { type Example, openExample, readOneTimeCode } from './example.ts'

const isBound = async (example: Example) => {
  await example.bound.waitFor()
  expect(await example.bound.textContent()).toContain(`+86 ${example.phoneNumber}`)
  expect(await example.bound.textContent()).toContain('ada')
}

/** Of the one call of a path. */
const bodyOf = (example: Example, path: string) =>
  example
    .calls()
    .find((request) => request.url().endsWith(path))
    ?.postDataJSON()

describe('the phone of these tests', () => {
  it('reads a code as the specification’s parser does', () => {
    expect(readOneTimeCode('Your code is 1.\r\n@shop.example #123456')).toEqual({
      host: 'shop.example',
      code: '123456',
    })
    expect(readOneTimeCode('@shop.example #123456 and more')).toEqual({
      host: 'shop.example',
      code: '123456',
    })
    for (const message of [
      'Your code is 123456.',
      'Code @shop.example #123456',
      '@shop.example  #123456',
      '@shop.example code #123456',
      '#123456 @shop.example',
      '@shop.example #123456\nGoodbye.',
      '@shop.example #123456 @frame.example',
    ]) {
      expect([message, readOneTimeCode(message)]).toEqual([message, undefined])
    }
  })
})

describe.skipIf(!hasBrowser)('the example, where the browser receives the SMS', () => {
  it('binds the phone though nobody types a code', async () => {
    await using app = await startTestApp()
    await using example = await openExample(app)
    await example.signUp()

    await example.send()

    await isBound(example)
    const passCode = await app.lastCode(example.phoneNumber)
    expect(bodyOf(example, '/bind-phone')).toEqual({
      phoneCountryCode: '+86',
      phoneNumber: example.phoneNumber,
      passCode,
    })
    expect(example.phone).toEqual({ asked: 1, aborted: [], withheld: [] })
    expect(example.faults).toEqual([])
  })

  it('calls the other origin with the application’s id, the token in a header, and no cookie', async () => {
    await using app = await startTestApp()
    await using example = await openExample(app)
    const { page } = example
    // What the browser holds for the server's own pages stays at home.
    await page.context().addCookies([{ name: 'session', value: 'of-the-console', url: app.url }])
    await example.signUp()
    await example.send()
    await isBound(example)

    const calls = await Promise.all(
      example.calls().map(async (request) => ({
        path: new URL(request.url()).pathname.replace('/api/v3/', ''),
        headers: await request.allHeaders(),
      })),
    )

    expect(calls.map(({ path }) => path)).toEqual([
      'get-country-list',
      'signup',
      'signin',
      'get-profile',
      'send-sms',
      'bind-phone',
      'get-profile',
    ])
    for (const { headers } of calls) {
      expect(headers['origin']).toBe(example.origin)
      expect(headers['x-authing-app-id']).toBe(example.appId)
      expect(headers['cookie']).toBeUndefined()
    }
    for (const { headers } of calls.slice(3)) expect(headers['authorization']).toMatch(/^eyJ/)
    for (const { headers } of calls.slice(0, 3)) expect(headers['authorization']).toBeUndefined()
    expect(bodyOf(example, '/signin')).not.toHaveProperty('client_secret')
    expect(example.hosts()).toEqual(new Set([new URL(example.origin).host, new URL(app.url).host]))
    expect(await page.evaluate('[localStorage.length, sessionStorage.length, document.cookie]')).toEqual([
      0,
      0,
      '',
    ])
  })

  it('is handed no code of a message that names another host', async () => {
    await using app = await startTestApp()
    await using example = await openExample(app, { webOtpHost: 'shop.example.com' })
    await example.signUp()

    await example.send()

    await expect.poll(() => example.phone.withheld.length).toBe(1)
    expect(example.phone.withheld[0]).toContain('\n@shop.example.com #')
    expect(await example.codeField.inputValue()).toBe('')
    expect(await example.bound.isVisible()).toBe(false)
    expect(example.phone.aborted).toEqual([])
  })

  it('is handed no code of a message that names no host', async () => {
    await using app = await startTestApp()
    await using example = await openExample(app, { webOtpHost: '' })
    await example.signUp()

    await example.send()

    await expect.poll(() => example.phone.withheld.length).toBe(1)
    expect(example.phone.withheld[0]).not.toContain('@')
    expect(await example.codeField.inputValue()).toBe('')
    expect(await example.bound.isVisible()).toBe(false)
  })

  it('stops waiting when the person types the code', async () => {
    await using app = await startTestApp()
    await using example = await openExample(app, { hasSignal: false })
    await example.signUp()
    await example.send()
    await example.page.getByText('Waiting for the SMS').first().waitFor()

    await example.type(await app.lastCode(example.phoneNumber))

    await isBound(example)
    expect(example.phone).toEqual({ asked: 1, aborted: ['AbortError'], withheld: [] })
    expect(example.faults).toEqual([])
  })

  it('stops waiting when the person goes back to give another number', async () => {
    await using app = await startTestApp()
    await using example = await openExample(app, { hasSignal: false })
    await example.signUp()
    await example.send()

    await example.page.getByRole('button', { name: 'Other number' }).click()

    await expect.poll(() => example.phone.aborted).toEqual(['AbortError'])
    expect(await example.page.getByLabel('Phone number').isVisible()).toBe(true)
    expect(await example.codeField.isVisible()).toBe(false)
  })

  it('binds the phone by the second message where the first was lost', async () => {
    await using app = await startTestApp()
    await using example = await openExample(app, { hasSignal: false })
    await example.signUp()
    await example.send()
    await example.codeField.waitFor()
    app.clock.advance(61)

    example.findSignal()
    await example.page.getByRole('button', { name: 'Send again' }).click()

    await isBound(example)
    expect(example.phone).toEqual({ asked: 2, aborted: ['AbortError'], withheld: [] })
    expect(example.faults).toEqual([])
  })

  it('does not say that it waits after a code that was wrong, for then it does not', async () => {
    await using app = await startTestApp()
    await using example = await openExample(app, { hasSignal: false })
    await example.signUp()
    await example.send()
    await example.page.getByText('Waiting for the SMS').first().waitFor()
    const code = await app.lastCode(example.phoneNumber)

    await example.type(otherCode(code))

    await example.page.locator('#passCode-fault').waitFor()
    expect(await example.page.locator('#waiting').textContent()).toBe('Type the code, or send it again.')
    expect(example.phone.aborted).toEqual(['AbortError'])
    await example.type(code)
    await isBound(example)
  })

  it('stops waiting when another server is named', async () => {
    await using app = await startTestApp()
    await using example = await openExample(app, { hasSignal: false })
    await example.signUp()
    await example.send()
    await example.codeField.waitFor()

    await example.useServer()

    await expect.poll(() => example.phone.aborted).toEqual(['AbortError'])
    expect(await example.page.getByLabel('Username').isVisible()).toBe(true)
  })

  it('stops waiting when no SMS is sent', async () => {
    await using app = await startTestApp()
    await using example = await openExample(app)
    await example.signUp()

    await example.send('12')

    await expect.poll(() => example.phone.aborted).toEqual(['AbortError'])
  })
})

describe.skipIf(!hasBrowser)('the example, where it does not', () => {
  it('binds the phone with the code that the person types', async () => {
    await using app = await startTestApp()
    await using example = await openExample(app, { browser: 'without WebOTP' })
    await example.signUp()
    await example.send()
    await example.page.getByText('Type the code').first().waitFor()

    await example.type(await app.lastCode(example.phoneNumber))

    await isBound(example)
    expect(example.faults).toEqual([])
  })

  it('has the field that Safari offers the code for', async () => {
    await using app = await startTestApp()
    await using example = await openExample(app, { browser: 'without WebOTP' })
    await example.signUp()

    await example.send()

    await example.codeField.waitFor()
    expect(await example.codeField.getAttribute('autocomplete')).toBe('one-time-code')
    expect(await example.codeField.getAttribute('inputmode')).toBe('numeric')
    expect(await example.page.evaluate('document.activeElement.id')).toBe('passCode')
  })

  it('shows the server’s words for a wrong code beside the code, which can be mended', async () => {
    await using app = await startTestApp()
    await using example = await openExample(app, { browser: 'without WebOTP' })
    const { page, codeField } = example
    await example.signUp()
    await example.send()
    await codeField.waitFor()
    const code = await app.lastCode(example.phoneNumber)

    await example.type(otherCode(code))

    const refused = page.locator('#passCode-fault')
    await refused.waitFor()
    expect(await refused.textContent()).toBe('The code is not correct: check it, or ask for a new one.')
    expect(await codeField.getAttribute('aria-invalid')).toBe('true')
    expect(await codeField.getAttribute('aria-describedby')).toBe('passCode-fault')
    expect(await codeField.inputValue()).toBe(otherCode(code))
    await example.type(code)
    await isBound(example)
  })

  it('says what is wrong with a number beside it', async () => {
    await using app = await startTestApp()
    await using example = await openExample(app, { browser: 'without WebOTP' })
    await example.signUp()

    await example.send('12')

    const field = example.page.getByLabel('Phone number')
    await example.page.locator('#phoneNumber-fault').waitFor()
    expect(await example.page.locator('#phoneNumber-fault').textContent()).toMatch(/^Check the digits/)
    expect(await field.getAttribute('aria-invalid')).toBe('true')
    expect(await example.page.evaluate('document.activeElement.id')).toBe('phoneNumber')
  })

  it('asks the server for nothing while a field is empty', async () => {
    await using app = await startTestApp()
    await using example = await openExample(app, { browser: 'without WebOTP' })
    await example.signUp()
    await example.send()
    await example.codeField.waitFor()
    const before = example.calls().length

    await example.type('')

    await example.page.locator('#passCode-fault').waitFor()
    expect(example.calls()).toHaveLength(before)
  })

  it('counts down until the code can be sent again, and sends it', async () => {
    await using app = await startTestApp()
    await using example = await openExample(app, { browser: 'without WebOTP' })
    const { page } = example
    await page.clock.install()
    await example.signUp()
    await example.send()
    await example.codeField.waitFor()
    const again = page.getByRole('button', { name: 'Send again' })

    await again.click()

    await expect.poll(() => again.textContent()).toMatch(/^Send again in (1:00|0:5\d)$/)
    expect(await again.isDisabled()).toBe(true)
    expect(await page.locator('#code-form .refusal').textContent()).toMatch(/ask again after \d+ seconds\./)
    app.clock.advance(61)
    await page.clock.runFor(61_000)
    expect(await again.textContent()).toBe('Send again')
    await again.click()
    await page.getByText('Sent again.').first().waitFor()
    expect(await app.readInbox(`+86${example.phoneNumber}`)).toHaveLength(2)
  })

  it.each(['+86 ', '0086'])(
    'takes the calling code of a whole number, and shows it once: %s',
    async (code) => {
      await using app = await startTestApp()
      await using example = await openExample(app, { browser: 'without WebOTP' })
      const { page } = example
      await example.signUp()

      await page.getByLabel('Phone number').fill(`${code}${example.phoneNumber}`)
      await page.getByRole('button', { name: 'Send the code' }).click()

      await example.codeField.waitFor()
      expect(await page.locator('#step-phone .summary').textContent()).toBe(`${code}${example.phoneNumber}`)
      await example.type(await app.lastCode(example.phoneNumber))
      await isBound(example)
    },
  )

  it('begins anew where the server is named again: nothing of the last person is left', async () => {
    await using app = await startTestApp()
    await using example = await openExample(app, { browser: 'without WebOTP' })
    await example.signUp()
    await example.send()
    await example.codeField.waitFor()
    expect(await example.page.locator('#step-phone .summary').textContent()).toBe(
      `+86 ${example.phoneNumber}`,
    )
    await example.type(await app.lastCode(example.phoneNumber))
    await isBound(example)

    await example.useServer()

    await example.page.getByLabel('Username').waitFor()
    expect(await example.bound.isVisible()).toBe(false)
    for (const label of ['Username', 'Password', 'Phone number', 'Code of the SMS'])
      expect([label, await example.page.getByLabel(label).inputValue()]).toEqual([label, ''])
    expect(await example.page.getByLabel('App id').inputValue()).toBe(example.appId)
  })

  it.each([
    ['an application that has a secret', 'Create an account', (app: TestApp) => app.application.id],
    ['an application that is not there', 'Sign in', () => '019c2f4e-6b1a-7c52-9d0e-3f6a8b1c2d4e'],
  ])('asks for another id where it was given that of %s', async (_name, button, idIn) => {
    await using app = await startTestApp()
    await using example = await openExample(app, { browser: 'without WebOTP' })
    const { page } = example
    await page.goto(`${example.origin}/?${new URLSearchParams({ app: idIn(app), host: app.url })}`)
    await page.getByLabel('Username').fill('ada')
    await page.getByLabel('Password').fill('correct horse battery')

    await page.getByRole('button', { name: button }).click()

    await page.locator('#app-fault').waitFor()
    expect(await page.locator('#app-fault').textContent()).toBe(
      'Give the id of an application without a secret (README, step 2).',
    )
    expect(await page.evaluate('document.activeElement.id')).toBe('app')
    await page.getByLabel('App id').fill(example.appId)
    await page.getByRole('button', { name: 'Use this server' }).click()
    await page.locator('#app-fault').waitFor({ state: 'detached' })
    expect(await page.getByLabel('App id').isVisible()).toBe(false)
  })

  it('says at once that the person has a phone already', async () => {
    await using app = await startTestApp()
    await using example = await openExample(app, { browser: 'without WebOTP' })
    await example.signUp()
    await example.send()
    await example.codeField.waitFor()
    await example.type(await app.lastCode(example.phoneNumber))
    await isBound(example)
    await example.page.reload()

    await example.page.getByLabel('Username').fill('ada')
    await example.page.getByLabel('Password').fill('correct horse battery')
    await example.page.getByRole('button', { name: 'Sign in' }).click()

    await isBound(example)
    expect(await example.bound.textContent()).toContain('has a phone already')
  })
})

describe.skipIf(!hasBrowser)('the example, where the application does not allow its origin', () => {
  it('reads nothing of the server, and says what to look at', async () => {
    await using app = await startTestApp()

    await using example = await openExample(app, { allowed: 'https://shop.example.com' })

    const refusal = example.alert.filter({ hasText: 'cannot be reached' })
    await refusal.waitFor()
    expect(await refusal.textContent()).toContain('that the server allows the origin of the page')
    expect(await example.page.getByLabel('Username').isVisible()).toBe(false)
  })
})

describe.skipIf(!hasBrowser)('the SDK in a browser as it is', () => {
  it('tells whether it has WebOTP', async () => {
    await using app = await startTestApp()
    await using example = await openExample(app, { browser: 'as it is' })

    const [told, has] = (await example.page.evaluate(`import('@dialtone/sdk').then(
      ({ canReceivePassCode }) => [canReceivePassCode(), 'OTPCredential' in window])`)) as [boolean, boolean]

    expect(told).toBe(has)
  })

  it('has none on a page that came over plain HTTP', async () => {
    await using app = await startTestApp()
    await using example = await openExample(app, { browser: 'as it is' })
    await using insecure = await openPage()
    await insecure.page.route('http://shop.example.com/**', async (route) => {
      const { pathname } = new URL(route.request().url())
      await route.fulfill({
        response: await route.fetch({ url: `http://127.0.0.1:${example.port}${pathname}` }),
      })
    })
    await insecure.page.goto('http://shop.example.com/')

    const told = await insecure.page.evaluate(`import('@dialtone/sdk').then(async (sdk) =>
      [isSecureContext, sdk.canReceivePassCode(), await sdk.receivePassCode() === undefined])`)

    expect(told).toEqual([false, false, true])
  })

  it('does not begin to wait with a signal that is aborted', async () => {
    await using app = await startTestApp()
    await using example = await openExample(app, { browser: 'as it is' })

    const thrown = await example.page.evaluate(`import('@dialtone/sdk').then(({ receivePassCode }) =>
      receivePassCode({ signal: AbortSignal.abort() }).then(() => 'nothing', ({ name }) => name))`)

    expect(thrown).toBe('AbortError')
  })

  it('ends a wait with the reason that it was aborted for', async () => {
    await using app = await startTestApp()
    await using example = await openExample(app, { browser: 'as it is' })

    const [has, thrown] = (await example.page.evaluate(`import('@dialtone/sdk').then(async (sdk) => {
      const waiting = new AbortController()
      const received = sdk.receivePassCode({ signal: waiting.signal })
      setTimeout(() => waiting.abort(new Error('the person left')), 100)
      return [sdk.canReceivePassCode(), await received.then(() => 'nothing', ({ message }) => message)]
    })`)) as [boolean, string]

    expect(thrown).toBe(has ? 'the person left' : 'nothing')
  })

  it('gives no code that came while the wait was ended', async () => {
    await using app = await startTestApp()
    await using example = await openExample(app, { browser: 'as it is' })

    const thrown = await example.page.evaluate(`import('@dialtone/sdk').then(({ receivePassCode }) => {
      window.OTPCredential = class OTPCredential {}
      navigator.credentials.get = async () => ({ code: '123456' })
      const waiting = new AbortController()
      const received = receivePassCode({ signal: waiting.signal })
      waiting.abort()
      return received.then((code) => code, ({ name }) => name)
    })`)

    expect(thrown).toBe('AbortError')
  })

  it('does not stand in the way of a person who types', async () => {
    await using app = await startTestApp()
    await using example = await openExample(app, { browser: 'as it is' })
    await example.signUp()
    await example.send()
    await example.codeField.waitFor()

    await example.type(await app.lastCode(example.phoneNumber))

    await isBound(example)
    expect(example.faults).toEqual([])
  })
})
