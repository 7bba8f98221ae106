import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { freePort } from '../support/free-ports.ts'

const root = join(import.meta.dirname, '../../..')

beforeAll(async () => {
  const build = spawn(process.execPath, [join(root, 'scripts/build.mjs'), 'sms-emulator'], {
    stdio: 'inherit',
  })
  expect(await once(build, 'exit')).toEqual([0, null])
})

const newAccountsFile = (): string => {
  const folder = mkdtempSync(join(tmpdir(), 'sms-emulator-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  return join(folder, 'data', 'accounts.json')
}

/** As an operator starts it, with nothing of our own environment. */
const run = (settings: Record<string, string>) => {
  const child: ChildProcess = spawn(process.execPath, [join(root, 'sms-emulator/dist/main.js')], {
    env: { SMPP_PORT: '0', ...settings },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  onTestFinished(() => {
    child.kill('SIGKILL')
  })
  let output = ''
  let errors = ''
  child.stdout?.on('data', (chunk) => {
    output += chunk
  })
  child.stderr?.on('data', (chunk) => {
    errors += chunk
  })
  const ended = once(child, 'close').then(([code]: unknown[]) => code)
  return {
    output: () => output,
    errors: () => errors,
    ended,
    ready: () => expect.poll(() => output, { timeout: 20_000 }).toContain('Ready-made provider settings'),
    stop: (signal: NodeJS.Signals) => {
      child.kill(signal)
      return ended
    },
  }
}

describe('the process of the emulator', () => {
  it.each(['SIGTERM', 'SIGINT'] as const)('says where it listens, and ends cleanly on %s', async (signal) => {
    const port = await freePort()
    const emulator = run({ PORT: String(port), ACCOUNTS_FILE: newAccountsFile() })
    await emulator.ready()
    const page = await fetch(`http://127.0.0.1:${port}/`)

    const code = await emulator.stop(signal)

    expect(page.status).toBe(200)
    expect(emulator.output()).toContain(`http://127.0.0.1:${port}`)
    expect(emulator.output()).toContain('twilio-emulator-token')
    expect(emulator.errors()).toBe('')
    expect(code).toBe(0)
  })

  it('keeps its accounts from one start to the next', async () => {
    const settings = { PORT: String(await freePort()), ACCOUNTS_FILE: newAccountsFile() }
    const keys = []

    for (const _start of ['first', 'second']) {
      const emulator = run(settings)
      await emulator.ready()
      const response = await fetch(`http://127.0.0.1:${settings.PORT}/emulator/accounts`)
      keys.push(/-----BEGIN PRIVATE KEY-----[^-]+/.exec(await response.text())?.[0])
      await emulator.stop('SIGTERM')
    }

    expect(keys[0]).toContain('BEGIN PRIVATE KEY')
    expect(keys[1]).toBe(keys[0])
  })

  it('tells in one line that a port is taken', async () => {
    const settings = { PORT: String(await freePort()), ACCOUNTS_FILE: newAccountsFile() }
    const first = run(settings)
    await first.ready()

    const second = run(settings)
    const code = await second.ended

    expect(code).toBe(1)
    expect(second.errors()).toMatch(/^.*EADDRINUSE.*set PORT or SMPP_PORT to a free one\.\n$/)
  })

  it('tells in one line that a port is none, or that the file of accounts is broken', async () => {
    const file = join(newAccountsFile(), '../..', 'broken.json')
    writeFileSync(file, '{')
    const badPort = run({ PORT: 'smtp', ACCOUNTS_FILE: newAccountsFile() })
    const badFile = run({ PORT: '0', ACCOUNTS_FILE: file })

    const codes = [await badPort.ended, await badFile.ended]

    expect(codes).toEqual([1, 1])
    expect(badPort.errors()).toBe('PORT must be a port, a number from 0 to 65535.\n')
    expect(badFile.errors()).toMatch(/^The accounts in .*broken\.json cannot be read: .*\n$/)
  })
})
