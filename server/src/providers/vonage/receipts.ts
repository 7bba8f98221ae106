// What Vonage says about a message: its signed webhooks, and what their statuses mean.
//
// What must stay true: a call is Vonage's only with a JWT that our signature secret signed (HS256 and nothing else), for
// our application, not older than five minutes, over exactly this body. Within those minutes the same call verifies
// again: taking a receipt twice must do no harm.
import { createHash } from 'node:crypto'
import type { Clock } from '../../core/clock.ts'
import { sameSecret } from '../../core/crypto.ts'
import { Secret } from '../../core/secret.ts'
import type { Receipt, ReceiptCall, ReceiptReply } from '../provider.ts'
import { moneyOf, rowOf, textAt, timeAt } from '../reading.ts'
import { vonageCodes } from './codes.ts'

/** "Messages API Status Callbacks": submitted means that the next network took it. */
const states: Readonly<Record<string, Receipt['state']>> = {
  submitted: 'sent',
  delivered: 'delivered',
  read: 'delivered',
  rejected: 'failed',
  undeliverable: 'failed',
}

/** As long as a signature of Vonage Contact Center's webhooks lives; "Signed webhooks" of this API names no time. */
const maxAge = '5 minutes'
/** Between Vonage's clock and ours. */
const toleranceSeconds = 30

export type VonageAccount = { applicationId: string; signatureSecret: string; clock: Clock }

export const readVonageReceipt = async (
  call: ReceiptCall,
  account: VonageAccount,
): Promise<ReceiptReply | undefined> => {
  if (call.method !== 'POST' || !(await isSigned(call, account))) return undefined
  const receipt = receiptOf(parseJson(call.body))
  return {
    receipts: receipt === undefined ? [] : [receipt],
    reply: { status: 200, contentType: 'text/plain', body: '' },
  }
}

/** "Signed webhooks": the Bearer token's claim `payload_hash` is the SHA-256 of the body, in hex. */
const isSigned = async (call: ReceiptCall, account: VonageAccount): Promise<boolean> => {
  const [, token] = /^Bearer +(\S+)$/i.exec(String(call.headers['authorization'])) ?? []
  if (token === undefined) return false
  const { jwtVerify } = await import('jose')
  try {
    const { payload } = await jwtVerify(token, new TextEncoder().encode(account.signatureSecret), {
      algorithms: ['HS256'],
      maxTokenAge: maxAge,
      clockTolerance: toleranceSeconds,
      currentDate: account.clock.now(),
    })
    const { payload_hash: hash, application_id: applicationId = account.applicationId } = payload
    if (typeof hash !== 'string' || applicationId !== account.applicationId) return false
    const expected = createHash('sha256').update(call.body).digest('hex')
    return sameSecret(hash.toLowerCase(), new Secret(expected))
  } catch {
    return false
  }
}

const parseJson = (body: Buffer): unknown => {
  try {
    return JSON.parse(body.toString('utf8'))
  } catch {
    return undefined
  }
}

const receiptOf = (json: unknown): Receipt | undefined => {
  const providerMessageId = textAt(json, 'message_uuid')
  const state = rowOf(states, textAt(json, 'status'))
  if (providerMessageId === undefined || state === undefined) return undefined
  const occurredAt = timeAt(json, 'timestamp')
  const price = moneyOf(textAt(json, 'usage', 'price'), textAt(json, 'usage', 'currency'))
  const known = { providerMessageId, state, ...(occurredAt && { occurredAt }), ...(price && { price }) }
  if (state !== 'failed') return known
  const code = codeOf(json)
  return { ...known, reason: rowOf(vonageCodes, code) ?? 'unknown', code }
}

/** The code stands in `title`; older webhooks wrap the error once more. */
const codeOf = (json: unknown): string => {
  const title = textAt(json, 'error', 'title') ?? textAt(json, 'error', 'error', 'title') ?? ''
  return /^\d{4}$/.test(title) ? title : (textAt(json, 'status') ?? '')
}
