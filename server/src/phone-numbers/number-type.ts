// What kind of line a number is, and the prefixes under which its traffic is counted, from libphonenumber's full
// metadata alone: no number is looked up anywhere. The metadata follows new ranges with a delay and knows nothing of a
// number that was ported, so that a policy should take `unknown` for a kind of its own. VoIP is told only where a plan
// has a range for it; in the North American plan it is `fixed_line_or_mobile` like all others there.
import { PhoneNumber, parsePhoneNumberFromString } from 'libphonenumber-js/max'
import type { E164 } from './phone-numbers.ts'

/** libphonenumber's names, and ours. */
const typeNames = {
  MOBILE: 'mobile',
  FIXED_LINE: 'fixed_line',
  FIXED_LINE_OR_MOBILE: 'fixed_line_or_mobile',
  TOLL_FREE: 'toll_free',
  PREMIUM_RATE: 'premium_rate',
  SHARED_COST: 'shared_cost',
  VOIP: 'voip',
  PERSONAL_NUMBER: 'personal',
  PAGER: 'pager',
  UAN: 'uan',
  VOICEMAIL: 'voicemail',
} as const

export type NumberType = (typeof typeNames)[keyof typeof typeNames] | 'unknown'

/** `unknown` where no range of the plan has the number. */
export const numberTypeOf = (phone: E164): NumberType => {
  const read = parsePhoneNumberFromString(phone, { extract: false })
  if (read === undefined) return 'unknown'
  // Read as text, a national number loses digits that look like a trunk prefix (Belarus' 810…); a stored one has none.
  const type = (read.number === phone ? read : new PhoneNumber(phone)).getType()
  return type === undefined ? 'unknown' : typeNames[type]
}

export type NumberPrefixes = {
  /** ISO 3166-1 alpha-2; the digits of the calling code where a number belongs to no region: `800`. */
  region: string
  /** The calling code and three digits: about what an operator, or an area, has. */
  operator: string
  /** All but the last four digits: the block of ten thousand that is handed out together. */
  range: string
}

export const prefixesOf = (phone: E164): NumberPrefixes => {
  const read = parsePhoneNumberFromString(phone, { extract: false })
  // A code that was withdrawn since: three digits, as long as all codes are that come and go.
  const callingCode = read?.countryCallingCode ?? phone.slice(1, 4)
  return {
    region: read?.country ?? callingCode,
    operator: phone.slice(0, 1 + callingCode.length + 3),
    range: phone.slice(0, -4),
  }
}
