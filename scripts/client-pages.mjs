// The pages of methods that are no call of the V3 API: about tokens, and about the browser.
import { responseTable } from './fields.mjs'
import { fence, json, table } from './markdown.mjs'
import { opening, printing } from './sample-programs.mjs'

const claims = {
  accessToken: {
    properties: {
      jti: { type: 'string', description: 'The id of the token.' },
      sub: { type: 'string', description: 'The id of the user.' },
      iat: { type: 'integer', description: 'When it was issued, in seconds since 1970.' },
      exp: { type: 'integer', description: 'When it expires, in seconds since 1970.' },
      scope: { type: 'string', description: 'What it is good for.' },
      iss: { type: 'string', description: 'The server that issued it.' },
      aud: { type: 'string', description: 'The id of the application that it is for.' },
      sid: { type: 'string', description: 'The id of the session.' },
    },
  },
  idToken: {
    properties: {
      sub: { type: 'string', description: 'The id of the user.' },
      aud: { type: 'string', description: 'The id of the application that it is for.' },
      exp: { type: 'integer', description: 'When it expires, in seconds since 1970.' },
      iat: { type: 'integer', description: 'When it was issued, in seconds since 1970.' },
      iss: { type: 'string', description: 'The server that issued it.' },
      at_hash: { type: 'string', description: 'Half of the hash of the access token that came with it.' },
    },
  },
}

const allRequired = (schema) => ({ ...schema, required: Object.keys(schema.properties) })

const parameters = (rows) => table(['name', 'type', 'required', 'default', 'meaning', 'sample'], rows)

const parseParameters = (what, sample) =>
  parameters([
    ['`token`', 'string', 'yes', '–', `The ${what}.`, sample],
    [
      '`options.issuer`',
      'string',
      'no',
      '`<appHost>/oidc`',
      'Who must have issued it, where the server is reached by another name than its own.',
      '`https://id.example.com/oidc`',
    ],
    [
      '`options.serverJWKS`',
      'object',
      'no',
      '–',
      'The keys of the server (`/oidc/.well-known/jwks.json`), where they should not be fetched. Otherwise they are fetched, and again after ten minutes, or for a token that is signed with a newer one.',
      '`{"keys":[…]}`',
    ],
  ])

const oauthRefusals = (rows) =>
  `Of OAuth ([RFC 6749](https://www.rfc-editor.org/rfc/rfc6749#section-5.2)): thrown as an \`OAuthError\`, whether or not the client was made with \`throwOnError\`.\n\n${table(['error', 'when'], rows)}`

const clientInvalid = ['`invalid_client`', 'The application is unknown, or its secret is wrong.']

const joseRefusals = `The promise is rejected with an error of jose, whose \`code\` says what is wrong: \`ERR_JWT_EXPIRED\`, \`ERR_JWS_SIGNATURE_VERIFICATION_FAILED\`, \`ERR_JWT_CLAIM_VALIDATION_FAILED\` (another issuer or application, or the other kind of token), \`ERR_JWKS_NO_MATCHING_KEY\` (no key of the server signed it, or one that was withdrawn), \`ERR_JOSE_ALG_NOT_ALLOWED\` (signed by another algorithm), \`ERR_JWS_INVALID\` (no token).

Three faults are not the token’s: a \`RequestError\` when the keys cannot be fetched, an \`ApiError\` when the server refuses to give them, and an \`Error\` that says what to install when the package \`jose\` is missing. Such a token is neither good nor bad: let nobody in, and try again.`

const ada = '019c2f4e-6b1a-7c52-9d0e-3f6a8b1c2d4e'
const times = { iat: 1767225600, exp: 1767232800 }
const parties = { iss: 'http://localhost:3000/oidc', aud: 'APP_ID' }

/** By method, in the order of the overview. `replyOf`: the schema of a call's successful reply, by its path. */
export const clientPages = (replyOf) => ({
  setAccessToken: {
    group: 'Tokens',
    summary: 'Say on whose behalf the client calls',
    how: 'Sends nothing itself. Open to anybody.',
    purpose:
      'Every later call of the client sends the token. Take it from a sign-in, or from [`getNewAccessTokenByRefreshToken`](getNewAccessTokenByRefreshToken.md). A server program that serves many users gives `accessToken` with each call instead: `client.getProfile({}, { accessToken })`.',
    request: parameters([
      ['`accessToken`', 'string', 'yes', '–', 'Of a sign-in: `data.access_token`.', '`ACCESS_TOKEN`'],
    ]),
    program: `${opening({ needsUser: false })}
const { data } = await client.signInByUsernamePassword({
  username: 'ada',
  password: 'correct horse battery',
})

client.setAccessToken(data.access_token)
const result = await client.getSecurityLevel()

${printing}`,
    response: 'None. The sample program prints what the next call gives:',
    result: replyOf('/api/v3/get-security-info', 'get').sample,
    refusals: 'None. A token that is not good is refused by the next call that needs one.',
  },
  getNewAccessTokenByRefreshToken: {
    group: 'Tokens',
    summary: 'New tokens for a refresh token',
    how: '`POST /oidc/token`. Needs an application, which proves itself with its secret unless it has none.',
    purpose:
      'For a user who stays signed in: when the access token expires, a refresh token gives the next one. Sign in with `offline_access` in `options.scope` to get the first. It works once, and the result has its successor; one that comes back after its use ends the session, since somebody else may have it.',
    request: parameters([
      [
        '`refreshToken`',
        'string',
        'yes',
        '–',
        'The newest of the session: `data.refresh_token` of a sign-in, or `refresh_token` of this method.',
        '`REFRESH_TOKEN`',
      ],
    ]),
    program: `${opening({ needsUser: false })}
const result = await client.getNewAccessTokenByRefreshToken(
  'REFRESH_TOKEN', // data.refresh_token of a sign-in with offline_access in options.scope
)

${printing}`,
    response: responseTable(replyOf('/oidc/token', 'post').schema, (text) => text),
    result: replyOf('/oidc/token', 'post').sample,
    refusals: oauthRefusals([
      ['`invalid_grant`', 'The refresh token is not valid, was used before, or its session has ended.'],
      clientInvalid,
    ]),
  },
  revokeToken: {
    group: 'Tokens',
    summary: 'End the session that a token belongs to',
    how: '`POST /oidc/token/revocation`. Needs an application, which proves itself with its secret unless it has none.',
    purpose:
      'To sign a user out. Takes an access token or a refresh token; all tokens of the session are refused at once. The result is the same for a token that is not known ([RFC 7009](https://www.rfc-editor.org/rfc/rfc7009#section-2.2)).',
    request: parameters([
      ['`token`', 'string', 'yes', '–', 'An access token or a refresh token.', '`ACCESS_TOKEN`'],
    ]),
    program: `${opening({ needsUser: false })}
const result = await client.revokeToken('ACCESS_TOKEN') // data.access_token of a sign-in

${printing}`,
    response: '`true`.',
    result: true,
    refusals: oauthRefusals([clientInvalid]),
  },
  parseAccessToken: {
    group: 'Tokens',
    summary: 'Verify an access token',
    how: 'Sends nothing but a read of the keys, `GET /oidc/.well-known/jwks.json`. Open to anybody.',
    purpose:
      'For a server that gets the access token of a user and wants to know whose it is. Checks signature, expiry, issuer and audience, and that it is an access token. Whether the session lives still, only the server knows: call [`getProfile`](getProfile.md) where that matters. Needs the package `jose`: `npm install jose`.',
    request: parseParameters('access token', '`ACCESS_TOKEN`'),
    program: `${opening({ needsUser: false })}
const result = await client.parseAccessToken('ACCESS_TOKEN') // data.access_token of a sign-in

${printing}`,
    response: responseTable(allRequired(claims.accessToken), (text) => text),
    result: {
      jti: '5f0c1f5e-58a6-4f37-9a35-6f7d4d0f3b52',
      sub: ada,
      ...times,
      scope: 'openid profile',
      ...parties,
      sid: '019c2f4e-7c2d-7f10-8f3e-2a9b0c1d2e3f',
    },
    refusals: joseRefusals,
  },
  parseIDToken: {
    group: 'Tokens',
    summary: 'Verify an id token',
    how: 'Sends nothing but a read of the keys, `GET /oidc/.well-known/jwks.json`. Open to anybody.',
    purpose:
      'Says who signed in. Checks signature, expiry, issuer and audience, and that it is an id token; a token that is signed with the application’s secret (HS256) is verified with `appSecret`. Needs the package `jose`: `npm install jose`.',
    request: parseParameters('id token', '`ID_TOKEN`'),
    program: `${opening({ needsUser: false })}
const result = await client.parseIDToken('ID_TOKEN') // data.id_token of a sign-in

${printing}`,
    response: `${responseTable(allRequired(claims.idToken), (text) => text)}\n\nBeside them, the claims of the granted scopes ([OpenID Connect Core, section 5.4](https://openid.net/specs/openid-connect-core-1_0.html#ScopeClaims)): \`email\`, \`email_verified\`, \`phone_number\`, \`phone_number_verified\`, and the profile.`,
    result: {
      sub: ada,
      ...parties,
      ...times,
      at_hash: 'm3nT5o8bW1xq0ZkVf6RjYg',
      email: 'ada@example.com',
      email_verified: true,
    },
    refusals: joseRefusals,
  },
  receivePassCode: {
    group: 'In a browser',
    summary: 'Receive the code of an SMS',
    how: 'Sends nothing. A function, no method of the client.',
    purpose:
      'Fills a form by itself: on a phone that knows [WebOTP](https://developer.mozilla.org/docs/Web/API/WebOTP_API), the browser asks the person and hands over the code of the next message that names the host of the page. Call it before the message is sent. Show the field to type in all the same, and end the wait with `signal` when the person is done. `canReceivePassCode()` says beforehand whether the browser can. authing-node-sdk has no such function.',
    request: parameters([
      [
        '`options.signal`',
        'AbortSignal',
        'no',
        '–',
        'Ends the wait: when the person types the code, or leaves.',
        '`AbortSignal.timeout(60_000)`',
      ],
    ]),
    program: `import { receivePassCode } from '@dialtone/sdk'

const received = receivePassCode({ signal: AbortSignal.timeout(60_000) })
// Now send the message: sendSms with CHANNEL_BIND_PHONE.
const passCode = await received

console.log(JSON.stringify(passCode))`,
    response: 'The code, as text; `undefined` where the browser cannot, or the person declines.',
    result: '123456',
    refusals: 'None. When `signal` ends the wait, the promise is rejected with its reason.',
  },
})

export const clientPage = (notice, method, row) => `${notice}

# \`${method}\`

${row.summary}.

${row.purpose}

${row.how}

## Request parameters

${row.request}

## Sample program

${fence('js', row.program)}

## Response

${row.response}

## Sample result

${json(row.result)}

## Refusals

${row.refusals}
`
