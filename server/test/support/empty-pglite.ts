/**
 * An embedded database that initdb has made and nobody has used. Making one takes ten times as long as a start with it,
 * so that it is made once and kept in the temporary folder for later runs, for each release of PGlite.
 *
 * What must stay true: it is there whole or not at all; one that others can write to is refused.
 */
import {
  cpSync,
  existsSync,
  lstatSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { PGlite } from '@electric-sql/pglite'

/** As a file that `PGlite.create` loads. */
const emptyPgliteDump = async (): Promise<Blob> => {
  const account = process.getuid?.() ?? 'user'
  const file = join(tmpdir(), `dialtone-pglite-${installedVersion()}-${account}.tar`)
  if (!existsSync(file)) {
    const dump = await makeDump()
    // Made aside and moved into place, so that a run beside this one sees all of it or nothing.
    const aside = mkdtempSync(`${file}-`)
    writeFileSync(join(aside, 'dump'), dump, { mode: 0o600 })
    renameSync(join(aside, 'dump'), file)
    rmSync(aside, { recursive: true })
  }
  refuseOfOthers(file)
  return new Blob([readFileSync(file)])
}

/**
 * As a folder: the copy of it that a server may use is the caller's.
 * @param scratch a folder of the caller's, where the first call puts what later ones copy
 */
export const copyEmptyPglite = async (to: string, scratch: string): Promise<void> => {
  original ??= unpack(scratch)
  cpSync(await original, to, { recursive: true })
}

let original: Promise<string> | undefined

const unpack = async (scratch: string): Promise<string> => {
  const dataDir = join(mkdtempSync(join(scratch, 'empty-')), 'pglite')
  const db = await PGlite.create({ dataDir, loadDataDir: await emptyPgliteDump() })
  await db.close()
  return dataDir
}

const makeDump = async (): Promise<Uint8Array> => {
  const db = await PGlite.create()
  const dump = await db.dumpDataDir('none')
  await db.close()
  return new Uint8Array(await dump.arrayBuffer())
}

const installedVersion = (): string => {
  const entry = createRequire(import.meta.url).resolve('@electric-sql/pglite')
  return JSON.parse(readFileSync(join(dirname(dirname(entry)), 'package.json'), 'utf8')).version
}

const refuseOfOthers = (file: string): void => {
  const { uid, mode } = lstatSync(file)
  const isOurs = process.getuid === undefined || (uid === process.getuid() && (mode & 0o022) === 0)
  if (!isOurs) throw new Error(`${file} was not made by us: look at it, and remove it`)
}
