// Twilio: Messages (SMS, WhatsApp), Calls and Lookup v2 behind HTTP Basic credentials, from the pages "Messages
// resource", "Calls resource", "Lookup v2 API", "Webhooks security" and "Test credentials" of its documentation.
import { timingSafeEqual } from 'node:crypto'
import formbody from '@fastify/formbody'
import type { FastifyInstance } from 'fastify'
import type { Service, World } from './service.ts'
import { mountCalls } from './twilio-calls.ts'
import { answerError, TwilioError } from './twilio-errors.ts'
import { mountLookup } from './twilio-lookup.ts'
import { mountMessages } from './twilio-messages.ts'

const mount = (http: FastifyInstance, world: World): void => {
  http.register(formbody)
  http.addHook('preHandler', async (request, reply) => {
    const trouble = await world.troubleOf('twilio')
    if (trouble?.kind === 'http_500') return reply.code(500).type('text/html').send(brokenGateway)
    if (trouble?.kind === 'throttle') return answerError(reply, '20429')
    if (trouble?.kind === 'refuse') return answerError(reply, trouble.code)
    const { accountSid, authToken } = world.accounts.twilio
    const account = accountOf(request.params)
    if (
      !isBasic(request.headers.authorization, `${accountSid}:${authToken}`) ||
      (account !== undefined && account !== accountSid)
    ) {
      return answerError(reply, '20003')
    }
  })
  http.setErrorHandler((error, _request, reply) => {
    if (error instanceof TwilioError) return answerError(reply, error.code)
    throw error
  })
  http.setNotFoundHandler((_request, reply) => answerError(reply, '20404'))
  mountMessages(http, world)
  mountCalls(http, world)
  mountLookup(http)
}

export const twilio: Service = { name: 'twilio', mount }

const brokenGateway = '<html><body><h1>500 Internal Server Error</h1></body></html>'

const accountOf = (params: unknown): string | undefined =>
  typeof params === 'object' && params !== null && 'account' in params ? String(params.account) : undefined

const isBasic = (header: string | undefined, expected: string): boolean => {
  const encoded = /^basic (.+)$/i.exec(header ?? '')?.[1] ?? ''
  const given = Buffer.from(encoded, 'base64')
  const wanted = Buffer.from(expected)
  return given.length === wanted.length && timingSafeEqual(given, wanted)
}
