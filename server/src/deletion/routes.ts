import { type Static, Type } from 'typebox'
import { fieldInvalid } from '../api-codes.ts'
import { envelopeOf, type Http, ok } from '../core/http.ts'
import { unlimited } from '../limits.ts'
import type { Passwords } from '../passwords/passwords.ts'
import { requirePhone } from '../phone-numbers/phone-numbers.ts'
import { requireEmail } from '../users/users.ts'
import type { Deletion, DeletionProof } from './deletion.ts'

const code = Type.String({
  maxLength: 100,
  description: 'The code that send-sms or send-email with CHANNEL_DELETE_ACCOUNT sent. Usable once.',
  examples: ['123456'],
})

const VerifyDeletionBody = Type.Object({
  verifyMethod: Type.Enum(['PHONE_PASSCODE', 'EMAIL_PASSCODE', 'PASSWORD'], {
    description: 'Which payload is meant. PASSWORD only where neither a phone nor a proved email is bound.',
    examples: ['PHONE_PASSCODE'],
  }),
  phonePassCodePayload: Type.Optional(
    Type.Object(
      {
        phoneNumber: Type.String({
          maxLength: 100,
          description: 'The phone of the account, without its calling code.',
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
            description: 'The address of the account; it is meant too where this is left out.',
            examples: ['ada@example.com'],
          }),
        ),
        passCode: code,
      },
      { description: 'Where verifyMethod is EMAIL_PASSCODE.' },
    ),
  ),
  passwordPayload: Type.Optional(
    Type.Object(
      {
        password: Type.String({
          maxLength: 2000,
          description: 'The password of the account, encrypted as passwordEncryptType says.',
          examples: ['correct horse battery'],
        }),
        passwordEncryptType: Type.Optional(
          Type.Enum(['none', 'rsa', 'sm2'], {
            default: 'none',
            description: 'How the password is encrypted, with the keys of /api/v3/system.',
          }),
        ),
      },
      { description: 'Where verifyMethod is PASSWORD.' },
    ),
  ),
})

type Body = Static<typeof VerifyDeletionBody>

const deleteAccountToken = (description: string) =>
  Type.String({
    maxLength: 200,
    description,
    examples: ['1wWsyVJDXtDv1nLhtSBjUIGiGFeXFZ0zwXVXjK1v0kM'],
  })

const DeletionToken = Type.Object({
  deleteAccountToken: deleteAccountToken('For delete-account, in the same session. Works once.'),
  tokenExpiresIn: Type.Integer({ description: 'How long the token is good, in seconds.', examples: [60] }),
})

const parseBy = async (
  body: Body,
  passwords: Passwords,
  from: { poolId: string; ip: string },
): Promise<DeletionProof['by']> => {
  if (body.verifyMethod === 'PHONE_PASSCODE') {
    const payload = body.phonePassCodePayload
    if (payload === undefined)
      throw fieldInvalid('phonePassCodePayload', 'is required when verifyMethod is PHONE_PASSCODE')
    const field = 'phonePassCodePayload.phoneNumber'
    const { phone } = requirePhone(payload.phoneNumber, payload.phoneCountryCode, field)
    return { kind: 'phone', phone, code: payload.passCode }
  }
  if (body.verifyMethod === 'EMAIL_PASSCODE') {
    const payload = body.emailPassCodePayload
    if (payload === undefined)
      throw fieldInvalid('emailPassCodePayload', 'is required when verifyMethod is EMAIL_PASSCODE')
    const email = payload.email ? requireEmail(payload.email) : undefined
    return { kind: 'email', email, code: payload.passCode }
  }
  const payload = body.passwordPayload
  if (payload === undefined)
    throw fieldInvalid('passwordPayload', 'is required when verifyMethod is PASSWORD')
  const encryption = payload.passwordEncryptType ?? 'none'
  const sealed = { password: payload.password, encryption, field: 'passwordPayload.password' }
  return { kind: 'password', password: await passwords.open({ ...sealed, ...from }) }
}

export const deletionRoutes = (http: Http, deletion: Deletion, passwords: Passwords): void => {
  http.post(
    '/api/v3/verify-delete-account-request',
    {
      config: {
        access: 'user',
        limit: ['attemptsPerPasscode', 'passcodeFailuresHour', 'passwordFailuresHour'],
        refusals: [
          'user_disabled',
          'phone_number_invalid',
          'email_invalid',
          'passcode_incorrect',
          'passcode_expired',
          'passcode_attempts_exceeded',
          'old_password_incorrect',
          'account_locked',
        ],
      },
      schema: {
        operationId: 'verifyDeleteAccountRequest',
        tags: ['Profile'],
        summary: 'Prove that the own account may be deleted',
        description:
          'The first half of a deletion: gives the token that delete-account takes. Send a code to the own phone or email address first: send-sms or send-email with CHANNEL_DELETE_ACCOUNT. A number that is not the account’s own is answered like a wrong code.',
        body: VerifyDeletionBody,
        response: { 200: envelopeOf(DeletionToken) },
      },
    },
    async (request) => {
      const { body, user, application, clientIp: ip } = request
      const by = await parseBy(body, passwords, { poolId: application.poolId, ip })
      const { token, expiresInSeconds } = await deletion.verify({ user, application, ip, by })
      return ok(request, { deleteAccountToken: token, tokenExpiresIn: expiresInSeconds })
    },
  )

  http.post(
    '/api/v3/delete-account',
    {
      config: {
        access: 'user',
        limit: unlimited('needs a token of 256 random bits'),
        refusals: ['user_disabled', 'step_up_token_invalid'],
      },
      schema: {
        operationId: 'deleteAccount',
        tags: ['Profile'],
        summary: 'Delete the own account for good',
        description:
          'The second half of a deletion, after verify-delete-account-request. The phone, the email address and the username are free at once; every token of the account is refused. It cannot be undone.',
        body: Type.Object({
          deleteAccountToken: deleteAccountToken(
            'Of verify-delete-account-request, in the same session. Works once.',
          ),
        }),
        response: {
          200: envelopeOf(
            Type.Object({ success: Type.Boolean({ description: 'Always true.', examples: [true] }) }),
          ),
        },
      },
    },
    async (request) => {
      const { body, user, application, locale: language } = request
      await deletion.delete({ user, application, token: body.deleteAccountToken, language })
      return ok(request, { success: true })
    },
  )
}
