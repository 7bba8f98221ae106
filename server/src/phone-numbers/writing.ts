// How people write a number, made plain: ASCII digits behind at most one leading `+`. It knows no numbering
// plans.

/** What is dropped: spaces and invisible marks (pasted from contacts and chats), dashes, dots, slashes,
 * parentheses. `Dash` lacks the katakana prolonged sound mark, which Japanese keyboards put between
 * full-width digits. */
const separators = /[\p{White_Space}\p{Default_Ignorable_Code_Point}\p{Dash}ー.·・。/()]/gu

const isDecimalDigit = (codePoint: number): boolean => /\p{Nd}/u.test(String.fromCodePoint(codePoint))

/** The decimal digits of a script stand in ascending order from zero to nine (UAX #44, Numeric_Type=Decimal),
 * so a digit's value is its distance from the start of its run; where runs touch, from the last multiple of
 * ten. */
const toAsciiDigit = (digit: string): string => {
  const codePoint = digit.codePointAt(0) ?? 0
  let distance = 0
  while (isDecimalDigit(codePoint - distance - 1)) distance += 1
  return String(distance % 10)
}

/** `＋８６ (188) 1234-5678` → `+8618812345678`; undefined when anything but a written number is in it. */
export const foldWriting = (text: string): string | undefined => {
  // NFKC folds the full-width forms of digits, plus, dash, dot, slash, parentheses and space (UAX #15).
  const folded = text
    .normalize('NFKC')
    .replace(separators, '')
    .replace(/[^\P{Nd}0-9]/gu, toAsciiDigit)
  return /^\+?[0-9]*$/.test(folded) ? folded : undefined
}
