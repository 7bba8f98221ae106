import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Config } from '../config.ts'
import { htmlPageHeaders, pageLanguage } from '../core/html.ts'
import type { Http } from '../core/http.ts'
import { unlimited } from '../limits.ts'
import { askPage, donePage, spentPage, unknownPage } from './page.ts'
import type { LinkAction, Undo } from './undo.ts'

type Link = { Params: { token: string } }

/** 256 bits in base64url. What has another form is no link of ours: a page says so, not a refusal in JSON. */
const isToken = (text: string): boolean => /^[\w-]{43}$/.test(text)

// No schema: a page has none, and a wrong token is not a malformed request. Not in the API document for the same reason.
const options = {
  config: { access: 'public', limit: unlimited('needs 256 random bits') },
  schema: { hide: true },
} as const

/**
 * Mail scanners and previews open links (GET), so that only the button's POST acts. The token stands in the address:
 * the log has the route's template alone, and the page's headers keep it from other sites and from caches.
 */
export const undoRoutes = (http: Http, undo: Undo, config: Pick<Config, 'defaultLanguage'>): void => {
  const languageOf = (request: FastifyRequest) =>
    pageLanguage(request.headers['accept-language'], config.defaultLanguage)
  const send = (reply: FastifyReply, status: number, page: string) =>
    reply.code(status).headers(htmlPageHeaders).send(page)

  for (const action of ['undo', 'stop'] as const satisfies readonly LinkAction[]) {
    const open = (token: string) => (isToken(token) ? undo.open(action, token) : undefined)

    http.get<Link>(`/account/${action}/:token`, options, async (request, reply) => {
      const language = languageOf(request)
      const link = await open(request.params.token)
      if (link === undefined) return send(reply, 404, unknownPage(language))
      const { state } = link.notice
      if (state !== 'live') return send(reply, 410, spentPage(link, state, language))
      return send(reply, 200, askPage(link, action, language))
    })

    http.post<Link>(`/account/${action}/:token`, options, async (request, reply) => {
      const language = languageOf(request)
      const { token } = request.params
      const link = await open(token)
      if (link === undefined) return send(reply, 404, unknownPage(language))
      const done = await undo.act(token, link, { ip: request.clientIp, language })
      if (done.outcome === 'done') return send(reply, 200, donePage(link, done, language))
      return send(reply, 410, spentPage(link, link.notice.state === 'expired' ? 'expired' : 'used', language))
    })
  }
}
