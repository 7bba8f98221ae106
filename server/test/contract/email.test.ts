import published from 'authing-node-sdk'
import { describe, expect, it } from 'vitest'
import { startTestApp } from '../support/app.ts'
import { closeTable, contract } from '../support/contract.ts'
import { emailCode } from '../support/email.ts'

const { VerifyUpdateEmailRequestDto } = published.Models
const ada = 'ada@example.com'
const countess = 'countess@example.com'

describe('the email calls of both SDKs', () => {
  contract('bind, change and unbind an address', async ({ app, sdk }) => {
    const client = sdk()
    const alice = await app.signUp()
    client.setAccessToken(alice.token)
    const codeTo = (to: string, channel: string) => emailCode(app, alice, { to, channel })

    const bound = await client.bindEmail({
      email: ada,
      passCode: await codeTo(ada, 'CHANNEL_BIND_EMAIL'),
    })
    const proved = await client.verifyUpdateEmailRequest({
      verifyMethod: VerifyUpdateEmailRequestDto.verifyMethod.EMAIL_PASSCODE,
      emailPassCodePayload: {
        newEmail: countess,
        newEmailPassCode: await codeTo(countess, 'CHANNEL_UPDATE_EMAIL'),
        oldEmail: ada,
        oldEmailPassCode: await codeTo(ada, 'CHANNEL_UPDATE_EMAIL'),
      },
    })
    const { updateEmailToken, tokenExpiresIn } = proved.data
    const changed = await client.updateEmail({ updateEmailToken })
    const unbound = await client.unbindEmail({
      passCode: await codeTo(countess, 'CHANNEL_UNBIND_EMAIL'),
    })

    expect([bound, unbound]).toMatchObject([{ statusCode: 200 }, { statusCode: 200 }])
    expect(bound).not.toHaveProperty('data')
    expect(unbound).not.toHaveProperty('data')
    expect(tokenExpiresIn).toBe(60)
    expect(changed).toMatchObject({ statusCode: 200, data: { success: true } })
  })

  contract('get every refusal as a reply with its apiCode', async ({ app, sdk }) => {
    const client = sdk()
    const alice = await app.signUp()
    client.setAccessToken(alice.token)

    const malformed = await client.bindEmail({ email: 'nobody', passCode: '123456' })
    const wrong = await client.bindEmail({ email: ada, passCode: '123456' })
    const code = await emailCode(app, alice, { to: ada, channel: 'CHANNEL_BIND_EMAIL' })
    app.clock.advance(301)
    const late = await client.bindEmail({ email: ada, passCode: code })
    const forged = await client.updateEmail({ updateEmailToken: 'forged' })
    await alice.disable()
    const disabled = await client.unbindEmail({ passCode: '123456' })

    expect(malformed).toMatchObject({ statusCode: 400, apiCode: 2003 })
    expect(wrong).toMatchObject({ statusCode: 499, apiCode: 2001 })
    expect(late).toMatchObject({ statusCode: 499, apiCode: 2300 })
    expect(forged).toMatchObject({ statusCode: 403, apiCode: 1020020 })
    expect(disabled).toMatchObject({ statusCode: 403, apiCode: 2120008 })
  })

  it.each([
    ['no body', {}],
    ['an empty body of JSON', { 'content-type': 'application/json' }],
  ])('with %s, as the Flutter SDK unbinds, are told which code is missing', async (_what, contentType) => {
    await using app = await startTestApp()
    const { token } = await app.signUp()

    const response = await fetch(`${app.url}/api/v3/unbind-email`, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'x-authing-app-id': app.application.id, ...contentType },
    })

    expect(response.status).toBe(200)
    expect(await response.json()).toMatchObject({
      statusCode: 400,
      apiCode: 8800012,
      data: { errors: [{ field: 'passCode', message: expect.stringContaining('CHANNEL_UNBIND_EMAIL') }] },
    })
  })
})

closeTable('email')
