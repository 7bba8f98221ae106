// The data directory: the credentials that the first start made, and a lock, because the embedded database must not be
// opened by two processes at once.
//
// What must stay true: a file is there whole or not at all, also for a process that starts at the same instant and
// after a power cut; of many processes that find the lock of a dead one, one takes it over.
import {
  closeSync,
  fsyncSync,
  linkSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { join as joinPath } from 'node:path'

const credentialsFile = 'credentials.json'
const lockFile = 'lock'

type Kept = Readonly<Record<string, string>>

/** What the first start made and kept here; empty before it. */
export const readCredentialsFile = (dataDir: string): Kept =>
  readJson(joinPath(dataDir, credentialsFile), `restore it, or remove it to start anew`) ?? {}

/**
 * Adds to the file, readable by its owner alone, and answers what it holds then: what another process put there at the
 * same instant stays as it is.
 */
export const keepCredentials = (dataDir: string, added: Kept): Kept => {
  const path = joinPath(dataDir, credentialsFile)
  const known = readCredentialsFile(dataDir)
  const all = { ...known, ...added }
  if (Object.keys(added).every((name) => known[name] === added[name])) return known
  mkdirSync(dataDir, { recursive: true, mode: 0o700 })
  const text = `${JSON.stringify(all, null, 2)}\n`
  if (Object.keys(known).length > 0) {
    replaceFile(path, text)
    return all
  }
  return createFile(path, text) ? all : readCredentialsFile(dataDir)
}

/** What the operator can mend; the message says how. */
export class DataDirFault extends Error {}

/**
 * Claims the directory for this process; the result releases it. A lock whose process is gone (`kill -9`, a power
 * cut) is taken over.
 * @throws DataDirFault
 */
export const lockDataDir = (dataDir: string): (() => void) => {
  mkdirSync(dataDir, { recursive: true, mode: 0o700 })
  const path = joinPath(dataDir, lockFile)
  const holder = claim(path)
  if (holder !== undefined) {
    throw new DataDirFault(
      `another Dialtone (process ${holder.pid}) uses the data directory ${dataDir}: stop it, or set DIALTONE_DATA_DIR or DIALTONE_DATABASE_URL`,
    )
  }
  return () => rmSync(path, { force: true })
}

type Holder = { pid: number; startedAt: string }

/**
 * Makes the lock file; answers who holds it if somebody else does. A dead holder's lock is replaced by whoever holds
 * the lock on doing so, and looks again then: otherwise the slower of two would replace the lock of the faster one.
 */
const claim = (path: string): Holder | undefined => {
  const own = JSON.stringify({ pid: process.pid, startedAt: processStart(process.pid) })
  for (;;) {
    if (createFile(path, own)) return undefined
    const holder = readHolder(path)
    if (holder !== undefined && isAlive(holder)) return holder
    if (holder === undefined) continue

    const takeover = `${path}.takeover`
    const other = claim(takeover)
    if (other !== undefined) return other
    try {
      const now = readHolder(path)
      if (now === undefined) continue
      if (isAlive(now)) return now
      replaceFile(path, own)
      return undefined
    } finally {
      rmSync(takeover, { force: true })
    }
  }
}

const readHolder = (path: string): Holder | undefined => {
  const read = readJson(path, 'if no Dialtone runs there, remove it')
  return read && { pid: Number(read['pid']), startedAt: read['startedAt'] ?? '' }
}

/** In a container every process may be number 1: the start time tells the old one from the new one. */
const isAlive = ({ pid, startedAt }: Holder): boolean => {
  if (!Number.isInteger(pid) || pid <= 0) return false
  try {
    process.kill(pid, 0)
  } catch (error) {
    if (!isCode(error, 'EPERM')) return false
  }
  const start = processStart(pid)
  return start === '' || startedAt === '' || start === startedAt
}

/** Field 22 of /proc/PID/stat (proc(5)): clock ticks since boot. Empty where there is no /proc. */
const processStart = (pid: number): string => {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? ''
  } catch {
    return ''
  }
}

/** False when the file is there already. */
const createFile = (path: string, text: string): boolean => {
  const aside = writeAside(path, text)
  try {
    linkSync(aside, path)
    return true
  } catch (error) {
    if (isCode(error, 'EEXIST')) return false
    throw error
  } finally {
    rmSync(aside, { force: true })
  }
}

const replaceFile = (path: string, text: string): void => renameSync(writeAside(path, text), path)

const writeAside = (path: string, text: string): string => {
  const aside = `${path}.${process.pid}`
  const file = openSync(aside, 'w', 0o600)
  try {
    writeFileSync(file, text)
    fsyncSync(file)
  } finally {
    closeSync(file)
  }
  return aside
}

const readJson = (path: string, remedy: string): Kept | undefined => {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as Kept
  } catch (error) {
    if (isCode(error, 'ENOENT')) return undefined
    throw new DataDirFault(`${path} cannot be read as JSON: ${remedy}`, { cause: error })
  }
}

const isCode = (error: unknown, code: string): boolean =>
  error instanceof Error && 'code' in error && error.code === code
