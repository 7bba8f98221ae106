// What a mail server, or the connection to it, says of a letter that did not go, as one of our reasons.
import type { MailFailure } from '../messages/messages.ts'

/** What nodemailer says of an error. */
type Told = {
  code?: unknown
  originalCode?: unknown
  responseCode?: unknown
  response?: unknown
  command?: unknown
}

const textOf = (value: unknown): string => (typeof value === 'string' ? value : '')

/** Of OpenSSL and Node.js: the certificate or the handshake is at fault, and not the network. */
const tlsPattern = /CERT|SELF_SIGNED|ERR_TLS|ERR_SSL|EPROTO|UNABLE_TO_/

/** A reply of class 4 is for now, one of class 5 for good (RFC 5321, section 4.2.1). */
const reasonOf = (told: Told): MailFailure => {
  const reply = typeof told.responseCode === 'number' ? told.responseCode : 0
  const code = textOf(told.code)
  if (code === 'EABORT' || code === 'ETIMEDOUT') return 'timeout'
  if (code === 'ETLS' || code === 'EREQUIRETLS' || tlsPattern.test(textOf(told.originalCode)))
    return 'tls_failed'
  if (reply >= 400 && reply < 500) return 'refused_for_now'
  if (code === 'EAUTH' || code === 'ENOAUTH') return 'login_refused'
  if (reply >= 500) return textOf(told.command).startsWith('RCPT') ? 'recipient_refused' : 'letter_refused'
  return code === 'EMESSAGE' || code === 'EENVELOPE' ? 'letter_refused' : 'connection_failed'
}

/**
 * The reason, and the server's own code: `550 5.1.1`. Never its words, which may name the recipient (rule 12).
 */
export const readFailure = (error: unknown): { reason: MailFailure; code: string } => {
  const told: Told = typeof error === 'object' && error !== null ? error : {}
  const [reply] = /^\d{3}([ -]\d\.\d{1,3}\.\d{1,3})?/.exec(textOf(told.response)) ?? []
  const code = reply?.replace('-', ' ') ?? (textOf(told.originalCode) || textOf(told.code))
  return { reason: reasonOf(told), code: code === '' ? 'unknown' : code }
}
