import { Type } from 'typebox'
import { envelope, envelopeOf, type Http, ok } from '../core/http.ts'
import { unlimited } from '../limits.ts'
import { grantScope, knownScopes } from '../tokens/tokens.ts'
import type { Passkeys } from './passkeys.ts'

const base64url = (maxLength: number, description: string) =>
  Type.String({ minLength: 1, maxLength, pattern: '^[A-Za-z0-9_-]*$', description, examples: ['ZXhhbXBsZQ'] })

/** Credential ids are up to 1023 bytes (WebAuthn, section 4). */
const maxCredentialIdLength = 1364

const publicKeyType = Type.Enum(['public-key'], { description: 'Always public-key.' })

const Ticket = Type.String({
  minLength: 1,
  maxLength: 1000,
  description: 'The ticket that came with the options. Usable once, for five minutes.',
})

const credentialFields = {
  id: base64url(maxCredentialIdLength, 'The credential’s id, base64url.'),
  rawId: base64url(maxCredentialIdLength, 'The same.'),
  type: publicKeyType,
}

const Transports = Type.Array(Type.String({ maxLength: 20 }), {
  maxItems: 10,
  description: 'How the browser reaches the authenticator: ble, hybrid, internal, nfc, smart-card, usb.',
})

const VerifyRegistrationBody = Type.Object({
  ticket: Ticket,
  registrationCredential: Type.Object(
    {
      ...credentialFields,
      response: Type.Object({
        attestationObject: base64url(50_000, 'CBOR: the new public key and its id.'),
        clientDataJSON: base64url(5000, 'The origin and the challenge that the browser saw.'),
        transports: Type.Optional(Transports),
      }),
      transports: Type.Optional(Transports),
    },
    {
      description:
        'What navigator.credentials.create gave, as JSON. Transports are read here and in response.',
    },
  ),
  authenticatorCode: Type.Optional(
    Type.Enum(['fingerprint', 'face', 'other'], { description: 'Accepted and ignored.' }),
  ),
})

const VerifyAuthenticationBody = Type.Object({
  ticket: Ticket,
  authenticationCredential: Type.Object(
    {
      ...credentialFields,
      response: Type.Object({
        authenticatorData: base64url(5000, 'Flags and the counter.'),
        clientDataJSON: base64url(5000, 'The origin and the challenge that the browser saw.'),
        signature: base64url(5000, 'Over the two.'),
        userHandle: Type.Optional(
          Type.Union([Type.String({ maxLength: 100 }), Type.Null()], {
            description: 'The user that the passkey is for, as the authenticator kept it.',
          }),
        ),
      }),
    },
    { description: 'What navigator.credentials.get gave, as JSON.' },
  ),
  options: Type.Optional(
    Type.Object({
      scope: Type.Optional(
        Type.String({
          maxLength: 500,
          description: `Parted by spaces; must contain openid. Known: ${knownScopes.join(', ')}.`,
        }),
      ),
      context: Type.Optional(Type.Unknown({ description: 'Ignored: there are no pipelines.' })),
      customData: Type.Optional(Type.Unknown({ description: 'Ignored.' })),
    }),
  ),
})

const Descriptor = Type.Object({
  id: Type.String(),
  type: Type.String(),
  transports: Type.Array(Type.String()),
})

const challengeFields = {
  challenge: Type.String({ description: '256 random bits, base64url.' }),
  timeout: Type.Integer({ description: 'Milliseconds.', examples: [300_000] }),
}

const RegistrationOptions = Type.Object({
  registrationOptions: Type.Object(
    {
      ...challengeFields,
      rp: Type.Object({ id: Type.String({ examples: ['example.com'] }), name: Type.String() }),
      user: Type.Object({
        id: Type.String({ description: 'The user’s id, base64url.' }),
        name: Type.String(),
        displayName: Type.String(),
      }),
      pubKeyCredParams: Type.Array(Type.Object({ alg: Type.Integer(), type: Type.String() })),
      excludeCredentials: Type.Array(Descriptor, { description: 'The passkeys that the user has.' }),
      authenticatorSelection: Type.Object({
        residentKey: Type.String(),
        requireResidentKey: Type.Boolean(),
        userVerification: Type.String(),
      }),
      attestation: Type.String(),
    },
    { description: 'For PublicKeyCredential.parseCreationOptionsFromJSON.' },
  ),
  ticket: Type.String({ description: 'To be sent back with the answer.' }),
})

const AuthenticationOptions = Type.Object({
  authenticationOptions: Type.Object(
    {
      ...challengeFields,
      rpId: Type.String({ examples: ['example.com'] }),
      allowCredentials: Type.Array(Descriptor, {
        description: 'The caller’s own passkeys; empty where nobody is signed in, or the caller has none.',
      }),
      userVerification: Type.String(),
    },
    { description: 'For PublicKeyCredential.parseRequestOptionsFromJSON.' },
  ),
  ticket: Type.String({ description: 'To be sent back with the answer.' }),
})

const Verified = Type.Object({
  verified: Type.Boolean({ description: 'Always true: else it is a refusal.' }),
})

const AuthenticationResult = Type.Object({
  verified: Type.Boolean({ description: 'Always true: else it is a refusal.' }),
  tokenSet: Type.Object(
    {
      scope: Type.String({ examples: ['openid profile'] }),
      access_token: Type.String({ description: 'RS256 JWT.' }),
      id_token: Type.String({ description: 'RS256 JWT, or HS256 with the application’s secret.' }),
      refresh_token: Type.Optional(Type.String({ description: 'With scope offline_access.' })),
      token_type: Type.String({ examples: ['bearer'] }),
      expire_in: Type.Integer({ description: 'Seconds.', examples: [7200] }),
      expires_in: Type.Integer({ description: 'Seconds; the same.', examples: [7200] }),
    },
    { description: 'Of a new session.' },
  ),
})

const Passkey = Type.Object({
  credentialId: Type.String({ description: 'As the authenticator made it, base64url.' }),
  authenticatorId: Type.String({
    description: 'The model of the authenticator (AAGUID); zeros where it does not tell.',
    examples: ['00000000-0000-0000-0000-000000000000'],
  }),
  transports: Type.Array(Type.String()),
  backedUp: Type.Boolean({ description: 'Whether it is kept elsewhere too, by a password manager say.' }),
  createdAt: Type.String({ examples: ['2026-01-31T12:00:00.000Z'] }),
  lastUsedAt: Type.Union([Type.String(), Type.Null()]),
})

const ListQuery = Type.Object({
  page: Type.Optional(Type.String({ pattern: '^[1-9][0-9]{0,5}$', description: 'From 1.', examples: ['1'] })),
  limit: Type.Optional(
    Type.String({ pattern: '^([1-9]|[1-4][0-9]|50)$', description: '1 to 50.', examples: ['10'] }),
  ),
})

const CredentialParams = Type.Object({
  credentialId: Type.String({ maxLength: maxCredentialIdLength, description: 'Of list.' }),
})

const tags = ['Passkeys']
const byChallenge = unlimited('an answer spends its challenge, and a guess would be one at 256 bits')
const own = unlimited('reads or writes the caller’s own rows by their key')

export const passkeyRoutes = (http: Http, passkeys: Passkeys): void => {
  http.get(
    '/api/v3/webauthn/registration',
    {
      config: { access: 'user', limit: own, refusals: ['user_disabled'] },
      schema: {
        operationId: 'initRegisterOptions',
        tags,
        summary: 'Begin to register a passkey',
        description: 'Gives what navigator.credentials.create is to be called with, and a ticket.',
        response: { 200: envelopeOf(RegistrationOptions) },
      },
    },
    async (request, reply) => {
      reply.header('cache-control', 'no-store')
      return ok(request, await passkeys.registrationOptions(request.application, request.user))
    },
  )

  http.post(
    '/api/v3/webauthn/registration',
    {
      config: {
        access: 'user',
        limit: byChallenge,
        refusals: ['user_disabled', 'passkey_invalid', 'factor_already_enrolled'],
      },
      schema: {
        operationId: 'verifyRegister',
        tags,
        summary: 'Register a passkey',
        description:
          'Takes what navigator.credentials.create gave. The user can sign in with it from now on.',
        body: VerifyRegistrationBody,
        response: { 200: envelopeOf(Verified) },
      },
    },
    async (request) => {
      const { body, application, user, clientIp: ip } = request
      const { response, transports = [], ...ids } = body.registrationCredential
      await passkeys.register({
        application,
        user,
        ip,
        ticket: body.ticket,
        response: { ...ids, response },
        transports: [...transports, ...(response.transports ?? [])],
      })
      return ok(request, { verified: true })
    },
  )

  http.get(
    '/api/v3/webauthn/authentication',
    {
      config: {
        access: 'application',
        limit: unlimited('seals a random value; at most reads the caller’s own rows'),
      },
      schema: {
        operationId: 'initAuthenticationOptions',
        tags,
        summary: 'Begin to sign in with a passkey',
        description:
          'Gives what navigator.credentials.get is to be called with, and a ticket. For a signed-in caller it asks for one of the own passkeys, so as to prove a factor in that session.',
        response: { 200: envelopeOf(AuthenticationOptions) },
      },
    },
    async (request, reply) => {
      reply.header('cache-control', 'no-store')
      return ok(request, await passkeys.authenticationOptions(request.application, request.sender))
    },
  )

  http.post(
    '/api/v3/webauthn/authentication',
    {
      config: {
        access: 'application',
        limit: byChallenge,
        refusals: ['passkey_invalid', 'user_disabled'],
      },
      schema: {
        operationId: 'verifyAuthentication',
        tags,
        summary: 'Sign in with a passkey',
        description:
          'Takes what navigator.credentials.get gave, and gives the tokens of a new session. Where the options were asked for by a signed-in user, the session of that user has proved a factor too: it may change the phone without a code to the old one for five minutes.',
        body: VerifyAuthenticationBody,
        response: { 200: envelopeOf(AuthenticationResult) },
      },
    },
    async (request, reply) => {
      const { body, application, sender, clientIp: ip } = request
      const { response, ...ids } = body.authenticationCredential
      const { userHandle, ...signed } = response
      const tokenSet = await passkeys.authenticate({
        application,
        sender,
        ip,
        userAgent: request.headers['user-agent'],
        scope: grantScope(body.options?.scope, 'options.scope'),
        ticket: body.ticket,
        response: { ...ids, response: signed },
        userHandle: userHandle ?? undefined,
      })
      reply.header('cache-control', 'no-store')
      return ok(request, { verified: true, tokenSet })
    },
  )

  http.get(
    '/api/v3/webauthn/credentials',
    {
      config: { access: 'user', limit: own, refusals: ['user_disabled'] },
      schema: {
        operationId: 'listWebAuthnCredentials',
        tags,
        summary: 'List the own passkeys',
        querystring: ListQuery,
        response: { 200: envelopeOf(Type.Object({ totalCount: Type.Integer(), list: Type.Array(Passkey) })) },
      },
    },
    async (request) => {
      const page = Number(request.query.page ?? 1)
      const limit = Number(request.query.limit ?? 10)
      const all = await passkeys.list(request.user)
      const list = all.slice((page - 1) * limit, page * limit).map((row) => ({
        credentialId: row.credential_id,
        authenticatorId: row.authenticator_id,
        transports: row.transports,
        backedUp: row.backed_up,
        createdAt: row.created_at.toISOString(),
        lastUsedAt: row.last_used_at?.toISOString() ?? null,
      }))
      return ok(request, { totalCount: all.length, list })
    },
  )

  http.delete(
    '/api/v3/webauthn/credentials/:credentialId',
    {
      config: {
        access: 'user',
        limit: own,
        refusals: ['user_disabled', 'factor_not_found', 'last_sign_in_method'],
      },
      schema: {
        operationId: 'deleteWebAuthnCredential',
        tags,
        summary: 'Remove an own passkey',
        description:
          'The published SDK sends the text {credentialId} instead of the id, so that this takes a call of your own.',
        params: CredentialParams,
        response: { 200: envelope() },
      },
    },
    async (request) => {
      await passkeys.remove(request.user, request.params.credentialId, request.clientIp)
      return ok(request)
    },
  )
}
