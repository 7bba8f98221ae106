// The OpenAPI 3.1 document, generated from the routes themselves, and the API explorer that reads it.
//
// What must stay true: the document says for every route what it takes, what it gives and every refusal, from the
// same schemas and tables that the server runs on; the explorer's files come from this server alone.
import { readFileSync } from 'node:fs'
import swagger from '@fastify/swagger'
import swaggerUi from '@fastify/swagger-ui'
import type { FastifySchema } from 'fastify'
import { Type } from 'typebox'
import type { ApiCodeName } from '../api-codes.ts'
import { type Access, type Http, refusalBody, refusalsOf, repliesInHttp } from '../core/http.ts'
import {
  type Examples,
  type JsonSchema,
  refusalExamples,
  requestExamples,
  successExample,
} from './examples.ts'

const about = `The GenAuth (formerly Authing) V3 authentication API, served by Dialtone. Not affiliated with GenAuth or Authing.

Every V3 reply is HTTP 200 with an envelope: \`statusCode\` 200 in it means success, and \`apiCode\` names a refusal.
Messages come in the language of the \`x-authing-lang\` header (\`en-US\`, \`zh-CN\`).

**Bind a phone:** sign up, sign in, send a code with \`CHANNEL_BIND_PHONE\`, read it on the phone (in development in the
[inbox](/inbox)), then call \`bind-phone\` with it. [The documentation](/docs) tells the rest.`

const tags = [
  { name: 'Phone', description: 'The phone of the signed-in account.' },
  { name: 'Codes', description: 'Send and check passcodes.' },
  { name: 'Sign-up and sign-in', description: 'Make a user, get tokens.' },
  { name: 'Profile', description: 'The signed-in user.' },
  { name: 'Email', description: 'The email address of the signed-in account.' },
  { name: 'Devices', description: 'Where the user is, and was, signed in.' },
  { name: 'MFA', description: 'Factors beside the sign-in: authenticator app, SMS, email.' },
  { name: 'Passkeys', description: 'Public keys of authenticators (WebAuthn).' },
  { name: 'OpenID Connect', description: 'Tokens and keys, outside the envelope.' },
  { name: 'Public information', description: 'Needs neither application nor token.' },
  {
    name: 'Console: administrators',
    description:
      'Administrators and their keys. Under /console/api a refusal has an HTTP status of its own, and a success is plain JSON.',
  },
  {
    name: 'Console: SMS',
    description:
      'Who delivers messages, by which routes, in which words, within which bounds; and what became of each message.',
  },
  { name: 'Console: email', description: 'The mail server of the pool.' },
  { name: 'Console: accounts', description: 'What changes to accounts ask for.' },
  {
    name: 'Console: applications',
    description: 'The applications of the pool, and the pages that call for them.',
  },
  { name: 'Console: users', description: 'What happened to a user’s phone and account.' },
  { name: 'Inbox', description: 'Development only: what would have reached phones and mailboxes.' },
  { name: 'Receipts', description: 'Called by SMS providers.' },
  { name: 'Health', description: 'For load balancers.' },
]

const securitySchemes = {
  application: {
    type: 'apiKey',
    in: 'header',
    name: 'x-authing-app-id',
    description: 'The id of the application. Outside production the explorer fills it in.',
  },
  user: {
    type: 'http',
    scheme: 'bearer',
    bearerFormat: 'JWT',
    description:
      'The user’s access token; the raw token without `Bearer` is accepted too. A sign-in in the explorer fills it in.',
  },
  administrator: {
    type: 'http',
    scheme: 'bearer',
    description:
      'The token of an administrator’s session (`dts_…`) or an administrator’s key (`dtk_…`). A page may use the cookie that its sign-in set, and sends `x-dialtone-console: 1` with every change.',
  },
  client: {
    type: 'http',
    scheme: 'basic',
    description:
      'The application’s id as the username and its secret as the password. Signing in needs them, here or as client_id and client_secret in the body, unless the application’s client authentication is none.',
  },
} as const

const Refusal = Type.Object(
  {
    statusCode: Type.Integer({ description: 'Business status; never 200.' }),
    message: Type.String({ description: 'What is wrong and what to do, in the language of x-authing-lang.' }),
    apiCode: Type.Optional(Type.Integer({ description: 'The exact kind of refusal.' })),
    requestId: Type.String({ description: 'Names this request in the server log.' }),
    data: Type.Optional(
      Type.Object({
        retryAfterSeconds: Type.Optional(Type.Integer({ description: 'When to try again.' })),
        errors: Type.Optional(
          Type.Array(Type.Object({ field: Type.String(), message: Type.String() }), {
            description: 'Each field that is not valid, and what it should be.',
          }),
        ),
      }),
    ),
  },
  { $id: 'Refusal', title: 'Refusal' },
)

/** To be registered before the routes that it describes. */
export const registerOpenApi = async (http: Http, publicUrl: string): Promise<void> => {
  http.addSchema(Refusal)
  await http.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'Dialtone',
        version: '0.1.0',
        description: about,
        license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
      },
      // A path: calls go to the host that the document came from, whatever name the reader knows it by.
      servers: [{ url: new URL(publicUrl).pathname, description: 'The server of this document' }],
      tags,
      components: { securitySchemes },
    },
    stripBasePath: false,
    refResolver: {
      buildLocalReference: (json, _base, _fragment, index) => `${json['$id'] ?? `def-${index}`}`,
    },
    transform: ({ schema, url, route }) => ({ url, schema: describeRoute(schema ?? {}, route) }),
  })
}

type Route = {
  method: string | readonly string[]
  config?: { access?: Access; refusals?: readonly ApiCodeName[]; replies?: 'http' }
}
type Described = FastifySchema & { operationId?: string; description?: string; consumes?: readonly string[] }

/** The route's schema with all that the document says beyond it: refusals, examples, and who may call. */
const describeRoute = (schema: Described, { method, config = {} }: Route): FastifySchema => {
  const refusals = refusalsOf({ method, config, schema })
  const replies = (schema.response ?? {}) as Record<string, JsonSchema>
  const body = schema.body as JsonSchema | undefined
  return {
    ...schema,
    description: [schema.description, refusalTable(refusals)].filter(Boolean).join('\n\n'),
    security: securityOf(config.access, body),
    ...(body === undefined
      ? {}
      : { body: withExamples(body, requestExamples(schema.operationId, body), schema.consumes) }),
    response: repliesInHttp(config)
      ? { ...describeReplies(replies, []), ...describeHttpRefusals(refusals) }
      : describeReplies(replies, refusals),
  } as FastifySchema
}

/** The first example also field by field: of a form, the explorer shows fields, and fills what has none with `string`. */
const withExamples = (body: JsonSchema, examples: Examples, consumes: readonly string[] = []) => {
  if (!consumes.includes('application/x-www-form-urlencoded')) return { ...body, 'x-examples': examples }
  const first = Object.values(examples)[0]?.value as Record<string, unknown> | undefined
  const properties = Object.entries(body.properties ?? {}).map(([name, field]) => {
    const isText = field.type === 'string' && field.examples === undefined
    return [name, isText ? { ...field, examples: [first?.[name] ?? ''] } : field]
  })
  return { ...body, properties: Object.fromEntries(properties), 'x-examples': examples }
}

const refusalTable = (names: readonly ApiCodeName[]) =>
  names.length === 0
    ? ''
    : `| statusCode | apiCode | Refusal |\n| --- | --- | --- |\n${names
        .map((name) => {
          const { statusCode, apiCode, message } = refusalBody(name, 'en-US', '')
          return `| ${statusCode} | ${apiCode ?? ''} | ${message} |`
        })
        .join('\n')}`

const failures: Readonly<Record<string, string>> = {
  400: 'The request is refused',
  401: 'The client is not authenticated',
  403: 'Not allowed',
  404: 'There is no such thing',
  409: 'In conflict with what there is',
  422: 'Not possible as it is configured',
  429: 'Too often',
  503: 'Not ready',
}

/** A success with an example, and beside it each refusal, as the envelope carries both. */
const describeReplies = (replies: Record<string, JsonSchema>, refusals: readonly ApiCodeName[]) =>
  Object.fromEntries(
    Object.entries(replies).map(([status, reply]) => {
      if (status !== '200')
        return [status, { ...reply, 'x-response-description': failures[status] ?? 'Failure' }]
      const examples = successExample(reply)
      if (refusals.length === 0)
        return [status, { ...reply, 'x-response-description': 'Success', 'x-examples': examples }]
      return [
        status,
        {
          anyOf: [{ title: 'Success', ...reply }, { $ref: 'Refusal#' }],
          'x-response-description':
            'Success, or a refusal: `statusCode` and `apiCode` in the body say which.',
          'x-examples': { ...examples, ...refusalExamples(refusals) },
        },
      ]
    }),
  )

/** Where a refusal has an HTTP status of its own: one reply a status. */
const describeHttpRefusals = (refusals: readonly ApiCodeName[]) => {
  const statusOf = (name: ApiCodeName) => refusalBody(name, 'en-US', '').statusCode
  return Object.fromEntries(
    [...new Set(refusals.map(statusOf))].map((status) => [
      String(status),
      {
        anyOf: [{ $ref: 'Refusal#' }],
        'x-response-description': failures[status] ?? 'Failure',
        'x-examples': refusalExamples(refusals.filter((name) => statusOf(name) === status)),
      },
    ]),
  )
}

/** Alternatives: one of them is enough. */
const securityOf = (access: Access | undefined, body: JsonSchema | undefined) => {
  const client = body?.properties?.['client_secret'] === undefined ? [] : [{ client: [] }]
  if (access === 'administrator') return [{ administrator: [] }]
  if (access === 'user' || access === 'token') return [{ application: [], user: [] }]
  if (access !== 'application') return client
  return client.length > 0
    ? [...client, { application: [] }]
    : [{ application: [] }, { application: [], user: [] }]
}

const page = (name: string) => readFileSync(new URL(`../../pages/${name}`, import.meta.url), 'utf8')

// Swagger UI draws icons from data: URLs and sets styles on elements; nothing else comes from anywhere but here.
const policy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self' 'unsafe-inline'",
  "img-src 'self' data:",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ')

export const registerExplorer = async (http: Http): Promise<void> => {
  await http.register(async (scope) => {
    scope.addHook('onSend', async (_request, reply) => {
      reply.headers({ 'x-content-type-options': 'nosniff', 'referrer-policy': 'no-referrer' })
    })
    await scope.register(swaggerUi, {
      routePrefix: '/explorer',
      staticCSP: policy,
      // The token stays in the page's memory: a reload forgets it.
      uiConfig: {
        layout: 'BaseLayout',
        docExpansion: 'list',
        tryItOutEnabled: true,
        displayRequestDuration: true,
        defaultModelsExpandDepth: -1,
      },
      theme: {
        title: 'API explorer · Dialtone',
        css: [{ filename: 'explorer.css', content: page('explorer/explorer.css') }],
        js: [{ filename: 'explorer.js', content: page('explorer/explorer.js') }],
        favicon: [
          {
            filename: 'icon.svg',
            rel: 'icon',
            type: 'image/svg+xml',
            sizes: 'any',
            content: page('icon.svg'),
          },
        ],
      },
    })
  })
}
