// Who delivers messages to phones: the kinds of provider that exist and, of each pool, those that are configured.
//
// What must stay true: a provider's secrets are sealed at rest and never shown again (rule 27); settings are checked
// against their kind's schema before they are kept; a kept secret does not follow a provider to another address; a
// change made by another process is seen within seconds.

import { isDeepStrictEqual } from 'node:util'
import { ApiError, fieldInvalid } from '../api-codes.ts'
import type { Config } from '../config.ts'
import type { Clock } from '../core/clock.ts'
import { digest, type Keyring, sameSecret } from '../core/crypto.ts'
import type { Database, Queryable } from '../core/database.ts'
import { fieldsInvalid } from '../core/faults.ts'
import type { Log } from '../core/log.ts'
import { schemaFaults } from '../core/schema.ts'
import { Secret } from '../core/secret.ts'
import { type ConnectedProvider, createConnections } from './connections.ts'
import { connectedKinds, kindOf, type ProviderKindName } from './kinds.ts'
import type { ProviderKind, Receipt } from './provider.ts'
import { type Kept, partSecrets, secretsToRepeat } from './secrets.ts'
import { deleteProvider, type ProviderRow, selectProvider, selectProviders, upsertProvider } from './store.ts'

export type { ConnectedProvider } from './connections.ts'
export { type FailureReason, failures } from './failures.ts'
export { connectProvider, type ProviderKindName, providerKinds } from './kinds.ts'
export type {
  AcceptedMessage,
  LineQuestion,
  Money,
  OutgoingMessage,
  PhoneChannel,
  Provider,
  Receipt,
  ReceiptCall,
  ReceiptReply,
  SendOutcome,
} from './provider.ts'
export { createTestMessages } from './test-message.ts'

export type ProviderSettings = {
  kind: ProviderKindName
  enabled: boolean
  /** Secrets may be left out where they are kept already. */
  settings: Record<string, unknown>
}

export type ConfiguredProvider = ProviderSettings & {
  name: string
  /** Which secrets are kept. Their values are shown to nobody. */
  secrets: string[]
  /** Where the provider is to report deliveries, for services in whose console it is set. */
  receiptUrl: string
  updatedAt: string
}

const namePattern = /^[a-z0-9][a-z0-9_-]{0,39}$/
/** Names that mean something else where a provider's name stands. */
const reservedNames = ['inbox', 'test_number']

type Deps = {
  db: Database
  keyring: Keyring
  clock: Clock
  log: Log
  config: Pick<Config, 'publicUrl'>
  /** What comes in over the own connection of a provider. */
  takeReceipts(poolId: string, provider: string, receipts: readonly Receipt[]): Promise<void>
}

export const createProviders = ({ db, keyring, clock, log, config, takeReceipts }: Deps) => {
  const contextOf = (poolId: string, name: string) => `sms provider ${poolId} ${name}`

  const secretsOf = (poolId: string, row: ProviderRow): Record<string, unknown> =>
    JSON.parse(keyring.unseal(row.sealed_secrets, contextOf(poolId, row.name)))

  /** Undefined where no configured master key opens them: then they must be given again. */
  const keptSecretsOf = (poolId: string, row: ProviderRow): Record<string, unknown> | undefined => {
    try {
      return secretsOf(poolId, row)
    } catch {
      return undefined
    }
  }

  const tokenOf = (poolId: string, name: string, key = keyring.current): string =>
    digest(key.fingerprint, 'receipt url', poolId, name).toString('base64url').slice(0, 32)

  const receiptUrlOf = (poolId: string, name: string): string =>
    `${config.publicUrl}/sms/receipts/${poolId}/${name}/${tokenOf(poolId, name)}`

  const show = (poolId: string, row: ProviderRow): ConfiguredProvider => ({
    name: row.name,
    kind: row.kind as ProviderKindName,
    enabled: row.enabled,
    settings: row.settings,
    secrets: Object.keys(keptSecretsOf(poolId, row) ?? {}),
    receiptUrl: receiptUrlOf(poolId, row.name),
    updatedAt: row.updated_at.toISOString(),
  })

  const connections = createConnections({ db, secretsOf, clock, log, takeReceipts })

  /** @throws ApiError request_invalid */
  const tryToConnect = (kind: ProviderKind, name: string, settings: Record<string, unknown>): void => {
    try {
      kind.connect(settings, { name, clock, log, takeReceipts: async () => {} })
    } catch (error) {
      if (error instanceof ApiError) throw error
      throw fieldInvalid('settings', error instanceof Error ? error.message : 'are not valid')
    }
  }

  /** @throws ApiError request_invalid naming every field */
  const parse = (given: ProviderSettings & { name: string }, kept: Kept | undefined) => {
    if (!namePattern.test(given.name) || reservedNames.includes(given.name)) {
      throw fieldInvalid('name', 'must be 1 to 40 of a–z, 0–9, - and _, and not inbox or test_number')
    }
    const kind = kindOf(given.kind)
    const {
      settings,
      secrets,
      given: givenSecrets,
    } = partSecrets(kind.secrets, given.settings, kept?.secrets)
    const errors = [
      ...secretsToRepeat(settings, givenSecrets, kept),
      ...schemaFaults(kind.settings, { ...settings, ...secrets }, 'settings'),
    ]
    if (errors.length > 0) throw fieldsInvalid(errors)
    // What a schema cannot say, the kind says as it connects; a kind that would open a connection has nothing to say.
    if (!connectedKinds.includes(given.kind)) tryToConnect(kind, given.name, { ...settings, ...secrets })
    return { settings, secrets }
  }

  const put = async (
    poolId: string,
    given: ProviderSettings & { name: string },
    tx: Queryable = db,
  ): Promise<'created' | 'changed' | 'unchanged'> => {
    const row = await selectProvider(tx, poolId, given.name)
    const keptSecrets = row?.kind === given.kind ? keptSecretsOf(poolId, row) : undefined
    const kept =
      row === undefined || keptSecrets === undefined
        ? undefined
        : { settings: row.settings, secrets: keptSecrets }
    const { settings, secrets } = parse(given, kept)
    const isSame = isDeepStrictEqual({ settings, secrets }, kept) && row?.enabled === given.enabled
    if (isSame) return 'unchanged'
    await upsertProvider(tx, poolId, {
      name: given.name,
      kind: given.kind,
      settings,
      sealed_secrets: keyring.seal(JSON.stringify(secrets), contextOf(poolId, given.name)),
      enabled: given.enabled,
      updated_at: clock.now(),
    })
    if (tx === db) await connections.forget(poolId)
    return row === undefined ? 'created' : 'changed'
  }

  return {
    put,
    receiptUrlOf,

    /** Whether this is the token of the provider's receipt URL, also of one made before the master key was rotated. */
    isReceiptToken: (poolId: string, name: string, token: string): boolean =>
      keyring.all.some((key) => sameSecret(token, new Secret(tokenOf(poolId, name, key)))),

    list: async (poolId: string, tx: Queryable = db): Promise<ConfiguredProvider[]> =>
      (await selectProviders(tx, poolId)).map((row) => show(poolId, row)),

    find: async (
      poolId: string,
      name: string,
      tx: Queryable = db,
    ): Promise<ConfiguredProvider | undefined> => {
      const row = await selectProvider(tx, poolId, name)
      return row === undefined ? undefined : show(poolId, row)
    },

    /** @throws ApiError record_not_found; request_invalid while a route or the guard's policy names it */
    remove: async (poolId: string, name: string, tx: Queryable = db): Promise<void> => {
      if ((await selectProvider(tx, poolId, name)) === undefined) {
        throw new ApiError('record_not_found', 'no such provider')
      }
      const [gone] = await deleteProvider(tx, poolId, name)
      if (gone === undefined) {
        throw fieldInvalid(
          'name',
          'is used by a route, or by the lookup of the guard: take it out of there first',
        )
      }
      if (tx === db) await connections.forget(poolId)
    },

    ...connections,
  }
}

export type Providers = ReturnType<typeof createProviders>

/** Whether a second call with the same message id sends no second message. */
export const isIdempotent = ({ kind, settings }: ConnectedProvider): boolean =>
  typeof kind.idempotent === 'function' ? kind.idempotent(settings) : kind.idempotent
