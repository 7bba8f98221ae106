// A template as an administrator writes it.
import { type Static, Type } from 'typebox'

export const messageChannels = ['sms', 'voice', 'whatsapp', 'email'] as const

export type MessageChannel = (typeof messageChannels)[number]

export const templateFields = {
  channel: Type.Enum(messageChannels, { description: 'How the message travels.', examples: ['sms'] }),
  locale: Type.String({
    maxLength: 35,
    description: 'A language tag of BCP 47: `fr`, `fr-CA`.',
    examples: ['fr'],
  }),
  region: Type.Optional(
    Type.String({
      maxLength: 3,
      description: 'ISO 3166-1 alpha-2: only for numbers of this country. Default: any.',
      examples: ['CA'],
    }),
  ),
  purpose: Type.Optional(
    Type.String({
      maxLength: 40,
      description: 'Only for codes of this purpose, as `sign_in`. Default: any.',
      examples: ['sign_in'],
    }),
  ),
}

export const TemplateEntry = Type.Object(
  {
    ...templateFields,
    text: Type.String({
      maxLength: 2000,
      description:
        'At most 600 characters, with {{code}} and, as wanted, {{minutes}}, {{app}} and {{purpose}}. By email for the purpose `verify_email`: with {{link}} in place of {{code}} and {{minutes}}.',
      examples: ['Votre code {{app}} : {{code}}. Valable {{minutes}} minutes.'],
    }),
    subject: Type.Optional(
      Type.String({
        maxLength: 500,
        description:
          'Of channel `email`: at most 150 characters, with {{app}} and {{purpose}} as wanted. Default: the built-in one.',
        examples: ['Votre code {{app}}'],
      }),
    ),
  },
  { additionalProperties: false },
)

export type TemplateEntry = Static<typeof TemplateEntry>

/** With its defaults. */
export const templateOf = ({ region = '', purpose = '', ...template }: TemplateEntry) => ({
  ...template,
  region,
  purpose,
})
