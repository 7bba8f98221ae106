import { randomBytes } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { signTwilio } from '../../../sms-emulator/src/twilio-callbacks.ts'
import { newPhone } from '../support/app.ts'
import { report, startGateway } from '../support/gateway.ts'
import { type SmsApp, startSmsApp } from '../support/sms.ts'

const send = (app: SmsApp, phone: string) => app.sendSms('CHANNEL_REGISTER', phone)

/** What the attempts at the newest message to a number came to. */
const attemptOf = async (app: SmsApp, phone: string) => {
  const messages = await app.messagesTo(phone)
  const attempt = messages.at(-1)?.attempts.at(-1)
  if (attempt === undefined) throw new Error(`nothing was tried for ${phone}`)
  return attempt
}

const stateOf = async (app: SmsApp, phone: string): Promise<string | undefined> =>
  (await app.messagesTo(phone)).at(-1)?.message.state

/** A call of Twilio's about one message; `signature` in place of its own. */
const callAsTwilio = async (
  app: SmsApp,
  given: { sid: string; status: string; url?: string; signature?: string },
): Promise<Response> => {
  const url = given.url ?? app.receiptUrlOf('twilio')
  const form = { MessageSid: given.sid, MessageStatus: given.status, AccountSid: 'AC0' }
  return fetch(url, {
    method: 'POST',
    headers: {
      'content-type': 'application/x-www-form-urlencoded',
      'x-twilio-signature':
        given.signature ??
        signTwilio(app.emulator.accounts.twilio.authToken, app.receiptUrlOf('twilio'), form),
    },
    body: new URLSearchParams(form).toString(),
  })
}

describe('receipts', () => {
  it('tell of a message that a provider’s acceptance was not yet its delivery (rule 24)', async () => {
    await using app = await startSmsApp()
    app.setFaults({ kind: 'late_receipt', milliseconds: 3_600_000 })
    const phone = newPhone()
    await send(app, phone)
    const before = await stateOf(app, phone)
    app.setFaults()

    await app.emulator.settle()

    expect(before).toBe('accepted')
    expect(await stateOf(app, phone)).toBe('delivered')
    expect(await app.storiesOf(phone)).toEqual([
      ['queued', 'tried twilio', 'accepted twilio', 'sent twilio', 'delivered twilio'],
    ])
  })

  it.each([
    ['once', 1],
    ['thrice, at the same time', 3],
  ])('of Twilio count by their signature, and come to the same when they come %s', async (_, times) => {
    await using app = await startSmsApp()
    app.setFaults({ kind: 'drop' })
    const phone = newPhone()
    await send(app, phone)
    const sid = (await attemptOf(app, phone)).provider_message_id ?? ''
    const call = () => callAsTwilio(app, { sid, status: 'delivered' })

    const replies = await Promise.all(Array.from({ length: times }, call))

    expect(replies.map(({ status }) => status)).toEqual(Array.from({ length: times }, () => 200))
    expect((await app.storiesOf(phone))[0]?.slice(3)).toEqual(['delivered twilio'])
  })

  it.each([
    [['delivered', 'sent']],
    [['sent', 'failed', 'delivered']],
    [['delivered', 'failed']],
    [['delivered', 'undelivered', 'sent', 'delivered']],
  ])('in the order %j leave the message delivered', async (statuses) => {
    await using app = await startSmsApp()
    app.setFaults({ kind: 'drop' })
    const phone = newPhone()
    await send(app, phone)
    const sid = (await attemptOf(app, phone)).provider_message_id ?? ''

    for (const status of statuses) await callAsTwilio(app, { sid, status })

    expect(await stateOf(app, phone)).toBe('delivered')
    expect((await attemptOf(app, phone)).state).toBe('delivered')
  })

  it('say why a message failed, in a reason and the provider’s own code', async () => {
    await using app = await startSmsApp()
    app.setFaults({ kind: 'fail', code: '30004' })
    const phone = newPhone()
    await send(app, phone)

    await app.emulator.settle()

    expect(await stateOf(app, phone)).toBe('failed')
    const [timeline] = await app.messagesTo(phone)
    expect(timeline?.events.at(-1)).toMatchObject({
      type: 'failed',
      provider: 'twilio',
      reason: 'blocked_by_carrier',
      about: 'Blocked by carrier.',
      code: '30004',
    })
  })

  it('bring the price that the provider took', async () => {
    await using app = await startSmsApp({ providers: ['vonage'] })
    const phone = newPhone()
    await send(app, phone)
    await app.emulator.settle()

    const { price_micros: micros, currency } = await attemptOf(app, phone)

    expect([Number(micros), currency]).toEqual([33_300, 'EUR'])
  })

  it('that come before the provider has answered us are applied when it has', async () => {
    await using app = await startSmsApp({ providers: ['generic'] })
    const replies: number[] = []
    await using gateway = await startGateway(async (sent) => {
      replies.push((await report(sent, 'delivered')).status)
    })
    await app.setProvider('generic', 'generic', gateway.settings)
    const phone = newPhone()

    await send(app, phone)

    expect(replies).toEqual([200])
    expect(await stateOf(app, phone)).toBe('delivered')
    expect((await attemptOf(app, phone)).state).toBe('delivered')
  })

  it('that come at the very moment of the answer are never lost', async () => {
    await using app = await startSmsApp({ providers: ['generic'] })
    const reports: Promise<Response>[] = []
    await using gateway = await startGateway(async (sent) => {
      reports.push(report(sent, 'delivered'))
      await new Promise((resolve) => setImmediate(resolve))
    })
    await app.setProvider('generic', 'generic', gateway.settings)
    const phones = Array.from({ length: 40 }, newPhone)

    await Promise.all(phones.map((phone) => send(app, phone)))
    await Promise.all(reports)

    const states = await Promise.all(phones.map((phone) => stateOf(app, phone)))
    expect(states.filter((state) => state !== 'delivered')).toEqual([])
  })

  it('of a message that we do not know are accepted, so that nobody calls again, and change nothing', async () => {
    await using app = await startSmsApp()
    app.setFaults({ kind: 'drop' })
    const phone = newPhone()
    await send(app, phone)

    const reply = await callAsTwilio(app, { sid: 'SM00000000000000000000000000000001', status: 'delivered' })

    expect(reply.status).toBe(200)
    expect(await app.storiesOf(phone)).toEqual([['queued', 'tried twilio', 'accepted twilio']])
  })
})

describe('a forged receipt', () => {
  it.each([
    ['with a signature of its own', { signature: 'bm90IGEgc2lnbmF0dXJl' }, 403],
    ['with a signature by another secret', { signature: signTwilio('another', 'http://x', {}) }, 403],
    ['without a signature', { signature: '' }, 403],
    [
      'without the token of the URL',
      { url: (right: string) => right.replace(/[^/]+$/, 'x'.repeat(32)) },
      404,
    ],
    ['for another pool', { url: (right: string) => right.replace(/receipts\/./, 'receipts/f') }, 404],
    ['for another provider', { url: (right: string) => right.replace('/twilio/', '/vonage/') }, 404],
    ['with a field more than was signed', { url: (right: string) => `${right}?MessageStatus=failed` }, 403],
  ] as const)('%s is refused and changes nothing', async (_, forged, status) => {
    await using app = await startSmsApp({ providers: ['twilio', 'vonage'] })
    app.setFaults({ kind: 'drop' })
    const phone = newPhone()
    await send(app, phone)
    const sid = (await attemptOf(app, phone)).provider_message_id ?? ''
    const { url, ...rest } = { url: undefined, ...forged }

    const reply = await callAsTwilio(app, {
      sid,
      status: 'failed',
      ...rest,
      ...(url === undefined ? {} : { url: url(app.receiptUrlOf('twilio')) }),
    })

    expect(reply.status).toBe(status)
    expect(await reply.json()).toMatchObject({ statusCode: status })
    expect(await app.storiesOf(phone)).toEqual([['queued', 'tried twilio', 'accepted twilio']])
  })

  it('of a provider that signs nothing is one without the token of the URL', async () => {
    await using app = await startSmsApp({ providers: ['tencent'] })
    const body = JSON.stringify([{ sid: '2023:1', report_status: 'SUCCESS' }])
    const push = (url: string) => fetch(url, { method: 'POST', body })

    const right = await push(app.receiptUrlOf('tencent'))
    const wrong = await push(app.receiptUrlOf('tencent').replace(/.$/, '!'))

    expect([right.status, wrong.status]).toEqual([200, 404])
  })
})

/** Longer than a key of an index may be, and not to be compressed. */
const longText = randomBytes(10_000).toString('hex')

/** Bodies that no provider sends. */
const garbage: Record<string, RequestInit> = {
  nothing: {},
  'no JSON': { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{' },
  'JSON of another kind': {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: '[null,1,{}]',
  },
  'half a form': {
    method: 'POST',
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    body: '%',
  },
  'a NUL in an id': {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify([{ biz_id: 'a\u0000b', success: true, sid: 'a\u0000b', report_status: 'SUCCESS' }]),
  },
  'a NUL in the only id': {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ id: 'a\u0000b', status: 'delivered' }),
  },
  'an impossible time': {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify([
      { biz_id: 'a', success: true, report_time: '99999-99-99 99:99:99' },
      { sid: 'a', report_status: 'SUCCESS', user_receive_time: '275760-09-13 00:00:00' },
    ]),
  },
  'a very long id': {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify([
      { biz_id: longText, success: true },
      { sid: longText, report_status: 'SUCCESS' },
    ]),
  },
  'bytes of no text': {
    method: 'POST',
    headers: { 'content-type': 'application/octet-stream' },
    body: new Uint8Array([0, 255, 254, 1]),
  },
  'a content type of no kind': {
    method: 'POST',
    headers: { 'content-type': '∅'.replace(/./, 'x') },
    body: 'x',
  },
}

describe('the receipt URL', () => {
  it.each(Object.entries(garbage))('refuses or takes %s, and never fails on it', async (_, init) => {
    await using app = await startSmsApp({ providers: ['twilio', 'aliyun', 'tencent', 'vonage', 'generic'] })
    const right = ['twilio', 'aliyun', 'tencent', 'vonage', 'generic'].map(app.receiptUrlOf)
    const wrong = [
      `${app.url}/sms/receipts/x/y/z`,
      `${app.url}/sms/receipts/${'-'.repeat(36)}/twilio/x`,
      `${app.url}/sms/receipts/${app.poolId}/%00/x?%00=%ff`,
    ]

    const replies = await Promise.all([...right, ...wrong].map((url) => fetch(url, init)))

    for (const { status, url } of replies)
      expect([url, [200, 400, 403, 404]]).toEqual([url, expect.arrayContaining([status])])
  })

  it('is cut off at a body of 64 KiB', async () => {
    await using app = await startSmsApp({ providers: ['tencent'] })

    const reply = await fetch(app.receiptUrlOf('tencent'), { method: 'POST', body: 'x'.repeat(65_537) })

    expect(reply.status).toBe(413)
  })
})
