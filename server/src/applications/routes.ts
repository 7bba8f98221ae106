import { type Static, Type } from 'typebox'
import type { Configuration } from '../configuration/configuration.ts'
import type { Http } from '../core/http.ts'
import { AllowedOrigins } from '../cross-origin/cross-origin.ts'
import { unlimited } from '../limits.ts'
import type { Application, Applications } from './applications.ts'

const tags = ['Console: applications']
const own = unlimited('needs an administrator')
const closed = { additionalProperties: false } as const

const name = Type.String({
  minLength: 1,
  maxLength: 100,
  pattern: '\\S',
  description: 'Stands in messages to people.',
  examples: ['Example shop'],
})

const ApplicationReply = Type.Object({
  id: Type.String({
    description: 'What its programs and pages send as x-authing-app-id.',
    examples: ['676e6965b3d4f2a7c2a1b0d5'],
  }),
  name,
  clientAuthentication: Type.Enum(['client_secret', 'none'], {
    description:
      'How it proves that it is itself: by its secret, or not at all, as in a browser. The SDK calls it tokenEndPointAuthMethod.',
    examples: ['none'],
  }),
  allowedOrigins: AllowedOrigins,
})

const toReply = (application: Application): Static<typeof ApplicationReply> => {
  const { id, name, clientAuthentication, allowedOrigins } = application
  return { id, name, clientAuthentication, allowedOrigins: [...allowedOrigins] }
}

type Deps = { applications: Applications; configuration: Configuration }

export const applicationRoutes = (http: Http, { applications, configuration }: Deps): void => {
  const reply = async (poolId: string, id: string) => {
    const application = (await applications.list(poolId)).find((one) => one.id === id)
    if (application === undefined) throw new Error('no application is ever deleted')
    return toReply(application)
  }

  http.get(
    '/console/api/applications',
    {
      config: { access: 'administrator', limit: own },
      schema: {
        operationId: 'consoleListApplications',
        tags,
        summary: 'The applications of the pool',
        description: 'The oldest first, without their secrets.',
        response: { 200: Type.Object({ applications: Type.Array(ApplicationReply) }) },
      },
    },
    async ({ administrator }) => ({
      applications: (await applications.list(administrator.poolId)).map(toReply),
    }),
  )

  http.post(
    '/console/api/applications',
    {
      config: { access: 'administrator', limit: own },
      schema: {
        operationId: 'consoleMakeApplication',
        tags,
        summary: 'Make an application for browsers and apps',
        description:
          'It shares the users of the pool and has no secret: what runs on people’s devices cannot keep one.',
        body: Type.Object(
          {
            name,
            clientAuthentication: Type.Enum(['none'], {
              description: 'How it proves that it is itself: not at all.',
              examples: ['none'],
            }),
            allowedOrigins: Type.Optional(AllowedOrigins),
          },
          closed,
        ),
        response: { 200: ApplicationReply },
      },
    },
    async ({ administrator, body, clientIp: ip }) => {
      const { poolId } = administrator
      const given = { allowedOrigins: [], ...body }
      return reply(poolId, await configuration.makeApplication({ poolId, administrator, ip }, given))
    },
  )

  http.put(
    '/console/api/applications/:id/allowed-origins',
    {
      config: { access: 'administrator', limit: own, refusals: ['record_not_found'] },
      schema: {
        operationId: 'consolePutAllowedOrigins',
        tags,
        summary: 'Set which pages may call in a browser',
        description:
          'The whole list. It is in force at once in the process that made the change, and within five seconds in all others.',
        params: Type.Object({ id: Type.String({ maxLength: 200, examples: ['676e6965b3d4f2a7c2a1b0d5'] }) }),
        body: Type.Object({ allowedOrigins: AllowedOrigins }, closed),
        response: { 200: ApplicationReply },
      },
    },
    async ({ administrator, params, body, clientIp: ip }) => {
      const { poolId } = administrator
      await configuration.putAllowedOrigins({ poolId, administrator, ip }, params.id, body.allowedOrigins)
      return reply(poolId, params.id)
    },
  )
}
