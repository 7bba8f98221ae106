// The OAuth 2.0 endpoints: here the refresh of a token set (RFC 6749, section 6) and its revocation (RFC 7009).
// Replies and errors are OAuth's own, not the envelope.

import type { FastifyReply, FastifyRequest } from 'fastify'
import { Type } from 'typebox'
import { applicationIdOf, clientSecretOf } from '../access/access.ts'
import { ApiError } from '../api-codes.ts'
import { type Application, type Applications, isApplicationSecret } from '../applications/applications.ts'
import type { Http } from '../core/http.ts'
import { unlimited } from '../limits.ts'
import type { Sessions } from '../sessions/sessions.ts'
import type { Tokens } from '../tokens/tokens.ts'
import { toIdClaims, type Users } from '../users/users.ts'

type Deps = { applications: Applications; sessions: Sessions; tokens: Tokens; users: Users }

const OAuthError = Type.Object({ error: Type.String(), error_description: Type.String() })

const TokenResponse = Type.Object({
  access_token: Type.String(),
  id_token: Type.String(),
  refresh_token: Type.String({
    description: 'Replaces the one that was given, which is of no use any more.',
  }),
  scope: Type.String(),
  token_type: Type.String({ examples: ['Bearer'] }),
  expires_in: Type.Integer({ description: 'Seconds.', examples: [7200] }),
})

const optional = (description: string) => Type.Optional(Type.String({ maxLength: 4000, description }))

const oauthError = (reply: FastifyReply, status: 400 | 401, error: string, description: string) =>
  reply.code(status).headers({ 'cache-control': 'no-store' }).send({ error, error_description: description })

export const oidcRoutes = (http: Http, { applications, sessions, tokens, users }: Deps): void => {
  /** The client, authenticated as its application is configured (RFC 6749, section 2.3); undefined: it is not. */
  const authenticateClient = async (request: FastifyRequest): Promise<Application | undefined> => {
    const id = applicationIdOf(request)
    const application = id === undefined ? undefined : await applications.find(id)
    if (application === undefined) return undefined
    const isAuthenticated =
      application.clientAuthentication === 'none' || isApplicationSecret(application, clientSecretOf(request))
    return isAuthenticated ? application : undefined
  }

  http.post(
    '/oidc/token',
    {
      config: { access: 'public', limit: unlimited('needs a refresh token of 256 random bits') },
      schema: {
        operationId: 'oidcToken',
        tags: ['OpenID Connect'],
        summary: 'Exchange a refresh token for new tokens',
        description:
          'grant_type refresh_token. A refresh token that comes back after its use ends the session.',
        consumes: ['application/x-www-form-urlencoded', 'application/json'],
        body: Type.Object({
          grant_type: optional('refresh_token'),
          refresh_token: optional('The newest refresh token of the session.'),
          client_id: optional('The application, where no header names it.'),
          client_secret: optional('As the application is configured; Basic will do too.'),
        }),
        response: { 200: TokenResponse, 400: OAuthError, 401: OAuthError },
      },
    },
    async (request, reply) => {
      const { grant_type: grantType, refresh_token: refreshToken } = request.body
      const application = await authenticateClient(request)
      if (application === undefined)
        return oauthError(reply, 401, 'invalid_client', 'unknown client or wrong secret')
      if (grantType === undefined) return oauthError(reply, 400, 'invalid_request', 'grant_type is required')
      if (grantType !== 'refresh_token') {
        return oauthError(reply, 400, 'unsupported_grant_type', 'this server serves grant_type refresh_token')
      }
      if (refreshToken === undefined)
        return oauthError(reply, 400, 'invalid_request', 'refresh_token is required')

      const session = await sessions.refresh(application, refreshToken)
      const user = session === undefined ? undefined : await users.get(application.poolId, session.userId)
      if (session?.refreshToken === undefined || user?.status !== 'Activated') {
        return oauthError(reply, 400, 'invalid_grant', 'the refresh token is not valid, or was used before')
      }
      const set = await tokens.issue({
        application,
        userId: user.id,
        sessionId: session.sessionId,
        scope: session.scope,
        userClaims: toIdClaims(user, session.scope),
        refreshToken: session.refreshToken,
      })
      const { access_token, id_token, scope, expires_in } = set
      const body = {
        access_token,
        id_token,
        refresh_token: session.refreshToken,
        scope,
        token_type: 'Bearer',
        expires_in,
      }
      return reply.headers({ 'cache-control': 'no-store' }).send(body)
    },
  )

  http.post(
    '/oidc/token/revocation',
    {
      config: { access: 'public', limit: unlimited('needs a token') },
      schema: {
        operationId: 'oidcTokenRevocation',
        tags: ['OpenID Connect'],
        summary: 'End the session that a token belongs to',
        description:
          'Takes an access or a refresh token. The reply is the same for a token that is not known (RFC 7009).',
        consumes: ['application/x-www-form-urlencoded', 'application/json'],
        body: Type.Object({
          token: optional('An access or refresh token.'),
          client_id: optional('The application, where no header names it.'),
          client_secret: optional('As the application is configured; Basic will do too.'),
        }),
        response: { 200: Type.Object({}), 400: OAuthError, 401: OAuthError },
      },
    },
    async (request, reply) => {
      const application = await authenticateClient(request)
      if (application === undefined)
        return oauthError(reply, 401, 'invalid_client', 'unknown client or wrong secret')
      const { token } = request.body
      if (token === undefined) return oauthError(reply, 400, 'invalid_request', 'token is required')
      const sessionId =
        (await sessionOfAccessToken(token, application)) ??
        (await sessions.findByRefreshToken(application, token))
      if (sessionId !== undefined) await sessions.end(application.poolId, sessionId, 'revoked')
      return reply.send({})
    },
  )

  const sessionOfAccessToken = async (
    token: string,
    application: Application,
  ): Promise<string | undefined> => {
    try {
      const verified = await tokens.verify(token)
      return verified.applicationId === application.id ? verified.sessionId : undefined
    } catch (error) {
      if (error instanceof ApiError) return undefined
      throw error
    }
  }
}
