// The server's own key pairs: RS256 keys that sign tokens, and an RSA and an SM2 key that open passwords which a
// client encrypted. Made at the first start and sealed (rule 27).
//
// What must stay true: exactly one key of a use is the newest and signs; a rotated one stays published and accepted
// until every token that it signed has expired; the private half never leaves this folder in clear.
import { createPrivateKey, createPublicKey, generateKeyPair, type KeyObject } from 'node:crypto'
import { promisify } from 'node:util'
import { sm2 } from 'sm-crypto-v2'
import { type Clock, secondsAfter } from '../core/clock.ts'
import { type Keyring, newId } from '../core/crypto.ts'
import type { Database, Queryable } from '../core/database.ts'
import { takeStartLock } from '../core/migrate.ts'
import { insertKey, type KeyRow, type KeyUse, retireKeys, selectKeys } from './store.ts'

export type Key = {
  id: string
  use: KeyUse
  /** PEM for RSA, hex for SM2. */
  publicKey: string
  privateKey: string
  /** Parsed once: parsing costs as much as several signatures. Undefined for SM2. */
  rsaPrivateKey: KeyObject | undefined
}

/** Longer than the longest lifetime that an application may give its tokens (14 days for an id token). */
const overlapSeconds = 15 * 86_400

/** How soon a key that another process made is used here; an unknown key id is looked up at once. */
const reloadSeconds = 60
const unknownKeyReloadSeconds = 2

const newRsaPair = promisify(generateKeyPair)

const makePair = async (use: KeyUse) => {
  if (use === 'password_sm2') {
    const { publicKey, privateKey } = sm2.generateKeyPairHex()
    return { publicKey, privateKey }
  }
  const { publicKey, privateKey } = await newRsaPair('rsa', { modulusLength: 2048 })
  return {
    publicKey: publicKey.export({ type: 'spki', format: 'pem' }).toString(),
    privateKey: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
  }
}

export const createKeys = ({ db, keyring, clock }: { db: Database; keyring: Keyring; clock: Clock }) => {
  let loaded: { keys: Key[]; at: number } | undefined

  const open = (row: KeyRow): Key => {
    const privateKey = keyring.unseal(row.sealed_private_key, `key ${row.id}`)
    const rsaPrivateKey = row.use === 'password_sm2' ? undefined : createPrivateKey(privateKey)
    return { id: row.id, use: row.use, publicKey: row.public_key, privateKey, rsaPrivateKey }
  }

  const load = async () => {
    const rows = await selectKeys(db, clock.now())
    const known = new Map(loaded?.keys.map((key) => [key.id, key]))
    loaded = {
      keys: rows.map((row) => known.get(row.id) ?? open(row)),
      at: clock.now().getTime(),
    }
    return loaded.keys
  }

  const all = async (): Promise<Key[]> =>
    loaded !== undefined && clock.now().getTime() - loaded.at < reloadSeconds * 1000 ? loaded.keys : load()

  const make = async (tx: Queryable, use: KeyUse) => {
    const id = newId(clock)
    const { publicKey, privateKey } = await makePair(use)
    const row: Omit<KeyRow, 'retires_at'> = {
      id,
      use,
      public_key: publicKey,
      sealed_private_key: keyring.seal(privateKey, `key ${id}`),
      created_at: clock.now(),
    }
    await insertKey(tx, row)
  }

  return {
    /** Makes what is missing. Several processes may start at once: the caller's transaction holds the start lock. */
    makeMissing: async (tx: Queryable): Promise<void> => {
      const present = new Set((await selectKeys(tx, clock.now())).map((row) => row.use))
      for (const use of ['sign_token', 'password_rsa', 'password_sm2'] as const) {
        if (!present.has(use)) await make(tx, use)
      }
    },

    /** A new signing key from now on; the old one stays published and accepted for the overlap. */
    rotateSigningKey: async (): Promise<void> => {
      await db.transaction(async (tx) => {
        await takeStartLock(tx)
        await retireKeys(tx, 'sign_token', secondsAfter(clock.now(), overlapSeconds))
        await make(tx, 'sign_token')
      })
      await load()
    },

    /** The newest key of a use. */
    newest: async (use: KeyUse): Promise<Key> => {
      const key = (await all()).find((candidate) => candidate.use === use)
      if (key === undefined) throw new Error(`no key for ${use}`)
      return key
    },

    /** The signing key of that id while it is accepted; looks again when another process may have made it. */
    signingKey: async (id: string): Promise<Key | undefined> => {
      const find = (keys: Key[]) => keys.find((key) => key.id === id && key.use === 'sign_token')
      const known = find(await all())
      if (known !== undefined) return known
      const age = clock.now().getTime() - (loaded?.at ?? 0)
      return age < unknownKeyReloadSeconds * 1000 ? undefined : find(await load())
    },

    /** What is published: the public halves of the accepted signing keys, the newest first (RFC 7517). */
    jwks: async () => ({
      keys: (await all())
        .filter((key) => key.use === 'sign_token')
        .map((key) => ({
          kid: key.id,
          use: 'sig',
          alg: 'RS256',
          ...(createPublicKey(key.publicKey).export({ format: 'jwk' }) as {
            kty: string
            n: string
            e: string
          }),
        })),
    }),
  }
}

export type Keys = ReturnType<typeof createKeys>

export const rsaPrivateKeyOf = (key: Key): KeyObject => {
  if (key.rsaPrivateKey === undefined) throw new Error(`key ${key.id} is not RSA`)
  return key.rsaPrivateKey
}
