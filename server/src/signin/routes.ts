import { type Static, Type } from 'typebox'
import { clientSecretOf } from '../access/access.ts'
import { ApiError, fieldInvalid } from '../api-codes.ts'
import { isApplicationSecret } from '../applications/applications.ts'
import { envelopeOf, type Http, ok } from '../core/http.ts'
import type { Passwords } from '../passwords/passwords.ts'
import { requirePhone } from '../phone-numbers/phone-numbers.ts'
import { grantScope, knownScopes } from '../tokens/tokens.ts'
import { type Identifier, requireEmail } from '../users/users.ts'
import type { SignIn, SignInRequest } from './signin.ts'

const text = (maxLength: number, description?: string) =>
  Type.Optional(Type.String({ maxLength, ...(description === undefined ? {} : { description }) }))

const SignInBody = Type.Object({
  connection: Type.Enum(['PASSWORD', 'PASSCODE', 'LDAP', 'AD'], {
    description: 'Which payload is meant. LDAP and AD are not served.',
    examples: ['PASSCODE'],
  }),
  passwordPayload: Type.Optional(
    Type.Object({
      password: Type.String({ maxLength: 2000, description: 'Encrypted as passwordEncryptType says.' }),
      account: text(300, 'Any of the identifiers below.'),
      email: text(300),
      username: text(100),
      phone: text(100),
      phoneCountryCode: text(20, 'Default +86 (mainland China).'),
    }),
  ),
  passCodePayload: Type.Optional(
    Type.Object({
      passCode: Type.String({
        maxLength: 100,
        description: 'Sent with CHANNEL_LOGIN.',
        examples: ['123456'],
      }),
      email: text(300),
      phone: text(100),
      phoneCountryCode: text(20, 'Default +86 (mainland China).'),
    }),
  ),
  options: Type.Optional(
    Type.Object({
      scope: text(500, `Parted by spaces; must contain openid. Known: ${knownScopes.join(', ')}.`),
      clientIp: text(64, 'Believed only with the application’s secret.'),
      autoRegister: Type.Optional(
        Type.Boolean({
          description: 'Make the user if none exists: by a right code, or by email or username and password.',
        }),
      ),
      passwordEncryptType: Type.Optional(Type.Enum(['none', 'rsa', 'sm2'], { default: 'none' })),
      context: Type.Optional(Type.Record(Type.String(), Type.Unknown())),
      tenantId: text(200),
      customData: Type.Optional(Type.Record(Type.String(), Type.Unknown())),
      captchaCode: text(100, 'What the picture shows; case does not matter.'),
      captchaToken: text(2000, 'Of get-captcha-code, after a refusal that asks for a captcha.'),
    }),
  ),
  client_id: text(200, 'The application, where no header names it.'),
  client_secret: text(
    200,
    'Required unless the application’s client authentication is none; Basic will do too.',
  ),
})

type Body = Static<typeof SignInBody>

const TokenSet = Type.Object({
  scope: Type.String({ examples: ['openid profile'] }),
  access_token: Type.String({ description: 'RS256 JWT.' }),
  id_token: Type.String({ description: 'RS256 JWT, or HS256 with the application’s secret.' }),
  refresh_token: Type.Optional(
    Type.String({ description: 'With scope offline_access. Used once, at /oidc/token.' }),
  ),
  token_type: Type.String({ examples: ['bearer'] }),
  expire_in: Type.Integer({ description: 'Seconds.', examples: [7200] }),
  expires_in: Type.Integer({ description: 'Seconds; the same.', examples: [7200] }),
})

const parseIdentifier = (payload: NonNullable<Body['passwordPayload']>): Identifier => {
  if (payload.account) return { kind: 'account', account: payload.account }
  if (payload.email) return { kind: 'email', email: requireEmail(payload.email) }
  if (payload.username) return { kind: 'username', username: payload.username.normalize('NFKC').trim() }
  if (payload.phone) {
    const { phone } = requirePhone(payload.phone, payload.phoneCountryCode, 'passwordPayload.phone')
    return { kind: 'phone', phone }
  }
  throw fieldInvalid('passwordPayload', 'needs an account, email, username or phone')
}

const parseBy = async (
  body: Body,
  passwords: Passwords,
  from: { poolId: string; ip: string },
): Promise<SignInRequest['by']> => {
  if (body.connection === 'LDAP' || body.connection === 'AD') {
    throw new ApiError('not_implemented', `connection ${body.connection}`)
  }
  if (body.connection === 'PASSWORD') {
    const payload = body.passwordPayload
    if (payload === undefined)
      throw fieldInvalid('passwordPayload', 'is required when connection is PASSWORD')
    const identifier = parseIdentifier(payload)
    const encryption = body.options?.passwordEncryptType ?? 'none'
    const password = await passwords.open({
      password: payload.password,
      encryption,
      field: 'passwordPayload.password',
      ...from,
    })
    return { kind: 'password', identifier, password }
  }
  const payload = body.passCodePayload
  if (payload === undefined) throw fieldInvalid('passCodePayload', 'is required when connection is PASSCODE')
  if (payload.phone) {
    const { phone } = requirePhone(payload.phone, payload.phoneCountryCode, 'passCodePayload.phone')
    return { kind: 'phone_passcode', phone, code: payload.passCode }
  }
  if (payload.email)
    return { kind: 'email_passcode', email: requireEmail(payload.email), code: payload.passCode }
  throw fieldInvalid('passCodePayload', 'needs a phone or an email')
}

export const signInRoutes = (http: Http, signIn: SignIn, passwords: Passwords): void => {
  http.post(
    '/api/v3/signin',
    {
      config: {
        access: 'application',
        limit: [
          'attemptsPerPasscode',
          'passcodeFailuresHour',
          'signInFailuresBeforeCaptcha',
          'identifierFailuresBeforeCaptcha',
          'passwordFailuresHour',
        ],
        refusals: [
          'client_secret_invalid',
          'phone_number_invalid',
          'email_invalid',
          'credentials_invalid',
          'captcha_required',
          'account_locked',
          'passcode_incorrect',
          'passcode_expired',
          'passcode_attempts_exceeded',
          'user_disabled',
          'password_reset_required',
          'phone_proof_stale',
          'registration_disabled',
          'user_exists',
          'username_taken',
          'password_too_weak',
          'not_implemented',
        ],
      },
      schema: {
        operationId: 'signInByCredentials',
        tags: ['Sign-up and sign-in'],
        summary: 'Sign in with a password or a code',
        description:
          'Gives the tokens of a new session. Hand access_token to the SDK with setAccessToken. After a few wrong passwords a captcha is asked for (captcha_required): repeat the call with options.captchaToken and options.captchaCode. A sign-in with a code is never asked for one.',
        body: SignInBody,
        response: { 200: envelopeOf(TokenSet) },
      },
    },
    async (request) => {
      const { body, application, clientIp } = request
      const needsSecret = application.clientAuthentication === 'client_secret'
      if (needsSecret && !isApplicationSecret(application, clientSecretOf(request))) {
        throw new ApiError('client_secret_invalid', 'missing or wrong client_secret')
      }
      const { captchaToken: token, captchaCode: code } = body.options ?? {}
      const tokenSet = await signIn.signIn({
        application,
        ip: clientIp,
        userAgent: request.headers['user-agent'],
        scope: grantScope(body.options?.scope, 'options.scope'),
        autoRegister: body.options?.autoRegister ?? false,
        captcha: token && code ? { token, code } : undefined,
        by: await parseBy(body, passwords, { poolId: application.poolId, ip: clientIp }),
      })
      return ok(request, tokenSet)
    },
  )
}
