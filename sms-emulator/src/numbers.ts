// Phone numbers as the Chinese services take and give them.

const mainlandMobile = /^1[3-9]\d{9}$/

/** E.164; a mobile number of mainland China may come with `+86`, `0086`, `86` or nothing before it. */
export const parsePhone = (text: string): string | undefined => {
  if (mainlandMobile.test(text)) return `+86${text}`
  const digits = text.replace(/^(\+|00)/, '')
  if (!/^[1-9]\d{6,14}$/.test(digits)) return undefined
  if (digits.startsWith('86') && !mainlandMobile.test(digits.slice(2))) return undefined
  return `+${digits}`
}

/** ITU-T, "List of Recommendation E.164 assigned country codes": all that have not three digits. */
const shortCallingCodes = /^(1|7|2[07]|3[0-469]|4[013-9]|5[1-8]|6[0-6]|8[1246]|9[0-58])/

/** The calling code and the digits after it. */
export const splitPhone = (e164: string): { callingCode: string; nationalNumber: string } => {
  const digits = e164.slice(1)
  const callingCode = shortCallingCodes.exec(digits)?.[0] ?? digits.slice(0, 3)
  return { callingCode, nationalNumber: digits.slice(callingCode.length) }
}

const chinaOffsetMilliseconds = 8 * 3_600_000

const inChina = (time: Date): Date => new Date(time.getTime() + chinaOffsetMilliseconds)

/** China's time, as `2017-01-01 00:00:00`. */
export const chinaTime = (time: Date): string => inChina(time).toISOString().slice(0, 19).replace('T', ' ')

/** China's time, as `Thu, 25 Nov 2021 10:27:00 +0800`. */
export const chinaMailTime = (time: Date): string => inChina(time).toUTCString().replace('GMT', '+0800')

/** How many messages a text is charged as: up to `alone` characters one, a longer text in parts of `part`. */
export const segmentsOf = (text: string, { alone, part }: { alone: number; part: number }): number =>
  text.length <= alone ? 1 : Math.ceil(text.length / part)
