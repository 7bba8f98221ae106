// Delivery receipts over SMPP: read from a deliver_sm, and joined where a text went out in parts.
//
// What must stay true: a text in parts is delivered when every part is, and failed when one is; a receipt of unknown
// parts is handed on as it is.
import type { FailureReason } from '../failures.ts'
import type { Receipt } from '../provider.ts'
import type { SmppPdu } from './library.ts'
import { asciiOf } from './text.ts'

/** How the server writes message ids in its answers and in its receipts. */
export type IdForm = 'same' | 'hex_then_decimal' | 'decimal_then_hex'

/** An id of an answer (`reply`) or of a receipt, in the one form that both are compared in. */
export const readMessageId = (id: string, form: IdForm, where: 'reply' | 'receipt'): string => {
  if (form === 'same') return id
  const isHex = (form === 'hex_then_decimal') === (where === 'reply')
  // Many servers put the hexadecimal id into the TLV of a receipt whose text has the decimal one.
  if (/^\d{1,30}$/.test(id) && !isHex) return BigInt(id).toString()
  return /^[\da-f]{1,30}$/i.test(id) ? BigInt(`0x${id}`).toString() : id
}

type StateRow = { number: number; state: Receipt['state']; reason?: FailureReason }

// SMPP 3.4, section 5.2.28 and Appendix B: message_state, and the word for it in the text of a receipt. Servers use
// ACCEPTD for "taken on by the network", not for the specification's "read by customer service".
const states: Readonly<Record<string, StateRow>> = {
  ENROUTE: { number: 1, state: 'sent' },
  DELIVRD: { number: 2, state: 'delivered' },
  EXPIRED: { number: 3, state: 'failed', reason: 'expired' },
  DELETED: { number: 4, state: 'failed', reason: 'unknown' },
  UNDELIV: { number: 5, state: 'failed', reason: 'number_unreachable' },
  ACCEPTD: { number: 6, state: 'sent' },
  UNKNOWN: { number: 7, state: 'failed', reason: 'unknown' },
  REJECTD: { number: 8, state: 'failed', reason: 'blocked_by_carrier' },
}
const wordOf = new Map(Object.entries(states).map(([word, { number }]) => [number, word]))

// esm_class, bits 5 to 2 (SMPP 3.4, section 5.2.12): a delivery receipt, and an intermediate notification.
const typeBits = 0x3c
const receiptTypes: readonly number[] = [0x04, 0x20]

/** The receipt that a deliver_sm or data_sm holds; undefined for a person's message and for what says nothing. */
export const readReceipt = (pdu: SmppPdu, form: IdForm): Receipt | undefined => {
  if (!receiptTypes.includes((pdu.esm_class ?? 0) & typeBits)) return undefined
  const text = (textOf(pdu.short_message) || textOf(pdu.message_payload)).slice(0, 500)
  const id = pdu.receipted_message_id || /\bid:\s*([\x21-\x7e]{1,65})/i.exec(text)?.[1]
  const word = (
    /\bstat:\s*([A-Z]{2,10})/i.exec(text)?.[1] ?? wordOf.get(pdu.message_state ?? -1)
  )?.toUpperCase()
  if (id === undefined || word === undefined) return undefined

  const row = Object.hasOwn(states, word) ? states[word] : undefined
  const providerMessageId = readMessageId(id, form, 'receipt')
  if (row === undefined) return { providerMessageId, state: 'failed', reason: 'unknown', code: word }
  if (row.reason === undefined) return { providerMessageId, state: row.state }
  const error = /\berr:\s*([\da-z]{1,8})\b/i.exec(text)?.[1]
  const code = error === undefined || /^0+$/.test(error) ? word : `${word} ${error}`
  return { providerMessageId, state: row.state, reason: row.reason, code }
}

const textOf = (field: SmppPdu['short_message']): string => {
  const message = field === undefined || Buffer.isBuffer(field) ? field : field.message
  if (message === undefined) return ''
  return typeof message === 'string' ? asciiOf(message) : message.toString('latin1')
}

type Group = { id: string; total: number; delivered: Set<string>; isOver: boolean }

/** Servers report within days; more than this many parts on their way are not remembered. */
const maxParts = 10_000

/**
 * Texts in parts that this process has sent. A part has its own id and its own receipt; the message goes by the id of
 * the first. What another process sent, or this one before a restart, is known by its first part alone.
 */
export const createPartGroups = () => {
  const groups = new Map<string, Group>()

  return {
    /** Begins a message of so many parts; each part's id is added as soon as it is known. */
    open: (total: number): ((id: string) => void) => {
      if (total === 1) return () => {}
      let group: Group | undefined
      return (id) => {
        group ??= { id, total, delivered: new Set(), isOver: false }
        groups.set(id, group)
        for (const oldest of groups.keys()) {
          if (groups.size <= maxParts) break
          groups.delete(oldest)
        }
      }
    },

    /** The receipt of the whole message that this one completes, if it does. */
    join: (receipt: Receipt): Receipt | undefined => {
      const group = groups.get(receipt.providerMessageId)
      if (group === undefined) return receipt
      if (group.isOver || receipt.state === 'sent') return undefined
      if (receipt.state === 'delivered') group.delivered.add(receipt.providerMessageId)
      group.isOver = receipt.state === 'failed' || group.delivered.size === group.total
      return group.isOver ? { ...receipt, providerMessageId: group.id } : undefined
    },
  }
}
