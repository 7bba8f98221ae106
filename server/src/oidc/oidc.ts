// The OAuth 2.0 side of the server: as yet the refresh of a token set (RFC 6749, section 6) and its revocation
// (RFC 7009). The OpenID provider will grow here.
//
// What must stay true: a client authenticates as its application is configured; a refresh token works once (rule 26);
// a revoked token takes its whole session with it (rule 25).
import { ApiError } from '../api-codes.ts'
import { type Application, type Applications, isApplicationSecret } from '../applications/applications.ts'
import type { Sessions } from '../sessions/sessions.ts'
import type { TokenSet, Tokens } from '../tokens/tokens.ts'
import { toIdClaims, type Users } from '../users/users.ts'

export type Client = { id: string | undefined; secret: string | undefined }

/** RFC 6749, section 5.2: the code that the client reads, and words for its developer. */
export class OAuthError extends Error {
  readonly status: 400 | 401
  readonly code: 'invalid_client' | 'invalid_request' | 'invalid_grant' | 'unsupported_grant_type'

  constructor(code: OAuthError['code'], description: string) {
    super(description)
    this.code = code
    this.status = code === 'invalid_client' ? 401 : 400
  }
}

type Deps = { applications: Applications; sessions: Sessions; tokens: Tokens; users: Users }

export const createOidc = ({ applications, sessions, tokens, users }: Deps) => {
  const authenticate = async ({ id, secret }: Client): Promise<Application> => {
    const application = id === undefined ? undefined : await applications.find(id)
    const isAuthenticated =
      application !== undefined &&
      (application.clientAuthentication === 'none' || isApplicationSecret(application, secret))
    if (!isAuthenticated) throw new OAuthError('invalid_client', 'unknown client or wrong secret')
    return application
  }

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

  return {
    /** Exchanges a refresh token for new tokens. @throws OAuthError */
    refresh: async (
      client: Client,
      grantType: string | undefined,
      refreshToken: string | undefined,
    ): Promise<TokenSet & { refresh_token: string }> => {
      const application = await authenticate(client)
      if (grantType === undefined) throw new OAuthError('invalid_request', 'grant_type is required')
      if (grantType !== 'refresh_token') {
        throw new OAuthError('unsupported_grant_type', 'this server serves grant_type refresh_token')
      }
      if (refreshToken === undefined) throw new OAuthError('invalid_request', 'refresh_token is required')

      const session = await sessions.refresh(application, refreshToken)
      const user = session === undefined ? undefined : await users.get(application.poolId, session.userId)
      if (session?.refreshToken === undefined || user?.status !== 'Activated') {
        throw new OAuthError('invalid_grant', 'the refresh token is not valid, or was used before')
      }
      const set = await tokens.issue({
        application,
        userId: user.id,
        sessionId: session.sessionId,
        scope: session.scope,
        userClaims: toIdClaims(user, session.scope),
        refreshToken: session.refreshToken,
      })
      return { ...set, refresh_token: session.refreshToken }
    },

    /** Ends the session of an access or refresh token; an unknown one is nobody's. @throws OAuthError */
    revoke: async (client: Client, token: string | undefined): Promise<void> => {
      const application = await authenticate(client)
      if (token === undefined) throw new OAuthError('invalid_request', 'token is required')
      const sessionId =
        (await sessionOfAccessToken(token, application)) ??
        (await sessions.findByRefreshToken(application, token))
      if (sessionId !== undefined) await sessions.end(application.poolId, sessionId, 'revoked')
    },
  }
}

export type Oidc = ReturnType<typeof createOidc>
