import { Type } from 'typebox'
import { fieldInvalid } from '../api-codes.ts'
import { envelopeOf, type Http, ok } from '../core/http.ts'
import { requirePhone } from '../phone-numbers/phone-numbers.ts'
import { requireEmail } from '../users/users.ts'
import { type Passcodes, purposeOf, wireChannelsOf } from './passcodes.ts'

const passCode = Type.String({ maxLength: 100, description: 'The code to check.', examples: ['123456'] })

const PreCheckBody = Type.Object({
  codeType: Type.Enum(['SMS', 'EMAIL'], {
    description: 'Which of the two payloads below is meant.',
    examples: ['SMS'],
  }),
  smsCodePayload: Type.Optional(
    Type.Object(
      {
        phone: Type.String({
          maxLength: 100,
          description: 'The number that got the code, without its calling code.',
          examples: ['18812345678'],
        }),
        passCode,
        channel: Type.Enum(wireChannelsOf('sms'), {
          description: 'What send-sms was called with.',
          examples: ['CHANNEL_BIND_PHONE'],
        }),
        phoneCountryCode: Type.Optional(
          Type.String({
            maxLength: 20,
            description: 'The calling code. Default +86 (mainland China).',
            examples: ['+86'],
          }),
        ),
      },
      { description: 'Where codeType is SMS.' },
    ),
  ),
  emailCodePayload: Type.Optional(
    Type.Object(
      {
        email: Type.String({
          maxLength: 300,
          description: 'The address that got the code.',
          examples: ['ada@example.com'],
        }),
        passCode,
        channel: Type.Enum(wireChannelsOf('email'), {
          description: 'What send-email was called with.',
          examples: ['CHANNEL_LOGIN'],
        }),
      },
      { description: 'Where codeType is EMAIL.' },
    ),
  ),
})

type Payloads = {
  codeType: 'SMS' | 'EMAIL'
  smsCodePayload?: { phone: string; passCode: string; channel: string; phoneCountryCode?: string }
  emailCodePayload?: { email: string; passCode: string; channel: string }
}

/** Which code is asked about; the schema alone cannot say that one payload goes with one type. */
const parseQuestion = ({ codeType, smsCodePayload, emailCodePayload }: Payloads) => {
  if (codeType === 'SMS') {
    if (smsCodePayload === undefined) throw fieldInvalid('smsCodePayload', 'is required when codeType is SMS')
    const { phone } = requirePhone(
      smsCodePayload.phone,
      smsCodePayload.phoneCountryCode,
      'smsCodePayload.phone',
    )
    return {
      recipient: phone,
      purpose: purposeOf('sms', smsCodePayload.channel),
      code: smsCodePayload.passCode,
    }
  }
  if (emailCodePayload === undefined)
    throw fieldInvalid('emailCodePayload', 'is required when codeType is EMAIL')
  return {
    recipient: requireEmail(emailCodePayload.email),
    purpose: purposeOf('email', emailCodePayload.channel),
    code: emailCodePayload.passCode,
  }
}

export const passcodeRoutes = (http: Http, passcodes: Passcodes): void => {
  http.post(
    '/api/v3/pre-check-code',
    {
      config: {
        access: 'application',
        limit: ['attemptsPerPasscode', 'passcodeFailuresHour'],
        refusals: ['phone_number_invalid', 'email_invalid', 'passcode_attempts_exceeded'],
      },
      schema: {
        operationId: 'preCheckCode',
        tags: ['Codes'],
        summary: 'Check a code without consuming it',
        description:
          'For a form that tells a person at once whether the code is right. The code of send-sms or send-email stays usable. A wrong guess counts like any other.',
        body: PreCheckBody,
        response: {
          200: envelopeOf(
            Type.Object({
              isValid: Type.Boolean({
                description: 'Whether the call that the code is for would accept it now.',
              }),
              message: Type.Optional(Type.String({ description: 'Why the code is not valid.' })),
            }),
          ),
        },
      },
    },
    async (request) => {
      const { recipient, purpose, code } = parseQuestion(request.body as Payloads)
      if (purpose === undefined) throw fieldInvalid('channel', 'is not a channel of this codeType')
      const { application, sender } = request
      const proof = passcodes.proof({
        application,
        purpose,
        recipient,
        code,
        userId: sender?.userId,
        consume: false,
      })
      return ok(request, await passcodes.check(proof, request.language))
    },
  )
}
