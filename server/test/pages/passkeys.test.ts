import { describe, expect, it } from 'vitest'
import { startTestApp } from '../support/app.ts'
import { authenticationPath, registrationPath } from '../support/passkey-authenticator.ts'
import { hasBrowser, openPage } from './browser.ts'

const site = 'https://login.dialtone.test'

/** A page of an application, and a fingerprint reader that always knows its user. */
const openSite = async (url = site) => {
  const browser = await openPage()
  const { page } = browser
  await page.route('**/*', (route) =>
    route.fulfill({ contentType: 'text/html', body: '<!doctype html><link rel="icon" href="data:,">' }),
  )
  await page.goto(url)
  const devTools = await page.context().newCDPSession(page)
  await devTools.send('WebAuthn.enable')
  await devTools.send('WebAuthn.addVirtualAuthenticator', {
    options: {
      protocol: 'ctap2',
      transport: 'internal',
      hasResidentKey: true,
      hasUserVerification: true,
      isUserVerified: true,
      automaticPresenceSimulation: true,
    },
  })
  const call = (name: 'create' | 'get', parser: string, options: unknown): Promise<never> =>
    page.evaluate(`(async () => {
      const publicKey = PublicKeyCredential.${parser}(${JSON.stringify(options)})
      const credential = await navigator.credentials.${name}({ publicKey })
      return credential.toJSON()
    })()`)

  return {
    create: (options: unknown) => call('create', 'parseCreationOptionsFromJSON', options),
    get: (options: unknown) => call('get', 'parseRequestOptionsFromJSON', options),
    [Symbol.asyncDispose]: () => browser[Symbol.asyncDispose](),
  }
}

describe.skipIf(!hasBrowser)('a browser', () => {
  it('makes a passkey of the options, and signs in with it', async () => {
    await using app = await startTestApp({ DIALTONE_PUBLIC_URL: site })
    await using browser = await openSite()
    const alice = await app.signUp()
    const { data: begun } = await app.get(registrationPath, { token: alice.token })

    const made = await browser.create(begun.registrationOptions)
    const registered = await app.post(
      registrationPath,
      { ticket: begun.ticket, registrationCredential: made },
      { token: alice.token },
    )
    const { data: asked } = await app.get(authenticationPath)
    const shown = await browser.get(asked.authenticationOptions)
    const signedIn = await app.post(authenticationPath, {
      ticket: asked.ticket,
      authenticationCredential: shown,
    })

    expect(registered).toMatchObject({ statusCode: 200, data: { verified: true } })
    expect(signedIn).toMatchObject({ statusCode: 200, data: { verified: true } })
    const profile = await app.get('/api/v3/get-profile', { token: signedIn.data.tokenSet.access_token })
    expect(profile.data.userId).toBe(alice.userId)
  })

  it('signs in twice with one passkey, whose counter goes on', async () => {
    await using app = await startTestApp({ DIALTONE_PUBLIC_URL: site })
    await using browser = await openSite()
    const alice = await app.signUp()
    const { data: begun } = await app.get(registrationPath, { token: alice.token })
    const registrationCredential = await browser.create(begun.registrationOptions)
    await app.post(registrationPath, { ticket: begun.ticket, registrationCredential }, { token: alice.token })
    const signIn = async () => {
      const { data } = await app.get(authenticationPath)
      const authenticationCredential = await browser.get(data.authenticationOptions)
      return app.post(authenticationPath, { ticket: data.ticket, authenticationCredential })
    }

    expect([(await signIn()).statusCode, (await signIn()).statusCode]).toEqual([200, 200])
  })

  it('makes no second passkey of one authenticator for a user', async () => {
    await using app = await startTestApp({ DIALTONE_PUBLIC_URL: site })
    await using browser = await openSite()
    const alice = await app.signUp()
    const ask = async () => (await app.get(registrationPath, { token: alice.token })).data
    const begun = await ask()
    const registrationCredential = await browser.create(begun.registrationOptions)
    await app.post(registrationPath, { ticket: begun.ticket, registrationCredential }, { token: alice.token })

    const again = browser.create((await ask()).registrationOptions)

    await expect(again).rejects.toThrow('InvalidStateError')
  })

  it('shows another site no passkey', async () => {
    await using app = await startTestApp({ DIALTONE_PUBLIC_URL: site })
    await using browser = await openSite('https://evil.example')
    const { data } = await app.get(authenticationPath)

    await expect(browser.get(data.authenticationOptions)).rejects.toThrow('SecurityError')
  })

  it('signs in at the application’s own site, below the server’s', async () => {
    await using app = await startTestApp({ DIALTONE_PUBLIC_URL: site })
    const shop = await app.otherApplication({
      poolId: app.application.poolId,
      webOtpHost: 'shop.login.dialtone.test',
      clientAuthentication: 'none',
    })
    await using browser = await openSite('https://shop.login.dialtone.test')
    const alice = await shop.signUp()
    const { data: begun } = await shop.get(registrationPath, { token: alice.token })
    const registrationCredential = await browser.create(begun.registrationOptions)

    const registered = await shop.post(
      registrationPath,
      { ticket: begun.ticket, registrationCredential },
      { token: alice.token },
    )

    expect(registered).toMatchObject({ statusCode: 200, data: { verified: true } })
  })
})
