// The part of the npm package smpp (CommonJS, without types) that the SMPP session uses.
import { createRequire } from 'node:module'

/** One protocol data unit; the fields beyond the header depend on its command. */
export type SmppPdu = {
  /** `unknown` for a command that the library does not know. */
  command: string
  command_status: number
  sequence_number: number
  isResponse(): boolean
  response(fields?: SmppFields): SmppPdu
  /** Text as the library decoded it, and bytes where it could not. */
  short_message?: { message: string | Buffer } | Buffer
  message_payload?: { message: string | Buffer } | Buffer
  data_coding?: number | null
  esm_class?: number
  message_id?: string
  receipted_message_id?: string
  message_state?: number
}

export type SmppFields = Readonly<Record<string, string | number | Buffer>>

export type SmppConnection = {
  socket: { readonly writable: boolean }
  on(event: 'connect' | 'secureConnect' | 'close', listener: () => void): void
  on(event: 'error', listener: (error: Error) => void): void
  on(event: 'pdu', listener: (pdu: SmppPdu) => void): void
  /** Gives a request its sequence number. False when the socket is no longer writable. @throws when it cannot be written */
  send(pdu: SmppPdu): boolean
  close(): void
  destroy(): void
}

export type SmppConnectOptions = {
  host: string
  port: number
  tls?: boolean
  servername?: string
  ca?: string
}

type SmppLibrary = {
  connect(options: SmppConnectOptions): SmppConnection
  PDU: new (command: string, fields?: SmppFields) => SmppPdu
}

/** Loaded when the first SMPP provider is connected: it and its character sets take memory that others do without. */
export const loadSmpp = (): SmppLibrary => createRequire(import.meta.url)('smpp')
