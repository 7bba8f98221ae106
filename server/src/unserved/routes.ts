import { ApiError } from '../api-codes.ts'
import type { Http } from '../core/http.ts'
import { unlimited } from '../limits.ts'
import { sdkPaths } from './paths.ts'

const known = new Set(sdkPaths)

/** Calls that the published SDK makes and that no feature serves: a clear refusal instead of a missing page. */
export const unservedRoutes = (http: Http): void => {
  http.route({
    method: ['GET', 'POST'],
    url: '/api/v3/*',
    config: {
      access: 'public',
      limit: unlimited('does nothing'),
      refusals: ['not_implemented', 'path_not_found'],
    },
    schema: { hide: true },
    handler: async (request) => {
      const { pathname } = new URL(request.url, 'http://localhost')
      if (!known.has(pathname)) throw new ApiError('path_not_found', 'no such path')
      throw new ApiError('not_implemented', pathname)
    },
  })
}
