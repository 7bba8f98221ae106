// Twilio's Messages resource: SMS and WhatsApp, as the page "Messages resource" documents them.
import type { FastifyInstance } from 'fastify'
import type { MessageOfStates } from './delivery.ts'
import type { ReceiptState, World } from './service.ts'
import { callBack } from './twilio-callbacks.ts'
import { TwilioError } from './twilio-errors.ts'
import { type Form, field, isE164, newSid, remember, twilioDate } from './twilio-form.ts'

type Status = 'accepted' | 'queued' | 'sent' | 'delivered' | 'undelivered' | 'failed'

type Message = {
  sid: string
  /** With their `whatsapp:` where they have it. */
  to: string
  from: string
  messagingServiceSid: string | undefined
  body: string
  statusCallback: string | undefined
  status: Status
  errorCode: string | undefined
  createdAt: Date
  updatedAt: Date
}

const whatsapp = 'whatsapp:'
const pricePerSegment = 0.0075
const maxBodyLength = 1600

// The page "Test credentials": numbers that Twilio itself answers so, for tests.
const refusedRecipients: Readonly<Record<string, string>> = {
  '+15005550001': '21211',
  '+15005550002': '21612',
  '+15005550003': '21408',
  '+15005550004': '21610',
  '+15005550009': '21614',
}
const refusedSenders: Readonly<Record<string, string>> = {
  '+15005550001': '21212',
  '+15005550007': '21606',
  '+15005550008': '21611',
}

/** Errors of carriers: the message went out and did not arrive. With any other it never went out. */
const carrierErrors = ['30003', '30004', '30005', '30006', '30008']

export const mountMessages = (http: FastifyInstance, world: World): void => {
  const messages = new Map<string, Message>()
  const { accountSid, authToken } = world.accounts.twilio

  const write = (message: Message) => ({
    sid: message.sid,
    account_sid: accountSid,
    messaging_service_sid: message.messagingServiceSid ?? null,
    // A messaging service chooses the sender later.
    from: message.status === 'accepted' ? null : message.from,
    to: message.to,
    body: message.body,
    status: message.status,
    num_segments: message.status === 'accepted' ? '0' : String(segmentsOf(message.body)),
    num_media: '0',
    direction: 'outbound-api',
    price: isFinal(message.status) ? priceOf(message).toFixed(5) : null,
    price_unit: 'USD',
    error_code: message.errorCode === undefined ? null : Number(message.errorCode),
    error_message: message.errorCode === undefined ? null : 'The message was not delivered',
    date_created: twilioDate(message.createdAt),
    date_sent: isFinal(message.status) ? twilioDate(message.updatedAt) : null,
    date_updated: twilioDate(message.updatedAt),
    api_version: '2010-04-01',
    uri: `/2010-04-01/Accounts/${accountSid}/Messages/${message.sid}.json`,
    subresource_uris: { media: `/2010-04-01/Accounts/${accountSid}/Messages/${message.sid}/Media.json` },
  })

  /** "Track the message status of outbound messages": a call for each status but the first. */
  const tell = async (message: Message, status: Status): Promise<void> => {
    if (message.statusCallback === undefined) return
    await callBack(authToken, message.statusCallback, {
      MessageSid: message.sid,
      SmsSid: message.sid,
      MessageStatus: status,
      SmsStatus: status,
      AccountSid: accountSid,
      From: message.from,
      To: message.to,
      ApiVersion: '2010-04-01',
      ...(message.messagingServiceSid === undefined
        ? {}
        : { MessagingServiceSid: message.messagingServiceSid }),
      ...(message.errorCode === undefined || !isFinal(status) ? {} : { ErrorCode: message.errorCode }),
      ...(status === 'delivered' ? { RawDlrDoneDate: rawDate(new Date()) } : {}),
    })
  }

  const report = async (message: Message, state: ReceiptState, code?: string): Promise<Status[]> => {
    message.errorCode = state === 'failed' ? (code ?? '30008') : undefined
    const last = finalStatus(message.errorCode)
    message.status = last
    message.updatedAt = new Date()
    return last === 'failed' ? [last] : ['sent', last]
  }

  const accepted = (message: Message): MessageOfStates => ({
    id: message.sid,
    to: message.to.replace(whatsapp, ''),
    from: message.from.replace(whatsapp, ''),
    text: message.body,
    service: 'twilio',
    channel: message.to.startsWith(whatsapp) ? 'whatsapp' : 'sms',
    report: async (state, code) => {
      for (const status of await report(message, state, code)) await tell(message, status)
    },
    reportOutOfOrder: async (state, code) => {
      for (const status of (await report(message, state, code)).toReversed()) await tell(message, status)
    },
  })

  http.post<{ Body: Form }>('/2010-04-01/Accounts/:account/Messages.json', ({ body }, reply) => {
    const message = readMessage(body, world.accounts.twilio.numbers)
    remember(messages, message)
    const answer = write(message)
    // Who asks later is told that it went out, until its receipt.
    message.status = 'sent'
    world.accept(accepted(message))
    return reply.code(201).send(answer)
  })

  http.get<{ Params: { sid: string } }>('/2010-04-01/Accounts/:account/Messages/:sid.json', ({ params }) => {
    const message = messages.get(params.sid)
    if (message === undefined) throw new TwilioError('20404')
    return write(message)
  })
}

/** @throws TwilioError in the order in which Twilio looks at the parameters */
const readMessage = (form: Form, numbers: readonly string[]): Message => {
  const to = field(form, 'To')
  if (to === undefined) throw new TwilioError('21604')
  const messagingServiceSid = field(form, 'MessagingServiceSid')
  const from = field(form, 'From') ?? messagingServiceSid
  if (from === undefined) throw new TwilioError('21603')
  const number = to.replace(whatsapp, '')
  if (!isE164(number)) throw new TwilioError('21211')
  refuseSender(from, to.startsWith(whatsapp), numbers)
  const refused = refusedRecipients[number]
  if (refused !== undefined) throw new TwilioError(refused)
  const body = readBody(form)
  return {
    sid: newSid('SM'),
    to,
    from: isServiceSid(from) ? (numbers[0] ?? from) : from,
    messagingServiceSid,
    body,
    statusCallback: field(form, 'StatusCallback'),
    status: messagingServiceSid === undefined ? 'queued' : 'accepted',
    errorCode: undefined,
    createdAt: new Date(),
    updatedAt: new Date(),
  }
}

const isServiceSid = (from: string): boolean => /^MG[0-9a-f]{32}$/i.test(from)

/** A number of the account, its messaging service, or an alphanumeric sender id (up to 11 characters, one a letter). */
const refuseSender = (from: string, isWhatsapp: boolean, numbers: readonly string[]): void => {
  const number = from.replace(whatsapp, '')
  const refused = refusedSenders[number]
  if (refused !== undefined) throw new TwilioError(refused)
  if (isServiceSid(from)) return
  if (from.startsWith(whatsapp) !== isWhatsapp) throw new TwilioError('21612')
  if (numbers.includes(number)) return
  if (isWhatsapp) throw new TwilioError('63007')
  if (/^(?=.*[a-z])[a-z0-9 +&_-]{1,11}$/i.test(from)) return
  throw new TwilioError(isE164(from) ? '21659' : '21212')
}

/** The text itself, or an approved template (ContentSid): what WhatsApp makes of the one for codes. */
const readBody = (form: Form): string => {
  if (field(form, 'ContentSid') !== undefined) {
    const variables = readVariables(field(form, 'ContentVariables') ?? '{}')
    return `${variables['1'] ?? ''} is your verification code.`
  }
  const body = field(form, 'Body')
  if (body === undefined) throw new TwilioError('21602')
  if (body.length > maxBodyLength) throw new TwilioError('21617')
  return body
}

const readVariables = (json: string): Record<string, unknown> => {
  try {
    const variables: unknown = JSON.parse(json)
    if (typeof variables === 'object' && variables !== null) return { ...variables }
  } catch {
    // Refused below, like JSON that is no object.
  }
  throw new TwilioError('21656')
}

const finalStatus = (errorCode: string | undefined): Status => {
  if (errorCode === undefined) return 'delivered'
  return carrierErrors.includes(errorCode) ? 'undelivered' : 'failed'
}

const isFinal = (status: Status): boolean =>
  status === 'delivered' || status === 'undelivered' || status === 'failed'

/** What was sent is paid for; what failed before is not. */
const priceOf = ({ status, body }: Message): number =>
  status === 'failed' ? 0 : -pricePerSegment * segmentsOf(body)

const gsm7 = /^[\w@£$¥èéùìòÇØøÅåΔΦΓΛΩΠΨΣΘΞÆæßÉ !"#¤%&'()*+,\-./:;<=>?¡ÄÖÑÜ§¿äöñüà\n\r^{}\\[~\]|€]*$/

/** 160 characters of GSM 7-bit or 70 of UCS-2; of a longer text each part gives seven and three to its header. */
const segmentsOf = (text: string): number => {
  const isGsm = gsm7.test(text)
  // These take two places (3GPP TS 23.038, 6.2.1.1).
  const length = isGsm ? text.length + (text.match(/[\^{}\\[~\]|€]/g)?.length ?? 0) : text.length
  const [single, part] = isGsm ? [160, 153] : [70, 67]
  return length <= single ? 1 : Math.ceil(length / part)
}

/** As carriers write it: YYMMDDhhmm. */
const rawDate = (date: Date): string => date.toISOString().replace(/\D/g, '').slice(2, 12)
