// Twilio's provider against the emulator, which another hand wrote from the same documentation.
import { createHmac } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { startEmulator } from '../../../sms-emulator/src/emulator.ts'
import {
  connectProvider,
  type FailureReason,
  type OutgoingMessage,
  type Receipt,
  type ReceiptCall,
} from '../../src/providers/providers.ts'
import { closedUrl, outgoing, phoneOf, providerDeps } from '../support/outgoing.ts'
import { receiveReceipts } from '../support/receipts.ts'

type Given = Partial<Parameters<typeof connectProvider<'twilio'>>[1]> & { namesNoSender?: boolean }

const startTwilio = async ({ namesNoSender = false, ...settings }: Given = {}) => {
  const emulator = await startEmulator({ receiptAfterMilliseconds: 0 })
  const receipts = await receiveReceipts()
  const { accountSid, authToken, numbers } = emulator.accounts.twilio
  const provider = connectProvider(
    'twilio',
    {
      accountSid,
      authToken,
      ...(namesNoSender ? {} : { from: numbers[0] ?? '', whatsappFrom: numbers[0] ?? '' }),
      endpoint: emulator.url,
      lookupEndpoint: `${emulator.url}/`,
      ...settings,
    },
    providerDeps(),
  )
  const read = async (call: ReceiptCall) => provider.readReceipts?.(call)
  return {
    emulator,
    receipts,
    authToken,
    provider,
    read,
    send: (given: Partial<OutgoingMessage> = {}, signal = AbortSignal.timeout(60_000)) =>
      provider.send(outgoing({ receiptUrl: receipts.url, ...given }), signal),
    /** All that Twilio has reported, when it has nothing more to report. */
    reported: async (): Promise<Receipt[]> => {
      await emulator.settle()
      const replies = await Promise.all(receipts.rest().map(read))
      return replies.flatMap((reply) => reply?.receipts ?? [])
    },
    [Symbol.asyncDispose]: async () => {
      await emulator.stop()
      await receipts.stop()
    },
  }
}

/** What the provider writes on the wire, read by a server that answers nothing of use. */
const wireOf = async (given: Partial<OutgoingMessage>, settings: Given = {}) => {
  await using server = await receiveReceipts()
  await using twilio = await startTwilio({ endpoint: new URL(server.url).origin, ...settings })
  const outcome = await twilio.send(given)
  const call = await server.next()
  return { outcome, call, form: Object.fromEntries(new URLSearchParams(call.body.toString())) }
}

const to = phoneOf('+447700900123')
const acceptedId = (outcome: Awaited<ReturnType<ReturnType<typeof connectProvider>['send']>>): string => {
  if (outcome.outcome !== 'accepted') throw new Error(`refused: ${outcome.reason} ${outcome.code}`)
  return outcome.providerMessageId
}

describe('Twilio delivers', () => {
  it('an SMS with its text, and reports that it was sent and delivered', async () => {
    await using twilio = await startTwilio()

    const outcome = await twilio.send()

    const providerMessageId = acceptedId(outcome)
    expect(outcome).toMatchObject({ segments: 1 })
    expect(await twilio.reported()).toEqual([
      { providerMessageId, state: 'sent' },
      { providerMessageId, state: 'delivered' },
    ])
    expect(twilio.emulator.messages(to)).toMatchObject([
      { text: outgoing().text, from: '+15005550006', service: 'twilio', channel: 'sms' },
    ])
  })

  it('with the sender that the route names before its own', async () => {
    await using twilio = await startTwilio()

    await twilio.send({ from: 'Acme' })

    await twilio.emulator.settle()
    expect(twilio.emulator.messages(to)).toMatchObject([{ from: 'Acme' }])
  })

  it('through a Messaging Service where nobody names a sender, which tells no segments yet', async () => {
    const messagingServiceSid = 'MG00000000000000000000000000000001'

    await using twilio = await startTwilio({ namesNoSender: true, messagingServiceSid })

    const { form } = await wireOf({ channel: 'whatsapp' }, { namesNoSender: true, messagingServiceSid })
    const outcome = await twilio.send()

    expect(form).toMatchObject({ MessagingServiceSid: messagingServiceSid, To: `whatsapp:${to}` })
    expect(form).not.toHaveProperty('From')
    expect(outcome).toEqual({ outcome: 'accepted', providerMessageId: acceptedId(outcome) })
  })

  it('a call that says the code digit by digit, twice', async () => {
    await using twilio = await startTwilio()

    const outcome = await twilio.send({ channel: 'voice' })

    const providerMessageId = acceptedId(outcome)
    expect(await twilio.reported()).toEqual([
      { providerMessageId, state: 'delivered', occurredAt: expect.any(Date) },
    ])
    const [call] = twilio.emulator.messages(to)
    const said = 'Your Dialtone code is 4 8 2 9 1 3 . It is valid for 5 minutes.'
    expect(call).toMatchObject({ channel: 'voice', text: `${said} ${said}` })
  })

  it('that call alike where the text has the code digit by digit, and at the end where it has none', async () => {
    await using twilio = await startTwilio()

    await twilio.send({ channel: 'voice', text: 'Your code is 4, 8, 2, 9, 1, 3' })
    await twilio.send({ channel: 'voice', text: 'Here is your code:' })

    await twilio.emulator.settle()
    const [second, first] = twilio.emulator.messages(to)
    expect(first?.text).toBe('Your code is 4 8 2 9 1 3 Your code is 4 8 2 9 1 3')
    expect(second?.text).toBe('Here is your code: 4 8 2 9 1 3 Here is your code: 4 8 2 9 1 3')
  })

  it('that call in the language of the message, with pauses, and with nothing of the text as TwiML', async () => {
    const text = '<Hangup/> "A&B" 验证码 12，请勿告诉他人'

    const { call, form } = await wireOf({
      channel: 'voice',
      text,
      parameters: { code: '12', minutes: '5', app: 'A&B' },
      locale: 'zh',
    })

    const say = (words: string) => `<Say language="zh-CN">${words}</Say>`
    const once = [
      say('&lt;Hangup/&gt; &quot;A&amp;B&quot; 验证码'),
      say('1'),
      say('2'),
      say('，请勿告诉他人'),
    ]
    expect(call.url).toContain('/Calls.json')
    expect(form['Twiml']).toBe(`<Response>${[...once, ...once].join('<Pause length="1"/>')}</Response>`)
  })

  it('a WhatsApp message from a template, whose variables are the parameters in their order', async () => {
    const contentSid = 'HX00000000000000000000000000000001'
    await using twilio = await startTwilio({ contentSid })

    const outcome = await twilio.send({ channel: 'whatsapp' })
    const { form } = await wireOf({
      channel: 'whatsapp',
      templateId: 'HX00000000000000000000000000000002',
      templateParameters: ['app', 'code'],
      from: '+14155238886',
    })

    expect(outcome).toMatchObject({ outcome: 'accepted' })
    expect(await twilio.reported()).toMatchObject([{ state: 'sent' }, { state: 'delivered' }])
    expect(twilio.emulator.messages(to)).toMatchObject([
      { channel: 'whatsapp', text: '482913 is your verification code.' },
    ])
    expect(form).toEqual({
      To: `whatsapp:${to}`,
      From: 'whatsapp:+14155238886',
      ContentSid: 'HX00000000000000000000000000000002',
      ContentVariables: JSON.stringify({ 1: 'Dialtone', 2: '482913' }),
      StatusCallback: expect.stringContaining('/receipts/'),
    })
  })

  it('and says its credentials only in the Authorization header: the API key if there is one', async () => {
    const apiKeySid = 'SK00000000000000000000000000000001'

    const { call } = await wireOf({}, { apiKeySid, apiKeySecret: 'key-secret' })

    expect(call.headers['authorization']).toBe(
      `Basic ${Buffer.from(`${apiKeySid}:key-secret`).toString('base64')}`,
    )
    expect(`${call.url}${call.body}`).not.toContain('secret')
  })
})

const requestRefusals: Record<string, FailureReason> = {
  20003: 'credentials_invalid',
  20005: 'account_suspended',
  20006: 'credentials_invalid',
  20010: 'service_not_enabled',
  20429: 'throttled',
  20500: 'provider_fault',
  20503: 'provider_fault',
  20504: 'provider_fault',
  21202: 'blocked_by_provider',
  21203: 'geo_permission_missing',
  21210: 'sender_not_approved',
  21211: 'number_invalid',
  21212: 'sender_not_approved',
  21213: 'sender_not_approved',
  21214: 'number_unreachable',
  21215: 'geo_permission_missing',
  21216: 'blocked_by_provider',
  21217: 'number_invalid',
  21408: 'geo_permission_missing',
  21603: 'sender_not_approved',
  21606: 'sender_not_approved',
  21607: 'sender_not_approved',
  // Not in the table: the status of the answer tells that much.
  21608: 'request_rejected',
  21610: 'number_opted_out',
  21611: 'throttled',
  21612: 'sender_not_approved',
  21614: 'number_cannot_receive',
  21617: 'content_rejected',
  21618: 'content_rejected',
  21635: 'number_cannot_receive',
  21654: 'template_not_approved',
  21655: 'template_not_approved',
  21656: 'template_not_approved',
  21657: 'sender_not_approved',
  21659: 'sender_not_approved',
  21660: 'sender_not_approved',
  21661: 'sender_not_approved',
  21701: 'sender_not_approved',
  21702: 'sender_not_approved',
  21703: 'sender_not_approved',
  21704: 'sender_not_approved',
  21705: 'sender_not_approved',
  21709: 'sender_not_approved',
  63007: 'sender_not_approved',
}

const deliveryFailures: Record<string, FailureReason> = {
  30001: 'throttled',
  30002: 'account_suspended',
  30003: 'number_unreachable',
  30004: 'blocked_by_carrier',
  30005: 'number_invalid',
  30006: 'number_cannot_receive',
  30007: 'blocked_by_carrier',
  30008: 'unknown',
  30010: 'request_rejected',
  30017: 'throttled',
  30018: 'sender_not_approved',
  30019: 'content_rejected',
  30022: 'throttled',
  30023: 'throttled',
  30024: 'sender_not_approved',
  30027: 'throttled',
  30032: 'sender_not_approved',
  30033: 'sender_not_approved',
  30034: 'sender_not_approved',
  30035: 'sender_not_approved',
  30036: 'expired',
  30037: 'service_not_enabled',
  30038: 'content_rejected',
  30040: 'sender_not_approved',
  30041: 'sender_not_approved',
  30042: 'sender_not_approved',
  30044: 'content_rejected',
  30410: 'provider_fault',
  30450: 'blocked_by_provider',
  63001: 'credentials_invalid',
  63003: 'number_cannot_receive',
  63005: 'content_rejected',
  63012: 'provider_fault',
  63013: 'content_rejected',
  63014: 'number_opted_out',
  63016: 'template_not_approved',
  63018: 'throttled',
  63021: 'content_rejected',
  63023: 'unknown',
  63024: 'number_cannot_receive',
  63026: 'content_rejected',
  63027: 'template_not_approved',
  63028: 'template_not_approved',
  63032: 'blocked_by_carrier',
  63033: 'number_opted_out',
  63038: 'throttled',
  63040: 'template_not_approved',
  63041: 'template_not_approved',
  63042: 'template_not_approved',
  63051: 'account_suspended',
  63054: 'template_not_approved',
  63058: 'geo_permission_missing',
  63112: 'account_suspended',
  99999: 'unknown',
}

describe('Twilio’s refusals', () => {
  it('have each their reason and keep their code, and tell neither number, text nor secret (rule 12)', async () => {
    await using twilio = await startTwilio()
    const outcomes: Record<string, unknown> = {}

    for (const code of Object.keys(requestRefusals)) {
      twilio.emulator.setFaults([{ kind: 'refuse', code }])
      outcomes[code] = await twilio.send()
    }

    const expected = Object.entries(requestRefusals).map(([code, reason]) => [
      code,
      { outcome: 'refused', reason, code },
    ])
    expect(outcomes).toEqual(Object.fromEntries(expected))
  })

  it('after the acceptance come as a receipt, with the reason', async () => {
    await using twilio = await startTwilio()
    const failed: Record<string, unknown> = {}

    for (const code of Object.keys(deliveryFailures)) {
      twilio.emulator.setFaults([{ kind: 'fail', code }])
      await twilio.send()
      failed[code] = (await twilio.reported()).at(-1)
    }

    const expected = Object.entries(deliveryFailures).map(([code, reason]) => [
      code,
      { providerMessageId: expect.stringMatching(/^SM/), state: 'failed', reason, code },
    ])
    expect(failed).toEqual(Object.fromEntries(expected))
    expect(twilio.emulator.messages(to)).toEqual([])
  })

  it('of a call say whether nobody took it', async () => {
    await using twilio = await startTwilio()
    const failed: unknown[] = []

    for (const code of ['busy', 'no-answer', 'failed', 'canceled']) {
      twilio.emulator.setFaults([{ kind: 'fail', code }])
      await twilio.send({ channel: 'voice' })
      failed.push(...(await twilio.reported()))
    }

    expect(failed).toMatchObject([
      { state: 'failed', reason: 'number_unreachable', code: 'busy' },
      { state: 'failed', reason: 'number_unreachable', code: 'no-answer' },
      { state: 'failed', reason: 'unknown', code: 'failed' },
      { state: 'failed', reason: 'unknown', code: 'canceled' },
    ])
  })

  it('of a call say that the number does not exist, where the network knows it (RFC 3261)', async () => {
    await using twilio = await startTwilio()
    const url = 'https://auth.example.com/receipts/1'
    const body = 'CallSid=CA1&CallStatus=failed&SipResponseCode=404'
    const signed = `${url}CallSidCA1CallStatusfailedSipResponseCode404`
    const signature = createHmac('sha1', twilio.authToken).update(signed).digest('base64')

    const read = await twilio.read({
      method: 'POST',
      url,
      headers: { 'x-twilio-signature': signature },
      body: Buffer.from(body),
      hasToken: false,
    })

    expect(read?.receipts).toEqual([
      { providerMessageId: 'CA1', state: 'failed', reason: 'number_invalid', code: 'failed 404' },
    ])
  })

  it('include wrong credentials, which no outcome repeats (rule 12)', async () => {
    await using twilio = await startTwilio({ authToken: 'wrong-token' })

    const outcome = await twilio.send()

    expect(outcome).toEqual({ outcome: 'refused', reason: 'credentials_invalid', code: '20003' })
  })

  it('include a message without any sender, for which nobody is called', async () => {
    await using twilio = await startTwilio({ namesNoSender: true })

    const outcomes = [
      await twilio.send(),
      await twilio.send({ channel: 'voice' }),
      await twilio.send({ channel: 'whatsapp' }),
    ]

    const refused = { outcome: 'refused', reason: 'sender_not_approved', code: 'no sender' }
    expect(outcomes).toEqual([refused, refused, refused])
    expect(twilio.emulator.messages()).toEqual([])
  })
})

describe('Twilio in trouble', () => {
  it('is told apart: too slow, broken, busy', async () => {
    await using twilio = await startTwilio()

    twilio.emulator.setFaults([{ kind: 'hold' }])
    const slow = await twilio.send({}, AbortSignal.timeout(100))
    twilio.emulator.setFaults([{ kind: 'http_500' }])
    const broken = await twilio.send()
    twilio.emulator.setFaults([{ kind: 'throttle' }])
    const busy = await twilio.send()

    expect(slow).toEqual({ outcome: 'refused', reason: 'timeout', code: 'timeout' })
    expect(broken).toMatchObject({ outcome: 'refused', reason: 'provider_fault' })
    expect(busy).toEqual({ outcome: 'refused', reason: 'throttled', code: '20429' })
  })

  it('that cannot be reached is a failed connection', async () => {
    await using twilio = await startTwilio({ endpoint: await closedUrl() })

    const outcome = await twilio.send()

    expect(outcome).toEqual({ outcome: 'refused', reason: 'connection_failed', code: 'ECONNREFUSED' })
  })

  it('that answers something else than it documents is at fault', async () => {
    const { outcome } = await wireOf({})

    expect(outcome).toEqual({
      outcome: 'refused',
      reason: 'provider_fault',
      code: 'no sid',
      maybeSent: true,
    })
  })
})

/** The example of Twilio's own libraries: token 12345, and the signature that belongs to it. */
const example: ReceiptCall = {
  method: 'POST',
  url: 'https://mycompany.com/myapp.php?foo=1&bar=2',
  headers: { 'x-twilio-signature': 'RSOYDt4T1cUTdK1PDd93/VVr8B8=' },
  body: Buffer.from(
    'CallSid=CA1234567890ABCDE&Caller=%2B14158675309&Digits=1234&From=%2B14158675309&To=%2B18005551212',
  ),
  hasToken: false,
}

describe('a receipt of Twilio', () => {
  it('is verified as in the example of Twilio’s libraries, with the port written or not', async () => {
    await using twilio = await startTwilio({ authToken: '12345' })

    const read = await twilio.read(example)
    const withPort = await twilio.read({ ...example, url: example.url.replace('.com', '.com:443') })

    expect(read).toEqual({
      receipts: [],
      reply: { status: 200, contentType: 'text/xml', body: '<Response/>' },
    })
    expect(withPort).toEqual(read)
  })

  it('is refused when it is forged, tampered with, or replayed elsewhere', async () => {
    await using twilio = await startTwilio()
    await using stranger = await startTwilio({ authToken: 'another-token' })
    await twilio.send()
    const call = await twilio.receipts.next()
    const tamperings: Record<string, Partial<ReceiptCall>> = {
      'no signature': { headers: {} },
      'an empty signature': { headers: { 'x-twilio-signature': '' } },
      'two signatures': { headers: { 'x-twilio-signature': ['a', 'b'] } },
      'another status': { body: Buffer.from(String(call.body).replace('sent', 'delivered')) },
      'one more parameter': { body: Buffer.concat([call.body, Buffer.from('&ErrorCode=30007')]) },
      'no parameters': { body: Buffer.alloc(0) },
      'another path': { url: `${call.url}-of-another` },
      'another host': { url: call.url.replace('127.0.0.1', 'auth.example.com') },
      'another port': { url: call.url.replace(/:\d+\//, ':1/') },
      'another method': { method: 'GET' },
    }

    const accepted: string[] = []
    for (const [name, tampering] of Object.entries(tamperings)) {
      if ((await twilio.read({ ...call, ...tampering })) !== undefined) accepted.push(name)
    }

    expect(accepted).toEqual([])
    expect(await stranger.read(call)).toBeUndefined()
    expect(await twilio.read(call)).toMatchObject({ receipts: [{ state: 'sent' }] })
  })
})

describe('Twilio, when asked,', () => {
  it('tells what became of a message and what it cost', async () => {
    await using twilio = await startTwilio()
    const sentAt = new Date()
    const sms = acceptedId(await twilio.send())
    const call = acceptedId(await twilio.send({ channel: 'voice' }))
    await twilio.emulator.settle()
    const ask = (providerMessageId: string, channel: 'sms' | 'voice') =>
      twilio.provider.poll?.(
        { providerMessageId, id: outgoing().id, channel, to, sentAt },
        AbortSignal.timeout(60_000),
      )

    const message = await ask(sms, 'sms')
    const spoken = await ask(call, 'voice')

    expect(message).toEqual({
      providerMessageId: sms,
      state: 'delivered',
      occurredAt: expect.any(Date),
      price: { micros: 7500, currency: 'USD' },
    })
    expect(spoken).toEqual({
      providerMessageId: call,
      state: 'delivered',
      occurredAt: expect.any(Date),
      price: { micros: 13_000, currency: 'USD' },
    })
    await expect(ask('SM00000000000000000000000000000000', 'sms')).rejects.toMatchObject({ message: '20404' })
  })

  it('tells the kind of line and when its SIM was swapped', async () => {
    await using twilio = await startTwilio()
    const wanted = { lineType: true, simSwap: true }
    const lookUp = (number: string) =>
      twilio.provider.lookUp?.(phoneOf(number), wanted, AbortSignal.timeout(60_000))

    const lines = [
      await lookUp('+12025559901'),
      await lookUp('+12025559903'),
      await lookUp('+12025559904'),
      await lookUp('+447700900123'),
    ]

    expect(lines).toEqual([
      { lineType: 'nonFixedVoip', simSwappedAt: undefined },
      { lineType: 'landline', simSwappedAt: undefined },
      { lineType: 'mobile', simSwappedAt: expect.any(Date) },
      { lineType: 'mobile', simSwappedAt: undefined },
    ])
  })

  it.each([
    ['the kind of line', { lineType: true, simSwap: false }, '+12025559901'],
    ['the SIM', { lineType: false, simSwap: true }, '+12025559904'],
  ] as const)(
    'asks for %s alone where nothing else is wanted: each costs money',
    async (_, wanted, number) => {
      await using twilio = await startTwilio()

      const line = await twilio.provider.lookUp?.(phoneOf(number), wanted, AbortSignal.timeout(60_000))

      expect(line).toEqual({
        lineType: wanted.lineType ? 'nonFixedVoip' : undefined,
        simSwappedAt: wanted.simSwap ? expect.any(Date) : undefined,
      })
    },
  )

  it('throws when it fails, with the reason', async () => {
    await using twilio = await startTwilio({ authToken: 'wrong-token', lookupEndpoint: await closedUrl() })
    const message = {
      providerMessageId: 'SM1',
      id: outgoing().id,
      channel: 'sms',
      to,
      sentAt: new Date(),
    } as const

    const [polled, lookedUp] = await Promise.allSettled([
      twilio.provider.poll?.(message, AbortSignal.timeout(60_000)),
      twilio.provider.lookUp?.(to, { lineType: true, simSwap: true }, AbortSignal.timeout(60_000)),
    ])

    expect(polled).toMatchObject({ status: 'rejected', reason: { reason: 'credentials_invalid' } })
    expect(lookedUp).toMatchObject({ status: 'rejected', reason: { reason: 'connection_failed' } })
  })
})
