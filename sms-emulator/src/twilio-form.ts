// What the resources of Twilio have in common: form parameters, sids, dates, and which numbers are what.
import { randomBytes } from 'node:crypto'

export type Form = Readonly<Record<string, unknown>> | null | undefined

/** The text of a parameter; undefined where it is missing or empty. */
export const field = (form: Form, name: string): string | undefined => {
  const value = form?.[name]
  return typeof value === 'string' && value !== '' ? value : undefined
}

export const fields = (form: Form, name: string): string[] => {
  const value = form?.[name]
  return (Array.isArray(value) ? value : [value]).filter((one) => typeof one === 'string')
}

export const newSid = (prefix: 'SM' | 'CA'): string => `${prefix}${randomBytes(16).toString('hex')}`

/** RFC 2822, as the API answers dates. */
export const twilioDate = (date: Date): string => date.toUTCString().replace('GMT', '+0000')

export const isE164 = (text: string): boolean => /^\+[1-9]\d{6,14}$/.test(text)

/** Keeps the newest; what is older than a thousand others nobody asks for. */
export const remember = <Resource extends { sid: string }>(
  kept: Map<string, Resource>,
  resource: Resource,
): void => {
  kept.set(resource.sid, resource)
  const [oldest] = kept.keys()
  if (kept.size > 1000 && oldest !== undefined) kept.delete(oldest)
}
