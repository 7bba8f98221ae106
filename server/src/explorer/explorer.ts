// The OpenAPI 3.1 document, generated from the routes themselves, and the API explorer that reads it.
//
// What must stay true: the document says for every route what it takes, what it gives and every refusal, from the
// same schemas and tables that the server runs on; the explorer's files come from this server alone.
import swagger from '@fastify/swagger'
import swaggerUi from '@fastify/swagger-ui'
import type { ApiCodeName } from '../api-codes.ts'
import { type Http, refusalBody, refusalsOf } from '../core/http.ts'

const exampleRequestId = '934108e5-9fbf-4d24-8da1-c330328abd6c'

const refusalExamples = (names: readonly ApiCodeName[]) =>
  Object.fromEntries(
    names.map((name) => {
      const value = refusalBody(name, 'en-US', exampleRequestId)
      return [name, { summary: `${value.statusCode} ${value.apiCode ?? ''} ${name}`, value }]
    }),
  )

const describeRefusals = (names: readonly ApiCodeName[]) =>
  names.length === 0
    ? ''
    : `\n\n**Refusals** (HTTP 200, in the envelope):\n\n${names
        .map((name) => {
          const { statusCode, apiCode, message } = refusalBody(name, 'en-US', exampleRequestId)
          return `- \`${name}\` ${statusCode} / ${apiCode ?? '–'}: ${message}`
        })
        .join('\n')}`

/** To be registered before the routes that it describes. */
export const registerOpenApi = async (http: Http, publicUrl: string): Promise<void> => {
  await http.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'Dialtone',
        version: '0.1.0',
        description:
          'The GenAuth (formerly Authing) V3 authentication API, served by Dialtone. Every V3 reply is HTTP 200 with an envelope; `statusCode` 200 in it means success, and `apiCode` names a refusal. Not affiliated with GenAuth or Authing.',
        license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
      },
      servers: [{ url: publicUrl }],
      tags: [
        { name: 'Codes', description: 'Send and check passcodes.' },
        { name: 'Phone', description: 'The phone of the signed-in account.' },
        { name: 'Sign-up and sign-in' },
        { name: 'Profile' },
        { name: 'Public information' },
        { name: 'OpenID Connect' },
        { name: 'Inbox' },
        { name: 'Health' },
      ],
      components: {
        securitySchemes: {
          application: {
            type: 'apiKey',
            in: 'header',
            name: 'x-authing-app-id',
            description: 'The application’s id.',
          },
          user: {
            type: 'apiKey',
            in: 'header',
            name: 'authorization',
            description: 'The user’s access token: raw, or behind Bearer.',
          },
        },
      },
    },
    transform: ({ schema, url, route }) => {
      const refusals = refusalsOf({ ...(route.config === undefined ? {} : { config: route.config }), schema })
      const access = route.config?.access
      return {
        url,
        schema: {
          ...schema,
          description: `${schema.description ?? ''}${describeRefusals(refusals)}`.trim(),
          security:
            access === 'user' || access === 'token'
              ? [{ application: [], user: [] }]
              : access === 'application'
                ? [{ application: [] }, { application: [], user: [] }]
                : [],
        },
      }
    },
    transformObject: (document) => {
      if (!('openapiObject' in document)) return document.swaggerObject
      const { openapiObject } = document
      for (const path of Object.values(openapiObject.paths ?? {})) {
        for (const operation of Object.values(path ?? {})) addRefusalExamples(operation)
      }
      return openapiObject
    },
  })
}

/** Beside the success, each refusal as an example of the 200 reply, found by the names in the description. */
const addRefusalExamples = (operation: unknown) => {
  const { description, responses } = operation as {
    description?: string
    responses?: Record<string, { content?: Record<string, { examples?: unknown }> }>
  }
  const names = [...(description ?? '').matchAll(/^- `(\w+)`/gm)].map((match) => match[1] as ApiCodeName)
  const json = responses?.['200']?.content?.['application/json']
  if (names.length > 0 && json !== undefined) json.examples = refusalExamples(names)
}

export const registerExplorer = async (http: Http): Promise<void> => {
  await http.register(swaggerUi, {
    routePrefix: '/explorer',
    staticCSP: true,
    uiConfig: {
      tryItOutEnabled: true,
      persistAuthorization: true,
      displayRequestDuration: true,
      docExpansion: 'list',
    },
    theme: { title: 'Dialtone API explorer' },
  })
}
