import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Http } from '../core/http.ts'
import { unlimited } from '../limits.ts'
import type { Docs } from './docs.ts'

// No schema: pages have none, and a strange query is not a malformed request.
const options = (reason: string) =>
  ({ config: { access: 'public', limit: unlimited(reason) }, schema: { hide: true } }) as const

const fromMemory = options('pages and files from memory')

export const docsRoutes = (http: Http, docs: Docs): void => {
  http.get('/docs', fromMemory, async (request, reply) => send(request, reply, await docs.open('/docs', '')))

  http.get<{ Params: { '*': string } }>('/docs/*', fromMemory, async (request, reply) => {
    const [at = ''] = request.url.split('?', 1)
    return send(request, reply, await docs.open(at, request.params['*']))
  })

  http.get<{ Querystring: { q?: unknown } }>(
    '/docs/search',
    options('a few words in an index in memory'),
    async (request, reply) => {
      const { q } = request.query
      return send(request, reply, await docs.search(typeof q === 'string' ? q : ''))
    },
  )
}

const send = (
  request: FastifyRequest,
  reply: FastifyReply,
  { status, headers, body }: Awaited<ReturnType<Docs['open']>>,
) => {
  const isKnown = status === 200 && request.headers['if-none-match'] === headers['etag']
  return isKnown ? reply.code(304).headers(headers).send() : reply.code(status).headers(headers).send(body)
}
