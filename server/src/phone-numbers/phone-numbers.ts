// Owns what a phone number is: it turns every accepted writing of a number into one E.164 string, and that
// string back into the parts that people read. What must stay true: an `E164` comes only from `parsePhone`;
// one number has one `E164`, however it was written, because "one number, one account" is a unique index on
// that string; a phone that is written again, whole or as its parts, reads as itself; `parsePhone` answers
// bad input and never throws; no reason repeats the number, since reasons are logged. Numbering plans are
// libphonenumber's. A number is refused when its plan has no place for it (not "possible"), but not for an
// unknown range (not "valid"): docs/decisions/phone-numbers.md says why, and which of two readings wins.

import { type CountryCode, PhoneNumber, parsePhoneNumberFromString } from 'libphonenumber-js/max'
import metadata from 'libphonenumber-js/max/metadata'
import { ApiError } from '../api-codes.ts'
import { foldWriting } from './writing.ts'

export { countryList, isCountry } from './country-list.ts'
export { type NumberPrefixes, type NumberType, numberTypeOf, prefixesOf } from './number-type.ts'

/** `+8618812345678`: a plus, the calling code, the national number; 15 digits at most (ITU-T E.164). */
export type E164 = string & { readonly __brand: 'E164' }

/** ISO 3166-1 alpha-2, as libphonenumber knows it (with AC, TA and XK). */
export type Region = CountryCode

/** `+86` */
export type CallingCode = `+${string}`

export type PhoneParts = {
  callingCode: CallingCode
  /** The digits after the calling code, without a trunk prefix. */
  nationalNumber: string
  /** Undefined for a non-geographic code, and for a shared one whose regions do not know the number. */
  region: Region | undefined
}

export type ParsedPhone = PhoneParts & { phone: E164 }

/** Which field is wrong, and the remedy in one sentence. */
export type PhoneFault = { fault: 'number' | 'callingCode'; reason: string }

type StatedCode = { code: string; area: string }

const defaultCode = '86'
const maxDigits = 15
const maxNumberChars = 40
const maxCallingCodeChars = 8

const regionsByCode = new Map<string, readonly Region[]>([
  ...Object.entries(metadata.country_calling_codes),
  ...Object.keys(metadata.nonGeographic).map((code): [string, Region[]] => [code, []]),
])

const faults = {
  numberTooLong: { fault: 'number', reason: `Write the number in ${maxNumberChars} characters or fewer.` },
  numberMissing: { fault: 'number', reason: 'Write a phone number.' },
  numberUnreadable: {
    fault: 'number',
    reason: 'Write the number as digits, with nothing else than spaces, - . / ( ) and a leading +.',
  },
  numberUnassigned: { fault: 'number', reason: 'Write an assigned calling code after the + or 00.' },
  numberImpossible: { fault: 'number', reason: 'Check the digits: this calling code has no such numbers.' },
  numberAmbiguous: {
    fault: 'number',
    reason: 'Write the number without a leading 0 or calling code: it reads as two different numbers.',
  },
  codeTooLong: {
    fault: 'callingCode',
    reason: `Write the calling code in ${maxCallingCodeChars} characters or fewer, like +86.`,
  },
  codeUnreadable: { fault: 'callingCode', reason: 'Write the calling code with digits only, like +86.' },
  codeUnassigned: { fault: 'callingCode', reason: 'Write an assigned calling code, like +86.' },
} as const satisfies Record<string, PhoneFault>

/** No calling code begins another one (ITU-T E.164), so the first that fits is it. */
const findCallingCode = (digits: string): string | undefined =>
  [1, 2, 3].map((length) => digits.slice(0, length)).find((code) => regionsByCode.has(code))

const readCallingCode = (text: string): StatedCode | PhoneFault | undefined => {
  if (text.length > maxCallingCodeChars) return faults.codeTooLong
  const folded = foldWriting(text)
  if (folded === '') return undefined
  if (folded === undefined) return faults.codeUnreadable

  const code = folded.replace(/^(\+|00)/, '')
  if (regionsByCode.has(code)) return { code, area: '' }
  // Many country pickers write a member of the North American plan with its area: +1-242, the Bahamas.
  if (/^1[2-9]\d\d$/.test(code)) return { code: '1', area: code.slice(1) }
  return faults.codeUnassigned
}

/** Drops a trunk prefix. Belarus' premium numbers (810…) begin with its trunk prefix 8: there libphonenumber
 * cuts a valid number into a wrong one. */
const dropTrunkPrefix = (code: string, digits: string): PhoneNumber | undefined => {
  const dropped = parsePhoneNumberFromString(`+${code}${digits}`, { extract: false })
  if (!dropped || dropped.nationalNumber === digits || dropped.isValid()) return dropped

  const whole = new PhoneNumber(`+${code}${digits}`)
  return whole.isValid() ? whole : dropped
}

/** The number that these digits are under this calling code; undefined when there can be none. */
const readDigits = (code: string, digits: string): PhoneNumber | undefined => {
  const number = dropTrunkPrefix(code, digits)
  if (!number || number.number.length > maxDigits + 1 || !number.isPossible()) return undefined
  // 00 begins a national number only where a plan says so (+800, freephone in Japan and Korea); else it is
  // the international prefix, and would be read as one when the number comes back through its parts.
  if (number.nationalNumber.startsWith('00') && !number.isValid()) return undefined
  return number
}

/** Germany, Indonesia, Kosovo: a mobile number behind its own calling code also fits the loose patterns of
 * their fixed lines (libphonenumber's FAQ, "Why wasn't the country code removed"), but no fixed line is that
 * long: the mobile number is meant. Elsewhere such a pair is a real fixed line and a mobile number too short
 * to exist, as in Finland. */
const looseFixedLineCodes = new Set(['49', '62', '383'])

const isMobile = (number: PhoneNumber): boolean => /MOBILE/.test(number.getType() ?? '')

/** People put the calling code, or a 0 that their plan does not have, before the number: taken literally, a
 * second number for the same phone (openware/barong 499, logto 7371). A valid reading wins, the literal one
 * first; two that are only possible are refused. */
const chooseReading = (code: string, digits: string): PhoneNumber | PhoneFault => {
  const literal = readDigits(code, digits)
  const doubted = [code, '0'].find((prefix) => digits.startsWith(prefix))
  const rest = doubted === undefined ? digits : digits.slice(doubted.length)
  const other = rest === digits || rest === literal?.nationalNumber ? undefined : readDigits(code, rest)

  if (!literal) return other ?? faults.numberImpossible
  if (!other || other.number === literal.number) return literal
  if (looseFixedLineCodes.has(code) && !isMobile(literal) && isMobile(other)) return other
  if (literal.isValid()) return literal
  return other.isValid() ? other : faults.numberAmbiguous
}

/** Refuses a number that would read differently when it is written again as its own parts. */
const readNumber = (code: string, digits: string): PhoneNumber | PhoneFault => {
  const number = chooseReading(code, digits)
  if ('fault' in number || number.nationalNumber === digits) return number

  const again = chooseReading(code, number.nationalNumber)
  return 'fault' in again || again.number === number.number ? again : faults.numberAmbiguous
}

const isInternational = (written: string, code: string): boolean => {
  if (written.startsWith('+')) return true
  return written.startsWith('00') && readDigits(code, written)?.nationalNumber !== written
}

const disagreement = (callingCode: string): PhoneFault => ({
  fault: 'callingCode',
  reason: `Correct the calling code or the number, which does not begin with +${callingCode}.`,
})

const readWritten = (written: string, stated: StatedCode | undefined): PhoneNumber | PhoneFault => {
  const code = stated?.code ?? defaultCode
  if (!isInternational(written, code)) {
    const isLocal = stated?.area && written.length === 7
    return readNumber(code, isLocal ? `${stated.area}${written}` : written)
  }

  const digits = written.replace(/^(\+|00)/, '')
  const pasted = findCallingCode(digits)
  if (pasted === undefined) return faults.numberUnassigned
  if (stated && stated.code !== pasted) return disagreement(stated.code)
  return readNumber(pasted, digits.slice(pasted.length))
}

const onlyRegionOf = (code: string): Region | undefined => {
  const [region, ...others] = regionsByCode.get(code) ?? []
  return others.length === 0 ? region : undefined
}

/** Reads a number as a person wrote it. An absent or blank `callingCode` means mainland China, unless the
 * number itself begins with `+` or `00` and a calling code. */
export const parsePhone = (typed: {
  number: string
  callingCode?: string | undefined
}): ParsedPhone | PhoneFault => {
  if (typed.number.length > maxNumberChars) return faults.numberTooLong
  const stated = readCallingCode(typed.callingCode ?? '')
  if (stated && 'fault' in stated) return stated
  const written = foldWriting(typed.number)
  if (written === undefined) return faults.numberUnreadable
  if (written === '' || written === '+') return faults.numberMissing

  const number = readWritten(written, stated)
  if ('fault' in number) return number
  if (stated && !number.nationalNumber.startsWith(stated.area)) {
    return disagreement(`${stated.code}${stated.area}`)
  }
  return {
    phone: number.number as E164,
    callingCode: `+${number.countryCallingCode}`,
    nationalNumber: number.nationalNumber,
    region: onlyRegionOf(number.countryCallingCode) ?? number.country,
  }
}

/** Never fails: a phone stored before its calling code was withdrawn keeps three digits as its code, as long
 * as all codes are that come and go (ITU-T, list of assigned country codes). */
const splitPhone = (phone: E164): { code: string; nationalNumber: string } => {
  const digits = phone.slice(1)
  const code = findCallingCode(digits) ?? digits.slice(0, 3)
  return { code, nationalNumber: digits.slice(code.length) }
}

/** The parts that people read, from the phone that is stored. */
export const formatParts = (phone: E164): PhoneParts => {
  const { code, nationalNumber } = splitPhone(phone)
  const region = onlyRegionOf(code) ?? parsePhoneNumberFromString(phone, { extract: false })?.country
  return { callingCode: `+${code}`, nationalNumber, region }
}

/** `+86*******78`, for logs: the calling code and the last two digits; the stars do not tell the length. */
export const maskPhone = (phone: E164): string => `+${splitPhone(phone).code}*******${phone.slice(-2)}`

/** Whether a stored recipient is a phone; the others are email addresses, and none of those begins with a plus and digits alone. */
export const isPhone = (recipient: string): recipient is E164 => /^\+\d+$/.test(recipient)

/** `parsePhone` for the wire. @throws ApiError phone_number_invalid naming the field and the remedy */
export const requirePhone = (number: string, callingCode: string | undefined, field: string): ParsedPhone => {
  const parsed = parsePhone({ number, callingCode })
  if ('phone' in parsed) return parsed
  const named = parsed.fault === 'callingCode' ? 'phoneCountryCode' : field
  throw new ApiError('phone_number_invalid', `${named}: ${parsed.reason}`, {
    errors: [{ field: named, message: parsed.reason }],
  })
}
