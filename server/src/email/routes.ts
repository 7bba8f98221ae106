import type { FastifyError, FastifyRequest } from 'fastify'
import { Type } from 'typebox'
import { fieldInvalid } from '../api-codes.ts'
import { envelope, envelopeOf, type Http, ok } from '../core/http.ts'
import { requireEmail } from '../users/users.ts'
import type { Caller, Email } from './email.ts'

const passCode = (channels: string) =>
  Type.String({
    maxLength: 100,
    description: `The code of the message that send-email with ${channels} sent. Usable once.`,
    examples: ['123456'],
  })

const address = (description: string) =>
  Type.String({ maxLength: 300, description, examples: ['ada@example.com'] })

const BindEmailBody = Type.Object({
  email: address('The address; upper and lower case are the same.'),
  passCode: passCode('CHANNEL_BIND_EMAIL'),
})

const UnbindEmailBody = Type.Object({ passCode: passCode('CHANNEL_UNBIND_EMAIL') })

const codeAt = (where: string) =>
  Type.String({
    maxLength: 100,
    description: `The code that send-email sent to ${where}, with CHANNEL_UPDATE_EMAIL (CHANNEL_BIND_EMAIL and CHANNEL_UNBIND_EMAIL will do too). Usable once.`,
    examples: ['123456'],
  })

const VerifyUpdateEmailRequestBody = Type.Object({
  verifyMethod: Type.Enum(['EMAIL_PASSCODE'], {
    description: 'The only one there is.',
    examples: ['EMAIL_PASSCODE'],
  }),
  emailPassCodePayload: Type.Object(
    {
      newEmail: address('The new address.'),
      newEmailPassCode: codeAt('the new address'),
      oldEmail: Type.Optional(address('The current address; it may be left out.')),
      oldEmailPassCode: Type.Optional(codeAt('the current address')),
    },
    { description: 'The addresses and their codes.' },
  ),
})

const UpdateEmailToken = Type.Object({
  updateEmailToken: Type.String({
    description: 'For update-email. Usable once, in this session.',
    examples: ['kZ0mVn6cXq1sQ4x9'],
  }),
  tokenExpiresIn: Type.Integer({ description: 'How long the token is good, in seconds.', examples: [60] }),
})

const UpdateEmailBody = Type.Object({
  updateEmailToken: Type.String({
    maxLength: 200,
    description: 'What verify-update-email-request gave.',
    examples: ['kZ0mVn6cXq1sQ4x9'],
  }),
})

const codeLimits = ['attemptsPerPasscode', 'passcodeFailuresHour'] as const
const codeRefusals = ['passcode_incorrect', 'passcode_expired', 'passcode_attempts_exceeded'] as const

const callerOf = (request: FastifyRequest): Caller => ({
  user: request.user,
  application: request.application,
  ip: request.clientIp,
  language: request.locale,
})

/** Some clients send an empty text for a field that they leave out. */
const given = (text: string | undefined) => (text === undefined || text === '' ? undefined : text)

export const emailRoutes = (http: Http, email: Email): void => {
  http.post(
    '/api/v3/bind-email',
    {
      config: {
        access: 'user',
        limit: ['accountChangesHour', ...codeLimits],
        refusals: [
          'email_invalid',
          'user_disabled',
          'email_already_bound',
          'email_taken',
          'sms_limit_reached',
          ...codeRefusals,
        ],
      },
      schema: {
        operationId: 'bindEmail',
        tags: ['Email'],
        summary: 'Bind an email address to the signed-in account',
        description:
          'For a user who has no address yet, or has not verified it. Send a code there first: send-email with CHANNEL_BIND_EMAIL.',
        body: BindEmailBody,
        response: { 200: envelope() },
      },
    },
    async (request) => {
      const { body } = request
      await email.bind({
        caller: callerOf(request),
        email: requireEmail(body.email),
        passcode: body.passCode,
      })
      return ok(request)
    },
  )

  http.post(
    '/api/v3/unbind-email',
    {
      config: {
        access: 'user',
        limit: ['accountChangesHour', ...codeLimits],
        refusals: [
          'user_disabled',
          'email_not_bound',
          'last_sign_in_method',
          'sms_limit_reached',
          ...codeRefusals,
        ],
      },
      errorHandler: explainMissingCode,
      schema: {
        operationId: 'unbindEmail',
        tags: ['Email'],
        summary: 'Take the email address off the signed-in account',
        description:
          'Send a code to the current address first: send-email with CHANNEL_UNBIND_EMAIL. Refused where it is the only way to sign in. Other sessions end; the address and the phone are told.',
        body: UnbindEmailBody,
        response: { 200: envelope() },
      },
    },
    async (request) => {
      await email.unbind({ caller: callerOf(request), passcode: request.body.passCode })
      return ok(request)
    },
  )

  http.post(
    '/api/v3/verify-update-email-request',
    {
      config: {
        access: 'user',
        limit: codeLimits,
        refusals: [
          'email_invalid',
          'user_disabled',
          'email_not_bound',
          'email_unchanged',
          'old_email_proof_required',
          'email_taken',
          ...codeRefusals,
        ],
      },
      schema: {
        operationId: 'verifyUpdateEmailRequest',
        tags: ['Email'],
        summary: 'Prove what changing the email address needs',
        description:
          'The first half of a change: gives the token that update-email takes. Send a code to the new address first, and one to the current address: send-email with CHANNEL_UPDATE_EMAIL. The second is not needed where the pool does not ask for it, or another factor was proved within five minutes; nor for an address that was never verified, by who signed in within five minutes: it may be mistyped.',
        body: VerifyUpdateEmailRequestBody,
        response: { 200: envelopeOf(UpdateEmailToken) },
      },
    },
    async (request) => {
      const { newEmail, newEmailPassCode, oldEmail, oldEmailPassCode } = request.body.emailPassCodePayload
      const old = given(oldEmail)
      const { token, tokenExpiresIn } = await email.requestChange({
        caller: callerOf(request),
        email: requireEmail(newEmail),
        passcode: newEmailPassCode,
        old: {
          email: old === undefined ? undefined : requireEmail(old),
          passcode: given(oldEmailPassCode),
        },
      })
      return ok(request, { updateEmailToken: token, tokenExpiresIn })
    },
  )

  http.post(
    '/api/v3/update-email',
    {
      config: {
        access: 'user',
        limit: ['accountChangesHour'],
        refusals: ['user_disabled', 'step_up_token_invalid', 'email_taken', 'sms_limit_reached'],
      },
      schema: {
        operationId: 'updateEmail',
        tags: ['Email'],
        summary: 'Change the email address of the signed-in account',
        description:
          'The second half of a change, after verify-update-email-request. Other sessions end; the old address and the phone are told, with a link that undoes it.',
        body: UpdateEmailBody,
        response: {
          200: envelopeOf(Type.Object({ success: Type.Boolean({ description: 'Always true.' }) })),
        },
      },
    },
    async (request) => {
      await email.change({ caller: callerOf(request), token: request.body.updateEmailToken })
      return ok(request, { success: true })
    },
  )
}

/** The Flutter SDK calls with no body at all: say what is missing, and where it comes from. */
const explainMissingCode = (error: FastifyError): never => {
  const isMissing = error.validation?.some(
    ({ instancePath, keyword }) => instancePath === '' && (keyword === 'required' || keyword === 'type'),
  )
  if (isMissing !== true) throw error
  throw fieldInvalid(
    'passCode',
    'is required: send-email with CHANNEL_UNBIND_EMAIL sends it to the current address',
  )
}
