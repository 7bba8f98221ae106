// The delivery status of SMS messages, as SNS writes it to CloudWatch Logs, and `FilterLogEvents`, by which it is read.
// After "Viewing Amazon CloudWatch metrics and logs for SMS deliveries" of the SNS Developer Guide, "FilterLogEvents" of
// the CloudWatch Logs API Reference and "Filter pattern syntax" of its User Guide.
//
// What must stay true: a log group does not exist before its first entry, as in an account in which nothing failed yet.
import { randomUUID } from 'node:crypto'
import { type Fields, jsonReply, parseFields, type RootReply } from './root.ts'
import type { Accounts, Trouble } from './service.ts'
import { headerOf, type ServiceFault, type SignedCall } from './signatures.ts'
import { checkSigv4, type Sigv4Fault } from './sigv4.ts'

export type DeliveryStatus = {
  messageId: string
  to: string
  sentAt: Date
  smsType: string
  isDelivered: boolean
  /** The words of the carrier, as "Phone is currently unreachable/unavailable". */
  providerResponse?: string
}

type LogEvent = {
  logStreamName: string
  timestamp: number
  message: string
  ingestionTime: number
  eventId: string
}

export type DeliveryLog = {
  write(status: DeliveryStatus): void
  /** To a request that has a target, which it may not know. */
  answer(call: SignedCall, trouble: Trouble | undefined): RootReply
}

const signatureFaults = {
  missing: 'MissingAuthenticationTokenException',
  incomplete: 'IncompleteSignatureException',
  key_unknown: 'UnrecognizedClientException',
  scope_wrong: 'InvalidSignatureException',
  expired: 'InvalidSignatureException',
  signature_wrong: 'InvalidSignatureException',
} as const satisfies Record<Sigv4Fault['kind'], string>

const logsReply = (status: number, body: object): RootReply =>
  jsonReply(status, body, 'application/x-amz-json-1.1')

const faultReply = ({ status, code, message }: ServiceFault): RootReply =>
  logsReply(status, { __type: code, message })

const troubleReply = (trouble: Trouble): RootReply => {
  if (trouble.kind === 'http_500') {
    return faultReply({ status: 503, code: 'ServiceUnavailableException', message: 'Service unavailable.' })
  }
  if (trouble.kind === 'throttle') {
    return faultReply({ status: 400, code: 'ThrottlingException', message: 'Rate exceeded' })
  }
  const code = trouble.code || 'InvalidParameterException'
  return faultReply({ status: 400, code, message: 'Refused by the emulator.' })
}

export const createDeliveryLog = (account: Accounts['sns']): DeliveryLog => {
  const groups = new Map<string, LogEvent[]>()
  const group = `sns/${account.region}/${account.accountId}/DirectPublishToPhoneNumber`

  return {
    write: (status) => {
      const name = status.isDelivered ? group : `${group}/Failure`
      const now = Date.now()
      const event = {
        logStreamName: randomUUID(),
        timestamp: now,
        message: JSON.stringify(statusEntry(status, now)),
        ingestionTime: now,
        eventId: `${now}${String(groups.get(name)?.length ?? 0).padStart(43, '0')}`,
      }
      groups.set(name, [...(groups.get(name) ?? []), event])
    },
    answer: (call, trouble) => {
      if (trouble !== undefined) return troubleReply(trouble)
      const fault = checkSigv4(call, { ...account, service: 'logs' }, new Date())
      if (fault !== undefined) {
        return faultReply({ status: 400, code: signatureFaults[fault.kind], message: fault.message })
      }
      if (headerOf(call, 'x-amz-target') !== 'Logs_20140328.FilterLogEvents') {
        return faultReply({ status: 400, code: 'UnknownOperationException', message: 'No such operation.' })
      }
      const fields = parseFields(call.body.toString('utf8'))
      if (fields === undefined) {
        return faultReply({ status: 400, code: 'SerializationException', message: 'No JSON object.' })
      }
      return filterLogEvents(groups, fields)
    },
  }
}

/** One entry, as the documentation's examples of a delivered and of a failed message have it. */
const statusEntry = (status: DeliveryStatus, now: number): object => ({
  notification: {
    messageId: status.messageId,
    timestamp: status.sentAt.toISOString().replace('T', ' ').replace('Z', ''),
  },
  delivery: {
    ...(status.isDelivered ? { phoneCarrier: 'Emulator' } : {}),
    mnc: status.isDelivered ? 1 : 0,
    numberOfMessageParts: 1,
    destination: status.to,
    priceInUSD: 0.00645,
    smsType: status.smsType,
    mcc: status.isDelivered ? 1 : 0,
    providerResponse: status.isDelivered
      ? 'Message has been accepted by phone carrier'
      : (status.providerResponse ?? 'Unknown error attempting to reach phone'),
    dwellTimeMs: now - status.sentAt.getTime(),
    dwellTimeMsUntilDeviceAck: now - status.sentAt.getTime(),
  },
  status: status.isDelivered ? 'SUCCESS' : 'FAILURE',
})

const filterLogEvents = (groups: ReadonlyMap<string, readonly LogEvent[]>, fields: Fields): RootReply => {
  const { startTime, endTime, filterPattern = '', limit = 10_000, nextToken = '0' } = fields
  const invalid = (message: string): RootReply =>
    faultReply({ status: 400, code: 'InvalidParameterException', message })
  const given = [fields['logGroupName'], fields['logGroupIdentifier']].filter((name) => name !== undefined)
  if (given.length !== 1) return invalid('Either logGroupName or logGroupIdentifier must be given.')
  // An identifier may be an ARN, which ends with the name.
  const name = String(given[0]).replace(/^arn:[^:]*:logs:[^:]*:[^:]*:log-group:/, '')
  const matches = parsePattern(String(filterPattern))
  if (matches === undefined) return invalid('Invalid filter pattern')
  if (!isWholeNumber(limit) || limit < 1 || limit > 10_000) return invalid('limit is 1 to 10000.')
  const events = groups.get(name)
  if (events === undefined) {
    const message = 'The specified log group does not exist.'
    return faultReply({ status: 400, code: 'ResourceNotFoundException', message })
  }

  const first = isWholeNumber(startTime) ? startTime : 0
  const last = isWholeNumber(endTime) ? endTime : Number.POSITIVE_INFINITY
  const found = events.filter(
    ({ timestamp, message }) => timestamp >= first && timestamp <= last && matches(message),
  )
  const from = Number(nextToken)
  const rest = found.length - from - limit
  return logsReply(200, {
    events: found.slice(from, from + limit),
    searchedLogStreams: [],
    ...(rest > 0 ? { nextToken: String(from + limit) } : {}),
  })
}

const isWholeNumber = (value: unknown): value is number =>
  typeof value === 'number' && Number.isInteger(value)

/**
 * The forms by which one message is looked for: none; `{ $.field.field = "text" }`; terms, all of which must occur. A
 * term of other than letters, digits and `_` stands in double quotes. Undefined for anything else.
 */
const parsePattern = (pattern: string): ((message: string) => boolean) | undefined => {
  const text = pattern.trim()
  const [, path, value] = /^\{\s*\(?\s*\$\.([\w.]+)\s*=\s*"([^"]*)"\s*\)?\s*\}$/.exec(text) ?? []
  if (path !== undefined) return (message) => fieldAt(message, path) === value
  if (!/^("[^"]*"|\w+|\s+)*$/.test(text)) return undefined
  const terms = [...text.matchAll(/"([^"]*)"|(\w+)/g)].map(([, quoted, word]) => quoted ?? word ?? '')
  return (message) => terms.every((term) => message.includes(term))
}

const fieldAt = (message: string, path: string): unknown => {
  let value: unknown = parseFields(message)
  for (const name of path.split('.')) {
    value =
      typeof value === 'object' && value !== null
        ? Object.entries(value).find(([key]) => key === name)?.[1]
        : undefined
  }
  return value
}
