import { Type } from 'typebox'
import { type Database, ping } from '../core/database.ts'
import type { Http } from '../core/http.ts'
import { unlimited } from '../limits.ts'

const Health = Type.Object({ status: Type.String({ examples: ['ok'] }) })

export const healthRoutes = (http: Http, db: Database): void => {
  http.get(
    '/healthz',
    {
      config: { access: 'public', limit: unlimited('a constant') },
      schema: {
        operationId: 'healthz',
        tags: ['Health'],
        summary: 'The process serves',
        response: { 200: Health },
      },
    },
    async () => ({ status: 'ok' }),
  )

  // The server listens only after its migrations are done, so an answer of the database is all that is left to ask.
  http.get(
    '/readyz',
    {
      config: { access: 'public', limit: unlimited('one short statement') },
      schema: {
        operationId: 'readyz',
        tags: ['Health'],
        summary: 'The database answers and its migrations are done',
        response: { 200: Health, 503: Health },
      },
    },
    async (request, reply) => {
      try {
        await ping(db)
        return { status: 'ok' }
      } catch (error) {
        request.log.error({ err: error }, 'the database does not answer')
        return reply.code(503).send({ status: 'the database does not answer' })
      }
    },
  )
}
