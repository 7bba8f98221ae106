import { Type } from 'typebox'
import { envelopeOf, type Http, ok } from '../core/http.ts'
import { unlimited } from '../limits.ts'
import { countryList } from './phone-numbers.ts'

const name = (language: string, sample: string) =>
  Type.Object(
    {
      enabled: Type.Boolean({ description: 'Always true.' }),
      value: Type.String({ description: 'The name.', examples: [sample] }),
    },
    { description: `In ${language}.` },
  )

const Countries = Type.Array(
  Type.Object({
    alpha2: Type.String({
      description: 'ISO 3166-1; 001 for a code that belongs to no country.',
      examples: ['CN'],
    }),
    alpha3: Type.String({ description: 'The same in three letters.', examples: ['CHN'] }),
    phoneCountryCode: Type.String({
      description: 'The calling code, as the other calls take it.',
      examples: ['+86'],
    }),
    flag: Type.String({ description: 'Its flag as an emoji.', examples: ['🇨🇳'] }),
    name: Type.Object(
      {
        'zh-CN': name('Chinese', '中国'),
        'en-US': name('English', 'China'),
        'zh-TW': name('traditional Chinese', '中國'),
        'ja-JP': name('Japanese', '中国'),
      },
      { description: 'Its name.' },
    ),
  }),
)

export const phoneNumberRoutes = (http: Http): void => {
  http.get(
    '/api/v3/get-country-list',
    {
      config: { access: 'public', limit: unlimited('a constant list, from memory') },
      schema: {
        operationId: 'getCountryList',
        tags: ['Public information'],
        summary: 'Every calling code, with names in four languages',
        description: 'For a form in which a person picks the country of a phone number.',
        response: { 200: envelopeOf(Countries) },
      },
    },
    async (request) => ok(request, [...countryList()]),
  )
}
