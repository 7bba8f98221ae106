// Which pages may read in a browser what this server answers (CORS, "CORS protocol" of the Fetch Standard): those of
// the origins that an application allows.
//
// What must stay true: only the V3 API and the OAuth endpoints are shared with other origins, never the console, the
// inbox, receipts or a page; no reply allows credentials, so that a page brings nothing but what it holds itself; who
// is allowed is answered from memory, so that a stranger's preflight costs no query; no request is refused for its
// origin, because only browsers tell it truly.
import cors from '@fastify/cors'
import type { FastifyRequest } from 'fastify'
import { Type } from 'typebox'
import type { Applications } from '../applications/applications.ts'
import { fieldsInvalid } from '../core/faults.ts'
import type { Http } from '../core/http.ts'

export const AllowedOrigins = Type.Array(
  Type.String({ maxLength: 300, examples: ['https://app.example.com'] }),
  {
    maxItems: 20,
    description:
      'The origins whose pages may call the V3 API and the OAuth endpoints in a browser (CORS), as browsers write them: `https://app.example.com`, `http://localhost:5173`. `*` alone: any. Absent or empty: none.',
    examples: [['https://app.example.com', 'http://localhost:5173']],
  },
)

/** @throws ApiError request_invalid naming every entry that no browser would send */
export const requireAllowedOrigins = (origins: readonly string[]): readonly string[] => {
  const faults = origins.flatMap((origin, place) => {
    const message = faultOf(origin, origins.length)
    return message === undefined ? [] : [{ field: `allowedOrigins.${place}`, message }]
  })
  if (faults.length > 0) throw fieldsInvalid(faults)
  return origins
}

const faultOf = (origin: string, count: number): string | undefined => {
  if (origin === '*') return count === 1 ? undefined : 'means any origin, and so stands alone'
  if (isOrigin(origin)) return undefined
  return 'must be an origin as browsers write it, such as https://app.example.com or http://localhost:5173: in lower case, without a path, a slash at the end, the default port or a *'
}

/** To the URL parser `*` is a sign like any other in a host name. */
const isOrigin = (text: string): boolean =>
  /^https?:\/\/[^*]+$/.test(text) && URL.canParse(text) && new URL(text).origin === text

/** Headers that the SDKs send; a browser asks for each of them. */
const allowedHeaders = [
  'authorization',
  'content-type',
  ...['app-id', 'lang', 'sdk-version', 'request-from'].flatMap((name) => [
    `x-authing-${name}`,
    `x-genauth-${name}`,
  ]),
]

const sharing = {
  methods: ['GET', 'POST', 'DELETE'],
  allowedHeaders,
  maxAge: 600,
  // Nothing else asks for OPTIONS here: what has no Access-Control-Request-Method is answered like a preflight.
  strictPreflight: false,
}

/** In front of `oidc` there may be the id of an application; what else has a folder of its own is none. */
const sharedPath = /^\/(?:api\/v3|oidc|(?!(?:console|docs|explorer|inbox|sms)\/)[^/]+\/oidc)\//

/** A preflight and an unknown path have no route of their own. */
const pathOf = ({ method, url, routeOptions }: FastifyRequest): string =>
  method === 'OPTIONS' ? url : (routeOptions.url ?? url)

/** A page on the developer's own machine. */
const isLocal = (origin: string): boolean => /^http:\/\/(?:localhost|127\.0\.0\.1)(?::\d{1,5})?$/.test(origin)

type Deps = { applications: Applications; production: boolean }

/** To be registered before the routes that it is for. */
export const registerCrossOrigin = async (http: Http, { applications, production }: Deps): Promise<void> => {
  /** What the reply names as allowed; `Access-Control-Allow-Origin` is absent where that is nothing. */
  const allowedFor = async (origin: string | undefined): Promise<string[]> => {
    if (origin === undefined) return []
    if (!production && isLocal(origin)) return [origin]
    const allowed = await applications.allowedOrigins()
    if (allowed.has('*')) return ['*']
    return allowed.has(origin) ? [origin] : []
  }

  await http.register(cors, {
    delegator: async (request: FastifyRequest) =>
      sharedPath.test(pathOf(request))
        ? { ...sharing, origin: await allowedFor(request.headers.origin) }
        : { origin: false },
  })
}
