// Tencent Cloud's SMS, version 2021-01-11: signed JSON at `/`, the action and version in headers. After its pages
// "SendSms", "PullSmsSendStatus", "PullSmsSendStatusByPhoneNumber", "SMS Sending Status Notification" and "Error Codes".
//
// What must stay true: every answer has status 200; what concerns the request is in `Response.Error`, what concerns
// one number in its `SendStatus`.
import { randomInt, randomUUID } from 'node:crypto'
import { chinaTime, parsePhone, splitPhone } from './numbers.ts'
import { type Fields, jsonReply, mountAtRoot, parseFields, pushReports, type RootReply } from './root.ts'
import type { Service, Trouble, World } from './service.ts'
import { headerOf } from './signatures.ts'
import { checkTc3 } from './tc3.ts'

type SentMessage = {
  serialNo: string
  to: string
  signName: string
  text: string
  sessionContext: string
  receipt?: { isDelivered: boolean; code: string; at: Date }
}

/** All of one account: the messages, and the receipts that no `PullSmsSendStatus` has had yet. */
type Sent = { messages: SentMessage[]; unpulled: SentMessage[] }

const version = '2021-01-11'

const responseReply = (fields: object): RootReply =>
  jsonReply(200, { Response: { ...fields, RequestId: randomUUID() } }, 'application/json')

const errorReply = (code: string, message: string): RootReply =>
  responseReply({ Error: { Code: code, Message: message } })

const missingParameter = (name: string): RootReply =>
  errorReply('MissingParameter', `The request is missing a required parameter \`${name}\`.`)

/** The codes of one number are those of the SMS service; all others are of the request. */
const isOfNumber = (code: string): boolean =>
  /^(FailedOperation|LimitExceeded|InvalidParameterValue|UnsupportedOperation)\./.test(code)

type Action = (world: World, sent: Sent, fields: Fields) => RootReply

export const tencent: Service = {
  name: 'tencent',
  mount: (http, world) => {
    const sent: Sent = { messages: [], unpulled: [] }
    mountAtRoot(http, async (call) => {
      const trouble = await world.troubleOf('tencent')
      const fields = parseFields(call.body.toString('utf8'))
      if (trouble !== undefined) return troubleReply(trouble, fields)
      if (call.method !== 'POST') return errorReply('UnsupportedProtocol', 'The emulator takes POST only.')
      const fault = checkTc3(call, world.accounts.tencent, new Date())
      if (fault !== undefined) return errorReply(fault.code, fault.message)

      const action = actions[headerOf(call, 'x-tc-action') ?? '']
      if (action === undefined) {
        return errorReply('InvalidAction', 'The request action is invalid or has no such version.')
      }
      if (headerOf(call, 'x-tc-version') !== version) {
        return errorReply('NoSuchVersion', 'The request version is invalid.')
      }
      if (headerOf(call, 'x-tc-region') === undefined) return missingParameter('Region')
      if (fields === undefined) return errorReply('InvalidParameter', 'The body is not a JSON object.')
      if (typeof fields['SmsSdkAppId'] !== 'string') return missingParameter('SmsSdkAppId')
      return action(world, sent, fields)
    })
  },
}

const troubleReply = (trouble: Trouble, fields: Fields | undefined): RootReply => {
  if (trouble.kind === 'http_500') {
    return { status: 500, contentType: 'text/plain', body: 'Internal Server Error' }
  }
  if (trouble.kind === 'throttle') {
    return errorReply('RequestLimitExceeded', 'Your current request times exceed the request limit.')
  }
  const code = trouble.code || 'FailedOperation.InsufficientBalanceInSmsPackage'
  const numbers = stringsOf(fields?.['PhoneNumberSet'])
  if (!isOfNumber(code) || numbers === undefined) return errorReply(code, 'Refused by the emulator.')
  return responseReply({
    SendStatusSet: numbers.map((number) => refused(number, code, textOf(fields?.['SessionContext']))),
  })
}

const textOf = (value: unknown): string => (typeof value === 'string' ? value : '')

const stringsOf = (value: unknown): string[] | undefined =>
  Array.isArray(value) ? value.filter((entry) => typeof entry === 'string') : undefined

const sendSms: Action = (world, sent, fields) => {
  const { sdkAppId } = world.accounts.tencent
  const numbers = stringsOf(fields['PhoneNumberSet'])
  if (numbers === undefined || numbers.length === 0) return missingParameter('PhoneNumberSet')
  if (typeof fields['TemplateId'] !== 'string') return missingParameter('TemplateId')
  if (numbers.length > 200) {
    return errorReply('LimitExceeded.PhoneNumberCountLimit', 'More than 200 phone numbers.')
  }
  const sessionContext = textOf(fields['SessionContext'])
  const phones = numbers.map((number) => ({ number, to: parsePhone(number) }))
  const mainland = phones.filter(({ to }) => to?.startsWith('+86'))
  const problem = fields['SmsSdkAppId'] === sdkAppId ? undefined : 'InvalidParameterValue.SdkAppIdNotExist'
  const mixed = mainland.length > 0 && mainland.length < phones.filter(({ to }) => to !== undefined).length
  const ofAll =
    problem ?? (mixed ? 'UnsupportedOperation.ContainDomesticAndInternationalPhoneNumber' : undefined)

  return responseReply({
    SendStatusSet: phones.map(({ number, to }) => {
      if (ofAll !== undefined) return refused(number, ofAll, sessionContext)
      if (to === undefined) {
        return refused(number, 'InvalidParameterValue.IncorrectPhoneNumber', sessionContext)
      }
      return sendOne(world, sent, { fields, to, sessionContext })
    }),
  })
}

type OneMessage = { fields: Fields; to: string; sessionContext: string }

const sendOne = (world: World, sent: Sent, { fields, to, sessionContext }: OneMessage): object => {
  const { signNames, templates } = world.accounts.tencent
  const signName = textOf(fields['SignName'])
  // "Required for mainland China"; elsewhere there may be none.
  if ((to.startsWith('+86') || signName !== '') && !signNames.includes(signName)) {
    return refused(to, 'FailedOperation.SignatureIncorrectOrUnapproved', sessionContext)
  }
  const template = templates[textOf(fields['TemplateId'])]
  const filled = template && fillTemplate(template, stringsOf(fields['TemplateParamSet']) ?? [])
  if (filled === undefined) {
    return refused(to, 'FailedOperation.TemplateIncorrectOrUnapproved', sessionContext)
  }
  const message: SentMessage = {
    serialNo: `2023:${Date.now()}${randomInt(10_000, 100_000)}`,
    to,
    signName,
    text: signName === '' ? filled : `【${signName}】${filled}`,
    sessionContext,
  }
  sent.messages.push(message)
  hand(world, sent, message, textOf(fields['SenderId']))
  return {
    SerialNo: message.serialNo,
    PhoneNumber: to,
    Fee: 1,
    SessionContext: sessionContext,
    Code: 'Ok',
    Message: 'send success',
    IsoCode: isoCodes[splitPhone(to).callingCode] ?? '',
  }
}

/** Of the few places for which the emulator knows them. */
const isoCodes: Readonly<Record<string, string>> = { 86: 'CN', 852: 'HK', 853: 'MO', 886: 'TW', 65: 'SG' }

const refused = (number: string, code: string, sessionContext: string): object => ({
  SerialNo: '',
  PhoneNumber: number,
  Fee: 0,
  SessionContext: sessionContext,
  Code: code,
  Message: 'Refused by the emulator.',
  IsoCode: '',
})

/** Undefined unless there are exactly as many values as variables. */
const fillTemplate = (template: string, values: readonly string[]): string | undefined => {
  const variables = new Set([...template.matchAll(/\{\d+\}/g)].map(([variable]) => variable))
  if (variables.size !== values.length) return undefined
  return template.replace(/\{(\d+)\}/g, (_variable, position: string) => values[Number(position) - 1] ?? '')
}

const hand = (world: World, sent: Sent, message: SentMessage, senderId: string): void =>
  world.accept({
    id: message.serialNo,
    to: message.to,
    from: message.signName || senderId,
    text: message.text,
    service: 'tencent',
    channel: 'sms',
    report: async (state, errorCode = 'UNDELIV') => {
      const isDelivered = state === 'delivered'
      message.receipt = { isDelivered, code: isDelivered ? 'DELIVRD' : errorCode, at: new Date() }
      sent.unpulled.push(message)
      const url = world.receiptUrlOf('tencent')
      if (url !== undefined)
        await pushReports(url, [statusNotification(message)], ({ result }) => result === 0)
    },
  })

const statusNotification = ({ serialNo, to, receipt }: SentMessage): object => {
  const { callingCode, nationalNumber } = splitPhone(to)
  return {
    user_receive_time: chinaTime(receipt?.at ?? new Date()),
    nationcode: callingCode,
    mobile: nationalNumber,
    report_status: receipt?.isDelivered ? 'SUCCESS' : 'FAIL',
    errmsg: receipt?.code,
    description: receipt?.isDelivered ? '用户短信送达成功' : '用户短信送达失败',
    sid: serialNo,
  }
}

const pulled = ({ serialNo, to, receipt, sessionContext }: SentMessage): object => {
  const { callingCode, nationalNumber } = splitPhone(to)
  return {
    UserReceiveTime: Math.floor((receipt?.at ?? new Date()).getTime() / 1000),
    CountryCode: callingCode,
    SubscriberNumber: nationalNumber,
    PhoneNumber: to,
    SerialNo: serialNo,
    ReportStatus: receipt?.isDelivered ? 'SUCCESS' : 'FAIL',
    Description: receipt?.code,
    SessionContext: sessionContext,
  }
}

const isLimit = (value: unknown): value is number =>
  typeof value === 'number' && Number.isInteger(value) && value >= 1 && value <= 100

const limitReply = (): RootReply => errorReply('InvalidParameterValue', 'Limit is 1 to 100.')

/** Each status is pulled once. */
const pullSmsSendStatus: Action = (world, sent, fields) => {
  if (fields['SmsSdkAppId'] !== world.accounts.tencent.sdkAppId) return appUnknown()
  if (!isLimit(fields['Limit'])) return limitReply()
  const messages = sent.unpulled.splice(0, fields['Limit'])
  return responseReply({ PullSmsSendStatusSet: messages.map(pulled) })
}

const appUnknown = (): RootReply =>
  errorReply('InvalidParameterValue.SdkAppIdNotExist', 'There is no such SmsSdkAppId.')

const pullSmsSendStatusByPhoneNumber: Action = (world, sent, fields) => {
  const { BeginTime: begin, EndTime: end = Number.POSITIVE_INFINITY, Offset: offset, Limit: limit } = fields
  if (fields['SmsSdkAppId'] !== world.accounts.tencent.sdkAppId) return appUnknown()
  if (typeof begin !== 'number') return missingParameter('BeginTime')
  // "Fixed at 0 for now."
  if (offset !== 0) return errorReply('InvalidParameterValue', 'Offset is 0.')
  if (!isLimit(limit) || typeof end !== 'number') return limitReply()
  const to = parsePhone(textOf(fields['PhoneNumber']))
  if (to === undefined) return errorReply('InvalidParameterValue.IncorrectPhoneNumber', 'No phone number.')

  const found = sent.messages.filter(({ to: receiver, receipt }) => {
    const at = (receipt?.at.getTime() ?? Number.NaN) / 1000
    return receiver === to && at >= begin && Math.floor(at) <= end
  })
  return responseReply({ PullSmsSendStatusSet: found.slice(0, limit).map(pulled) })
}

const actions: Readonly<Record<string, Action>> = {
  SendSms: sendSms,
  PullSmsSendStatus: pullSmsSendStatus,
  PullSmsSendStatusByPhoneNumber: pullSmsSendStatusByPhoneNumber,
}
