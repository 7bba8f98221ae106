// The part of the npm package smpp (CommonJS, without types) that the emulated SMPP server uses.
import { createRequire } from 'node:module'
import type { AddressInfo } from 'node:net'

export type SmppPdu = {
  command: string
  command_status: number
  sequence_number: number
  isResponse(): boolean
  response(fields?: SmppFields): SmppPdu
  // Of a bind.
  system_id?: string
  password?: string
  // Of a submit_sm.
  source_addr_ton?: number
  source_addr?: string
  dest_addr_ton?: number
  destination_addr?: string
  registered_delivery?: number
  short_message?: SmppText
  message_payload?: SmppText
  sar_msg_ref_num?: number
  sar_total_segments?: number
  sar_segment_seqnum?: number
}

/** A text, decoded by its data_coding, without the elements of its user data header. */
export type SmppText = { message: string | Buffer; udh?: Buffer[] }

export type SmppFields = Readonly<Record<string, string | number | Buffer>>

export type SmppPeer = {
  on(event: 'pdu', listener: (pdu: SmppPdu) => void): void
  on(event: 'error' | 'close', listener: () => void): void
  send(pdu: SmppPdu): boolean
  deliver_sm(fields: SmppFields, onAnswer: (answer: SmppPdu) => void): boolean
  close(): void
  destroy(): void
}

export type SmppServer = {
  listen(port: number, host: string, onListening: () => void): void
  once(event: 'error', listener: (error: Error) => void): void
  address(): AddressInfo | string | null
  close(onClosed: () => void): void
}

type SmppLibrary = {
  createServer(onSession: (peer: SmppPeer) => void): SmppServer
  PDU: new (command: string, fields?: SmppFields) => SmppPdu
  /** command_status by its name in the specification. */
  errors: Readonly<Record<string, number>>
}

export const smpp: SmppLibrary = createRequire(import.meta.url)('smpp')
