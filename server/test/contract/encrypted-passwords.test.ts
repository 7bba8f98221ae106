import { constants, publicEncrypt } from 'node:crypto'
import sdk from 'authing-node-sdk'
import { sm2 } from 'sm-crypto-v2'
import { describe, expect, it } from 'vitest'
import { startTestApp } from '../support/app.ts'

const password = 'correct horse 电池'
const { NONE: none, RSA: rsa, SM2: sm2Type } = sdk.Models.SignInOptionsDto.passwordEncryptType
const { RSA_PKCS1_OAEP_PADDING: oaep, RSA_PKCS1_PADDING: pkcs1 } = constants

type PublicKeys = { rsa: { publicKey: string }; sm2: { publicKey: string } }

const sealRsa = (options: { padding: number; oaepHash?: string }) => (keys: PublicKeys) =>
  publicEncrypt({ key: keys.rsa.publicKey, ...options }, Buffer.from(password)).toString('base64')

const sealSm2 =
  (cipherMode: 0 | 1, prefix = '') =>
  (keys: PublicKeys) =>
    prefix + sm2.doEncrypt(password, keys.sm2.publicKey, cipherMode)

const forms = [
  ['in clear', none, () => password],
  ['by RSA with OAEP and SHA-1', rsa, sealRsa({ padding: oaep })],
  ['by RSA with OAEP and SHA-256', rsa, sealRsa({ padding: oaep, oaepHash: 'sha256' })],
  ['by RSA with PKCS#1 v1.5', rsa, sealRsa({ padding: pkcs1 })],
  ['by SM2 in the order C1C3C2', sm2Type, sealSm2(1)],
  ['by SM2 in the order C1C2C3', sm2Type, sealSm2(0)],
  ['by SM2 with the leading 04', sm2Type, sealSm2(1, '04')],
] as const

describe('a password', () => {
  it.each(forms)('may be sent %s, with the keys of the system call', async (_form, encryption, seal) => {
    await using app = await startTestApp()
    const client = app.sdk()
    const keys = (await client.getSystemInfo()) as unknown as PublicKeys
    const options = { passwordEncryptType: encryption as never, context: undefined }

    const made = await client.signUpByUsernamePassword({ username: 'ada', password: seal(keys), options })
    const signedIn = await client.signInByUsernamePassword({ username: 'ada', password: seal(keys), options })

    expect([made.statusCode, signedIn.statusCode]).toEqual([200, 200])
    expect((await client.signInByUsernamePassword({ username: 'ada', password })).statusCode).toBe(200)
  })

  it.each([rsa, sm2Type])(
    'that was not encrypted by %s as it says is refused by name',
    async (encryption) => {
      await using app = await startTestApp()
      const options = { passwordEncryptType: encryption }

      const refused = await app
        .sdk()
        .signInByUsernamePassword({ username: 'ada', password: 'c2VjcmV0', options })

      expect(refused).toMatchObject({
        statusCode: 400,
        data: {
          errors: [{ field: 'passwordPayload.password', message: expect.stringContaining(encryption) }],
        },
      })
    },
  )
})
