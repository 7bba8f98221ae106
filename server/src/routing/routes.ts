import { Type } from 'typebox'
import type { Configuration } from '../configuration/configuration.ts'
import type { Http } from '../core/http.ts'
import type { Guard } from '../guard/guard.ts'
import { unlimited } from '../limits.ts'
import { requirePhone } from '../phone-numbers/phone-numbers.ts'
import { createRoutePreview } from './preview.ts'
import { Step } from './route.ts'
import { Routes, type Routing } from './routing.ts'

const tags = ['Console: SMS']
const own = unlimited('needs an administrator')

const RouteList = Type.Object({ routes: Routes }, { additionalProperties: false })

const Preview = Type.Object({
  phone: Type.String({ description: 'E.164.', examples: ['+447700900123'] }),
  region: Type.String({ description: 'ISO 3166-1 alpha-2, or a calling code.', examples: ['GB'] }),
  operator: Type.String({ examples: ['+44770'] }),
  range: Type.String({ description: 'The 10,000 numbers beside it.', examples: ['+44770090'] }),
  type: Type.String({ description: 'By the numbering plan.', examples: ['mobile'] }),
  route: Type.Optional(
    Type.String({ description: 'The route that serves it; absent: none.', examples: ['Europe'] }),
  ),
  steps: Type.Array(Step, {
    description:
      'In the order in which they would be tried; with order `share` it is drawn for each message.',
  }),
  guard: Type.Object({
    mode: Type.Enum(['enforce', 'observe', 'off'], { examples: ['enforce'] }),
    verdict: Type.Enum(['open', 'challenged', 'blocked'], {
      description: 'By the share of codes that came back from numbers like this one.',
      examples: ['open'],
    }),
    refusal: Type.Optional(
      Type.String({
        description:
          'The policy refuses its country (`region_not_allowed`) or its kind (`phone_type_not_allowed`).',
        examples: ['region_not_allowed'],
      }),
    ),
    reason: Type.Optional(Type.String({ examples: ['the policy does not send to GB'] })),
  }),
})

type Deps = { routing: Routing; guard: Guard; configuration: Configuration }

export const routeRoutes = (http: Http, { routing, guard, configuration }: Deps): void => {
  const preview = createRoutePreview({ routing, guard })

  http.get(
    '/console/api/sms/routes',
    {
      config: { access: 'administrator', limit: own },
      schema: {
        operationId: 'consoleListSmsRoutes',
        tags,
        summary: 'The routes, in their order',
        description:
          'The first route that serves a number is taken. Until routes are set, all goes to the inbox.',
        response: { 200: RouteList },
      },
    },
    async ({ administrator }) => ({ routes: [...(await routing.list(administrator.poolId))] }),
  )

  http.put(
    '/console/api/sms/routes',
    {
      config: { access: 'administrator', limit: own },
      schema: {
        operationId: 'consolePutSmsRoutes',
        tags,
        summary: 'Set the routes',
        description: 'The whole list, all or nothing. An empty list: all goes to the inbox.',
        body: RouteList,
        response: { 200: RouteList },
      },
    },
    async ({ administrator, body, clientIp: ip }) => {
      const { poolId } = administrator
      await configuration.putRoutes({ poolId, administrator, ip }, body.routes)
      return { routes: [...(await routing.list(poolId))] }
    },
  )

  http.post(
    '/console/api/sms/routes/preview',
    {
      config: { access: 'administrator', limit: own, refusals: ['phone_number_invalid'] },
      schema: {
        operationId: 'consolePreviewSmsRoute',
        tags,
        summary: 'Which route would serve a number',
        description: 'And what the guard says of it now. Nothing is sent, counted or looked up.',
        body: Type.Object(
          {
            phoneNumber: Type.String({ minLength: 1, maxLength: 40, examples: ['7700 900123'] }),
            phoneCountryCode: Type.Optional(Type.String({ maxLength: 8, examples: ['+44'] })),
          },
          { additionalProperties: false },
        ),
        response: { 200: Preview },
      },
    },
    async ({ administrator, body }) =>
      preview(administrator.poolId, requirePhone(body.phoneNumber, body.phoneCountryCode, 'phoneNumber')),
  )
}
