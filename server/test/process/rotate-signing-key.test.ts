import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { beforeAll, describe, expect, it } from 'vitest'
import { buildServer, engines, type ServerProcess, startServer } from '../support/process.ts'

const program = fileURLToPath(new URL('../../dist/rotate-signing-key.js', import.meta.url))

beforeAll(buildServer)

describe('npm run keys:rotate', { timeout: 300_000 }, () => {
  it('makes a new signing key while a server runs; the next start publishes both, the newest first', async () => {
    const settings = await engines.PostgreSQL()
    const published = async (server: ServerProcess): Promise<string[]> => {
      const response = await fetch(`${server.url}/oidc/.well-known/jwks.json`)
      return ((await response.json()) as { keys: { kid: string }[] }).keys.map(({ kid }) => kid)
    }
    const [old] = await published(await startServer(settings))

    const { stdout } = await promisify(execFile)(process.execPath, [program], { env: settings })

    const newest = /key ([\w-]+) now; 2 keys/.exec(stdout)?.[1]
    expect(newest).not.toBe(old)
    expect(await published(await startServer(settings))).toEqual([newest, old])
  })
})
