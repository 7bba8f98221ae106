// Which providers serve a number, and in which order they are tried.
//
// What must stay true: the first route that serves a number is the one; a number that no route serves is refused before
// anything is counted (rule 21); what was tried for a code without a sign that it arrived comes last.
import { ApiError, type FieldFault } from '../api-codes.ts'
import type { Config } from '../config.ts'
import { type Conversions, providerKey, type RateRow } from '../conversions/conversions.ts'
import type { Clock } from '../core/clock.ts'
import { randomInteger } from '../core/crypto.ts'
import type { Database, Queryable } from '../core/database.ts'
import { fieldsInvalid } from '../core/faults.ts'
import { microsOf } from '../core/money.ts'
import { schemaFaults } from '../core/schema.ts'
import { inboxProvider } from '../messages/messages.ts'
import { type E164, prefixesOf } from '../phone-numbers/phone-numbers.ts'
import { type ProviderKindName, providerKinds } from '../providers/providers.ts'
import { firstRoutes, type Route, Routes, type Step } from './route.ts'
import { deleteRoutes, insertRoute, selectProviderKinds, selectRoutes } from './store.ts'

export { Route, Routes, type Step } from './route.ts'

const cacheSeconds = 5

/** Two rates this near to each other are the same: then the price decides. */
const rateStep = 0.05

/** As the guard: each provider starts as if ten codes had been sent and half of them had come back. */
const prior = 10

type Deps = { db: Database; conversions: Conversions; clock: Clock; config: Pick<Config, 'inbox'> }

export const createRouting = ({ db, conversions, clock, config }: Deps) => {
  const cache = new Map<string, { routes: readonly Route[]; until: number }>()

  const read = async (poolId: string, tx: Queryable = db): Promise<readonly Route[]> => {
    const rows = await selectRoutes(tx, poolId)
    if (rows.length === 0) return firstRoutes
    return rows.map(
      ({ name, serves, step_order, steps }) => ({ name, serves, order: step_order, steps }) as Route,
    )
  }

  const routesOf = async (poolId: string): Promise<readonly Route[]> => {
    const now = clock.now().getTime()
    const cached = cache.get(poolId)
    if (cached !== undefined && cached.until > now) return cached.routes
    const routes = await read(poolId)
    cache.set(poolId, { routes, until: now + cacheSeconds * 1000 })
    return routes
  }

  const learned = async (poolId: string, region: string, steps: readonly Step[]): Promise<Step[]> => {
    const rates = await conversions.rates(
      poolId,
      steps.map(({ provider }) => providerKey(provider, region)),
    )
    const scoreOf = (step: Step) =>
      Math.round(rateOf(rates.find(({ key }) => key === providerKey(step.provider, region))) / rateStep)
    const inOrder = [...steps].sort((a, b) => scoreOf(b) - scoreOf(a) || priceOf(a) - priceOf(b))
    return inOrder
  }

  /** @throws ApiError request_invalid naming every fault */
  const requireUsable = async (poolId: string, routes: readonly Route[], tx: Queryable): Promise<void> => {
    const kinds = new Map((await selectProviderKinds(tx, poolId)).map(({ name, kind }) => [name, kind]))
    const faults = faultsOfRoutes(routes, kinds)
    if (faults.length > 0) throw fieldsInvalid(faults)
  }

  /** The route that serves a number, if one does. */
  const find = async (poolId: string, phone: E164): Promise<Route | undefined> => {
    const route = (await routesOf(poolId)).find(({ serves }) => isServed(serves, phone))
    const isUsable = route?.steps.some(({ provider }) => provider !== inboxProvider || config.inbox)
    return isUsable === true ? route : undefined
  }

  return {
    list: read,

    /** After a transaction that changed routes: what is kept in memory is read anew. */
    forget: (poolId: string): void => {
      cache.delete(poolId)
    },

    /** Whether the routes still fit the providers, where those were changed. @throws ApiError request_invalid */
    requireStillUsable: async (poolId: string, tx: Queryable): Promise<void> =>
      requireUsable(poolId, await read(poolId, tx), tx),

    /** @throws ApiError request_invalid naming every fault */
    replaceAll: async (poolId: string, routes: readonly Route[], tx: Queryable): Promise<void> => {
      const errors = schemaFaults(Routes, routes, 'routes')
      if (errors.length > 0) throw fieldsInvalid(errors)
      await requireUsable(poolId, routes, tx)
      await deleteRoutes(tx, poolId)
      for (const [position, route] of routes.entries()) {
        const { name, serves, steps, order = 'listed' } = route
        await insertRoute(tx, poolId, position, { name, serves, step_order: order, steps })
      }
      cache.delete(poolId)
    },

    find,

    /** @throws ApiError international_sms_not_configured where no route serves the number */
    routeOf: async (poolId: string, phone: E164): Promise<Route> => {
      const route = await find(poolId, phone)
      if (route === undefined) {
        throw new ApiError('international_sms_not_configured', `no route for ${prefixesOf(phone).region}`)
      }
      return route
    },

    /** Its steps in the order in which they are to be tried; those that were `tried` in vain come last. */
    order: async (poolId: string, route: Route, phone: E164, tried: readonly Tried[]): Promise<Step[]> => {
      const { region } = prefixesOf(phone)
      const steps =
        route.order === 'learned'
          ? await learned(poolId, region, route.steps)
          : route.order === 'share'
            ? drawn(route.steps)
            : route.steps
      const wasTried = (step: Step) =>
        tried.some(({ provider, channel }) => provider === step.provider && channel === channelOf(step))
      return [...steps.filter((step) => !wasTried(step)), ...steps.filter(wasTried)]
    },
  }
}

export type Routing = ReturnType<typeof createRouting>

export type Tried = { provider: string; channel: string }

export const channelOf = (step: Step): 'sms' | 'voice' | 'whatsapp' => step.channel ?? 'sms'

/** Whether messages of this route go to the inbox alone. */
export const isInboxRoute = (route: Route): boolean => route.steps[0]?.provider === inboxProvider

const priceOf = (step: Step): number => Number(step.price ?? 0)

/** What a message of so many segments costs by this step, in millionths. */
export const costOf = (step: Step, segments: number, assumedPrice: string): number =>
  microsOf(step.price ?? assumedPrice) * segments

const rateOf = (row: RateRow | undefined): number =>
  (Number(row?.verified ?? 0) + prior / 2) / (Number(row?.sent ?? 0) + prior)

const isServed = ({ regions, callingCodes, prefixes }: Route['serves'], phone: E164): boolean => {
  if (regions === undefined && callingCodes === undefined && prefixes === undefined) return true
  return (
    [...(callingCodes ?? []), ...(prefixes ?? [])].some((start) => phone.startsWith(start)) ||
    // Last, and only where it matters: finding the region reads the number against its whole plan.
    regions?.includes(prefixesOf(phone).region) === true
  )
}

/** One step drawn by its share before all others; those without a share only follow. */
const drawn = (steps: readonly Step[]): Step[] => {
  const total = steps.reduce((sum, { share = 0 }) => sum + share, 0)
  if (total === 0) return [...steps]
  let left = randomInteger(total)
  const first = steps.find(({ share = 0 }) => {
    left -= share
    return share > 0 && left < 0
  })
  return first === undefined ? [...steps] : [first, ...steps.filter((step) => step !== first)]
}

/** Where a name is there twice, and where a step names no provider, or one that cannot do it. */
const faultsOfRoutes = (routes: readonly Route[], kinds: ReadonlyMap<string, string>): FieldFault[] =>
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
