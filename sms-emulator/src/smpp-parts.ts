// Texts of submit_sm: whole in short_message or message_payload, or in parts that a header or TLVs number.
import type { SmppPdu, SmppText } from './smpp-library.ts'

export type Part = {
  id: string
  to: string
  from: string
  fromTon: number
  text: string
  registeredDelivery: number
  /** Which part of which text; undefined for a whole one. */
  place: { reference: number; total: number; number: number } | undefined
}

export const readPart = (pdu: SmppPdu, id: string): Part => {
  const international = 1
  const { source_addr: from = '', source_addr_ton: fromTon = 0 } = pdu
  const body = isEmpty(pdu.short_message) ? pdu.message_payload : pdu.short_message
  const text = body?.message ?? ''
  return {
    id,
    to: `+${(pdu.destination_addr ?? '').replace(/^\+/, '')}`,
    from: fromTon === international && !from.startsWith('+') ? `+${from}` : from,
    fromTon,
    text: typeof text === 'string' ? text : text.toString('latin1'),
    registeredDelivery: pdu.registered_delivery ?? 0,
    place: placeOf(pdu, body?.udh ?? []),
  }
}

const isEmpty = (text: SmppText | undefined): boolean => text === undefined || text.message.length === 0

/** 3GPP TS 23.040, sections 9.2.3.24.1 and .8, or the sar TLVs of SMPP 3.4, section 5.3.2.22. */
const placeOf = (pdu: SmppPdu, elements: readonly Buffer[]): Part['place'] => {
  for (const [kind, length, ...octets] of elements) {
    const [first = 0, second = 0, third = 0, fourth = 0] = octets
    if (kind === 0x00 && length === 3) return { reference: first, total: second, number: third }
    if (kind === 0x08 && length === 4)
      return { reference: first * 256 + second, total: third, number: fourth }
  }
  const { sar_msg_ref_num: reference, sar_total_segments: total, sar_segment_seqnum: number } = pdu
  if (reference === undefined || total === undefined || number === undefined) return undefined
  return { reference, total, number }
}

const maxUnfinished = 1000

/** Gives the parts of a text in their order when the last of them has come; of a whole one, at once. */
export const createJoiner = (): ((part: Part) => Part[] | undefined) => {
  const unfinished = new Map<string, Map<number, Part>>()

  return (part) => {
    const { place } = part
    if (place === undefined || place.total <= 1) return [part]
    const key = JSON.stringify([part.from, part.to, place.reference, place.total])
    const parts = unfinished.get(key) ?? new Map<number, Part>()
    parts.set(place.number, part)
    unfinished.set(key, parts)
    if (parts.size === place.total) {
      unfinished.delete(key)
      return [...parts.entries()].sort(([one], [other]) => one - other).map(([, each]) => each)
    }
    const [oldest] = unfinished.keys()
    if (unfinished.size > maxUnfinished && oldest !== undefined) unfinished.delete(oldest)
    return undefined
  }
}
