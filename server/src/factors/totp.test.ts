import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { newTotpSecret, readTotp, stepOfTotp, totpUri } from './totp.ts'

/** The ASCII text 12345678901234567890 in base32: the seed of RFC 6238, appendix B. */
const secret = 'GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ'

const at = (seconds: number) => new Date(seconds * 1000)

describe('a code of an authenticator app', () => {
  // Appendix B has eight digits; six are the last six of them (RFC 4226, section 5.3).
  it.each([
    [59, '287082', 0x1],
    [1_111_111_109, '081804', 0x23523ec],
    [1_111_111_111, '050471', 0x23523ed],
    [1_234_567_890, '005924', 0x273ef07],
    [2_000_000_000, '279037', 0x3f940aa],
    [20_000_000_000, '353130', 0x27bc86aa],
  ])('at %i seconds is the one of RFC 6238, of its time step', (seconds, code, step) => {
    expect(stepOfTotp(secret, code, at(seconds))).toBe(step)
  })

  it('counts one step before and after its own, and no longer', () => {
    const steps = [-60, -31, -30, 0, 29, 30, 59, 60].map((off) =>
      stepOfTotp(secret, '005924', at(1_234_567_890 + off)),
    )

    // 1 234 567 890 is the first second of its step.
    const step = 0x273ef07
    expect(steps).toEqual([undefined, undefined, step, step, step, step, step, undefined])
  })

  it('is nothing for another secret', () => {
    expect(stepOfTotp(newTotpSecret(), '005924', at(1_234_567_890))).toBeUndefined()
  })

  it.each([
    ['287082', '287082'],
    [' 287 082 ', '287082'],
    ['２８７０８２', '287082'],
  ])('is read as people type it: %s', (typed, read) => {
    expect(readTotp(typed)).toBe(read)
  })

  it('is nothing but six digits', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        const read = readTotp(text)
        expect(read === undefined || /^[0-9]{6}$/.test(read)).toBe(true)
      }),
    )
    expect(['', '28708', '2870822', '28708a', '-28708'].map(readTotp)).toEqual(Array(5).fill(undefined))
  })
})

describe('a new secret', () => {
  it('has 160 bits in base32, and is never the same', () => {
    const secrets = Array.from({ length: 50 }, newTotpSecret)

    expect(new Set(secrets).size).toBe(50)
    for (const made of secrets) expect(made).toMatch(/^[A-Z2-7]{32}$/)
  })

  it('goes into the URI that apps read, with issuer and account, whatever signs they hold', () => {
    const uri = totpUri({ secret, issuer: 'Shop: tea & cups', account: 'ada@example.com' })

    expect(uri).toBe(
      `otpauth://totp/Shop%20%20tea%20%26%20cups:ada%40example.com?issuer=Shop%20%20tea%20%26%20cups&secret=${secret}&algorithm=SHA1&digits=6&period=30`,
    )
  })
})
