import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify'
import { Type } from 'typebox'
import { applicationIdOf, clientSecretOf } from '../access/access.ts'
import { ApiError } from '../api-codes.ts'
import type { Http } from '../core/http.ts'
import { unlimited } from '../limits.ts'
import { type Client, OAuthError, type Oidc } from './oidc.ts'

const Refusal = Type.Object({ error: Type.String(), error_description: Type.String() })

const TokenResponse = Type.Object({
  access_token: Type.String({
    description: 'For setAccessToken, and the calls that need a user. RS256 JWT.',
  }),
  id_token: Type.String({ description: 'Says who signed in.' }),
  refresh_token: Type.String({
    description: 'Replaces the one that was given, which is of no use any more.',
  }),
  scope: Type.String({ description: 'What was granted at the sign-in.' }),
  token_type: Type.String({ description: 'Always Bearer.', examples: ['Bearer'] }),
  expires_in: Type.Integer({ description: 'How long access_token lives, in seconds.', examples: [7200] }),
})

const optional = (description: string) => Type.Optional(Type.String({ maxLength: 4000, description }))

const clientFields = {
  client_id: optional('The application, where no header names it.'),
  client_secret: optional('As the application is configured; Basic will do too.'),
}

const consumes = ['application/x-www-form-urlencoded', 'application/json']

const clientOf = (request: FastifyRequest): Client => ({
  id: applicationIdOf(request),
  secret: clientSecretOf(request),
})

/** Refusals here are OAuth's own and not the envelope; a fault of ours goes the way of all faults. */
const refuseAsOAuth = (
  error: FastifyError | ApiError | OAuthError,
  _request: FastifyRequest,
  reply: FastifyReply,
) => {
  reply.header('cache-control', 'no-store')
  if (error instanceof OAuthError) {
    return reply.code(error.status).send({ error: error.code, error_description: error.message })
  }
  const isMalformed = error instanceof ApiError || (error.statusCode !== undefined && error.statusCode < 500)
  if (!isMalformed) throw error
  return reply
    .code(400)
    .send({ error: 'invalid_request', error_description: 'the body cannot be read: send a form' })
}

export const oidcRoutes = (http: Http, oidc: Oidc): void => {
  http.post(
    '/oidc/token',
    {
      config: { access: 'public', limit: unlimited('needs a refresh token of 256 random bits') },
      errorHandler: refuseAsOAuth,
      schema: {
        operationId: 'oidcToken',
        tags: ['OpenID Connect'],
        summary: 'Exchange a refresh token for new tokens',
        description:
          'grant_type refresh_token. A refresh token that comes back after its use ends the session.',
        consumes,
        body: Type.Object({
          grant_type: optional('refresh_token'),
          refresh_token: optional('The newest refresh token of the session.'),
          ...clientFields,
        }),
        response: { 200: TokenResponse, 400: Refusal, 401: Refusal },
      },
    },
    async (request, reply) => {
      const { grant_type: grantType, refresh_token: refreshToken } = request.body
      const set = await oidc.refresh(clientOf(request), grantType, refreshToken)
      return reply.header('cache-control', 'no-store').send({ ...set, token_type: 'Bearer' })
    },
  )

  http.post(
    '/oidc/token/revocation',
    {
      config: { access: 'public', limit: unlimited('needs a token') },
      errorHandler: refuseAsOAuth,
      schema: {
        operationId: 'oidcTokenRevocation',
        tags: ['OpenID Connect'],
        summary: 'End the session that a token belongs to',
        description:
          'Takes an access or a refresh token. The reply is the same for a token that is not known (RFC 7009).',
        consumes,
        body: Type.Object({ token: optional('An access or refresh token.'), ...clientFields }),
        response: { 200: Type.Object({}), 400: Refusal, 401: Refusal },
      },
    },
    async (request) => {
      await oidc.revoke(clientOf(request), request.body.token)
      return {}
    },
  )
}
