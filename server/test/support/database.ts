// A database for each test, of the engine of the running project, as if it were new.
//
// What must stay true: a test finds nothing of an earlier one; one that broke its database leaves it to no other.
import { randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { inject } from 'vitest'
import { type Database, openPglite, openPostgres, sql } from '../../src/core/database.ts'
import { administer, databaseUrl } from './postgres-template.ts'

export type TestDatabase = { db: Database; drop(): Promise<void> }

/** With what brings its tables back to how the template has them. */
type Restorable = { db: Database; restore: string }

/** Making one takes a hundred times as long as restoring it, so that the tests of a worker take turns. */
const spares: Restorable[] = []

export const openTestDatabase = async (): Promise<TestDatabase> => {
  const taken = spares.pop() ?? (await withTemplate(await open()))
  return {
    db: taken.db,
    drop: async () => {
      try {
        await taken.db.script(taken.restore)
        spares.push(taken)
      } catch {
        // A test that broke or closed the database.
        await taken.db.close().catch(() => {})
      }
    },
  }
}

const open = async (): Promise<Database> => {
  const dump = inject('pgliteTemplate')
  if (dump !== undefined) return openPglite(undefined, new Blob([readFileSync(dump)]))
  const { url, prefix } = inject('postgres')
  const name = `${prefix}${randomUUID().replaceAll('-', '')}`
  await administer(url, `create database ${name} template dialtone_template`)
  return openPostgres(databaseUrl(url, name), { poolSize: 20, onError: () => {} })
}

/** Keeps the rows of the template in a schema of their own. */
const withTemplate = async (db: Database): Promise<Restorable> => {
  const rows = await db.query<{ name: string }>(
    sql`select tablename as name from pg_tables where schemaname = 'public'`,
  )
  const tables = rows.map(({ name }) => name)
  await db.script(`
    create schema template;
    ${tables.map((table) => `create table template.${table} as table public.${table};`).join('\n')}`)
  // Deleted and not truncated: for tables of a few rows that takes a tenth of the time.
  const restore = `
    begin;
    set local session_replication_role = replica;
    ${tables.map((table) => `delete from ${table};`).join('\n')}
    ${tables.map((table) => `insert into ${table} select * from template.${table};`).join('\n')}
    commit;`
  return { db, restore }
}
