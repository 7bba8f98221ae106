// Owns how a message goes through Twilio: SMS and WhatsApp as a Message, a spoken code as a Call, and what its Lookup
// knows of a number. Wire formats: Twilio's "Messages resource", "Call resource" and "Lookup v2 API".
//
// What must stay true: the auth token and the API key's secret leave only in the Authorization header; an outcome tells
// Twilio's code, never its text, which may repeat the number.
import { type Static, Type } from 'typebox'
import type { FailureReason } from '../failures.ts'
import { CallFailed, callProvider, outcomeOf, type ProviderReply, reasonOfStatus } from '../http.ts'
import type {
  AcceptedMessage,
  LineLookup,
  LineQuestion,
  OutgoingMessage,
  Receipt,
  SendOutcome,
} from '../provider.ts'
import { defineProvider, lacksNoticeTemplate } from '../provider.ts'
import { moneyOf, rowOf, textAt, timeAt } from '../reading.ts'
import { twilioCodes } from './codes.ts'
import { readTwilioReceipt, receiptOfCall, receiptOfMessage } from './receipts.ts'
import { speechOf } from './speech.ts'

const Settings = Type.Object(
  {
    accountSid: Type.String({
      description: 'Account SID, of the console’s first page.',
      pattern: '^AC[0-9a-fA-F]{32}$',
      examples: ['AC00000000000000000000000000000001'],
    }),
    authToken: Type.String({
      description: 'Auth token of the account. It also verifies the receipts, with an API key too.',
      minLength: 1,
      examples: ['0123456789abcdef0123456789abcdef'],
    }),
    apiKeySid: Type.Optional(
      Type.String({
        description: 'SID of an API key that is used in place of the auth token, and can be withdrawn alone.',
        pattern: '^SK[0-9a-fA-F]{32}$',
        examples: ['SK00000000000000000000000000000001'],
      }),
    ),
    apiKeySecret: Type.Optional(
      Type.String({ description: 'Secret of that API key.', minLength: 1, examples: ['abcdef0123456789'] }),
    ),
    from: Type.Optional(
      Type.String({
        description: 'Number or sender id of SMS, unless the route names one.',
        minLength: 1,
        examples: ['+15005550006', 'Dialtone'],
      }),
    ),
    messagingServiceSid: Type.Optional(
      Type.String({
        description: 'Messaging Service that chooses the sender where neither the route nor `from` does.',
        pattern: '^MG[0-9a-fA-F]{32}$',
        examples: ['MG00000000000000000000000000000001'],
      }),
    ),
    whatsappFrom: Type.Optional(
      Type.String({
        description: 'WhatsApp sender, unless the route names one.',
        minLength: 1,
        examples: ['+14155238886'],
      }),
    ),
    voiceFrom: Type.Optional(
      Type.String({
        description: 'Number that calls come from, unless the route names one; without it `from`.',
        minLength: 1,
        examples: ['+15005550006'],
      }),
    ),
    contentSid: Type.Optional(
      Type.String({
        description: 'Content template of WhatsApp messages, unless the route names one.',
        pattern: '^HX[0-9a-fA-F]{32}$',
        examples: ['HX00000000000000000000000000000001'],
      }),
    ),
    endpoint: Type.Optional(
      Type.String({
        description: 'Where messages and calls are ordered; a regional host or an emulator.',
        pattern: '^https?://',
        examples: ['https://api.twilio.com'],
      }),
    ),
    lookupEndpoint: Type.Optional(
      Type.String({
        description: 'Where numbers are looked up; an emulator.',
        pattern: '^https?://',
        examples: ['https://lookups.twilio.com'],
      }),
    ),
  },
  { additionalProperties: false },
)

type TwilioSettings = Static<typeof Settings>

/** A call of the REST API; without a form it only reads. */
type Ask = (url: string, signal: AbortSignal, form?: Record<string, string>) => Promise<ProviderReply>

export const twilioKind = defineProvider({
  title: 'Twilio',
  channels: ['sms', 'voice', 'whatsapp'],
  settings: Settings,
  secrets: ['authToken', 'apiKeySecret'],
  // "Messages resource" knows no idempotency key.
  idempotent: false,
  receipts: ['signed', 'polled'],
  tellsPrice: true,
  connect: (settings) => {
    const ask = askAs(settings)
    const account = `${hostOf(settings.endpoint, 'https://api.twilio.com')}/2010-04-01/Accounts/${settings.accountSid}`
    const lookup = `${hostOf(settings.lookupEndpoint, 'https://lookups.twilio.com')}/v2/PhoneNumbers`
    return {
      send: (message, signal) =>
        outcomeOf(async () => {
          if (lacksNoticeTemplate(message)) {
            return { outcome: 'refused', reason: 'template_not_approved', code: 'no noticeTemplateId is set' }
          }
          const order = orderOf(message, settings)
          if (order === undefined)
            return { outcome: 'refused', reason: 'sender_not_approved', code: 'no sender' }
          return acceptedOrRefused(await ask(`${account}/${order.resource}.json`, signal, order.form))
        }),
      readReceipts: async (call) => readTwilioReceipt(call, settings.authToken),
      poll: async (message, signal) => {
        const resource = message.channel === 'voice' ? 'Calls' : 'Messages'
        const url = `${account}/${resource}/${encodeURIComponent(message.providerMessageId)}.json`
        return statusOf(message, answerOf(await ask(url, signal)))
      },
      lookUp: async (phone, wanted, signal) => {
        const url = `${lookup}/${encodeURIComponent(phone)}?Fields=${packagesOf(wanted)}`
        return lineOf(answerOf(await ask(url, signal)))
      },
    }
  },
})

const hostOf = (given: string | undefined, usual: string): string => (given ?? usual).replace(/\/+$/, '')

const askAs = ({ accountSid, authToken, apiKeySid, apiKeySecret }: TwilioSettings): Ask => {
  const hasKey = apiKeySid !== undefined && apiKeySecret !== undefined
  const credentials = hasKey ? `${apiKeySid}:${apiKeySecret}` : `${accountSid}:${authToken}`
  const headers = { authorization: `Basic ${Buffer.from(credentials).toString('base64')}` }
  return (url, signal, form) =>
    callProvider(
      url,
      form === undefined
        ? { headers, signal }
        : { method: 'POST', headers, body: new URLSearchParams(form), signal },
    )
}

type Order = { resource: 'Messages' | 'Calls'; form: Record<string, string> }

/** Undefined when nobody says from whom. */
const orderOf = (message: OutgoingMessage, settings: TwilioSettings): Order | undefined => {
  const common = { To: message.to, StatusCallback: message.receiptUrl }
  if (message.channel === 'voice') {
    const from = message.from ?? settings.voiceFrom ?? settings.from
    if (from === undefined) return undefined
    return { resource: 'Calls', form: { ...common, From: from, Twiml: speechOf(message) } }
  }
  if (message.channel === 'whatsapp') {
    const sender = senderOf(whatsappAddress(message.from ?? settings.whatsappFrom), settings)
    const content = whatsappContent(message, message.templateId ?? settings.contentSid)
    return (
      sender && {
        resource: 'Messages',
        form: { ...common, ...sender, To: `whatsapp:${message.to}`, ...content },
      }
    )
  }
  const sender = senderOf(message.from ?? settings.from, settings)
  return sender && { resource: 'Messages', form: { ...common, ...sender, Body: message.text } }
}

const senderOf = (
  from: string | undefined,
  { messagingServiceSid }: TwilioSettings,
): Record<string, string> | undefined => {
  if (from !== undefined) return { From: from }
  return messagingServiceSid === undefined ? undefined : { MessagingServiceSid: messagingServiceSid }
}

const whatsappAddress = (from: string | undefined): string | undefined =>
  from === undefined || from.startsWith('whatsapp:') ? from : `whatsapp:${from}`

/** Twilio's template for codes, `whatsapp/authentication`, has one variable: the code. */
const whatsappContent = (
  message: OutgoingMessage,
  contentSid: string | undefined,
): Record<string, string> => {
  if (contentSid === undefined) return { Body: message.text }
  const names = message.templateParameters.length === 0 ? (['code'] as const) : message.templateParameters
  const variables = names.map((name, index) => [String(index + 1), message.parameters[name]])
  return { ContentSid: contentSid, ContentVariables: JSON.stringify(Object.fromEntries(variables)) }
}

const acceptedOrRefused = (reply: ProviderReply): SendOutcome => {
  if (!isGood(reply)) return { outcome: 'refused', ...refusalOf(reply) }
  const sid = textAt(reply.json, 'sid')
  if (sid === undefined) {
    return { outcome: 'refused', reason: 'provider_fault', code: 'no sid', maybeSent: true }
  }
  const segments = Number(textAt(reply.json, 'num_segments') ?? 0)
  const price = moneyOf(textAt(reply.json, 'price'), textAt(reply.json, 'price_unit'))
  return {
    outcome: 'accepted',
    providerMessageId: sid,
    // A Messaging Service says 0 until it has chosen the sender.
    ...(segments > 0 && { segments }),
    ...(price && { price }),
  }
}

const isGood = ({ status }: ProviderReply): boolean => status >= 200 && status < 300

const refusalOf = ({ status, json }: ProviderReply): { reason: FailureReason; code: string } => {
  const code = textAt(json, 'code') ?? ''
  if (!/^\d{4,6}$/.test(code)) return { reason: reasonOfStatus(status), code: `http ${status}` }
  return { reason: rowOf(twilioCodes, code) ?? reasonOfStatus(status), code }
}

/** @throws CallFailed when it is a refusal */
const answerOf = (reply: ProviderReply): unknown => {
  if (isGood(reply)) return reply.json
  const { reason, code } = refusalOf(reply)
  throw new CallFailed(reason, code)
}

/** The price is there only when the message has been sent, sometimes minutes later. */
const statusOf = (
  { providerMessageId: sid, channel }: AcceptedMessage,
  json: unknown,
): Receipt | undefined => {
  const status = textAt(json, 'status') ?? ''
  const receipt =
    channel === 'voice'
      ? receiptOfCall({ sid, status })
      : receiptOfMessage({ sid, status, errorCode: textAt(json, 'error_code') })
  if (receipt === undefined) return undefined
  const price = moneyOf(textAt(json, 'price'), textAt(json, 'price_unit'))
  const occurredAt = timeAt(json, 'end_time') ?? timeAt(json, 'date_updated')
  return { ...receipt, ...(occurredAt && { occurredAt }), ...(price && { price }) }
}

/** "Lookup v2 API": each package is paid for by itself. */
const packagesOf = ({ lineType, simSwap }: LineQuestion): string =>
  [...(lineType ? ['line_type_intelligence'] : []), ...(simSwap ? ['sim_swap'] : [])].join(',')

/** A package that the account has not, or that knows nothing of the number, is null inside an answer of 200. */
const lineOf = (json: unknown): LineLookup => ({
  lineType: textAt(json, 'line_type_intelligence', 'type'),
  simSwappedAt: timeAt(json, 'sim_swap', 'last_sim_swap', 'last_sim_swap_date'),
})
