// Templates: the words of a passcode message, per channel, locale, region and purpose. English and Chinese are built in
// for every purpose; a pool adds its own and overrides ours.
//
// What must stay true: a message always holds its code or link, because no template without it is kept; it names the
// application and, in our words, the purpose, so that a person who was called by a swindler ("tell me the code") sees
// what the code would do; a value never adds a line to a message, since the last line of an SMS says which site may
// take the code; a change made by another process is seen here within `cacheSeconds`.
//
// Which template is taken: the first that there is, going through the locales from the top, and for each of them
// through the four rows below.
//
//   | locales, as fr-CA is asked for           | for each locale            |
//   | ---------------------------------------- | -------------------------- |
//   | 1. the one that was asked for: fr-CA     | 1. this region and purpose |
//   | 2. without its last subtag (RFC 4647,    | 2. this region             |
//   |    section 3.4): fr                      | 3. this purpose            |
//   | 3. for English and Chinese: en-US, zh-CN | 4. any                     |
//   | 4. for all others: the default language  |                            |
//   | 5. the built-in words                    |                            |
import { fieldInvalid } from '../api-codes.ts'
import type { Config, Language } from '../config.ts'
import type { Clock } from '../core/clock.ts'
import type { Database, Queryable } from '../core/database.ts'
import { gatherFaults } from '../core/faults.ts'
import { countryList } from '../phone-numbers/phone-numbers.ts'
import { builtInTemplates, carriesLink, languages, linkLabels } from './built-in.ts'
import type { MessageChannel } from './entry.ts'
import { faultOfSubject, faultOfTemplate, fillTemplate } from './placeholders.ts'
import {
  deleteTemplate,
  deleteTemplates,
  selectTemplates,
  type TemplateRow,
  upsertTemplate,
} from './store.ts'

export { builtInTemplates, carriesLink } from './built-in.ts'
export { type MessageChannel, messageChannels, TemplateEntry, templateOf } from './entry.ts'
export { countSegments, type SegmentCount, unsupportedCharacters } from './segments.ts'

export type TemplateKey = {
  channel: MessageChannel
  /** BCP 47: `fr`, `fr-CA`. */
  locale: string
  /** ISO 3166-1 alpha-2, as the list of countries has it; empty for any. */
  region: string
  /** The name of a purpose; empty for any. */
  purpose: string
}

export type Template = TemplateKey & {
  text: string
  /** Of an email; absent: the built-in one. */
  subject?: string
}

export type RenderRequest = {
  poolId: string
  channel: MessageChannel
  locale: string
  region: string | undefined
  purpose: string
  code: string
  /** In place of the code, where the message carries a link. */
  link?: string | undefined
  minutes: number
  /** The application's name. */
  app: string
  /** The site that may fill in the code: a host name. For sms. */
  webOtpHost?: string | undefined
  /** The Android app that may read the code: its hash of 11 characters. For sms. */
  androidHash?: string | undefined
  /** In place of the pool's template: a text that `requireTemplate` has let through. */
  text?: string | undefined
}

/** What a subject is made of. */
export type SubjectRequest = Omit<RenderRequest, 'code' | 'link' | 'minutes' | 'text'> & {
  /** In place of the pool's: one that `requireTemplate` has let through. */
  subject?: string | undefined
}

type Deps = {
  db: Database
  clock: Clock
  config: Pick<Config, 'defaultLanguage'>
  /** The words of each purpose. */
  purposes: Readonly<Record<string, { en: string; zh: string }>>
}

const cacheSeconds = 5

type Table = ReadonlyMap<string, Template>

/** A template is chosen by these. */
type Wanted = Pick<RenderRequest, 'poolId' | 'channel' | 'locale' | 'region' | 'purpose'>

const keyOf = ({ channel, locale, region, purpose }: TemplateKey): string =>
  `${channel} ${locale} ${region} ${purpose}`

const tableOf = (templates: readonly Template[]): Table =>
  new Map(templates.map((template) => [keyOf(template), template]))

const builtIn = tableOf(builtInTemplates)

const builtInOf = (channel: MessageChannel, locale: Language, purpose: string): Template => {
  const template = builtIn.get(keyOf({ channel, locale, region: '', purpose }))
  if (template === undefined) throw new Error(`no words are built in for ${channel} in ${locale}`)
  return template
}

const templateOfRow = ({ subject, ...row }: TemplateRow): Template => ({
  ...row,
  ...(subject !== null && { subject }),
})

export const createTemplates = ({ db, clock, config, purposes }: Deps) => {
  const cache = new Map<string, { table: Table; until: number }>()

  const tableOfPool = async (poolId: string): Promise<Table> => {
    const now = clock.now().getTime()
    const cached = cache.get(poolId)
    if (cached !== undefined && cached.until > now) return cached.table
    const table = tableOf((await selectTemplates(db, poolId)).map(templateOfRow))
    cache.set(poolId, { table, until: now + cacheSeconds * 1000 })
    return table
  }

  const choose = async (request: Wanted): Promise<Template> => {
    const { poolId, channel, purpose } = request
    const isLink = carriesLink(channel, purpose)
    const own = await tableOfPool(poolId)
    const asked = canonicalLocale(request.locale) ?? config.defaultLanguage
    const language = languageOf(asked) ?? config.defaultLanguage
    const locales = new Set([...truncations(asked), language, ...truncations(language)])
    for (const locale of locales) {
      for (const key of narrowestFirst(request.region ?? '', purpose)) {
        // One for any purpose is made for codes.
        if (isLink && key.purpose === '') continue
        const template = own.get(keyOf({ channel, locale, ...key }))
        if (template !== undefined) return template
      }
    }
    return builtInOf(channel, language, isLink ? purpose : '')
  }

  /** A template as it is kept. @throws ApiError request_invalid naming the field and the remedy */
  const requireTemplate = (given: Template, path = ''): Template => {
    const refuse = (field: keyof Template, message: string) => fieldInvalid(`${path}${field}`, message)
    const locale = canonicalLocale(given.locale)
    if (locale === undefined) throw refuse('locale', 'must be a language tag of BCP 47, such as fr or fr-CA')
    if (given.region !== '' && !isRegion(given.region)) {
      throw refuse('region', 'must be a region of get-country-list, such as CA, or empty for any')
    }
    if (given.purpose !== '' && !Object.hasOwn(purposes, given.purpose)) {
      throw refuse('purpose', `must be empty for any, or one of: ${Object.keys(purposes).join(', ')}`)
    }
    const { channel, region, purpose } = given
    const text = given.text.replaceAll('\r\n', '\n').trim()
    const fault = faultOfTemplate(text, carriesLink(channel, purpose) ? 'link' : 'code')
    if (fault !== undefined) throw refuse('text', fault)
    if (given.subject === undefined) return { channel, locale, region, purpose, text }
    if (channel !== 'email') throw refuse('subject', 'is for channel email alone: leave it out')
    const subject = given.subject.trim()
    const subjectFault = faultOfSubject(subject)
    if (subjectFault !== undefined) throw refuse('subject', subjectFault)
    return { channel, locale, region, purpose, subject, text }
  }

  const wordsOf = (purpose: string): { en: string; zh: string } => {
    const words = Object.hasOwn(purposes, purpose) ? purposes[purpose] : undefined
    if (words === undefined) throw new Error(`there is no purpose ${purpose}`)
    return words
  }

  /** What every text and subject may name. */
  const commonValues = (request: Pick<RenderRequest, 'purpose' | 'app'>, locale: string) => {
    const { en, zh } = wordsOf(request.purpose)
    return { app: onOneLine(request.app), purpose: languageOf(locale) === 'zh-CN' ? zh : en }
  }

  return {
    /** The templates of the pool's own. */
    list: async (poolId: string, tx: Queryable = db): Promise<Template[]> =>
      (await selectTemplates(tx, poolId)).map(templateOfRow),

    /** After a transaction that changed templates: what is kept in memory is read anew. */
    forget: (poolId: string): void => {
      cache.delete(poolId)
    },

    requireTemplate,

    /** Adds a template, or changes its text. @throws ApiError request_invalid naming the field and the remedy */
    put: async (poolId: string, given: Template): Promise<Template> => {
      const template = requireTemplate(given)
      await upsertTemplate(db, { poolId, template, now: clock.now() })
      cache.delete(poolId)
      return template
    },

    /** Whether there was one. */
    remove: async (poolId: string, key: TemplateKey): Promise<boolean> => {
      const locale = canonicalLocale(key.locale) ?? key.locale
      const removed = await deleteTemplate(db, poolId, { ...key, locale })
      cache.delete(poolId)
      return removed
    },

    /**
     * Makes these the only templates of the pool, in the caller's transaction.
     * @throws ApiError request_invalid naming every field as `2.text`, before anything is changed
     */
    replaceAll: async (poolId: string, given: readonly Template[], tx: Queryable): Promise<void> => {
      const { below, refuse } = gatherFaults()
      const templates = new Map<string, Template>()
      for (const [index, one] of given.entries()) {
        await below('', () => {
          const template = requireTemplate(one, `${index}.`)
          if (templates.has(keyOf(template))) {
            throw fieldInvalid(
              String(index),
              'is there twice: keep one for a channel, locale, region and purpose',
            )
          }
          templates.set(keyOf(template), template)
        })
      }
      refuse()
      await deleteTemplates(tx, poolId)
      for (const template of templates.values()) {
        await upsertTemplate(tx, { poolId, template, now: clock.now() })
      }
      cache.delete(poolId)
    },

    /** The whole text of a message. Not inside a transaction: it may read the database. */
    render: async (request: RenderRequest): Promise<string> => {
      const { channel, code, minutes, webOtpHost, androidHash } = request
      const isLink = carriesLink(channel, request.purpose)
      if (isLink && request.link === undefined)
        throw new Error(`a message to ${request.purpose} needs its link`)
      const { text, locale } =
        request.text === undefined
          ? await choose(request)
          : { text: request.text, locale: canonicalLocale(request.locale) ?? config.defaultLanguage }
      const message = fillTemplate(text, {
        ...commonValues(request, locale),
        ...(isLink
          ? { link: request.link ?? '' }
          : {
              // A voice reads 4821 as a number, and "4, 8, 2, 1" as digits with a pause between them.
              code: channel === 'voice' ? [...code].join(', ') : code,
              minutes: String(minutes),
            }),
      })
      if (channel !== 'sms') return message
      // Android looks for the hash anywhere ("Perform SMS Verification on a Server", SMS Retriever API); a browser
      // for the site and the code on the last line ("Origin-bound one-time codes delivered via SMS", WICG).
      const site = webOtpHost === undefined ? undefined : `@${webOtpHost} #${code}`
      return [message, androidHash, site].filter((line) => line !== undefined).join('\n')
    },

    /** The subject of an email, on one line. Not inside a transaction: it may read the database. */
    renderSubject: async (request: SubjectRequest): Promise<string> => {
      const { channel, purpose } = request
      const { locale, subject } =
        request.subject === undefined
          ? await choose(request)
          : { locale: canonicalLocale(request.locale) ?? config.defaultLanguage, subject: request.subject }
      const language = languageOf(locale) ?? config.defaultLanguage
      const own =
        subject ?? builtInOf(channel, language, carriesLink(channel, purpose) ? purpose : '').subject
      if (own === undefined) throw new Error(`a message by ${channel} has no subject`)
      return fillTemplate(own, commonValues(request, locale))
    },

    /** What stands on the button of the link of an email. */
    linkLabel: (locale: string): string =>
      linkLabels[languageOf(canonicalLocale(locale) ?? '') ?? config.defaultLanguage],
  }
}

export type Templates = ReturnType<typeof createTemplates>

/** Not 001, the world: a number that belongs to no region is rendered for any. */
const isRegion = (region: string): boolean =>
  /^[A-Z]{2}$/.test(region) && countryList().some(({ alpha2 }) => alpha2 === region)

const canonicalLocale = (locale: string): string | undefined => {
  if (locale.length > 35) return undefined
  try {
    return Intl.getCanonicalLocales(locale)[0]
  } catch {
    return undefined
  }
}

/** The built-in language that a locale is of. */
const languageOf = (locale: string): Language | undefined =>
  languages.find((language) => language.slice(0, 2) === locale.split('-')[0])

/** `zh-Hant-TW`, `zh-Hant`, `zh`: no tag ends in a single letter, which only announces what follows. */
const truncations = (locale: string): string[] => {
  const subtags = locale.split('-')
  return subtags
    .map((_, index) => subtags.slice(0, subtags.length - index))
    .filter((kept) => kept.at(-1)?.length !== 1)
    .map((kept) => kept.join('-'))
}

/** A region may have rules of its own for all purposes, so it goes before the purpose. */
const narrowestFirst = (region: string, purpose: string) => [
  { region, purpose },
  { region, purpose: '' },
  { region: '', purpose },
  { region: '', purpose: '' },
]

const onOneLine = (value: string): string => value.replace(/[\p{Cc}\u2028\u2029]+/gu, ' ').trim()
