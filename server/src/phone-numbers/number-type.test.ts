import { getCountries, getExampleNumber } from 'libphonenumber-js/max'
import metadata from 'libphonenumber-js/max/metadata'
import examples from 'libphonenumber-js/mobile/examples'
import { describe, expect, it } from 'vitest'
import { type E164, numberTypeOf, parsePhone, prefixesOf } from './phone-numbers.ts'

const phoneOf = (number: string): E164 => {
  const parsed = parsePhone({ number })
  if ('fault' in parsed) throw new Error(`${number}: ${parsed.reason}`)
  return parsed.phone
}

/** A mobile number of each region, from libphonenumber. */
const mobiles = getCountries().flatMap((region) => {
  const example = getExampleNumber(region, examples)
  return example === undefined ? [] : [{ region, phone: phoneOf(example.number) }]
})

/** Regions whose plan does not part mobile numbers from fixed lines. */
const undivided = ['CA', 'CL', 'DO', 'FM', 'GU', 'MP', 'MX', 'PR', 'TA', 'US', 'VI']

/** Regions that share their mobile ranges with a larger one of their calling code, which the number is read as. */
const readAs: Record<string, string> = {
  AX: 'FI',
  BL: 'GP',
  CC: 'AU',
  CX: 'AU',
  EH: 'MA',
  IM: 'GB',
  MF: 'GP',
  SJ: 'NO',
  VA: 'IT',
}

describe('numberTypeOf', () => {
  it('knows the example of a mobile number of every region', () => {
    const types = mobiles.map(({ region, phone }) => ({ region, type: numberTypeOf(phone) }))

    const either = types.filter(({ type }) => type === 'fixed_line_or_mobile').map(({ region }) => region)
    expect(types.length).toBeGreaterThan(240)
    expect(new Set(types.map(({ type }) => type))).toEqual(new Set(['mobile', 'fixed_line_or_mobile']))
    expect(either.toSorted()).toEqual(undivided)
  })

  it.each([
    { number: '+8618812345678', type: 'mobile', where: 'China' },
    { number: '+861012345678', type: 'fixed_line', where: 'Beijing' },
    { number: '+868001234567', type: 'toll_free', where: 'China' },
    { number: '+864001234567', type: 'shared_cost', where: 'China' },
    { number: '+447400123456', type: 'mobile', where: 'the United Kingdom' },
    {
      number: '+447781123456',
      type: 'mobile',
      where: 'Guernsey, whose range the United Kingdom does not have',
    },
    { number: '+442071234567', type: 'fixed_line', where: 'London' },
    { number: '+447012345678', type: 'personal', where: 'the United Kingdom' },
    { number: '+447640123456', type: 'pager', where: 'the United Kingdom' },
    { number: '+445612345678', type: 'voip', where: 'the United Kingdom' },
    { number: '+445512345678', type: 'uan', where: 'the United Kingdom' },
    { number: '+449012345678', type: 'premium_rate', where: 'the United Kingdom' },
    { number: '+33912345678', type: 'voip', where: 'France' },
    { number: '+815012345678', type: 'voip', where: 'Japan' },
    { number: '+81120123456', type: 'toll_free', where: 'Japan' },
    { number: '+12015550123', type: 'fixed_line_or_mobile', where: 'New Jersey' },
    { number: '+18002345678', type: 'toll_free', where: 'North America' },
    { number: '+19002345678', type: 'premium_rate', where: 'North America' },
    { number: '+4915123456789', type: 'mobile', where: 'Germany' },
    { number: '+4930123456', type: 'fixed_line', where: 'Berlin' },
    { number: '+491801234567', type: 'shared_cost', where: 'Germany' },
    { number: '+390212345678', type: 'fixed_line', where: 'Milan, with its leading zero' },
    { number: '+41860123456789', type: 'voicemail', where: 'Switzerland' },
    { number: '+3758101234567', type: 'premium_rate', where: 'Belarus, where 8 is the trunk prefix too' },
    { number: '+80012345678', type: 'toll_free', where: 'the world' },
    { number: '+979123456789', type: 'premium_rate', where: 'the world' },
    { number: '+8612345678901', type: 'unknown', where: 'China: possible, in no range' },
  ])('is $type for $number of $where', ({ number, type }) => {
    expect(numberTypeOf(phoneOf(number))).toBe(type)
  })

  it('is unknown, and no fault, for a phone that was stored before its calling code was withdrawn', () => {
    const stored = '+210123456' as E164

    expect(numberTypeOf(stored)).toBe('unknown')
  })
})

describe('prefixesOf', () => {
  it('gives the region of every example, or the one that it is read as', () => {
    const wrong = mobiles.filter(
      ({ region, phone }) => prefixesOf(phone).region !== (readAs[region] ?? region),
    )

    expect(wrong).toEqual([])
  })

  it.each([
    { number: '+8618812345678', region: 'CN', operator: '+86188', range: '+861881234' },
    { number: '+12015550123', region: 'US', operator: '+1201', range: '+1201555' },
    { number: '+12425570123', region: 'BS', operator: '+1242', range: '+1242557' },
    { number: '+447781123456', region: 'GG', operator: '+44778', range: '+44778112' },
    { number: '+3758101234567', region: 'BY', operator: '+375810', range: '+375810123' },
    { number: '+80012345678', region: '800', operator: '+800123', range: '+8001234' },
    { number: '+881612345678', region: '881', operator: '+881612', range: '+88161234' },
  ])('parts $number into $region, $operator and $range', ({ number, region, operator, range }) => {
    expect(prefixesOf(phoneOf(number))).toEqual({ region, operator, range })
  })

  it('gives prefixes of the number that lie inside its calling code', () => {
    const codes = new Set([
      ...Object.keys(metadata.country_calling_codes),
      ...Object.keys(metadata.nonGeographic),
    ])

    const wrong = mobiles.filter(({ phone }) => {
      const { operator, range } = prefixesOf(phone)
      const inCode = codes.has(operator.slice(1, -3))
      return !(
        inCode &&
        phone.startsWith(operator) &&
        phone.startsWith(range) &&
        phone.length === range.length + 4
      )
    })

    expect(wrong).toEqual([])
  })

  it('takes three digits as the calling code of a phone whose code was withdrawn', () => {
    const stored = '+210123456' as E164

    expect(prefixesOf(stored)).toEqual({ region: '210', operator: '+210123', range: '+21012' })
  })
})
