import type { FastifyRequest } from 'fastify'
import { Type } from 'typebox'
import type { Config } from '../config.ts'
import type { Http } from '../core/http.ts'
import { unlimited } from '../limits.ts'
import type { Receipts } from './receipts.ts'

const Target = Type.Object({
  poolId: Type.String({ maxLength: 40 }),
  provider: Type.String({ maxLength: 40 }),
  token: Type.String({ maxLength: 64, description: 'Of the URL that the console shows for the provider.' }),
})

/** A signature covers the body as it came, so that here it is not parsed. */
export const receiptRoutes = (http: Http, receipts: Receipts, config: Pick<Config, 'publicUrl'>): void => {
  http.register(async (plain) => {
    const scope = plain as unknown as Http
    scope.removeAllContentTypeParsers()
    scope.addContentTypeParser(
      '*',
      { parseAs: 'buffer' },
      async (_request: FastifyRequest, body: Buffer) => body,
    )
    for (const method of ['GET', 'POST'] as const)
      scope.route({
        method,
        url: '/sms/receipts/:poolId/:provider/:token',
        config: {
          access: 'public',
          limit: unlimited('each URL holds a token that only its provider has'),
          replies: 'http',
          refusals: ['path_not_found', 'receipt_invalid'],
        },
        schema: {
          operationId: method === 'GET' ? 'takeReceiptsOfQuery' : 'takeReceipts',
          tags: ['Receipts'],
          summary: 'Delivery receipts of SMS providers',
          description:
            'A provider calls it, in the form of its own service. Calls of services that sign are refused without a right signature.',
          params: Target,
        },
        handler: async (request, reply) => {
          const { status, contentType, body } = await receipts.take(request.params, {
            method: request.method,
            // The URL under which the provider knows us, whatever a proxy made of it: signatures cover it.
            url: `${config.publicUrl}${request.url}`,
            headers: request.headers,
            body: Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0),
          })
          return reply
            .code(status)
            .type(contentType)
            .serializer((text: unknown) => String(text))
            .send(body)
        },
      })
  })
}
