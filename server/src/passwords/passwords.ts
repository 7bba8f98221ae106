// Passwords: the policy, the hash, opening the ones that a client encrypted, and setting new ones.
//
// What must stay true: argon2id with OWASP's parameters (rule 26); an unknown account costs the same time as a wrong
// password (rule 11); guesses are counted before they are compared; whoever sets a password ends the sessions of others
// (rule 15).
import { constants, type KeyObject, privateDecrypt } from 'node:crypto'
import { hash, verify } from '@node-rs/argon2'
import { sm2 } from 'sm-crypto-v2'
import type { AccountPolicies } from '../account-policy/account-policy.ts'
import { fieldInvalid } from '../api-codes.ts'
import type { Config } from '../config.ts'
import type { Clock } from '../core/clock.ts'
import { type Keyring, randomToken } from '../core/crypto.ts'
import type { Database } from '../core/database.ts'
import { type Keys, rsaPrivateKeyOf } from '../keys/keys.ts'
import { createPasswordFailures, type Guess } from './failures.ts'
import { type NewPassword, requireStrongPassword } from './policy.ts'

export {
  createPasswordChanges,
  type PasswordChanges,
  type PasswordCheck,
  type ResetProof,
} from './change.ts'
export { passwordSecurityLevel } from './policy.ts'

export type PasswordEncryption = 'none' | 'rsa' | 'sm2'

/** Of argon2id, the library's default variant; memory in KiB. */
export type PasswordCost = { memoryCost: number; timeCost: number; parallelism: number }

/** OWASP Password Storage Cheat Sheet: m = 19 MiB, t = 2, p = 1. */
const owaspCost: PasswordCost = { memoryCost: 19_456, timeCost: 2, parallelism: 1 }

type Deps = {
  db: Database
  keys: Keys
  accountPolicy: AccountPolicies
  keyring: Keyring
  clock: Clock
  config: Pick<Config, 'limits'>
  /** Of new hashes; a lesser one than OWASP's is for tests that are about something else. */
  cost?: PasswordCost | undefined
}

export const createPasswords = (deps: Deps) => {
  const { db, keys, accountPolicy, keyring, clock, config, cost = owaspCost } = deps
  let decoy: Promise<string> | undefined
  const decoyHash = () => {
    decoy ??= hash(randomToken(), cost)
    return decoy
  }

  const failures = createPasswordFailures({ db, keyring, clock, config })

  return {
    /**
     * The password as the user typed it. @param encryption how the client encrypted it, for the keys of `system`
     * @throws ApiError request_invalid naming the field; account_locked after too many that could not be opened
     */
    open: async (given: {
      password: string
      encryption: PasswordEncryption
      field: string
      poolId: string
      ip: string
    }): Promise<string> => {
      const { password, encryption, field } = given
      if (encryption === 'none') return password
      const guess = await failures.take({ ...given, identifier: 'encrypted password' })
      const opened =
        encryption === 'rsa'
          ? openRsa(password, rsaPrivateKeyOf(await keys.newest('password_rsa')))
          : openSm2(password, (await keys.newest('password_sm2')).privateKey)
      if (opened === undefined || opened === '' || opened.includes('\0') || !opened.isWellFormed()) {
        throw fieldInvalid(
          field,
          `could not be decrypted: encrypt it with the ${encryption} key of /api/v3/system`,
        )
      }
      await guess.forgive()
      return opened
    },

    /** Not inside a transaction: it may read the policy. @throws ApiError password_too_weak */
    requireStrong: async (given: NewPassword): Promise<void> =>
      requireStrongPassword(given, await accountPolicy.of(given.poolId)),

    hash: (password: string): Promise<string> => hash(password, cost),

    /**
     * Whether the password is right; without a hash a decoy is verified, which takes the same time and fails.
     * @throws ApiError account_locked when this identifier has failed too often from this network; captcha_required where
     *   `captchaSolved` is given, and false
     */
    verify: async (
      given: Guess & { password: string; passwordHash: string | undefined },
    ): Promise<boolean> => {
      const guess = await failures.take(given)
      const matches = await verify(given.passwordHash ?? (await decoyHash()), given.password)
      if (!matches || given.passwordHash === undefined) return false
      await guess.forgive()
      return true
    },
  }
}

export type Passwords = ReturnType<typeof createPasswords>

const openRsa = (sealed: string, key: KeyObject): string | undefined => {
  const bytes = Buffer.from(sealed, 'base64')
  for (const oaepHash of ['sha1', 'sha256']) {
    try {
      return privateDecrypt({ key, padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash }, bytes).toString(
        'utf8',
      )
    } catch {
      // Not this padding: the next one.
    }
  }
  return openPkcs1(bytes, key)
}

/**
 * PKCS#1 v1.5 (RFC 8017, 7.2.2), which browser libraries such as JSEncrypt use and which Node.js no longer offers for
 * decryption. What a caller can tell from the answer is whether the padding was right, which is what Bleichenbacher's
 * attack needs; the limit of wrong passwords an hour counts each such question, and the key opens nothing but passwords in
 * transit inside TLS. See docs/decisions/encrypted-passwords.md.
 */
const openPkcs1 = (bytes: Buffer, key: KeyObject): string | undefined => {
  try {
    const block = privateDecrypt({ key, padding: constants.RSA_NO_PADDING }, bytes)
    const end = block.indexOf(0, 2)
    if (block[0] !== 0 || block[1] !== 2 || end < 10) return undefined
    return block.subarray(end + 1).toString('utf8')
  } catch {
    return undefined
  }
}

/** GM/T 0003.4 in hex; the order C1C3C2 of the standard, or the older C1C2C3; with or without the leading 04. */
const openSm2 = (sealed: string, privateKey: string): string | undefined => {
  if (!/^[0-9a-f]+$/i.test(sealed)) return undefined
  for (const cipherMode of [1, 0] as const) {
    for (const body of [sealed.replace(/^04/, ''), sealed]) {
      try {
        const opened = sm2.doDecrypt(body, privateKey, cipherMode)
        if (typeof opened === 'string' && opened !== '') return opened
      } catch {
        // Not this form: the next one.
      }
    }
  }
  return undefined
}
