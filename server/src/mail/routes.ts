import { Type } from 'typebox'
import { fieldInvalid } from '../api-codes.ts'
import { envelope, type Http, ok } from '../core/http.ts'
import { issueRoute, purposeOf, wireChannelsOf } from '../passcodes/passcodes.ts'
import { requireEmail } from '../users/users.ts'
import type { Mail } from './mail.ts'
import { type MailSettingsDeps, mailSettingsRoutes } from './settings-routes.ts'

const SendEmailBody = Type.Object({
  channel: Type.Enum(wireChannelsOf('email'), {
    description: 'What the code is for. It is accepted by no other call.',
    examples: ['CHANNEL_LOGIN'],
  }),
  email: Type.String({
    maxLength: 300,
    description: 'Where to send it. Upper and lower case are the same.',
    examples: ['ada@example.com'],
  }),
})

export const mailRoutes = (http: Http, { mail, ...deps }: MailSettingsDeps & { mail: Mail }): void => {
  mailSettingsRoutes(http, deps)

  http.post(
    '/api/v3/send-email',
    {
      config: {
        access: 'application',
        limit: issueRoute.limit,
        refusals: ['email_invalid', 'email_not_configured', 'email_undeliverable', ...issueRoute.refusals],
      },
      schema: {
        operationId: 'sendEmail',
        tags: ['Codes'],
        summary: 'Send a code by email',
        description:
          'As send-sms, by email: the first step of binding an address, signing in or up, and whatever else a code is asked for. CHANNEL_VERIFY_EMAIL_LINK brings a link in place of a code: who opens it, and presses the button there, has confirmed the address; a second button, for who did not make the account, takes the address off it.',
        body: SendEmailBody,
        response: { 200: envelope() },
      },
    },
    async (request) => {
      const { body, application, sender, clientIp, locale } = request
      const purpose = purposeOf('email', body.channel)
      if (purpose === undefined) throw fieldInvalid('channel', 'is not a channel of email')
      await mail.sendPasscode({
        application,
        purpose,
        email: requireEmail(body.email),
        sender,
        ip: clientIp,
        language: locale,
      })
      return ok(request)
    },
  )
}
