// Twilio's Calls resource: a phone that rings and hears what the TwiML says, as "Calls resource" documents it.
import type { FastifyInstance } from 'fastify'
import type { ReceiptState, World } from './service.ts'
import { callBack } from './twilio-callbacks.ts'
import { TwilioError } from './twilio-errors.ts'
import { type Form, field, fields, isE164, newSid, remember, twilioDate } from './twilio-form.ts'

type Call = {
  sid: string
  to: string
  from: string
  said: string
  statusCallback: string | undefined
  events: readonly string[]
  status: string
  createdAt: Date
  updatedAt: Date
}

// The page "Test credentials", for calls.
const refusedRecipients: Readonly<Record<string, string>> = {
  '+15005550001': '21217',
  '+15005550002': '21214',
  '+15005550003': '21215',
  '+15005550004': '21216',
}

const secondsOfCall = '8'

/** What an answered call goes through: each event of StatusCallbackEvent with the CallStatus that it reports. */
const answered = [
  ['initiated', 'initiated'],
  ['ringing', 'ringing'],
  ['answered', 'in-progress'],
  ['completed', 'completed'],
] as const

export const mountCalls = (http: FastifyInstance, world: World): void => {
  const calls = new Map<string, Call>()
  const { accountSid, authToken } = world.accounts.twilio

  const write = (call: Call) => ({
    sid: call.sid,
    account_sid: accountSid,
    from: call.from,
    to: call.to,
    status: call.status,
    direction: 'outbound-api',
    duration: call.status === 'completed' ? secondsOfCall : null,
    price: call.status === 'completed' ? '-0.01300' : null,
    price_unit: 'USD',
    date_created: twilioDate(call.createdAt),
    date_updated: twilioDate(call.updatedAt),
    api_version: '2010-04-01',
    uri: `/2010-04-01/Accounts/${accountSid}/Calls/${call.sid}.json`,
  })

  const tell = async (call: Call, status: string, sequence: number): Promise<void> => {
    if (call.statusCallback === undefined) return
    await callBack(authToken, call.statusCallback, {
      CallSid: call.sid,
      AccountSid: accountSid,
      From: call.from,
      To: call.to,
      CallStatus: status,
      ApiVersion: '2010-04-01',
      Direction: 'outbound-api',
      Timestamp: call.updatedAt.toUTCString().replace('GMT', '+0000'),
      CallbackSource: 'call-progress-events',
      SequenceNumber: String(sequence),
      ...(status === 'completed' ? { CallDuration: secondsOfCall, Duration: '1' } : {}),
    })
  }

  /** A call that nobody takes ends as `no-answer`; the code of a fault names another way: busy, failed, canceled. */
  const report = async (call: Call, state: ReceiptState, code?: string): Promise<void> => {
    call.status = state === 'delivered' ? 'completed' : (code ?? 'no-answer')
    call.updatedAt = new Date()
    const steps = state === 'delivered' ? answered : [...answered.slice(0, 2), ['completed', call.status]]
    for (const [sequence, [event = '', status = '']] of steps.entries()) {
      if (call.events.includes(event)) await tell(call, status, sequence)
    }
  }

  http.post<{ Body: Form }>('/2010-04-01/Accounts/:account/Calls.json', ({ body }, reply) => {
    const call = readCall(body, world.accounts.twilio.numbers)
    remember(calls, call)
    world.accept({
      id: call.sid,
      to: call.to,
      from: call.from,
      text: call.said,
      service: 'twilio',
      channel: 'voice',
      report: (state, code) => report(call, state, code),
    })
    return reply.code(201).send(write(call))
  })

  http.get<{ Params: { sid: string } }>('/2010-04-01/Accounts/:account/Calls/:sid.json', ({ params }) => {
    const call = calls.get(params.sid)
    if (call === undefined) throw new TwilioError('20404')
    return write(call)
  })
}

const readCall = (form: Form, numbers: readonly string[]): Call => {
  const to = field(form, 'To')
  if (to === undefined) throw new TwilioError('21201')
  const from = field(form, 'From')
  if (from === undefined) throw new TwilioError('21213')
  if (!isE164(to)) throw new TwilioError('21211')
  if (!isE164(from)) throw new TwilioError('21212')
  if (!numbers.includes(from)) throw new TwilioError('21210')
  const refused = refusedRecipients[to]
  if (refused !== undefined) throw new TwilioError(refused)
  // TwiML behind a Url is not fetched: what the phone hears comes with the call.
  const twiml = field(form, 'Twiml')
  if (twiml === undefined) throw new TwilioError('21205')
  const events = fields(form, 'StatusCallbackEvent')
  return {
    sid: newSid('CA'),
    to,
    from,
    said: textOfSay(twiml),
    statusCallback: field(form, 'StatusCallback'),
    events: events.length === 0 ? ['completed'] : events.flatMap((event) => event.split(' ')),
    status: 'queued',
    createdAt: new Date(),
    updatedAt: new Date(),
  }
}

const entities: Readonly<Record<string, string>> = { lt: '<', gt: '>', quot: '"', apos: "'", amp: '&' }

/** What a voice would say: the text of all <Say>, without the tags of SSML within. */
const textOfSay = (twiml: string): string =>
  [...twiml.matchAll(/<Say\b[^>]*>([\s\S]*?)<\/Say>/g)]
    .map(([, said = '']) => said.replace(/<[^>]*>/g, ' '))
    .join(' ')
    .replace(/&(lt|gt|quot|apos|amp);/g, (_entity, name: string) => entities[name] ?? '')
    .replace(/\s+/g, ' ')
    .trim()
