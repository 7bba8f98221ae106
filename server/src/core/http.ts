// The HTTP side that all features share: the envelope of every V3 reply, the one place where a refusal becomes a
// reply, strict bodies, and the rule that each route says who may call it and how often.
import { randomUUID } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import formbody from '@fastify/formbody'
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import Fastify, {
  type FastifyBaseLogger,
  type FastifyError,
  type FastifyInstance,
  type FastifyReply,
  type FastifyRequest,
  LogController,
  type RawServerDefault,
} from 'fastify'
import { type TSchema, Type } from 'typebox'
import { type ApiCode, type ApiCodeName, ApiError, apiCodes, type FieldFault } from '../api-codes.ts'
import type { Language } from '../config.ts'
import type { LimitName, Unlimited } from '../limits.ts'
import type { Log } from './log.ts'

export type Http = FastifyInstance<
  RawServerDefault,
  IncomingMessage,
  ServerResponse,
  FastifyBaseLogger,
  TypeBoxTypeProvider
>

/**
 * Who may call a route:
 * `public` anyone; `application` a program that names its application, with the user's token if it has one;
 * `user` a user whose session lives, which is looked up before the handler;
 * `token` a user whose token verifies: the route's own statement checks the session (one round trip less).
 */
export type Access = 'public' | 'application' | 'user' | 'token'

declare module 'fastify' {
  interface FastifyContextConfig {
    access?: Access
    limit?: readonly LimitName[] | Unlimited
    /** Every refusal that the route itself can give; those of its access and of its schema are added. */
    refusals?: readonly ApiCodeName[]
  }
  interface FastifyRequest {
    language: Language
  }
}

const bodyLimitBytes = 64 * 1024

export type HttpOptions = { log: Log; defaultLanguage: Language; trustedProxies: readonly string[] }

export const createHttp = async (options: HttpOptions): Promise<Http> => {
  const http: Http = Fastify({
    loggerInstance: options.log as FastifyBaseLogger,
    logController: new LogController({ disableRequestLogging: true }),
    genReqId: () => randomUUID(),
    bodyLimit: bodyLimitBytes,
    trustProxy: options.trustedProxies.length === 0 ? false : [...options.trustedProxies],
    routerOptions: { maxParamLength: 200 },
    // What Fastify refuses before it looks for a route: a path that is not percent-encoded UTF-8 is none of ours.
    frameworkErrors: (error, request, reply) => {
      request.language = languageOf(request, options.defaultLanguage)
      refuse(request, reply, 'path_not_found', error.code)
    },
    ajv: {
      // Unknown fields are ignored, so that other SDK versions keep working; ill-typed ones are never bent to fit.
      customOptions: { coerceTypes: false, removeAdditional: false, allErrors: true, useDefaults: true },
    },
  }).withTypeProvider<TypeBoxTypeProvider>()

  await http.register(formbody, { bodyLimit: bodyLimitBytes })
  parseJsonStrictly(http)
  http.decorateRequest('language', options.defaultLanguage)
  http.addHook('onRequest', async (request) => {
    request.language = languageOf(request, options.defaultLanguage)
  })
  http.addHook('preValidation', async (request) => {
    if (!refusalsOf(request.routeOptions).includes('request_invalid')) return
    refuseUnstorableText(request.query, 'query')
    refuseUnstorableText(request.params, 'path')
    if (isForm(request)) refuseUnstorableText(request.body, '')
  })
  http.addHook('onResponse', async (request, reply) => {
    request.log.info(
      {
        method: request.method,
        route: request.routeOptions.url ?? 'none',
        status: reply.statusCode,
        ms: Math.round(reply.elapsedTime * 10) / 10,
      },
      'request',
    )
  })
  http.setErrorHandler(replyToError)
  http.setNotFoundHandler((request, reply) => refuse(request, reply, 'path_not_found', 'no such path'))
  return http
}

/** Rule of the house: a route that says nothing about access or limit stops the server at boot. */
export const requireAccessAndLimit = (http: Http): void => {
  http.addHook('onRoute', ({ method, url, config }) => {
    if (config?.access === undefined || config.limit === undefined) {
      throw new Error(`${String(method)} ${url} does not say who may call it (access) and how often (limit)`)
    }
  })
}

type Success = { statusCode: number; message: string; requestId: string }

/** A successful reply, in the envelope. */
export function ok(request: FastifyRequest): Success
export function ok<Data>(request: FastifyRequest, data: Data): Success & { data: Data }
export function ok(request: FastifyRequest, data?: unknown) {
  const message = request.language === 'zh-CN' ? '操作成功' : 'Operation successful'
  return { statusCode: 200, message, requestId: request.id, ...(data === undefined ? {} : { data }) }
}

const envelopeFields = {
  statusCode: Type.Integer({ description: 'Business status; 200 means success.', examples: [200] }),
  message: Type.String({
    description: 'What happened, in the language of x-authing-lang.',
    examples: ['Operation successful'],
  }),
  apiCode: Type.Optional(Type.Integer({ description: 'The exact kind of refusal; absent on success.' })),
  requestId: Type.String({
    description: 'Names this request in the server log.',
    examples: ['934108e5-9fbf-4d24-8da1-c330328abd6c'],
  }),
}

/** The schema of a reply without data. */
export const envelope = () => Type.Object(envelopeFields)

/** The schema of a reply that carries data. */
export const envelopeOf = <Data extends TSchema>(data: Data) => Type.Object({ ...envelopeFields, data })

/** Every refusal that a route can give: its own, and those that its access and its schema bring. */
export const refusalsOf = (route: {
  config?: { access?: Access; refusals?: readonly ApiCodeName[] }
  schema?: { body?: unknown; querystring?: unknown; params?: unknown }
}): ApiCodeName[] => {
  const { access, refusals = [] } = route.config ?? {}
  const { body, querystring, params } = route.schema ?? {}
  // Who is not anyone may be named in the query too.
  const namesCaller = access !== undefined && access !== 'public'
  const readsRequest = namesCaller || [body, querystring, params].some((part) => part !== undefined)
  return [
    ...new Set<ApiCodeName>([
      ...(readsRequest ? (['request_invalid'] as const) : []),
      ...(access === 'application' ? (['app_not_found'] as const) : []),
      ...(access === 'user' || access === 'token' ? (['token_invalid', 'app_not_found'] as const) : []),
      ...refusals,
    ]),
  ]
}

/** The body of a refusal in the envelope; used for the reply itself and for the examples of the API document. */
export const refusalBody = (
  name: ApiCodeName,
  language: Language,
  requestId: string,
  detail: object = {},
) => {
  const row: ApiCode = apiCodes[name]
  return {
    statusCode: row.statusCode,
    message: language === 'zh-CN' ? row.zh : row.en,
    ...(row.apiCode === undefined ? {} : { apiCode: row.apiCode }),
    requestId,
    ...(Object.keys(detail).length === 0 ? {} : { data: detail }),
  }
}

const refuse = (
  request: FastifyRequest,
  reply: FastifyReply,
  name: ApiCodeName,
  reason: string,
  detail: object = {},
) => {
  const row: ApiCode = apiCodes[name]
  request.log.info({ refusal: name, reason }, 'refused')
  return reply
    .code(row.httpStatus ?? 200)
    .type('application/json; charset=utf-8')
    .serializer((body: unknown) => JSON.stringify(body))
    .send(refusalBody(name, request.language, request.id, detail))
}

/** The one place where an error becomes a reply. */
const replyToError = (error: FastifyError | ApiError, request: FastifyRequest, reply: FastifyReply) => {
  if (error instanceof ApiError) {
    const declared = refusalsOf(request.routeOptions)
    if (!declared.includes(error.code))
      request.log.error({ refusal: error.code }, 'refusal that the route does not declare')
    return refuse(request, reply, error.code, error.reason, error.detail)
  }
  if (error.validation !== undefined) {
    const errors = fieldFaults(error)
    return refuse(request, reply, 'request_invalid', errors.map(({ field }) => field).join(', '), { errors })
  }
  if (error.code === 'FST_ERR_CTP_BODY_TOO_LARGE') return refuse(request, reply, 'body_too_large', error.code)
  if (error.statusCode !== undefined && error.statusCode < 500) {
    const errors = [
      { field: 'body', message: bodyRemedies[error.code] ?? 'could not be read: send a JSON object' },
    ]
    return refuse(request, reply, 'request_invalid', error.code, { errors })
  }
  request.log.error({ err: error }, 'fault')
  return refuse(request, reply, 'internal', 'fault')
}

const bodyRemedies: Record<string, string> = {
  FST_ERR_CTP_INVALID_MEDIA_TYPE: 'has no known content type: send content-type: application/json',
  FST_ERR_CTP_INVALID_JSON_BODY: 'is not valid JSON: send a JSON object in UTF-8',
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: 'has another length than content-length says',
}

const fieldFaults = (error: FastifyError): FieldFault[] =>
  (error.validation ?? []).map(({ instancePath, keyword, params, message }) => {
    const path = instancePath.split('/').slice(1)
    if (keyword === 'required') path.push(String(params['missingProperty']))
    const field = path.join('.') || (error.validationContext ?? 'body')
    if (keyword === 'required') return { field, message: 'is required' }
    if (keyword === 'enum')
      return { field, message: `must be one of: ${(params['allowedValues'] as string[]).join(', ')}` }
    if (keyword === 'type') return { field, message: `must be of type ${String(params['type'])}` }
    return { field, message: message ?? 'is not valid' }
  })

const isForm = (request: FastifyRequest) =>
  request.headers['content-type']?.startsWith('application/x-www-form-urlencoded') === true

const utf8 = new TextDecoder('utf-8', { fatal: true })

const parseJsonStrictly = (http: Http) => {
  const parse = http.getDefaultJsonParser('error', 'error')
  http.removeContentTypeParser('application/json')
  http.addContentTypeParser<Buffer>('application/json', { parseAs: 'buffer' }, (request, bytes, done) => {
    // Some clients send the header and no body; the schema then says which fields are missing.
    if (bytes.length === 0) return done(null, {})
    let text: string
    try {
      text = utf8.decode(bytes)
    } catch {
      return done(
        new ApiError('request_invalid', 'body is not UTF-8', {
          errors: [{ field: 'body', message: 'is not valid UTF-8' }],
        }),
      )
    }
    parse(request, text, (error, body) => {
      if (error !== null) return done(invalidJson())
      try {
        refuseDepth(body, deepest)
        // Only an escape can bring such a character into valid JSON, so that other bodies cost one search.
        if (/\\u(0000|d[89a-f])/i.test(text)) refuseUnstorableText(body, '')
        done(null, dropNulls(body))
      } catch (fault) {
        done(fault as Error)
      }
    })
  })
}

const invalidJson = () =>
  new ApiError('request_invalid', 'body is not JSON', {
    errors: [{ field: 'body', message: 'is not valid JSON: send a JSON object in UTF-8' }],
  })

/** Far deeper than any call asks for, and far from where walking, writing or storing the value would overflow. */
const deepest = 64

const refuseDepth = (value: unknown, levels: number): void => {
  if (typeof value !== 'object' || value === null) return
  if (levels === 0) {
    throw new ApiError('request_invalid', 'body is nested too deeply', {
      errors: [{ field: 'body', message: `must not nest objects and lists deeper than ${deepest} levels` }],
    })
  }
  for (const inner of Object.values(value)) refuseDepth(inner, levels - 1)
}

/** PostgreSQL stores neither NUL nor a lone surrogate: refuse by name what would otherwise fail inside. */
const refuseUnstorableText = (value: unknown, path: string): void => {
  if (typeof value === 'string') {
    if (!value.includes('\0') && value.isWellFormed()) return
    const field = path || 'body'
    throw new ApiError('request_invalid', `${field} holds NUL or a lone surrogate`, {
      errors: [{ field, message: 'must not contain NUL or half of a surrogate pair' }],
    })
  }
  if (typeof value !== 'object' || value === null) return
  for (const [key, inner] of Object.entries(value)) {
    refuseUnstorableText(key, path)
    refuseUnstorableText(inner, path === '' ? key : `${path}.${key}`)
  }
}

/** A field that is null counts as absent: some SDKs send every field that they know. Free-form data keeps its nulls. */
const dropNulls = (body: unknown): unknown => {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) return body
  return Object.fromEntries(
    Object.entries(body)
      .filter(([, value]) => value !== null)
      .map(([key, value]) => [key, key === 'customData' || key === 'context' ? value : dropNulls(value)]),
  )
}

const languageOf = (request: FastifyRequest, fallback: Language): Language => {
  const asked = request.headers['x-authing-lang'] ?? request.headers['x-genauth-lang']
  if (typeof asked !== 'string') return fallback
  return asked.toLowerCase().startsWith('zh') ? 'zh-CN' : 'en-US'
}
