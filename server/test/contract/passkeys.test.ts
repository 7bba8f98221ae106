import { describe, expect, it } from 'vitest'
import { startTestApp } from '../support/app.ts'
import { closeTable, contract, ownClient } from '../support/contract.ts'
import { createPasskeyAuthenticator, registerPasskey } from '../support/passkey-authenticator.ts'

const authenticator = createPasskeyAuthenticator()

describe('the passkey calls of both SDKs', () => {
  contract('register a passkey, sign in with it, list it and remove it', async ({ app, sdk }) => {
    const alice = await app.signUp()
    const client = sdk()
    client.setAccessToken(alice.token)

    const begun = (await client.initRegisterOptions()) as never
    const { credential, answer } = authenticator.create(begun)
    const registered = await client.verifyRegister(answer as never)
    const stranger = sdk()
    const asked = (await stranger.initAuthenticationOptions()) as never
    const signedIn = await stranger.verifyAuthentication(authenticator.get(asked, credential) as never)
    const listed = await client.listWebAuthnCredentials({})
    await client.deleteWebAuthnCredential(credential.id)

    expect(registered).toMatchObject({ statusCode: 200, data: { verified: true } })
    expect(signedIn).toMatchObject({
      statusCode: 200,
      data: { verified: true, tokenSet: { token_type: 'bearer' } },
    })
    expect(listed).toMatchObject({ statusCode: 200, data: { totalCount: 1 } })
  })
})

describe('deleteWebAuthnCredential', () => {
  it('removes the passkey with our SDK, and with the published one none: it does not say which', async () => {
    await using app = await startTestApp()
    const alice = await app.signUp()
    const { id } = await registerPasskey(app, alice.token)
    const [theirs, ours] = [app.sdk(), ownClient(app)]
    theirs.setAccessToken(alice.token)
    ours.setAccessToken(alice.token)

    const missed = await theirs.deleteWebAuthnCredential(id)
    const left = await ours.listWebAuthnCredentials({})
    const removed = await ours.deleteWebAuthnCredential(id)
    const after = await ours.listWebAuthnCredentials({})

    expect(missed).toMatchObject({ statusCode: 404 })
    expect(left.data.totalCount).toBe(1)
    expect(removed).toMatchObject({ statusCode: 200 })
    expect(after.data.totalCount).toBe(0)
  })
})

closeTable('passkeys')
