// Access and id tokens: signing, and verifying an access token on every call of a signed-in user.
//
// What must stay true (rule 25): an access token is an RS256 JWT and nothing else; algorithm, issuer and audience are
// pinned; the signature is checked before anything that the token says is believed; a token names its session.
import { createHash } from 'node:crypto'
import { createDecoder, createVerifier } from 'fast-jwt'
import { SignJWT } from 'jose'
import { type Static, Type } from 'typebox'
import { ApiError, fieldInvalid } from '../api-codes.ts'
import type { Application, Applications } from '../applications/applications.ts'
import { type Clock, toEpochSeconds } from '../core/clock.ts'
import { newId } from '../core/crypto.ts'
import { type Keys, rsaPrivateKeyOf } from '../keys/keys.ts'

export type AccessToken = {
  poolId: string
  applicationId: string
  userId: string
  sessionId: string
  scope: string
}

/** The reply to a sign-in, however it was made. */
export const TokenSet = Type.Object({
  scope: Type.String({
    description: 'What was granted of what was asked for.',
    examples: ['openid profile'],
  }),
  access_token: Type.String({
    description: 'For setAccessToken, and the calls that need a user. RS256 JWT.',
  }),
  id_token: Type.String({
    description: 'Says who signed in. RS256 JWT, or HS256 with the application’s secret.',
  }),
  refresh_token: Type.Optional(
    Type.String({ description: 'With scope offline_access: for new tokens, once, at /oidc/token.' }),
  ),
  token_type: Type.String({ description: 'Always bearer.', examples: ['bearer'] }),
  // The published V3 call names it in the singular, OAuth (RFC 6749) in the plural. Clients read either.
  expire_in: Type.Integer({ description: 'How long access_token lives, in seconds.', examples: [7200] }),
  expires_in: Type.Integer({ description: 'The same, as OAuth names it.', examples: [7200] }),
})
export type TokenSet = Static<typeof TokenSet>

type Claims = { sub: string; aud: string; iss: string; exp: number; sid: string; scope: string }

export type TokenGrant = {
  application: Application
  userId: string
  sessionId: string
  scope: string
  /** Claims of the id token beside the protocol's own. */
  userClaims: Record<string, unknown>
  refreshToken: string | undefined
}

const decodeHeader = createDecoder({ complete: true })

export const createTokens = (deps: {
  keys: Keys
  applications: Applications
  clock: Clock
  publicUrl: string
}) => {
  const { keys, applications, clock, publicUrl } = deps
  const issuer = `${publicUrl}/oidc`
  const verifiers = new Map<string, (token: string) => Claims>()

  // fast-jwt and not jose on this path: 60 against 140 µs a token, and its cache makes the second look-up free
  // (docs/decisions/tokens.md). Expiry is compared here, with the clock that was handed in.
  const verifierOf = async (keyId: string) => {
    const key = await keys.signingKey(keyId)
    if (key === undefined) {
      verifiers.delete(keyId)
      return undefined
    }
    const known = verifiers.get(keyId)
    if (known !== undefined) return known
    const verifier = createVerifier({
      key: key.publicKey,
      algorithms: ['RS256'],
      allowedIss: issuer,
      ignoreExpiration: true,
      cache: 10_000,
    }) as (token: string) => Claims
    verifiers.set(keyId, verifier)
    return verifier
  }

  const verifySignature = async (token: string): Promise<Claims> => {
    try {
      const { header } = decodeHeader(token) as unknown as { header: { kid?: unknown; alg?: unknown } }
      if (header.alg !== 'RS256' || typeof header.kid !== 'string') throw new Error('not RS256 with a key id')
      const verifier = await verifierOf(header.kid)
      if (verifier === undefined) throw new Error('no such key')
      return verifier(token)
    } catch (error) {
      throw new ApiError('token_invalid', error instanceof Error ? error.message : 'not a token')
    }
  }

  const sign = async (claims: Record<string, unknown>, expiresAt: number) => {
    const key = await keys.newest('sign_token')
    return new SignJWT({ ...claims, exp: expiresAt })
      .setProtectedHeader({ alg: 'RS256', kid: key.id, typ: 'JWT' })
      .sign(rsaPrivateKeyOf(key))
  }

  return {
    /** @throws ApiError token_invalid: malformed, forged, expired, of an unknown application or of another issuer. */
    verify: async (token: string): Promise<AccessToken> => {
      const claims = await verifySignature(token)
      if (!(claims.exp > toEpochSeconds(clock.now())))
        throw new ApiError('token_invalid', 'the token has expired, or never does')
      if (
        typeof claims.aud !== 'string' ||
        typeof claims.sid !== 'string' ||
        typeof claims.sub !== 'string'
      ) {
        throw new ApiError('token_invalid', 'not an access token')
      }
      const application = await applications.find(claims.aud)
      if (application === undefined)
        throw new ApiError('token_invalid', 'the application of the token is gone')
      return {
        poolId: application.poolId,
        applicationId: application.id,
        userId: claims.sub,
        sessionId: claims.sid,
        scope: claims.scope,
      }
    },

    issue: async (grant: TokenGrant): Promise<TokenSet> => {
      const { application, userId, sessionId, scope, refreshToken } = grant
      const issuedAt = toEpochSeconds(clock.now())
      const common = { iss: issuer, sub: userId, aud: application.id, iat: issuedAt }
      const accessToken = await sign(
        { ...common, jti: newId(clock), scope, sid: sessionId },
        issuedAt + application.accessTokenTtlSeconds,
      )
      const idClaims = { ...common, at_hash: atHash(accessToken), ...grant.userClaims }
      const idExpiresAt = issuedAt + application.idTokenTtlSeconds
      const idToken =
        application.idTokenAlgorithm === 'RS256'
          ? await sign(idClaims, idExpiresAt)
          : await new SignJWT({ ...idClaims, exp: idExpiresAt })
              .setProtectedHeader({ alg: 'HS256', typ: 'JWT' })
              .sign(Buffer.from(application.secret.reveal()))
      return {
        scope,
        access_token: accessToken,
        id_token: idToken,
        ...(refreshToken === undefined ? {} : { refresh_token: refreshToken }),
        token_type: 'bearer',
        expire_in: application.accessTokenTtlSeconds,
        expires_in: application.accessTokenTtlSeconds,
      }
    },
  }
}

export type Tokens = ReturnType<typeof createTokens>

/** OpenID Connect Core, section 3.1.3.6: the left half of the access token's SHA-256. */
const atHash = (accessToken: string) =>
  createHash('sha256').update(accessToken).digest().subarray(0, 16).toString('base64url')

export const knownScopes = [
  'openid',
  'profile',
  'username',
  'email',
  'phone',
  'address',
  'roles',
  'external_id',
  'extended_fields',
  'tenant_id',
  'offline_access',
] as const

/** What a sign-in that names no scope is granted: what the user may see of the own account. */
const defaultScope = 'openid profile username email phone address'

/** The known ones of the asked scopes. @throws ApiError request_invalid without `openid` */
export const grantScope = (asked: string | undefined, field: string): string => {
  if (asked === undefined || asked.trim() === '') return defaultScope
  const names = new Set(asked.trim().split(/\s+/))
  if (!names.has('openid')) throw fieldInvalid(field, 'must contain openid')
  return knownScopes.filter((scope) => names.has(scope)).join(' ')
}
