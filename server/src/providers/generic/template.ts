// Templates of the generic provider: a text with `{{placeholders}}`, each written so that it stays what it is where
// it stands.
//
// What must stay true: no value, whoever wrote it, ends the place that it was put into.

import { formatParts } from '../../phone-numbers/phone-numbers.ts'
import type { OutgoingMessage } from '../provider.ts'

export const placeholders = [
  'to',
  'toDigits',
  'nationalNumber',
  'callingCode',
  'from',
  'text',
  'code',
  'id',
  'receiptUrl',
  'locale',
] as const
type Placeholder = (typeof placeholders)[number]

export type Values = ReadonlyMap<string, string>

const secretPrefix = 'secret.'

/** The values of one message, with the administrator's own under `secret.`. */
export const valuesOf = (
  message: OutgoingMessage,
  from: string,
  secrets: Readonly<Record<string, string>>,
): Values => {
  const { callingCode, nationalNumber } = formatParts(message.to)
  const values: Record<Placeholder, string> = {
    to: message.to,
    toDigits: message.to.slice(1),
    nationalNumber,
    callingCode: callingCode.slice(1),
    from,
    text: message.text,
    code: message.parameters.code,
    id: message.id,
    receiptUrl: message.receiptUrl,
    locale: message.locale,
  }
  const ofSecrets = Object.entries(secrets).map(([name, value]): [string, string] => [
    `${secretPrefix}${name}`,
    value,
  ])
  return new Map([...Object.entries(values), ...ofSecrets])
}

/** What a value becomes in the place where it stands. */
export type Encode = (value: string) => string

// Half an emoji would make encodeURIComponent throw.
const inUrl: Encode = (value) => encodeURIComponent(value.toWellFormed())
const inJson: Encode = (value) => JSON.stringify(value.toWellFormed()).slice(1, -1)
const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&apos;',
}
// XML 1.0, section 2.2: other control characters may not stand in a document, not even escaped.
const inXml: Encode = (value) =>
  value
    .toWellFormed()
    .replace(/[^\t\n\r\u{20}-\u{d7ff}\u{e000}-\u{fffd}\u{10000}-\u{10ffff}]/gu, '')
    .replace(/[&<>"']/g, (character) => entities[character] ?? character)
/** A line break would begin a header of its own, and other characters have no form that all servers read. */
const inHeader: Encode = (value) => value.toWellFormed().replace(/[^\x20-\x7e]+/g, encodeURIComponent)
const inText: Encode = (value) => value

export const encodings = { inUrl, inJson, inXml, inHeader, inText } as const

/** By the media type, without its parameters. */
export const encodingOf = (contentType: string): Encode => {
  const mediaType = (contentType.split(';')[0] ?? '').trim().toLowerCase()
  if (mediaType === 'application/x-www-form-urlencoded') return inUrl
  if (/[/+]json$/.test(mediaType)) return inJson
  return /[/+]xml$/.test(mediaType) ? inXml : inText
}

const pattern = /\{\{([^{}]*)\}\}/g

export const fill = (template: string, values: Values, encode: Encode): string =>
  template.replace(pattern, (_, name: string) => encode(values.get(name) ?? ''))

/** The first `{{…}}` that stands for nothing; undefined when all do. */
export const unknownPlaceholder = (
  template: string,
  secrets: Readonly<Record<string, string>>,
): string | undefined => {
  const known = new Set<string>([
    ...placeholders,
    ...Object.keys(secrets).map((name) => `${secretPrefix}${name}`),
  ])
  const [unknown] = [...template.matchAll(pattern)].filter(([, name]) => !known.has(name ?? ''))
  return unknown?.[0]
}
