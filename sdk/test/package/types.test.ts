// That programs compile. What must not compile stands in ../types/*.ts, which `npm run types` reads.
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'

const compiler = join(import.meta.dirname, '../../../node_modules/typescript/bin/tsc')
const project = join(import.meta.dirname, '../types')

describe('a program of the published SDK', () => {
  it('compiles where the name of the package leads to ours', async () => {
    const compiled = promisify(execFile)(process.execPath, [compiler, '--project', project]).then(
      () => 'compiled',
      ({ stdout }) => stdout,
    )

    expect(await compiled).toBe('compiled')
  })
})
