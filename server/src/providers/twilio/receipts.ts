// What Twilio says about a message or a call: its signed calls to us, and what its statuses mean.
//
// What must stay true: a call whose signature does not fit the URL, every parameter and the account's auth token is not
// Twilio's. The signature knows no time, so that the very same call verifies again: taking a receipt twice must do no
// harm.
import { createHmac } from 'node:crypto'
import { sameSecret } from '../../core/crypto.ts'
import { Secret } from '../../core/secret.ts'
import type { FailureReason } from '../failures.ts'
import type { Receipt, ReceiptCall, ReceiptReply } from '../provider.ts'
import { parseTime, rowOf } from '../reading.ts'
import { twilioCodes } from './codes.ts'

/** "Outbound message status in status callbacks"; the others (queued, sending…) tell nothing new. */
const messageStates: Readonly<Record<string, Receipt['state']>> = {
  sent: 'sent',
  delivered: 'delivered',
  read: 'delivered',
  undelivered: 'failed',
  failed: 'failed',
  canceled: 'failed',
}

type CallEnd = { state: 'delivered' | 'failed'; reason?: FailureReason }

/** "Call resource", call status values: those that end a call. A completed one was answered and listened to. */
const callEnds: Readonly<Record<string, CallEnd>> = {
  completed: { state: 'delivered' },
  busy: { state: 'failed', reason: 'number_unreachable' },
  'no-answer': { state: 'failed', reason: 'number_unreachable' },
  failed: { state: 'failed', reason: 'unknown' },
  canceled: { state: 'failed', reason: 'unknown' },
}

/** RFC 3261, sections 21.4.5, 21.4.22 and 21.6.3: not found, address incomplete, does not exist anywhere. */
const sipCodesOfNoNumber = ['404', '484', '604']

export type TwilioStatus = { sid: string; status: string; errorCode?: string | undefined }

export const receiptOfMessage = ({ sid, status, errorCode }: TwilioStatus): Receipt | undefined => {
  const state = rowOf(messageStates, status)
  if (state === undefined) return undefined
  if (state !== 'failed') return { providerMessageId: sid, state }
  const code = errorCode ?? status
  return { providerMessageId: sid, state, reason: rowOf(twilioCodes, code) ?? 'unknown', code }
}

/** `errorCode` is the answer of SIP that ended it. */
export const receiptOfCall = ({ sid, status, errorCode }: TwilioStatus): Receipt | undefined => {
  const end = rowOf(callEnds, status)
  if (end?.reason === undefined) return end && { providerMessageId: sid, state: end.state }
  const isUnknownNumber = errorCode !== undefined && sipCodesOfNoNumber.includes(errorCode)
  return {
    providerMessageId: sid,
    state: end.state,
    reason: isUnknownNumber ? 'number_invalid' : end.reason,
    code: isUnknownNumber ? `${status} ${errorCode}` : status,
  }
}

/** Twilio reads TwiML out of every answer; this one says nothing. */
const reply = { status: 200, contentType: 'text/xml', body: '<Response/>' }

export const readTwilioReceipt = (call: ReceiptCall, authToken: string): ReceiptReply | undefined => {
  if (call.method !== 'POST') return undefined
  const form = new URLSearchParams(call.body.toString('utf8'))
  if (!isSigned(call, form, authToken)) return undefined
  const receipt = receiptOfForm(form)
  return { receipts: receipt === undefined ? [] : [receipt], reply }
}

const receiptOfForm = (form: URLSearchParams): Receipt | undefined => {
  const messageSid = form.get('MessageSid')
  // RawDlrDoneDate has no time zone and is no use: the time is when we learned of it.
  if (messageSid !== null) {
    const status = form.get('MessageStatus') ?? ''
    return receiptOfMessage({ sid: messageSid, status, errorCode: form.get('ErrorCode') || undefined })
  }
  const callSid = form.get('CallSid')
  if (callSid === null) return undefined
  const status = form.get('CallStatus') ?? ''
  const errorCode = form.get('SipResponseCode') || undefined
  const receipt = receiptOfCall({ sid: callSid, status, errorCode })
  const occurredAt = parseTime(form.get('Timestamp') ?? undefined)
  return receipt && { ...receipt, ...(occurredAt && { occurredAt }) }
}

/** Twilio's "Secure webhooks": HMAC-SHA1 over the URL and each parameter's name and value, sorted by name. */
const isSigned = (call: ReceiptCall, form: URLSearchParams, authToken: string): boolean => {
  const given = call.headers['x-twilio-signature']
  if (typeof given !== 'string') return false
  const parameters = signedForm(form)
  return writingsOf(call.url).some((url) => {
    const expected = createHmac('sha1', authToken).update(`${url}${parameters}`, 'utf8').digest('base64')
    return sameSecret(given, new Secret(expected))
  })
}

/** A name that comes twice counts with each of its values once, as in Twilio's own libraries. */
const signedForm = (form: URLSearchParams): string =>
  [...new Set(form.keys())]
    .sort()
    .flatMap((name) => [...new Set(form.getAll(name))].sort().map((value) => `${name}${value}`))
    .join('')

/** The URL is signed with or without its port, depending on Twilio's client; its libraries try both too. */
const writingsOf = (url: string): string[] => {
  const parts = /^(https?):\/\/([^/?#]+?)(?::\d+)?([/?#].*)?$/.exec(url)
  if (parts === null) return [url]
  const [, scheme, host, rest = ''] = parts
  const port = scheme === 'https' ? 443 : 80
  return [...new Set([url, `${scheme}://${host}${rest}`, `${scheme}://${host}:${port}${rest}`])]
}
