import { createHmac } from 'node:crypto'

/**
 * The code of a challenge: HMAC-SHA256 over the parts, read as a stream of 32-bit numbers, of which the first that
 * lies under the largest multiple of 10^length is taken modulo 10^length. So every code is equally likely (rule 1),
 * nothing guessable needs to be stored, and a resend carries the same code (rules 3 and 4).
 *
 * @param length digits, 4 to 8
 */
export const derivePasscode = (key: Buffer, parts: readonly string[], length: number): string => {
  const size = 10 ** length
  const limit = Math.floor(2 ** 32 / size) * size
  for (let block = 0; ; block += 1) {
    const bytes = createHmac('sha256', key)
      .update(JSON.stringify([block, ...parts]))
      .digest()
    for (let offset = 0; offset < bytes.length; offset += 4) {
      const value = bytes.readUInt32BE(offset)
      if (value < limit) return String(value % size).padStart(length, '0')
    }
  }
}
