// The parts of the configuration: what each holds by name, and the steps by which it is changed in a transaction.
import { isDeepStrictEqual } from 'node:util'
import {
  type AccountPolicies,
  type AccountPolicy,
  defaultAccountPolicy,
} from '../account-policy/account-policy.ts'
import { ApiError, type FieldFault, fieldInvalid } from '../api-codes.ts'
import type { Application, ApplicationSettings, Applications } from '../applications/applications.ts'
import type { Queryable } from '../core/database.ts'
import { gatherFaults } from '../core/faults.ts'
import { requireAllowedOrigins } from '../cross-origin/cross-origin.ts'
import {
  defaultPolicy,
  type Guard,
  type GuardPolicy,
  type TestNumber,
  type TestNumbers,
} from '../guard/guard.ts'
import type { MailSettings } from '../mail/mail.ts'
import type { Providers } from '../providers/providers.ts'
import type { Route, Routing } from '../routing/routing.ts'
import { type TemplateEntry, type Templates, templateOf } from '../templates/templates.ts'
import {
  type ApplicationEntry,
  type ApplicationSms,
  type ConfigurationDocument,
  type ProviderEntry,
  requireApplicationSms,
} from './document.ts'

export type Part = Exclude<keyof ConfigurationDocument, '$schema'>

export type Change = {
  part: Part
  name: string
  change: 'created' | 'changed' | 'removed' | 'unchanged'
}

export type NewApplication = Pick<Application, 'name' | 'clientAuthentication' | 'allowedOrigins'>

/** Faults that a step throws are told below `prefix`. */
export type Step = {
  prefix: string
  run(tx: Queryable): Promise<Change[]>
  /** Whether faults that were found before leave nothing for this step to find. */
  isMoot?(faults: readonly FieldFault[]): boolean
}

type Deps = {
  applications: Applications
  providers: Providers
  routing: Routing
  templates: Templates
  guard: Guard
  testNumbers: TestNumbers
  accountPolicy: AccountPolicies
  mailSettings: MailSettings
}

type Named = ReadonlyMap<string, unknown>

/** What became of each name. */
const compare = (part: Part, before: Named, after: Named): Change[] => {
  const changeOf = (name: string): Change['change'] => {
    if (!before.has(name)) return 'created'
    if (!after.has(name)) return 'removed'
    return isDeepStrictEqual(before.get(name), after.get(name)) ? 'unchanged' : 'changed'
  }
  return [...new Set([...after.keys(), ...before.keys()])].map((name) => ({
    part,
    name,
    change: changeOf(name),
  }))
}

export const createParts = (poolId: string, deps: Deps) => {
  const { applications, providers, routing, templates, guard, testNumbers, accountPolicy, mailSettings } =
    deps

  const held: Record<Exclude<Part, 'providers'>, (tx: Queryable) => Promise<Named>> = {
    // A route that moves serves other numbers, so that its place is part of it.
    routes: async (tx) =>
      new Map((await routing.list(poolId, tx)).map((route, place) => [route.name, { place, route }])),
    templates: async (tx) =>
      new Map(
        (await templates.list(poolId, tx)).map(({ text, ...key }) => [
          [key.channel, key.locale, key.region, key.purpose].filter(Boolean).join(' '),
          { ...key, text },
        ]),
      ),
    guard: async (tx) => new Map([['policy', await guard.storedPolicy(poolId, tx)]]),
    testNumbers: async (tx) =>
      new Map((await testNumbers.list(poolId, tx)).map((number) => [number.phone, number])),
    applications: async (tx) =>
      new Map(
        (await applications.list(poolId, tx)).map(({ id, webOtpHost, androidSmsHash, allowedOrigins }) => [
          id,
          { webOtpHost, androidSmsHash, allowedOrigins },
        ]),
      ),
    accounts: async (tx) => new Map([['policy', await accountPolicy.stored(poolId, tx)]]),
    // With its password, so that a new one is a change.
    mail: async (tx) => {
      const server = await mailSettings.find(poolId, tx)
      return new Map(server === undefined ? [] : [['smtp', server]])
    },
  }

  const step = (part: keyof typeof held, prefix: string, write: (tx: Queryable) => Promise<void>): Step => ({
    prefix,
    run: async (tx) => {
      const before = await held[part](tx)
      await write(tx)
      return compare(part, before, await held[part](tx))
    },
  })

  /** Runs one after the other and tells the faults of all of them, each below its name. */
  const each = async (
    names: readonly string[],
    work: (name: string) => Promise<Change['change']>,
  ): Promise<Change[]> => {
    const { below, refuse } = gatherFaults()
    const changes: Change[] = []
    for (const name of names) {
      const change = await below(name, () => work(name))
      if (change !== undefined) changes.push({ part: 'providers', name, change })
    }
    refuse()
    return changes
  }

  const changedApplication = (id: string, settingsOf: () => ApplicationSettings): Step =>
    step('applications', '', async (tx) => {
      const application = (await applications.list(poolId, tx)).find((one) => one.id === id)
      if (application === undefined) throw new ApiError('record_not_found', 'no such application')
      await applications.change(application, settingsOf(), tx)
    })

  const putProvider = (name: string, { enabled = true, ...entry }: ProviderEntry, tx: Queryable) =>
    providers.put(poolId, { name, enabled, ...entry }, tx)

  return {
    provider: (name: string, entry: ProviderEntry): Step => ({
      prefix: '',
      run: async (tx) => [{ part: 'providers', name, change: await putProvider(name, entry, tx) }],
    }),

    providerRemoved: (name: string): Step => ({
      prefix: '',
      run: async (tx) => {
        await providers.remove(poolId, name, tx)
        return [{ part: 'providers', name, change: 'removed' }]
      },
    }),

    providers: (entries: Readonly<Record<string, ProviderEntry>>): Step => ({
      prefix: 'providers',
      run: (tx) =>
        each(Object.keys(entries), (name) => {
          const entry = entries[name]
          if (entry === undefined) throw new Error(`${name} is a name of the entries`)
          return putProvider(name, entry, tx)
        }),
    }),

    /** Once the routes are as they are to be. */
    otherProvidersRemoved: (kept: readonly string[]): Step => ({
      prefix: 'providers',
      isMoot: (faults) => faults.some(({ field }) => /^(routes|guard)\b/.test(field)),
      run: async (tx) => {
        const others = (await providers.list(poolId, tx)).filter(({ name }) => !kept.includes(name))
        return each(
          others.map(({ name }) => name),
          async (name) => {
            await providers.remove(poolId, name, tx)
            return 'removed'
          },
        )
      },
    }),

    routesStillUsable: (): Step => ({
      prefix: '',
      isMoot: (faults) => faults.length > 0,
      run: async (tx) => {
        await routing.requireStillUsable(poolId, tx)
        return []
      },
    }),

    routes: (routes: readonly Route[]): Step =>
      step('routes', '', (tx) => routing.replaceAll(poolId, routes, tx)),

    templates: (entries: readonly TemplateEntry[]): Step =>
      step('templates', 'templates', (tx) => templates.replaceAll(poolId, entries.map(templateOf), tx)),

    guard: (given: NonNullable<ConfigurationDocument['guard']>, prefix: string): Step =>
      step('guard', prefix, (tx) => guard.putPolicy(poolId, withDefaults(given), tx)),

    /** What it does not say has its default. */
    accounts: (given: Partial<AccountPolicy>, prefix: string): Step =>
      step('accounts', prefix, (tx) =>
        accountPolicy.change(poolId, { ...defaultAccountPolicy, ...given }, tx),
      ),

    mail: (given: unknown, prefix: string): Step =>
      step('mail', prefix, (tx) => mailSettings.put(poolId, given, tx)),

    mailRemoved: (): Step => step('mail', '', (tx) => mailSettings.remove(poolId, tx)),

    testNumber: (number: TestNumber): Step =>
      step('testNumbers', '', (tx) => testNumbers.put(poolId, number, tx)),

    testNumberRemoved: (phone: string): Step =>
      step('testNumbers', '', (tx) => testNumbers.remove(poolId, phone, tx)),

    testNumbers: (numbers: readonly TestNumber[]): Step =>
      step('testNumbers', 'testNumbers', (tx) => testNumbers.replaceAll(poolId, numbers, tx)),

    application: (id: string, settings: ApplicationSms): Step =>
      changedApplication(id, () => requireApplicationSms(settings)),

    allowedOrigins: (id: string, origins: readonly string[]): Step =>
      changedApplication(id, () => ({ allowedOrigins: requireAllowedOrigins(origins) })),

    newApplication: ({ allowedOrigins, ...given }: NewApplication): Step => ({
      prefix: '',
      run: async (tx) => {
        const settings = { ...given, poolId, allowedOrigins: requireAllowedOrigins(allowedOrigins) }
        const { id } = await applications.create(settings, tx)
        return [{ part: 'applications', name: id, change: 'created' }]
      },
    }),

    applications: (entries: Readonly<Record<string, ApplicationEntry>>): Step =>
      step('applications', 'applications', async (tx) => {
        const all = await applications.list(poolId, tx)
        const { below, refuse } = gatherFaults()
        for (const [id, settings] of Object.entries(entries)) {
          const application = all.find((one) => one.id === id)
          await below(application === undefined ? '' : id, async () => {
            if (application === undefined) throw fieldInvalid(id, 'is no application of this pool')
            await applications.change(application, await requireEntry(settings), tx)
          })
        }
        refuse()
      }),
  }
}

/** What an application's entry does not say, it has not. @throws ApiError request_invalid naming every fault */
const requireEntry = async ({ allowedOrigins = [], ...sms }: ApplicationEntry) => {
  const { below, refuse } = gatherFaults()
  const ofSms = await below('', () => requireApplicationSms(sms))
  const origins = await below('', () => requireAllowedOrigins(allowedOrigins))
  refuse()
  return { ...ofSms, allowedOrigins: origins ?? [] }
}

/** What a part of the policy does not say has its default. */
const withDefaults = (given: NonNullable<ConfigurationDocument['guard']>): GuardPolicy => ({
  ...defaultPolicy,
  ...given,
  conversion: { ...defaultPolicy.conversion, ...given.conversion },
  budget: { ...defaultPolicy.budget, ...given.budget },
})
