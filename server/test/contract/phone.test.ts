import published from 'authing-node-sdk'
import { describe, expect } from 'vitest'
import { newPhone } from '../support/app.ts'
import { closeTable, contract, type MakeClient } from '../support/contract.ts'
import { bothCodes, personWithPhone, receiveCode } from '../support/phone-changes.ts'

const clientOf = (sdk: MakeClient, { token }: { token: string }) => {
  const client = sdk()
  client.setAccessToken(token)
  return client
}

const { PHONE_PASSCODE } = published.Models.VerifyUpdatePhoneRequestDto.verifyMethod

describe('the phone calls of both SDKs', () => {
  contract('change a phone in two steps', async ({ app, sdk }) => {
    const alice = await personWithPhone(app)
    const client = clientOf(sdk, alice)
    const number = newPhone()

    const verified = await client.verifyUpdatePhoneRequest({
      verifyMethod: PHONE_PASSCODE,
      phonePassCodePayload: await bothCodes(app, alice, number),
    })
    const changed = await client.updatePhone({ updatePhoneToken: verified.data.updatePhoneToken })

    expect(verified).toMatchObject({ statusCode: 200, data: { tokenExpiresIn: 60 } })
    expect(changed).toMatchObject({ statusCode: 200, data: { success: true } })
    expect((await client.getProfile({})).data.phone).toBe(number)
  })

  contract('take the calling codes of both numbers', async ({ app, sdk }) => {
    const { token } = await app.signUp()
    const client = clientOf(sdk, { token })
    const [old, next] = ['7400123456', '7400123457']
    const codeOf = async (channel: string, phoneNumber: string) => {
      await app.sendSms(channel, phoneNumber, { token, phoneCountryCode: '+44' })
      return app.lastCode(`+44${phoneNumber}`)
    }
    const passCode = await codeOf('CHANNEL_BIND_PHONE', old)
    await client.bindPhone({ phoneNumber: old, phoneCountryCode: '+44', passCode })

    const verified = await client.verifyUpdatePhoneRequest({
      verifyMethod: PHONE_PASSCODE,
      phonePassCodePayload: {
        newPhoneNumber: next,
        newPhoneCountryCode: '+44',
        newPhonePassCode: await codeOf('CHANNEL_BIND_PHONE', next),
        oldPhoneNumber: old,
        oldPhoneCountryCode: '44',
        oldPhonePassCode: await codeOf('CHANNEL_UNBIND_PHONE', old),
      },
    })
    await client.updatePhone({ updatePhoneToken: verified.data.updatePhoneToken })

    expect((await client.getProfile({})).data).toMatchObject({ phone: next, phoneCountryCode: '+44' })
  })

  contract('unbind a phone', async ({ app, sdk }) => {
    const alice = await personWithPhone(app)
    const client = clientOf(sdk, alice)
    const passCode = await receiveCode(app, alice.token, 'CHANNEL_UNBIND_PHONE', alice.phone)

    const unbound = await client.unbindPhone({ passCode })

    expect(unbound).toMatchObject({ statusCode: 200, requestId: expect.any(String) })
    expect(unbound).not.toHaveProperty('data')
    expect((await client.getProfile({})).data).not.toHaveProperty('phone')
  })
})

closeTable('phone')
