// The built package, run in processes of their own.
import { execFile } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { promisify } from 'node:util'

export const folder = join(import.meta.dirname, '../..')

/** Of the build for ES modules. */
export const entry = pathToFileURL(join(folder, 'dist/esm/sdk.js')).href

if (!existsSync(join(folder, 'dist/esm/sdk.js')))
  throw new Error('the SDK is not built: node scripts/build.mjs sdk')

export const modulesOf = (kind: 'esm' | 'cjs'): { name: string; source: string }[] =>
  readdirSync(join(folder, 'dist', kind), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.js'))
    .map((name) => ({ name, source: readFileSync(join(folder, 'dist', kind, name), 'utf8') }))

/**
 * Runs a program to its end, and gives what it printed as JSON.
 * @throws when it ends with another code than 0, or not within ten seconds
 */
export const run = async (program: string, kind: 'module' | 'commonjs' = 'module'): Promise<unknown> => {
  // One of the programs makes modules of its own (node:vm); the others do not notice.
  const given = ['--experimental-vm-modules', `--input-type=${kind}`, '--eval', program]
  const { stdout } = await promisify(execFile)(process.execPath, given, { cwd: folder, timeout: 120_000 })
  return JSON.parse(stdout)
}
