// Commands that `.ci/run` starts: each in a process group of its own, so that one that hangs ends with all that it
// started, and none beyond the time of the whole.
import { spawn, spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export const root = join(import.meta.dirname, '../..')

/** For whatever the steps leave on the disk; gone at the end. */
export const scratch = mkdtempSync(join(tmpdir(), 'dialtone-ci-'))

export const deadline = Date.now() + 28 * 60_000

/** Thrown where this machine cannot do a step; counted as skipped. */
export class Skipped extends Error {}

const running = new Set()

export const start = (command, { cwd = root, env = {} } = {}) => {
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
export const run = async (command, { minutes = 10, ...options } = {}) => {
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

export const killGroup = (child, signal) => {
  try {
    process.kill(-child.pid, signal)
  } catch (error) {
    if (error.code !== 'ESRCH') throw error
  }
}

/** Ends what still runs, and leaves nothing behind. */
export const endAll = () => {
  for (const child of running) killGroup(child, 'SIGKILL')
  rmSync(scratch, { recursive: true, force: true })
}

/** Also those for administrators, such as Kannel's. */
const hasCommand = (name) =>
  spawnSync('/bin/sh', ['-c', `PATH="$PATH:/usr/sbin" command -v ${name}`]).status === 0

/** Debian's packages, where none of the programs is there yet. The tests that need them are skipped without. */
export const installPrograms = async (programs, packages) => {
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
