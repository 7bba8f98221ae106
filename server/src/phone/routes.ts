import { Type } from 'typebox'
import { envelope, type Http, ok } from '../core/http.ts'
import { requirePhone } from '../phone-numbers/phone-numbers.ts'
import type { Phone } from './phone.ts'

const BindPhoneBody = Type.Object({
  phoneNumber: Type.String({
    maxLength: 100,
    description:
      'The number without its calling code. Spaces and dashes are fine; so is a pasted full number.',
    examples: ['18812345678'],
  }),
  passCode: Type.String({
    maxLength: 100,
    description: 'The code of the message that send-sms with CHANNEL_BIND_PHONE sent. Usable once.',
    examples: ['123456'],
  }),
  phoneCountryCode: Type.Optional(
    Type.String({
      maxLength: 20,
      description: 'The calling code. Default +86 (mainland China).',
      examples: ['+86'],
    }),
  ),
})

export const phoneRoutes = (http: Http, phone: Phone): void => {
  http.post(
    '/api/v3/bind-phone',
    {
      config: {
        access: 'token',
        limit: ['attemptsPerPasscode', 'passcodeFailuresHour'],
        refusals: [
          'phone_number_invalid',
          'user_disabled',
          'phone_already_bound',
          'phone_taken',
          'passcode_incorrect',
          'passcode_expired',
          'passcode_attempts_exceeded',
        ],
      },
      schema: {
        operationId: 'bindPhone',
        tags: ['Phone'],
        summary: 'Bind a phone to the signed-in account',
        description:
          'For a user who has no phone yet. Send a code to the number first: send-sms with CHANNEL_BIND_PHONE.',
        body: BindPhoneBody,
        response: { 200: envelope() },
      },
    },
    async (request) => {
      const { body, user, application, clientIp } = request
      const { phone: number } = requirePhone(body.phoneNumber, body.phoneCountryCode, 'phoneNumber')
      await phone.bind({ user, application, phone: number, passcode: body.passCode, ip: clientIp })
      return ok(request)
    },
  )
}
