import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'
import { Sequencer } from './test/support/sequencer.ts'

// Tests of pure functions and of the process run once; every test that has a database runs on both engines.
const pure = [
  'src/*.test.ts',
  'src/core/**/*.test.ts',
  'src/docs/**/*.test.ts',
  'src/phone-numbers/**/*.test.ts',
  'src/passcodes/derive.test.ts',
  'src/providers/**/*.test.ts',
  'src/templates/segments.test.ts',
  'test/support/**/*.test.ts',
  'test/process/**/*.test.ts',
  'test/contract/models.test.ts',
  'test/providers/**/*.test.ts',
  'test/sms-emulator/**/*.test.ts',
]
const onDatabase = ['src/**/*.test.ts', 'test/**/*.test.ts']

// The server has no module state, so that files may share a worker: importing it anew for each took half of the time.
const common = {
  testTimeout: 300_000,
  hookTimeout: 300_000,
  // What is awaited comes at once on an idle machine; a busy one is no fault of the server.
  expect: { poll: { timeout: 60_000 } },
  setupFiles: [fileURLToPath(new URL('./test/support/test-end.ts', import.meta.url))],
  pool: 'forks' as const,
  isolate: false,
}

// By default one core is left idle: on a machine of two that doubles the time.
const maxWorkers = '100%'

export default defineConfig({
  test: {
    maxWorkers,
    sequence: { sequencer: Sequencer },
    reporters: process.env['CI'] ? ['dot'] : ['default'],
    projects: [
      { test: { ...common, name: 'pure', include: pure, globalSetup: ['test/support/scratch.ts'] } },
      { root: '../sdk', test: { ...common, name: 'sdk', include: ['test/**/*.test.ts'] } },
      {
        test: {
          ...common,
          name: 'pglite',
          include: onDatabase,
          exclude: pure,
          globalSetup: ['test/support/pglite-template.ts'],
        },
      },
      {
        test: {
          ...common,
          name: 'postgres',
          include: onDatabase,
          // What a browser shows, and what a page of the reference says, does not depend on the engine.
          exclude: [...pure, 'test/pages/**/*.test.ts', 'test/samples/**/*.test.ts'],
          globalSetup: ['test/support/postgres-template.ts'],
        },
      },
    ],
  },
})
