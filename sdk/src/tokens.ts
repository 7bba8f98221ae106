// Verifying tokens, with jose: an optional package, loaded when it is first needed.
//
// What must stay true: the key decides the algorithm, never the token alone (RFC 8725, section 3.1): RS256 with a key of
// the server, HS256 with the application's secret and nothing else; an id token is no access token; a key that the
// server has withdrawn is trusted for ten minutes at most.
import type { JSONWebKeySet, JWTVerifyOptions } from 'jose'

/** RFC 7517. */
export type JWKSObject = { keys: readonly object[] }

/** The claims of an access token. */
export type AccessToken = {
  jti: string
  /** The user's id. */
  sub: string
  /** Seconds since 1970. */
  iat: number
  exp: number
  scope: string
  iss: string
  /** The application's id. */
  aud: string
  /** The session's id. */
  sid: string
}

/** The claims of an id token: those of the user as the scopes say. */
export type IDToken = {
  sub: string
  aud: string
  exp: number
  iat: number
  iss: string
  /** Half of the access token's digest: OpenID Connect Core, section 3.1.3.6. */
  at_hash: string
  nonce?: string
  [claim: string]: unknown
}

export type TokenRules = {
  appId: string
  appSecret: string | undefined
  appHost: string
  issuer?: string | undefined
  serverJWKS?: JWKSObject | undefined
  readKeys(): Promise<JWKSObject>
}

const loadJose = async () => {
  try {
    return await import('jose')
  } catch (cause) {
    throw new Error('to verify tokens, install the package jose: npm install jose', { cause })
  }
}

type Fetched = { keys: Promise<JWKSObject>; at: number }

/** By the function that fetches them: one for each client. */
const fetched = new WeakMap<TokenRules['readKeys'], Fetched>()

/** So that forged tokens that name keys of their own do not make a request each. */
const pauseMilliseconds = 30_000

/** As long as jose keeps those that it fetches itself: its `cacheMaxAge`. */
const longestMilliseconds = 600_000

const fetchKeys = (readKeys: TokenRules['readKeys']): Fetched => {
  const known = fetched.get(readKeys)
  if (known !== undefined && Date.now() - known.at < longestMilliseconds) return known
  const made = { keys: readKeys(), at: Date.now() }
  fetched.set(readKeys, made)
  made.keys.catch(() => fetched.get(readKeys) === made && fetched.delete(readKeys))
  return made
}

/** Whether others are there since, or those are old enough to be fetched again. */
const mayBeNewer = (readKeys: TokenRules['readKeys'], tried: Fetched): boolean =>
  fetched.get(readKeys) !== tried || (Date.now() - tried.at >= pauseMilliseconds && fetched.delete(readKeys))

const verifyByServer = async (token: string, rules: TokenRules, options: JWTVerifyOptions) => {
  const { createLocalJWKSet, errors, jwtVerify } = await loadJose()
  const { serverJWKS, readKeys } = rules
  const verify = async (keys: JWKSObject) => {
    const key = createLocalJWKSet(keys as JSONWebKeySet)
    return (await jwtVerify(token, key, { ...options, algorithms: ['RS256'] })).payload
  }
  if (serverJWKS !== undefined) return verify(serverJWKS)
  const tried = fetchKeys(readKeys)
  try {
    return await verify(await tried.keys)
  } catch (error) {
    // Signed with a key that came after those that are known, or these were never keys: a proxy's reply.
    const isOfKeys = error instanceof errors.JWKSNoMatchingKey || error instanceof errors.JWKSInvalid
    if (!isOfKeys || !mayBeNewer(readKeys, tried)) throw error
    return verify(await fetchKeys(readKeys).keys)
  }
}

const expected = ({ appHost, appId, issuer }: TokenRules) => ({
  issuer: issuer ?? `${appHost}/oidc`,
  audience: appId,
})

/** Of an access token, and no id token, though the same key signs both. */
const accessClaims = ['exp', 'jti', 'scope']

/** The other way round. */
const idClaims = ['exp', 'at_hash']

export const parseAccessToken = async (token: string, rules: TokenRules): Promise<AccessToken> =>
  (await verifyByServer(token, rules, { ...expected(rules), requiredClaims: accessClaims })) as AccessToken

export const parseIDToken = async (token: string, rules: TokenRules): Promise<IDToken> => {
  const { decodeProtectedHeader, errors, jwtVerify } = await loadJose()
  const options = { ...expected(rules), requiredClaims: idClaims }
  const readHeader = () => {
    try {
      return decodeProtectedHeader(token)
    } catch (cause) {
      // jose has a bare TypeError there, which has no `code`.
      throw new errors.JWSInvalid('the token has no header that can be read', { cause })
    }
  }
  if (readHeader().alg !== 'HS256' || rules.appSecret === undefined)
    return (await verifyByServer(token, rules, options)) as IDToken
  const secret = new TextEncoder().encode(rules.appSecret)
  return (await jwtVerify(token, secret, { ...options, algorithms: ['HS256'] })).payload as IDToken
}
