import { type Static, Type } from 'typebox'
import { fieldInvalid } from '../api-codes.ts'
import type { Captcha } from '../captcha/captcha.ts'
import { envelope, envelopeOf, type Http, ok } from '../core/http.ts'
import { requirePhone } from '../phone-numbers/phone-numbers.ts'
import { requireEmail } from '../users/users.ts'
import type { PasswordChanges, PasswordCheck, Passwords, ResetProof } from './passwords.ts'

const encryptType = Type.Optional(
  Type.Enum(['none', 'rsa', 'sm2'], {
    default: 'none',
    description: 'How the passwords are encrypted, with the keys of /api/v3/system.',
  }),
)

const password = (description: string) =>
  Type.String({ maxLength: 2000, description, examples: ['a new horse battery'] })

const code = Type.String({
  maxLength: 100,
  description: 'The code that send-sms or send-email with CHANNEL_RESET_PASSWORD sent. Usable once.',
  examples: ['123456'],
})

const resetToken = (description: string) =>
  Type.String({ maxLength: 200, description, examples: ['1wWsyVJDXtDv1nLhtSBjUIGiGFeXFZ0zwXVXjK1v0kM'] })

const UpdatePasswordBody = Type.Object({
  newPassword: password('As strong as the account policy asks.'),
  oldPassword: Type.Optional(
    Type.String({
      maxLength: 2000,
      description: 'Required where a password is set, unless passwordResetToken is given.',
      examples: ['correct horse battery'],
    }),
  ),
  passwordEncryptType: encryptType,
  passwordResetToken: Type.Optional(
    resetToken('Of verify-reset-password-request for the own account, in place of the old password.'),
  ),
})

const VerifyResetBody = Type.Object({
  verifyMethod: Type.Enum(['EMAIL_PASSCODE', 'PHONE_PASSCODE'], {
    description: 'Which payload is meant.',
    examples: ['PHONE_PASSCODE'],
  }),
  phonePassCodePayload: Type.Optional(
    Type.Object(
      {
        phoneNumber: Type.String({
          maxLength: 100,
          description: 'The number that got the code, without its calling code.',
          examples: ['18812345678'],
        }),
        passCode: code,
        phoneCountryCode: Type.Optional(
          Type.String({
            maxLength: 20,
            description: 'The calling code. Default +86 (mainland China).',
            examples: ['+86'],
          }),
        ),
      },
      { description: 'Where verifyMethod is PHONE_PASSCODE.' },
    ),
  ),
  emailPassCodePayload: Type.Optional(
    Type.Object(
      {
        email: Type.Optional(
          Type.String({
            maxLength: 300,
            description: 'The address that got the code. Upper and lower case are the same.',
            examples: ['ada@example.com'],
          }),
        ),
        passCode: code,
      },
      { description: 'Where verifyMethod is EMAIL_PASSCODE.' },
    ),
  ),
})

const ResetToken = Type.Object({
  passwordResetToken: resetToken('For reset-password or update-password. Works once.'),
  tokenExpiresIn: Type.Integer({ description: 'How long the token is good, in seconds.', examples: [60] }),
})

const ResetPasswordBody = Type.Object({
  password: password('The new password, as strong as the account policy asks.'),
  passwordResetToken: resetToken('Of verify-reset-password-request.'),
  passwordEncryptType: encryptType,
})

const identifierText = (maxLength: number, description: string, example: string) =>
  Type.Optional(Type.String({ maxLength, description, examples: [example] }))

const ValidatePasswordBody = Type.Object({
  email: identifierText(
    300,
    'Whose password, by the email address; goes before a phone and a username.',
    'ada@example.com',
  ),
  phone: identifierText(
    100,
    'Whose password, by the phone without its calling code; goes before a username.',
    '18812345678',
  ),
  phoneCountryCode: identifierText(20, 'The calling code. Default +86 (mainland China).', '+86'),
  username: identifierText(100, 'Whose password, by the username. Upper and lower case are the same.', 'ada'),
  password: Type.String({
    maxLength: 2000,
    description: 'The password to check, encrypted as passwordEncryptType says.',
    examples: ['correct horse battery'],
  }),
  passwordEncryptType: encryptType,
  captchaToken: Type.Optional(
    Type.String({
      maxLength: 2000,
      description: 'Of get-captcha-code, after captcha_required.',
      examples: ['8f1c2d3e4f50.Zm9v…'],
    }),
  ),
  captchaCode: Type.Optional(
    Type.String({
      maxLength: 100,
      description: 'What the picture shows; case does not matter.',
      examples: ['7KQF'],
    }),
  ),
})

const Success = Type.Object({
  success: Type.Boolean({ description: 'Always true.', examples: [true] }),
})
const Validity = Type.Object({ valid: Type.Boolean({ description: 'Whether the password is right.' }) })

const parseProof = (body: Static<typeof VerifyResetBody>): Omit<ResetProof, 'application'> => {
  if (body.verifyMethod === 'PHONE_PASSCODE') {
    const payload = body.phonePassCodePayload
    if (payload === undefined)
      throw fieldInvalid('phonePassCodePayload', 'is required when verifyMethod is PHONE_PASSCODE')
    const field = 'phonePassCodePayload.phoneNumber'
    const { phone } = requirePhone(payload.phoneNumber, payload.phoneCountryCode, field)
    return { by: { kind: 'phone', phone }, code: payload.passCode }
  }
  const payload = body.emailPassCodePayload
  if (payload === undefined)
    throw fieldInvalid('emailPassCodePayload', 'is required when verifyMethod is EMAIL_PASSCODE')
  // The SDK's types leave it open; without it nobody can know whose password is meant.
  if (!payload.email) throw fieldInvalid('emailPassCodePayload.email', 'is required')
  return { by: { kind: 'email', email: requireEmail(payload.email) }, code: payload.passCode }
}

const parseIdentifier = (body: Static<typeof ValidatePasswordBody>): PasswordCheck['identifier'] => {
  if (body.email) return { kind: 'email', email: requireEmail(body.email) }
  if (body.phone) {
    const { phone } = requirePhone(body.phone, body.phoneCountryCode, 'phone')
    return { kind: 'phone', phone }
  }
  if (body.username) return { kind: 'username', username: body.username.normalize('NFKC').trim() }
  throw fieldInvalid('body', 'needs an email, a phone or a username')
}

type Features = { passwords: Passwords; passwordChanges: PasswordChanges; captcha: Captcha }

export const passwordRoutes = (http: Http, { passwords, passwordChanges, captcha }: Features): void => {
  http.post(
    '/api/v3/update-password',
    {
      config: {
        access: 'user',
        limit: ['accountChangesHour', 'passwordFailuresHour'],
        refusals: [
          'user_disabled',
          'password_too_weak',
          'old_password_incorrect',
          'account_locked',
          'step_up_token_invalid',
          'sms_limit_reached',
        ],
      },
      schema: {
        operationId: 'updatePassword',
        tags: ['Profile'],
        summary: 'Change the own password',
        description:
          'For a signed-in user who knows the old password, or has proved the phone or email address with verify-reset-password-request. Ends the other sessions of the account, and tells its phone and email address, with a link that undoes it.',
        body: UpdatePasswordBody,
        response: { 200: envelope() },
      },
    },
    async (request) => {
      const { body, user, application, clientIp: ip, locale: language } = request
      const { passwordEncryptType: encryption = 'none', passwordResetToken: token } = body
      const open = (sealed: string, field: string) =>
        passwords.open({ password: sealed, encryption, field, poolId: application.poolId, ip })
      const newPassword = await open(body.newPassword, 'newPassword')
      const oldPassword =
        body.oldPassword === undefined || token !== undefined
          ? undefined
          : await open(body.oldPassword, 'oldPassword')
      await passwordChanges.update({
        user,
        application,
        ip,
        language,
        newPassword,
        oldPassword,
        resetToken: token,
      })
      return ok(request)
    },
  )

  http.post(
    '/api/v3/verify-reset-password-request',
    {
      config: {
        access: 'application',
        limit: ['attemptsPerPasscode', 'passcodeFailuresHour'],
        refusals: [
          'phone_number_invalid',
          'email_invalid',
          'passcode_incorrect',
          'passcode_expired',
          'passcode_attempts_exceeded',
          'user_not_found',
          'user_disabled',
          'phone_proof_stale',
        ],
      },
      schema: {
        operationId: 'verifyResetPasswordRequest',
        tags: ['Sign-up and sign-in'],
        summary: 'Prove a phone or email address, to reset the password',
        description:
          'For who forgot the password: gives the token that reset-password takes. Send a code first: send-sms or send-email with CHANNEL_RESET_PASSWORD. An unknown number is answered like a wrong code.',
        body: VerifyResetBody,
        response: { 200: envelopeOf(ResetToken) },
      },
    },
    async (request) => {
      const { application, body } = request
      const { token, expiresInSeconds } = await passwordChanges.verifyReset({
        application,
        ...parseProof(body),
      })
      return ok(request, { passwordResetToken: token, tokenExpiresIn: expiresInSeconds })
    },
  )

  http.post(
    '/api/v3/reset-password',
    {
      config: {
        access: 'application',
        limit: ['accountChangesHour', 'passwordFailuresHour'],
        refusals: [
          'step_up_token_invalid',
          'user_disabled',
          'password_too_weak',
          'account_locked',
          'sms_limit_reached',
        ],
      },
      schema: {
        operationId: 'resetPassword',
        tags: ['Sign-up and sign-in'],
        summary: 'Set a new password with the token of a proof',
        description:
          'The second half of a reset, after verify-reset-password-request. Ends all sessions of the account. A password that is too weak does not spend the token. An email address whose code opened the way counts as verified from then on.',
        body: ResetPasswordBody,
        response: { 200: envelopeOf(Success) },
      },
    },
    async (request) => {
      const { body, application, clientIp: ip, locale: language } = request
      const opened = await passwords.open({
        password: body.password,
        encryption: body.passwordEncryptType ?? 'none',
        field: 'password',
        poolId: application.poolId,
        ip,
      })
      const resetToken = body.passwordResetToken
      await passwordChanges.reset({ application, ip, language, password: opened, resetToken })
      return ok(request, { success: true })
    },
  )

  http.post(
    '/api/v3/validate-password',
    {
      config: {
        access: 'application',
        limit: ['signInFailuresBeforeCaptcha', 'identifierFailuresBeforeCaptcha', 'passwordFailuresHour'],
        refusals: [
          'phone_number_invalid',
          'email_invalid',
          'account_locked',
          'captcha_required',
          'user_disabled',
          'password_reset_required',
        ],
      },
      schema: {
        operationId: 'validatePassword',
        tags: ['Sign-up and sign-in'],
        summary: 'Whether a password is right',
        description:
          'Asks for the password once more before something important. Starts no session. Counted with the wrong passwords of sign-in, and refused as sign-in refuses; an unknown account is answered like a wrong password.',
        body: ValidatePasswordBody,
        response: { 200: envelopeOf(Validity) },
      },
    },
    async (request) => {
      const { body, application, clientIp: ip } = request
      const { poolId } = application
      const identifier = parseIdentifier(body)
      const opened = await passwords.open({
        password: body.password,
        encryption: body.passwordEncryptType ?? 'none',
        field: 'password',
        poolId,
        ip,
      })
      const { captchaToken = '', captchaCode = '' } = body
      const captchaSolved = captchaToken !== '' && (await captcha.verify(poolId, captchaToken, captchaCode))
      const valid = await passwordChanges.validate({
        application,
        ip,
        identifier,
        password: opened,
        captchaSolved,
      })
      return ok(request, { valid })
    },
  )
}
