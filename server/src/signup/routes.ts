import { type Static, Type } from 'typebox'
import { fieldInvalid } from '../api-codes.ts'
import { envelopeOf, type Http, ok } from '../core/http.ts'
import type { Passwords } from '../passwords/passwords.ts'
import { requirePhone } from '../phone-numbers/phone-numbers.ts'
import {
  allScopes,
  profileFields,
  profileMeanings,
  requireEmail,
  requireUsername,
  toUserDto,
  UserDto,
} from '../users/users.ts'
import type { SignUp, SignUpRequest } from './signup.ts'

const text = (maxLength: number, description: string, sample?: string) =>
  Type.Optional(
    Type.String({ maxLength, description, ...(sample === undefined ? {} : { examples: [sample] }) }),
  )

const Profile = Type.Object(
  {
    ...Object.fromEntries(
      profileFields
        .filter((name) => name !== 'gender')
        .map((name) => [name, text(500, ...profileMeanings[name])]),
    ),
    gender: Type.Optional(
      Type.Enum(['M', 'F', 'U'], { description: 'M, F or U (unknown).', examples: ['F'] }),
    ),
    username: text(64, 'To sign in with, beside what the user signs up with.', 'ada'),
    email: text(
      300,
      'An address beside what the user signs up with. Needs options.emailPassCodeForInformationCompletion.',
      'ada@example.com',
    ),
    phone: text(
      100,
      'A number beside what the user signs up with. Needs options.phonePassCodeForInformationCompletion.',
      '18812345678',
    ),
    phoneCountryCode: text(20, 'The calling code of profile.phone. Default +86 (mainland China).', '+86'),
    customData: Type.Optional(
      Type.Record(Type.String(), Type.Unknown(), {
        description: 'What your application keeps with the user.',
        examples: [{ plan: 'pro' }],
      }),
    ),
  },
  { description: 'What is known of the user from the start.' },
)

const SignUpBody = Type.Object({
  connection: Type.Enum(['PASSWORD', 'PASSCODE'], {
    description: 'Which payload is meant.',
    examples: ['PASSCODE'],
  }),
  passwordPayload: Type.Optional(
    Type.Object(
      {
        password: Type.String({
          maxLength: 2000,
          description: 'As strong as the account policy asks; encrypted as passwordEncryptType says.',
          examples: ['correct horse battery'],
        }),
        username: text(100, 'To sign in with. Upper and lower case are the same.', 'ada'),
        email: text(
          300,
          'In place of a username. It counts as verified only after a code.',
          'ada@example.com',
        ),
      },
      { description: 'Where connection is PASSWORD.' },
    ),
  ),
  passCodePayload: Type.Optional(
    Type.Object(
      {
        passCode: Type.String({
          maxLength: 100,
          description: 'The code that send-sms or send-email with CHANNEL_REGISTER sent. Usable once.',
          examples: ['123456'],
        }),
        email: text(300, 'The address that got the code, in place of a phone.', 'ada@example.com'),
        phone: text(100, 'The number that got the code, without its calling code.', '18812345678'),
        phoneCountryCode: text(20, 'The calling code. Default +86 (mainland China).', '+86'),
      },
      { description: 'Where connection is PASSCODE.' },
    ),
  ),
  profile: Type.Optional(Profile),
  options: Type.Optional(
    Type.Object(
      {
        clientIp: text(
          64,
          'The address of the user, where a server of yours makes the call. Believed only with the application’s secret.',
          '203.0.113.7',
        ),
        phonePassCodeForInformationCompletion: text(
          100,
          'The code for profile.phone, sent with CHANNEL_COMPLETE_PHONE.',
          '123456',
        ),
        emailPassCodeForInformationCompletion: text(
          100,
          'The code for profile.email, sent with CHANNEL_COMPLETE_EMAIL.',
          '123456',
        ),
        passwordForPhonePassCode: text(
          2000,
          'A password for a user who signs up with a code.',
          'correct horse battery',
        ),
        context: Type.Optional(
          Type.Record(Type.String(), Type.Unknown(), { description: 'Ignored: there are no pipelines.' }),
        ),
        passwordEncryptType: Type.Optional(
          Type.Enum(['none', 'rsa', 'sm2'], {
            default: 'none',
            description: 'How the password is encrypted, with the keys of /api/v3/system.',
          }),
        ),
      },
      { description: 'What is seldom needed.' },
    ),
  ),
})

type Body = Static<typeof SignUpBody>

const parseBy = (body: Body): SignUpRequest['by'] => {
  if (body.connection === 'PASSWORD') {
    const payload = body.passwordPayload
    if (payload === undefined)
      throw fieldInvalid('passwordPayload', 'is required when connection is PASSWORD')
    if (payload.email) return { kind: 'email_password', email: requireEmail(payload.email) }
    if (payload.username) {
      return {
        kind: 'username_password',
        username: requireUsername(payload.username, 'passwordPayload.username'),
      }
    }
    throw fieldInvalid('passwordPayload', 'needs a username or an email')
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

/** A further phone or email in the profile is taken over only with its code; the one that is signed up with is known. */
const parseCompletion = (
  { profile = {}, options = {} }: Body,
  by: SignUpRequest['by'],
): SignUpRequest['completion'] => {
  const completion: SignUpRequest['completion'] = {}
  if (profile.phone) {
    const { phone } = requirePhone(profile.phone, profile.phoneCountryCode, 'profile.phone')
    const code = options.phonePassCodeForInformationCompletion
    const isSame = by.kind === 'phone_passcode' && by.phone === phone
    if (!isSame && by.kind === 'phone_passcode')
      throw fieldInvalid('profile.phone', 'differs from passCodePayload.phone')
    if (!isSame && code === undefined) {
      throw fieldInvalid('options.phonePassCodeForInformationCompletion', 'is required with profile.phone')
    }
    if (!isSame && code !== undefined) completion.phone = { phone, code }
  }
  if (profile.email) {
    const email = requireEmail(profile.email)
    const code = options.emailPassCodeForInformationCompletion
    const isSame = 'email' in by && by.email === email
    if (!isSame && 'email' in by)
      throw fieldInvalid('profile.email', 'differs from the email that is signed up with')
    if (!isSame && code === undefined) {
      throw fieldInvalid('options.emailPassCodeForInformationCompletion', 'is required with profile.email')
    }
    if (!isSame && code !== undefined) completion.email = { email, code }
  }
  return completion
}

const parseProfile = ({ profile = {} }: Body): Record<string, string> =>
  Object.fromEntries(
    profileFields.flatMap((name) => {
      const value = (profile as Record<string, unknown>)[name]
      return typeof value === 'string' && value !== '' ? [[name, value]] : []
    }),
  )

export const signUpRoutes = (http: Http, signUp: SignUp, passwords: Passwords): void => {
  http.post(
    '/api/v3/signup',
    {
      config: {
        access: 'application',
        limit: ['attemptsPerPasscode', 'passcodeFailuresHour', 'passwordFailuresHour'],
        refusals: [
          'registration_disabled',
          'phone_number_invalid',
          'email_invalid',
          'password_too_weak',
          'passcode_incorrect',
          'passcode_expired',
          'passcode_attempts_exceeded',
          'user_exists',
          'phone_claim_started',
          'username_taken',
          'account_locked',
        ],
      },
      schema: {
        operationId: 'signUp',
        tags: ['Sign-up and sign-in'],
        summary: 'Make a user',
        description:
          'By email and password, username and password, email code, or phone code: a code is sent before, by send-sms or send-email with CHANNEL_REGISTER. Gives the user and no tokens: sign in next.',
        body: SignUpBody,
        response: { 200: envelopeOf(UserDto) },
      },
    },
    async (request) => {
      const { body, application, clientIp } = request
      const by = parseBy(body)
      const typed =
        body.connection === 'PASSWORD'
          ? body.passwordPayload?.password
          : body.options?.passwordForPhonePassCode
      const encryption = body.options?.passwordEncryptType ?? 'none'
      const user = await signUp.signUp({
        application,
        ip: clientIp,
        language: request.locale,
        by,
        password:
          typed === undefined
            ? undefined
            : await passwords.open({
                password: typed,
                encryption,
                field: 'passwordPayload.password',
                poolId: application.poolId,
                ip: clientIp,
              }),
        completion: parseCompletion(body, by),
        username: body.profile?.username
          ? requireUsername(body.profile.username, 'profile.username')
          : undefined,
        profile: parseProfile(body),
        customData: body.profile?.customData ?? {},
      })
      return ok(request, toUserDto(user, { scope: allScopes, withCustomData: true }))
    },
  )
}
