// What Alibaba Cloud says of a message after it was accepted: pushed as `SmsReport`, or asked for.
//
// What must stay true: each of the two services has its own forms, and a receipt carries the id that its service gave.
import { Type } from 'typebox'
import { Value } from 'typebox/value'
import { CallFailed } from '../http.ts'
import type { AcceptedMessage, Receipt, ReceiptCall, ReceiptReply } from '../provider.ts'
import { chinaTime, readPushedReports, receiptWith } from '../pushed-reports.ts'
import { parseTime, rowOf } from '../reading.ts'
import { aliyunReceiptCodes } from './codes.ts'

const receiptOf = (said: {
  providerMessageId: string
  delivered: boolean
  code: string | undefined
  occurredAt: Date | undefined
}): Receipt => {
  const { providerMessageId, occurredAt, code } = said
  if (said.delivered) {
    return receiptWith({
      providerMessageId,
      state: 'delivered',
      reason: undefined,
      code: undefined,
      occurredAt,
    })
  }
  const reason = rowOf(aliyunReceiptCodes, code) ?? 'unknown'
  return receiptWith({ providerMessageId, state: 'failed', reason, code, occurredAt })
}

/** "SmsReport" of the mainland service. */
const MainlandReport = Type.Object({
  biz_id: Type.String({ minLength: 1 }),
  success: Type.Boolean(),
  err_code: Type.Optional(Type.String()),
  report_time: Type.Optional(Type.String()),
})

/** "SmsReport" of the international service; its Status is 1 delivered, 2 failed, 6 expired. */
const InternationalReport = Type.Object({
  MessageId: Type.String({ minLength: 1 }),
  Status: Type.Union([Type.Literal('1'), Type.Literal('2'), Type.Literal('6')]),
  ErrorCode: Type.Optional(Type.String()),
  ReceiveDate: Type.Optional(Type.String()),
})

const receiptOfReport = (report: unknown): Receipt | undefined => {
  if (Value.Check(MainlandReport, report)) {
    const { biz_id: providerMessageId, success: delivered, err_code: code, report_time } = report
    return receiptOf({ providerMessageId, delivered, code, occurredAt: chinaTime(report_time) })
  }
  if (!Value.Check(InternationalReport, report)) return undefined
  const { MessageId: providerMessageId, Status, ErrorCode, ReceiveDate } = report
  const code = Status === '6' ? 'EXPIRED' : ErrorCode
  return receiptOf({ providerMessageId, delivered: Status === '1', code, occurredAt: parseTime(ReceiveDate) })
}

/** Without this very body the service pushes again. */
export const readAliyunReports = (call: ReceiptCall): ReceiptReply | undefined =>
  readPushedReports(call, receiptOfReport, '{"code":0,"msg":"OK"}')

/** "QuerySendDetails": SendStatus is 1 waiting for the carrier, 2 failed, 3 delivered. */
const SendDetails = Type.Object({
  SmsSendDetailDTOs: Type.Object({
    SmsSendDetailDTO: Type.Array(
      Type.Object({
        SendStatus: Type.Integer(),
        ErrCode: Type.Optional(Type.String()),
        ReceiveDate: Type.Optional(Type.String()),
        OutId: Type.Optional(Type.String()),
      }),
    ),
  }),
})

/** @throws CallFailed when the reply is not as documented */
export const receiptOfSendDetails = (json: unknown, message: AcceptedMessage): Receipt | undefined => {
  if (!Value.Check(SendDetails, json)) throw new CallFailed('provider_fault', 'unreadable reply')
  const detail = json.SmsSendDetailDTOs.SmsSendDetailDTO.find(
    ({ OutId = '' }) => OutId === '' || OutId === message.id,
  )
  if (detail === undefined || detail.SendStatus === 1) return undefined
  const { SendStatus, ErrCode: code, ReceiveDate } = detail
  const { providerMessageId } = message
  return receiptOf({
    providerMessageId,
    delivered: SendStatus === 3,
    code,
    occurredAt: chinaTime(ReceiveDate),
  })
}

/** "QueryMessage": Status is 1 delivered, 2 failed, 3 on its way. */
const QueriedMessage = Type.Object({
  Status: Type.String(),
  ErrorCode: Type.Optional(Type.String()),
  ReceiveDate: Type.Optional(Type.String()),
})

/** @throws CallFailed when the reply is not as documented */
export const receiptOfQueriedMessage = (json: unknown, message: AcceptedMessage): Receipt | undefined => {
  if (!Value.Check(QueriedMessage, json)) throw new CallFailed('provider_fault', 'unreadable reply')
  const { Status, ErrorCode: code, ReceiveDate } = json
  if (Status !== '1' && Status !== '2') return undefined
  const { providerMessageId } = message
  return receiptOf({ providerMessageId, delivered: Status === '1', code, occurredAt: parseTime(ReceiveDate) })
}
