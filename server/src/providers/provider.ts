// What every provider is to the rest of the server: one kind a file, each with its settings and the calls that its
// service documents.
import type { Static, TObject } from 'typebox'
import type { Clock } from '../core/clock.ts'
import type { Log } from '../core/log.ts'
import type { E164, Region } from '../phone-numbers/phone-numbers.ts'
import type { FailureReason } from './failures.ts'

/** How a message reaches a phone. */
export type PhoneChannel = 'sms' | 'voice' | 'whatsapp'

/** What an approved template may take: of a passcode the first three, of a notice the last three. */
export type TemplateParameter = 'code' | 'minutes' | 'app' | 'change' | 'link'

/** Millionths of a unit of the currency (ISO 4217). */
export type Money = { micros: number; currency: string }

export type OutgoingMessage = {
  /** Ours, of this attempt: a UUID. The idempotency key and the reference of providers that take one. */
  id: string
  channel: PhoneChannel
  to: E164
  /** Undefined for a number that belongs to no region. */
  region: Region | undefined
  /** The sender id, number or signature that the route names. */
  from: string | undefined
  text: string
  /** For a provider that sends only templates which it has approved: its id there, and what the text is made of. */
  templateId: string | undefined
  /** It tells of a change to an account and holds no code: no template of the provider's settings fits it. */
  isNotice?: true
  parameters: Readonly<
    Record<'code' | 'minutes' | 'app', string> & Partial<Record<TemplateParameter, string>>
  >
  /** What the template takes, in its order; empty: as the provider's settings say. */
  templateParameters: readonly TemplateParameter[]
  /** BCP 47, as `zh-CN`. */
  locale: string
  /** Where the provider reports what became of the message. */
  receiptUrl: string
}

/** WhatsApp lets nobody begin a conversation without an approved template, and one for codes takes nothing else. */
export const lacksNoticeTemplate = ({ channel, isNotice, templateId }: OutgoingMessage): boolean =>
  isNotice === true && channel === 'whatsapp' && templateId === undefined

export type SendOutcome =
  | { outcome: 'accepted'; providerMessageId: string; segments?: number; price?: Money }
  | {
      outcome: 'refused'
      reason: FailureReason
      /** The provider's own code, for the timeline. Never a text that may hold the number or the message. */
      code: string
      /** Whether the message may have gone out all the same. Absent: only where the reason is `timeout`. */
      maybeSent?: boolean
    }

/** What became of an accepted message. */
export type Receipt = {
  /** The id that the provider gave when it accepted. */
  providerMessageId: string
  state: 'sent' | 'delivered' | 'failed'
  reason?: FailureReason
  code?: string
  /** When it happened, if the provider says; else when we learned of it. */
  occurredAt?: Date
  price?: Money
}

/** A call of a receipt endpoint, as it came. */
export type ReceiptCall = {
  method: string
  /** The whole URL under which the provider called, with its query. */
  url: string
  headers: Readonly<Record<string, string | string[] | undefined>>
  body: Buffer
  /** Whether the URL ends with the token that we make for this provider; for services that sign nothing. */
  hasToken: boolean
}

export type AcceptedMessage = {
  providerMessageId: string
  /** The attempt's id that went out with the message. */
  id: string
  channel: PhoneChannel
  to: E164
  sentAt: Date
}

/** What is to be found out about a number; each costs money of its own. */
export type LineQuestion = { lineType: boolean; simSwap: boolean }

export type LineLookup = {
  /** The provider's word for the kind of line, as `nonFixedVoip`. */
  lineType: string | undefined
  simSwappedAt: Date | undefined
}

/** One configured provider, ready to be called. */
export type Provider = {
  /** Never throws: whatever goes wrong has a reason. `signal` ends when the time for an answer is over. */
  send(message: OutgoingMessage, signal: AbortSignal): Promise<SendOutcome>
  /** The receipts of a call, and what to answer; undefined when the call is not the provider's. */
  readReceipts?(call: ReceiptCall): Promise<ReceiptReply | undefined>
  /** What has become of a message by now; undefined when nothing new is known. @throws when the provider fails */
  poll?(message: AcceptedMessage, signal: AbortSignal): Promise<Receipt | undefined>
  /** @throws when the provider fails */
  lookUp?(phone: E164, wanted: LineQuestion, signal: AbortSignal): Promise<LineLookup>
  /** Ends connections that stay open. */
  close?(): Promise<void>
}

export type ReceiptReply = {
  receipts: readonly Receipt[]
  reply: { status: number; contentType: string; body: string }
}

export type ProviderDeps = {
  /** The name under which it is configured. */
  name: string
  clock: Clock
  log: Log
  /** For a provider that reports over its own connection: fulfilled when they are kept. */
  takeReceipts(receipts: readonly Receipt[]): Promise<void>
}

export type ProviderKind<Settings extends TObject = TObject> = {
  /** Its service, in words. */
  title: string
  channels: readonly PhoneChannel[]
  /** All that an administrator sets, secrets included. */
  settings: Settings
  /** Which of the settings are sealed and never shown again. */
  secrets: readonly (keyof Settings['properties'] & string)[]
  /** Whether a second call with the same message id sends no second message; where it depends, on the settings. */
  idempotent: boolean | ((settings: Static<Settings>) => boolean)
  /** How receipts come: signed calls, calls with our token in the URL, asked for, over the connection, or never. */
  receipts: readonly ('signed' | 'token' | 'polled' | 'connection')[]
  /** Whether asking also tells the price, though maybe minutes after the delivery. */
  tellsPrice?: true
  connect(settings: Static<Settings>, deps: ProviderDeps): Provider
}

/** Keeps the types of one kind's settings together. */
export const defineProvider = <const Settings extends TObject>(
  kind: ProviderKind<Settings>,
): ProviderKind<Settings> => kind
