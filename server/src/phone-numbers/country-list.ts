// The countries that a phone field offers: every region and every non-geographic calling code that
// libphonenumber knows, so that each number that can be parsed can also be chosen. Region names are the
// CLDR's, as Node has them.

// Not the package's own entry: that one reads its names in all languages, 50 ms at start.
import { alpha2ToAlpha3 } from 'i18n-iso-countries/index.js'
import metadata from 'libphonenumber-js/max/metadata'

type Locale = 'zh-CN' | 'en-US' | 'zh-TW' | 'ja-JP'

export type Country = {
  /** ISO 3166-1; `001`, the world of UN M49, for a non-geographic calling code. */
  alpha2: string
  alpha3: string
  phoneCountryCode: `+${string}`
  flag: string
  name: Record<Locale, { enabled: boolean; value: string }>
}

const world = { alpha2: '001', alpha3: '001', flag: '🌐' }

/** Reserved in ISO 3166-1 rather than assigned, so not in its list; alpha-3 as in CLDR's territory codes. */
const reservedAlpha3: Record<string, string> = { AC: 'ASC', TA: 'TAA' }

/** After the ITU's list of assigned country codes. */
const nonGeographicNames: Record<Locale, Record<string, string>> = {
  'zh-CN': {
    800: '国际免费电话',
    808: '国际分摊付费电话',
    870: '国际海事卫星',
    878: '通用个人通信',
    881: '全球卫星移动通信系统',
    882: '国际网络',
    883: '国际网络',
    888: '救灾通信',
    979: '国际付费信息服务',
  },
  'en-US': {
    800: 'International Freephone',
    808: 'International Shared Cost',
    870: 'Inmarsat',
    878: 'Universal Personal Telecommunication',
    881: 'Global Mobile Satellite System',
    882: 'International Networks',
    883: 'International Networks',
    888: 'Telecommunications for Disaster Relief',
    979: 'International Premium Rate',
  },
  'zh-TW': {
    800: '國際免付費電話',
    808: '國際分攤付費電話',
    870: '國際海事衛星',
    878: '通用個人通訊',
    881: '全球衛星行動通訊系統',
    882: '國際網路',
    883: '國際網路',
    888: '救災通訊',
    979: '國際付費資訊服務',
  },
  'ja-JP': {
    800: '国際フリーフォン',
    808: '国際分担課金サービス',
    870: 'インマルサット',
    878: 'ユニバーサル個人通信',
    881: '全世界移動体衛星通信システム',
    882: '国際ネットワーク',
    883: '国際ネットワーク',
    888: '災害救援通信',
    979: '国際プレミアムレート',
  },
}

const forEachLocale = <Value>(valueIn: (locale: Locale) => Value): Record<Locale, Value> => ({
  'zh-CN': valueIn('zh-CN'),
  'en-US': valueIn('en-US'),
  'zh-TW': valueIn('zh-TW'),
  'ja-JP': valueIn('ja-JP'),
})

const nameWith = (valueIn: (locale: Locale) => string): Country['name'] =>
  forEachLocale((locale) => ({ enabled: true, value: valueIn(locale) }))

/** A flag is its region's two letters as regional indicator symbols (UTS #51). */
const flagOf = (alpha2: string): string =>
  alpha2.replace(/[A-Z]/g, (letter) => String.fromCodePoint(0x1f1e6 + letter.charCodeAt(0) - 0x41))

const listCountries = (): Country[] => {
  const regionNames = forEachLocale((locale) => new Intl.DisplayNames(locale, { type: 'region' }))

  const regions: Country[] = Object.entries(metadata.country_calling_codes).flatMap(([code, alpha2s]) =>
    alpha2s.map((alpha2) => ({
      alpha2,
      alpha3: alpha2ToAlpha3(alpha2) ?? reservedAlpha3[alpha2] ?? alpha2,
      phoneCountryCode: `+${code}` as const,
      flag: flagOf(alpha2),
      name: nameWith((locale) => regionNames[locale].of(alpha2) ?? alpha2),
    })),
  )
  const nonGeographic: Country[] = Object.keys(metadata.nonGeographic).map((code) => ({
    ...world,
    phoneCountryCode: `+${code}`,
    name: nameWith((locale) => nonGeographicNames[locale][code] ?? `+${code}`),
  }))

  // China first, because it is what an absent calling code means. Then by calling code with the main region
  // before the others, as libphonenumber lists them: the first `+1` is the United States. Names sort
  // differently in each language, so sorting by name is left to the screen.
  const isChina = ({ alpha2 }: Country): boolean => alpha2 === 'CN'
  return [...regions.filter(isChina), ...regions.filter((region) => !isChina(region)), ...nonGeographic]
}

let countries: Country[] | undefined

/** The same list at every call; the first takes about 40 ms, a thousand names from CLDR. */
export const countryList = (): Country[] => {
  countries ??= listCountries()
  return countries
}

/** Of ISO 3166-1 or of libphonenumber: ISO has some without numbers, libphonenumber some that ISO does not assign. */
export const isCountry = (alpha2: string): boolean =>
  /^[A-Z]{2}$/.test(alpha2) &&
  (alpha2ToAlpha3(alpha2) !== undefined || countryList().some((country) => country.alpha2 === alpha2))
