// Passwords: the policy, the hash, and opening the ones that a client encrypted.
//
// What must stay true: argon2id with OWASP's parameters (rule 26); an unknown account costs the same time as a wrong
// password (rule 11); guesses are counted before they are compared.
import { constants, type KeyObject, privateDecrypt } from 'node:crypto'
import { hash, verify } from '@node-rs/argon2'
import { sm2 } from 'sm-crypto-v2'
import { ApiError, fieldInvalid } from '../api-codes.ts'
import type { Config } from '../config.ts'
import { type Clock, secondsUntil } from '../core/clock.ts'
import { type Counter, giveBack, takeOne } from '../core/counters.ts'
import { type Keyring, randomToken } from '../core/crypto.ts'
import type { Database } from '../core/database.ts'
import { networkOf } from '../core/network.ts'
import { type Keys, rsaPrivateKeyOf } from '../keys/keys.ts'

export type PasswordEncryption = 'none' | 'rsa' | 'sm2'

/** OWASP Password Storage Cheat Sheet: m = 19 MiB, t = 2, p = 1; argon2id is the library's default variant. */
const argon2 = { memoryCost: 19_456, timeCost: 2, parallelism: 1 }

const minLength = 8
const maxLength = 128

type Deps = { db: Database; keys: Keys; keyring: Keyring; clock: Clock; config: Pick<Config, 'limits'> }

export const createPasswords = ({ db, keys, keyring, clock, config }: Deps) => {
  let decoy: Promise<string> | undefined
  const decoyHash = () => {
    decoy ??= hash(randomToken(), argon2)
    return decoy
  }

  const counter = (poolId: string, identifier: string, ip: string): Counter => ({
    poolId,
    key: `password_failures:${keyring.fingerprint(identifier)}:${networkOf(ip)}`,
    ...config.limits.passwordFailuresHour,
    now: clock.now(),
  })

  const takeGuess = async (failures: Counter): Promise<void> => {
    const spentUntil = await takeOne(db, failures)
    if (spentUntil === undefined) return
    const retryAfterSeconds = secondsUntil(clock.now(), spentUntil)
    throw new ApiError('account_locked', 'too many wrong passwords from this address', { retryAfterSeconds })
  }

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
      const failures = counter(given.poolId, 'encrypted password', given.ip)
      await takeGuess(failures)
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
      await giveBack(db, failures)
      return opened
    },

    /** @throws ApiError password_too_weak */
    requireStrong: (password: string): void => {
      const length = [...password].length
      if (length < minLength || length > maxLength)
        throw new ApiError('password_too_weak', `${length} characters`)
    },

    hash: (password: string): Promise<string> => hash(password, argon2),

    /**
     * Whether the password is right; without a hash a decoy is verified, which takes the same time and fails.
     * @throws ApiError account_locked when this identifier has failed too often from this address
     */
    verify: async (given: {
      poolId: string
      identifier: string
      ip: string
      password: string
      passwordHash: string | undefined
    }): Promise<boolean> => {
      const failures = counter(given.poolId, given.identifier, given.ip)
      await takeGuess(failures)
      const matches = await verify(given.passwordHash ?? (await decoyHash()), given.password)
      if (!matches || given.passwordHash === undefined) return false
      await giveBack(db, failures)
      return true
    },
  }
}

export type Passwords = ReturnType<typeof createPasswords>

/** 1 low, 2 medium, 3 high: what the security page shows. Length counts most (NIST SP 800-63B-4, 3.1.1.2). */
export const passwordSecurityLevel = (password: string): 1 | 2 | 3 => {
  const kinds = [/[a-z]/, /[A-Z]/, /\d/, /[^a-zA-Z\d]/].filter((kind) => kind.test(password)).length
  if (password.length >= 16 || (password.length >= 12 && kinds >= 3)) return 3
  return password.length >= 10 || kinds >= 3 ? 2 : 1
}

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
