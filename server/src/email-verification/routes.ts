import type { Config } from '../config.ts'
import { htmlPageHeaders, pageLanguage } from '../core/html.ts'
import type { Http } from '../core/http.ts'
import { unlimited } from '../limits.ts'
import type { EmailVerification } from './email-verification.ts'
import { askPage, notMe, resultPage, resultStatus } from './page.ts'

/** A rest, not a parameter: a sealed address may be longer than a parameter of a path can be. */
const path = '/account/verify-email/*'

const config = { access: 'public', limit: unlimited('opens nothing but what was sealed here') } as const

type Rest = { '*': string }
type Answer = { answer?: string }

export const emailVerificationRoutes = (
  http: Http,
  verification: EmailVerification,
  { defaultLanguage }: Pick<Config, 'defaultLanguage'>,
): void => {
  // Scanners of mail servers open every link: only the button changes something.
  http.get<{ Params: Rest }>(path, { config, schema: { hide: true } }, async (request, reply) => {
    const language = pageLanguage(request.headers['accept-language'], defaultLanguage)
    const link = await verification.look(request.params['*'])
    reply.headers(htmlPageHeaders)
    if (link.state === 'ask') return reply.send(askPage(language, link))
    return reply.code(resultStatus[link.state]).send(resultPage(language, link.state))
  })

  type Pressed = { Params: Rest; Querystring: Answer }
  http.post<Pressed>(path, { config, schema: { hide: true } }, async (request, reply) => {
    const { params, query, headers, clientIp } = request
    const language = pageLanguage(headers['accept-language'], defaultLanguage)
    const act = query.answer === notMe ? verification.disown : verification.verify
    const result = await act(params['*'], clientIp)
    return reply.headers(htmlPageHeaders).code(resultStatus[result]).send(resultPage(language, result))
  })
}
