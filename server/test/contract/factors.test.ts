import published from 'authing-node-sdk'
import { describe, expect } from 'vitest'
import { openAuthenticator } from '../support/authenticator.ts'
import { closeTable, contract, type Given } from '../support/contract.ts'

const { factorType } = published.Models.SendEnrollFactorRequestDto
const enrollType = published.Models.EnrollFactorDto.factorType

const success = { statusCode: 200, message: 'Operation successful', requestId: expect.any(String) }

const signedIn = async ({ app, sdk }: Given) => {
  const alice = await app.signUp()
  const client = sdk()
  client.setAccessToken(alice.token)
  return { alice, client }
}

describe('the factors of both SDKs', () => {
  contract('are enrolled, shown, proved and removed: an authenticator app', async ({ app, sdk }) => {
    const { client } = await signedIn({ app, sdk })

    const offered = await client.listFactorsToEnroll()
    const asked = await client.sendEnrollFactorRequest({ factorType: factorType.OTP, profile: {} })
    const authenticator = openAuthenticator(app, asked.data.otpData?.qrCodeUri ?? '')
    const enrolled = await client.enrollFactor({
      factorType: enrollType.OTP,
      enrollmentToken: asked.data.enrollmentToken,
      enrollmentData: { passCode: authenticator.code() },
    })
    const listed = await client.listEnrolledFactors()
    const factorId = listed.data[0]?.factorId ?? ''
    const shown = await client.getFactor({ factorId })
    app.clock.advance(30)
    const verified = await client.mfaOtpVerify({ totp: authenticator.code() })
    const removed = await client.resetFactor({ factorId })

    expect(offered).toEqual({
      ...success,
      data: [{ factorType: 'OTP' }, { factorType: 'SMS' }, { factorType: 'EMAIL' }],
    })
    expect(asked).toEqual({
      ...success,
      data: {
        enrollmentToken: expect.any(String),
        otpData: {
          qrCodeUri: expect.stringMatching(/^otpauth:\/\/totp\//),
          qrCodeDataUrl: expect.stringMatching(/^data:image\/png;base64,iVBORw0KGgo/),
          recoveryCode: expect.any(String),
        },
      },
    })
    expect(enrolled).toEqual(success)
    expect(listed).toEqual({ ...success, data: [{ factorId, factorType: 'OTP', profile: {} }] })
    expect(shown).toEqual({ ...success, data: listed.data[0] })
    expect(verified).toEqual({ ...success, data: { verified: true } })
    expect(removed).toEqual(success)
  })

  contract('are enrolled: a phone', async ({ app, sdk }) => {
    const { alice, client } = await signedIn({ app, sdk })

    const asked = await client.sendEnrollFactorRequest({
      factorType: factorType.SMS,
      profile: { phoneNumber: alice.phone, phoneCountryCode: '+86' },
    })
    const enrolled = await client.enrollFactor({
      factorType: enrollType.SMS,
      enrollmentToken: asked.data.enrollmentToken,
      enrollmentData: { passCode: await app.lastCode(alice.phone) },
    })

    expect(asked).toEqual({ ...success, data: { enrollmentToken: expect.any(String) } })
    expect(enrolled).toEqual(success)
    const [message] = await app.readInbox(`+86${alice.phone}`)
    expect(message?.channel).toBe('CHANNEL_BIND_MFA')
    const { data } = await client.listEnrolledFactors()
    expect(data).toMatchObject([
      { factorType: 'SMS', profile: { phoneNumber: alice.phone, phoneCountryCode: '+86' } },
    ])
  })

  contract('are enrolled: an address', async ({ app, sdk }) => {
    const { client } = await signedIn({ app, sdk })
    const email = 'ada@example.com'

    const asked = await client.sendEnrollFactorRequest({ factorType: factorType.EMAIL, profile: { email } })
    const enrolled = await client.enrollFactor({
      factorType: enrollType.EMAIL,
      enrollmentToken: asked.data.enrollmentToken,
      enrollmentData: { passCode: await app.lastCode(email) },
    })

    expect(enrolled).toEqual(success)
    const { data } = await client.listEnrolledFactors()
    expect(data).toMatchObject([{ factorType: 'EMAIL', profile: { email } }])
  })

  contract('tell a wrong code in both ways that a program may look for', async ({ app, sdk }) => {
    const { client } = await signedIn({ app, sdk })
    const asked = await client.sendEnrollFactorRequest({ factorType: factorType.OTP, profile: {} })
    const authenticator = openAuthenticator(app, asked.data.otpData?.qrCodeUri ?? '')
    await client.enrollFactor({
      factorType: enrollType.OTP,
      enrollmentToken: asked.data.enrollmentToken,
      enrollmentData: { passCode: authenticator.code() },
    })

    const wrong = await client.mfaOtpVerify({ totp: authenticator.wrongCode() })

    expect(wrong).toMatchObject({ statusCode: 499, apiCode: 6001, data: { verified: false } })
  })

  contract('do not know faces', async ({ app, sdk }) => {
    const { client } = await signedIn({ app, sdk })

    const refused = await client.sendEnrollFactorRequest({ factorType: factorType.FACE, profile: {} })

    expect(refused).toMatchObject({ statusCode: 501, apiCode: 8800013 })
  })
})

closeTable('factors')
