// Amazon SNS as its Query API shows it: `Publish` to a phone number, signed with Signature Version 4, answered in XML.
// The delivery status log that SNS keeps in CloudWatch Logs is read through sns-logs.ts, at the same address. After
// "Publish" and "Common Errors" of the Amazon SNS API Reference and "Publishing SMS messages" of the Developer Guide.
import { randomUUID } from 'node:crypto'
import { mountAtRoot, type RootReply } from './root.ts'
import type { Service, Trouble, World } from './service.ts'
import { headerOf, type ServiceFault, type SignedCall } from './signatures.ts'
import { checkSigv4, type Sigv4Fault } from './sigv4.ts'
import { createDeliveryLog, type DeliveryLog } from './sns-logs.ts'

/** Statuses as the service's model gives them; what is not here is 400. */
const statuses: Readonly<Record<string, number>> = {
  AuthorizationError: 403,
  InvalidSecurity: 403,
  OptInRequired: 403,
  NotFound: 404,
  Throttled: 429,
  InternalError: 500,
  InternalFailure: 500,
  ServiceUnavailable: 503,
}

const signatureFaults = {
  missing: { status: 403, code: 'MissingAuthenticationToken' },
  incomplete: { status: 400, code: 'IncompleteSignature' },
  key_unknown: { status: 403, code: 'InvalidClientTokenId' },
  scope_wrong: { status: 403, code: 'SignatureDoesNotMatch' },
  expired: { status: 403, code: 'SignatureDoesNotMatch' },
  signature_wrong: { status: 403, code: 'SignatureDoesNotMatch' },
} as const satisfies Record<Sigv4Fault['kind'], { status: number; code: string }>

export const sns: Service = {
  name: 'sns',
  mount: (http, world) => {
    const log = createDeliveryLog(world.accounts.sns)
    mountAtRoot(http, async (call) => {
      const trouble = await world.troubleOf('sns')
      if (headerOf(call, 'x-amz-target') !== undefined) return log.answer(call, trouble)
      if (trouble !== undefined) return errorReply(faultOf(trouble))
      const fault = checkSigv4(call, { ...world.accounts.sns, service: 'sns' }, new Date())
      if (fault !== undefined) {
        return errorReply({ ...signatureFaults[fault.kind], message: fault.message })
      }
      const form = formOf(call)
      if (form.get('Action') !== 'Publish' || form.get('Version') !== '2010-03-31') {
        const message = `Could not find operation ${form.get('Action')} for version ${form.get('Version')}`
        return errorReply({ status: 400, code: 'InvalidAction', message })
      }
      return publish(world, log, form)
    })
  },
}

const formOf = (call: SignedCall): URLSearchParams =>
  new URLSearchParams([
    ...new URLSearchParams(call.query),
    ...new URLSearchParams(call.body.toString('utf8')),
  ])

const faultOf = (trouble: Trouble): ServiceFault => {
  if (trouble.kind === 'http_500') {
    return { status: 500, code: 'InternalError', message: 'Internal service error.' }
  }
  if (trouble.kind === 'throttle') return { status: 400, code: 'Throttling', message: 'Rate exceeded' }
  const code = trouble.code || 'AuthorizationError'
  return { status: statuses[code] ?? 400, code, message: 'Refused by the emulator.' }
}

const namespace = 'http://sns.amazonaws.com/doc/2010-03-31/'

const escapeXml = (text: string): string =>
  text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`)

const xmlReply = (status: number, body: string): RootReply => ({ status, contentType: 'text/xml', body })

const errorReply = ({ status, code, message }: ServiceFault): RootReply =>
  xmlReply(
    status,
    `<ErrorResponse xmlns="${namespace}"><Error><Type>${status < 500 ? 'Sender' : 'Receiver'}</Type>` +
      `<Code>${escapeXml(code)}</Code><Message>${escapeXml(message)}</Message></Error>` +
      `<RequestId>${randomUUID()}</RequestId></ErrorResponse>`,
  )

const invalidParameter = (reason: string): RootReply =>
  errorReply({ status: 400, code: 'InvalidParameter', message: `Invalid parameter: ${reason}` })

/** `MessageAttributes.entry.1.Name`, `….Value.DataType`, `….Value.StringValue`, counted from 1. */
const attributesOf = (form: URLSearchParams): Map<string, string> => {
  const attributes = new Map<string, string>()
  for (let entry = 1; form.has(`MessageAttributes.entry.${entry}.Name`); entry += 1) {
    const name = form.get(`MessageAttributes.entry.${entry}.Name`) ?? ''
    attributes.set(name, form.get(`MessageAttributes.entry.${entry}.Value.StringValue`) ?? '')
  }
  return attributes
}

const smsTypes = ['Promotional', 'Transactional']

/** What is wrong with a message, in words. */
const problemOf = (form: URLSearchParams, attributes: ReadonlyMap<string, string>): string | undefined => {
  const to = form.get('PhoneNumber') ?? ''
  if (form.has('TopicArn') || form.has('TargetArn')) return 'TopicArn Reason: no topic exists'
  if (!/^\+[1-9]\d{6,14}$/.test(to)) return `PhoneNumber Reason: ${to} is not valid to publish to`
  if (!form.get('Message')) return 'Empty message'
  const smsType = attributes.get('AWS.SNS.SMS.SMSType')
  if (smsType !== undefined && !smsTypes.includes(smsType)) return 'AWS.SNS.SMS.SMSType'
  // "1–11 alphanumeric characters, at least one letter, no spaces."
  const senderId = attributes.get('AWS.SNS.SMS.SenderID')
  if (senderId !== undefined && !/^(?=.*[a-z])[a-z\d]{1,11}$/i.test(senderId)) return 'AWS.SNS.SMS.SenderID'
  const origination = attributes.get('AWS.MM.SMS.OriginationNumber')
  if (origination !== undefined && !/^\+?\d{5,14}$/.test(origination)) return 'AWS.MM.SMS.OriginationNumber'
  return undefined
}

const publish = (world: World, log: DeliveryLog, form: URLSearchParams): RootReply => {
  const attributes = attributesOf(form)
  const problem = problemOf(form, attributes)
  if (problem !== undefined) return invalidParameter(problem)

  const messageId = randomUUID()
  const to = form.get('PhoneNumber') ?? ''
  const sentAt = new Date()
  world.accept({
    id: messageId,
    to,
    from:
      attributes.get('AWS.SNS.SMS.SenderID') ?? attributes.get('AWS.MM.SMS.OriginationNumber') ?? 'NOTICE',
    text: form.get('Message') ?? '',
    service: 'sns',
    channel: 'sms',
    report: async (state, errorCode) =>
      log.write({
        messageId,
        to,
        sentAt,
        smsType: attributes.get('AWS.SNS.SMS.SMSType') ?? 'Promotional',
        isDelivered: state === 'delivered',
        ...(errorCode === undefined ? {} : { providerResponse: errorCode }),
      }),
  })
  return xmlReply(
    200,
    `<PublishResponse xmlns="${namespace}"><PublishResult><MessageId>${messageId}</MessageId></PublishResult>` +
      `<ResponseMetadata><RequestId>${randomUUID()}</RequestId></ResponseMetadata></PublishResponse>`,
  )
}
