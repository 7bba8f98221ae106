// How people write a number, made plain: ASCII digits behind at most one `+`. It knows no numbering plans.

/** What is dropped: spaces and invisible marks (pasted from contacts and chats), dashes, dots, slashes,
 * parentheses. `Dash` lacks the katakana prolonged sound mark, which Japanese keyboards put between
 * full-width digits. */
const separators = /[\p{White_Space}\p{Default_Ignorable_Code_Point}\p{Dash}ー.·・。/()]/gu

const isDecimalDigit = (codePoint: number): boolean => /\p{Nd}/u.test(String.fromCodePoint(codePoint))

/** The decimal digits of a script stand in ascending order from 0 to 9 (UAX #44, Numeric_Type=Decimal): a
 * digit's value is its distance from the start of its run, modulo ten where the runs of two scripts touch. */
const toAsciiDigit = (digit: string): string => {
  const codePoint = digit.codePointAt(0) ?? 0
  let distance = 0
  while (isDecimalDigit(codePoint - distance - 1)) distance += 1
  return String(distance % 10)
}

/** `＋８６ (188) 1234-5678` → `+8618812345678`; undefined when anything but a written number is in it. */
export const foldWriting = (text: string): string | undefined => {
  const folded = text
    // Full-width and half-width forms only: the rest of NFKC would read ² as 2 and … as three dots.
    .replace(/[\uff00-\uffef]/g, (form) => form.normalize('NFKC'))
    .replace(separators, '')
    .replace(/[^\P{Nd}0-9]/gu, toAsciiDigit)
  return /^\+?[0-9]*$/.test(folded) ? folded : undefined
}
