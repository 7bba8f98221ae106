// A folder for what the tests of one run share on the disk. It goes with the run and not with a worker: Vitest ends its
// workers by a signal, after which they remove nothing.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestProject } from 'vitest/node'

declare module 'vitest' {
  interface ProvidedContext {
    scratch: string
  }
}

export const setup = (project: TestProject) => {
  const folder = mkdtempSync(join(tmpdir(), 'dialtone-test-'))
  project.provide('scratch', folder)
  return () => rmSync(folder, { recursive: true, force: true })
}
