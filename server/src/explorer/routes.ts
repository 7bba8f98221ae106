import type { Http } from '../core/http.ts'
import { unlimited } from '../limits.ts'

export const explorerRoutes = (http: Http): void => {
  http.get(
    '/openapi.json',
    {
      config: { access: 'public', limit: unlimited('a document from memory') },
      schema: { hide: true },
    },
    async () => http.swagger(),
  )
}
