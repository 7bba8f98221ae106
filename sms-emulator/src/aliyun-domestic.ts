// Alibaba Cloud's SMS, version 2017-05-25: messages made of approved templates. After its pages "SendSms",
// "QuerySendDetails", "SmsReport", "Domestic SMS API error codes" and "Delivery receipt error codes".
import { randomInt, randomUUID } from 'node:crypto'
import type { AliyunApi, AliyunParameters } from './aliyun.ts'
import { chinaTime, parsePhone, segmentsOf, splitPhone } from './numbers.ts'
import { parseFields, pushReports } from './root.ts'
import type { ReceiptState, World } from './service.ts'

type SentMessage = {
  bizId: string
  to: string
  templateCode: string
  signName: string
  text: string
  outId: string
  sentAt: Date
  /** What a receipt has told: until then the status is 1, "waiting". */
  receipt?: { isDelivered: boolean; code: string; at: Date }
}

/** The words are the emulator's own; the codes decide. */
const refusals: Readonly<Record<string, string>> = {
  'isv.MOBILE_NUMBER_ILLEGAL': 'The mobile number is invalid.',
  'isv.MOBILE_COUNT_OVER_LIMIT': 'More than 1000 mobile numbers.',
  'isv.SMS_SIGNATURE_ILLEGAL': 'The account has no such signature.',
  'isv.SMS_TEMPLATE_ILLEGAL': 'The account has no such template.',
  'isv.INVALID_JSON_PARAM': 'TemplateParam is not a JSON object.',
  'isv.TEMPLATE_MISSING_PARAMETERS': 'A variable of the template has no value.',
  'isv.INVALID_PARAMETERS': 'A parameter is invalid.',
}

const refusal = (code: string): object => ({
  Code: code,
  Message: refusals[code] ?? 'Refused by the emulator.',
  RequestId: randomUUID().toUpperCase(),
})

const accepted = (fields: object): object => ({
  Code: 'OK',
  Message: 'OK',
  RequestId: randomUUID().toUpperCase(),
  ...fields,
})

/** As the service writes a number: mainland ones without their calling code. */
const wireNumber = (to: string): string => {
  const { callingCode, nationalNumber } = splitPhone(to)
  return callingCode === '86' ? nationalNumber : to.slice(1)
}

/** Undefined where a variable has no value. */
const fillTemplate = (template: string, values: Readonly<Record<string, unknown>>): string | undefined => {
  const names = [...template.matchAll(/\$\{(\w+)\}/g)].map(([, name = '']) => name)
  if (names.some((name) => values[name] === undefined || values[name] === '')) return undefined
  return template.replace(/\$\{(\w+)\}/g, (_variable, name: string) => String(values[name]))
}

/** Counts as "70 characters alone, else 67 a part". */
const sizeOf = (text: string): number => segmentsOf(text, { alone: 70, part: 67 })

export const createDomesticApi = (world: World): AliyunApi => {
  const sent: SentMessage[] = []
  return {
    refusal,
    actions: {
      SendSms: {
        required: ['PhoneNumbers', 'SignName', 'TemplateCode'],
        run: (parameters) => sendSms(world, sent, parameters),
      },
      QuerySendDetails: {
        required: ['PhoneNumber', 'SendDate', 'PageSize', 'CurrentPage'],
        run: (parameters) => querySendDetails(sent, parameters),
      },
    },
  }
}

const sendSms = (world: World, sent: SentMessage[], parameters: AliyunParameters): object => {
  const { PhoneNumbers = '', SignName = '', TemplateCode = '', TemplateParam, OutId = '' } = parameters
  const { signNames, templates } = world.accounts.aliyun
  const numbers = PhoneNumbers.split(',').map(parsePhone)
  if (numbers.length > 1000) return refusal('isv.MOBILE_COUNT_OVER_LIMIT')
  const phones = numbers.filter((number) => number !== undefined)
  if (phones.length < numbers.length) return refusal('isv.MOBILE_NUMBER_ILLEGAL')
  if (!signNames.includes(SignName)) return refusal('isv.SMS_SIGNATURE_ILLEGAL')
  const template = templates[TemplateCode]
  if (template === undefined) return refusal('isv.SMS_TEMPLATE_ILLEGAL')
  const values = parseFields(TemplateParam || '{}')
  if (values === undefined) return refusal('isv.INVALID_JSON_PARAM')
  const filled = fillTemplate(template, values)
  if (filled === undefined) return refusal('isv.TEMPLATE_MISSING_PARAMETERS')

  // Eighteen digits and a serial, as in the examples of the documentation.
  const bizId = `${Date.now()}${randomInt(10_000, 100_000)}^0`
  for (const to of phones) {
    const message: SentMessage = {
      bizId,
      to,
      templateCode: TemplateCode,
      signName: SignName,
      text: `【${SignName}】${filled}`,
      outId: OutId,
      sentAt: new Date(),
    }
    sent.push(message)
    hand(world, message)
  }
  return accepted({ BizId: bizId })
}

const hand = (world: World, message: SentMessage): void =>
  world.accept({
    id: message.bizId,
    to: message.to,
    from: message.signName,
    text: message.text,
    service: 'aliyun',
    channel: 'sms',
    report: async (state, errorCode) => {
      message.receipt = receiptOf(state, errorCode)
      const url = world.receiptUrlOf('aliyun')
      // "The system only checks that `code` is a number." It calls up to three times more, minutes later; the emulator
      // calls once.
      if (url !== undefined)
        await pushReports(url, [smsReport(message)], ({ code }) => typeof code === 'number')
    },
  })

const receiptOf = (state: ReceiptState, errorCode = 'MOBILE_NOT_ON_SERVICE') => {
  const isDelivered = state === 'delivered'
  return { isDelivered, code: isDelivered ? 'DELIVERED' : errorCode, at: new Date() }
}

const smsReport = (message: SentMessage): object => ({
  phone_number: wireNumber(message.to),
  send_time: chinaTime(message.sentAt),
  report_time: chinaTime(message.receipt?.at ?? new Date()),
  success: message.receipt?.isDelivered ?? false,
  err_code: message.receipt?.code,
  err_msg: message.receipt?.isDelivered ? '用户接收成功' : '用户接收失败',
  sms_size: String(sizeOf(message.text)),
  biz_id: message.bizId,
  out_id: message.outId,
})

const querySendDetails = (sent: readonly SentMessage[], parameters: AliyunParameters): object => {
  const { PhoneNumber = '', BizId, SendDate, PageSize, CurrentPage } = parameters
  const to = parsePhone(PhoneNumber)
  if (to === undefined) return refusal('isv.MOBILE_NUMBER_ILLEGAL')
  const size = Number(PageSize)
  const page = Number(CurrentPage)
  const isPage = Number.isInteger(size) && size >= 1 && size <= 50 && Number.isInteger(page) && page >= 1
  if (!isPage || !/^\d{8}$/.test(SendDate ?? '')) return refusal('isv.INVALID_PARAMETERS')

  const found = sent.filter(
    (message) =>
      message.to === to &&
      chinaTime(message.sentAt).slice(0, 10).replaceAll('-', '') === SendDate &&
      (BizId === undefined || BizId === '' || message.bizId === BizId),
  )
  const details = found.toReversed().slice((page - 1) * size, page * size)
  return accepted({
    TotalCount: String(found.length),
    SmsSendDetailDTOs: { SmsSendDetailDTO: details.map(sendDetail) },
  })
}

const sendDetail = (message: SentMessage): object => ({
  PhoneNum: wireNumber(message.to),
  SendStatus: statusOf(message),
  SendDate: chinaTime(message.sentAt),
  TemplateCode: message.templateCode,
  Content: message.text,
  OutId: message.outId,
  ...(message.receipt && { ErrCode: message.receipt.code, ReceiveDate: chinaTime(message.receipt.at) }),
})

/** 1 waiting for a receipt, 2 failed, 3 delivered. */
const statusOf = ({ receipt }: SentMessage): 1 | 2 | 3 => {
  if (receipt === undefined) return 1
  return receipt.isDelivered ? 3 : 2
}
