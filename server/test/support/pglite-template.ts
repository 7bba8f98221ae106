import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PGlite } from '@electric-sql/pglite'
import type { TestProject } from 'vitest/node'
import { openPglite } from '../../src/core/database.ts'
import { copyEmptyPglite } from './empty-pglite.ts'
import { prepareTemplate } from './settings.ts'

declare module 'vitest' {
  interface ProvidedContext {
    /** A dump of a prepared PGlite, to be loaded by each worker. */
    pgliteTemplate: string
    /** A PostgreSQL with the database `dialtone_template`, to be copied under names that begin with the prefix. */
    postgres: { url: string; prefix: string }
  }
}

export default async (project: TestProject) => {
  const folder = mkdtempSync(join(tmpdir(), 'dialtone-pglite-'))
  const dataDir = join(folder, 'template')
  await copyEmptyPglite(dataDir, folder)
  const db = await openPglite(dataDir)
  await prepareTemplate(db)
  await db.close()
  const template = await PGlite.create({ dataDir })
  const dump = join(folder, 'template.tar')
  writeFileSync(dump, Buffer.from(await (await template.dumpDataDir('none')).arrayBuffer()))
  await template.close()
  project.provide('pgliteTemplate', dump)
  return () => rmSync(folder, { recursive: true, force: true })
}
