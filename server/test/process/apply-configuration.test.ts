import { execFile } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { beforeAll, describe, expect, it } from 'vitest'
import { adminPassword, callsWith } from '../support/console.ts'
import {
  buildServer,
  dataDirWithDatabase,
  printed,
  type ServerProcess,
  type Settings,
  startServer,
} from '../support/process.ts'

const program = fileURLToPath(new URL('../../dist/apply-configuration.js', import.meta.url))

const run = (settings: Settings, ...words: string[]) =>
  promisify(execFile)(process.execPath, [program, ...words], { env: settings })

const document = {
  providers: {
    main: {
      kind: 'twilio',
      settings: {
        accountSid: 'AC00000000000000000000000000000001',
        authToken: { $env: 'TWILIO_AUTH_TOKEN' },
        from: 'Ada',
      },
    },
  },
  routes: [{ name: 'all', serves: {}, steps: [{ provider: 'main' }] }],
}

/** A data directory, and a file beside it with this document. */
const prepare = async (content: unknown = document) => {
  const dataDir = await dataDirWithDatabase()
  const file = join(dirname(dataDir), 'sms.json')
  writeFileSync(file, JSON.stringify(content))
  return {
    file,
    beside: (name: string) => join(dirname(dataDir), name),
    settings: { DIALTONE_DATA_DIR: dataDir, DIALTONE_ADMIN_PASSWORD: adminPassword },
  }
}

const keyOf = async (server: ServerProcess): Promise<string> => {
  const signedIn = await callsWith(server).post('/console/api/sessions', {
    username: 'admin',
    password: adminPassword,
  })
  const calls = callsWith(server, { authorization: `Bearer ${signedIn.body.token}` })
  return (await calls.post('/console/api/keys', { name: 'deploy' })).body.key
}

beforeAll(buildServer)

describe('npm run config', { timeout: 300_000 }, () => {
  it('applies a document to a running server by a key, with secrets of its own environment', async () => {
    const { file, beside, settings } = await prepare()
    const server = await startServer(settings)
    writeFileSync(beside('key'), `${await keyOf(server)}\n`)
    const at = ['--server', server.url, '--key-file', beside('key')]
    const environment = { TWILIO_AUTH_TOKEN: 'a-token-that-nobody-may-see' }

    const dry = await run(environment, 'apply', file, '--dry-run', ...at)
    const applied = await run(environment, 'apply', file, ...at)
    const again = await run(environment, 'apply', file, ...at)
    const shown = await run({}, 'show', ...at)

    expect(dry.stdout).toContain('created providers main\n')
    expect(dry.stdout).toContain('Nothing was changed')
    expect(applied.stdout).toBe('created providers main\ncreated routes all\nremoved routes Inbox\n')
    expect(again.stdout).toBe('unchanged providers main\nunchanged routes all\n')
    expect(JSON.parse(shown.stdout)).toMatchObject({ providers: { main: { settings: { from: 'Ada' } } } })
    expect(`${shown.stdout}${server.output()}${server.errors()}`).not.toContain('a-token-that-nobody')
  })

  it('lists every fault in a line of its own, and changes nothing', async () => {
    const { file, settings } = await prepare({
      ...document,
      guard: { mode: 'lax' },
      templates: [{ channel: 'sms', locale: 'fr', text: 'no code' }],
    })
    const server = await startServer(settings)
    const at = ['--server', server.url, '--key', await keyOf(server)]

    const noVariable = run({}, 'apply', file, ...at)
    await expect(noVariable).rejects.toMatchObject({
      code: 1,
      stderr: 'providers.main.settings.authToken: needs the environment variable TWILIO_AUTH_TOKEN\n',
    })
    const faulty = run({ TWILIO_AUTH_TOKEN: 'x' }, 'apply', file, ...at)
    await expect(faulty).rejects.toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/^guard\.mode: .+\ntemplates\.0\.text: .+\n$/),
    })
    expect(JSON.parse((await run({}, 'show', ...at)).stdout).providers).toEqual({})
    const badKey = run({}, 'show', '--server', server.url, '--key', 'dtk_wrong')
    await expect(badKey).rejects.toMatchObject({ code: 1, stderr: expect.stringContaining('sign') })
  })

  it('opens the embedded database of a server that is stopped, and says what to do while one runs', async () => {
    const { file, settings } = await prepare()
    const environment = { ...settings, TWILIO_AUTH_TOKEN: 'x' }
    const server = await startServer(settings)
    expect(printed(server, 'app id')).toMatch(/\w/)
    await expect(run(environment, 'apply', file)).rejects.toMatchObject({
      code: 1,
      stderr: expect.stringContaining('ask the running server: --server URL'),
    })
    await server.kill('SIGTERM')

    const applied = await run(environment, 'apply', file)

    expect(applied.stdout).toContain('created providers main\n')
    expect(JSON.parse((await run(settings, 'show')).stdout).routes).toMatchObject(document.routes)
  })

  it('says how it is used, and what is not there', async () => {
    const { file, beside, settings } = await prepare()

    for (const words of [
      [],
      ['apply'],
      ['show', file],
      ['apply', file, '--colour'],
      ['show', '--server', 'http://x'],
    ]) {
      await expect(run(settings, ...words), words.join(' ')).rejects.toMatchObject({
        code: 1,
        stderr: expect.stringMatching(/Usage:|--key-file/),
      })
    }
    await expect(run(settings, 'apply', beside('none.json'))).rejects.toMatchObject({
      code: 1,
      stderr: expect.stringContaining('cannot be read as JSON'),
    })
    await expect(run({ ...settings, TWILIO_AUTH_TOKEN: 'x' }, 'apply', file)).rejects.toMatchObject({
      code: 1,
      stderr: expect.stringContaining('start the server once'),
    })
  })
})
