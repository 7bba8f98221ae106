import { envelope, envelopeOf, type Http, ok } from '../core/http.ts'
import { unlimited } from '../limits.ts'
import { grantScope } from '../tokens/tokens.ts'
import type { Passkeys } from './passkeys.ts'
import {
  AuthenticationOptions,
  AuthenticationResult,
  CredentialParams,
  ListQuery,
  PasskeyPage,
  RegistrationOptions,
  Verified,
  VerifyAuthenticationBody,
  VerifyRegistrationBody,
} from './wire.ts'

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
        description: 'The passkeys that the user can sign in with, in pages.',
        querystring: ListQuery,
        response: {
          200: envelopeOf(PasskeyPage),
        },
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
          'Nobody can sign in with it any more. Refused where it is the only way to sign in. authing-node-sdk sends the text {credentialId} instead of the id, so that it takes a call of your own.',
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
