import { Type } from 'typebox'
import { envelopeOf, type Http, ok } from '../core/http.ts'
import type { Captcha } from './captcha.ts'

const CaptchaQuery = Type.Object({
  r: Type.Optional(
    Type.String({
      description: 'Ignored: any text that keeps a browser from showing an old picture.',
      examples: ['4711'],
    }),
  ),
})

const CaptchaPicture = Type.Object({
  captchaCodeSvg: Type.String({
    description: 'The picture, as SVG: four letters and digits.',
    examples: ['<svg xmlns="http://www.w3.org/2000/svg" width="160" height="50">…</svg>'],
  }),
  captchaToken: Type.String({
    description:
      'To be sent back as captchaToken, with the typed captchaCode. Usable once, for five minutes.',
    examples: ['8f1c2d3e4f50.Zm9v…'],
  }),
})

export const captchaRoutes = (http: Http, captcha: Captcha): void => {
  http.get(
    '/api/v3/get-captcha-code',
    {
      config: {
        access: 'application',
        limit: ['captchasPerIpHour'],
        refusals: ['captcha_limit_reached'],
      },
      schema: {
        operationId: 'geneCatchaCodeAndToken',
        tags: ['Codes'],
        summary: 'Get a captcha: a picture, and the token that belongs to it',
        description:
          'For a call that was refused with captcha_required: show the picture, and repeat the call with what was typed.',
        querystring: CaptchaQuery,
        response: { 200: envelopeOf(CaptchaPicture) },
      },
    },
    async (request, reply) => {
      const { application, clientIp } = request
      const made = await captcha.create({ poolId: application.poolId, ip: clientIp })
      reply.header('cache-control', 'no-store')
      return ok(request, made)
    },
  )
}
