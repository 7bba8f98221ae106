import { type Static, Type } from 'typebox'
import { fieldInvalid } from '../api-codes.ts'
import type { Application, Applications } from '../applications/applications.ts'
import type { Http } from '../core/http.ts'
import { unlimited } from '../limits.ts'
import { ApplicationSms, type Configuration, ConfigurationDocument } from './configuration.ts'

const tags = ['Console: SMS']
const own = unlimited('needs an administrator')

const ApplicationReply = Type.Object({
  id: Type.String({ examples: ['676e6965b3d4f2a7c2a1b0d5'] }),
  name: Type.String({ examples: ['Example'] }),
  ...ApplicationSms.properties,
})
const ApplicationList = Type.Object({ applications: Type.Array(ApplicationReply) })

/** Without the secrets that the example of a body has. */
const shown: ConfigurationDocument = {
  providers: {
    twilio: {
      kind: 'twilio',
      enabled: true,
      settings: { accountSid: 'AC00000000000000000000000000000001', from: '+15005550006' },
    },
  },
  routes: [{ name: 'Europe', serves: { callingCodes: ['+49'] }, steps: [{ provider: 'twilio' }] }],
  templates: [],
}

const Changes = Type.Object({
  dryRun: Type.Boolean({ description: 'Whether nothing was changed in truth.', examples: [false] }),
  changes: Type.Array(
    Type.Object({
      part: Type.String({ examples: ['providers'] }),
      name: Type.String({ examples: ['twilio'] }),
      change: Type.Enum(['created', 'changed', 'removed', 'unchanged'], { examples: ['created'] }),
    }),
  ),
})

const toReply = ({ id, name, webOtpHost, androidSmsHash }: Application): Static<typeof ApplicationReply> => ({
  id,
  name,
  ...(webOtpHost && { webOtpHost }),
  ...(androidSmsHash && { androidSmsHash }),
})

type Deps = { applications: Applications; configuration: Configuration }

export const configurationRoutes = (http: Http, { applications, configuration }: Deps): void => {
  http.get(
    '/console/api/sms/configuration',
    {
      config: { access: 'administrator', limit: own },
      schema: {
        operationId: 'consoleGetSmsConfiguration',
        tags,
        summary: 'The configuration as one document',
        description: 'Without secrets: applied as it is, it changes nothing.',
        response: {
          200: Type.Unsafe<ConfigurationDocument>({ ...ConfigurationDocument, examples: [shown] }),
        },
      },
    },
    ({ administrator }) => configuration.show(administrator.poolId),
  )

  http.put(
    '/console/api/sms/configuration',
    {
      config: { access: 'administrator', limit: own },
      // The domain looks at the whole document, and tells all its faults together.
      validatorCompiler: () => (value: unknown) => ({ value }),
      schema: {
        operationId: 'consoleApplySmsConfiguration',
        tags,
        summary: 'Apply a document',
        description:
          'All or nothing. A part that is absent stays as it is; a part that is present is made exactly so. Every fault is told, with its path.',
        querystring: Type.Object({
          dryRun: Type.Optional(
            Type.Enum(['true', 'false'], {
              description: 'Only tells what would change.',
              examples: ['true'],
            }),
          ),
        }),
        body: ConfigurationDocument,
        response: { 200: Changes },
      },
    },
    async ({ administrator, body, query, clientIp: ip }) => {
      const dryRun = requireDryRun(query.dryRun)
      const author = { poolId: administrator.poolId, administrator, ip }
      return { dryRun, changes: await configuration.apply(author, body, { dryRun }) }
    },
  )

  http.get(
    '/console/api/sms/applications',
    {
      config: { access: 'administrator', limit: own },
      schema: {
        operationId: 'consoleListSmsApplications',
        tags,
        summary: 'What each application adds to an SMS',
        response: { 200: ApplicationList },
      },
    },
    async ({ administrator }) => ({
      applications: (await applications.list(administrator.poolId)).map(toReply),
    }),
  )

  http.put(
    '/console/api/sms/applications/:id',
    {
      config: { access: 'administrator', limit: own, refusals: ['record_not_found'] },
      schema: {
        operationId: 'consolePutSmsApplication',
        tags,
        summary: 'Set what an application adds to an SMS',
        params: Type.Object({ id: Type.String({ maxLength: 200, examples: ['676e6965b3d4f2a7c2a1b0d5'] }) }),
        body: ApplicationSms,
        response: { 200: ApplicationList },
      },
    },
    async ({ administrator, params, body, clientIp: ip }) => {
      const { poolId } = administrator
      await configuration.putApplication({ poolId, administrator, ip }, params.id, body)
      return { applications: (await applications.list(poolId)).map(toReply) }
    },
  )
}

/** A misspelt wish for a dry run must not become a real one. @throws ApiError request_invalid */
const requireDryRun = (given: string | undefined): boolean => {
  if (given !== undefined && given !== 'true' && given !== 'false') {
    throw fieldInvalid('dryRun', 'must be one of: true, false')
  }
  return given === 'true'
}
