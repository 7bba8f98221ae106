import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { countSegments, unsupportedCharacters } from './segments.ts'

const basic =
  '@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !"#¤%&\'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà'
const extended = '\f^{}\\[~]|€'

const textOf = (characters: string) =>
  fc.array(fc.constantFrom(...characters), { maxLength: 700 }).map((chosen) => chosen.join(''))

const gsmText = textOf(basic + extended)
const anyText = fc.string({ unit: 'binary', maxLength: 700 })

/** The least number of segments, by trying every place to cut: slow, and another way to the same answer. */
const fewestSegments = (sizes: readonly number[], room: number): number => {
  const fewest = [0]
  for (let end = 1; end <= sizes.length; end += 1) {
    let best = Number.POSITIVE_INFINITY
    let used = 0
    for (let start = end - 1; start >= 0; start -= 1) {
      used += sizes[start] ?? 0
      if (used > room) break
      best = Math.min(best, (fewest[start] ?? 0) + 1)
    }
    fewest.push(best)
  }
  return fewest[sizes.length] ?? 0
}

describe('countSegments', () => {
  it.each([
    { name: 'an empty text', text: '', encoding: 'GSM-7', units: 0, segments: 0 },
    { name: 'one letter', text: 'a', encoding: 'GSM-7', units: 1, segments: 1 },
    { name: '160 letters', text: 'a'.repeat(160), encoding: 'GSM-7', units: 160, segments: 1 },
    { name: '161 letters', text: 'a'.repeat(161), encoding: 'GSM-7', units: 161, segments: 2 },
    { name: '306 letters', text: 'a'.repeat(306), encoding: 'GSM-7', units: 306, segments: 2 },
    { name: '307 letters', text: 'a'.repeat(307), encoding: 'GSM-7', units: 307, segments: 3 },
    { name: '80 euro signs', text: '€'.repeat(80), encoding: 'GSM-7', units: 160, segments: 1 },
    { name: '81 euro signs', text: '€'.repeat(81), encoding: 'GSM-7', units: 162, segments: 2 },
    { name: '70 Chinese characters', text: '验'.repeat(70), encoding: 'UCS-2', units: 70, segments: 1 },
    { name: '71 Chinese characters', text: '验'.repeat(71), encoding: 'UCS-2', units: 71, segments: 2 },
    { name: '134 Chinese characters', text: '验'.repeat(134), encoding: 'UCS-2', units: 134, segments: 2 },
    { name: '135 Chinese characters', text: '验'.repeat(135), encoding: 'UCS-2', units: 135, segments: 3 },
    { name: '35 emoji', text: '🔑'.repeat(35), encoding: 'UCS-2', units: 70, segments: 1 },
    { name: '36 emoji', text: '🔑'.repeat(36), encoding: 'UCS-2', units: 72, segments: 2 },
    { name: 'a curly apostrophe', text: `${'a'.repeat(70)}’`, encoding: 'UCS-2', units: 71, segments: 2 },
    { name: 'half a character', text: '\ud83d', encoding: 'UCS-2', units: 1, segments: 1 },
  ])('counts $name as $units units of $encoding in $segments segments', ({ text, ...expected }) => {
    expect(countSegments(text)).toEqual({
      encoding: expected.encoding,
      units: expected.units,
      segments: expected.segments,
    })
  })

  it('does not cut an escape from its character: 306 septets may need three segments', () => {
    const text = `${'a'.repeat(152)}€${'a'.repeat(152)}`

    const counted = countSegments(text)

    expect(counted).toEqual({ encoding: 'GSM-7', units: 306, segments: 3 })
  })

  it('does not cut a surrogate pair: 134 code units may need three segments', () => {
    const text = `${'验'.repeat(66)}🔑${'验'.repeat(66)}`

    const counted = countSegments(text)

    expect(counted).toEqual({ encoding: 'UCS-2', units: 134, segments: 3 })
  })

  it('reads every character of the two tables as GSM-7, 127 and 10 of them', () => {
    const counts = [...basic, ...extended].map((character) => countSegments(character))

    expect(new Set(basic).size).toBe(127)
    expect(counts.filter(({ encoding }) => encoding === 'UCS-2')).toEqual([])
    expect(counts.reduce((sum, { units }) => sum + units, 0)).toBe(127 + 2 * 10)
  })

  it('gives as many segments as the best of all ways to cut, for any text of the alphabet', () => {
    fc.assert(
      fc.property(gsmText, (text) => {
        const sizes = [...text].map((character) => (extended.includes(character) ? 2 : 1))
        const units = sizes.reduce((sum, size) => sum + size, 0)
        const expected = units === 0 ? 0 : units <= 160 ? 1 : fewestSegments(sizes, 153)

        expect(countSegments(text)).toEqual({ encoding: 'GSM-7', units, segments: expected })
      }),
    )
  })

  it('gives as many segments as the best of all ways to cut, for any other text', () => {
    fc.assert(
      fc.property(anyText, (text) => {
        const wide = `${text}验`
        const sizes = [...wide].map(({ length }) => length)
        const expected = wide.length <= 70 ? 1 : fewestSegments(sizes, 67)

        expect(countSegments(wide)).toEqual({ encoding: 'UCS-2', units: wide.length, segments: expected })
      }),
    )
  })

  it('never needs fewer segments for a longer text', () => {
    fc.assert(
      fc.property(anyText, anyText, (text, more) => {
        expect(countSegments(text + more).segments).toBeGreaterThanOrEqual(countSegments(text).segments)
      }),
    )
  })
})

describe('unsupportedCharacters', () => {
  it('names each character that forces UCS-2 once, in order', () => {
    expect(unsupportedCharacters('“Don’t tell” 验证 🔑🔑 €5')).toEqual(['“', '’', '”', '验', '证', '🔑'])
  })

  it('is empty exactly where a text is GSM-7', () => {
    fc.assert(
      fc.property(fc.oneof(gsmText, anyText), (text) => {
        expect(unsupportedCharacters(text).length === 0).toBe(countSegments(text).encoding === 'GSM-7')
      }),
    )
  })
})
