// Amounts of money: counted in whole millionths, written as decimals.

/** `0.0079` of 7900 millionths. */
export const amountOf = (micros: number): string => {
  const digits = String(Math.round(micros)).padStart(7, '0')
  const fraction = digits.slice(-6).replace(/0+$/, '')
  return fraction === '' ? digits.slice(0, -6) : `${digits.slice(0, -6)}.${fraction}`
}

/** Millionths of a decimal amount of at most six places. */
export const microsOf = (text: string): number => {
  const [whole = '0', fraction = ''] = text.split('.')
  return Number(whole) * 1_000_000 + Number(fraction.padEnd(6, '0').slice(0, 6))
}
