// The calls of the console for the mail server. Mounted by routes.ts.
import { Type } from 'typebox'
import type { Configuration } from '../configuration/configuration.ts'
import type { Http } from '../core/http.ts'
import { unlimited } from '../limits.ts'
import { mailFailures } from '../messages/messages.ts'
import { MailEntry, type MailSettings, ShownMail } from './settings.ts'
import type { TestLetters } from './test-letter.ts'

const tags = ['Console: email']
const own = unlimited('needs an administrator')
const path = '/console/api/mail'

const MailReply = Type.Object({
  settings: Type.Optional(ShownMail),
  hasPassword: Type.Boolean({ description: 'Whether a password is kept.', examples: [true] }),
})

const TestReply = Type.Object({
  outcome: Type.Enum(['accepted', 'refused'], {
    description: '`accepted`: the mail server took it, which is not yet a mailbox.',
    examples: ['refused'],
  }),
  providerMessageId: Type.Optional(Type.String({ description: 'The Message-ID.' })),
  reason: Type.Optional(Type.String({ examples: ['login_refused'] })),
  about: Type.Optional(
    Type.String({ description: 'The reason in words.', examples: [mailFailures.login_refused.about] }),
  ),
  code: Type.Optional(Type.String({ description: 'The server’s own code.', examples: ['535 5.7.8'] })),
})

export type MailSettingsDeps = {
  mailSettings: MailSettings
  testLetters: TestLetters
  configuration: Configuration
}

export const mailSettingsRoutes = (
  http: Http,
  { mailSettings, testLetters, configuration }: MailSettingsDeps,
): void => {
  const show = async (poolId: string) => {
    const server = await mailSettings.find(poolId)
    if (server === undefined) return { hasPassword: false }
    const { password, ...settings } = server
    return { settings, hasPassword: password !== undefined }
  }

  http.get(
    path,
    {
      config: { access: 'administrator', limit: own },
      schema: {
        operationId: 'consoleGetMail',
        tags,
        summary: 'The mail server',
        description:
          'Without its password. No `settings`: there is none, and email goes to the inbox if that is on.',
        response: { 200: MailReply },
      },
    },
    ({ administrator }) => show(administrator.poolId),
  )

  http.put(
    path,
    {
      config: { access: 'administrator', limit: own },
      // The domain names every fault, an unknown field too.
      validatorCompiler: () => (value: unknown) => ({ value }),
      schema: {
        operationId: 'consolePutMail',
        tags,
        summary: 'Set the mail server',
        body: MailEntry,
        response: { 200: MailReply },
      },
    },
    async ({ administrator, body, clientIp: ip }) => {
      const { poolId } = administrator
      await configuration.putMail({ poolId, administrator, ip }, body)
      return show(poolId)
    },
  )

  http.delete(
    path,
    {
      config: { access: 'administrator', limit: own, refusals: ['record_not_found'] },
      schema: {
        operationId: 'consoleDeleteMail',
        tags,
        summary: 'Remove the mail server',
        response: { 200: MailReply },
      },
    },
    async ({ administrator, clientIp: ip }) => {
      const { poolId } = administrator
      await configuration.removeMail({ poolId, administrator, ip })
      return show(poolId)
    },
  )

  http.post(
    `${path}/test`,
    {
      config: {
        access: 'administrator',
        limit: ['testMessagesHour'],
        refusals: ['email_invalid', 'email_not_configured', 'sms_limit_reached'],
      },
      schema: {
        operationId: 'consoleSendTestLetter',
        tags,
        summary: 'Send a test letter',
        description: 'By the mail server as it is set, at once. The reply says what the server answered.',
        body: Type.Object(
          {
            to: Type.String({
              maxLength: 300,
              description: 'An email address.',
              examples: ['ada@example.com'],
            }),
          },
          { additionalProperties: false },
        ),
        response: { 200: TestReply },
      },
    },
    async ({ administrator, body }) => {
      const outcome = await testLetters.send(administrator.poolId, body.to)
      if (outcome.outcome === 'accepted') return outcome
      const { reason, code } = outcome
      return { outcome: 'refused' as const, reason, code, about: mailFailures[reason].about }
    },
  )
}
