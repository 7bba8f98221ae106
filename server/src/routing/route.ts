// What a route is: which numbers it serves, and the steps by which a message is tried.
import { type Static, Type } from 'typebox'

export const Step = Type.Object(
  {
    provider: Type.String({
      maxLength: 40,
      description: 'The name of a configured provider, or `inbox`.',
      examples: ['twilio'],
    }),
    channel: Type.Optional(
      Type.Enum(['sms', 'voice', 'whatsapp'], {
        description: 'How the message travels. Default: sms.',
        examples: ['sms'],
      }),
    ),
    share: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: 1000,
        description: 'With order `share`: how often this step comes first, against the shares of the others.',
        examples: [80],
      }),
    ),
    from: Type.Optional(
      Type.String({
        maxLength: 40,
        description: 'Sender id, number or signature; absent: the one of the provider.',
        examples: ['Dialtone'],
      }),
    ),
    templateId: Type.Optional(
      Type.String({
        maxLength: 100,
        description: 'Of a provider that sends approved templates only; absent: the one of the provider.',
        examples: ['SMS_000001'],
      }),
    ),
    noticeTemplateId: Type.Optional(
      Type.String({
        maxLength: 100,
        description:
          'The same for notices of changes to an account. Its variables are, in this order: app, change (what happened, in words) and link. Absent: such a provider carries no notices.',
        examples: ['SMS_000002'],
      }),
    ),
    templateParameters: Type.Optional(
      Type.Array(Type.Enum(['code', 'minutes', 'app']), {
        maxItems: 3,
        description: 'What the template takes, in its order. Default: as the provider is set.',
        examples: [['code', 'minutes']],
      }),
    ),
    price: Type.Optional(
      Type.String({
        pattern: '^\\d{1,6}(\\.\\d{1,6})?$',
        description:
          'Of one segment (one call, one WhatsApp message), in the currency of the guard’s budget.',
        examples: ['0.0079'],
      }),
    ),
  },
  { additionalProperties: false },
)

const digits = (description: string, example: string) =>
  Type.Optional(
    Type.Array(Type.String({ pattern: '^\\+[1-9]\\d{0,14}$' }), {
      minItems: 1,
      maxItems: 300,
      description,
      examples: [[example]],
    }),
  )

export const Route = Type.Object(
  {
    name: Type.String({ minLength: 1, maxLength: 60, description: 'For people.', examples: ['Europe'] }),
    serves: Type.Object(
      {
        regions: Type.Optional(
          Type.Array(Type.String({ pattern: '^[A-Z]{2}$' }), {
            minItems: 1,
            maxItems: 300,
            description: 'ISO 3166-1 alpha-2.',
            examples: [['DE', 'FR']],
          }),
        ),
        callingCodes: digits('Calling codes.', '+49'),
        prefixes: digits('Beginnings of the whole number.', '+4915'),
      },
      {
        additionalProperties: false,
        description: 'A number that fits any of these; an empty object serves every number.',
      },
    ),
    order: Type.Optional(
      Type.Enum(['listed', 'share', 'learned'], {
        description:
          '`listed`: as written. `share`: one step is drawn by its share, the others follow. `learned`: among those of one channel by the share of codes that came back, then by price; the channels as written. Default: listed.',
        examples: ['listed'],
      }),
    ),
    steps: Type.Array(Step, {
      minItems: 1,
      maxItems: 8,
      description: 'Tried one after the other until a provider takes the message.',
    }),
  },
  { additionalProperties: false },
)

export type Route = Static<typeof Route>
export type Step = Static<typeof Step>

export const channelOf = (step: Step): 'sms' | 'voice' | 'whatsapp' => step.channel ?? 'sms'

export const Routes = Type.Array(Route, { maxItems: 300 })

/** Until an administrator sets routes: everything to the inbox. */
export const firstRoutes: readonly Route[] = [{ name: 'Inbox', serves: {}, steps: [{ provider: 'inbox' }] }]
