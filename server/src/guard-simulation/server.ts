// Puts a server behind the traffic: a provider that costs money, a route for every country with its price, a policy.
import type { Application } from '../applications/applications.ts'
import { createCaptcha } from '../captcha/captcha.ts'
import type { Config } from '../config.ts'
import type { Clock } from '../core/clock.ts'
import type { Keyring } from '../core/crypto.ts'
import type { Database } from '../core/database.ts'
import { microsOf } from '../core/money.ts'
import type { Guard, GuardPolicy } from '../guard/guard.ts'
import { createPasscodes } from '../passcodes/passcodes.ts'
import { isPhone, prefixesOf } from '../phone-numbers/phone-numbers.ts'
import type { Providers } from '../providers/providers.ts'
import type { Routing } from '../routing/routing.ts'
import type { Sms } from '../sms/sms.ts'
import { simulatedCountries } from './countries.ts'
import { startGateway } from './gateway.ts'
import type { SimulatedServer } from './replay.ts'

type Given = {
  /** What createApp made. */
  app: {
    sms: Sms
    guard: Guard
    providers: Providers
    routing: Routing
    work(): Promise<void>
    housekeeping(): Promise<void>
  }
  application: Application
  db: Database
  keyring: Keyring
  clock: Clock & { moveTo(time: Date): void }
  config: Config
  policy: GuardPolicy
}

const provider = 'simulated'

/** In countries that are not in the list. */
const otherPrice = '0.1'

export const prepareServer = async (given: Given): Promise<SimulatedServer & { stop(): Promise<void> }> => {
  const { app, application, db, keyring, clock, config, policy } = given
  const { poolId } = application
  const prices = new Map<string, string>(simulatedCountries.map(({ region, price }) => [region, price]))
  const priceOf = (phone: string) =>
    microsOf((isPhone(phone) ? prices.get(prefixesOf(phone).region) : undefined) ?? otherPrice)
  const gateway = await startGateway(priceOf)
  await app.providers.put(poolId, {
    name: provider,
    kind: 'generic',
    enabled: true,
    settings: gateway.settings,
  })
  const routes = simulatedCountries.map(({ region, price }) => ({
    name: region,
    serves: { regions: [region] },
    steps: [{ provider, price }],
  }))
  const others = { name: 'other countries', serves: {}, steps: [{ provider, price: otherPrice }] }
  await app.routing.replaceAll(poolId, [...routes, others], db)
  await app.guard.putPolicy(poolId, policy)
  return {
    application,
    sms: app.sms,
    // Made once more, over the same database and keys: what the routes of a server call.
    passcodes: createPasscodes({ db, keyring, clock, config }),
    captcha: createCaptcha({ db, keyring, clock, config }),
    keyring,
    clock,
    gateway,
    work: app.work,
    housekeeping: app.housekeeping,
    stop: () => gateway.stop(),
  }
}
