import published from 'authing-node-sdk'
import { describe, expect } from 'vitest'
import { closeTable, contract } from '../support/contract.ts'
import { personWithPhone } from '../support/phone-changes.ts'

const { PHONE_PASSCODE, PASSWORD } = published.Models.VerifyDeleteAccountRequestDto.verifyMethod

describe('the deletion calls of both SDKs', () => {
  contract('delete an account whose phone was proved', async ({ app, sdk }) => {
    const alice = await personWithPhone(app)
    const client = sdk()
    client.setAccessToken(alice.token)
    const passCode = await alice.receiveCode('CHANNEL_DELETE_ACCOUNT')

    const verified = await client.verifyDeleteAccountRequest({
      verifyMethod: PHONE_PASSCODE,
      phonePassCodePayload: { phoneNumber: alice.phone, passCode },
    })
    const { deleteAccountToken, tokenExpiresIn } = verified.data
    const deleted = await client.deleteAccount({ deleteAccountToken })

    expect(verified.statusCode).toBe(200)
    expect(tokenExpiresIn).toBe(60)
    expect(deleted).toMatchObject({ statusCode: 200, data: { success: true } })
    expect(await client.getProfile({})).toMatchObject({ statusCode: 401, apiCode: 2020 })
  })

  contract('refuse a proof that is wrong, and a token that nobody gave', async ({ app, sdk }) => {
    const client = sdk()
    client.setAccessToken((await app.signUp()).token)

    const guessed = await client.verifyDeleteAccountRequest({
      verifyMethod: PASSWORD,
      passwordPayload: { password: 'a wrong password', passwordEncryptType: 'none' as never },
    })
    const forged = await client.deleteAccount({ deleteAccountToken: 'forged' })

    expect(guessed.statusCode).not.toBe(200)
    expect(forged.statusCode).not.toBe(200)
    expect(await client.getProfile({})).toMatchObject({ statusCode: 200 })
  })
})

closeTable('deletion')
