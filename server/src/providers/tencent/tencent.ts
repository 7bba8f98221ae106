// Tencent Cloud SMS (API 2021-01-11): SendSms, which sends only approved signatures and templates, to mainland China
// and to everywhere else.
//
// What must stay true: a reply is an acceptance only when the status of the number is `Ok`, since every reply is HTTP
// 200; the secret signs and stands in no outcome.
import { type Static, Type } from 'typebox'
import { Value } from 'typebox/value'
import { toEpochSeconds } from '../../core/clock.ts'
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
import { tencentSendCodes } from './codes.ts'
import { readTencentNotifications, receiptOfPulledStatuses } from './receipts.ts'
import { signTencentCall } from './signature.ts'

const Settings = Type.Object(
  {
    secretId: Type.String({
      minLength: 1,
      description: 'The id of the API key of a CAM user who may send SMS (QcloudSMSFullAccess).',
      examples: ['AKIDExampleSecretId'],
    }),
    secretKey: Type.String({
      minLength: 1,
      description: 'The key that belongs to it.',
      examples: ['the key that was shown once'],
    }),
    sdkAppId: Type.String({
      pattern: '^[0-9]+$',
      description: 'The SdkAppId of the SMS application.',
      examples: ['1400006666'],
    }),
    signName: Type.Optional(
      Type.String({
        minLength: 1,
        description: 'The approved signature for mainland China, unless the route names another.',
        examples: ['对话科技'],
      }),
    ),
    templateId: Type.Optional(
      Type.String({
        minLength: 1,
        description: 'The approved template for mainland China, unless the message names another.',
        examples: ['1110'],
      }),
    ),
    internationalTemplateId: Type.Optional(
      Type.String({
        minLength: 1,
        description: 'The approved template for all other numbers, unless the message names another.',
        examples: ['1111'],
      }),
    ),
    senderId: Type.Optional(
      Type.String({
        minLength: 1,
        description:
          'The sender id outside mainland China, unless the route names another. Default: a shared one.',
        examples: ['Dialtone'],
      }),
    ),
    region: Type.Optional(
      Type.String({
        pattern: '^[a-z]+(-[a-z0-9]+)+$',
        description: 'The region that takes the calls. Default ap-guangzhou.',
        examples: ['ap-guangzhou', 'ap-singapore'],
      }),
    ),
    endpoint: Type.Optional(
      Type.String({
        pattern: '^https?://',
        description:
          'Where the calls go. Default https://sms.tencentcloudapi.com; the international site has its own.',
        examples: ['https://sms.tencentcloudapi.com', 'https://sms.intl.tencentcloudapi.com'],
      }),
    ),
  },
  { additionalProperties: false },
)

type Connection = { settings: Static<typeof Settings>; deps: ProviderDeps }

const isMainland = (phone: E164): boolean => formatParts(phone).callingCode === '+86'

const callTencent = async (
  { settings, deps }: Connection,
  request: { action: string; parameters: Record<string, unknown> },
  signal: AbortSignal,
): Promise<ProviderReply> => {
  const body = JSON.stringify(request.parameters)
  const { endpoint = 'https://sms.tencentcloudapi.com', region = 'ap-guangzhou' } = settings
  const { url, headers } = signTencentCall(
    { endpoint, service: 'sms', action: request.action, version: '2021-01-11', region, body },
    { ...settings, now: deps.clock.now() },
  )
  return callProvider(url, { method: 'POST', headers, body, signal })
}

const send = async (
  connection: Connection,
  message: OutgoingMessage,
  signal: AbortSignal,
): Promise<SendOutcome> => {
  const { settings } = connection
  const mainland = isMainland(message.to)
  const templateOfSettings = mainland ? settings.templateId : settings.internationalTemplateId
  const templateId = message.templateId ?? (message.isNotice ? undefined : templateOfSettings)
  const signName = message.from ?? settings.signName
  const senderId = message.from ?? settings.senderId
  if (templateId === undefined) {
    const setting = mainland ? 'templateId' : 'internationalTemplateId'
    const missing = `no ${message.isNotice ? 'noticeTemplateId' : setting} is set`
    return { outcome: 'refused', reason: 'template_not_approved', code: missing }
  }
  if (mainland && signName === undefined) {
    return { outcome: 'refused', reason: 'sender_not_approved', code: 'no signName is set' }
  }
  const parameters = {
    PhoneNumberSet: [message.to],
    SmsSdkAppId: settings.sdkAppId,
    TemplateId: templateId,
    TemplateParamSet: templateParamsOf(message),
    SessionContext: message.id,
    // Undefined ones are left out of the JSON.
    SignName: mainland ? signName : undefined,
    SenderId: mainland ? undefined : senderId,
  }

  const reply = await callTencent(connection, { action: 'SendSms', parameters }, signal)

  return outcomeOfReply(reply)
}

const outcomeOfReply = (reply: ProviderReply): SendOutcome => {
  const refusal = refusalOf(reply)
  if (refusal !== undefined) return { outcome: 'refused', ...refusal }
  const status = Value.Check(SendSmsReply, reply.json) ? reply.json.Response.SendStatusSet[0] : undefined
  if (status !== undefined && status.Code !== 'Ok') {
    return { outcome: 'refused', ...refusalByCode(status.Code) }
  }
  if (status === undefined || status.SerialNo === '') {
    return { outcome: 'refused', reason: 'provider_fault', code: 'unreadable reply', maybeSent: true }
  }
  const segments = status.Fee > 0 ? { segments: status.Fee } : {}
  return { outcome: 'accepted', providerMessageId: status.SerialNo, ...segments }
}

/** `{1}`, `{2}`… of the template, in the order that the route names. */
const templateParamsOf = ({ templateParameters, parameters }: OutgoingMessage): string[] => {
  const order = templateParameters.length === 0 ? (['code', 'minutes'] as const) : templateParameters
  return order.map((name) => parameters[name] ?? '')
}

/** A refused number has an empty SerialNo. */
const SendSmsReply = Type.Object({
  Response: Type.Object({
    SendStatusSet: Type.Array(
      Type.Object({ SerialNo: Type.String(), Code: Type.String(), Fee: Type.Integer() }),
    ),
  }),
})

/** Every reply is HTTP 200; a call that failed as a whole has an Error in it. */
const ErrorReply = Type.Object({ Response: Type.Object({ Error: Type.Object({ Code: Type.String() }) }) })

type Refusal = { reason: FailureReason; code: string }

const refusalOf = ({ status, json }: ProviderReply): Refusal | undefined => {
  if (Value.Check(ErrorReply, json)) return refusalByCode(json.Response.Error.Code)
  return status === 200 ? undefined : { reason: reasonOfStatus(status), code: `HTTP ${status}` }
}

/** A code that the list does not have means what its family does: `LimitExceeded.New` as `LimitExceeded`. */
const refusalByCode = (said: string): Refusal => {
  const reason = rowOf(tencentSendCodes, said) ?? rowOf(tencentSendCodes, said.split('.')[0]) ?? 'unknown'
  return { reason, code: writableCode(said) }
}

const poll = async (
  connection: Connection,
  message: AcceptedMessage,
  signal: AbortSignal,
): Promise<Receipt | undefined> => {
  const parameters = {
    // A minute early, for clocks that differ. The service looks back seven days at most.
    BeginTime: toEpochSeconds(message.sentAt) - 60,
    Offset: 0,
    Limit: 100,
    PhoneNumber: message.to,
    SmsSdkAppId: connection.settings.sdkAppId,
  }
  const reply = await callTencent(
    connection,
    { action: 'PullSmsSendStatusByPhoneNumber', parameters },
    signal,
  )
  const refusal = refusalOf(reply)
  if (refusal !== undefined) throw new CallFailed(refusal.reason, refusal.code)
  return receiptOfPulledStatuses(reply.json, message)
}

export const tencentKind = defineProvider({
  title: 'Tencent Cloud SMS',
  channels: ['sms'],
  settings: Settings,
  secrets: ['secretKey'],
  idempotent: false,
  receipts: ['token', 'polled'],
  connect: (settings, deps) => {
    const connection = { settings, deps }
    return {
      send: (message, signal) => outcomeOf(() => send(connection, message, signal)),
      readReceipts: async (call) => readTencentNotifications(call),
      poll: (message, signal) => poll(connection, message, signal),
    }
  },
})
