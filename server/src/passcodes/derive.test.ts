import { createHmac } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { derivePasscode } from './derive.ts'

const key = Buffer.alloc(32, 7)

const codesOf = (count: number, length = 6) =>
  Array.from({ length: count }, (_, index) => derivePasscode(key, [String(index)], length))

/** The first numbers of the stream, made here once more by the rule that the function states. */
const streamOf = (streamKey: Buffer, parts: readonly string[], block = 0): number[] => {
  const bytes = createHmac('sha256', streamKey)
    .update(JSON.stringify([block, ...parts]))
    .digest()
  return Array.from({ length: 8 }, (_, index) => bytes.readUInt32BE(index * 4))
}

/** Parts whose first number must be rejected at this length, and the code of the first one that is not. */
const findRejected = (length: number) => {
  const size = 10 ** length
  const limit = Math.floor(2 ** 32 / size) * size
  for (let index = 0; ; index += 1) {
    const parts = ['rejected', String(index)]
    const [first = 0, ...rest] = streamOf(key, parts)
    const next = rest.find((value) => value < limit)
    if (first >= limit && next !== undefined) {
      const pad = (value: number) => String(value % size).padStart(length, '0')
      return { parts, code: pad(next), biased: pad(first) }
    }
  }
}

describe('derivePasscode', () => {
  it.each([4, 5, 6, 7, 8])('gives %i digits, leading zeros kept (rule 1)', (length) => {
    const codes = codesOf(2000, length)

    expect(codes.filter((code) => !new RegExp(`^\\d{${length}}$`).test(code))).toEqual([])
    expect(codes.some((code) => code.startsWith('0'))).toBe(true)
  })

  it('gives the same code for the same parts (rule 4)', () => {
    const first = derivePasscode(key, ['id', 'bind_phone', '+8618812345678'], 6)

    const second = derivePasscode(Buffer.from(key), ['id', 'bind_phone', '+8618812345678'], 6)

    expect(second).toBe(first)
  })

  it.each([
    { parts: ['id', 'bind_phone', '+8618812345678'], length: 6, code: '529109' },
    { parts: ['id', 'sign_in', '+8618812345678'], length: 6, code: '216991' },
    { parts: ['', '', ''], length: 8, code: '25866191' },
  ])('gives $code for $parts', ({ parts, length, code }) => {
    expect(derivePasscode(key, parts, length)).toBe(code)
  })

  it('is HMAC-SHA256 over the parts, reduced to the digits (rule 3)', () => {
    const parts = ['0193…', 'bind_phone', '+4915112345678']
    const [first = 0] = streamOf(key, parts)

    const code = derivePasscode(key, parts, 6)

    expect(first).toBeLessThan(4_294_000_000)
    expect(code).toBe(String(first % 1_000_000).padStart(6, '0'))
  })

  it('gives another code for every other key, purpose, number and challenge', () => {
    const codes = [
      derivePasscode(key, ['id', 'bind_phone', '+8618812345678'], 8),
      derivePasscode(Buffer.alloc(32, 8), ['id', 'bind_phone', '+8618812345678'], 8),
      derivePasscode(key, ['id2', 'bind_phone', '+8618812345678'], 8),
      derivePasscode(key, ['id', 'sign_in', '+8618812345678'], 8),
      derivePasscode(key, ['id', 'bind_phone', '+8618812345679'], 8),
    ]

    expect(new Set(codes).size).toBe(5)
  })

  it('keeps its parts apart: no two splits of one text are the same', () => {
    const splits = [['ab', 'c'], ['a', 'bc'], ['abc'], ['abc', ''], ['', 'abc'], ['ab","c']]

    const codes = splits.map((parts) => derivePasscode(key, parts, 8))

    expect(new Set(codes).size).toBe(splits.length)
  })

  it.each([6, 7, 8])('rejects what would favor small codes, at %i digits (rule 1)', (length) => {
    const { parts, code, biased } = findRejected(length)

    const derived = derivePasscode(key, parts, length)

    expect(derived).toBe(code)
    expect(derived).not.toBe(biased)
  })

  it('gives every digit equally often at every place (rule 1)', () => {
    const codes = codesOf(50_000)

    for (const place of [0, 1, 2, 3, 4, 5]) {
      const counts = Array.from({ length: 10 }, () => 0)
      for (const code of codes) counts[Number(code[place])] = (counts[Number(code[place])] ?? 0) + 1
      const chiSquare = counts.reduce((sum, count) => sum + (count - 5000) ** 2 / 5000, 0)
      // Nine degrees of freedom: 33.7 is exceeded by chance once in 10 000.
      expect(chiSquare).toBeLessThan(33.7)
    }
  })

  it('gives every code of four digits equally often (rule 1)', () => {
    const counts = new Map<string, number>()
    for (const code of codesOf(200_000, 4)) counts.set(code, (counts.get(code) ?? 0) + 1)

    const all = Array.from({ length: 10_000 }, (_, value) => counts.get(String(value).padStart(4, '0')) ?? 0)
    const chiSquare = all.reduce((sum, count) => sum + (count - 20) ** 2 / 20, 0)

    // 9999 degrees of freedom: mean 9999, standard deviation 141; five of them to either side.
    expect(chiSquare).toBeGreaterThan(9999 - 5 * 141)
    expect(chiSquare).toBeLessThan(9999 + 5 * 141)
  })
})
