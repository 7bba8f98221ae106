// Codes of authenticator apps: TOTP (RFC 6238) with what every app can do: SHA-1, six digits, thirty seconds. Pure
// functions; the time is handed in.
import { TOTP, Secret as TotpSecret } from 'otpauth'
import { randomToken } from '../core/crypto.ts'

const stepSeconds = 30
const digits = 6

/** Steps before and after the present one that count: the clocks of phones are off (RFC 6238, section 5.2). */
const window = 1

/** 160 bits, the length of the hash (RFC 4226, section 4, R6), in base32. */
export const newTotpSecret = (): string => {
  const bytes = Uint8Array.from(Buffer.from(randomToken(), 'base64url').subarray(0, 20))
  return new TotpSecret({ buffer: bytes.buffer }).base32
}

/** What the QR code holds. @param account shown in the app beside the issuer, so that several can be told apart */
export const totpUri = (given: { secret: string; issuer: string; account: string }): string =>
  new TOTP({
    // A colon parts issuer and account in a label, so that neither can hold one.
    issuer: given.issuer.replaceAll(':', ' '),
    label: given.account.replaceAll(':', ' '),
    secret: given.secret,
    digits,
    period: stepSeconds,
  }).toString()

/** The digits as typed or pasted; undefined where no app shows such a code. */
export const readTotp = (text: string): string | undefined => {
  const typed = text.normalize('NFKC').replace(/\s/g, '')
  return /^\d{6}$/.test(typed) ? typed : undefined
}

/** The number of the time step that a code belongs to; undefined where it belongs to none that counts now. */
export const stepOfTotp = (secret: string, code: string, now: Date): number | undefined => {
  const timestamp = now.getTime()
  const given = { secret: TotpSecret.fromBase32(secret), digits, period: stepSeconds, timestamp }
  const distance = TOTP.validate({ ...given, token: code, window })
  return distance === null ? undefined : TOTP.counter({ period: stepSeconds, timestamp }) + distance
}
