import { Type } from 'typebox'
import type { Configuration } from '../configuration/configuration.ts'
import type { Http } from '../core/http.ts'
import { unlimited } from '../limits.ts'
import { templateFields } from './entry.ts'
import { createTemplatePreview, type PreviewDeps } from './preview.ts'
import { builtInTemplates, TemplateEntry } from './templates.ts'

const tags = ['Console: SMS']
const own = unlimited('needs an administrator')

const Entries = Type.Array(TemplateEntry, { maxItems: 1000 })
const TemplateList = Type.Object({
  templates: Entries,
  builtIn: Type.Array(TemplateEntry, {
    description: 'What every pool has, where it has nothing of its own.',
  }),
})

const Preview = Type.Object({
  text: Type.String({ examples: ['123456 is your Example code to sign in. It is valid for 5 minutes.'] }),
  subject: Type.Optional(
    Type.String({ description: 'Of an email.', examples: ['Your Example code to sign in'] }),
  ),
  html: Type.Optional(
    Type.String({ description: 'The same text as mail programs show it.', examples: ['<!doctype html>…'] }),
  ),
  encoding: Type.Optional(Type.Enum(['GSM-7', 'UCS-2'], { description: 'Of an SMS.', examples: ['GSM-7'] })),
  units: Type.Optional(
    Type.Integer({ description: 'Septets of GSM-7, code units of UCS-2.', examples: [66] }),
  ),
  segments: Type.Optional(Type.Integer({ description: 'What providers bill.', examples: [1] })),
  bytes: Type.Optional(
    Type.Integer({
      description: 'Of an SMS in UTF-8, with the lines that the application adds.',
      examples: [131],
    }),
  ),
  fitsAndroid: Type.Optional(
    Type.Boolean({
      description:
        'Whether these are at most 140: no longer SMS reaches the app of `androidSmsHash`. Absent: the application has none.',
      examples: [true],
    }),
  ),
  unsupportedCharacters: Type.Optional(
    Type.Array(Type.String(), {
      description: 'Those for which the whole text goes out in UCS-2, at 70 characters a segment.',
      examples: [[]],
    }),
  ),
  costs: Type.Array(
    Type.Object({
      route: Type.String({ examples: ['Europe'] }),
      provider: Type.String({ examples: ['twilio'] }),
      amount: Type.String({ examples: ['0.0079'] }),
      currency: Type.String({ examples: ['USD'] }),
    }),
    { description: 'By the price of each step that carries this channel, else by the assumed price.' },
  ),
})

type Deps = PreviewDeps & { configuration: Configuration }

export const templateRoutes = (http: Http, { configuration, ...deps }: Deps): void => {
  const { templates } = deps
  const preview = createTemplatePreview(deps)

  const show = async (poolId: string) => ({
    templates: await templates.list(poolId),
    builtIn: [...builtInTemplates],
  })

  http.get(
    '/console/api/sms/templates',
    {
      config: { access: 'administrator', limit: own },
      schema: {
        operationId: 'consoleListMessageTemplates',
        tags,
        summary: 'The words of messages',
        description: 'The pool’s own, and the built-in ones. An empty region or purpose means any.',
        response: { 200: TemplateList },
      },
    },
    ({ administrator }) => show(administrator.poolId),
  )

  http.put(
    '/console/api/sms/templates',
    {
      config: { access: 'administrator', limit: own },
      schema: {
        operationId: 'consolePutMessageTemplates',
        tags,
        summary: 'Set the pool’s own templates',
        description: 'The whole list, all or nothing.',
        body: Type.Object({ templates: Entries }, { additionalProperties: false }),
        response: { 200: TemplateList },
      },
    },
    async ({ administrator, body, clientIp: ip }) => {
      const { poolId } = administrator
      await configuration.putTemplates({ poolId, administrator, ip }, body.templates)
      return show(poolId)
    },
  )

  http.post(
    '/console/api/sms/templates/preview',
    {
      config: { access: 'administrator', limit: own, refusals: ['record_not_found'] },
      schema: {
        operationId: 'consolePreviewMessageTemplate',
        tags,
        summary: 'A message as a phone or a mail program would show it',
        description:
          'With `text`: of that template. Without: of the template that such a message would take now.',
        body: Type.Object(
          {
            ...templateFields,
            text: Type.Optional(
              Type.String({
                maxLength: 2000,
                description: 'A template that is not kept yet.',
                examples: ['Code: {{code}}'],
              }),
            ),
            subject: Type.Optional(
              Type.String({
                maxLength: 500,
                description: 'Of a template for email that is not kept yet.',
                examples: ['{{app}}: {{purpose}}'],
              }),
            ),
            applicationId: Type.Optional(
              Type.String({
                maxLength: 200,
                description: 'Whose name stands in it. Default: the first of the pool.',
              }),
            ),
          },
          { additionalProperties: false },
        ),
        response: { 200: Preview },
      },
    },
    async ({ administrator, body }) => {
      const { channel, locale, region = '', purpose = '', text, subject, applicationId } = body
      const wanted = { channel, locale, region, purpose, text, subject, applicationId }
      return preview(administrator.poolId, wanted)
    },
  )
}
