// Every setting: its name, form, default, bounds and one sentence. The environment is read here and nowhere else;
// all faults are reported together. `docs/reference/settings.md` is generated from this table.
import { isIP } from 'node:net'
import { Secret } from './core/secret.ts'
import { type LimitName, type Limits, limits } from './limits.ts'

/** What a setting takes: in words that follow "must be", and as a check. */
type Form = { allowed: string; accepts: (value: string, production: boolean) => boolean }

type Setting = Partial<Form> & {
  about: string
  /** As text, because a setting is given as text; absent: none. */
  default?: string
  /** Without it the server does not start in production. */
  requiredInProduction?: true
}

const integer = (min: number, max: number): Form => ({
  allowed: `a whole number from ${min} to ${max}`,
  accepts: (value) => /^\d+$/.test(value) && Number(value) >= min && Number(value) <= max,
})

const oneOf = (...values: readonly string[]): Form => ({
  allowed: `one of: ${values.join(', ')}`,
  accepts: (value) => values.includes(value),
})

const url = (...protocols: readonly string[]): Form => ({
  allowed: `a URL that begins with ${protocols.map((protocol) => `${protocol}//`).join(' or ')}`,
  accepts: (value) => URL.canParse(value) && protocols.includes(new URL(value).protocol),
})

// Rule 27: a placeholder such as 32 times the same letter is no key to run in production with.
const masterKeys: Form = {
  allowed:
    'at least 32 random characters, for example of `openssl rand -hex 32`; after a rotation the newest first, then the older ones, parted by commas',
  accepts: (value, production) =>
    value.split(',').every((key) => key.length >= 32 && (!production || new Set(key).size >= 8)),
}

/** Shorter ones will do for trying things out. */
const filled = (minInProduction: number): Form => ({
  allowed: `at most 200 characters without spaces, in production at least ${minInProduction}`,
  accepts: (value, production) =>
    value.length >= (production ? minInProduction : 1) && value.length <= 200 && !/\s/.test(value),
})

const isAddressRange = (entry: string): boolean => {
  const [address = '', bits = '0', ...rest] = entry.split('/')
  const family = isIP(address)
  return (
    family !== 0 && rest.length === 0 && /^\d{1,3}$/.test(bits) && Number(bits) <= (family === 6 ? 128 : 32)
  )
}

const addresses: Form = {
  allowed: 'IP addresses or CIDR ranges parted by commas',
  accepts: (value) => value.split(',').every((entry) => isAddressRange(entry.trim())),
}

const limitSettings: Record<string, Setting> = Object.fromEntries(
  Object.values(limits).map((limit) => [
    `DIALTONE_${limit.setting}`,
    {
      about: limit.about,
      default: String(limit[limit.settable]),
      ...(limit.settable === 'count' ? integer(1, 1_000_000_000) : integer(0, 86_400)),
    },
  ]),
)

export const settings: Readonly<Record<string, Setting>> = {
  PORT: { about: 'The TCP port to listen on.', default: '3000', ...integer(1, 65_535) },
  HOST: { about: 'The address to listen on.', default: '127.0.0.1' },
  DIALTONE_PUBLIC_URL: {
    about:
      'The URL at which clients reach the server; tokens name it as their issuer. Default: HOST and PORT.',
    ...url('http:', 'https:'),
    requiredInProduction: true,
  },
  DIALTONE_DATABASE_URL: {
    about: 'PostgreSQL 14 or later. Without it an embedded PGlite in the data directory is used.',
    ...url('postgres:', 'postgresql:'),
    requiredInProduction: true,
  },
  DIALTONE_DATABASE_POOL_SIZE: {
    about: 'Connections to PostgreSQL that one server process may hold.',
    default: '10',
    ...integer(1, 1000),
  },
  DIALTONE_DATA_DIR: {
    about: 'Where the embedded database and the credentials made at the first start are kept.',
    default: './data',
  },
  DIALTONE_MASTER_KEY: {
    about:
      'Seals stored secrets and derives passcodes. At least 32 random characters; after a rotation several, newest first, parted by commas.',
    ...masterKeys,
    requiredInProduction: true,
  },
  DIALTONE_APP_ID: {
    about: 'The id of the application that the first start makes. Default: a random one.',
    ...filled(4),
  },
  DIALTONE_APP_SECRET: {
    about: 'The secret of the application that the first start makes. Default: a random one.',
    ...filled(16),
  },
  DIALTONE_ADMIN_PASSWORD: {
    about: 'The password of the administrator that the first start makes. Default: a random one.',
    ...filled(8),
  },
  DIALTONE_INBOX: {
    about:
      'The built-in inbox shows every message on a page. `on` or `off`; by default on, and off in production.',
    ...oneOf('on', 'off'),
  },
  DIALTONE_TEST_NUMBERS: {
    about:
      'Whether the numbers with fixed codes that administrators set are in force. `on` or `off`; by default on, and off in production.',
    ...oneOf('on', 'off'),
  },
  DIALTONE_PROVIDER_TIMEOUT_SECONDS: {
    about: 'How long an SMS provider may take to answer before the next one of the route is tried.',
    default: '5',
    ...integer(1, 30),
  },
  DIALTONE_PROVIDER_BREAK_SECONDS: {
    about: 'How long a provider that failed five times in a row is left alone.',
    default: '30',
    ...integer(1, 3600),
  },
  DIALTONE_LOG_LEVEL: {
    about: 'The least serious log line to write. Default: info in production, else warn.',
    ...oneOf('fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'),
  },
  DIALTONE_DEFAULT_LANGUAGE: {
    about: 'The language of messages where a request names none.',
    default: 'en-US',
    ...oneOf('en-US', 'zh-CN'),
  },
  DIALTONE_TRUSTED_PROXIES: {
    about:
      'Addresses or CIDR ranges of your own proxies, parted by commas. Their x-forwarded-for and x-real-ip are believed.',
    default: '',
    ...addresses,
  },
  DIALTONE_PASSCODE_LENGTH: { about: 'Digits of a passcode.', default: '6', ...integer(4, 8) },
  DIALTONE_PASSCODE_TTL_SECONDS: {
    about:
      'How long a passcode is valid after it was last sent; never more than 600 seconds after it was made.',
    default: '300',
    ...integer(60, 600),
  },
  ...limitSettings,
}

export type Language = 'en-US' | 'zh-CN'

export type Config = {
  production: boolean
  host: string
  port: number
  /** Without a slash at its end. */
  publicUrl: string
  databaseUrl: string | undefined
  databasePoolSize: number
  dataDir: string
  /** Newest first; undefined: made at the first start and kept in the data directory. */
  masterKeys: readonly [Secret, ...Secret[]] | undefined
  firstStart: { appId?: string; appSecret?: Secret; adminPassword?: Secret }
  inbox: boolean
  testNumbers: boolean
  providerTimeoutSeconds: number
  providerBreakSeconds: number
  logLevel: string
  defaultLanguage: Language
  trustedProxies: readonly string[]
  passcodeLength: number
  passcodeTtlSeconds: number
  limits: Limits
}

export class ConfigFaults extends Error {
  readonly faults: readonly string[]

  constructor(faults: readonly string[]) {
    super(`Dialtone cannot start with these settings:\n${faults.map((fault) => `  - ${fault}`).join('\n')}`)
    this.faults = faults
  }
}

type Environment = Readonly<Record<string, string | undefined>>

/** @throws ConfigFaults naming every unknown, missing or bad setting at once. */
export const readConfig = (environment: Environment = process.env): Config => {
  const production = environment['NODE_ENV'] === 'production'
  const faults = findFaults(environment, production)
  if (faults.length > 0) throw new ConfigFaults(faults)

  const given = (name: string) => environment[name] || settings[name]?.default || undefined
  const whole = (name: string) => Number(given(name))
  const secret = (name: string) => {
    const value = given(name)
    return value === undefined ? undefined : new Secret(value)
  }
  const host = given('HOST') ?? '127.0.0.1'
  const appId = given('DIALTONE_APP_ID')
  const appSecret = secret('DIALTONE_APP_SECRET')
  const adminPassword = secret('DIALTONE_ADMIN_PASSWORD')
  const [newestKey, ...olderKeys] = (given('DIALTONE_MASTER_KEY')?.split(',') ?? []).map(
    (key) => new Secret(key),
  )

  return {
    production,
    host,
    port: whole('PORT'),
    publicUrl: (
      given('DIALTONE_PUBLIC_URL') ?? `http://${host.includes(':') ? `[${host}]` : host}:${given('PORT')}`
    ).replace(/\/+$/, ''),
    databaseUrl: given('DIALTONE_DATABASE_URL'),
    databasePoolSize: whole('DIALTONE_DATABASE_POOL_SIZE'),
    dataDir: given('DIALTONE_DATA_DIR') ?? './data',
    masterKeys: newestKey === undefined ? undefined : [newestKey, ...olderKeys],
    firstStart: {
      ...(appId === undefined ? {} : { appId }),
      ...(appSecret === undefined ? {} : { appSecret }),
      ...(adminPassword === undefined ? {} : { adminPassword }),
    },
    inbox: (given('DIALTONE_INBOX') ?? (production ? 'off' : 'on')) === 'on',
    testNumbers: (given('DIALTONE_TEST_NUMBERS') ?? (production ? 'off' : 'on')) === 'on',
    providerTimeoutSeconds: whole('DIALTONE_PROVIDER_TIMEOUT_SECONDS'),
    providerBreakSeconds: whole('DIALTONE_PROVIDER_BREAK_SECONDS'),
    logLevel: given('DIALTONE_LOG_LEVEL') ?? (production ? 'info' : 'warn'),
    defaultLanguage: given('DIALTONE_DEFAULT_LANGUAGE') === 'zh-CN' ? 'zh-CN' : 'en-US',
    trustedProxies: (given('DIALTONE_TRUSTED_PROXIES') ?? '')
      .split(',')
      .map((entry) => entry.trim())
      .filter(Boolean),
    passcodeLength: whole('DIALTONE_PASSCODE_LENGTH'),
    passcodeTtlSeconds: whole('DIALTONE_PASSCODE_TTL_SECONDS'),
    limits: readLimits((name) => whole(`DIALTONE_${limits[name].setting}`)),
  }
}

const findFaults = (environment: Environment, production: boolean): string[] => {
  const unknown = Object.keys(environment)
    .filter((name) => name.startsWith('DIALTONE_') && !(name in settings))
    .map((name) => `${name} is not a setting: docs/reference/settings.md lists them all.`)
  const known = Object.entries(settings).flatMap(([name, setting]) => {
    const value = environment[name]
    if (value === undefined || value === '') {
      return production && setting.requiredInProduction
        ? [`${name} is missing: production needs it. ${setting.about}`]
        : []
    }
    if (setting.accepts === undefined || setting.accepts(value, production)) return []
    return [`${name} must be ${setting.allowed}.`]
  })
  return [...unknown, ...known]
}

const readLimits = (numberOf: (name: LimitName) => number): Limits =>
  Object.fromEntries(
    (Object.keys(limits) as LimitName[]).map((name) => [
      name,
      { ...limits[name], [limits[name].settable]: numberOf(name) },
    ]),
  ) as Limits

/** A variable that a document of the operator names; none of ours. */
export const environmentVariable = (name: string): string | undefined => process.env[name]
