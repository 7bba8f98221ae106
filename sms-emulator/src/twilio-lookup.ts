// Twilio's Lookup v2, with the packages line_type_intelligence and sim_swap.
import type { FastifyInstance } from 'fastify'
import { isE164 } from './twilio-form.ts'

type Line = { type: string; swapped: boolean }

/** What a number is, by its last four digits; every other is a mobile whose SIM was not swapped. */
export const linesByEnding: Readonly<Record<string, Line>> = {
  '9901': { type: 'nonFixedVoip', swapped: false },
  '9902': { type: 'fixedVoip', swapped: false },
  '9903': { type: 'landline', swapped: false },
  '9904': { type: 'mobile', swapped: true },
}

const hourMilliseconds = 3_600_000

/** No phone number library here: of the others neither region nor national form is told. */
const regions = [
  ['+1', 'US'],
  ['+44', 'GB'],
  ['+86', 'CN'],
] as const

export const mountLookup = (http: FastifyInstance): void => {
  http.get<{ Params: { number: string }; Querystring: { Fields?: string } }>(
    '/v2/PhoneNumbers/:number',
    ({ params, query }) => {
      const { number } = params
      const asked = (query.Fields ?? '').split(',').map((name) => name.trim())
      const isValid = isE164(number)
      const line = linesByEnding[number.slice(-4)] ?? { type: 'mobile', swapped: false }
      const [code, region] = regions.find(([prefix]) => number.startsWith(prefix)) ?? [undefined, null]
      return {
        calling_country_code: code?.slice(1) ?? null,
        country_code: isValid ? region : null,
        phone_number: number,
        national_format: code === undefined ? number : number.slice(code.length),
        valid: isValid,
        validation_errors: isValid ? [] : ['NOT_A_NUMBER'],
        caller_name: null,
        sim_swap: asked.includes('sim_swap') ? simSwapOf(line) : null,
        call_forwarding: null,
        line_status: null,
        line_type_intelligence: asked.includes('line_type_intelligence') ? typeOf(line) : null,
        identity_match: null,
        reassigned_number: null,
        sms_pumping_risk: null,
        url: `https://lookups.twilio.com/v2/PhoneNumbers/${number}`,
      }
    },
  )
}

const carrier = {
  carrier_name: 'Emulated Mobile',
  mobile_country_code: '001',
  mobile_network_code: '01',
  error_code: null,
}

const typeOf = ({ type }: Line) => ({ ...carrier, type })

const simSwapOf = ({ swapped }: Line) => ({
  ...carrier,
  last_sim_swap: {
    last_sim_swap_date: swapped
      ? new Date(Date.now() - hourMilliseconds).toISOString().replace(/\.\d+Z$/, 'Z')
      : null,
    swapped_period: 'PT24H',
    swapped_in_period: swapped,
  },
})
