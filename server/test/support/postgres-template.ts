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
  const admin = new pg.Client({ connectionString: url })
  await admin.connect()
  await admin.query('drop database if exists dialtone_template')
  await admin.query('create database dialtone_template')
  await admin.end()
  const db = openPostgres(databaseUrl(url, 'dialtone_template'), { poolSize: 2, onError: () => {} })
  await prepareTemplate(db)
  await db.close()
  project.provide('postgresUrl', url)
  return () => server?.stop()
}

export const databaseUrl = (url: string, name: string): string => {
  const target = new URL(url)
  target.pathname = `/${name}`
  return target.href
}
