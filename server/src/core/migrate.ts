// Brings the database to the newest schema: numbered plain-SQL files, forward only, each once.
import { readdirSync, readFileSync } from 'node:fs'
import { join as joinPath } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Database, type Queryable, sql } from './database.ts'

const migrationsDir = fileURLToPath(new URL('../../migrations', import.meta.url))

/** Any number that no other program on the database locks with. */
const startLock = 7_301_986

/**
 * Serializes work that only one process may do at a time, until the transaction ends. Several processes may start
 * at once; one that dies releases the lock with its transaction.
 */
export const takeStartLock = async (tx: Queryable): Promise<void> => {
  await tx.query(sql`select pg_advisory_xact_lock(${startLock}::bigint)`)
}

export const migrate = async (db: Database): Promise<void> => {
  const files = readdirSync(migrationsDir)
    .filter((name) => name.endsWith('.sql'))
    .sort()
  await db.transaction(async (tx) => {
    await takeStartLock(tx)
    await tx.script(
      'create table if not exists migrations (name text primary key, applied_at timestamptz not null default now())',
    )
    const applied = new Set(
      (await tx.query<{ name: string }>(sql`select name from migrations`)).map((row) => row.name),
    )
    for (const name of files.filter((file) => !applied.has(file))) {
      await tx.script(readFileSync(joinPath(migrationsDir, name), 'utf8'))
      await tx.query(sql`insert into migrations (name) values (${name})`)
    }
  })
}
