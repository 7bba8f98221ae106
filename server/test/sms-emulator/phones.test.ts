import { describe, expect, it } from 'vitest'
import { type Emulator, startEmulator } from '../../../sms-emulator/src/emulator.ts'
import { freePort } from '../support/free-ports.ts'
import { otherPhone, phone, sendTwilio, sendVonage } from './callers.ts'

const start = () => startEmulator({ receiptAfterMilliseconds: 0 })

const control = async (emulator: Emulator, method: string, path: string, body?: unknown) => {
  const response = await fetch(`${emulator.url}/emulator/${path}`, {
    method,
    ...(body === undefined
      ? {}
      : { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }),
  })
  const text = await response.text()
  return { status: response.status, json: text === '' ? undefined : JSON.parse(text) }
}

describe('a phone of the emulator', () => {
  it('shows what was sent to its number, with the service, the channel and the sender', async () => {
    await using emulator = await start()

    const { json } = await sendTwilio(emulator)

    expect(emulator.messages(phone)).toEqual([
      {
        id: json.sid,
        to: phone,
        from: '+15005550006',
        text: 'Your code is 135790.',
        service: 'twilio',
        channel: 'sms',
        receivedAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
      },
    ])
    expect(emulator.messages(otherPhone)).toEqual([])
  })

  it('shows messages of all services, the newest first', async () => {
    await using emulator = await start()
    await sendTwilio(emulator, { Body: 'first' })
    await sendVonage(emulator, { text: 'second' })
    await sendTwilio(emulator, { Body: 'third', To: otherPhone })

    const seen = emulator.messages()

    expect(seen.map(({ text }) => text)).toEqual(['third', 'second', 'first'])
    expect(emulator.messages(phone).map(({ service }) => service)).toEqual(['vonage', 'twilio'])
  })

  it('keeps the last thousand messages of all phones', async () => {
    await using emulator = await start()
    for (let sent = 1; sent <= 1001; sent += 1) await sendTwilio(emulator, { Body: `message ${sent}` })

    const seen = emulator.messages()

    expect(seen.length).toBe(1000)
    expect(seen.at(0)?.text).toBe('message 1001')
    expect(seen.at(-1)?.text).toBe('message 2')
  })
})

describe('the control API', () => {
  it('lists messages of a number, written with or without its plus, and clears them', async () => {
    await using emulator = await start()
    await sendTwilio(emulator)
    await sendTwilio(emulator, { To: otherPhone })
    const escaped = await control(emulator, 'GET', `messages?to=${encodeURIComponent(phone)}`)
    const unescaped = await control(emulator, 'GET', `messages?to=${phone}`)

    const cleared = await control(emulator, 'DELETE', 'messages')

    expect(escaped.json.messages).toMatchObject([{ to: phone }])
    expect(unescaped.json.messages).toEqual(escaped.json.messages)
    expect(cleared.status).toBe(204)
    expect(emulator.messages()).toEqual([])
  })

  it('sets and shows the faults', async () => {
    await using emulator = await start()

    const set = await control(emulator, 'PUT', 'faults', {
      faults: [{ kind: 'refuse', service: 'twilio', code: '21610', times: 2 }],
    })
    await sendTwilio(emulator)

    expect(set.status).toBe(200)
    expect((await control(emulator, 'GET', 'faults')).json.faults).toEqual([
      { kind: 'refuse', service: 'twilio', code: '21610', times: 1 },
    ])
  })

  it.each([
    ['no list', 'drop', 'faults must be a list'],
    ['an unknown kind', [{ kind: 'explode' }], 'kind must be one of delay'],
    ['an unknown service', [{ kind: 'drop', service: 'pigeon' }], 'service must be one of aliyun'],
    ['a negative number', [{ kind: 'delay', milliseconds: -1 }], 'milliseconds must be a whole number'],
    ['an unknown field', [{ kind: 'drop', chance: 0.5 }], 'a fault has no chance'],
  ])('refuses %s as faults, and leaves those before', async (_what, faults, message) => {
    await using emulator = await start()
    emulator.setFaults([{ kind: 'drop' }])

    const refused = await control(emulator, 'PUT', 'faults', { faults })

    expect(refused.status).toBe(400)
    expect(refused.json.message).toContain(message)
    expect((await control(emulator, 'GET', 'faults')).json.faults).toEqual([{ kind: 'drop' }])
  })

  it('sets and shows where services report, and refuses what is no URL', async () => {
    await using emulator = await start()
    const receiptUrls = { aliyun: 'http://127.0.0.1:4000/a', vonage: 'https://example.com/v' }

    const set = await control(emulator, 'PUT', 'receipt-urls', { receiptUrls: { ...receiptUrls, sns: '' } })
    const refused = await control(emulator, 'PUT', 'receipt-urls', {
      receiptUrls: { aliyun: 'javascript:alert(1)' },
    })

    expect(set.json).toEqual({ receiptUrls })
    expect(refused.status).toBe(400)
    expect((await control(emulator, 'GET', 'receipt-urls')).json).toEqual({ receiptUrls })
  })

  it('shows a receipt that could not be given, and why', async () => {
    await using emulator = await start()
    // Port 9 is one that fetch never calls.
    await sendTwilio(emulator, { StatusCallback: 'http://127.0.0.1:9/receipts' })

    await emulator.settle()

    const { json } = await control(emulator, 'GET', 'messages')
    expect(json.receiptFailures).toMatchObject([{ service: 'twilio', to: phone }])
    expect(json.receiptFailures[0].reason).toContain('fetch failed')
    expect(emulator.messages(phone).length).toBe(1)
  })
})

describe('the emulator', () => {
  it('says which port is taken, and lets go of what it has opened', async () => {
    await using first = await start()
    const taken = Number(new URL(first.url).port)
    const smppPort = await freePort()

    await expect(startEmulator({ port: taken, smppPort })).rejects.toThrow(/EADDRINUSE/)

    await using second = await startEmulator({ smppPort })
    expect(second.smppPort).toBe(smppPort)
  })

  it('ends at once, whatever is still under way', async () => {
    const emulator = await startEmulator({ lateReceiptSeconds: 3600 })
    emulator.setFaults([
      { kind: 'late_receipt', service: 'vonage' },
      { kind: 'delay', service: 'twilio', milliseconds: 3_600_000 },
    ])
    await sendVonage(emulator)
    const waiting = sendTwilio(emulator).catch(() => 'broken off')
    const arrived = await fetch(`${emulator.url}/emulator/messages`)

    await emulator.stop()

    expect(arrived.status).toBe(200)
    expect(await waiting).toBe('broken off')
    await expect(fetch(emulator.url)).rejects.toThrow('fetch failed')
  })
})
