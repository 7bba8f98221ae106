// What a test has typed and been told that no log line may hold (rule 12): codes, tokens, passwords, secrets, and the
// numbers and addresses of people.
import type { InboxMessage } from '../../src/inbox/inbox.ts'

const secretKey = /(?:token|secret|passcode|password|recoverycode|captchacode|totp)$/i
const phoneKey = /phone(?:number)?$/i
const emailAddress = /^[^\s@]+@[^\s@]+\.[^\s@]+$/

/** Words of the wire that stand where a token may stand, and what is too short to be told from a word of ours. */
const isWord = (value: string): boolean => value === 'Bearer' || value.length < 4

const escaped = (value: string): string => value.replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&')

/** As it would stand in a line of JSON. */
const asWritten = (value: string): string => JSON.stringify(value).slice(1, -1)

/** A short value only between quotes, and digits only where they are not a part of something longer. */
const patternOf = (secret: string): RegExp => {
  const written = escaped(asWritten(secret))
  if (/^\d{6,}$/.test(secret)) return new RegExp(`(?<![\\w.-])${written}(?![\\w.-])`)
  return secret.length >= 12 || secret.includes('@') ? new RegExp(written) : new RegExp(`"${written}"`)
}

/** Also with its calling code before it. */
const patternOfPhone = (digits: string): RegExp =>
  new RegExp(`(?<![\\da-f-])(?:\\+?\\d{1,3})?${digits}(?!\\d)`)

export const createSeenSecrets = () => {
  const secrets = new Set<string>()
  const phones = new Set<string>()

  /** Whatever of a body or a reply is a secret by its name, or an address by its form. */
  const collect = (value: unknown, key = ''): void => {
    if (Array.isArray(value)) for (const one of value) collect(one, key)
    else if (typeof value === 'object' && value !== null)
      for (const [name, inner] of Object.entries(value)) collect(inner, name)
    if (typeof value !== 'string' || isWord(value)) return
    if (secretKey.test(key) || emailAddress.test(value)) secrets.add(value)
    const digits = value.replace(/\D/g, '')
    if (phoneKey.test(key) && digits.length >= 8) phones.add(digits)
  }

  return {
    collect,

    /** The codes of messages, and the tokens of links. */
    collectInbox: (messages: readonly InboxMessage[]): void => {
      for (const { passCode, text } of messages) {
        if (passCode !== '') secrets.add(passCode)
        for (const [, token] of text.matchAll(/\/([\w-]{43})(?![\w-])/g)) secrets.add(token ?? '')
      }
    },

    /** @throws where a line holds any of them */
    refuseIn: (lines: readonly string[]): void => {
      const log = lines.join('')
      const refuse = (value: string, what: string, pattern: RegExp) => {
        // Most stand nowhere, and looking for a text is the fastest way to know.
        if (!log.includes(asWritten(value)) || !pattern.test(log)) return
        throw new Error(`${what} in the log: ${lines.find((line) => pattern.test(line))}`)
      }
      for (const secret of secrets) refuse(secret, 'a secret', patternOf(secret))
      for (const digits of phones) refuse(digits, 'a phone number', patternOfPhone(digits))
    },
  }
}

export type SeenSecrets = ReturnType<typeof createSeenSecrets>
