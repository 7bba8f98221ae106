// `npm run guard:simulate`: replays traffic through the guard of a real server, on a database in memory and with a
// clock that is moved, and reports what it cost and whom it held up (docs/guides/guard.md).
import { readFileSync, writeFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { createApp } from './app.ts'
import { readConfig } from './config.ts'
import { systemClock } from './core/clock.ts'
import { createKeyring, randomToken } from './core/crypto.ts'
import { openPglite } from './core/database.ts'
import { createLog } from './core/log.ts'
import { migrate } from './core/migrate.ts'
import { schemaFaults } from './core/schema.ts'
import { Secret } from './core/secret.ts'
import { defaultPolicy, GuardPolicy } from './guard/guard.ts'
import {
  type Answer,
  attacks,
  makeTraffic,
  prepareServer,
  type Recipe,
  readTraffic,
  replay,
  reportOf,
  type TrafficEvent,
  tableOf,
  writeTraffic,
} from './guard-simulation/guard-simulation.ts'

const usage = `npm run guard:simulate -- --generate [--seed 1] [--hours 24] [--people 120] [--attacks 1] [--out FILE]
npm run guard:simulate -- --traffic FILE [--policy FILE] [--compare] [--json FILE]
npm run guard:simulate -- [--seed 1] [--hours 24] [--policy FILE] [--compare] [--json FILE]   makes traffic and replays it

--attacks 0.5 makes half as many messages of each attack:
${attacks.map(({ name, about }) => `  ${name}: ${about}\n`).join('')}`

/** Every simulation begins at the same time of the day. */
const beginning = new Date('2026-01-12T00:00:00Z')

const readOptions = () =>
  parseArgs({
    options: {
      help: { type: 'boolean', default: false },
      generate: { type: 'boolean', default: false },
      compare: { type: 'boolean', default: false },
      traffic: { type: 'string' },
      policy: { type: 'string' },
      json: { type: 'string' },
      out: { type: 'string' },
      seed: { type: 'string', default: '1' },
      hours: { type: 'string', default: '24' },
      people: { type: 'string', default: '120' },
      attacks: { type: 'string', default: '1' },
    },
  }).values

type Options = ReturnType<typeof readOptions>

/** @throws Error */
const recipeOf = (options: Options): Recipe => {
  const number = (name: 'seed' | 'hours' | 'people' | 'attacks', least: number) => {
    const value = Number(options[name])
    if (!Number.isFinite(value) || value < least) throw new Error(`--${name} must be a number from ${least}`)
    return value
  }
  return {
    seed: number('seed', 0),
    hours: number('hours', 1),
    peopleHour: number('people', 0),
    attackScale: number('attacks', 0),
  }
}

/** A file may give some fields only. @throws Error */
const readPolicy = (file: string | undefined): GuardPolicy => {
  if (file === undefined) return defaultPolicy
  const policy: unknown = { ...defaultPolicy, ...JSON.parse(readFileSync(file, 'utf8')) }
  const [fault] = schemaFaults(GuardPolicy, policy, 'policy')
  if (fault !== undefined) throw new Error(`${fault.field} ${fault.message}`)
  return policy as GuardPolicy
}

const progress = (title: string, count: number) => {
  const startedAt = systemClock.now().getTime()
  return (done: number): void => {
    if (done % 250 !== 0 && done !== count) return
    const seconds = (systemClock.now().getTime() - startedAt) / 1000
    const rate = Math.round(done / Math.max(seconds, 0.001))
    process.stderr.write(`\r${title}: ${done} of ${count}, ${rate} a second${done === count ? '\n' : ''}`)
  }
}

const movedClock = () => {
  let now = beginning
  return {
    now: () => now,
    moveTo: (time: Date) => {
      now = time
    },
  }
}

const simulate = async (
  title: string,
  policy: GuardPolicy,
  traffic: readonly TrafficEvent[],
): Promise<Answer[]> => {
  // The settings of a new server; but a busy machine that answers late is no provider that fails.
  const config = readConfig({ DIALTONE_PROVIDER_TIMEOUT_SECONDS: '30' })
  const db = await openPglite(undefined)
  const clock = movedClock()
  const keyring = createKeyring([new Secret(randomToken())])
  await migrate(db)
  const app = await createApp({ config, db, keyring, clock, log: createLog('silent') })
  const application = await app.applications.create({})
  const server = await prepareServer({ app, application, db, keyring, clock, config, policy })
  try {
    return await replay(server, traffic, progress(title, traffic.length))
  } finally {
    await server.stop()
    await app.http.close()
    await db.close()
  }
}

const run = async (options: Options): Promise<void> => {
  const policy = readPolicy(options.policy)
  const recipe = recipeOf(options)
  const traffic =
    options.traffic === undefined ? makeTraffic(recipe) : readTraffic(readFileSync(options.traffic, 'utf8'))
  if (options.generate) {
    if (options.out === undefined) process.stdout.write(writeTraffic(traffic))
    else writeFileSync(options.out, writeTraffic(traffic))
    return
  }
  const unguarded = options.compare
    ? await simulate('without the guard', { ...policy, mode: 'off' }, traffic)
    : undefined
  const guarded = await simulate('with the guard', policy, traffic)
  const reports = {
    ...(unguarded === undefined ? {} : { 'without the guard': reportOf(unguarded) }),
    'with the guard': reportOf(guarded, unguarded),
  }
  process.stdout.write(`${tableOf(reports)}\n`)
  if (options.json !== undefined) {
    writeFileSync(
      options.json,
      `${JSON.stringify({ recipe: options.traffic ?? recipe, policy, reports }, null, 2)}\n`,
    )
  }
}

try {
  const options = readOptions()
  if (options.help) process.stdout.write(usage)
  else await run(options)
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n\n${usage}`)
  process.exitCode = 1
}
