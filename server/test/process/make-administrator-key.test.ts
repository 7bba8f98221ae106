import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { beforeAll, describe, expect, it } from 'vitest'
import { callsWith, consoleOf } from '../support/console.ts'
import { buildServer, dataDirWithDatabase, engines, type Settings, startServer } from '../support/process.ts'

const program = fileURLToPath(new URL('../../dist/make-administrator-key.js', import.meta.url))

const makeKey = (settings: Settings, ...names: string[]) =>
  promisify(execFile)(process.execPath, [program, ...names], { env: settings })

const printedKey = ({ stdout }: { stdout: string }): string => /^dtk_[\w-]{43}$/m.exec(stdout)?.[0] ?? stdout

beforeAll(buildServer)

describe('npm run admin:key', { timeout: 300_000 }, () => {
  it('makes a key that a running server takes at once, and that the console lists and revokes', async () => {
    const settings = await engines.PostgreSQL()
    const server = await startServer(settings)

    const key = printedKey(await makeKey(settings, 'nightly backup'))

    const program = await consoleOf(server, key)
    const { body } = await program.get('/console/api/keys')
    expect(body.keys).toMatchObject([{ name: 'nightly backup', username: 'admin' }])
    expect((await program.delete(`/console/api/keys/${body.keys[0].id}`)).status).toBe(200)
    expect((await program.get('/console/api/me')).status).toBe(401)
  })

  it('makes a key in the embedded database of a server that is stopped', async () => {
    const settings = { DIALTONE_DATA_DIR: await dataDirWithDatabase() }
    await (await startServer(settings)).kill('SIGTERM')

    const key = printedKey(await makeKey(settings, 'nightly backup'))

    const server = await startServer(settings)
    const me = await callsWith(server, { authorization: `Bearer ${key}` }).get('/console/api/me')
    expect(me).toMatchObject({ status: 200, body: { username: 'admin', credential: 'key' } })
  })

  it('says what is missing: a name, or the first start', async () => {
    const settings = { DIALTONE_DATA_DIR: await dataDirWithDatabase() }

    await expect(makeKey(settings)).rejects.toMatchObject({
      code: 1,
      stderr: expect.stringContaining('Say what the key is for'),
    })
    await expect(makeKey(settings, 'nightly backup')).rejects.toMatchObject({
      code: 1,
      stderr: expect.stringContaining('start the server once'),
    })
  })
})
