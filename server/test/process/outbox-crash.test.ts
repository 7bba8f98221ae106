// A process that is killed while a provider has its message: the next one sends it again.
import { beforeAll, describe, expect, it } from 'vitest'
import { createApp } from '../../src/app.ts'
import { readConfig } from '../../src/config.ts'
import { systemClock } from '../../src/core/clock.ts'
import { createKeyring } from '../../src/core/crypto.ts'
import { createLog } from '../../src/core/log.ts'
import { migrate } from '../../src/core/migrate.ts'
import { prepareFirstStart, readCredentials } from '../../src/first-start.ts'
import { openDatabase } from '../../src/open-database.ts'
import { startGateway } from '../support/gateway.ts'
import { buildServer, clientOf, engines, type Settings, startServer, until } from '../support/process.ts'
import { testSettings } from '../support/settings.ts'

/** Configures a provider and a route that leads to it, before the first process starts. */
const prepare = async (settings: Settings, provider: Record<string, unknown>): Promise<void> => {
  const config = readConfig(settings)
  const log = createLog('silent')
  const db = await openDatabase(config, log)
  await migrate(db)
  const credentials = readCredentials(config)
  const keyring = createKeyring(credentials.masterKeys)
  const app = await createApp({ config, db, keyring, clock: systemClock, log })
  const { application } = await prepareFirstStart({ db, app }, credentials)
  const { poolId } = application
  await app.providers.put(poolId, { name: 'gateway', kind: 'generic', enabled: true, settings: provider })
  await db.transaction((tx) =>
    app.routing.replaceAll(poolId, [{ name: 'all', serves: {}, steps: [{ provider: 'gateway' }] }], tx),
  )
  await app.http.close()
  await db.close()
}

/** A process whose clock is so far ahead that the leases of the one before are over. */
const afterTheLease: Settings = {
  NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(`
    const Real = Date
    globalThis.Date = class extends Real {
      constructor(...given) {
        if (given.length === 0) super(Real.now() + 31_000)
        else super(...given)
      }
      static now() {
        return Real.now() + 31_000
      }
    }`)}`,
}

beforeAll(buildServer)

describe.each(Object.entries(engines))(
  'a message whose process is killed between the call of its provider and the answer, on %s,',
  { timeout: 300_000 },
  (_, newPlace) => {
    it.each([
      ['once, where the provider knows idempotency keys', { idempotencyHeader: 'idempotency-key' }, 1],
      ['again, with the same code, where it does not', {}, 2],
    ])('reaches the phone %s', async (_title, idempotency, times) => {
      await using gateway = await startGateway(({ id }) =>
        id === 'id-0' ? new Promise(() => {}) : Promise.resolve(),
      )
      const settings = {
        ...testSettings,
        DIALTONE_PROVIDER_TIMEOUT_SECONDS: '30',
        ...(await newPlace()),
      }
      await prepare(settings, { ...gateway.settings, ...idempotency })
      const killed = await startServer(settings)
      const app = { id: testSettings.DIALTONE_APP_ID, secret: testSettings.DIALTONE_APP_SECRET }
      const asked = clientOf(killed, app)
        .sendCode('18810000001')
        .catch(() => 'no answer')
      await until('the provider is asked', async () => gateway.sends.length === 1)
      await killed.kill('SIGKILL')

      await startServer({ ...settings, ...afterTheLease })
      await until('the message is sent again', async () => gateway.sends.length === 2)

      expect(await asked).toBe('no answer')
      expect(gateway.texts).toHaveLength(times)
      expect(new Set(gateway.texts).size).toBe(1)
    })
  },
)
