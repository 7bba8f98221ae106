// Alibaba Cloud SMS, both of its services: to mainland China SendSms (Dysmsapi 2017-05-25), which sends only approved
// signatures and templates; to everywhere else SendMessageToGlobe (2018-05-01), which sends our text.
//
// What must stay true: a reply is an acceptance only when its code is `OK`, since refusals are HTTP 200 too; the secret
// signs and stands in no outcome.
import { type Static, Type } from 'typebox'
import { Value } from 'typebox/value'
import { secondsAfter } from '../../core/clock.ts'
import { randomToken } from '../../core/crypto.ts'
import { type E164, formatParts } from '../../phone-numbers/phone-numbers.ts'
import type { FailureReason } from '../failures.ts'
import { CallFailed, callProvider, outcomeOf, type ProviderReply, reasonOfStatus } from '../http.ts'
import {
  type AcceptedMessage,
  defineProvider,
  type OutgoingMessage,
  type ProviderDeps,
  type Receipt,
  type SendOutcome,
} from '../provider.ts'
import { writableCode } from '../pushed-reports.ts'
import { rowOf } from '../reading.ts'
import { aliyunSendCodes } from './codes.ts'
import { readAliyunReports, receiptOfQueriedMessage, receiptOfSendDetails } from './receipts.ts'
import { signAliyunCall } from './signature.ts'

const Settings = Type.Object(
  {
    accessKeyId: Type.String({
      minLength: 1,
      description: 'The id of the AccessKey pair of a RAM user who may use SMS (AliyunDysmsFullAccess).',
      examples: ['LTAI5tExampleKeyId'],
    }),
    accessKeySecret: Type.String({
      minLength: 1,
      description: 'The secret of the AccessKey pair.',
      examples: ['the secret that was shown once'],
    }),
    signName: Type.Optional(
      Type.String({
        minLength: 1,
        description: 'The approved signature for mainland China, unless the route names another.',
        examples: ['对话科技'],
      }),
    ),
    templateCode: Type.Optional(
      Type.String({
        minLength: 1,
        description: 'The approved template for mainland China, unless the message names another.',
        examples: ['SMS_154950909'],
      }),
    ),
    parameterNames: Type.Optional(
      Type.Object(
        {
          code: Type.String({ description: 'The variable that holds the code.', examples: ['code'] }),
          minutes: Type.Optional(
            Type.String({
              description: 'The variable that holds the minutes of validity.',
              examples: ['min'],
            }),
          ),
          app: Type.Optional(
            Type.String({
              description: 'The variable that holds the application’s name.',
              examples: ['app'],
            }),
          ),
        },
        {
          additionalProperties: false,
          description:
            'What the variables of the templates are called; what has no name here is not sent. Default: code alone.',
          examples: [{ code: 'code', minutes: 'min' }],
        },
      ),
    ),
    from: Type.Optional(
      Type.String({
        minLength: 1,
        description: 'The sender id outside mainland China, unless the route names another.',
        examples: ['Dialtone'],
      }),
    ),
    endpoint: Type.Optional(
      Type.String({
        pattern: '^https?://',
        description: 'Where mainland messages are sent. Default https://dysmsapi.aliyuncs.com.',
        examples: ['https://dysmsapi.aliyuncs.com'],
      }),
    ),
    internationalEndpoint: Type.Optional(
      Type.String({
        pattern: '^https?://',
        description:
          'Where all other messages are sent. Default https://dysmsapi.ap-southeast-1.aliyuncs.com (Singapore).',
        examples: ['https://dysmsapi.ap-southeast-1.aliyuncs.com'],
      }),
    ),
  },
  { additionalProperties: false },
)

type Connection = { settings: Static<typeof Settings>; deps: ProviderDeps }

const mainland = { version: '2017-05-25', endpoint: 'https://dysmsapi.aliyuncs.com' }
const international = { version: '2018-05-01', endpoint: 'https://dysmsapi.ap-southeast-1.aliyuncs.com' }

const isMainland = (phone: E164): boolean => formatParts(phone).callingCode === '+86'

const callAliyun = async (
  { settings, deps }: Connection,
  request: { service: typeof mainland; action: string; parameters: Record<string, string> },
  signal: AbortSignal,
): Promise<ProviderReply> => {
  const { service, action, parameters } = request
  const configured = service === mainland ? settings.endpoint : settings.internationalEndpoint
  const { url, headers } = signAliyunCall(
    { endpoint: configured ?? service.endpoint, action, version: service.version, parameters },
    { ...settings, now: deps.clock.now(), nonce: randomToken() },
  )
  return callProvider(url, { method: 'POST', headers, signal })
}

const sendToMainland = async (
  connection: Connection,
  message: OutgoingMessage,
  signal: AbortSignal,
): Promise<SendOutcome> => {
  const { settings } = connection
  const signName = message.from ?? settings.signName
  const templateCode = message.templateId ?? (message.isNotice ? undefined : settings.templateCode)
  if (signName === undefined) return refused('sender_not_approved', 'no signName is set')
  if (templateCode === undefined)
    return refused(
      'template_not_approved',
      message.isNotice ? 'no noticeTemplateId is set' : 'no templateCode is set',
    )
  const parameters = {
    PhoneNumbers: formatParts(message.to).nationalNumber,
    SignName: signName,
    TemplateCode: templateCode,
    TemplateParam: templateParamOf(settings, message),
    OutId: message.id,
  }

  const reply = await callAliyun(connection, { service: mainland, action: 'SendSms', parameters }, signal)

  const refusal = refusalOf(reply)
  if (refusal !== undefined) return refused(refusal.reason, refusal.code)
  if (!Value.Check(SendSmsReply, reply.json)) return unreadable
  return { outcome: 'accepted', providerMessageId: reply.json.BizId }
}

const SendSmsReply = Type.Object({ BizId: Type.String({ minLength: 1 }) })

/** The variables that have a name and that the route wants, all of them when it names none. */
const templateParamOf = (settings: Static<typeof Settings>, message: OutgoingMessage): string => {
  const { parameterNames = { code: 'code' } } = settings
  const { templateParameters } = message
  const wanted = templateParameters.length === 0 ? (['code', 'minutes', 'app'] as const) : templateParameters
  const named: Record<string, string> = {}
  for (const parameter of wanted) {
    // A template for notices names its variables as we do.
    const name =
      message.isNotice || parameter === 'change' || parameter === 'link'
        ? parameter
        : parameterNames[parameter]
    if (name !== undefined) named[name] = message.parameters[parameter] ?? ''
  }
  return JSON.stringify(named)
}

const sendAbroad = async (
  connection: Connection,
  message: OutgoingMessage,
  signal: AbortSignal,
): Promise<SendOutcome> => {
  const from = message.from ?? connection.settings.from
  const parameters = {
    To: message.to.slice(1),
    Message: message.text,
    Type: message.isNotice ? 'NOTIFY' : 'OTP',
    TaskId: message.id,
    ...(from === undefined ? {} : { From: from }),
  }

  const reply = await callAliyun(
    connection,
    { service: international, action: 'SendMessageToGlobe', parameters },
    signal,
  )

  const refusal = refusalOf(reply)
  if (refusal !== undefined) return refused(refusal.reason, refusal.code)
  if (!Value.Check(SendMessageToGlobeReply, reply.json)) return unreadable
  const { MessageId: providerMessageId, Segments } = reply.json
  const segments = Number(Segments)
  return { outcome: 'accepted', providerMessageId, ...(segments > 0 ? { segments } : {}) }
}

const SendMessageToGlobeReply = Type.Object({
  MessageId: Type.String({ minLength: 1 }),
  Segments: Type.Optional(Type.String()),
})

const refused = (reason: FailureReason, code: string): SendOutcome => ({ outcome: 'refused', reason, code })

const unreadable: SendOutcome = {
  outcome: 'refused',
  reason: 'provider_fault',
  code: 'unreadable reply',
  maybeSent: true,
}

/** International replies call it ResponseCode; the gateway, which answers before both services, Code. */
const CodedReply = Type.Object({
  Code: Type.Optional(Type.String()),
  ResponseCode: Type.Optional(Type.String()),
})

const refusalOf = (reply: ProviderReply): { reason: FailureReason; code: string } | undefined => {
  const { status, json } = reply
  const said = Value.Check(CodedReply, json) ? (json.ResponseCode ?? json.Code) : undefined
  if (said === 'OK' && status === 200) return undefined
  const byStatus = status < 400 ? undefined : reasonOfStatus(status)
  if (said === undefined) return { reason: byStatus ?? 'provider_fault', code: `HTTP ${status}` }
  return { reason: rowOf(aliyunSendCodes, said) ?? byStatus ?? 'unknown', code: writableCode(said) }
}

const pollMainland = async (
  connection: Connection,
  message: AcceptedMessage,
  signal: AbortSignal,
): Promise<Receipt | undefined> => {
  const parameters = {
    PhoneNumber: formatParts(message.to).nationalNumber,
    BizId: message.providerMessageId,
    // The day in China.
    SendDate: secondsAfter(message.sentAt, 8 * 3600)
      .toISOString()
      .slice(0, 10)
      .replaceAll('-', ''),
    PageSize: '10',
    CurrentPage: '1',
  }
  const reply = await callAliyun(
    connection,
    { service: mainland, action: 'QuerySendDetails', parameters },
    signal,
  )
  const refusal = refusalOf(reply)
  if (refusal !== undefined) throw new CallFailed(refusal.reason, refusal.code)
  return receiptOfSendDetails(reply.json, message)
}

const pollAbroad = async (
  connection: Connection,
  message: AcceptedMessage,
  signal: AbortSignal,
): Promise<Receipt | undefined> => {
  const parameters = { MessageId: message.providerMessageId }
  const reply = await callAliyun(
    connection,
    { service: international, action: 'QueryMessage', parameters },
    signal,
  )
  const refusal = refusalOf(reply)
  if (refusal?.code === 'DATA_NOT_EXIST') return undefined
  if (refusal !== undefined) throw new CallFailed(refusal.reason, refusal.code)
  return receiptOfQueriedMessage(reply.json, message)
}

export const aliyunKind = defineProvider({
  title: 'Alibaba Cloud SMS',
  channels: ['sms'],
  settings: Settings,
  secrets: ['accessKeySecret'],
  idempotent: false,
  receipts: ['token', 'polled'],
  connect: (settings, deps) => {
    const connection = { settings, deps }
    return {
      send: (message, signal) => {
        const send = isMainland(message.to) ? sendToMainland : sendAbroad
        return outcomeOf(() => send(connection, message, signal))
      },
      readReceipts: async (call) => readAliyunReports(call),
      poll: (message, signal) => {
        const poll = isMainland(message.to) ? pollMainland : pollAbroad
        return poll(connection, message, signal)
      },
    }
  },
})
