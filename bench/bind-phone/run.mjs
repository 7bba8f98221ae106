// How many pairs "send an SMS code to a number; bind that phone to the signed-in account" a second, at what
// latency, for how much CPU time? Dialtone, better-auth and the floor take turns on one PostgreSQL server:
// see the README.

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { availableParallelism, tmpdir, totalmem } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import pg from 'pg'
import { createBetterAuth } from './better-auth.mjs'
import { createDialtone, dialtoneIsBuilt } from './dialtone.mjs'
import { createFloor } from './floor.mjs'
import { runLoop } from './load.mjs'
import { startPostgres } from './postgres.mjs'
import {
  cpuSeconds,
  freePort,
  machineCpuSeconds,
  startProcess,
  stopProcess,
  waitForPort,
} from './processes.mjs'
import { writePage } from './report.mjs'

const factories = { dialtone: createDialtone, 'better-auth': createBetterAuth, floor: createFloor }

const { values: options } = parseArgs({
  options: {
    only: { type: 'string' }, // names, comma-separated; such a run does not write results.md
    rounds: { type: 'string', default: '7' },
    pairs: { type: 'string', default: '1200' },
    users: { type: 'string', default: '10000' },
  },
})
const rounds = Number(options.rounds)
const pairs = Number(options.pairs)
const users = Math.max(Number(options.users), pairs * (rounds + 1)) // every pair takes a user without a phone
const concurrency = 16

const main = async () => {
  const names = options.only?.split(',') ?? Object.keys(factories)
  const present = names.filter((name) => name !== 'dialtone' || dialtoneIsBuilt())
  if (present.length < names.length)
    console.log('Dialtone is not built (npm run build): measuring its peers alone')

  const postgres = await startPostgres()
  const contenders = []
  for (const name of present) contenders.push(await startContender(name, postgres))

  for (let round = 0; round <= rounds; round++) {
    for (const contender of contenders) {
      const figures = await runRound(contender, postgres, round)
      if (round > 0) contender.rounds.push(figures)
      const label = round === 0 ? 'warm-up' : `round ${round}`
      console.log(`${label}  ${contender.title}: ${figures.pairsPerSecond.toFixed(0)} pairs/s`)
    }
  }
  for (const contender of contenders) await confirmBound(contender)
  for (const contender of contenders) await stopContender(contender)
  await postgres.stop()

  const page = writePage({
    date: new Date().toISOString().slice(0, 10),
    facts: facts(postgres),
    contenders,
  })
  console.log(`\n${page}`)
  if (!options.only) writeFileSync(new URL('results.md', import.meta.url), page)
}

const startContender = async (name, postgres) => {
  const databaseUrl = await postgres.createDatabase(`bench_${name.replace('-', '_')}`)
  const database = new pg.Client(databaseUrl)
  await database.connect()
  const port = await freePort()
  const folder = mkdtempSync(join(tmpdir(), 'dialtone-bench-'))
  process.on('exit', () => rmSync(folder, { recursive: true, force: true, maxRetries: 5 }))

  const contender = factories[name]({ databaseUrl, database, port, folder })
  await contender.createSchema?.()
  const child = startProcess(process.execPath, contender.command, {
    env: { ...contender.env, NODE_ENV: 'production' },
  })
  await waitForPort(child, port)
  const tokens = await contender.prepareUsers(users)
  await database.query('vacuum analyze')
  console.log(`ready    ${contender.title}: ${tokens.length} users`)
  return { ...contender, child, port, database, tokens, rounds: [] }
}

const stopContender = async ({ child, database }) => {
  await database.end()
  await stopProcess(child)
}

// Timed: all the sends. Not timed: reading the codes. Timed: all the binds.
const runRound = async (contender, postgres, round) => {
  const first = round * pairs
  const count = countPairs(contender, round)
  const phones = Array.from({ length: count }, (_, i) => `+86138${String(first + i).padStart(8, '0')}`)
  const tokens = contender.tokens.slice(first, first + count)
  await postgres.checkpoint() // nobody pays for the pages of the one before

  const send = await runPhase(contender, postgres, {
    requests: phones.map(contender.send),
    accepts: contender.sent,
  })
  const codes = await contender.readCodes(phones)
  const bind = await runPhase(contender, postgres, {
    requests: phones.map((phone, i) => contender.bind({ token: tokens[i], phone, code: codes[i] })),
    accepts: (reply, i) => contender.bound(reply, phones[i]),
  })

  const perPair = (key) => ((send.cpu[key] + bind.cpu[key]) * 1000) / count
  return {
    pairsPerSecond: (count * 1000) / (send.milliseconds + bind.milliseconds),
    sendLatencies: send.latencies,
    bindLatencies: bind.latencies,
    cpu: Object.fromEntries(Object.keys(send.cpu).map((key) => [key, perPair(key)])),
  }
}

// All warm up alike.
const countPairs = ({ roundShare = 1 }, round) => (round === 0 ? pairs : Math.ceil(pairs * roundShare))

const runPhase = async ({ port, child }, postgres, { requests, accepts }) => {
  const before = readCpu(child, postgres)
  const loop = await runLoop({ port, requests, concurrency, accepts })
  await sleep(100) // work that a server puts off until after its reply is still its work
  const after = readCpu(child, postgres)
  const cpu = Object.fromEntries(Object.keys(after).map((key) => [key, after[key] - before[key]]))
  return { ...loop, cpu }
}

const readCpu = (child, postgres) => {
  const { user, system } = process.cpuUsage()
  const ours = {
    server: cpuSeconds(child.pid),
    postgres: cpuSeconds(postgres.pid),
    driver: (user + system) / 1e6,
  }
  return { ...ours, others: machineCpuSeconds() - ours.server - ours.postgres - ours.driver }
}

// The replies said so; now the tables.
const confirmBound = async (contender) => {
  const { bound } = (await contender.database.query(contender.countBound)).rows[0]
  const expected = countPairs(contender, 0) + rounds * countPairs(contender, 1)
  if (bound !== expected) throw new Error(`${contender.title}: ${bound} users have a phone, not ${expected}`)
}

const facts = (postgres) => {
  const memory = `${Math.round(totalmem() / 2 ** 30)} GB`
  const peers = ['better-auth', 'fastify', 'pg'].map((name) => `${name} ${versionOf(name)}`)
  return {
    machine: `${availableParallelism()} cores, ${memory}, ${process.platform} ${process.arch}`,
    disk: `a synced write of 8 kB takes ${postgres.syncMilliseconds.toFixed(2)} ms`,
    software: `Node ${process.versions.node}, PostgreSQL ${postgres.version}, ${peers.join(', ')}`,
    PostgreSQL: 'fsync, synchronous_commit and full_page_writes on; else its defaults',
    servers: "one process each; the peers with pg's default pool of 10; the driver shares the cores",
    users: `${users.toLocaleString('en-US')} each, none with a phone at first`,
    load: `${concurrency} connections; ${pairs} pairs a round, for better-auth a third; every reply checked`,
    rounds: `one to warm up, ${rounds} counted, the contenders in turn`,
  }
}

const versionOf = (name) =>
  JSON.parse(readFileSync(new URL(`../node_modules/${name}/package.json`, import.meta.url), 'utf8')).version

// Exit by process.exit: its handlers stop the children and remove the folders, after a failure too.
main().then(
  () => process.exit(0),
  (error) => {
    console.error(error)
    process.exit(1)
  },
)
