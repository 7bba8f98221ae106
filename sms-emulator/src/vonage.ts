// Vonage's Messages API v1: SMS and WhatsApp behind a JWT of the application, from the pages "Messages API",
// "Authentication", "API Errors", "Messages API Status Callbacks" and "Webhooks" of its documentation.
import { randomUUID } from 'node:crypto'
import type { FastifyInstance, FastifyReply } from 'fastify'
import { type MessageOfStates, postReceipt } from './delivery.ts'
import type { ReceiptState, Service, World } from './service.ts'
import { type Claims, signWebhook, verifyRs256 } from './vonage-jwt.ts'

type Problem = { status: number; type: string; title: string; detail: string }

/** An API key is part of the claims of a webhook; an application signs with its key and shows none. */
const apiKey = 'emulator'
const errorPage = 'https://developer.vonage.com/api-errors'
const messagesErrorPage = `${errorPage}/messages`
const priceOf = { sms: '0.0333', whatsapp: '0.0500' } as const
/** Of a token without `exp`: as long as those live that Vonage's own command line makes. */
const tokenSeconds = 900
const skewSeconds = 60

/** Thrown to answer in the form of RFC 7807, as "API Errors" shows it. */
class VonageError extends Error {
  readonly problem: Problem

  constructor(problem: Problem) {
    super(problem.title)
    this.problem = problem
  }
}

const generic = (status: number, name: string, title: string, detail: string): Problem => ({
  status,
  type: `${errorPage}#${name}`,
  title,
  detail,
})
const ofMessages = (status: number, code: string, title: string, detail: string): Problem => ({
  status,
  type: `${messagesErrorPage}#${code}`,
  title,
  detail,
})

const unauthorized = generic(
  401,
  'unauthorized',
  'You did not provide correct credentials.',
  "Check that you're using the correct credentials, and that your account has this feature enabled.",
)
const rateLimited = ofMessages(429, '1000', 'Throttled', 'You have exceeded the submission capacity allowed.')

/**
 * By the code after the `#`; the numbers are those of the Messages API. The page lists codes and descriptions; statuses
 * and titles that it does not show are ours.
 */
const problems: Readonly<Record<string, Problem>> = {
  unauthorized,
  'low-balance': generic(
    402,
    'low-balance',
    'Low balance',
    'This request could not be performed due to your account balance being low.',
  ),
  forbidden: generic(
    403,
    'forbidden',
    'Forbidden',
    'Your account does not have permission to perform this action.',
  ),
  unprovisioned: generic(
    403,
    'unprovisioned',
    'Authorisation error',
    'The credentials provided do not have access to the requested product.',
  ),
  'account-suspended': generic(403, 'account-suspended', 'Suspended', 'This account has been suspended.'),
  'jwt-expired': generic(401, 'jwt-expired', 'Expired', 'The JWT provided has expired.'),
  1000: rateLimited,
  1070: ofMessages(402, '1070', 'Partner quota exceeded', 'Your account does not have sufficient credit.'),
}

const problemOf = (code: string): Problem =>
  problems[code] ?? ofMessages(422, code, 'Refused', `The Messages API refused the request with ${code}.`)

const invalid = (name: string): VonageError =>
  new VonageError(
    ofMessages(422, '1150', 'Invalid params', `The value of one or more parameters is invalid: ${name}.`),
  )

type Message = {
  uuid: string
  to: string
  from: string
  channel: 'sms' | 'whatsapp'
  text: string
  clientRef: string | undefined
  webhookUrl: string | undefined
}

const mount = (http: FastifyInstance, world: World): void => {
  const { applicationId, privateKey, signatureSecret } = world.accounts.vonage
  const usedTokens = new Map<string, number>()

  http.setErrorHandler<Error & { statusCode?: number }>((error, _request, reply) => {
    if (error instanceof VonageError) return answer(reply, error.problem)
    // A body that is no JSON.
    if (error.statusCode !== undefined && error.statusCode < 500)
      return answer(reply, invalid('body').problem)
    throw error
  })

  const tell = async (message: Message, status: string, errorCode?: string): Promise<void> => {
    const url = message.webhookUrl ?? world.receiptUrlOf('vonage')
    if (url === undefined) return
    const body = JSON.stringify(writeStatus(message, status, errorCode))
    const token = signWebhook(signatureSecret, { api_key: apiKey, application_id: applicationId }, body)
    await postReceipt(url, {
      headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
      body,
    })
  }

  const accepted = (message: Message): MessageOfStates => ({
    id: message.uuid,
    to: `+${message.to}`,
    from: message.from,
    text: message.text,
    service: 'vonage',
    channel: message.channel,
    report: async (state, code) => {
      for (const status of statusesOf(state)) await tell(message, status, code)
    },
    reportOutOfOrder: async (state, code) => {
      for (const status of statusesOf(state).toReversed()) await tell(message, status, code)
    },
  })

  http.post('/v1/messages', async (request, reply) => {
    const trouble = await world.troubleOf('vonage')
    if (trouble?.kind === 'http_500') return reply.code(500).type('text/html').send(brokenGateway)
    if (trouble?.kind === 'throttle') return answer(reply, rateLimited)
    if (trouble?.kind === 'refuse') return answer(reply, problemOf(trouble.code))
    const token = /^bearer (.+)$/i.exec(request.headers.authorization ?? '')?.[1] ?? ''
    refuseToken(verifyRs256(token, privateKey), applicationId, usedTokens)
    const message = readMessage(request.body)
    world.accept(accepted(message))
    return reply.code(202).send({ message_uuid: message.uuid })
  })
}

export const vonage: Service = { name: 'vonage', mount }

const brokenGateway = '<html><body><h1>500 Internal Server Error</h1></body></html>'

const answer = (reply: FastifyReply, { status, ...problem }: Problem): FastifyReply =>
  reply
    .code(status)
    .header('content-type', 'application/problem+json')
    // A string, so that the type stays without a charset, as in the documentation.
    .send(JSON.stringify({ ...problem, instance: randomUUID() }))

/** The page "Authentication": application_id, iat and jti are demanded. That a jti counts once is stricter than it says. */
const refuseToken = (
  claims: Claims | undefined,
  applicationId: string,
  usedTokens: Map<string, number>,
): void => {
  const now = Date.now() / 1000
  const { application_id, iat, jti, exp } = claims ?? {}
  if (application_id !== applicationId || typeof iat !== 'number' || typeof jti !== 'string') {
    throw new VonageError(unauthorized)
  }
  const end = typeof exp === 'number' ? exp : iat + tokenSeconds
  if (iat > now + skewSeconds || usedTokens.has(jti)) throw new VonageError(unauthorized)
  if (end <= now) throw new VonageError(problemOf('jwt-expired'))
  for (const [used, usedEnd] of usedTokens) if (usedEnd <= now) usedTokens.delete(used)
  usedTokens.set(jti, end)
}

const readMessage = (body: unknown): Message => {
  if (typeof body !== 'object' || body === null) throw invalid('body')
  const given: Claims = { ...body }
  const text = (name: string): string | undefined => {
    const value = given[name]
    return typeof value === 'string' && value !== '' ? value : undefined
  }
  const { channel } = given
  if (channel !== 'sms' && channel !== 'whatsapp') throw invalid('channel')
  const to = text('to')
  // Without a leading + or 00, as the reference of the field says.
  if (to === undefined || !/^[1-9]\d{6,14}$/.test(to)) {
    throw new VonageError(
      ofMessages(422, '1170', 'Invalid recipient', 'The `to` parameter is invalid for the given channel.'),
    )
  }
  const from = text('from')
  if (from === undefined || (channel === 'whatsapp' && !/^\d{7,15}$/.test(from))) {
    throw new VonageError(
      ofMessages(422, '1120', 'Invalid sender', 'The `from` parameter is invalid for the given channel.'),
    )
  }
  return {
    uuid: randomUUID(),
    to,
    from,
    channel,
    text: given['message_type'] === 'text' ? readText(text('text')) : readTemplate(given, channel),
    clientRef: text('client_ref'),
    webhookUrl: text('webhook_url'),
  }
}

const readText = (text: string | undefined): string => {
  if (text === undefined) throw invalid('text')
  return text
}

/** A template that WhatsApp has approved: its name and parameters; the one for codes reads like this. */
const readTemplate = (given: Claims, channel: string): string => {
  if (channel !== 'whatsapp') throw invalid('message_type')
  if (given['message_type'] === 'template') return textOfTemplate(given['template'], 'parameters')
  if (given['message_type'] !== 'custom') throw invalid('message_type')
  return textOfTemplate(given['custom'], 'components')
}

const textOfTemplate = (value: unknown, field: 'parameters' | 'components'): string => {
  if (typeof value !== 'object' || value === null) throw invalid('template')
  const parts: Claims = { ...value }
  const [code] =
    field === 'parameters' ? listOf(parts['parameters']) : textsIn(parts['template'] ?? parts['components'])
  if (typeof code !== 'string') throw invalid('template.parameters')
  return `${code} is your verification code.`
}

const listOf = (value: unknown): unknown[] => (Array.isArray(value) ? value : [])

/** Every `text` of a custom object, which is the Graph API's own: components, each with parameters. */
const textsIn = (value: unknown): string[] => {
  if (Array.isArray(value)) return value.flatMap(textsIn)
  if (typeof value !== 'object' || value === null) return []
  return Object.entries(value).flatMap(([name, inner]) =>
    name === 'text' && typeof inner === 'string' ? [inner] : textsIn(inner),
  )
}

const statusesOf = (state: ReceiptState): string[] =>
  state === 'delivered' ? ['submitted', 'delivered'] : ['submitted', 'rejected']

const defaultFailure = '1330'

/** "Messages API Status Callbacks": an SMS is charged when submitted, a WhatsApp message when delivered. */
const writeStatus = (message: Message, status: string, errorCode = defaultFailure) => {
  const isCharged = status === (message.channel === 'sms' ? 'submitted' : 'delivered')
  return {
    message_uuid: message.uuid,
    to: message.to,
    from: message.from,
    timestamp: new Date().toISOString(),
    status,
    channel: message.channel,
    ...(message.clientRef === undefined ? {} : { client_ref: message.clientRef }),
    ...(isCharged ? { usage: { currency: 'EUR', price: priceOf[message.channel] } } : {}),
    ...(message.channel === 'sms' && isCharged ? { sms: { count_total: '1' } } : {}),
    ...(status === 'rejected'
      ? {
          error: {
            type: `${messagesErrorPage}#${errorCode}`,
            title: errorCode,
            detail: `The message was rejected with ${errorCode}.`,
            instance: randomUUID(),
          },
        }
      : {}),
  }
}
