// The recovery code of an authenticator app: for who lost the device that the app was on.
//
// What must stay true: it is shown once, when the app is set up; only its keyed digest is stored (rule 28).
import { digest, type Keyring, randomInteger } from '../core/crypto.ts'

/** Crockford's base32: without I, L, O and U, which are mistaken for digits or for V. */
const alphabet = '0123456789ABCDEFGHJKMNPQRSTVWXYZ'

/** 25 signs of 32 are 125 bits: nobody guesses that, however often. */
const length = 25
const groupLength = 5

type Owner = { poolId: string; userId: string }

/** In groups, as it is shown: `7Q2MX-0HWKD-…`. */
export const newRecoveryCode = (): string =>
  Array.from({ length }, (_, index) => {
    const sign = alphabet[randomInteger(alphabet.length)] ?? ''
    return index > 0 && index % groupLength === 0 ? `-${sign}` : sign
  }).join('')

/** The signs as typed, without groups; look-alikes are read as what they must be. */
const plain = (typed: string): string =>
  typed
    .normalize('NFKC')
    .toUpperCase()
    .replace(/[^A-Z0-9]/g, '')
    .replaceAll('O', '0')
    .replace(/[IL]/g, '1')

/** The digest that is stored. */
export const recoveryCodeDigest = (keyring: Keyring, owner: Owner, code: string): Buffer =>
  digest(keyring.current.digest, 'recovery code', owner.poolId, owner.userId, plain(code))

/** The digests that a code has under each accepted key. */
export const recoveryCodeDigests = (keyring: Keyring, owner: Owner, code: string): Buffer[] =>
  keyring.all.map((key) => digest(key.digest, 'recovery code', owner.poolId, owner.userId, plain(code)))
