import metadata from 'libphonenumber-js/max/metadata'
import { describe, expect, it } from 'vitest'
import { countryList, parsePhone } from './phone-numbers.ts'

const find = (alpha2: string) => countryList().find((country) => country.alpha2 === alpha2)

describe('countryList', () => {
  it('describes a country in four languages', () => {
    expect(find('CN')).toEqual({
      alpha2: 'CN',
      alpha3: 'CHN',
      phoneCountryCode: '+86',
      flag: '🇨🇳',
      name: {
        'zh-CN': { enabled: true, value: '中国' },
        'en-US': { enabled: true, value: 'China' },
        'zh-TW': { enabled: true, value: '中國' },
        'ja-JP': { enabled: true, value: '中国' },
      },
    })
  })

  it('has every region and every calling code of the metadata', () => {
    const codes = [...Object.keys(metadata.country_calling_codes), ...Object.keys(metadata.nonGeographic)]

    const listed = countryList()

    const listedCodes = listed.map(({ phoneCountryCode }) => phoneCountryCode.slice(1))
    const listedRegions = listed.map(({ alpha2 }) => alpha2).filter((alpha2) => alpha2 !== '001')
    expect(new Set(listedCodes)).toEqual(new Set(codes))
    expect(listedRegions.toSorted()).toEqual(Object.keys(metadata.countries).toSorted())
  })

  it('lists each pair of region and calling code once', () => {
    const pairs = countryList().map(({ alpha2, phoneCountryCode }) => `${alpha2} ${phoneCountryCode}`)

    expect(pairs).toHaveLength(new Set(pairs).size)
  })

  it('names everything in every language, and codes no two regions alike', () => {
    const listed = countryList()
    const names = listed.flatMap(({ name }) => Object.values(name).map(({ value }) => value))
    const alpha3s = listed.map(({ alpha3 }) => alpha3).filter((alpha3) => alpha3 !== '001')

    expect(names.filter((name) => name === '' || /^([A-Z]{2}|\+.*)$/.test(name))).toEqual([])
    expect(alpha3s.filter((alpha3) => !/^[A-Z]{3}$/.test(alpha3))).toEqual([])
    expect(alpha3s).toHaveLength(new Set(alpha3s).size)
  })

  it.each([
    ['AC', 'ASC', '+247', '🇦🇨'],
    ['TA', 'TAA', '+290', '🇹🇦'],
    ['XK', 'XKK', '+383', '🇽🇰'],
    ['GB', 'GBR', '+44', '🇬🇧'],
    ['JP', 'JPN', '+81', '🇯🇵'],
  ])('codes %s as %s, %s, %s', (alpha2, alpha3, phoneCountryCode, flag) => {
    expect(find(alpha2)).toMatchObject({ alpha3, phoneCountryCode, flag })
  })

  it('names a non-geographic code for what it is', () => {
    const inmarsat = countryList().find(({ phoneCountryCode }) => phoneCountryCode === '+870')

    expect(inmarsat).toMatchObject({
      alpha2: '001',
      alpha3: '001',
      flag: '🌐',
      name: { 'en-US': { value: 'Inmarsat' } },
    })
  })

  it('begins with China, puts the main region of a calling code first and ends with the non-geographic codes', () => {
    const listed = countryList()
    const firstOf = (code: string) => listed.find(({ phoneCountryCode }) => phoneCountryCode === code)?.alpha2
    const isNonGeographic = listed.map(({ alpha2 }) => alpha2 === '001')

    expect(listed[0]?.alpha2).toBe('CN')
    expect(['+1', '+7', '+39', '+44', '+590'].map(firstOf)).toEqual(['US', 'RU', 'IT', 'GB', 'GP'])
    expect(isNonGeographic).toEqual(isNonGeographic.toSorted((a, b) => Number(a) - Number(b)))
  })

  it('is the same list at every call', () => {
    expect(countryList()).toBe(countryList())
  })

  it('offers only calling codes that parsePhone accepts', () => {
    const refused = countryList().filter(({ phoneCountryCode }) => {
      const parsed = parsePhone({ number: '1', callingCode: phoneCountryCode })
      return 'fault' in parsed && parsed.fault === 'callingCode'
    })

    expect(refused).toEqual([])
  })
})
