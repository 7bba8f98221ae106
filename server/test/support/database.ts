import { randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'
import pg from 'pg'
import { inject } from 'vitest'
import { type Database, openPglite, openPostgres } from '../../src/core/database.ts'
import { databaseUrl } from './postgres-template.ts'

export type TestDatabase = { db: Database; drop(): Promise<void> }

/** A fresh copy of the prepared database, on the engine of the running project. */
export const openTestDatabase = async (): Promise<TestDatabase> => {
  const dump = inject('pgliteTemplate')
  if (dump !== undefined) {
    const db = await openPglite(undefined, new Blob([readFileSync(dump)]))
    return { db, drop: () => db.close() }
  }
  const url = inject('postgresUrl')
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
