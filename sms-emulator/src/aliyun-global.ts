// Alibaba Cloud's SMS, version 2018-05-01: free text to places outside mainland China. After its pages
// "SendMessageToGlobe", "QueryMessage", "SmsReport" of the international service and "International error codes".
import { randomInt, randomUUID } from 'node:crypto'
import type { AliyunApi, AliyunParameters } from './aliyun.ts'
import { chinaMailTime, parsePhone, segmentsOf } from './numbers.ts'
import { pushReports } from './root.ts'
import type { World } from './service.ts'

type SentMessage = {
  messageId: string
  to: string
  from: string
  text: string
  taskId: string
  sentAt: Date
  receipt?: { isDelivered: boolean; code: string; at: Date }
}

const answer = (code: string, description: string, fields: object = {}): object => ({
  ResponseCode: code,
  ResponseDescription: description,
  RequestId: randomUUID().toUpperCase(),
  ...fields,
})

const refusal = (code: string): object => answer(code, 'Refused by the emulator.')

/** Letters and digits: with a letter eleven at most, else fifteen. */
const isSenderId = (text: string): boolean => /^(?=.*[a-z])[a-z\d]{1,11}$|^\d{1,15}$/i.test(text)

/** GSM 03.38: what it has no letter for is sent in UCS-2, in shorter parts. Only ASCII is taken for its letters. */
const sizeOf = (text: string): number =>
  segmentsOf(text, /^[\n\r\x20-\x7e]*$/.test(text) ? { alone: 160, part: 153 } : { alone: 70, part: 67 })

/** The emulator's own network. */
const numberDetail = { Country: 'Emulator', Region: 'Emulator', Carrier: 'Emulator' }

const acceptedWords = 'The SMS Send Request was accepted'

export const createGlobalApi = (world: World): AliyunApi => {
  const sent: SentMessage[] = []
  return {
    refusal,
    actions: {
      SendMessageToGlobe: {
        required: ['To', 'Message'],
        run: (parameters) => sendMessageToGlobe(world, sent, parameters),
      },
      QueryMessage: { required: ['MessageId'], run: (parameters) => queryMessage(sent, parameters) },
    },
  }
}

const sendMessageToGlobe = (world: World, sent: SentMessage[], parameters: AliyunParameters): object => {
  const { To = '', From = '', Message: text = '', Type = 'NOTIFY', TaskId: taskId = '' } = parameters
  const to = /^\d+$/.test(To) ? parsePhone(`+${To}`) : undefined
  if (to === undefined) return refusal('MOBILE_NUMBER_ILLEGAL')
  // "This operation does not support sending messages to the Chinese mainland."
  if (to.startsWith('+86')) return refusal('NOT_SUPPORTED_COUNTRY')
  if (From !== '' && !isSenderId(From)) return refusal('INVALID_SENDERID')
  if (!['OTP', 'NOTIFY', 'MKT'].includes(Type)) return refusal('INVALID_PARAMETERS')

  const messageId = `${Date.now()}${randomInt(10_000, 100_000)}`
  const message: SentMessage = { messageId, to, from: From, text, taskId, sentAt: new Date() }
  sent.push(message)
  hand(world, message)
  return answer('OK', acceptedWords, {
    MessageId: messageId,
    To,
    From,
    Segments: String(sizeOf(text)),
    NumberDetail: numberDetail,
  })
}

const hand = (world: World, message: SentMessage): void =>
  world.accept({
    id: message.messageId,
    to: message.to,
    from: message.from,
    text: message.text,
    service: 'aliyun',
    channel: 'sms',
    report: async (state, errorCode = 'UNDELIV') => {
      const isDelivered = state === 'delivered'
      message.receipt = { isDelivered, code: isDelivered ? 'DELIVERED' : errorCode, at: new Date() }
      const url = world.receiptUrlOf('aliyun')
      if (url !== undefined) await pushReports(url, [smsReport(message)], ({ code }) => code === 0)
    },
  })

const smsReport = (message: SentMessage): object => ({
  To: message.to.slice(1),
  SendDate: chinaMailTime(message.sentAt),
  ReceiveDate: chinaMailTime(message.receipt?.at ?? new Date()),
  Status: message.receipt?.isDelivered ? '1' : '2',
  // Here a delivered message says "success", and "DELIVERED" where it is asked for.
  ErrorCode: message.receipt?.isDelivered ? 'success' : message.receipt?.code,
  ErrorDescription: message.receipt?.isDelivered ? 'success' : 'failed',
  TaskId: message.taskId,
  SmsSize: String(sizeOf(message.text)),
  MessageId: message.messageId,
})

const queryMessage = (sent: readonly SentMessage[], { MessageId }: AliyunParameters): object => {
  const message = sent.find(({ messageId }) => messageId === MessageId)
  if (message === undefined) return refusal('DATA_NOT_EXIST')
  const { receipt } = message
  return answer('OK', acceptedWords, {
    MessageId,
    To: message.to.slice(1),
    Message: message.text,
    // 1 delivered, 2 failed, 3 under way.
    Status: receipt === undefined ? '3' : receipt.isDelivered ? '1' : '2',
    SendDate: chinaMailTime(message.sentAt),
    NumberDetail: numberDetail,
    ...(receipt && {
      ErrorCode: receipt.code,
      ErrorDescription: receipt.isDelivered ? 'success' : 'failed',
      ReceiveDate: chinaMailTime(receipt.at),
    }),
  })
}
