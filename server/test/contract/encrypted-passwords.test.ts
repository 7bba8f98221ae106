import { constants, publicEncrypt } from 'node:crypto'
import published from 'authing-node-sdk'
import { sm2 } from 'sm-crypto-v2'
import { describe, expect } from 'vitest'
import { contract } from '../support/contract.ts'

const password = 'correct horse 电池'
const { NONE: none, RSA: rsa, SM2: sm2Type } = published.Models.SignInOptionsDto.passwordEncryptType
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
  for (const [form, encryption, seal] of forms) {
    contract(`may be sent ${form}, with the keys of the system call`, async ({ sdk }) => {
      const client = sdk()
      const keys = (await client.getSystemInfo()) as unknown as PublicKeys
      const options = { passwordEncryptType: encryption as never, context: undefined }
      const ada = () => ({ username: 'ada', password: seal(keys), options })

      const made = await client.signUpByUsernamePassword(ada())
      const signedIn = await client.signInByUsernamePassword(ada())

      expect([made.statusCode, signedIn.statusCode]).toEqual([200, 200])
      expect((await client.signInByUsernamePassword({ username: 'ada', password })).statusCode).toBe(200)
    })
  }

  for (const encryption of [rsa, sm2Type]) {
    contract(`that was not encrypted by ${encryption} as it says is refused by name`, async ({ sdk }) => {
      const options = { passwordEncryptType: encryption }

      const refused = await sdk().signInByUsernamePassword({ username: 'ada', password: 'c2VjcmV0', options })

      expect(refused).toMatchObject({
        statusCode: 400,
        data: {
          errors: [{ field: 'passwordPayload.password', message: expect.stringContaining(encryption) }],
        },
      })
    })
  }
})
