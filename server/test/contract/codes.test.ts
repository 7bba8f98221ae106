import published from 'authing-node-sdk'
import { describe, expect } from 'vitest'
import { newPhone, otherCode } from '../support/app.ts'
import { closeTable, contract } from '../support/contract.ts'

const smsChannels = Object.values(published.Models.SendSMSDto.channel)
const emailChannels = Object.values(published.Models.SendEmailDto.channel)
const { codeType } = published.Models.PreCheckCodeDto
const { channel: smsChannel } = published.Models.PreCheckSmsCodeDto
const { channel: emailChannel } = published.Models.PreCheckEmailCodeDto

describe('the codes of both SDKs', () => {
  contract(
    'travel by SMS for each of its eleven channels',
    async ({ app, sdk }) => {
      const alice = await app.signUp()
      await alice.bindPhone(await alice.receiveCode())
      const client = sdk()

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
    },
    { DIALTONE_MESSAGES_PER_RECIPIENT_HOUR: '20' },
  )

  contract(
    'travel by email for each of its eleven channels',
    async ({ app, sdk }) => {
      const client = sdk()
      const email = 'ada@example.com'
      await client.signUpByEmailPassword({ email, password: 'correct horse battery' })

      for (const channel of emailChannels) {
        expect(await client.sendEmail({ channel, email: 'Ada@Example.com' })).toMatchObject({
          statusCode: 200,
        })
      }

      const received = (await app.readInbox(email)).map(({ channel }) => channel)
      expect(emailChannels).toHaveLength(11)
      expect(new Set(received)).toEqual(new Set(emailChannels))
    },
    { DIALTONE_MESSAGES_PER_RECIPIENT_HOUR: '20' },
  )

  contract('can be checked beforehand by SMS, which does not consume them', async ({ app, sdk }) => {
    const alice = await app.signUp()
    const passCode = await alice.receiveCode()
    const client = sdk()
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

  contract('can be checked beforehand by email', async ({ app, sdk }) => {
    const email = 'ada@example.com'
    await app.sendEmail('CHANNEL_REGISTER', email)
    const passCode = await app.lastCode(email)

    const checked = await sdk().preCheckCode({
      codeType: codeType.EMAIL,
      emailCodePayload: { email, passCode, channel: emailChannel.CHANNEL_REGISTER },
    })

    expect(checked).toMatchObject({ statusCode: 200, data: { isValid: true } })
  })

  contract('bind a phone of mainland China, however its calling code is written', async ({ app, sdk }) => {
    for (const country of [
      { phoneCountryCode: '+86' },
      { phoneCountryCode: '86' },
      { phoneCountryCode: '' },
      {},
    ]) {
      const alice = await app.signUp()
      const client = sdk()
      client.setAccessToken(alice.token)
      const passCode = await alice.receiveCode()

      const bound = await client.bindPhone({ phoneNumber: alice.phone, passCode, ...country })

      expect(bound).toEqual({ statusCode: 200, message: expect.any(String), requestId: expect.any(String) })
      expect((await client.getSecurityLevel()).data.phoneBinded).toBe(true)
    }
  })

  contract('reach a number of another country', async ({ app, sdk }) => {
    const client = sdk()
    const channel = published.Models.SendSMSDto.channel.CHANNEL_REGISTER
    await client.sendSms({ channel, phoneNumber: '2025550123', phoneCountryCode: '+1' })
    const passCode = await app.lastCode('+12025550123')

    const made = await client.signUpByPhoneCode({ phone: '2025550123', phoneCountryCode: '+1', passCode })

    expect(made.data).toMatchObject({ phone: '2025550123', phoneCountryCode: '+1' })
  })

  contract(
    'for unknown numbers get the same answer, and no message where one would be pointless (rule 10)',
    async ({ app, sdk }) => {
      const phoneNumber = newPhone()
      const channel = published.Models.SendSMSDto.channel.CHANNEL_RESET_PASSWORD

      const sent = await sdk().sendSms({ channel, phoneNumber })

      expect(sent).toMatchObject({ statusCode: 200 })
      expect(await app.readInbox(`+86${phoneNumber}`)).toEqual([])
    },
  )

  contract('may be asked to wait for a captcha, which is a picture with its token', async ({ sdk }) => {
    const picture = await sdk().geneCatchaCodeAndToken()

    expect(picture).toEqual({
      statusCode: 200,
      message: 'Operation successful',
      requestId: expect.any(String),
      data: { captchaCodeSvg: expect.stringMatching(/^<svg /), captchaToken: expect.any(String) },
    })
  })
})

closeTable('codes')
