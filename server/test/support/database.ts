import { randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'
import pg from 'pg'
import { inject } from 'vitest'
import { type Database, openPglite, openPostgres, sql } from '../../src/core/database.ts'
import { databaseUrl } from './postgres-template.ts'

export type TestDatabase = { db: Database; drop(): Promise<void> }

/** A fresh copy of the prepared database, on the engine of the running project. */
export const openTestDatabase = async (): Promise<TestDatabase> => {
  const dump = inject('pgliteTemplate')
  return dump === undefined ? copyPostgres(inject('postgresUrl')) : takePglite(dump)
}

const copyPostgres = async (url: string): Promise<TestDatabase> => {
  const name = `test_${randomUUID().replaceAll('-', '')}`
  await administer(url, `create database ${name} template dialtone_template`)
  const db = openPostgres(databaseUrl(url, name), { poolSize: 20, onError: () => {} })
  return {
    db,
    drop: async () => {
      await db.close()
      await administer(url, `drop database ${name} with (force)`)
    },
  }
}

const administer = async (url: string, statement: string) => {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  await client.query(statement)
  await client.end()
}

type Pglite = { db: Database; restore: string }

let spare: Pglite | undefined

/** Starting PGlite takes a second, so that the tests of a file take turns on one, brought back to the template. */
const takePglite = async (dump: string): Promise<TestDatabase> => {
  const taken = spare ?? (await newPglite(dump))
  spare = undefined
  return {
    db: taken.db,
    drop: async () => {
      try {
        await taken.db.script(taken.restore)
        spare = taken
      } catch {
        // A test that broke or closed the database leaves it to no other.
        await taken.db.close().catch(() => {})
      }
    },
  }
}

const newPglite = async (dump: string): Promise<Pglite> => {
  const db = await openPglite(undefined, new Blob([readFileSync(dump)]))
  const rows = await db.query<{ name: string }>(
    sql`select tablename as name from pg_tables where schemaname = 'public'`,
  )
  const tables = rows.map(({ name }) => name)
  await db.script(`
    create schema template;
    ${tables.map((table) => `create table template.${table} as table public.${table};`).join('\n')}`)
  const restore = `
    set session_replication_role = replica;
    truncate ${tables.join(', ')};
    ${tables.map((table) => `insert into ${table} select * from template.${table};`).join('\n')}
    set session_replication_role = origin;`
  return { db, restore }
}
