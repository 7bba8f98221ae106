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
import { type CompiledSchemas, createLazySchemas } from './lazy-schemas.ts'
import type { Log } from './log.ts'
import { refuseUnstorableText, strictJsonParser } from './strict-json.ts'

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
 * `token` a user whose token verifies: the route's own statement checks the session (one round trip less);
 * `administrator` an administrator, by a session of the console or by a key.
 */
export type Access = 'public' | 'application' | 'user' | 'token' | 'administrator'

declare module 'fastify' {
  interface FastifyContextConfig {
    access?: Access
    limit?: readonly LimitName[] | Unlimited
    /** Every refusal that the route itself can give; those of its access and of its schema are added. */
    refusals?: readonly ApiCodeName[]
    /** Refusals have the HTTP status of their row, and a success is plain JSON; so it is on every administrator's route. */
    replies?: 'http'
  }
  interface FastifyRequest {
    /** Of replies. */
    language: Language
    /** Of messages to people: the tag as it was asked for, since an administrator may add any (BCP 47). */
    locale: string
  }
}

const bodyLimitBytes = 64 * 1024

export type HttpOptions = {
  log: Log
  defaultLanguage: Language
  trustedProxies: readonly string[]
  compiledSchemas?: CompiledSchemas | undefined
}

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
    schemaController: createLazySchemas(options.compiledSchemas),
  }).withTypeProvider<TypeBoxTypeProvider>()

  await http.register(formbody, { bodyLimit: bodyLimitBytes })
  http.removeContentTypeParser('application/json')
  http.addContentTypeParser<Buffer>(
    'application/json',
    { parseAs: 'buffer' },
    strictJsonParser(http.getDefaultJsonParser('error', 'error')),
  )
  http.decorateRequest('language', options.defaultLanguage)
  http.decorateRequest('locale', options.defaultLanguage)
  http.addHook('onRequest', async (request) => {
    request.language = languageOf(request, options.defaultLanguage)
    request.locale = localeOf(request) ?? request.language
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

/** Whether the HTTP status tells a refusal: everywhere but on the V3 API, whose replies are all HTTP 200. */
export const repliesInHttp = (config: { access?: Access; replies?: 'http' } | undefined): boolean =>
  config?.access === 'administrator' || config?.replies === 'http'

/** Methods that change nothing (RFC 9110, section 9.2.1), as far as a route here has one. */
export const isSafeMethod = (method: string): boolean => method === 'GET' || method === 'HEAD'

/** Every refusal that a route can give: its own, and those that its access, its method and its schema bring. */
export const refusalsOf = (route: {
  method?: string | readonly string[] | undefined
  config?: { access?: Access; refusals?: readonly ApiCodeName[] }
  schema?: { body?: unknown; querystring?: unknown; params?: unknown }
}): ApiCodeName[] => {
  const { access, refusals = [] } = route.config ?? {}
  const { body, querystring, params } = route.schema ?? {}
  // Who is not anyone may be named in the query too.
  const namesCaller = access !== undefined && access !== 'public'
  const changes = [route.method ?? 'GET'].flat().some((method) => !isSafeMethod(method))
  const readsRequest = namesCaller || [body, querystring, params].some((part) => part !== undefined)
  return [
    ...new Set<ApiCodeName>([
      ...(readsRequest ? (['request_invalid'] as const) : []),
      ...(access === 'application' ? (['app_not_found'] as const) : []),
      ...(access === 'user' || access === 'token' ? (['token_invalid', 'app_not_found'] as const) : []),
      ...(access === 'administrator' ? (['token_invalid'] as const) : []),
      ...(access === 'administrator' && changes ? (['console_header_missing'] as const) : []),
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
    .code(row.httpStatus ?? (repliesInHttp(request.routeOptions.config) ? row.statusCode : 200))
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

const askedLanguage = (request: FastifyRequest): string | undefined => {
  const asked = request.headers['x-authing-lang'] ?? request.headers['x-genauth-lang']
  return typeof asked === 'string' ? asked : undefined
}

const languageOf = (request: FastifyRequest, fallback: Language): Language => {
  const asked = askedLanguage(request)
  if (asked === undefined) return fallback
  return asked.toLowerCase().startsWith('zh') ? 'zh-CN' : 'en-US'
}

/** Undefined where what was asked for has not the form of a language tag (RFC 5646, section 2.1). */
const localeOf = (request: FastifyRequest): string | undefined => {
  const asked = askedLanguage(request)
  return asked !== undefined && /^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8}){0,3}$/.test(asked) ? asked : undefined
}
