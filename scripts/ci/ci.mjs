// What `.ci/run` does: every step, how long it took, and a last line that counts the steps and the tests in them.
//
// What must stay true: it asks nothing and needs nothing but Node.js and the network; a step that fails does not keep
// the later ones from running; whatever happens, a hanging step too, the last line comes within half an hour. On a
// machine that is too slow for all of the tests, those that had no time are skipped, and counted and told as such.
import { mkdirSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { deadline, endAll, installPrograms, killGroup, run, Skipped, scratch, start } from './commands.mjs'
import { runTests, testCounts, testOnOldestPostgres } from './tests.mjs'

/** After it, on a slow machine, steps that install more than the tests need leave the time to the tests. */
const installEnd = deadline - 21 * 60_000

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

const counts = { passed: 0, failed: 0, skipped: 0 }
const results = []

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
  endAll()
  for (const outcome of Object.keys(counts)) counts[outcome] += testCounts[outcome]
  console.log(`\n${results.join('\n')}\n`)
  const skipped = counts.skipped === 0 ? '' : `, ${counts.skipped} skipped`
  console.log(`${counts.passed} passed, ${counts.failed} failed${skipped}`)
  process.exit(counts.failed === 0 ? 0 : 1)
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
