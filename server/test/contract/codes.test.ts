import sdk from 'authing-node-sdk'
import { describe, expect, it } from 'vitest'
import { newPhone, otherCode, startTestApp } from '../support/app.ts'

const smsChannels = Object.values(sdk.Models.SendSMSDto.channel)
const emailChannels = Object.values(sdk.Models.SendEmailDto.channel)
const { codeType } = sdk.Models.PreCheckCodeDto
const { channel: smsChannel } = sdk.Models.PreCheckSmsCodeDto
const { channel: emailChannel } = sdk.Models.PreCheckEmailCodeDto

describe('the codes of the published SDK', () => {
  it('travel by SMS for each of its eleven channels', async () => {
    await using app = await startTestApp({ DIALTONE_MESSAGES_PER_RECIPIENT_HOUR: '20' })
    const alice = await app.signUp()
    await alice.bindPhone(await alice.receiveCode())
    const client = app.sdk()

    for (const channel of smsChannels) {
      const sent = await client.sendSms({ channel, phoneNumber: alice.phone, phoneCountryCode: '+86' })
      expect(sent).toEqual({
        statusCode: 200,
        message: 'Operation successful',
        requestId: expect.any(String),
      })
    }

    const received = (await app.readInbox(`+86${alice.phone}`)).map(({ channel }) => channel)
    expect(smsChannels).toHaveLength(11)
    expect(new Set(received)).toEqual(new Set(smsChannels))
  })

  it('travel by email for each of its eleven channels', async () => {
    await using app = await startTestApp({ DIALTONE_MESSAGES_PER_RECIPIENT_HOUR: '20' })
    const client = app.sdk()
    const email = 'ada@example.com'
    await client.signUpByEmailPassword({ email, password: 'correct horse battery' })

    for (const channel of emailChannels) {
      expect(await client.sendEmail({ channel, email: 'Ada@Example.com' })).toMatchObject({ statusCode: 200 })
    }

    const received = (await app.readInbox(email)).map(({ channel }) => channel)
    expect(emailChannels).toHaveLength(11)
    expect(new Set(received)).toEqual(new Set(emailChannels))
  })

  it('can be checked beforehand by SMS, which does not consume them', async () => {
    await using app = await startTestApp()
    const alice = await app.signUp()
    const passCode = await alice.receiveCode()
    const client = app.sdk()
    client.setAccessToken(alice.token)
    const check = (given: string) =>
      client.preCheckCode({
        codeType: codeType.SMS,
        smsCodePayload: {
          phone: alice.phone,
          passCode: given,
          channel: smsChannel.CHANNEL_BIND_PHONE,
          phoneCountryCode: '+86',
        },
      })

    expect((await check(passCode)).data).toEqual({ isValid: true })
    expect((await check(otherCode(passCode))).data).toEqual({ isValid: false, message: expect.any(String) })
    expect((await alice.bindPhone(passCode)).statusCode).toBe(200)
    expect((await check(passCode)).data).toMatchObject({ isValid: false })
  })

  it('can be checked beforehand by email', async () => {
    await using app = await startTestApp()
    const email = 'ada@example.com'
    await app.sendEmail('CHANNEL_REGISTER', email)
    const passCode = await app.lastCode(email)

    const checked = await app.sdk().preCheckCode({
      codeType: codeType.EMAIL,
      emailCodePayload: { email, passCode, channel: emailChannel.CHANNEL_REGISTER },
    })

    expect(checked).toMatchObject({ statusCode: 200, data: { isValid: true } })
  })

  it('bind a phone of mainland China, however its calling code is written', async () => {
    await using app = await startTestApp()

    for (const country of [
      { phoneCountryCode: '+86' },
      { phoneCountryCode: '86' },
      { phoneCountryCode: '' },
      {},
    ]) {
      const alice = await app.signUp()
      const client = app.sdk()
      client.setAccessToken(alice.token)
      const passCode = await alice.receiveCode()

      const bound = await client.bindPhone({ phoneNumber: alice.phone, passCode, ...country })

      expect(bound).toEqual({ statusCode: 200, message: expect.any(String), requestId: expect.any(String) })
      expect((await client.getSecurityLevel()).data.phoneBinded).toBe(true)
    }
  })

  it('reach a number of another country', async () => {
    await using app = await startTestApp()
    const client = app.sdk()
    const channel = sdk.Models.SendSMSDto.channel.CHANNEL_REGISTER
    await client.sendSms({ channel, phoneNumber: '2025550123', phoneCountryCode: '+1' })
    const passCode = await app.lastCode('+12025550123')

    const made = await client.signUpByPhoneCode({ phone: '2025550123', phoneCountryCode: '+1', passCode })

    expect(made.data).toMatchObject({ phone: '2025550123', phoneCountryCode: '+1' })
  })

  it('for unknown numbers get the same answer, and no message where one would be pointless (rule 10)', async () => {
    await using app = await startTestApp()
    const phoneNumber = newPhone()
    const channel = sdk.Models.SendSMSDto.channel.CHANNEL_RESET_PASSWORD

    const sent = await app.sdk().sendSms({ channel, phoneNumber })

    expect(sent).toMatchObject({ statusCode: 200 })
    expect(await app.readInbox(`+86${phoneNumber}`)).toEqual([])
  })
})
