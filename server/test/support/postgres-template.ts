import { randomUUID } from 'node:crypto'
import pg from 'pg'
import type { TestProject } from 'vitest/node'
import { openPostgres } from '../../src/core/database.ts'
import { startPostgres } from './postgres.ts'
import { prepareTemplate } from './settings.ts'

/**
 * DIALTONE_TEST_POSTGRES_URL names a server that runs already; DIALTONE_TEST_POSTGRES_BINARIES the folder of another
 * release's binaries. Without either, the PostgreSQL of the npm package is started.
 */
export default async (project: TestProject) => {
  const { DIALTONE_TEST_POSTGRES_URL: given, DIALTONE_TEST_POSTGRES_BINARIES: binariesFrom } = process.env
  const server =
    given === undefined ? await startPostgres(binariesFrom === undefined ? {} : { binariesFrom }) : undefined
  const url = given ?? server?.url ?? ''
  await administer(url, 'drop database if exists dialtone_template')
  await administer(url, 'create database dialtone_template')
  const db = openPostgres(databaseUrl(url, 'dialtone_template'), { poolSize: 2, onError: () => {} })
  await prepareTemplate(db)
  await db.close()
  const prefix = `test_${randomUUID().slice(0, 8)}_`
  project.provide('postgres', { url, prefix })
  return async () => {
    await dropDatabases(url, prefix)
    await server?.stop()
  }
}

/** @returns the rows */
export const administer = async (url: string, statement: string): Promise<Record<string, string>[]> => {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    return (await client.query<Record<string, string>>(statement)).rows
  } finally {
    await client.end()
  }
}

/** Those that the workers made, which have ended. */
const dropDatabases = async (url: string, prefix: string): Promise<void> => {
  const rows = await administer(
    url,
    `select datname from pg_database where starts_with(datname, '${prefix}')`,
  )
  for (const { datname } of rows) await administer(url, `drop database ${datname} with (force)`)
}

export const databaseUrl = (url: string, name: string): string => {
  const target = new URL(url)
  target.pathname = `/${name}`
  return target.href
}
