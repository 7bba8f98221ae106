// What Tencent Cloud says of a message after it was accepted: pushed as a status callback, or asked for.
//
// What must stay true: a polled status is a message's own when its SerialNo is.
import { Type } from 'typebox'
import { Value } from 'typebox/value'
import { CallFailed } from '../http.ts'
import type { AcceptedMessage, Receipt, ReceiptCall, ReceiptReply } from '../provider.ts'
import { chinaTime, readPushedReports, receiptWith } from '../pushed-reports.ts'
import { parseTime } from '../reading.ts'
import { tencentReceiptReason } from './codes.ts'

const receiptOf = (said: {
  providerMessageId: string
  status: 'SUCCESS' | 'FAIL'
  code: string | undefined
  occurredAt: Date | undefined
}): Receipt => {
  const { providerMessageId, occurredAt, code } = said
  if (said.status === 'SUCCESS') {
    return receiptWith({
      providerMessageId,
      state: 'delivered',
      reason: undefined,
      code: undefined,
      occurredAt,
    })
  }
  return receiptWith({
    providerMessageId,
    state: 'failed',
    reason: tencentReceiptReason(code),
    code,
    occurredAt,
  })
}

const ReportStatus = Type.Union([Type.Literal('SUCCESS'), Type.Literal('FAIL')])

/** "SMS sending status notification". */
const Notification = Type.Object({
  sid: Type.String({ minLength: 1 }),
  report_status: ReportStatus,
  errmsg: Type.Optional(Type.String()),
  user_receive_time: Type.Optional(Type.String()),
})

const receiptOfNotification = (notification: unknown): Receipt | undefined => {
  if (!Value.Check(Notification, notification)) return undefined
  const { sid: providerMessageId, report_status: status, errmsg: code, user_receive_time } = notification
  return receiptOf({ providerMessageId, status, code, occurredAt: chinaTime(user_receive_time) })
}

export const readTencentNotifications = (call: ReceiptCall): ReceiptReply | undefined =>
  readPushedReports(call, receiptOfNotification, '{"result":0,"errmsg":"OK"}')

/** "PullSmsSendStatusByPhoneNumber": holds the messages whose status has come; Description is the carrier's code. */
const PulledStatuses = Type.Object({
  Response: Type.Object({
    PullSmsSendStatusSet: Type.Array(
      Type.Object({
        SerialNo: Type.String(),
        ReportStatus,
        Description: Type.Optional(Type.String()),
        UserReceiveTime: Type.Optional(Type.Integer()),
      }),
    ),
  }),
})

/** @throws CallFailed when the reply is not as documented */
export const receiptOfPulledStatuses = (json: unknown, message: AcceptedMessage): Receipt | undefined => {
  if (!Value.Check(PulledStatuses, json)) throw new CallFailed('provider_fault', 'unreadable reply')
  const { providerMessageId } = message
  const found = json.Response.PullSmsSendStatusSet.find(({ SerialNo }) => SerialNo === providerMessageId)
  if (found === undefined) return undefined
  const { ReportStatus: status, Description: code, UserReceiveTime } = found
  const occurredAt =
    UserReceiveTime === undefined ? undefined : parseTime(new Date(UserReceiveTime * 1000).toISOString())
  return receiptOf({ providerMessageId, status, code, occurredAt })
}
