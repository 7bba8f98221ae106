// Amounts of money: counted in whole millionths, written as decimals.

/** `0.0079` of 7900 millionths. */
export const amountOf = (micros: number): string => {
  const digits = String(Math.round(micros)).padStart(7, '0')
  const fraction = digits.slice(-6).replace(/0+$/, '')
  return fraction === '' ? digits.slice(0, -6) : `${digits.slice(0, -6)}.${fraction}`
}
