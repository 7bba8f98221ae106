// What is wrong with routes, each fault with its field and the remedy.
import type { FieldFault } from '../api-codes.ts'
import { inboxProvider } from '../messages/messages.ts'
import { countryList, isCountry } from '../phone-numbers/phone-numbers.ts'
import { type ProviderKindName, providerKinds } from '../providers/providers.ts'
import { channelOf, type Route, type Step } from './route.ts'

/** Countries and calling codes that there are none of: a route for them would serve nobody, without a word. */
export const faultsOfServed = (routes: readonly Route[]): FieldFault[] =>
  routes.flatMap(({ serves: { regions = [], callingCodes = [] } }, at) => [
    ...regions.flatMap((region, place) =>
      isCountry(region)
        ? []
        : [
            {
              field: `routes.${at}.serves.regions.${place}`,
              message: 'must be a country of ISO 3166-1 alpha-2, such as GB for the United Kingdom',
            },
          ],
    ),
    ...callingCodes.flatMap((code, place) =>
      countryList().some(({ phoneCountryCode }) => phoneCountryCode === code)
        ? []
        : [
            {
              field: `routes.${at}.serves.callingCodes.${place}`,
              message: 'must be an assigned calling code, such as +44: other beginnings go under prefixes',
            },
          ],
    ),
  ])

/** Where a name is there twice, and where a step names no provider, or one that cannot do it. */
export const faultsOfRoutes = (routes: readonly Route[], kinds: ReadonlyMap<string, string>): FieldFault[] =>
  routes.flatMap((route, at) => {
    const isRepeated = routes.findIndex(({ name }) => name === route.name) < at
    return [
      ...(isRepeated ? [{ field: `routes.${at}.name`, message: 'is the name of another route too' }] : []),
      ...route.steps.flatMap((step, place) => {
        const fault = faultOfStep(step, route, kinds)
        if (fault === undefined) return []
        const field = [`routes.${at}.steps.${place}`, fault.field].filter(Boolean).join('.')
        return [{ field, message: fault.message }]
      }),
    ]
  })

const faultOfStep = (
  step: Step,
  route: Route,
  kinds: ReadonlyMap<string, string>,
): FieldFault | undefined => {
  if (step.provider === inboxProvider) {
    const isAlone = route.steps.length === 1
    return isAlone ? undefined : { field: '', message: 'must be the only step where it is the inbox' }
  }
  const kind = kinds.get(step.provider)
  if (kind === undefined) return { field: 'provider', message: 'is not the name of a configured provider' }
  const { channels } = providerKinds[kind as ProviderKindName]
  if ((channels as readonly string[]).includes(channelOf(step))) return undefined
  return {
    field: 'channel',
    message: `must be one of: ${channels.join(', ')} (a provider of kind ${kind})`,
  }
}
