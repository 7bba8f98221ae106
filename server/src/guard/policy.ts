// What the guard of a pool allows: one document, with a default for every field.
import { type Static, Type } from 'typebox'
import type { FieldFault } from '../api-codes.ts'
import { microsOf } from '../core/money.ts'
import { schemaFaults } from '../core/schema.ts'
import { countryList, isCountry } from '../phone-numbers/phone-numbers.ts'

export const numberTypes = [
  'mobile',
  'fixed_line',
  'fixed_line_or_mobile',
  'toll_free',
  'premium_rate',
  'shared_cost',
  'voip',
  'personal',
  'pager',
  'uan',
  'voicemail',
  'unknown',
] as const

const amount = (description: string, example: string) =>
  Type.String({ pattern: '^\\d{1,9}(\\.\\d{1,6})?$', description, examples: [example] })

const region = Type.String({
  pattern: '^([A-Z]{2}|\\d{1,3})$',
  description: 'ISO 3166-1 alpha-2, or the calling code of a number that belongs to no country.',
  examples: ['CN'],
})

export const GuardPolicy = Type.Object(
  {
    mode: Type.Enum(['enforce', 'observe', 'off'], {
      description:
        '`enforce` refuses; `observe` sends all the same and notes on each message what it would have done; `off` counts nothing.',
      examples: ['enforce'],
    }),
    allowedRegions: Type.Union([Type.Null(), Type.Array(region, { maxItems: 300 })], {
      description: 'Only these countries are sent to; null: every country that a route serves.',
      examples: [null],
    }),
    deniedRegions: Type.Array(region, {
      maxItems: 300,
      description: 'These are never sent to.',
      examples: [[]],
    }),
    refusedNumberTypes: Type.Array(Type.Enum(numberTypes), {
      description: 'By the numbering plan; `unknown` are ranges that the plan does not describe.',
      examples: [['fixed_line', 'premium_rate']],
    }),
    regionMessagesPerHour: Type.Record(
      Type.String({ pattern: '^([A-Z]{2}|\\d{1,3})$' }),
      Type.Integer({ minimum: 0, maximum: 1_000_000_000 }),
      {
        description: 'Messages an hour to a country, where it is not DIALTONE_MESSAGES_PER_REGION_HOUR.',
        examples: [{ CN: 50_000 }],
      },
    ),
    conversion: Type.Object(
      {
        challengeBelow: Type.Number({
          minimum: 0,
          maximum: 1,
          description: 'Below this share of codes that come back, a captcha is asked for.',
          examples: [0.25],
        }),
        blockBelow: Type.Number({
          minimum: 0,
          maximum: 1,
          description: 'Below this share nothing is sent. A whole country is challenged, but never blocked.',
          examples: [0.1],
        }),
      },
      { additionalProperties: false, description: 'Of a range of 10,000 numbers, an operator, a country.' },
    ),
    budget: Type.Object(
      {
        currency: Type.String({ pattern: '^[A-Z]{3}$', description: 'ISO 4217.', examples: ['USD'] }),
        perHour: amount('All messages of the pool in an hour cost at most this.', '100'),
        perDay: amount(
          'And in a day this. When it is spent, nothing is sent, and an alarm event is written.',
          '400',
        ),
        assumedPrice: amount('Of one segment, where a route names no price.', '0.05'),
      },
      { additionalProperties: false, description: 'In money. The inbox costs nothing.' },
    ),
    lookup: Type.Union(
      [
        Type.Null(),
        Type.Object(
          {
            provider: Type.String({
              description: 'A configured provider of kind twilio.',
              examples: ['twilio'],
            }),
            refusedLineTypes: Type.Array(Type.String({ maxLength: 40 }), {
              maxItems: 20,
              description: 'As the service names them.',
              examples: [['nonFixedVoip']],
            }),
            refuseSimSwappedHours: Type.Integer({
              minimum: 0,
              maximum: 720,
              description: 'A SIM that was swapped within so many hours gets no code; 0: never refused.',
              examples: [72],
            }),
          },
          { additionalProperties: false },
        ),
      ],
      {
        description: 'Asks a service about each number, once a day at most; null: asks none.',
        examples: [null],
      },
    ),
  },
  { additionalProperties: false },
)

export type GuardPolicy = Static<typeof GuardPolicy>

/** Where an administrator set nothing. */
export const defaultPolicy: GuardPolicy = {
  mode: 'enforce',
  allowedRegions: null,
  deniedRegions: [],
  // Lines that ring nobody's mobile, and lines whose owner earns by being called.
  refusedNumberTypes: ['fixed_line', 'premium_rate', 'shared_cost', 'toll_free', 'pager', 'uan', 'voicemail'],
  regionMessagesPerHour: {},
  conversion: { challengeBelow: 0.25, blockBelow: 0.1 },
  budget: { currency: 'USD', perHour: '100', perDay: '400', assumedPrice: '0.05' },
  lookup: null,
}

/** What is wrong with a policy, each fault with its field. */
export const faultsOfPolicy = (policy: GuardPolicy): FieldFault[] => {
  const faults = schemaFaults(GuardPolicy, policy)
  if (faults.length > 0) return faults
  const { conversion, budget } = policy
  return [
    ...faultsOfRegions(policy),
    ...(conversion.blockBelow > conversion.challengeBelow
      ? [{ field: 'conversion.blockBelow', message: 'must not be above conversion.challengeBelow' }]
      : []),
    ...(microsOf(budget.perHour) > microsOf(budget.perDay)
      ? [{ field: 'budget.perHour', message: 'must not be above budget.perDay' }]
      : []),
  ]
}

/** A country that there is none of would be refused for ever, or never, without a word: Britain is GB, and not UK. */
const faultsOfRegions = ({
  allowedRegions,
  deniedRegions,
  regionMessagesPerHour,
}: GuardPolicy): FieldFault[] => {
  const listed = [
    ...(allowedRegions ?? []).map((region, at) => ({ field: `allowedRegions.${at}`, region })),
    ...deniedRegions.map((region, at) => ({ field: `deniedRegions.${at}`, region })),
    ...Object.keys(regionMessagesPerHour).map((region) => ({
      field: `regionMessagesPerHour.${region}`,
      region,
    })),
  ]
  return listed
    .filter(({ region }) => !isRegion(region))
    .map(({ field }) => ({
      field,
      message:
        'must be a country of ISO 3166-1 alpha-2, such as GB for the United Kingdom, or an assigned calling code, such as 870',
    }))
}

/** A country, or a calling code that belongs to none. */
const isRegion = (region: string): boolean =>
  isCountry(region) || countryList().some(({ phoneCountryCode }) => phoneCountryCode === `+${region}`)

/** `kind` is of the provider that the policy names; undefined: there is none of that name. */
export const faultsOfLookup = ({ lookup }: GuardPolicy, kind: string | undefined): FieldFault[] =>
  lookup === null || kind === 'twilio'
    ? []
    : [{ field: 'lookup.provider', message: 'must be the name of a configured provider of kind twilio' }]
