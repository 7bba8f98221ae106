// Reading what a provider says: JSON and amounts that nobody has checked yet.
import type { Money } from './provider.ts'

/** What stands at a path of a JSON value; undefined where there is nothing. */
const valueAt = (json: unknown, path: readonly string[]): unknown => {
  let value = json
  for (const name of path) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, name)) return undefined
    value = Reflect.get(value, name)
  }
  return value
}

/** A text or a number at a path, as text; undefined where there is neither. */
export const textAt = (json: unknown, ...path: string[]): string | undefined => {
  const value = valueAt(json, path)
  if (typeof value === 'number') return String(value)
  return typeof value === 'string' && value !== '' ? value : undefined
}

/** A time at a path, in ISO 8601 or RFC 2822. */
export const timeAt = (json: unknown, ...path: string[]): Date | undefined => parseTime(textAt(json, ...path))

export const parseTime = (text: string | undefined): Date | undefined => {
  const time = new Date(text ?? Number.NaN)
  return Number.isNaN(time.getTime()) ? undefined : time
}

/** A table's row for a name that came from outside: `constructor` names no row. */
export const rowOf = <Row>(
  table: Readonly<Record<string, Row>>,
  name: string | undefined,
): Row | undefined => (name !== undefined && Object.hasOwn(table, name) ? table[name] : undefined)

/** A price as `0.0333` or, where the provider writes what it takes, `-0.0333`. */
export const moneyOf = (amount: string | undefined, currency: string | undefined): Money | undefined => {
  if (amount === undefined || currency === undefined || !/^[A-Za-z]{3}$/.test(currency)) return undefined
  const micros = Math.round(Math.abs(Number(amount)) * 1_000_000)
  return Number.isSafeInteger(micros) ? { micros, currency: currency.toUpperCase() } : undefined
}
