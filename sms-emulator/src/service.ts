// What every emulated service is to the rest: it mounts the paths that the real one documents, verifies the signature
// as the real one does, and hands each message that it takes to the phones.
import type { FastifyInstance } from 'fastify'

export const serviceNames = ['aliyun', 'tencent', 'twilio', 'sns', 'vonage', 'generic', 'smpp'] as const
export type ServiceName = (typeof serviceNames)[number]

/** What the services know their customer by. Each has a default that is printed at the start. */
export type Accounts = {
  aliyun: {
    accessKeyId: string
    accessKeySecret: string
    signNames: readonly string[]
    /** By TemplateCode; `${code}` marks a variable. */
    templates: Readonly<Record<string, string>>
  }
  tencent: {
    secretId: string
    secretKey: string
    sdkAppId: string
    signNames: readonly string[]
    /** By template id; `{1}` marks a variable. */
    templates: Readonly<Record<string, string>>
  }
  twilio: { accountSid: string; authToken: string; numbers: readonly string[] }
  sns: { accessKeyId: string; secretAccessKey: string; region: string; accountId: string }
  vonage: {
    applicationId: string
    /** PEM, PKCS#8; the customer signs with it, the service has the public half. */
    privateKey: string
    /** Status webhooks are signed with it (HS256). */
    signatureSecret: string
  }
  generic: { token: string }
  smpp: { systemId: string; password: string }
}

/** One message as a phone shows it. */
export type PhoneMessage = {
  id: string
  /** E.164 with its plus. */
  to: string
  from: string
  text: string
  service: ServiceName
  channel: 'sms' | 'voice' | 'whatsapp'
  /** ISO 8601. */
  receivedAt: string
}

export type ReceiptState = 'delivered' | 'failed'

/** A message that a service has accepted. */
export type AcceptedMessage = Omit<PhoneMessage, 'receivedAt'> & {
  /** Tells the customer what became of it, in the way of the service: a signed call, or an answer when it is asked. */
  report(state: ReceiptState, errorCode?: string): Promise<void>
}

/** What to do before a request is looked at: `refuse` carries the service's own error code. */
export type Trouble = { kind: 'http_500' } | { kind: 'throttle' } | { kind: 'refuse'; code: string }

export type World = {
  accounts: Accounts
  /** Waits where a delay or a hold is switched on; then the trouble to answer with, or undefined to go on as documented. */
  troubleOf(service: ServiceName): Promise<Trouble | undefined>
  /** Puts the message on the phone and reports, at once or as the faults say (drop, duplicate, reorder, late). */
  accept(message: AcceptedMessage): void
  /** Where a service whose receipt address is set at the service (not in the request) calls; undefined: nowhere. */
  receiptUrlOf(service: ServiceName): string | undefined
}

export type Service = { name: ServiceName; mount(http: FastifyInstance, world: World): void }
