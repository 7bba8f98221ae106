import { type Static, Type } from 'typebox'
import { clientSecretOf } from '../access/access.ts'
import { ApiError, fieldInvalid } from '../api-codes.ts'
import { isApplicationSecret } from '../applications/applications.ts'
import { captchaAnswerIn } from '../captcha/captcha.ts'
import { envelopeOf, type Http, ok } from '../core/http.ts'
import type { Passwords } from '../passwords/passwords.ts'
import { requirePhone } from '../phone-numbers/phone-numbers.ts'
import { grantScope, knownScopes, TokenSet } from '../tokens/tokens.ts'
import { type Identifier, requireEmail } from '../users/users.ts'
import type { SignIn, SignInRequest } from './signin.ts'

const text = (maxLength: number, description: string, sample?: string) =>
  Type.Optional(
    Type.String({ maxLength, description, ...(sample === undefined ? {} : { examples: [sample] }) }),
  )

const SignInBody = Type.Object({
  connection: Type.Enum(['PASSWORD', 'PASSCODE', 'LDAP', 'AD'], {
    description: 'Which payload is meant. LDAP and AD are not served.',
    examples: ['PASSCODE'],
  }),
  passwordPayload: Type.Optional(
    Type.Object(
      {
        password: Type.String({
          maxLength: 2000,
          description: 'Encrypted as passwordEncryptType says.',
          examples: ['correct horse battery'],
        }),
        account: text(300, 'Any of the identifiers below.', 'ada'),
        email: text(
          300,
          'The email address of the user. Upper and lower case are the same.',
          'ada@example.com',
        ),
        username: text(100, 'The username of the user. Upper and lower case are the same.', 'ada'),
        phone: text(100, 'The phone of the user, without its calling code.', '18812345678'),
        phoneCountryCode: text(20, 'The calling code of phone. Default +86 (mainland China).', '+86'),
      },
      { description: 'Where connection is PASSWORD: the password, and one identifier.' },
    ),
  ),
  passCodePayload: Type.Optional(
    Type.Object(
      {
        passCode: Type.String({
          maxLength: 100,
          description: 'The code that send-sms or send-email with CHANNEL_LOGIN sent. Usable once.',
          examples: ['123456'],
        }),
        email: text(300, 'The address that got the code, in place of a phone.', 'ada@example.com'),
        phone: text(100, 'The number that got the code, without its calling code.', '18812345678'),
        phoneCountryCode: text(20, 'The calling code of phone. Default +86 (mainland China).', '+86'),
      },
      { description: 'Where connection is PASSCODE: the code, and where it was sent.' },
    ),
  ),
  options: Type.Optional(
    Type.Object(
      {
        scope: text(
          500,
          `What the tokens are good for. Parted by spaces; must contain openid. Known: ${knownScopes.join(', ')}.`,
          'openid profile email phone',
        ),
        clientIp: text(
          64,
          'The address of the user, where a server of yours makes the call. Believed only with the application’s secret.',
          '203.0.113.7',
        ),
        autoRegister: Type.Optional(
          Type.Boolean({
            description:
              'Make the user if none exists: by a right code, or by email or username and password.',
            examples: [true],
          }),
        ),
        passwordEncryptType: Type.Optional(
          Type.Enum(['none', 'rsa', 'sm2'], {
            default: 'none',
            description: 'How the password is encrypted, with the keys of /api/v3/system.',
          }),
        ),
        context: Type.Optional(
          Type.Record(Type.String(), Type.Unknown(), { description: 'Ignored: there are no pipelines.' }),
        ),
        tenantId: text(200, 'Ignored: there are no tenants.'),
        customData: Type.Optional(Type.Record(Type.String(), Type.Unknown(), { description: 'Ignored.' })),
        captchaCode: text(100, 'What the picture shows; case does not matter.', '7KQF'),
        captchaToken: text(
          2000,
          'Of get-captcha-code, after a refusal that asks for a captcha.',
          '8f1c2d3e4f50.Zm9v…',
        ),
      },
      { description: 'What is seldom needed.' },
    ),
  ),
  client_id: text(200, 'The application, where no header names it.', 'APP_ID'),
  client_secret: text(
    200,
    'The application’s secret. Required unless its client authentication is none; Basic will do too.',
    'APP_SECRET',
  ),
})

type Body = Static<typeof SignInBody>

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
      const tokenSet = await signIn.signIn({
        application,
        ip: clientIp,
        language: request.locale,
        userAgent: request.headers['user-agent'],
        scope: grantScope(body.options?.scope, 'options.scope'),
        autoRegister: body.options?.autoRegister ?? false,
        captcha: captchaAnswerIn(body.options ?? {}),
        by: await parseBy(body, passwords, { poolId: application.poolId, ip: clientIp }),
      })
      return ok(request, tokenSet)
    },
  )
}
