import { Value } from 'typebox/value'
import { describe, expect, it } from 'vitest'
import { startEmulator } from '../../../sms-emulator/src/emulator.ts'
import { connectProvider, type ProviderKindName, providerKinds } from '../../src/providers/providers.ts'
import { outgoing, phoneOf, providerDeps } from '../support/outgoing.ts'

const files = ['/', '/phones.css', '/phones.js', '/faults.js', '/accounts.js', '/copying.js', '/icon.svg']

type Accounts = { providerSettings: Record<string, Record<string, unknown>> }

const settingsAt = async (url: string): Promise<Accounts['providerSettings']> =>
  ((await (await fetch(`${url}/emulator/accounts`)).json()) as Accounts).providerSettings

describe('the page of the emulator', () => {
  it.each(files)('comes with a policy that lets nothing else run or load: %s', async (path) => {
    await using emulator = await startEmulator()

    const { status, headers } = await fetch(`${emulator.url}${path}`)

    expect(status).toBe(200)
    expect(headers.get('content-security-policy')).toContain("default-src 'none'; script-src 'self'")
    expect(headers.get('content-security-policy')).not.toContain('unsafe')
    expect(headers.get('x-content-type-options')).toBe('nosniff')
    expect(headers.get('referrer-policy')).toBe('no-referrer')
  })

  it('has no other files', async () => {
    await using emulator = await startEmulator()

    for (const path of ['/package.json', '/../package.json', '/src/main.ts', '/data/accounts.json']) {
      expect((await fetch(`${emulator.url}${path}`)).status).toBe(404)
    }
  })
})

describe('the provider settings of the page', () => {
  it.each(Object.entries(providerKinds))('fit the kind %s', async (name, { settings }) => {
    await using emulator = await startEmulator()

    const written = await settingsAt(emulator.url)

    expect(written[name]).toBeTypeOf('object')
    expect([...Value.Errors(settings, written[name])]).toEqual([])
  })

  it.each(Object.keys(providerKinds))('send a code to a phone by the kind %s', async (name) => {
    await using emulator = await startEmulator()
    const settings = (await settingsAt(emulator.url))[name] ?? {}
    const provider = connectProvider(name as ProviderKindName, settings as never, providerDeps())
    const to = phoneOf('+8613812345678')

    const outcome = await provider.send(outgoing({ to, region: 'CN' }), AbortSignal.timeout(60_000))
    await provider.close?.()

    expect(outcome).toMatchObject({ outcome: 'accepted' })
    expect(emulator.messages(to)).toMatchObject([
      { service: name, text: expect.stringContaining('code is 482913') },
    ])
  })

  it('point to where the page was read', async () => {
    await using emulator = await startEmulator()
    const url = emulator.url.replace('127.0.0.1', 'localhost')

    const { twilio, smpp } = await settingsAt(url)

    expect(twilio?.['endpoint']).toBe(url)
    expect(smpp).toMatchObject({ host: 'localhost', port: emulator.smppPort })
  })
})
