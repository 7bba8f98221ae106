// Which providers serve a number, and in which order they are tried.
//
// What must stay true: the first route that serves a number is the one; a number that no route serves is refused before
// anything is counted (rule 21); what was tried for a code without a sign that it arrived comes last; a step is placed by
// what it costs, also where it names no price.
import { ApiError } from '../api-codes.ts'
import type { Config } from '../config.ts'
import { type Conversions, providerKey, type RateRow } from '../conversions/conversions.ts'
import type { Clock } from '../core/clock.ts'
import { randomInteger } from '../core/crypto.ts'
import type { Database, Queryable } from '../core/database.ts'
import { fieldsInvalid } from '../core/faults.ts'
import { microsOf } from '../core/money.ts'
import { schemaFaults } from '../core/schema.ts'
import type { Guard } from '../guard/guard.ts'
import { inboxProvider } from '../messages/messages.ts'
import { type E164, prefixesOf } from '../phone-numbers/phone-numbers.ts'
import { faultsOfRoutes, faultsOfServed } from './faults.ts'
import { channelOf, firstRoutes, type Route, Routes, type Step } from './route.ts'
import { deleteRoutes, insertRoute, selectProviderKinds, selectRoutes } from './store.ts'

export { channelOf, Route, Routes, type Step } from './route.ts'

const cacheSeconds = 5

/** Two rates this near to each other are the same: then the price decides. */
const rateStep = 0.05

/** As the guard: each provider starts as if ten codes had been sent and half of them had come back. */
const prior = 10

type Deps = {
  db: Database
  conversions: Conversions
  guard: Pick<Guard, 'policyOf'>
  clock: Clock
  config: Pick<Config, 'inbox'>
}

export const createRouting = ({ db, conversions, guard, clock, config }: Deps) => {
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

  /** A call or a WhatsApp message stays where the route has it, however cheap: rates and prices compare like with like. */
  const learned = async (poolId: string, region: string, steps: readonly Step[]): Promise<Step[]> => {
    const { budget } = await guard.policyOf(poolId)
    const rates = await conversions.rates(
      poolId,
      steps.map(({ provider }) => providerKey(provider, region)),
    )
    const scoreOf = (step: Step) =>
      Math.round(rateOf(rates.find(({ key }) => key === providerKey(step.provider, region))) / rateStep)
    const priceOf = (step: Step) => costOf(step, 1, budget.assumedPrice)
    const channels = [...new Set(steps.map(channelOf))]
    return channels.flatMap((channel) =>
      steps
        .filter((step) => channelOf(step) === channel)
        .sort((a, b) => scoreOf(b) - scoreOf(a) || priceOf(a) - priceOf(b)),
    )
  }

  const kindsOf = async (poolId: string, tx: Queryable): Promise<ReadonlyMap<string, string>> =>
    new Map((await selectProviderKinds(tx, poolId)).map(({ name, kind }) => [name, kind]))

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
    requireStillUsable: async (poolId: string, tx: Queryable): Promise<void> => {
      const faults = faultsOfRoutes(await read(poolId, tx), await kindsOf(poolId, tx))
      if (faults.length > 0) throw fieldsInvalid(faults)
    },

    /** @throws ApiError request_invalid naming every fault */
    replaceAll: async (poolId: string, routes: readonly Route[], tx: Queryable): Promise<void> => {
      const errors = schemaFaults(Routes, routes, 'routes')
      if (errors.length > 0) throw fieldsInvalid(errors)
      const faults = [...faultsOfServed(routes), ...faultsOfRoutes(routes, await kindsOf(poolId, tx))]
      if (faults.length > 0) throw fieldsInvalid(faults)
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

/** Whether messages of this route go to the inbox alone. */
export const isInboxRoute = (route: Route): boolean => route.steps[0]?.provider === inboxProvider

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
