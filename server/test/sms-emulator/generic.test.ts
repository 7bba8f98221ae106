import { describe, expect, it } from 'vitest'
import { type Answer, startReceiver, startTestEmulator } from './customer.ts'

const phone = '+4915112345678'
const message = { to: phone, text: 'Your code is 135790.', from: 'Dialtone', reference: 'attempt-1' }

type Posted = { status: number; json: Answer['json'] }

const post = async (url: string, body: object, headers: Record<string, string> = {}): Promise<Posted> => {
  const response = await fetch(`${url}/generic/messages`, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      authorization: 'Bearer generic-emulator-token',
      ...headers,
    },
    body: JSON.stringify(body),
  })
  return { status: response.status, json: await response.json() }
}

const get = async (url: string, query: Record<string, string>) => {
  const response = await fetch(`${url}/generic/send?${new URLSearchParams(query)}`)
  return { status: response.status, text: await response.text() }
}

describe('the emulated generic gateway', () => {
  it('brings a message to the phone', async () => {
    await using emulator = await startTestEmulator()

    const answer = await post(emulator.url, message)

    expect(answer).toMatchObject({ status: 201, json: { status: 'accepted' } })
    expect(emulator.messages(phone)).toMatchObject([
      { id: answer.json.id, from: 'Dialtone', text: 'Your code is 135790.', service: 'generic' },
    ])
  })

  it('sends once for one idempotency key, and answers the same again', async () => {
    await using emulator = await startTestEmulator()
    const headers = { 'idempotency-key': 'attempt-1' }

    const answers = await Promise.all(Array.from({ length: 10 }, () => post(emulator.url, message, headers)))

    expect(new Set(answers.map(({ json }) => json.id)).size).toBe(1)
    expect(emulator.messages(phone)).toHaveLength(1)
  })

  it('does not remember a refusal under an idempotency key', async () => {
    await using emulator = await startTestEmulator()
    const headers = { 'idempotency-key': 'attempt-1' }
    emulator.setFaults([{ kind: 'throttle', service: 'generic', times: 1 }])
    const refused = await post(emulator.url, message, headers)

    const again = await post(emulator.url, message, headers)

    expect(refused).toEqual({ status: 429, json: { error: { code: 'rate_limited' } } })
    expect(again.status).toBe(201)
  })

  it.each(['Bearer wrong', ''])('serves nobody with the authorization "%s"', async (authorization) => {
    await using emulator = await startTestEmulator()

    const refused = await post(emulator.url, message, { authorization })

    expect(refused).toEqual({ status: 401, json: { error: { code: 'unauthorized' } } })
    expect(emulator.messages()).toEqual([])
  })

  it.each([
    ['to_invalid', { to: '0151 12345678' }],
    ['text_missing', { text: '' }],
    ['callback_invalid', { callback: 'file:///etc/passwd' }],
  ])('answers 422 %s', async (code, change) => {
    await using emulator = await startTestEmulator()

    const refused = await post(emulator.url, { ...message, ...change })

    expect(refused).toEqual({ status: 422, json: { error: { code } } })
  })

  it.each([
    ['delivered', [], {}],
    ['failed', [{ kind: 'fail', code: 'blocked' }], { error: 'blocked' }],
  ] as const)('calls back that a message is %s', async (status, faults, more) => {
    await using emulator = await startTestEmulator()
    await using receiver = await startReceiver({})
    emulator.setFaults(faults)

    const sent = await post(emulator.url, { ...message, callback: receiver.url })
    await emulator.settle()

    expect(receiver.bodies).toEqual([{ id: sent.json.id, reference: 'attempt-1', status, ...more }])
  })

  it.each([
    [500, 'internal_error', { kind: 'http_500' }],
    [422, 'refused', { kind: 'refuse' }],
    [422, 'no_credit', { kind: 'refuse', code: 'no_credit' }],
  ] as const)('on demand answers %i %s', async (status, code, fault) => {
    await using emulator = await startTestEmulator()
    emulator.setFaults([fault])

    const refused = await post(emulator.url, message)

    expect(refused).toEqual({ status, json: { error: { code } } })
    expect(emulator.messages()).toEqual([])
  })

  it('takes a message by GET and answers in plain text', async () => {
    await using emulator = await startTestEmulator()
    const query = { to: phone, text: 'Ihr Code: 135790', token: 'generic-emulator-token' }

    const sent = await get(emulator.url, query)
    const refused = await get(emulator.url, { ...query, token: 'wrong' })

    const [arrived, ...others] = emulator.messages(phone)
    expect(sent).toEqual({ status: 200, text: `OK: ${arrived?.id}` })
    expect(others).toEqual([])
    expect(refused).toEqual({ status: 401, text: 'ERROR: unauthorized' })
  })
})
