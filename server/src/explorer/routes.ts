import type { Http } from '../core/http.ts'
import { unlimited } from '../limits.ts'

/** `applicationId`: what the explorer fills in under Authorize; nothing in production. */
export const explorerRoutes = (
  http: Http,
  applicationId: () => Promise<string | undefined> = async () => undefined,
): void => {
  http.get(
    '/openapi.json',
    {
      config: { access: 'public', limit: unlimited('a document from memory') },
      schema: { hide: true },
    },
    async () => http.swagger(),
  )

  http.get(
    '/explorer/presets.json',
    {
      config: { access: 'public', limit: unlimited('one short statement, and none in production') },
      schema: { hide: true },
    },
    async (_request, reply) => {
      reply.header('cache-control', 'no-store')
      return { applicationId: await applicationId() }
    },
  )
}
