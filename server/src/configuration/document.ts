// The configuration of a pool as one JSON document: SMS, email, what changes to accounts ask for, and
// what its applications are set to.
//
// What must stay true: every part may be absent, and is then left as it is; a variable of the environment is read by
// the command on the operator's machine, never by the server.
import { type Static, Type } from 'typebox'
import { AccountPolicy } from '../account-policy/account-policy.ts'
import { type FieldFault, fieldInvalid } from '../api-codes.ts'
import { AllowedOrigins } from '../cross-origin/cross-origin.ts'
import { GuardPolicy, TestNumber } from '../guard/guard.ts'
import { MailEntry } from '../mail/mail.ts'
import { type ProviderKindName, providerKinds } from '../providers/providers.ts'
import { Routes } from '../routing/routing.ts'
import { TemplateEntry } from '../templates/templates.ts'

const closed = { additionalProperties: false } as const

export const ProviderEntry = Type.Object(
  {
    kind: Type.Enum(Object.keys(providerKinds) as ProviderKindName[], {
      description: 'Which service it is.',
      examples: ['twilio'],
    }),
    enabled: Type.Optional(
      Type.Boolean({ description: 'Whether messages go to it. Default: true.', examples: [true] }),
    ),
    settings: Type.Record(Type.String(), Type.Unknown(), {
      description:
        'As the kind’s schema says. A secret may be left out where it is kept already, unless the address changes.',
      examples: [
        {
          accountSid: 'AC00000000000000000000000000000001',
          authToken: '0123456789abcdef0123456789abcdef',
          from: '+15005550006',
        },
      ],
    }),
  },
  closed,
)
export type ProviderEntry = Static<typeof ProviderEntry>

const { conversion, budget, ...ofPolicy } = GuardPolicy.properties

export const GuardPart = Type.Object(
  {
    ...Type.Partial(Type.Object(ofPolicy)).properties,
    conversion: Type.Optional(Type.Partial(conversion)),
    budget: Type.Optional(Type.Partial(budget)),
  },
  { ...closed, description: 'What is absent has its default.', examples: [{ mode: 'enforce' }] },
)

export const AccountsPart = Type.Object(Type.Partial(AccountPolicy).properties, {
  ...closed,
  description: 'What changes to accounts ask for. What is absent has its default.',
  examples: [{ passwordLevel: 'medium' }],
})

export const ApplicationSms = Type.Object(
  {
    webOtpHost: Type.Optional(
      Type.String({
        maxLength: 253,
        description:
          'Host name of the site to which a phone may offer the code of an SMS; it stands on the last line of the message. Absent: none.',
        examples: ['login.example.com'],
      }),
    ),
    androidSmsHash: Type.Optional(
      Type.String({
        maxLength: 40,
        description:
          'The 11 characters by which the SMS Retriever of Android knows the app that may read the code. Absent: none.',
        examples: ['FA+9qCX9VSu'],
      }),
    ),
  },
  closed,
)
export type ApplicationSms = Static<typeof ApplicationSms>

export const ApplicationEntry = Type.Object(
  { ...ApplicationSms.properties, allowedOrigins: Type.Optional(AllowedOrigins) },
  closed,
)
export type ApplicationEntry = Static<typeof ApplicationEntry>

export const ConfigurationDocument = Type.Object(
  {
    $schema: Type.Optional(Type.String({ description: 'For editors; means nothing here.' })),
    providers: Type.Optional(
      Type.Record(Type.String(), ProviderEntry, {
        description: 'By name. Providers that are not named are removed.',
        examples: [
          {
            twilio: {
              kind: 'twilio',
              settings: {
                accountSid: 'AC00000000000000000000000000000001',
                authToken: '0123456789abcdef0123456789abcdef',
                from: '+15005550006',
              },
            },
          },
        ],
      }),
    ),
    routes: Type.Optional(
      Type.Unsafe<Static<typeof Routes>>({
        ...Routes,
        description: 'All routes, the first that serves a number first.',
        examples: [[{ name: 'Europe', serves: { callingCodes: ['+49'] }, steps: [{ provider: 'twilio' }] }]],
      }),
    ),
    templates: Type.Optional(
      Type.Array(TemplateEntry, { maxItems: 1000, description: 'All templates of the pool’s own.' }),
    ),
    guard: Type.Optional(GuardPart),
    mail: Type.Optional(
      Type.Unsafe<MailEntry>({
        ...MailEntry,
        description:
          'The SMTP server that sends email. The password may be left out where it is kept already.',
        examples: [
          {
            host: 'smtp.example.com',
            port: 465,
            security: 'tls',
            username: 'login@example.com',
            password: 'a password of the mail server',
            from: 'login@example.com',
          },
        ],
      }),
    ),
    accounts: Type.Optional(AccountsPart),
    testNumbers: Type.Optional(Type.Array(TestNumber, { maxItems: 1000, description: 'All test numbers.' })),
    applications: Type.Optional(
      Type.Record(Type.String(), ApplicationEntry, {
        description: 'By the application’s id. An application that is not named stays as it is.',
        examples: [
          {
            '676e6965b3d4f2a7c2a1b0d5': {
              webOtpHost: 'login.example.com',
              allowedOrigins: ['https://login.example.com'],
            },
          },
        ],
      }),
    ),
  },
  closed,
)
export type ConfigurationDocument = Static<typeof ConfigurationDocument>

const hostPattern = /^(?=.{4,253}$)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]{0,61}[a-z0-9]$/

/** @throws ApiError request_invalid naming the field */
export const requireApplicationSms = ({ webOtpHost, androidSmsHash }: ApplicationSms) => {
  if (webOtpHost !== undefined && !hostPattern.test(webOtpHost)) {
    throw fieldInvalid('webOtpHost', 'must be a host name in lower case, such as login.example.com')
  }
  // "Compute your app's hash string": the first 11 characters of a hash in base64.
  if (androidSmsHash !== undefined && !/^[A-Za-z0-9+/]{11}$/.test(androidSmsHash)) {
    throw fieldInvalid('androidSmsHash', 'must be the 11 characters of the app’s hash, such as FA+9qCX9VSu')
  }
  return { webOtpHost, androidSmsHash }
}

/** The name of the variable where a value is `{ "$env": "NAME" }`. */
const variableOf = (value: object): string | undefined => {
  const [[key, name] = []] = Object.entries(value)
  return key === '$env' && typeof name === 'string' ? name : undefined
}

/** The document with the value of each variable in its place, and a fault for each that there is not. */
export const resolveVariables = (
  document: unknown,
  read: (name: string) => string | undefined,
): { resolved: unknown; faults: FieldFault[] } => {
  const faults: FieldFault[] = []
  const resolve = (value: unknown, path: string): unknown => {
    if (typeof value !== 'object' || value === null) return value
    const name = variableOf(value)
    if (name !== undefined) {
      const found = read(name)
      if (found === undefined) faults.push({ field: path, message: `needs the environment variable ${name}` })
      return found ?? ''
    }
    const inner = Object.entries(value).map(([key, one]): [string, unknown] => [
      key,
      resolve(one, path === '' ? key : `${path}.${key}`),
    ])
    return Array.isArray(value) ? inner.map(([, one]) => one) : Object.fromEntries(inner)
  }
  return { resolved: resolve(document, ''), faults }
}
