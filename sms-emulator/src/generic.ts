// A gateway such as a thousand small ones: JSON over HTTP with a bearer token, and beside it the one GET that many
// have. No real service; what it promises stands here.
//
//   POST /generic/messages  authorization: Bearer <token>, idempotency-key: <any>
//     {to, text, from?, reference?, callback?}  →  201 {id, status: 'accepted'}
//     401 | 422 | 429 | 500 {error: {code}}
//   callback: POST {id, reference, status: 'delivered' | 'failed', error?}
//   GET /generic/send?to=&text=&token=&from=  →  200 `OK: <id>`, or `ERROR: <code>`
//
// What must stay true: a second call with the same idempotency key gets the first one's answer and sends nothing.
import { createHash, randomUUID, timingSafeEqual } from 'node:crypto'
import { postReceipt } from './delivery.ts'
import type { Fields } from './root.ts'
import type { Service, Trouble, World } from './service.ts'

type Answer = { status: number; body: object }

const refusal = (status: number, code: string): Answer => ({ status, body: { error: { code } } })

export const generic: Service = {
  name: 'generic',
  mount: (http, world) => {
    const answers = new Map<string, Answer>()
    http.post('/generic/messages', async ({ headers, body }, reply) => {
      const key = headers['idempotency-key']
      const { status, body: answer } = await answerMessage(world, answers, {
        token: headers.authorization?.replace(/^Bearer /i, ''),
        key: typeof key === 'string' ? key : undefined,
        fields: typeof body === 'object' && body !== null ? { ...body } : {},
      })
      return reply.code(status).send(answer)
    })

    http.get('/generic/send', async ({ query }, reply) => {
      const given: Fields = typeof query === 'object' && query !== null ? { ...query } : {}
      const { token, ...fields } = given
      const { status, body } = await answerMessage(world, answers, {
        token: typeof token === 'string' ? token : undefined,
        key: undefined,
        fields,
      })
      return reply
        .code(status === 201 ? 200 : status)
        .type('text/plain')
        .send(lineOf(body))
    })
  },
}

const lineOf = (answer: object): string => {
  if ('id' in answer) return `OK: ${answer.id}`
  const error = 'error' in answer ? answer.error : undefined
  return `ERROR: ${typeof error === 'object' && error !== null && 'code' in error ? error.code : 'unknown'}`
}

type Call = { token: string | undefined; key: string | undefined; fields: Fields }

const answerMessage = async (
  world: World,
  answers: Map<string, Answer>,
  { token, key, fields }: Call,
): Promise<Answer> => {
  const trouble = await world.troubleOf('generic')
  if (trouble !== undefined) return troubleAnswer(trouble)
  if (!isSameText(token ?? '', world.accounts.generic.token)) return refusal(401, 'unauthorized')
  const earlier = key === undefined ? undefined : answers.get(key)
  if (earlier !== undefined) return earlier
  const answer = takeMessage(world, fields)
  if (key !== undefined && answer.status === 201) answers.set(key, answer)
  return answer
}

const isSameText = (given: string, expected: string): boolean => {
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest()
  return timingSafeEqual(digest(given), digest(expected))
}

const troubleAnswer = (trouble: Trouble): Answer => {
  if (trouble.kind === 'http_500') return refusal(500, 'internal_error')
  if (trouble.kind === 'throttle') return refusal(429, 'rate_limited')
  return refusal(422, trouble.code || 'refused')
}

const takeMessage = (world: World, fields: Fields): Answer => {
  const { to, text, from = '', reference = '', callback } = fields
  if (typeof to !== 'string' || !/^\+[1-9]\d{6,14}$/.test(to)) return refusal(422, 'to_invalid')
  if (typeof text !== 'string' || text === '') return refusal(422, 'text_missing')
  if (typeof from !== 'string' || typeof reference !== 'string') return refusal(422, 'body_invalid')
  if (callback !== undefined && !isWebAddress(callback)) return refusal(422, 'callback_invalid')

  const id = randomUUID()
  world.accept({
    id,
    to,
    from,
    text,
    service: 'generic',
    channel: 'sms',
    report: async (state, errorCode = 'undelivered') => {
      const url = callback ?? world.receiptUrlOf('generic')
      if (url === undefined) return
      const error = state === 'failed' ? { error: errorCode } : {}
      await postReceipt(url, {
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ id, reference, status: state, ...error }),
      })
    },
  })
  return { status: 201, body: { id, status: 'accepted' } }
}

const isWebAddress = (value: unknown): value is string =>
  typeof value === 'string' && URL.canParse(value) && /^https?:/.test(value)
