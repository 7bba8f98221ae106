import fc from 'fast-check'
import {
  type CountryCode,
  getExampleNumber,
  PhoneNumber,
  parsePhoneNumberFromString,
} from 'libphonenumber-js/max'
import metadata from 'libphonenumber-js/max/metadata'
import examples from 'libphonenumber-js/mobile/examples'
import { describe, expect, it } from 'vitest'
import { type E164, formatParts, maskPhone, parsePhone } from './phone-numbers.ts'

type Typed = { number: string; callingCode?: string }

const read = (typed: Typed): string => {
  const parsed = parsePhone(typed)
  return 'fault' in parsed ? parsed.fault : parsed.phone
}

const accepted = (typed: Typed): E164 => {
  const parsed = parsePhone(typed)
  if ('fault' in parsed) throw new Error(`${typed.number}: ${parsed.reason}`)
  return parsed.phone
}

const isValid = (phone: string): boolean =>
  [parsePhoneNumberFromString(phone), new PhoneNumber(phone)].some((number) => number?.isValid())

const regions = Object.keys(metadata.countries) as CountryCode[]
const callingCodes = [...Object.keys(metadata.country_calling_codes), ...Object.keys(metadata.nonGeographic)]

const exampleOf = (region: CountryCode): PhoneNumber => {
  const example = getExampleNumber(region, examples)
  if (!example) throw new Error(`no example of ${region}`)
  return example
}

const digitsFrom = (text: string, zero: number): string =>
  text.replace(/[0-9]/g, (digit) => String.fromCodePoint(zero + Number(digit)))

const writingsOf = (example: PhoneNumber): Record<string, Typed> => {
  const { number, nationalNumber, countryCallingCode: code } = example
  const international = example.formatInternational()
  const national = example.formatNational()
  return {
    'E.164': { number },
    spaces: { number: international },
    'no-break spaces': { number: international.replaceAll(' ', '\u00a0') },
    dashes: { number: international.replaceAll(' ', '-') },
    'dashes of print': { number: international.replaceAll(' ', '\u2013') },
    dots: { number: international.replaceAll(' ', '.') },
    slashes: { number: international.replaceAll(' ', '/') },
    parentheses: { number: `(+${code}) ${nationalNumber}` },
    'full width': { number: digitsFrom(international, 0xff10).replace('+', '＋').replaceAll(' ', '\u3000') },
    'Arabic-Indic digits': { number: digitsFrom(international, 0x0660) },
    'pasted from a contact': { number: `\u202a${international}\u202c` },
    '00': { number: `00${code} ${nationalNumber}` },
    national: { number: nationalNumber, callingCode: `+${code}` },
    'national with trunk prefix': { number: national, callingCode: `+${code}` },
    'bare calling code': { number: national, callingCode: code },
    '00 calling code': { number: national, callingCode: `00${code}` },
    'full-width calling code': { number: national, callingCode: digitsFrom(`＋${code}`, 0xff10) },
    'E.164 beside its calling code': { number, callingCode: code },
    '00 beside its calling code': { number: `00${code}${nationalNumber}`, callingCode: code },
    'calling code without plus': { number: `${code}${nationalNumber}`, callingCode: code },
    'calling code twice': { number: `+${code}${code}${nationalNumber}` },
  }
}

describe('parsePhone', () => {
  it('tells the parts of a number', () => {
    expect(parsePhone({ number: '188 1234 5678' })).toEqual({
      phone: '+8618812345678',
      callingCode: '+86',
      nationalNumber: '18812345678',
      region: 'CN',
    })
  })

  it.each([undefined, '', ' ', '\u00a0', '+86', '86', '0086', '＋８６', ' +86 ', '(+86)', '٨٦'])(
    'takes the calling code %j for mainland China',
    (callingCode) => {
      expect(parsePhone({ number: '18812345678', callingCode })).toMatchObject({ phone: '+8618812345678' })
    },
  )

  it.each([
    ['+8618812345678', undefined, '+8618812345678'],
    ['008618812345678', undefined, '+8618812345678'],
    ['8618812345678', undefined, '+8618812345678'],
    ['8618812345678', '86', '+8618812345678'],
    ['018812345678', '+86', '+8618812345678'],
    ['１８８　１２３４－５６７８', '＋８６', '+8618812345678'],
    ['\u200e188\u200b1234\u20605678\ufeff', undefined, '+8618812345678'],
    ['+4479 1234 5678', '', '+447912345678'],
    ['+4479 1234 5678', ' ', '+447912345678'],
    ['07912 345678', '+44', '+447912345678'],
    ['+44 (0)7912 345678', '44', '+447912345678'],
    ['0044 7912 345678', undefined, '+447912345678'],
    ['06 1234 5678', '+39', '+390612345678'],
    ['347 123 4567', '+39', '+393471234567'],
    ['0151 23456789', '+49', '+4915123456789'],
    ['4915123456789', '+49', '+4915123456789'],
    ['491 1234', '+49', '+494911234'],
    ['8 (912) 345-67-89', '+7', '+79123456789'],
    ['090ー1234ー5678', '+81', '+819012345678'],
    ['011 15-2345-6789', '+54', '+5491123456789'],
    ['359-1234', '+1-242', '+12423591234'],
    ['359-1234', '001242', '+12423591234'],
    ['(242) 359-1234', '+1242', '+12423591234'],
    ['+1 242 359 1234', '+1242', '+12423591234'],
    ['1 242 359 1234', '1242', '+12423591234'],
    ['810 362-76-95', '+375', '+3758103627695'],
    ['+375 810 362-76-95', undefined, '+3758103627695'],
    ['0 9123 4567', '+852', '+85291234567'],
    ['0012 3456', '+800', '+80000123456'],
    ['٠٧٩١٢٣٤٥٦٧٨', '+٤٤', '+447912345678'],
    ['९८१२३४५६७८', '+91', '+919812345678'],
    ['17912345678', '+86', '+8617912345678'],
  ])('reads %j with the calling code %j as %j', (number, callingCode, phone) => {
    expect(read(callingCode === undefined ? { number } : { number, callingCode })).toBe(phone)
  })

  it.each([
    ['', '+86', 'number'],
    [' ', undefined, 'number'],
    ['+', undefined, 'number'],
    ['12345', '+86', 'number'],
    ['188123456789012', '+86', 'number'],
    ['++8618812345678', undefined, 'number'],
    ['86+18812345678', undefined, 'number'],
    ['18812345678 ext. 9', undefined, 'number'],
    ['18812345678x9', undefined, 'number'],
    ['18812345678#9', undefined, 'number'],
    ['18812345678,9', undefined, 'number'],
    ['tel:+8618812345678', undefined, 'number'],
    ['1-800-FLOWERS', '+1', 'number'],
    ['188****5678', undefined, 'number'],
    ['188…5678', undefined, 'number'],
    ['188 1234 567²', undefined, 'number'],
    ['一八八一二三四五六七八', undefined, 'number'],
    ['+999 1234 5678', undefined, 'number'],
    ['00999 1234 5678', undefined, 'number'],
    [`${' '.repeat(40)}1`, undefined, 'number'],
    ['+49 123456789012345', undefined, 'number'],
    ['+852 09999 9999', undefined, 'number'],
    ['18812345678', '+999', 'callingCode'],
    ['18812345678', '861', 'callingCode'],
    ['18812345678', '+44-1481', 'callingCode'],
    ['18812345678', '086', 'callingCode'],
    ['18812345678', '+', 'callingCode'],
    ['18812345678', '00', 'callingCode'],
    ['18812345678', 'CN', 'callingCode'],
    ['18812345678', '+86 +86', 'callingCode'],
    ['18812345678', '+86      ', 'callingCode'],
    ['+447912345678', '+86', 'callingCode'],
    ['00447912345678', '86', 'callingCode'],
    ['+8618812345678', '+44', 'callingCode'],
    ['+1 213 373 4253', '+1242', 'callingCode'],
    ['213 373 4253', '+1242', 'callingCode'],
  ])('refuses %j with the calling code %j for its %s', (number, callingCode, fault) => {
    const parsed = parsePhone({ number, callingCode })

    expect(parsed).toEqual({ fault, reason: expect.stringMatching(/^[A-Z].*\.$/) })
  })

  it('names the calling code that disagrees with a pasted number', () => {
    expect(parsePhone({ number: '+447912345678', callingCode: '+86' })).toEqual({
      fault: 'callingCode',
      reason: 'Correct the calling code or the number, which does not begin with +86.',
    })
  })

  it('tells regions that share a calling code apart', () => {
    const regionOf = (number: string) => {
      const parsed = parsePhone({ number })
      return 'fault' in parsed ? parsed.fault : parsed.region
    }

    expect(regionOf('+12423591234')).toBe('BS')
    expect(regionOf('+12133734253')).toBe('US')
    expect(regionOf('+77710009998')).toBe('KZ')
    expect(regionOf('+79123456789')).toBe('RU')
    expect(regionOf('+80012345678')).toBeUndefined()
  })

  it.each(regions)('reads every writing of a number of %s as one phone', (region) => {
    const example = exampleOf(region)

    const phones = Object.entries(writingsOf(example)).map(([writing, typed]) => [writing, read(typed)])

    expect(phones).toEqual(Object.keys(writingsOf(example)).map((writing) => [writing, example.number]))
  })

  it('accepts the valid numbers of every plan as they are', () => {
    const plans = [...Object.values(metadata.countries), ...Object.values(metadata.nonGeographic)]
    const samples = plans.flatMap(([code, , pattern]) =>
      fc
        .sample(fc.stringMatching(new RegExp(`^(?:${pattern})$`)), { numRuns: 20, seed: 86 })
        // A valid number may begin with its own calling code and mean a shorter one: see docs/decisions.
        .filter((nationalNumber) => !nationalNumber.startsWith(code))
        .map((nationalNumber) => `+${code}${nationalNumber}`)
        .filter((phone) => phone.length <= 16 && new PhoneNumber(phone).isValid()),
    )

    expect(samples.length).toBeGreaterThan(1000)
    expect(samples.filter((number) => read({ number }) !== number)).toEqual([])
  })

  const someDigits = fc.tuple(fc.constantFrom(...callingCodes), fc.stringMatching(/^[0-9]{4,14}$/))

  it('reads what it accepted as the same phone in every later writing', () => {
    fc.assert(
      fc.property(someDigits, ([code, digits]) => {
        const parsed = parsePhone({ number: `+${code}${digits}` })
        fc.pre('phone' in parsed)
        const { phone, callingCode, nationalNumber } = parsed

        expect(accepted({ number: phone })).toBe(phone)
        expect(accepted({ number: phone, callingCode })).toBe(phone)
        expect(accepted({ number: `00${phone.slice(1)}` })).toBe(phone)
        expect(accepted({ number: nationalNumber, callingCode })).toBe(phone)
        expect(accepted({ number: digitsFrom(nationalNumber, 0xff10), callingCode })).toBe(phone)
        expect(formatParts(phone)).toEqual({ callingCode, nationalNumber, region: parsed.region })
      }),
      { numRuns: 2000 },
    )
  })

  it('never makes a second phone of a stray zero or calling code, unless that is a valid number itself', () => {
    fc.assert(
      fc.property(someDigits, ([code, digits]) => {
        const parsed = parsePhone({ number: `+${code}${digits}` })
        fc.pre('phone' in parsed && !parsed.nationalNumber.startsWith('0'))
        const { phone, callingCode, nationalNumber } = parsed

        const others = [
          read({ number: `0${nationalNumber}`, callingCode }),
          read({ number: `${callingCode}(0)${nationalNumber}` }),
          read({ number: `${code}${nationalNumber}`, callingCode }),
          read({ number: `+${code}${code}${nationalNumber}` }),
        ]

        expect(others.filter((other) => other !== phone && other !== 'number' && !isValid(other))).toEqual([])
      }),
      { numRuns: 2000 },
    )
  })

  it('answers any text, with a phone or a fault', () => {
    const text = fc.oneof(fc.string({ unit: 'binary' }), fc.stringMatching(/^[+0-9٠-٩ ()-]{0,20}$/))
    fc.assert(
      fc.property(text, fc.option(text, { nil: undefined }), (number, callingCode) => {
        const parsed = parsePhone({ number, callingCode })

        const phone = 'fault' in parsed ? undefined : parsed.phone
        expect(phone ?? '+8618812345678').toMatch(/^\+[1-9][0-9]{4,14}$/)
      }),
      { numRuns: 5000 },
    )
  })

  it('refuses letters wherever they stand', () => {
    const letter = fc.oneof(
      fc.stringMatching(/^[a-zA-Z]$/),
      fc.constantFrom('ж', '号', 'ب', 'é', 'Ⅷ', 'ｘ', '℡', '零'),
    )
    fc.assert(
      fc.property(fc.constantFrom(...regions), letter, fc.nat(), (region, char, position) => {
        const { number } = exampleOf(region)
        const at = position % (number.length + 1)

        expect(read({ number: `${number.slice(0, at)}${char}${number.slice(at)}` })).toBe('number')
      }),
    )
  })

  it('repeats no number in a reason', () => {
    fc.assert(
      fc.property(
        fc.stringMatching(/^[+]?[0-9]{5,20}$/),
        fc.stringMatching(/^[+]?[0-9]{0,7}$/),
        (number, callingCode) => {
          const parsed = parsePhone({ number, callingCode })

          // At most +1242: a calling code with its area.
          expect('fault' in parsed ? parsed.reason : '').not.toMatch(/[0-9]{5}/)
        },
      ),
    )
  })

  it.each(['arab', 'arabext', 'beng', 'deva', 'fullwide', 'khmr', 'mathsans', 'mymr', 'tibt', 'thai'])(
    'knows the digits of the numbering system %s',
    (system) => {
      const digits = new Intl.NumberFormat(`en-u-nu-${system}`, { useGrouping: false })

      expect(read({ number: `+${digits.format(8618023456789)}` })).toBe('+8618023456789')
    },
  )

  it('relies on no calling code beginning another', () => {
    const clashes = callingCodes.filter((code) =>
      callingCodes.some((other) => other !== code && other.startsWith(code)),
    )

    expect(clashes).toEqual([])
  })
})

describe('formatParts', () => {
  it.each(regions)('takes a phone of %s apart as it was read', (region) => {
    const { number, nationalNumber, countryCallingCode } = exampleOf(region)
    const phone = accepted({ number })

    const parts = formatParts(phone)

    // Some regions share their mobile ranges, too: an example of Jan Mayen is one of Norway.
    const country = parsePhoneNumberFromString(number)?.country
    expect(parts).toEqual({ callingCode: `+${countryCallingCode}`, nationalNumber, region: country })
    expect(accepted({ number: parts.nationalNumber, callingCode: parts.callingCode })).toBe(phone)
  })

  it('knows no region of a non-geographic code', () => {
    const parts = formatParts(accepted({ number: '+80012345678' }))

    expect(parts).toEqual({ callingCode: '+800', nationalNumber: '12345678', region: undefined })
  })

  it('keeps working for a calling code that was withdrawn', () => {
    const parts = formatParts('+99912345678' as E164)

    expect(parts).toEqual({ callingCode: '+999', nationalNumber: '12345678', region: undefined })
  })
})

describe('maskPhone', () => {
  it.each([
    ['+8618812345678', '+86*******78'],
    ['+12133734253', '+1*******53'],
    ['+2908999', '+290*******99'],
    ['+99912345678', '+999*******78'],
  ])('shows %s as %s', (phone, masked) => {
    expect(maskPhone(phone as E164)).toBe(masked)
  })
})
