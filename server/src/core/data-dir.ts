// The data directory: the credentials that the first start made, and a lock, because the embedded database must not be
// opened by two processes at once.
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join as joinPath } from 'node:path'

const credentialsFile = 'credentials.json'
const lockFile = 'lock'

/**
 * What the file holds, with what `make` adds to it. Written once, readable by its owner alone; a process that starts
 * at the same instant reads what the other one wrote.
 */
export const readOrMakeCredentials = (
  dataDir: string,
  make: (known: Readonly<Record<string, string>>) => Record<string, string>,
): Record<string, string> => {
  const path = joinPath(dataDir, credentialsFile)
  const known = readJson(path) ?? {}
  const made = make(known)
  const added = Object.keys(made).some((name) => !(name in known))
  if (!added) return known
  const all = { ...made, ...known }
  mkdirSync(dataDir, { recursive: true, mode: 0o700 })
  const isFirst = Object.keys(known).length === 0
  try {
    writeFileSync(path, `${JSON.stringify(all, null, 2)}\n`, { mode: 0o600, flag: isFirst ? 'wx' : 'w' })
  } catch (error) {
    if (isCode(error, 'EEXIST')) return readOrMakeCredentials(dataDir, make)
    throw error
  }
  return all
}

export class DataDirInUse extends Error {}

/**
 * Claims the directory for this process; the result releases it. A lock whose process is gone (`kill -9`, a power
 * cut) is taken over.
 * @throws DataDirInUse
 */
export const lockDataDir = (dataDir: string): (() => void) => {
  mkdirSync(dataDir, { recursive: true, mode: 0o700 })
  const path = joinPath(dataDir, lockFile)
  const own = JSON.stringify({ pid: process.pid, startedAt: processStart(process.pid) })
  for (let tries = 0; tries < 2; tries += 1) {
    try {
      writeFileSync(path, own, { mode: 0o600, flag: 'wx' })
      return () => rmSync(path, { force: true })
    } catch (error) {
      if (!isCode(error, 'EEXIST')) throw error
      const holder = readJson(path)
      if (holder !== undefined && isAlive(Number(holder['pid']), holder['startedAt'])) {
        throw new DataDirInUse(
          `another Dialtone (process ${holder['pid']}) uses the data directory ${dataDir}: stop it, or set DIALTONE_DATA_DIR or DIALTONE_DATABASE_URL`,
        )
      }
      rmSync(path, { force: true })
    }
  }
  throw new DataDirInUse(`another Dialtone has just taken the data directory ${dataDir}`)
}

/** In a container every process may be number 1: the start time tells the old one from the new one. */
const isAlive = (pid: number, startedAt: string | undefined): boolean => {
  if (!Number.isInteger(pid) || pid <= 0) return false
  try {
    process.kill(pid, 0)
  } catch (error) {
    if (!isCode(error, 'EPERM')) return false
  }
  const start = processStart(pid)
  return start === '' || startedAt === undefined || start === startedAt
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

const readJson = (path: string): Record<string, string> | undefined => {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as Record<string, string>
  } catch (error) {
    if (isCode(error, 'ENOENT')) return undefined
    throw new Error(`${path} cannot be read as JSON: restore it, or remove it to start anew`, {
      cause: error,
    })
  }
}

const isCode = (error: unknown, code: string): boolean =>
  error instanceof Error && 'code' in error && error.code === code
