import { constants, publicEncrypt } from 'node:crypto'
import published from 'authing-node-sdk'
import { sm2 } from 'sm-crypto-v2'
import { describe, expect, it } from 'vitest'
import { startTestApp } from '../support/app.ts'
import { type Client, closeTable, contract } from '../support/contract.ts'
import { resetCode } from '../support/passwords.ts'
import { personWithPhone } from '../support/phone-changes.ts'

const old = 'correct horse battery'
const fresh = 'staple of a new 马'

const { PHONE_PASSCODE } = published.Models.VerifyResetPasswordRequestDto.verifyMethod

type Keys = { rsa: { publicKey: string }; sm2: { publicKey: string } }

const forms = [
  ['none', (text: string) => text],
  [
    'rsa',
    (text: string, keys: Keys) =>
      publicEncrypt(
        { key: keys.rsa.publicKey, padding: constants.RSA_PKCS1_OAEP_PADDING },
        Buffer.from(text),
      ).toString('base64'),
  ],
  ['sm2', (text: string, keys: Keys) => sm2.doEncrypt(text, keys.sm2.publicKey, 1)],
] as const

const keysOf = async (client: Client) => (await client.getSystemInfo()) as unknown as Keys

describe('both SDKs', () => {
  for (const [encryption, seal] of forms) {
    const passwordEncryptType = encryption as never

    contract(`change a password that they send by ${encryption}`, async ({ app, sdk }) => {
      const { token, username } = await app.signUp()
      const client = sdk()
      const keys = await keysOf(client)
      client.setAccessToken(token)

      const changed = await client.updatePassword({
        oldPassword: seal(old, keys),
        newPassword: seal(fresh, keys),
        passwordEncryptType,
      })

      expect(changed).toMatchObject({ statusCode: 200 })
      expect((await client.signInByUsernamePassword({ username, password: fresh })).statusCode).toBe(200)
    })

    contract(`reset a forgotten password, which they send by ${encryption}`, async ({ app, sdk }) => {
      const { phone, username } = await personWithPhone(app)
      const client = sdk()
      const keys = await keysOf(client)
      const passCode = await resetCode(app, phone)

      const verified = await client.verifyResetPasswordRequest({
        verifyMethod: PHONE_PASSCODE,
        phonePassCodePayload: { phoneNumber: phone, passCode },
      })
      const reset = await client.resetPassword({
        password: seal(fresh, keys),
        passwordResetToken: verified.data.passwordResetToken,
        passwordEncryptType,
      })

      expect(verified).toMatchObject({ statusCode: 200, data: { tokenExpiresIn: 60 } })
      expect(reset).toMatchObject({ statusCode: 200, data: { success: true } })
      expect((await client.signInByUsernamePassword({ username, password: fresh })).statusCode).toBe(200)
    })

    contract(`check a password that they send by ${encryption}`, async ({ app, sdk }) => {
      const { username } = await app.signUp()
      const client = sdk()
      const keys = await keysOf(client)
      const check = (password: string) =>
        client.validatePassword({ username, password: seal(password, keys), passwordEncryptType })

      expect(await check(old)).toMatchObject({ statusCode: 200, data: { valid: true } })
      expect(await check(fresh)).toMatchObject({ statusCode: 200, data: { valid: false } })
    })
  }
})

describe('the calls about passwords', () => {
  it.each([
    ['verify-reset-password-request', { verifyMethod: 'PHONE_PASSCODE' }, 'phonePassCodePayload'],
    ['verify-reset-password-request', { verifyMethod: 'EMAIL_PASSCODE' }, 'emailPassCodePayload'],
    [
      'verify-reset-password-request',
      { verifyMethod: 'EMAIL_PASSCODE', emailPassCodePayload: { passCode: '123456' } },
      'emailPassCodePayload.email',
    ],
    [
      'verify-reset-password-request',
      { verifyMethod: 'PHONE_PASSCODE', phonePassCodePayload: { phoneNumber: '18812345678', passCode: 'x' } },
      'passCode',
    ],
    ['reset-password', { password: fresh }, 'passwordResetToken'],
    ['validate-password', { username: 'ada' }, 'password'],
  ])('%s name the field that is missing or wrong: %j', async (call, body, field) => {
    await using app = await startTestApp()

    const answer = await app.post(`/api/v3/${call}`, body)

    expect(answer).toMatchObject({ statusCode: 400, apiCode: 8800012 })
    expect(answer.data.errors.map((fault: { field: string }) => fault.field)).toContain(field)
  })
})

closeTable('passwords')
