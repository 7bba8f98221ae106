// Receipts that a service pushes as an unsigned JSON list, as both Chinese ones do.
//
// What must stay true: a push counts only under a URL that holds our token; nothing of a report that may repeat the
// number is kept (rule 12).
import type { Receipt, ReceiptCall, ReceiptReply } from './provider.ts'

/** Undefined when the call is no push of the service; reports that it does not document are passed over. */
export const readPushedReports = (
  call: ReceiptCall,
  receiptOf: (report: unknown) => Receipt | undefined,
  replyBody: string,
): ReceiptReply | undefined => {
  if (!call.hasToken || call.method !== 'POST') return undefined
  const reports = parseJson(call.body)
  if (!Array.isArray(reports)) return undefined
  const receipts = reports.map(receiptOf).filter((receipt) => receipt !== undefined)
  if (receipts.length === 0) return undefined
  return { receipts, reply: { status: 200, contentType: 'application/json', body: replyBody } }
}

const parseJson = (body: Buffer): unknown => {
  try {
    return JSON.parse(body.toString('utf8'))
  } catch {
    return undefined
  }
}

/** The fields of a receipt that are there only when they say something. */
export const receiptWith = (given: {
  providerMessageId: string
  state: Receipt['state']
  reason: Receipt['reason']
  code: string | undefined
  occurredAt: Date | undefined
}): Receipt => {
  const { providerMessageId, state, reason, code, occurredAt } = given
  return {
    providerMessageId,
    state,
    ...(reason === undefined ? {} : { reason }),
    ...(code === undefined || code === '' ? {} : { code: writableCode(code) }),
    ...(occurredAt === undefined ? {} : { occurredAt }),
  }
}

/** What does not look like a code may be a text that repeats the number. */
export const writableCode = (code: string): string =>
  /^[\w.:-]{1,80}$/.test(code) ? code : 'unreadable code'

/** `2017-01-01 00:00:00` as a time in China (UTC+8): the services name no zone. */
export const chinaTime = (written: string | undefined): Date | undefined => {
  const time = new Date(`${written?.replace(' ', 'T')}+08:00`)
  return Number.isNaN(time.getTime()) ? undefined : time
}
