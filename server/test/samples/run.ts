// A program of a page, run as its reader runs it: saved in a folder of its own, with the package installed. In a thread
// of its own and not in a process, which takes several times as long to start.
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { Worker } from 'node:worker_threads'

const sdk = join(import.meta.dirname, '../../../sdk')

/**
 * @param around a module that runs before it, and stands for what is around a reader's program
 * @returns what it prints
 * @throws what the program throws, or when it ends itself with another code than 0
 */
export const runProgram = async (program: string, around = ''): Promise<string> => {
  const folder = mkdtempSync(join(tmpdir(), 'dialtone-sample-'))
  const file = (name: string) => join(folder, name)
  try {
    mkdirSync(file('node_modules/@dialtone'), { recursive: true })
    symlinkSync(sdk, file('node_modules/@dialtone/sdk'))
    writeFileSync(file('around.mjs'), around)
    writeFileSync(file('sample.mjs'), program)
    writeFileSync(file('main.mjs'), `import './around.mjs'\nimport './sample.mjs'\n`)
    const thread = new Worker(file('main.mjs'), { stdout: true, execArgv: [] })
    const [printed, [code]] = await Promise.all([text(thread.stdout), once(thread, 'exit')])
    if (code !== 0) throw new Error(`the program ended with ${code}; it printed:\n${printed}`)
    return printed
  } finally {
    rmSync(folder, { recursive: true })
  }
}
