// Keyed digests, sealing and random values: thin wrappers of node:crypto, each with a known-answer test.
import {
  createCipheriv,
  createDecipheriv,
  createHash,
  createHmac,
  hkdfSync,
  randomBytes,
  randomInt,
  timingSafeEqual,
} from 'node:crypto'
import { v7 } from 'uuid'
import type { Clock } from './clock.ts'
import type { Secret } from './secret.ts'

let pool = Buffer.alloc(0)

/** 16 random bytes out of 4 KiB that are drawn at once: a draw costs the system the same for any size. */
const randomBytes16 = (): Uint8Array => {
  if (pool.length < 16) pool = randomBytes(4096)
  const taken = pool.subarray(0, 16)
  pool = pool.subarray(16)
  return taken
}

/** Time-ordered (RFC 9562, section 5.7), so that new rows stay together in every index. */
export const newId = (clock: Clock): string => v7({ msecs: clock.now().getTime(), random: randomBytes16() })

/** 256 bits from the system's generator, in base64url: 43 characters. */
export const randomToken = (): string => randomBytes(32).toString('base64url')

/** A whole number from 0 up to, but not including, `below`, each equally likely. */
export const randomInteger = (below: number): number => randomInt(below)

/** Rule 28: a value of 256 random bits needs no key to be stored as a hash. */
export const sha256 = (value: string): Buffer => createHash('sha256').update(value).digest()

/** Keyed digest of parts that are length-prefixed, so that ("ab", "c") and ("a", "bc") differ. */
export const digest = (key: Buffer, ...parts: readonly string[]): Buffer => {
  const hmac = createHmac('sha256', key)
  for (const part of parts) hmac.update(`${Buffer.byteLength(part)}:`).update(part)
  return hmac.digest()
}

/** Compares in a time that does not depend on the content; the hash makes the lengths equal. */
export const sameSecret = (given: string, expected: Secret): boolean =>
  timingSafeEqual(sha256(given), sha256(expected.reveal()))

export type MasterKey = { id: string; seal: Buffer; derive: Buffer; digest: Buffer; fingerprint: Buffer }

/**
 * The keys of one purpose each, made from one configured master key (HKDF-SHA256, RFC 5869).
 * The id names the master key in rows without telling it, so that an older one stays usable after a rotation.
 */
export const deriveMasterKey = (secret: Secret): MasterKey => {
  const derive = (info: string, bytes = 32) =>
    Buffer.from(hkdfSync('sha256', secret.reveal(), '', `dialtone ${info}`, bytes))
  return {
    id: derive('key id', 6).toString('hex'),
    seal: derive('seal'),
    derive: derive('passcode derivation'),
    digest: derive('passcode digest'),
    fingerprint: derive('fingerprint'),
  }
}

/**
 * The configured master keys, newest first: the first seals and digests, every one opens and verifies.
 * Rule 27: what is sealed is AES-256-GCM with the key's id before it.
 */
export type Keyring = {
  current: MasterKey
  all: readonly MasterKey[]
  seal(plain: string, context: string): string
  unseal(sealed: string, context: string): string
  /** A stable name for a value that must not be stored or logged in clear (rule 12). */
  fingerprint(value: string): string
}

export const createKeyring = (secrets: readonly [Secret, ...Secret[]]): Keyring => {
  const current = deriveMasterKey(secrets[0])
  const all = [current, ...secrets.slice(1).map(deriveMasterKey)]
  return {
    current,
    all,
    seal: (plain, context) => {
      const nonce = randomBytes(12)
      const cipher = createCipheriv('aes-256-gcm', current.seal, nonce).setAAD(Buffer.from(context))
      const sealed = Buffer.concat([nonce, cipher.update(plain, 'utf8'), cipher.final(), cipher.getAuthTag()])
      return `${current.id}.${sealed.toString('base64url')}`
    },
    unseal: (sealed, context) => {
      const [id, body] = sealed.split('.')
      const key = all.find((candidate) => candidate.id === id)
      if (key === undefined || body === undefined) {
        throw new UnknownMasterKey(`no configured master key has the id ${id}`)
      }
      const bytes = Buffer.from(body, 'base64url')
      const decipher = createDecipheriv('aes-256-gcm', key.seal, bytes.subarray(0, 12))
        .setAAD(Buffer.from(context))
        .setAuthTag(bytes.subarray(-16))
      return Buffer.concat([decipher.update(bytes.subarray(12, -16)), decipher.final()]).toString('utf8')
    },
    fingerprint: (value) => digest(current.fingerprint, value).toString('hex').slice(0, 24),
  }
}

/** The database holds a value that was sealed with a master key that this process was not given. */
export class UnknownMasterKey extends Error {}
