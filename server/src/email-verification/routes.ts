import type { Config } from '../config.ts'
import { htmlPageHeaders, pageLanguage } from '../core/html.ts'
import type { Http } from '../core/http.ts'
import { unlimited } from '../limits.ts'
import type { EmailVerification } from './email-verification.ts'
import { askPage, resultPage, resultStatus } from './page.ts'

/** A rest, not a parameter: a sealed address may be longer than a parameter of a path can be. */
const path = '/account/verify-email/*'

const config = { access: 'public', limit: unlimited('opens nothing but what was sealed here') } as const

type Rest = { '*': string }

export const emailVerificationRoutes = (
  http: Http,
  verification: EmailVerification,
  { defaultLanguage }: Pick<Config, 'defaultLanguage'>,
): void => {
  // Scanners of mail servers open every link: only the button changes something.
  http.get<{ Params: Rest }>(path, { config, schema: { hide: true } }, async (request, reply) => {
    const language = pageLanguage(request.headers['accept-language'], defaultLanguage)
    const link = verification.open(request.params['*'])
    reply.headers(htmlPageHeaders)
    if (link.state === 'live') return reply.send(askPage(language, link.email))
    return reply.code(resultStatus[link.state]).send(resultPage(language, link.state))
  })

  http.post<{ Params: Rest }>(path, { config, schema: { hide: true } }, async (request, reply) => {
    const language = pageLanguage(request.headers['accept-language'], defaultLanguage)
    const result = await verification.verify(request.params['*'], request.clientIp)
    return reply.headers(htmlPageHeaders).code(resultStatus[result]).send(resultPage(language, result))
  })
}
