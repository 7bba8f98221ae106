import { Type } from 'typebox'
import { fieldInvalid } from '../api-codes.ts'
import { captchaAnswerIn, captchaFields } from '../captcha/captcha.ts'
import { envelope, type Http, ok } from '../core/http.ts'
import { purposeOf, wireChannelsOf } from '../passcodes/passcodes.ts'
import { requirePhone } from '../phone-numbers/phone-numbers.ts'
import { type Sms, smsRoute } from './sms.ts'

const SendSmsBody = Type.Object({
  channel: Type.Enum(wireChannelsOf('sms'), {
    description: 'What the code is for. It is accepted by no other call.',
    examples: ['CHANNEL_BIND_PHONE'],
  }),
  phoneNumber: Type.String({
    maxLength: 100,
    description: 'The number without its calling code.',
    examples: ['18812345678'],
  }),
  phoneCountryCode: Type.Optional(
    Type.String({
      maxLength: 20,
      description: 'The calling code. Default +86 (mainland China).',
      examples: ['+86'],
    }),
  ),
  ...captchaFields,
})

export const smsRoutes = (http: Http, sms: Sms): void => {
  http.post(
    '/api/v3/send-sms',
    {
      config: {
        access: 'application',
        ...smsRoute,
      },
      schema: {
        operationId: 'sendSms',
        tags: ['Codes'],
        summary: 'Send a code by SMS',
        description:
          'The first step of binding, signing in or up, and whatever else a code is asked for: channel says what it is for. A second message within the life of a code carries the same code. With the user’s token in `authorization` the code is bound to that user. The reply does not tell whether anybody has the number.',
        body: SendSmsBody,
        response: { 200: envelope() },
      },
    },
    async (request) => {
      const { body, application, sender, clientIp, locale } = request
      const purpose = purposeOf('sms', body.channel)
      if (purpose === undefined) throw fieldInvalid('channel', 'is not a channel of SMS')
      const { phone } = requirePhone(body.phoneNumber, body.phoneCountryCode, 'phoneNumber')
      await sms.sendPasscode({
        application,
        purpose,
        phone,
        sender,
        ip: clientIp,
        language: locale,
        captcha: captchaAnswerIn(body),
      })
      return ok(request)
    },
  )
}
