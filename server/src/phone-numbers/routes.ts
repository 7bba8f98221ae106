import { Type } from 'typebox'
import { envelopeOf, type Http, ok } from '../core/http.ts'
import { unlimited } from '../limits.ts'
import { countryList } from './phone-numbers.ts'

const Name = Type.Object({ enabled: Type.Boolean(), value: Type.String() })

const Countries = Type.Array(
  Type.Object({
    alpha2: Type.String({
      description: 'ISO 3166-1; 001 for a code that belongs to no country.',
      examples: ['CN'],
    }),
    alpha3: Type.String({ examples: ['CHN'] }),
    phoneCountryCode: Type.String({ examples: ['+86'] }),
    flag: Type.String({ examples: ['🇨🇳'] }),
    name: Type.Object({ 'zh-CN': Name, 'en-US': Name, 'zh-TW': Name, 'ja-JP': Name }),
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
        response: { 200: envelopeOf(Countries) },
      },
    },
    async (request) => ok(request, [...countryList()]),
  )
}
