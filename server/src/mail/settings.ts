// Which server sends a pool's email, and in whose name.
//
// What must stay true: the password is sealed at rest and told to nobody (rule 27); who may change where it is sent to
// gives it again, so that nobody learns it by naming a server of his own; no setting can add a header to a letter.
import { type Static, Type } from 'typebox'
import { ApiError, type FieldFault } from '../api-codes.ts'
import type { Config } from '../config.ts'
import type { Clock } from '../core/clock.ts'
import type { Keyring } from '../core/crypto.ts'
import type { Database, Queryable } from '../core/database.ts'
import { fieldsInvalid } from '../core/faults.ts'
import { schemaFaults } from '../core/schema.ts'
import { requireEmail } from '../users/users.ts'
import { deleteMailSettings, type MailSettingsRow, selectMailSettings, upsertMailSettings } from './store.ts'

export const securities = ['tls', 'starttls', 'none'] as const

const properties = {
  host: Type.String({
    minLength: 1,
    maxLength: 253,
    description: 'The host name or IP address of the SMTP server; its certificate must name it.',
    examples: ['smtp.example.com'],
  }),
  port: Type.Integer({
    minimum: 1,
    maximum: 65_535,
    description: 'Mostly 465 for `tls`, and 587 for `starttls`.',
    examples: [465],
  }),
  security: Type.Enum(securities, {
    description:
      '`tls` from the first octet; `starttls` and nothing is sent before it; `none` only for a server of this machine, or outside of production.',
    examples: ['tls'],
  }),
  username: Type.Optional(
    Type.String({
      minLength: 1,
      maxLength: 200,
      description: 'Absent: the server asks for none.',
      examples: ['login@example.com'],
    }),
  ),
  password: Type.Optional(
    Type.String({
      minLength: 1,
      maxLength: 1000,
      description:
        'Never shown again. It may be left out where it is kept already, unless the server or its security changes.',
      examples: ['a password of the mail server'],
    }),
  ),
  from: Type.String({
    maxLength: 254,
    description: 'The address that letters come from.',
    examples: ['login@example.com'],
  }),
  fromName: Type.Optional(
    Type.String({ maxLength: 100, description: 'The name beside it.', examples: ['Example'] }),
  ),
  replyTo: Type.Optional(
    Type.String({
      maxLength: 254,
      description: 'Where answers go to. Default: `from`.',
      examples: ['help@example.com'],
    }),
  ),
  timeoutSeconds: Type.Optional(
    Type.Integer({
      minimum: 1,
      maximum: 60,
      description: 'How long the server may take for each step. Default: 10.',
      examples: [10],
    }),
  ),
  caCertificate: Type.Optional(
    Type.String({
      maxLength: 20_000,
      description:
        'Certificates (PEM) of the authority that signed the server’s: then these alone are trusted, else those of Node.js.',
      examples: ['-----BEGIN CERTIFICATE-----\nMIIB…\n-----END CERTIFICATE-----\n'],
    }),
  ),
}

export const MailEntry = Type.Object(properties, { additionalProperties: false })
export type MailEntry = Static<typeof MailEntry>

const { password: _password, ...open } = properties
/** As they are kept and shown: without the password. */
export const ShownMail = Type.Object(open, { additionalProperties: false })
export type ShownMail = Static<typeof ShownMail>

export type MailServer = ShownMail & { password: string | undefined }

/** What says where the password is sent to, and how well it is protected on the way. */
const place = ['host', 'port', 'security', 'caCertificate'] as const

const isLoopback = (host: string): boolean => /^(localhost|127(\.\d{1,3}){3}|::1)$/.test(host)

/** A line break would begin another header; the other control characters have no place in one. */
const controlPattern = /[\p{Cc}\u2028\u2029]/u

const inOneLine = ['host', 'username', 'password', 'from', 'fromName', 'replyTo'] as const

const addressFault = (given: ShownMail, field: 'from' | 'replyTo'): FieldFault[] => {
  const address = given[field]
  if (address === undefined || controlPattern.test(address)) return []
  try {
    requireEmail(address)
    return []
  } catch {
    return [{ field, message: 'must be an email address, such as login@example.com' }]
  }
}

const faultsOf = (given: MailEntry, production: boolean): FieldFault[] => {
  const { host, security, caCertificate } = given
  const faults: FieldFault[] = inOneLine
    .filter((field) => controlPattern.test(given[field] ?? ''))
    .map((field) => ({
      field,
      message: 'holds a line break or another control character: remove it',
    }))
  faults.push(...addressFault(given, 'from'), ...addressFault(given, 'replyTo'))
  if (/[\s/@]/.test(host) && !controlPattern.test(host)) {
    faults.push({ field: 'host', message: 'must be a host name or an IP address, without a URL around it' })
  }
  if (security === 'none' && production && !isLoopback(host)) {
    faults.push({
      field: 'security',
      message: 'must be tls or starttls: none sends codes and passwords in clear over the network',
    })
  }
  if (caCertificate !== undefined && !/-----BEGIN CERTIFICATE-----[\s\S]+-----END/.test(caCertificate)) {
    faults.push({ field: 'caCertificate', message: 'must be a certificate in PEM form' })
  }
  return faults
}

const passwordFaults = (given: MailEntry, kept: MailServer | undefined): FieldFault[] => {
  const { username, password } = given
  if (username === undefined) {
    return password === undefined
      ? []
      : [{ field: 'username', message: 'is required where there is a password' }]
  }
  if (password !== undefined) return []
  if (kept?.password === undefined) {
    return [{ field: 'password', message: 'is required where there is a username' }]
  }
  const moved = place.find((name) => given[name] !== kept[name])
  return moved === undefined
    ? []
    : [{ field: 'password', message: `must be given again, because ${moved} has changed` }]
}

/** @throws ApiError request_invalid naming every field that has not the form of one */
const parseEntry = (given: unknown): MailEntry => {
  const faults = schemaFaults(MailEntry, given)
  if (faults.length > 0) {
    throw fieldsInvalid(faults.map(({ field, message }) => ({ field: field || 'body', message })))
  }
  return given as MailEntry
}

type Deps = { db: Database; keyring: Keyring; clock: Clock; config: Pick<Config, 'production'> }

export const createMailSettings = ({ db, keyring, clock, config }: Deps) => {
  const contextOf = (poolId: string) => `mail settings ${poolId}`

  const serverOf = (poolId: string, row: MailSettingsRow): MailServer => ({
    ...row.settings,
    password:
      row.sealed_password === null ? undefined : keyring.unseal(row.sealed_password, contextOf(poolId)),
  })

  const find = async (poolId: string, tx: Queryable = db): Promise<MailServer | undefined> => {
    const row = await selectMailSettings(tx, poolId)
    return row === undefined ? undefined : serverOf(poolId, row)
  }

  return {
    /** With the password. */
    find,

    /** Without the password. */
    show: async (poolId: string, tx: Queryable = db): Promise<ShownMail | undefined> =>
      (await selectMailSettings(tx, poolId))?.settings,

    /** @throws ApiError request_invalid naming every field and its remedy */
    put: async (poolId: string, given: unknown, tx: Queryable): Promise<void> => {
      const entry = parseEntry(given)
      const kept = await find(poolId, tx)
      const faults = [...faultsOf(entry, config.production), ...passwordFaults(entry, kept)]
      if (faults.length > 0) throw fieldsInvalid(faults)
      const { password, ...settings } = entry
      const wanted = settings.username === undefined ? undefined : (password ?? kept?.password)
      await upsertMailSettings(tx, {
        poolId,
        settings,
        sealedPassword: wanted === undefined ? undefined : keyring.seal(wanted, contextOf(poolId)),
        now: clock.now(),
      })
    },

    /** @throws ApiError record_not_found */
    remove: async (poolId: string, tx: Queryable): Promise<void> => {
      if (!(await deleteMailSettings(tx, poolId))) {
        throw new ApiError('record_not_found', 'the pool has no mail server')
      }
    },
  }
}

export type MailSettings = ReturnType<typeof createMailSettings>
