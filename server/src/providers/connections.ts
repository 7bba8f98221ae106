// The providers of all pools that are ready to be called, made when they are first needed.
//
// What must stay true: one connection a provider and process, whoever asks at the same time; a change made by another
// process is seen within `cacheSeconds`, and what it replaces is closed; one that cannot be connected is told once in
// the log, and stops no other.
import type { Static, TObject } from 'typebox'
import type { Clock } from '../core/clock.ts'
import type { Database } from '../core/database.ts'
import type { Log } from '../core/log.ts'
import { connectedKinds, kindOf, type ProviderKindName } from './kinds.ts'
import type { Provider, ProviderKind, Receipt } from './provider.ts'
import { type ProviderRow, selectEnabledOfKinds, selectProvider } from './store.ts'

export type ConnectedProvider = { provider: Provider; kind: ProviderKind; settings: Static<TObject> }

const cacheSeconds = 5

type Deps = {
  db: Database
  secretsOf(poolId: string, row: ProviderRow): Record<string, unknown>
  clock: Clock
  log: Log
  takeReceipts(poolId: string, provider: string, receipts: readonly Receipt[]): Promise<void>
}

/** `connected` is undefined where the row cannot be: until it is changed, it is not tried again. */
type Kept = { poolId: string; row: ProviderRow; connected: ConnectedProvider | undefined; until: number }

export const createConnections = ({ db, secretsOf, clock, log, takeReceipts }: Deps) => {
  const cache = new Map<string, Kept>()

  const close = async (key: string): Promise<void> => {
    const kept = cache.get(key)
    cache.delete(key)
    await kept?.connected?.provider.close?.()
  }

  /** @throws Error where the secrets cannot be opened, or the settings do not fit together */
  const connect = (poolId: string, row: ProviderRow): ConnectedProvider => {
    const kind = kindOf(row.kind as ProviderKindName)
    const settings = { ...row.settings, ...secretsOf(poolId, row) }
    const provider = kind.connect(settings, {
      name: row.name,
      clock,
      log,
      takeReceipts: (receipts) => takeReceipts(poolId, row.name, receipts),
    })
    return { provider, kind, settings }
  }

  const tryToConnect = (poolId: string, row: ProviderRow): ConnectedProvider | undefined => {
    try {
      return connect(poolId, row)
    } catch (error) {
      log.error(
        { err: error, poolId, provider: row.name },
        'the provider cannot be connected: its settings and secrets must be given again',
      )
      return undefined
    }
  }

  const keptOf = async (poolId: string, name: string): Promise<Kept | undefined> => {
    const key = `${poolId}/${name}`
    const now = clock.now().getTime()
    const fresh = cache.get(key)
    if (fresh !== undefined && fresh.until > now) return fresh
    const row = await selectProvider(db, poolId, name)
    if (row === undefined) {
      await close(key)
      return undefined
    }
    // Looked up again: another request may have connected meanwhile. Secrets are sealed anew with every change, and
    // never to the same text.
    const kept = cache.get(key)
    const isSame = kept?.row.sealed_secrets === row.sealed_secrets
    const connected = kept !== undefined && isSame ? kept.connected : tryToConnect(poolId, row)
    const current = { poolId, row, connected, until: now + cacheSeconds * 1000 }
    cache.set(key, current)
    if (kept !== undefined && !isSame) await kept.connected?.provider.close?.()
    return current
  }

  /** The provider of that name, ready to be called; undefined where there is none, it is off or cannot be connected. */
  const connected = async (poolId: string, name: string): Promise<ConnectedProvider | undefined> => {
    const kept = await keptOf(poolId, name)
    return kept?.row.enabled === true ? kept.connected : undefined
  }

  return {
    connected,

    /** Also one that is switched off: what it took before, it still reports. */
    reporting: async (poolId: string, name: string): Promise<ConnectedProvider | undefined> =>
      (await keptOf(poolId, name))?.connected,

    /** Connects those that report over a connection of their own; called every few seconds by every process. */
    keepConnected: async (): Promise<void> => {
      for (const { pool_id: poolId, name } of await selectEnabledOfKinds(db, connectedKinds)) {
        await keptOf(poolId, name)
      }
    },

    /** After a change of providers: closes those that are gone, and connects others anew. */
    forget: async (poolId: string): Promise<void> => {
      for (const kept of [...cache.values()].filter((one) => one.poolId === poolId)) {
        kept.until = 0
        await keptOf(poolId, kept.row.name)
      }
    },

    /** Ends every connection that providers keep open. */
    closeAll: async (): Promise<void> => {
      for (const key of [...cache.keys()]) await close(key)
    },
  }
}
