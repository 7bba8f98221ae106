import type { FastifyError } from 'fastify'
import { Type } from 'typebox'
import { fieldInvalid } from '../api-codes.ts'
import { envelope, envelopeOf, type Http, ok } from '../core/http.ts'
import { unlimited } from '../limits.ts'
import { requirePhone } from '../phone-numbers/phone-numbers.ts'
import type { Phone } from './phone.ts'

const tags = ['Phone']

const phoneNumber = (description: string) =>
  Type.String({
    maxLength: 100,
    description: `${description} Without its calling code. Spaces and dashes are fine; so is a pasted full number.`,
    examples: ['18812345678'],
  })

const callingCode = Type.String({
  maxLength: 20,
  description: 'The calling code. Default +86 (mainland China).',
  examples: ['+86'],
})

const passCode = (description: string) =>
  Type.String({ maxLength: 100, description: `${description} Usable once.`, examples: ['123456'] })

const BindPhoneBody = Type.Object({
  phoneNumber: phoneNumber('The number.'),
  passCode: passCode('The code of the message that send-sms with CHANNEL_BIND_PHONE sent.'),
  phoneCountryCode: Type.Optional(callingCode),
})

const VerifyUpdatePhoneBody = Type.Object({
  verifyMethod: Type.Enum(['PHONE_PASSCODE'], { description: 'The only way.', examples: ['PHONE_PASSCODE'] }),
  phonePassCodePayload: Type.Object(
    {
      newPhoneNumber: phoneNumber('The new number.'),
      newPhonePassCode: passCode('The code that send-sms with CHANNEL_BIND_PHONE sent to the new number.'),
      newPhoneCountryCode: Type.Optional(callingCode),
      oldPhoneNumber: Type.Optional(
        phoneNumber('The current number. Needed, with its code, unless another factor was proved just now.'),
      ),
      oldPhonePassCode: Type.Optional(
        passCode('The code that send-sms with CHANNEL_UNBIND_PHONE sent to the current number.'),
      ),
      oldPhoneCountryCode: Type.Optional(callingCode),
      oldPhoneLost: Type.Optional(
        Type.Boolean({
          description:
            'The current number cannot be read any more: the change then waits for the hours that the account policy names, and its owner can stop it meanwhile. Ours; GenAuth has no such field.',
          examples: [false],
        }),
      ),
    },
    { description: 'The numbers and their codes.' },
  ),
})

const UpdatePhoneToken = Type.Object({
  updatePhoneToken: Type.String({
    description: 'For update-phone, once.',
    examples: ['k3Zb0m9iV5nq2QJ7c1xWfR8uT4yE6oPaLsDdHgBvNzM'],
  }),
  tokenExpiresIn: Type.Integer({ description: 'How long the token is good, in seconds.', examples: [60] }),
})

const UpdatePhoneBody = Type.Object({
  updatePhoneToken: Type.String({
    maxLength: 200,
    description: 'Of verify-update-phone-request.',
    examples: ['k3Zb0m9iV5nq2QJ7c1xWfR8uT4yE6oPaLsDdHgBvNzM'],
  }),
})

const PhoneUpdated = Type.Object({
  success: Type.Boolean({ description: 'Always true.', examples: [true] }),
  effectiveAt: Type.Optional(
    Type.String({
      description: 'The old number was lost: when the change takes effect. ISO 8601, UTC.',
    }),
  ),
})

const UnbindPhoneBody = Type.Object({
  passCode: passCode('The code that send-sms with CHANNEL_UNBIND_PHONE sent to the current number.'),
})

const passcodeLimits = ['attemptsPerPasscode', 'passcodeFailuresHour'] as const
const passcodeRefusals = ['passcode_incorrect', 'passcode_expired', 'passcode_attempts_exceeded'] as const

/** Some clients send empty texts for fields that they have not. */
const given = (text: string | undefined): string | undefined => text || undefined

export const phoneRoutes = (http: Http, phone: Phone): void => {
  http.post(
    '/api/v3/bind-phone',
    {
      config: {
        access: 'token',
        limit: passcodeLimits,
        refusals: [
          'phone_number_invalid',
          'user_disabled',
          'phone_already_bound',
          'phone_taken',
          'phone_claim_started',
          ...passcodeRefusals,
        ],
      },
      schema: {
        operationId: 'bindPhone',
        tags,
        summary: 'Bind a phone to the signed-in account',
        description:
          'For a user who has no phone yet; or, with the own number, to confirm one that was not confirmed for long. Send a code to the number first: send-sms with CHANNEL_BIND_PHONE.',
        body: BindPhoneBody,
        response: { 200: envelope() },
      },
    },
    async (request) => {
      const { body, user, application, clientIp, locale } = request
      const { phone: number } = requirePhone(body.phoneNumber, body.phoneCountryCode, 'phoneNumber')
      await phone.bind({
        user,
        application,
        phone: number,
        passcode: body.passCode,
        ip: clientIp,
        language: locale,
      })
      return ok(request)
    },
  )

  http.post(
    '/api/v3/verify-update-phone-request',
    {
      config: {
        access: 'user',
        limit: passcodeLimits,
        refusals: [
          'phone_number_invalid',
          'user_disabled',
          'phone_not_bound',
          'phone_unchanged',
          'old_phone_proof_required',
          'phone_taken',
          'phone_claim_started',
          ...passcodeRefusals,
        ],
      },
      schema: {
        operationId: 'verifyUpdatePhoneRequest',
        tags,
        summary: 'Prove the old and the new number',
        description:
          'The first half of a change: gives the token that update-phone takes. Send a code to each number first: send-sms with CHANNEL_BIND_PHONE to the new one, and with CHANNEL_UNBIND_PHONE to the current one. Either channel does for either number. A wrong code does not spend the other.',
        body: VerifyUpdatePhoneBody,
        response: { 200: envelopeOf(UpdatePhoneToken) },
      },
    },
    async (request) => {
      const { body, user, application, clientIp, locale } = request
      const { phonePassCodePayload: payload } = body
      const field = (name: string) => `phonePassCodePayload.${name}`
      const oldNumber = given(payload.oldPhoneNumber)
      const { token, expiresInSeconds } = await phone.verifyChange({
        user,
        application,
        newPhone: requirePhone(payload.newPhoneNumber, payload.newPhoneCountryCode, field('newPhoneNumber'))
          .phone,
        newPasscode: payload.newPhonePassCode,
        oldPhone:
          oldNumber === undefined
            ? undefined
            : requirePhone(oldNumber, payload.oldPhoneCountryCode, field('oldPhoneNumber')).phone,
        oldPasscode: given(payload.oldPhonePassCode),
        oldPhoneLost: payload.oldPhoneLost ?? false,
        ip: clientIp,
        language: locale,
      })
      return ok(request, { updatePhoneToken: token, tokenExpiresIn: expiresInSeconds })
    },
  )

  http.post(
    '/api/v3/update-phone',
    {
      config: {
        access: 'user',
        limit: unlimited('needs a token that verify-update-phone-request gave, which works once'),
        refusals: ['user_disabled', 'step_up_token_invalid', 'phone_taken'],
      },
      schema: {
        operationId: 'updatePhone',
        tags,
        summary: 'Change the phone',
        description:
          'The second half of a change, after verify-update-phone-request. The other sessions of the user end; the old number and the email address are told, with a link that undoes it. After oldPhoneLost the change waits until effectiveAt.',
        body: UpdatePhoneBody,
        response: { 200: envelopeOf(PhoneUpdated) },
      },
    },
    async (request) => {
      const { body, user, application, clientIp, locale } = request
      const { effectiveAt } = await phone.change({
        user,
        application,
        token: body.updatePhoneToken,
        ip: clientIp,
        language: locale,
      })
      return ok(request, {
        success: true,
        ...(effectiveAt === undefined ? {} : { effectiveAt: effectiveAt.toISOString() }),
      })
    },
  )

  http.post(
    '/api/v3/unbind-phone',
    {
      config: {
        access: 'user',
        limit: passcodeLimits,
        refusals: ['user_disabled', 'phone_not_bound', 'last_sign_in_method', ...passcodeRefusals],
      },
      errorHandler: explainMissingCode,
      schema: {
        operationId: 'unbindPhone',
        tags,
        summary: 'Unbind the phone',
        description:
          'Takes the phone off the signed-in account. Send a code to it first: send-sms with CHANNEL_UNBIND_PHONE. Refused where nothing else would be left to sign in with. The other sessions of the user end; the number and the email address are told, with a link that undoes it.',
        body: UnbindPhoneBody,
        response: { 200: envelope() },
      },
    },
    async (request) => {
      const { body, user, application, clientIp, locale } = request
      await phone.unbind({
        user,
        application,
        passcode: body.passCode,
        ip: clientIp,
        language: locale,
      })
      return ok(request)
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
    'is required: send-sms with CHANNEL_UNBIND_PHONE sends it to the current number',
  )
}
