import { join as joinPath } from 'node:path'
import type { Config } from './config.ts'
import { lockDataDir } from './core/data-dir.ts'
import { type Database, openPglite, openPostgres } from './core/database.ts'
import type { Log } from './core/log.ts'

/** The database that the settings name; the embedded one belongs to this process alone until it is closed. */
export const openDatabase = async (config: Config, log: Log): Promise<Database> => {
  if (config.databaseUrl !== undefined) {
    const onError = (error: Error) => log.error({ err: error }, 'a connection to the database broke')
    return openPostgres(config.databaseUrl, { poolSize: config.databasePoolSize, onError })
  }
  const release = lockDataDir(config.dataDir)
  const db = await openPglite(joinPath(config.dataDir, 'pglite'))
  return {
    ...db,
    close: async () => {
      await db.close()
      release()
    },
  }
}
