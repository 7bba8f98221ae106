// Owns how a message goes through Vonage's Messages API, version 1: SMS and WhatsApp. Wire format: the API reference
// "Messages API" and the snippet "Send a WhatsApp Authentication Template".
//
// What must stay true: the private key and the signature secret leave in no form but a signature; a token lives five
// minutes and is used once; an outcome tells Vonage's code, never its text, which may repeat the number.
import { type Static, Type } from 'typebox'
import { secondsAfter, toEpochSeconds } from '../../core/clock.ts'
import { newId } from '../../core/crypto.ts'
import type { FailureReason } from '../failures.ts'
import { callProvider, outcomeOf, type ProviderReply, reasonOfStatus } from '../http.ts'
import type { OutgoingMessage, ProviderDeps, SendOutcome } from '../provider.ts'
import { defineProvider, lacksNoticeTemplate } from '../provider.ts'
import { rowOf, textAt } from '../reading.ts'
import { vonageCodes } from './codes.ts'
import { readVonageReceipt } from './receipts.ts'

const Settings = Type.Object(
  {
    applicationId: Type.String({
      description: 'Application ID, of the application that has the capability Messages.',
      minLength: 1,
      examples: ['00000000-0000-4000-8000-000000000001'],
    }),
    privateKey: Type.String({
      description: 'Private key of the application, the whole PEM file.',
      minLength: 1,
      examples: ['-----BEGIN PRIVATE KEY-----\n…\n-----END PRIVATE KEY-----'],
    }),
    signatureSecret: Type.String({
      description: 'Signature secret of the account; it verifies the receipts.',
      minLength: 1,
      examples: ['0123456789abcdef0123456789abcdef'],
    }),
    from: Type.Optional(
      Type.String({
        description: 'Number or sender id of SMS, unless the route names one.',
        minLength: 1,
        examples: ['Dialtone', '447700900001'],
      }),
    ),
    whatsappFrom: Type.Optional(
      Type.String({
        description: 'WhatsApp number, unless the route names one.',
        minLength: 1,
        examples: ['14157386102'],
      }),
    ),
    whatsappTemplate: Type.Optional(
      Type.String({
        description: 'Name of the WhatsApp authentication template, unless the route names one.',
        minLength: 1,
        examples: ['sign_in_code'],
      }),
    ),
    endpoint: Type.Optional(
      Type.String({
        description: 'Where messages are ordered; a regional host or an emulator.',
        pattern: '^https?://',
        examples: ['https://api.nexmo.com'],
      }),
    ),
  },
  { additionalProperties: false },
)

type VonageSettings = Static<typeof Settings>

const tokenSeconds = 300

export const vonageKind = defineProvider({
  title: 'Vonage',
  channels: ['sms', 'whatsapp'],
  settings: Settings,
  secrets: ['privateKey', 'signatureSecret'],
  // `client_ref` is a reference and stops no second message.
  idempotent: false,
  receipts: ['signed'],
  connect: (settings, deps) => {
    const endpoint = (settings.endpoint ?? 'https://api.nexmo.com').replace(/\/+$/, '')
    const makeToken = tokensOf(settings, deps)
    return {
      send: (message, signal) =>
        outcomeOf(async () => {
          if (lacksNoticeTemplate(message))
            return refused('template_not_approved', 'no noticeTemplateId is set')
          const order = orderOf(message, settings)
          if (order === undefined) return refused('sender_not_approved', 'no sender')
          const token = await makeToken()
          if (token === undefined) return refused('credentials_invalid', 'private key unreadable')
          const reply = await callProvider(`${endpoint}/v1/messages`, {
            method: 'POST',
            headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
            body: JSON.stringify(order),
            signal,
          })
          return acceptedOrRefused(reply)
        }),
      readReceipts: (call) => readVonageReceipt(call, { ...settings, clock: deps.clock }),
    }
  },
})

const refused = (reason: FailureReason, code: string): SendOutcome => ({ outcome: 'refused', reason, code })

/** "Authentication", JSON Web Tokens: RS256 with a fresh `jti`. Undefined when the key is none. */
const tokensOf =
  ({ applicationId, privateKey }: VonageSettings, { clock }: ProviderDeps) =>
  async (): Promise<string | undefined> => {
    const { SignJWT, importPKCS8 } = await import('jose')
    const key = await importPKCS8(privateKey, 'RS256').catch(() => undefined)
    if (key === undefined) return undefined
    const now = clock.now()
    return new SignJWT({ application_id: applicationId })
      .setProtectedHeader({ alg: 'RS256', typ: 'JWT' })
      .setIssuedAt(toEpochSeconds(now))
      .setExpirationTime(toEpochSeconds(secondsAfter(now, tokenSeconds)))
      .setJti(newId(clock))
      .sign(key)
  }

/** Vonage writes numbers without the plus. */
const bare = (number: string): string => number.replace(/^\+/, '')

/** Undefined when nobody says from whom. */
const orderOf = (message: OutgoingMessage, settings: VonageSettings): object | undefined => {
  const isWhatsapp = message.channel === 'whatsapp'
  const from = message.from ?? (isWhatsapp ? settings.whatsappFrom : settings.from)
  if (from === undefined) return undefined
  const template = isWhatsapp ? (message.templateId ?? settings.whatsappTemplate) : undefined
  return {
    channel: isWhatsapp ? 'whatsapp' : 'sms',
    to: bare(message.to),
    from: bare(from),
    client_ref: message.id,
    webhook_url: message.receiptUrl,
    webhook_version: 'v1',
    ...(template === undefined ? textOf(message) : templateOf(message, template)),
  }
}

const textOf = ({ text }: OutgoingMessage) => ({ message_type: 'text', text })

/**
 * A template with a code is an authentication template, which WhatsApp allows only with a button that copies the code;
 * templates with buttons go as `custom`. A notice has no code, and so no button.
 */
const templateOf = (message: OutgoingMessage, name: string) => {
  const code = [{ type: 'text', text: message.parameters.code }]
  const names = message.templateParameters.length === 0 ? (['code'] as const) : message.templateParameters
  return {
    message_type: 'custom',
    custom: {
      type: 'template',
      template: {
        name,
        language: { policy: 'deterministic', code: message.locale.replaceAll('-', '_') },
        components: [
          {
            type: 'body',
            parameters: names.map((each) => ({ type: 'text', text: message.parameters[each] ?? '' })),
          },
          ...(message.isNotice ? [] : [{ type: 'button', sub_type: 'url', index: '0', parameters: code }]),
        ],
      },
    },
  }
}

const acceptedOrRefused = (reply: ProviderReply): SendOutcome => {
  const { status, json } = reply
  if (status < 200 || status > 299) return refusalOf(reply)
  const providerMessageId = textAt(json, 'message_uuid')
  return providerMessageId === undefined
    ? { outcome: 'refused', reason: 'provider_fault', code: 'no message_uuid', maybeSent: true }
    : { outcome: 'accepted', providerMessageId }
}

/** RFC 9457: which problem it is stands behind the # of its `type`, for some only in the title. */
const refusalOf = ({ status, json }: ProviderReply): SendOutcome => {
  const [, kind] = /#(\d{4}|[a-z-]{1,40})$/.exec(textAt(json, 'type') ?? '') ?? []
  const code = [kind, textAt(json, 'title')].find((name) => rowOf(vonageCodes, name) !== undefined) ?? kind
  return refused(rowOf(vonageCodes, code) ?? reasonOfStatus(status), code ?? `http ${status}`)
}
