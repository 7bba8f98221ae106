// What would become of a message to a number, were it asked for now: nothing is sent, counted or looked up.
import { ApiError } from '../api-codes.ts'
import type { Guard } from '../guard/guard.ts'
import { numberTypeOf, type ParsedPhone, prefixesOf } from '../phone-numbers/phone-numbers.ts'
import type { Route, Routing, Step } from './routing.ts'

export const createRoutePreview =
  ({ routing, guard }: { routing: Routing; guard: Guard }) =>
  async (poolId: string, { phone }: ParsedPhone) => {
    const route = await routeOrNone(routing, poolId, phone)
    return {
      phone,
      ...prefixesOf(phone),
      type: numberTypeOf(phone),
      ...(route === undefined
        ? { steps: [] as Step[] }
        : { route: route.name, steps: await routing.order(poolId, route, phone, []) }),
      guard: await guard.judge(poolId, phone),
    }
  }

const routeOrNone = async (
  routing: Routing,
  poolId: string,
  phone: ParsedPhone['phone'],
): Promise<Route | undefined> => {
  try {
    return await routing.routeOf(poolId, phone)
  } catch (error) {
    if (error instanceof ApiError) return undefined
    throw error
  }
}
