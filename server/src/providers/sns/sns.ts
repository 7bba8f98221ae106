// Amazon SNS: Publish to a phone number over the Query API; what became of it, from the delivery log that SNS writes
// to CloudWatch Logs, since SNS calls nobody back.
//
// What must stay true: every call is signed for one service in one region (Signature Version 4) at our clock's time;
// a delivery log counts for the message whose id is in it, and for no other.
import { type Static, Type } from 'typebox'
import { Value } from 'typebox/value'
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
import { receiptWith, writableCode } from '../pushed-reports.ts'
import { moneyOf, rowOf } from '../reading.ts'
import { snsDeliveryFailures, snsErrorCodes } from './codes.ts'

const Settings = Type.Object(
  {
    accessKeyId: Type.String({
      minLength: 1,
      description: 'The id of the access key of an IAM user who may sns:Publish and logs:FilterLogEvents.',
      examples: ['AKIAIOSFODNN7EXAMPLE'],
    }),
    secretAccessKey: Type.String({
      minLength: 1,
      description: 'The secret access key.',
      examples: ['the secret that was shown once'],
    }),
    region: Type.String({
      pattern: '^[a-z]{2}(-[a-z]+)+-[0-9]$',
      description: 'A region in which SNS sends SMS.',
      examples: ['eu-central-1'],
    }),
    from: Type.Optional(
      Type.String({
        minLength: 1,
        description:
          'A sender id (3 to 11 letters and digits), or an origination number or short code that the account owns, unless the route names another.',
        examples: ['Dialtone', '+12025550100'],
      }),
    ),
    maxPriceUsd: Type.Optional(
      Type.Number({
        exclusiveMinimum: 0,
        description: 'SNS does not send a message that would cost more US dollars than this.',
        examples: [0.1],
      }),
    ),
    accountId: Type.Optional(
      Type.String({
        pattern: '^[0-9]{12}$',
        description:
          'The account’s number. With it, deliveries and prices are read from CloudWatch Logs; without it, no message gets a receipt.',
        examples: ['123456789012'],
      }),
    ),
    endpoint: Type.Optional(
      Type.String({
        pattern: '^https?://',
        description: 'Where SNS is called. Default: its public address in the region.',
        examples: ['https://sns.eu-central-1.amazonaws.com'],
      }),
    ),
    logsEndpoint: Type.Optional(
      Type.String({
        pattern: '^https?://',
        description: 'Where CloudWatch Logs is called. Default: its public address in the region.',
        examples: ['https://logs.eu-central-1.amazonaws.com'],
      }),
    ),
  },
  { additionalProperties: false },
)

type Connection = { settings: Static<typeof Settings>; deps: ProviderDeps }

const callAmazon = async (
  { settings, deps }: Connection,
  request: { service: 'sns' | 'logs'; headers: Record<string, string>; body: string },
  signal: AbortSignal,
): Promise<ProviderReply> => {
  const { AwsV4Signer } = await import('aws4fetch')
  const { service, headers, body } = request
  const { accessKeyId, secretAccessKey, region } = settings
  const configured = service === 'sns' ? settings.endpoint : settings.logsEndpoint
  const signer = new AwsV4Signer({
    method: 'POST',
    url: new URL('/', configured ?? `https://${service}.${region}.amazonaws.com`).toString(),
    headers,
    body,
    accessKeyId,
    secretAccessKey,
    region,
    service,
    // `20150830T123600Z`
    datetime: deps.clock
      .now()
      .toISOString()
      .replace(/[:-]|\.\d{3}/g, ''),
  })
  const signed = await signer.sign()
  return callProvider(signed.url, { method: 'POST', headers: signed.headers, body, signal })
}

const send = async (
  connection: Connection,
  message: OutgoingMessage,
  signal: AbortSignal,
): Promise<SendOutcome> => {
  const form = new URLSearchParams({
    Action: 'Publish',
    Version: '2010-03-31',
    PhoneNumber: message.to,
    Message: message.text,
  })
  for (const [index, [name, type, value]] of attributesOf(connection.settings, message).entries()) {
    const entry = `MessageAttributes.entry.${index + 1}`
    form.set(`${entry}.Name`, name)
    form.set(`${entry}.Value.DataType`, type)
    form.set(`${entry}.Value.StringValue`, value)
  }
  const headers = { 'content-type': 'application/x-www-form-urlencoded; charset=utf-8' }

  const reply = await callAmazon(connection, { service: 'sns', headers, body: form.toString() }, signal)

  if (reply.status !== 200) return { outcome: 'refused', ...refusalOf(reply) }
  const providerMessageId = /<MessageId>([\w-]+)<\/MessageId>/.exec(reply.text)?.[1]
  if (providerMessageId === undefined) {
    return { outcome: 'refused', reason: 'provider_fault', code: 'unreadable reply', maybeSent: true }
  }
  return { outcome: 'accepted', providerMessageId }
}

type Attribute = readonly [name: string, type: 'String' | 'Number', value: string]

/** "Publishing SMS messages to a mobile phone": a number of ours is an origination number, a name a sender id. */
const attributesOf = ({ from, maxPriceUsd }: Connection['settings'], message: OutgoingMessage) => {
  const attributes: Attribute[] = [['AWS.SNS.SMS.SMSType', 'String', 'Transactional']]
  const sender = message.from ?? from
  if (sender !== undefined) {
    const name = /^\+?\d+$/.test(sender) ? 'AWS.MM.SMS.OriginationNumber' : 'AWS.SNS.SMS.SenderID'
    attributes.push([name, 'String', sender])
  }
  if (maxPriceUsd !== undefined) attributes.push(['AWS.SNS.SMS.MaxPrice', 'Number', String(maxPriceUsd)])
  return attributes
}

type Refusal = { reason: FailureReason; code: string }

/** SNS answers an error in XML, CloudWatch Logs in JSON whose `__type` may have a namespace before a `#`. */
const refusalOf = ({ status, text, json }: ProviderReply): Refusal => {
  const said = Value.Check(JsonError, json)
    ? json.__type.replace(/^.*#/, '')
    : /<Code>([^<]*)<\/Code>/.exec(text)?.[1]
  if (said === undefined) return { reason: reasonOfStatus(status), code: `HTTP ${status}` }
  const reason = rowOf(snsErrorCodes, said.replace(/Exception$/, '')) ?? reasonOfStatus(status)
  return { reason, code: writableCode(said) }
}

const JsonError = Type.Object({ __type: Type.String() })

/** SNS writes what arrived to the first group and what did not to the second, and makes each when it first needs it. */
const logGroupsOf = (region: string, accountId: string): readonly string[] => {
  const name = `sns/${region}/${accountId}/DirectPublishToPhoneNumber`
  return [name, `${name}/Failure`]
}

const poll = async (
  connection: Connection,
  message: AcceptedMessage,
  signal: AbortSignal,
): Promise<Receipt | undefined> => {
  const { region, accountId } = connection.settings
  if (accountId === undefined) return undefined
  for (const logGroupName of logGroupsOf(region, accountId)) {
    const receipt = await searchLogGroup(connection, { logGroupName, message }, signal)
    if (receipt !== undefined) return receipt
  }
  return undefined
}

/** Pages may be empty before the last one; a minute of one account's logs is far fewer. */
const maxPages = 10

/** "FilterLogEvents" of CloudWatch Logs. */
const searchLogGroup = async (
  connection: Connection,
  { logGroupName, message }: { logGroupName: string; message: AcceptedMessage },
  signal: AbortSignal,
): Promise<Receipt | undefined> => {
  const headers = {
    'content-type': 'application/x-amz-json-1.1',
    'x-amz-target': 'Logs_20140328.FilterLogEvents',
  }
  let nextToken: string | undefined
  for (let page = 0; page < maxPages; page += 1) {
    const body = JSON.stringify({
      logGroupName,
      // A minute early, for clocks that differ.
      startTime: message.sentAt.getTime() - 60_000,
      filterPattern: `{ $.notification.messageId = "${message.providerMessageId}" }`,
      nextToken,
    })
    const reply = await callAmazon(connection, { service: 'logs', headers, body }, signal)
    if (reply.status !== 200) {
      const { reason, code } = refusalOf(reply)
      if (code === 'ResourceNotFoundException') return undefined
      throw new CallFailed(reason, code)
    }
    if (!Value.Check(FoundEvents, reply.json)) throw new CallFailed('provider_fault', 'unreadable reply')
    for (const event of reply.json.events) {
      const receipt = receiptOfEvent(event, message)
      if (receipt !== undefined) return receipt
    }
    nextToken = reply.json.nextToken
    if (nextToken === undefined) return undefined
  }
  return undefined
}

type FoundEvent = Static<typeof FoundEvent>
const FoundEvent = Type.Object({ message: Type.String(), timestamp: Type.Optional(Type.Integer()) })

const FoundEvents = Type.Object({
  events: Type.Array(FoundEvent),
  nextToken: Type.Optional(Type.String()),
})

/** "Example log for successful SMS delivery", and for a failed one. */
const DeliveryLog = Type.Object({
  notification: Type.Object({ messageId: Type.String() }),
  delivery: Type.Object({
    providerResponse: Type.Optional(Type.String()),
    priceInUSD: Type.Optional(Type.Number()),
  }),
  status: Type.Union([Type.Literal('SUCCESS'), Type.Literal('FAILURE')]),
})

const receiptOfEvent = (event: FoundEvent, { providerMessageId }: AcceptedMessage): Receipt | undefined => {
  const log = parseJson(event.message)
  if (!Value.Check(DeliveryLog, log) || log.notification.messageId !== providerMessageId) return undefined
  const { providerResponse, priceInUSD } = log.delivery
  const occurredAt = event.timestamp === undefined ? undefined : new Date(event.timestamp)
  const price = moneyOf(priceInUSD?.toString(), 'USD')
  const priced = price === undefined ? {} : { price }
  if (log.status === 'SUCCESS') {
    const delivered = { providerMessageId, state: 'delivered' as const, reason: undefined, code: undefined }
    return { ...receiptWith({ ...delivered, occurredAt }), ...priced }
  }
  const reason = rowOf(snsDeliveryFailures, providerResponse)
  // Rule 12: a sentence that is not documented may name the number.
  const code = reason === undefined ? 'FAILURE' : providerResponse
  const failed = { providerMessageId, state: 'failed' as const, reason: reason ?? 'unknown', code: undefined }
  return { ...receiptWith({ ...failed, occurredAt }), ...(code === undefined ? {} : { code }), ...priced }
}

const parseJson = (text: string): unknown => {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

export const snsKind = defineProvider({
  title: 'Amazon SNS',
  channels: ['sms'],
  settings: Settings,
  secrets: ['secretAccessKey'],
  idempotent: false,
  receipts: ['polled'],
  connect: (settings, deps) => {
    const connection = { settings, deps }
    return {
      send: (message, signal) => outcomeOf(() => send(connection, message, signal)),
      poll: (message, signal) => poll(connection, message, signal),
    }
  },
})
