import { constants, publicEncrypt } from 'node:crypto'
import sdk from 'authing-node-sdk'
import { sm2 } from 'sm-crypto-v2'
import { describe, expect, it } from 'vitest'
import { startTestApp, type TestApp } from '../support/app.ts'
import { resetCode } from '../support/passwords.ts'
import { personWithPhone } from '../support/phone-changes.ts'

const old = 'correct horse battery'
const fresh = 'staple of a new 马'

const { VerifyResetPasswordRequestDto, UpdatePasswordDto } = sdk.Models
const { PHONE_PASSCODE } = VerifyResetPasswordRequestDto.verifyMethod

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

const keysOf = async (app: TestApp) => (await app.sdk().getSystemInfo()) as unknown as Keys

describe('the published SDK', () => {
  it.each(forms)('changes a password that it sends by %s', async (encryption, seal) => {
    await using app = await startTestApp()
    const { token, username } = await app.signUp()
    const keys = await keysOf(app)
    const client = app.sdk()
    client.setAccessToken(token)

    const changed = await client.updatePassword({
      oldPassword: seal(old, keys),
      newPassword: seal(fresh, keys),
      passwordEncryptType: encryption as (typeof UpdatePasswordDto.passwordEncryptType)['NONE'],
    })

    expect(changed).toMatchObject({ statusCode: 200 })
    expect((await client.signInByUsernamePassword({ username, password: fresh })).statusCode).toBe(200)
  })

  it.each(forms)('resets a forgotten password, which it sends by %s', async (encryption, seal) => {
    await using app = await startTestApp()
    const { phone, username } = await personWithPhone(app)
    const keys = await keysOf(app)
    const client = app.sdk()
    const passCode = await resetCode(app, phone)

    const verified = await client.verifyResetPasswordRequest({
      verifyMethod: PHONE_PASSCODE,
      phonePassCodePayload: { phoneNumber: phone, passCode },
    })
    const reset = await client.resetPassword({
      password: seal(fresh, keys),
      passwordResetToken: verified.data.passwordResetToken,
      passwordEncryptType: encryption as never,
    })

    expect(verified).toMatchObject({ statusCode: 200, data: { tokenExpiresIn: 60 } })
    expect(reset).toMatchObject({ statusCode: 200, data: { success: true } })
    expect((await client.signInByUsernamePassword({ username, password: fresh })).statusCode).toBe(200)
  })

  it.each(forms)('checks a password that it sends by %s', async (encryption, seal) => {
    await using app = await startTestApp()
    const { username } = await app.signUp()
    const keys = await keysOf(app)
    const passwordEncryptType = encryption as never
    const check = (password: string) =>
      app.sdk().validatePassword({ username, password: seal(password, keys), passwordEncryptType })

    expect(await check(old)).toMatchObject({ statusCode: 200, data: { valid: true } })
    expect(await check(fresh)).toMatchObject({ statusCode: 200, data: { valid: false } })
  })
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
