// Vonage's provider against the emulator, which another hand wrote from the same documentation.
import { createHash, generateKeyPairSync } from 'node:crypto'
import { decodeJwt, decodeProtectedHeader, type JWTPayload, SignJWT } from 'jose'
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

type Given = Partial<Parameters<typeof connectProvider<'vonage'>>[1]> & { namesNoSender?: boolean }

const startVonage = async ({ namesNoSender = false, ...settings }: Given = {}) => {
  const emulator = await startEmulator({ receiptAfterMilliseconds: 0 })
  const receipts = await receiveReceipts()
  let secondsAhead = 0
  const clock = { now: () => new Date(Date.now() + secondsAhead * 1000) }
  const account = emulator.accounts.vonage
  const provider = connectProvider(
    'vonage',
    {
      ...account,
      ...(namesNoSender ? {} : { from: 'Dialtone', whatsappFrom: '+14157386102' }),
      endpoint: `${emulator.url}/`,
      ...settings,
    },
    providerDeps(clock),
  )
  const read = async (call: ReceiptCall) => provider.readReceipts?.(call)
  return {
    emulator,
    receipts,
    account,
    read,
    moveClock: (seconds: number) => {
      secondsAhead += seconds
    },
    send: (given: Partial<OutgoingMessage> = {}, signal = AbortSignal.timeout(60_000)) =>
      provider.send(outgoing({ receiptUrl: receipts.url, ...given }), signal),
    /** All that Vonage has reported, when it has nothing more to report. */
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
  await using vonage = await startVonage({ endpoint: new URL(server.url).origin, ...settings })
  const outcome = await vonage.send(given)
  const call = await server.next()
  const token = String(call.headers['authorization']).replace('Bearer ', '')
  return { outcome, call, token, account: vonage.account, body: JSON.parse(call.body.toString()) }
}

const to = phoneOf('+447700900123')
const acceptedId = (outcome: Awaited<ReturnType<ReturnType<typeof connectProvider>['send']>>): string => {
  if (outcome.outcome !== 'accepted') throw new Error(`refused: ${outcome.reason} ${outcome.code}`)
  return outcome.providerMessageId
}

describe('Vonage delivers', () => {
  it('an SMS with its text, and reports when it was sent, for how much, and when it arrived', async () => {
    await using vonage = await startVonage()

    const outcome = await vonage.send()

    const providerMessageId = acceptedId(outcome)
    const occurredAt = expect.any(Date)
    expect(await vonage.reported()).toEqual([
      { providerMessageId, state: 'sent', occurredAt, price: { micros: 33_300, currency: 'EUR' } },
      { providerMessageId, state: 'delivered', occurredAt },
    ])
    expect(vonage.emulator.messages(to)).toMatchObject([
      { text: outgoing().text, from: 'Dialtone', service: 'vonage', channel: 'sms' },
    ])
  })

  it('with the sender that the route names before its own', async () => {
    await using vonage = await startVonage()

    await vonage.send({ from: 'Acme' })

    await vonage.emulator.settle()
    expect(vonage.emulator.messages(to)).toMatchObject([{ from: 'Acme' }])
  })

  it('a WhatsApp message from an authentication template, charged when it arrives', async () => {
    await using vonage = await startVonage({ whatsappTemplate: 'sign_in_code' })

    const outcome = await vonage.send({ channel: 'whatsapp' })

    const providerMessageId = acceptedId(outcome)
    expect(await vonage.reported()).toMatchObject([
      { providerMessageId, state: 'sent' },
      { providerMessageId, state: 'delivered', price: { micros: 50_000, currency: 'EUR' } },
    ])
    expect(vonage.emulator.messages(to)).toMatchObject([
      { channel: 'whatsapp', from: '14157386102', text: '482913 is your verification code.' },
    ])
  })

  it('a WhatsApp message as plain text where no template is named', async () => {
    await using vonage = await startVonage()

    await vonage.send({ channel: 'whatsapp' })

    await vonage.emulator.settle()
    expect(vonage.emulator.messages(to)).toMatchObject([{ channel: 'whatsapp', text: outgoing().text }])
  })

  it('that template in its language, with its parameters in the body and the code behind the button', async () => {
    const { body } = await wireOf(
      {
        channel: 'whatsapp',
        templateId: 'of_the_route',
        templateParameters: ['app', 'code'],
        locale: 'zh-CN',
        receiptUrl: 'https://auth.example.com/receipts/1',
      },
      { whatsappTemplate: 'of_the_settings' },
    )

    const text = (words: string) => ({ type: 'text', text: words })
    expect(body).toEqual({
      channel: 'whatsapp',
      to: '447700900123',
      from: '14157386102',
      client_ref: outgoing().id,
      webhook_url: 'https://auth.example.com/receipts/1',
      webhook_version: 'v1',
      message_type: 'custom',
      custom: {
        type: 'template',
        template: {
          name: 'of_the_route',
          language: { policy: 'deterministic', code: 'zh_CN' },
          components: [
            { type: 'body', parameters: [text('Dialtone'), text('482913')] },
            { type: 'button', sub_type: 'url', index: '0', parameters: [text('482913')] },
          ],
        },
      },
    })
  })

  it('each with a token of its own, which lives five minutes and is all that is said of the key', async () => {
    const first = await wireOf({})
    const second = await wireOf({})

    const claims = decodeJwt(first.token)
    expect(decodeProtectedHeader(first.token)).toEqual({ alg: 'RS256', typ: 'JWT' })
    expect(claims).toEqual({
      application_id: first.account.applicationId,
      iat: expect.any(Number),
      exp: Number(claims.iat) + 300,
      jti: expect.any(String),
    })
    expect(decodeJwt(second.token).jti).not.toBe(claims.jti)
    expect(first.call.body.toString()).not.toContain('KEY')
  })
})

const requestRefusals: Record<string, FailureReason> = {
  'account-suspended': 'account_suspended',
  forbidden: 'service_not_enabled',
  'invalid-api-key': 'credentials_invalid',
  'invalid-params': 'request_rejected',
  'invalid-signature': 'credentials_invalid',
  'jwt-expired': 'credentials_invalid',
  'jwt-revoked': 'credentials_invalid',
  'low-balance': 'balance_exhausted',
  throttled: 'throttled',
  unauthorized: 'credentials_invalid',
  unprovisioned: 'service_not_enabled',
  1000: 'throttled',
  1010: 'request_rejected',
  1020: 'request_rejected',
  1021: 'request_rejected',
  1022: 'template_not_approved',
  1030: 'provider_fault',
  1040: 'request_rejected',
  1050: 'blocked_by_provider',
  1060: 'account_suspended',
  1070: 'balance_exhausted',
  1080: 'service_not_enabled',
  1090: 'content_rejected',
  1100: 'provider_fault',
  1120: 'sender_not_approved',
  1130: 'request_rejected',
  1140: 'service_not_enabled',
  1150: 'request_rejected',
  1160: 'request_rejected',
  1170: 'number_invalid',
  1400: 'request_rejected',
  1410: 'request_rejected',
  1420: 'sender_not_approved',
  1430: 'number_cannot_receive',
  1440: 'request_rejected',
  1450: 'request_rejected',
  // Not in the table: the status of the answer tells that much.
  1999: 'request_rejected',
}

const deliveryFailures: Record<string, FailureReason> = {
  1180: 'number_unreachable',
  1190: 'number_invalid',
  1200: 'number_unreachable',
  1210: 'blocked_by_carrier',
  1220: 'number_unreachable',
  1230: 'provider_fault',
  1240: 'number_opted_out',
  1241: 'number_limit_reached',
  1250: 'number_cannot_receive',
  1251: 'geo_permission_missing',
  1260: 'number_unreachable',
  1270: 'blocked_by_carrier',
  1280: 'blocked_by_carrier',
  1282: 'blocked_by_provider',
  1290: 'number_cannot_receive',
  1300: 'number_cannot_receive',
  1310: 'number_cannot_receive',
  1320: 'request_rejected',
  1330: 'unknown',
  1331: 'provider_fault',
  1340: 'template_not_approved',
  1360: 'expired',
  1460: 'throttled',
  1461: 'number_limit_reached',
  1470: 'blocked_by_provider',
  1472: 'blocked_by_provider',
  1473: 'blocked_by_provider',
  1480: 'sender_not_approved',
  1481: 'sender_not_approved',
  1482: 'template_not_approved',
  1483: 'number_opted_out',
  1484: 'request_rejected',
  9999: 'unknown',
}

describe('Vonage’s refusals', () => {
  it('have each their reason and keep their code, and tell neither number, text nor secret (rule 12)', async () => {
    await using vonage = await startVonage()
    const outcomes: Record<string, unknown> = {}

    for (const code of Object.keys(requestRefusals)) {
      vonage.emulator.setFaults([{ kind: 'refuse', code }])
      outcomes[code] = await vonage.send()
    }

    const expected = Object.entries(requestRefusals).map(([code, reason]) => [
      code,
      { outcome: 'refused', reason, code },
    ])
    expect(outcomes).toEqual(Object.fromEntries(expected))
  })

  it('after the acceptance come as a receipt, with the reason', async () => {
    await using vonage = await startVonage()
    const failed: Record<string, unknown> = {}

    for (const code of Object.keys(deliveryFailures)) {
      vonage.emulator.setFaults([{ kind: 'fail', code }])
      await vonage.send()
      failed[code] = (await vonage.reported()).at(-1)
    }

    const expected = Object.entries(deliveryFailures).map(([code, reason]) => [
      code,
      { providerMessageId: expect.any(String), state: 'failed', reason, code, occurredAt: expect.any(Date) },
    ])
    expect(failed).toEqual(Object.fromEntries(expected))
    expect(vonage.emulator.messages(to)).toEqual([])
  })

  it('include another application, a key that fits not, and a key that is none (rule 12)', async () => {
    const { privateKey } = generateKeyPairSync('rsa', {
      modulusLength: 2048,
      privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
      publicKeyEncoding: { type: 'spki', format: 'pem' },
    })
    await using stranger = await startVonage({ applicationId: '00000000-0000-4000-8000-000000000002' })
    await using misfit = await startVonage({ privateKey })
    await using keyless = await startVonage({ privateKey: 'no key' })

    const outcomes = [await stranger.send(), await misfit.send(), await keyless.send()]

    expect(outcomes).toEqual([
      { outcome: 'refused', reason: 'credentials_invalid', code: 'unauthorized' },
      { outcome: 'refused', reason: 'credentials_invalid', code: 'unauthorized' },
      { outcome: 'refused', reason: 'credentials_invalid', code: 'private key unreadable' },
    ])
  })

  it('include a message without any sender, for which nobody is called', async () => {
    await using vonage = await startVonage({ namesNoSender: true })

    const outcomes = [await vonage.send(), await vonage.send({ channel: 'whatsapp' })]

    const refused = { outcome: 'refused', reason: 'sender_not_approved', code: 'no sender' }
    expect(outcomes).toEqual([refused, refused])
    expect(vonage.emulator.messages()).toEqual([])
  })
})

describe('Vonage in trouble', () => {
  it('is told apart: too slow, broken, busy', async () => {
    await using vonage = await startVonage()

    vonage.emulator.setFaults([{ kind: 'hold' }])
    const slow = await vonage.send({}, AbortSignal.timeout(200))
    vonage.emulator.setFaults([{ kind: 'http_500' }])
    const broken = await vonage.send()
    vonage.emulator.setFaults([{ kind: 'throttle' }])
    const busy = await vonage.send()

    expect(slow).toEqual({ outcome: 'refused', reason: 'timeout', code: 'timeout' })
    expect(broken).toEqual({ outcome: 'refused', reason: 'provider_fault', code: 'http 500' })
    expect(busy).toEqual({ outcome: 'refused', reason: 'throttled', code: '1000' })
  })

  it('that cannot be reached is a failed connection', async () => {
    await using vonage = await startVonage({ endpoint: await closedUrl() })

    const outcome = await vonage.send()

    expect(outcome).toEqual({ outcome: 'refused', reason: 'connection_failed', code: 'ECONNREFUSED' })
  })

  it('that answers something else than it documents is at fault', async () => {
    const { outcome } = await wireOf({})

    expect(outcome).toEqual({
      outcome: 'refused',
      reason: 'provider_fault',
      code: 'no message_uuid',
      maybeSent: true,
    })
  })
})

/** A call as Vonage signs it, or as an attacker would. */
const signedCall = async (given: {
  secret: string
  body: string
  claims?: JWTPayload
  alg?: string
}): Promise<ReceiptCall> => {
  const payload_hash = createHash('sha256').update(given.body).digest('hex')
  const token = await new SignJWT({ payload_hash, iss: 'Vonage', jti: '1', ...given.claims })
    .setProtectedHeader({ alg: given.alg ?? 'HS256', typ: 'JWT' })
    .setIssuedAt(given.claims?.iat ?? new Date())
    .sign(new TextEncoder().encode(given.secret))
  return {
    method: 'POST',
    url: 'https://auth.example.com/receipts/1',
    headers: { authorization: `Bearer ${token}` },
    body: Buffer.from(given.body),
    hasToken: false,
  }
}

const delivered = JSON.stringify({
  message_uuid: '11111111-1111-4111-8111-111111111111',
  status: 'delivered',
  timestamp: '2025-02-03T12:14:25Z',
  usage: { currency: 'EUR', price: '0.0333' },
})

describe('a receipt of Vonage', () => {
  it('is verified by its token and the hash of its body', async () => {
    await using vonage = await startVonage()
    const { signatureSecret: secret, applicationId } = vonage.account

    const read = await vonage.read(
      await signedCall({ secret, body: delivered, claims: { application_id: applicationId } }),
    )

    expect(read).toEqual({
      receipts: [
        {
          providerMessageId: '11111111-1111-4111-8111-111111111111',
          state: 'delivered',
          occurredAt: new Date('2025-02-03T12:14:25Z'),
          price: { micros: 33_300, currency: 'EUR' },
        },
      ],
      reply: { status: 200, contentType: 'text/plain', body: '' },
    })
  })

  it('is understood with the error as older webhooks write it, and with none', async () => {
    await using vonage = await startVonage()
    const { signatureSecret: secret } = vonage.account
    const rejected = { message_uuid: '1', status: 'rejected' }
    const bodies = [
      { ...rejected, error: { error: { title: 1240 } } },
      { ...rejected, status: 'undeliverable' },
      { message_uuid: '1', status: 'constructor' },
      { status: 'delivered' },
      'not an object',
    ]

    const read = []
    for (const body of bodies)
      read.push((await vonage.read(await signedCall({ secret, body: JSON.stringify(body) })))?.receipts)

    expect(read).toEqual([
      [{ providerMessageId: '1', state: 'failed', reason: 'number_opted_out', code: '1240' }],
      [{ providerMessageId: '1', state: 'failed', reason: 'unknown', code: 'undeliverable' }],
      [],
      [],
      [],
    ])
  })

  it('is refused when it is forged, tampered with, or of another application', async () => {
    await using vonage = await startVonage()
    const { signatureSecret: secret } = vonage.account
    const call = await signedCall({ secret, body: delivered })
    const [header, payload] = String(call.headers['authorization']).split('.')
    const none = Buffer.from(JSON.stringify({ alg: 'none', typ: 'JWT' })).toString('base64url')
    const forgeries: Record<string, ReceiptCall> = {
      'no token': { ...call, headers: {} },
      'two tokens': { ...call, headers: { authorization: ['Bearer a', 'Bearer b'] } },
      'no signature': { ...call, headers: { authorization: `${header}.${payload}.` } },
      'alg none': { ...call, headers: { authorization: `Bearer ${none}.${payload}.` } },
      'another secret': await signedCall({ secret: 'another-secret-of-32-characters!', body: delivered }),
      'another algorithm': await signedCall({ secret, body: delivered, alg: 'HS512' }),
      'another application': await signedCall({ secret, body: delivered, claims: { application_id: 'x' } }),
      'another body': { ...call, body: Buffer.from(delivered.replace('delivered', 'rejected')) },
      'an empty body': { ...call, body: Buffer.alloc(0) },
      'no hash': await signedCall({ secret, body: delivered, claims: { payload_hash: undefined } }),
      'another method': { ...call, method: 'GET' },
    }

    const accepted: string[] = []
    for (const [name, forgery] of Object.entries(forgeries)) {
      if ((await vonage.read(forgery)) !== undefined) accepted.push(name)
    }

    expect(accepted).toEqual([])
    expect(await vonage.read(call)).toMatchObject({ receipts: [{ state: 'delivered' }] })
  })

  it('is refused when it is replayed after five minutes, or comes from the future', async () => {
    await using vonage = await startVonage()
    const { signatureSecret: secret } = vonage.account
    const call = await signedCall({ secret, body: delivered })
    const inAnHour = Math.floor(Date.now() / 1000) + 3600
    const early = await signedCall({ secret, body: delivered, claims: { iat: inAnHour } })

    vonage.moveClock(290)
    const inTime = await vonage.read(call)
    vonage.moveClock(60)
    const replayed = await vonage.read(call)

    expect(inTime).toBeDefined()
    expect(replayed).toBeUndefined()
    expect(await vonage.read(early)).toBeUndefined()
  })
})
