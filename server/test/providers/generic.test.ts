import type { IncomingHttpHeaders } from 'node:http'
import { text } from 'node:stream/consumers'
import { describe, expect, it } from 'vitest'
import { type Emulator, startEmulator } from '../../../sms-emulator/src/emulator.ts'
import {
  connectProvider,
  type OutgoingMessage,
  type Provider,
  type ReceiptCall,
} from '../../src/providers/providers.ts'
import { listenHttp } from '../support/http-server.ts'
import { outgoing, phoneOf, providerDeps } from '../support/outgoing.ts'
import { receiveReceipts } from '../support/receipts.ts'

const phone = phoneOf('+8618812345678')
const token = 'generic-token-of-the-test'

const message = (given: Partial<OutgoingMessage> = {}): OutgoingMessage =>
  outgoing({ to: phone, region: 'CN', from: 'Dialtone', ...given })

type Settings = Parameters<typeof connectProvider<'generic'>>[1]

const connect = (settings: Settings): Provider => connectProvider('generic', settings, providerDeps())

const seconds = (count: number) => AbortSignal.timeout(count * 1000)

/** As the guide describes a JSON gateway. */
const jsonGateway = (url: string, given: Partial<Settings> = {}): Settings => ({
  url: `${url}/generic/messages`,
  headers: { authorization: `Bearer ${token}` },
  body: '{"to":"{{to}}","from":"{{from}}","text":"{{text}}","reference":"{{id}}","callback":"{{receiptUrl}}"}',
  success: { statuses: [201] },
  messageId: { jsonPath: 'id' },
  failureCode: { jsonPath: 'error.code' },
  failureCodes: {
    to_invalid: 'number_invalid',
    no_credit: 'balance_exhausted',
    absent: 'number_unreachable',
  },
  receipts: {
    id: { jsonPath: 'id' },
    state: { jsonPath: 'status' },
    delivered: ['delivered'],
    failed: ['failed'],
    code: { jsonPath: 'error' },
  },
  idempotencyHeader: 'Idempotency-Key',
  ...given,
})

const startGateway = async (): Promise<Emulator & AsyncDisposable> => {
  const emulator = await startEmulator({ accounts: { generic: { token } }, receiptAfterMilliseconds: 5 })
  return { ...emulator, [Symbol.asyncDispose]: () => emulator.stop() }
}

describe('over a JSON gateway', () => {
  it.each([
    ['plain', 'Your code is 482913.'],
    ['with quotes and line breaks', 'He said "482913"\n\\ \u0007 </b>'],
    ['Chinese with an emoji', '【示例】验证码 482913 🔐'],
  ])('a text arrives as it was written: %s', async (_, text) => {
    await using gateway = await startGateway()
    await using receipts = await receiveReceipts()
    const provider = connect(jsonGateway(gateway.url))

    const outcome = await provider.send(message({ text, receiptUrl: receipts.url }), seconds(60))

    expect(gateway.messages(phone)).toMatchObject([{ text, from: 'Dialtone' }])
    const id = gateway.messages(phone)[0]?.id
    expect(outcome).toEqual({ outcome: 'accepted', providerMessageId: id })
  })

  it('a repeated send is one message', async () => {
    await using gateway = await startGateway()
    await using receipts = await receiveReceipts()
    const provider = connect(jsonGateway(gateway.url))
    const same = message({ receiptUrl: receipts.url })

    const first = await provider.send(same, seconds(60))
    const second = await provider.send(same, seconds(60))

    expect(second).toEqual(first)
    expect(gateway.messages(phone)).toHaveLength(1)
  })

  it.each([
    ['delivered', undefined, { state: 'delivered' }],
    ['failed', 'absent', { state: 'failed', reason: 'number_unreachable', code: 'absent' }],
    ['failed', 'mystery', { state: 'failed', reason: 'unknown', code: 'mystery' }],
  ])('a receipt says that the message was %s (%s) (rule 24)', async (_, code, expected) => {
    await using gateway = await startGateway()
    await using receipts = await receiveReceipts()
    const provider = connect(jsonGateway(gateway.url))
    if (code !== undefined) gateway.setFaults([{ kind: 'fail', code }])
    const sent = await provider.send(message({ receiptUrl: receipts.url }), seconds(60))

    const read = await provider.readReceipts?.({ ...(await receipts.next()), hasToken: true })

    const providerMessageId = sent.outcome === 'accepted' ? sent.providerMessageId : ''
    expect(read).toMatchObject({ receipts: [{ providerMessageId, ...expected }], reply: { status: 200 } })
  })

  it.each([
    [
      { kind: 'refuse', code: 'no_credit' },
      { reason: 'balance_exhausted', code: 'no_credit' },
    ],
    [
      { kind: 'refuse', code: 'mystery' },
      { reason: 'request_rejected', code: 'mystery' },
    ],
    [
      { kind: 'refuse', code: 'no 8618812345678' },
      { reason: 'request_rejected', code: 'http 422' },
    ],
    [
      { kind: 'refuse', code: 'to-8618812345678' },
      { reason: 'request_rejected', code: 'http 422' },
    ],
    [{ kind: 'throttle' }, { reason: 'throttled', code: 'rate_limited' }],
    [{ kind: 'http_500' }, { reason: 'provider_fault', code: 'internal_error' }],
    [{ kind: 'hold' }, { reason: 'timeout', code: 'timeout' }],
  ] as const)('the trouble %j is a refusal with its reason', async (fault, expected) => {
    await using gateway = await startGateway()
    const provider = connect(jsonGateway(gateway.url))
    gateway.setFaults([fault])

    const outcome = await provider.send(message(), seconds(fault.kind === 'hold' ? 1 : 60))

    expect(outcome).toEqual({ outcome: 'refused', ...expected })
  })

  it('wrong credentials are a refusal that does not repeat them (rule 12)', async () => {
    await using gateway = await startGateway()
    const provider = connect(jsonGateway(gateway.url, { headers: { authorization: 'Bearer wrong' } }))

    const outcome = await provider.send(message(), seconds(60))

    expect(outcome).toEqual({ outcome: 'refused', reason: 'credentials_invalid', code: 'unauthorized' })
  })

  it('nobody at the address is a refusal', async () => {
    const gateway = await startGateway()
    await gateway.stop()
    const provider = connect(jsonGateway(gateway.url))

    const outcome = await provider.send(message(), seconds(60))

    expect(outcome).toEqual({ outcome: 'refused', reason: 'connection_failed', code: 'ECONNREFUSED' })
  })

  it('the same message goes by one GET, with the credential in the query', async () => {
    await using gateway = await startGateway()
    const provider = connect({
      method: 'GET',
      url: `${gateway.url}/generic/send?to={{to}}&text={{text}}&from={{from}}&token={{secret.token}}`,
      secrets: { token },
      success: { bodyIncludes: 'OK' },
      messageId: { after: 'OK: ' },
      failureCode: { after: 'ERROR: ' },
      failureCodes: { no_credit: 'balance_exhausted' },
    })
    const text = 'a&b=c #1 50% + 码 🔐'

    const outcome = await provider.send(message({ text }), seconds(60))
    gateway.setFaults([{ kind: 'refuse', code: 'no_credit' }])
    const refused = await provider.send(message({ text }), seconds(60))

    const shown = gateway.messages(phone)
    expect(shown).toMatchObject([{ text, from: 'Dialtone' }])
    expect(outcome).toEqual({ outcome: 'accepted', providerMessageId: shown[0]?.id })
    expect(refused).toEqual({ outcome: 'refused', reason: 'balance_exhausted', code: 'no_credit' })
  })
})

describe('a placeholder is written for where it stands:', () => {
  const hostile = `"}],'&<x>=%0d\r\n{{code}}\u0000🔐`

  it('in a form', async () => {
    await using gateway = await listen('OK')
    const provider = connect({
      url: gateway.url,
      contentType: 'application/x-www-form-urlencoded',
      body: 'to={{toDigits}}&local={{nationalNumber}}&cc={{callingCode}}&text={{text}}&l={{locale}}&c={{code}}',
    })

    await provider.send(message({ text: hostile }), seconds(60))

    expect(Object.fromEntries(new URLSearchParams(gateway.calls[0]?.body))).toEqual({
      to: '8618812345678',
      local: '18812345678',
      cc: '86',
      text: hostile,
      l: 'en-US',
      c: '482913',
    })
  })

  it('in JSON', async () => {
    await using gateway = await listen('OK')
    const provider = connect({ url: gateway.url, body: '{"list":[{"text":"{{text}}"}],"end":true}' })

    await provider.send(message({ text: hostile }), seconds(60))

    expect(JSON.parse(gateway.calls[0]?.body ?? '')).toEqual({ list: [{ text: hostile }], end: true })
  })

  it('in XML', async () => {
    await using gateway = await listen('OK')
    const provider = connect({
      url: gateway.url,
      contentType: 'text/xml',
      body: '<t a="{{from}}">{{text}}</t>',
    })

    await provider.send(message({ from: `'"<`, text: 'a & b\u0000 < c 🔐' }), seconds(60))

    expect(gateway.calls[0]?.body).toBe('<t a="&apos;&quot;&lt;">a &amp; b &lt; c 🔐</t>')
  })

  it('in plain text', async () => {
    await using gateway = await listen('OK')
    const provider = connect({ url: gateway.url, contentType: 'text/plain', body: '{{to}}\n{{text}}' })

    await provider.send(message({ text: 'a & "b"' }), seconds(60))

    expect(gateway.calls[0]?.body).toBe(`${phone}\na & "b"`)
  })

  it('in a header, where it begins no other one', async () => {
    await using gateway = await listen('OK')
    const provider = connect({ url: gateway.url, headers: { 'x-sender': '{{from}}' }, body: '{}' })

    const outcome = await provider.send(message({ from: 'a\r\nx-admin: 1 码' }), seconds(60))

    expect(outcome).toMatchObject({ outcome: 'accepted' })
    expect(gateway.calls[0]?.headers['x-sender']).toBe('a%0D%0Ax-admin: 1 %E7%A0%81')
    expect(gateway.calls[0]?.headers['x-admin']).toBeUndefined()
  })

  it('in the path of the address', async () => {
    await using gateway = await listen('OK')
    const provider = connect({ method: 'PUT', url: `${gateway.url}/{{from}}/send` })

    await provider.send(message({ from: '../../admin?x=1#' }), seconds(60))

    expect(gateway.calls[0]).toMatchObject({ method: 'PUT', url: '/..%2F..%2Fadmin%3Fx%3D1%23/send' })
  })
})

describe('settings are refused', () => {
  it.each([
    ['with an unknown placeholder', { body: '{"to":"{{nmber}}"}' }, /body: \{\{nmber\}\}/],
    ['with an unknown secret', { url: 'http://localhost/?p={{secret.pasword}}' }, /secret\.pasword/],
    ['with an unknown placeholder in a header', { headers: { 'x-a': '{{a}}' } }, /x-a: \{\{a\}\}/],
    ['with a body that is no JSON', { body: '{"to":' }, /body: not JSON/],
    ['with a placeholder outside of quotes', { body: '{"text":{{text}}}' }, /between quotes/],
    ['with a GET that has a body', { method: 'GET', body: '{}' }, /GET/],
  ] as const)('%s', (_, settings, words) => {
    expect(() => connect({ url: 'http://localhost/', ...settings })).toThrow(words)
  })
})

describe('a gateway’s reply', () => {
  it.each<[string, Partial<Settings>, string, string]>([
    ['taken by its JSON', { success: { jsonPath: 'status', equals: '0' } }, '{"status":0}', 'accepted'],
    ['refused by its JSON', { success: { jsonPath: 'status', equals: '0' } }, '{"status":7}', 'refused'],
    ['refused where the value is absent', { success: { jsonPath: 'id' } }, '{}', 'refused'],
    ['refused where only a prototype has it', { success: { jsonPath: 'constructor.name' } }, '{}', 'refused'],
    ['refused where the text is absent', { success: { bodyIncludes: 'OK' } }, 'ERR 5', 'refused'],
    ['refused by its status', { success: { statuses: [202] } }, 'OK', 'refused'],
  ])('is %s', async (_, given, body, expected) => {
    await using gateway = await listen(body)
    const provider = connect({ url: gateway.url, body: '{}', ...given })

    const outcome = await provider.send(message(), seconds(60))

    expect(outcome.outcome).toBe(expected)
  })

  it('that redirects is followed nowhere, for the sake of the credentials', async () => {
    await using elsewhere = await listen('OK')
    await using gateway = await listen('', { status: 307, location: elsewhere.url })
    const provider = connect({ url: gateway.url, headers: { authorization: 'Bearer x' }, body: '{}' })

    const outcome = await provider.send(message(), seconds(60))

    expect(outcome).toMatchObject({ outcome: 'refused', reason: 'connection_failed' })
    expect(elsewhere.calls).toEqual([])
  })
})

describe('a receipt of a gateway', () => {
  const settings: Settings = {
    url: 'http://localhost/',
    failureCodes: { '2': 'number_unreachable' },
    receipts: {
      id: { form: 'id' },
      state: { form: 'state' },
      delivered: ['1'],
      failed: ['2'],
      reply: 'thanks',
    },
  }
  const call = (body: string, hasToken = true): ReceiptCall => ({
    method: 'POST',
    url: 'http://localhost/receipts/a-token',
    headers: {},
    body: Buffer.from(body),
    hasToken,
  })

  it.each([
    ['id=7&state=1', { state: 'delivered' }],
    ['id=7&state=2', { state: 'failed', reason: 'number_unreachable', code: '2' }],
    ['id=7&state=8', { state: 'sent' }],
  ])('%s is understood', async (body, expected) => {
    const read = await connect(settings).readReceipts?.(call(body))

    expect(read?.receipts).toEqual([{ providerMessageId: '7', ...expected }])
    expect(read?.reply).toMatchObject({ status: 200, body: 'thanks' })
  })

  it.each([
    ['without our token', call('id=7&state=1', false)],
    ['without an id', call('state=1')],
    ['without a state', call('id=7')],
    ['with an endless id', call(`id=${'7'.repeat(5000)}&state=1`)],
  ])('%s is none', async (_, given) => {
    const read = await connect(settings).readReceipts?.(given)

    expect(read).toBeUndefined()
  })
})

type Call = {
  method: string | undefined
  url: string | undefined
  headers: IncomingHttpHeaders
  body: string
}

/** A gateway that answers the same to everything, and remembers it. */
const listen = async (reply: string, { status = 200, location = '' } = {}) => {
  const calls: Call[] = []
  const server = await listenHttp(async (request, response) => {
    const { method, url, headers } = request
    calls.push({ method, url, headers, body: await text(request) })
    response.writeHead(status, location === '' ? {} : { location }).end(reply)
  })
  return { url: server.url, calls, [Symbol.asyncDispose]: server[Symbol.asyncDispose] }
}
