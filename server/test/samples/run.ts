// A program of a page, run as its reader runs it: saved in a folder of its own, with the package installed.
import { execFile } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'

const sdk = join(import.meta.dirname, '../../../sdk')

/** @returns what it prints. `around`: a module that runs before it, and stands for what is around a reader's program */
export const runProgram = async (program: string, around = ''): Promise<string> => {
  const folder = mkdtempSync(join(tmpdir(), 'dialtone-sample-'))
  const file = (name: string) => join(folder, name)
  try {
    mkdirSync(file('node_modules/@dialtone'), { recursive: true })
    symlinkSync(sdk, file('node_modules/@dialtone/sdk'))
    writeFileSync(file('around.mjs'), around)
    writeFileSync(file('sample.mjs'), program)
    const args = ['--import', `file://${file('around.mjs')}`, file('sample.mjs')]
    const { stdout } = await promisify(execFile)(process.execPath, args, { timeout: 60_000 })
    return stdout
  } finally {
    rmSync(folder, { recursive: true })
  }
}
