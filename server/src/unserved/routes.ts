import { ApiError } from '../api-codes.ts'
import type { Http } from '../core/http.ts'
import { unlimited } from '../limits.ts'
import { sdkPaths } from './unserved.ts'

const methods = ['GET', 'POST', 'PUT', 'DELETE'] as const

/** Calls that the published SDK makes and that no feature serves: a clear refusal instead of a missing page. */
export const unservedRoutes = (http: Http): void => {
  let found: { known: Set<string>; prefixes: string[] } | undefined
  // At the first such call, when every route is there: one that is served by another method is not unserved.
  const unserved = () => {
    if (found === undefined) {
      const paths = sdkPaths.filter((url) => !methods.some((method) => http.hasRoute({ method, url })))
      found = { known: new Set(paths), prefixes: paths.filter((path) => path.endsWith('/')) }
    }
    return found
  }

  http.route({
    method: [...methods],
    url: '/api/v3/*',
    config: {
      access: 'public',
      limit: unlimited('does nothing'),
      refusals: ['not_implemented', 'path_not_found', 'request_invalid'],
    },
    schema: { hide: true },
    handler: async ({ params }) => {
      const { known, prefixes } = unserved()
      const path = `/api/v3/${(params as { '*': string })['*']}`
      const prefix = prefixes.find((start) => path.startsWith(start))
      if (!known.has(path) && prefix === undefined) throw new ApiError('path_not_found', 'no such path')
      throw new ApiError('not_implemented', prefix ?? path)
    },
  })
}
