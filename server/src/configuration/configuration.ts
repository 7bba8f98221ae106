// Every change of how a pool sends messages: providers, routes, words, guard, test numbers, the mail server, and what
// an application adds to an SMS; of what it asks of changes to accounts; and of which pages call for an application; one
// by one for the console, or all of them as one document.
//
// What must stay true: a change is all or nothing, and is written with the audit event that tells of it; one change of
// a pool happens at a time; what this process keeps in memory is forgotten after the change is committed, not before;
// no secret of a provider is told (rule 27), nor a whole number in an event (rule 12).
import { type AccountPolicies, requireAccountPolicy } from '../account-policy/account-policy.ts'
import type { Administrator } from '../administrators/administrators.ts'
import type { FieldFault } from '../api-codes.ts'
import type { Applications } from '../applications/applications.ts'
import type { Audit, EventType } from '../audit/audit.ts'
import type { Database, Queryable } from '../core/database.ts'
import { fieldsInvalid, gatherFaults } from '../core/faults.ts'
import { schemaFaults } from '../core/schema.ts'
import type { Guard, GuardPolicy, TestNumber, TestNumbers } from '../guard/guard.ts'
import type { MailSettings, Post, ShownMail } from '../mail/mail.ts'
import type { E164 } from '../phone-numbers/phone-numbers.ts'
import type { Providers } from '../providers/providers.ts'
import type { Route, Routing } from '../routing/routing.ts'
import type { TemplateEntry, Templates } from '../templates/templates.ts'
import {
  type ApplicationSms,
  ConfigurationDocument,
  type ProviderEntry,
  resolveVariables,
} from './document.ts'
import { type Change, createParts, type NewApplication, type Part, type Step } from './parts.ts'
import { lockConfiguration } from './store.ts'

export { ApplicationSms, ConfigurationDocument, ProviderEntry, resolveVariables } from './document.ts'
export type { Change, NewApplication } from './parts.ts'

/** Who changes something: an administrator, or whoever has the database (the command). */
export type Author = { poolId: string; administrator?: Administrator; ip?: string }

type Deps = {
  db: Database
  audit: Audit
  applications: Applications
  providers: Providers
  routing: Routing
  templates: Templates
  guard: Guard
  testNumbers: TestNumbers
  accountPolicy: AccountPolicies
  mailSettings: MailSettings
  post: Post
  clock: { now(): Date }
}

export const createConfiguration = (deps: Deps) => {
  const { db, audit, applications, providers, routing, templates, guard, testNumbers, clock } = deps
  const { accountPolicy, mailSettings, post } = deps

  const eventOf = ({ administrator, ip }: Author, { part, name, change }: Change) => ({
    type: eventTypeOf(part, change),
    ip,
    detail: {
      ...(administrator && { administratorId: administrator.id, username: administrator.username }),
      what: part,
      ...(part === 'testNumbers' ? audit.describePhone(name as E164) : { name }),
    },
  })

  const forget = async (poolId: string): Promise<void> => {
    for (const part of [applications, routing, templates, guard, testNumbers, accountPolicy, post]) {
      part.forget(poolId)
    }
    await providers.forget(poolId)
  }

  /** @throws ApiError request_invalid naming every fault of all steps */
  const change = async (
    by: Author,
    steps: readonly Step[],
    options: ChangeOptions = {},
  ): Promise<Change[]> => {
    const work = async (tx: Queryable): Promise<Change[]> => {
      await lockConfiguration(tx, by.poolId)
      const { faults, below } = gatherFaults()
      faults.push(...(options.faults ?? []))
      const changes: Change[] = []
      for (const { prefix, run, isMoot } of steps) {
        if (isMoot?.(faults)) continue
        changes.push(...((await below(prefix, () => run(tx))) ?? []))
      }
      if (faults.length > 0) throw fieldsInvalid(withoutEchoes(faults, options.document))
      for (const one of changes.filter(isReal)) await audit.record(by.poolId, eventOf(by, one), tx)
      if (options.dryRun) throw new DryRun(changes)
      return changes
    }
    try {
      const changes = await db.transaction(work)
      await forget(by.poolId)
      return changes
    } catch (error) {
      if (error instanceof DryRun) return error.changes
      throw error
    }
  }

  const parts = (by: Author) => createParts(by.poolId, deps)

  return {
    /** @throws ApiError request_invalid */
    putProvider: async (by: Author, name: string, entry: ProviderEntry): Promise<void> => {
      await change(by, [parts(by).provider(name, entry), parts(by).routesStillUsable()])
    },

    /** @throws ApiError record_not_found; request_invalid while it is used */
    removeProvider: async (by: Author, name: string): Promise<void> => {
      await change(by, [parts(by).providerRemoved(name)])
    },

    /** @throws ApiError request_invalid */
    putRoutes: async (by: Author, routes: readonly Route[]): Promise<void> => {
      await change(by, [parts(by).routes(routes)])
    },

    /** @throws ApiError request_invalid */
    putTemplates: async (by: Author, entries: readonly TemplateEntry[]): Promise<void> => {
      await change(by, [parts(by).templates(entries)])
    },

    /** @throws ApiError request_invalid */
    putPolicy: async (by: Author, policy: GuardPolicy): Promise<void> => {
      await change(by, [parts(by).guard(policy, '')])
    },

    /** @throws ApiError request_invalid */
    putAccountPolicy: async (by: Author, given: unknown): Promise<void> => {
      await change(by, [parts(by).accounts(requireAccountPolicy(given), '')])
    },

    /** @throws ApiError request_invalid */
    putMail: async (by: Author, given: unknown): Promise<void> => {
      await change(by, [parts(by).mail(given, '')])
    },

    /** @throws ApiError record_not_found */
    removeMail: async (by: Author): Promise<void> => {
      await change(by, [parts(by).mailRemoved()])
    },

    /** @throws ApiError request_invalid */
    putTestNumber: async (by: Author, number: TestNumber): Promise<void> => {
      await change(by, [parts(by).testNumber(number)])
    },

    /** @throws ApiError record_not_found, request_invalid */
    removeTestNumber: async (by: Author, phone: string): Promise<void> => {
      await change(by, [parts(by).testNumberRemoved(phone)])
    },

    /** @throws ApiError record_not_found, request_invalid */
    putApplication: async (by: Author, id: string, settings: ApplicationSms): Promise<void> => {
      await change(by, [parts(by).application(id, settings)])
    },

    /** @throws ApiError record_not_found, request_invalid */
    putAllowedOrigins: async (by: Author, id: string, origins: readonly string[]): Promise<void> => {
      await change(by, [parts(by).allowedOrigins(id, origins)])
    },

    /** Gives its id. @throws ApiError request_invalid */
    makeApplication: async (by: Author, given: NewApplication): Promise<string> => {
      const [made] = await change(by, [parts(by).newApplication(given)])
      if (made === undefined) throw new Error('the step tells of the application that it made')
      return made.name
    },

    /** The document as it is now, without secrets; a test number whose time is over is left out. */
    show: async (poolId: string): Promise<ConfigurationDocument> => ({
      providers: Object.fromEntries(
        (await providers.list(poolId)).map(({ name, kind, enabled, settings }) => [
          name,
          { kind, enabled, settings },
        ]),
      ),
      routes: [...(await routing.list(poolId))],
      templates: await templates.list(poolId),
      guard: await guard.storedPolicy(poolId),
      ...withMail(await mailSettings.show(poolId)),
      accounts: await accountPolicy.stored(poolId),
      testNumbers: (await testNumbers.list(poolId)).filter(
        ({ expiresAt }) => new Date(expiresAt) > clock.now(),
      ),
      applications: Object.fromEntries(
        (await applications.list(poolId)).map(({ id, webOtpHost, androidSmsHash, allowedOrigins }) => [
          id,
          {
            ...(webOtpHost && { webOtpHost }),
            ...(androidSmsHash && { androidSmsHash }),
            ...(allowedOrigins.length > 0 && { allowedOrigins: [...allowedOrigins] }),
          },
        ]),
      ),
    }),

    /** All or nothing, with one line for each thing. @throws ApiError request_invalid naming every fault */
    apply: async (by: Author, given: unknown, options: { dryRun?: boolean } = {}): Promise<Change[]> => {
      const faults = faultsOfDocument(given)
      const isSound = (part: Part) => !faults.some(({ field }) => field.split('.')[0] === part)
      if (typeof given !== 'object' || given === null || Array.isArray(given)) throw fieldsInvalid(faults)
      const document = Object.fromEntries(
        Object.entries(given).filter(([part]) => isSound(part as Part)),
      ) as ConfigurationDocument
      return change(by, stepsOf(document, parts(by)), { ...options, faults, document })
    },
  }
}

export type Configuration = ReturnType<typeof createConfiguration>

type ChangeOptions = {
  dryRun?: boolean
  /** Those that are known already, and the sound parts of what they were found in. */
  faults?: readonly FieldFault[]
  document?: ConfigurationDocument
}

const eventTypeOf = (part: Part, change: Change['change']): EventType => {
  if (part === 'applications') return change === 'created' ? 'application.created' : 'application.changed'
  if (part === 'accounts') return 'account_policy.changed'
  return part === 'mail' ? 'mail_settings.changed' : 'sms_configuration.changed'
}

const withMail = (mail: ShownMail | undefined) => (mail === undefined ? {} : { mail })

/** Rolls back what was tried. */
class DryRun extends Error {
  readonly changes: Change[]

  constructor(changes: Change[]) {
    super()
    this.changes = changes
  }
}

const isReal = ({ change }: Change): boolean => change !== 'unchanged'

const faultsOfDocument = (given: unknown): FieldFault[] => {
  const variables = resolveVariables(given, () => undefined).faults.map(({ field }) => ({
    field,
    message: 'names an environment variable: only npm run config reads those',
  }))
  return [...variables, ...schemaFaults(ConfigurationDocument, given)].map(({ field, message }) => ({
    field: field === '' ? 'body' : field,
    message,
  }))
}

/** In this order: what a later part names is there already, and what is removed is named no more. */
const stepsOf = (document: ConfigurationDocument, to: ReturnType<typeof createParts>): Step[] => {
  const { providers, routes, guard, templates, mail, accounts, testNumbers, applications } = document
  return [
    ...(providers === undefined ? [] : [to.providers(providers)]),
    ...(routes === undefined ? [] : [to.routes(routes)]),
    ...(guard === undefined ? [] : [to.guard(guard, 'guard')]),
    ...(templates === undefined ? [] : [to.templates(templates)]),
    ...(mail === undefined ? [] : [to.mail(mail, 'mail')]),
    ...(accounts === undefined ? [] : [to.accounts(accounts, 'accounts')]),
    ...(testNumbers === undefined ? [] : [to.testNumbers(testNumbers)]),
    ...(applications === undefined ? [] : [to.applications(applications)]),
    ...(providers === undefined
      ? []
      : [to.otherProvidersRemoved(Object.keys(providers)), to.routesStillUsable()]),
  ]
}

/** A route that names a provider with a fault of its own has none: it would be told of the same mistake twice. */
const withoutEchoes = (
  faults: readonly FieldFault[],
  document: ConfigurationDocument | undefined,
): readonly FieldFault[] => {
  const wereRead = document?.providers !== undefined
  const isFaulty = (name: string) =>
    faults.some(({ field }) => field.startsWith(wereRead ? `providers.${name}.` : 'providers.'))
  return faults.filter(({ field }) => {
    const [, route, step] = /^routes\.(\d+)\.steps\.(\d+)\.provider$/.exec(field) ?? []
    const named = document?.routes?.[Number(route)]?.steps[Number(step)]?.provider
    return named === undefined || !isFaulty(named)
  })
}
