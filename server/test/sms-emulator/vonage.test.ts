import { createHash, generateKeyPairSync } from 'node:crypto'
import { jwtVerify } from 'jose'
import { describe, expect, it } from 'vitest'
import { startEmulator } from '../../../sms-emulator/src/emulator.ts'
import { receiveReceipts } from '../support/receipts.ts'
import { phone, sendVonage, vonageToken } from './callers.ts'

const start = () => startEmulator({ receiptAfterMilliseconds: 0 })
const now = () => Math.floor(Date.now() / 1000)

describe('the emulated Vonage takes a message and', () => {
  it('answers 202 with its message_uuid', async () => {
    await using emulator = await start()

    const { status, json } = await sendVonage(emulator)

    expect(status).toBe(202)
    expect(json).toEqual({ message_uuid: expect.stringMatching(/^[0-9a-f-]{36}$/) })
    expect(emulator.messages(phone)).toMatchObject([
      { id: json.message_uuid, from: 'Dialtone', channel: 'sms', text: 'Your code is 135790.' },
    ])
  })

  it('calls the webhook of the request with each status, its price and our reference', async () => {
    await using emulator = await start()
    await using receipts = await receiveReceipts()
    const { json } = await sendVonage(emulator, { webhook_url: receipts.url, client_ref: 'ours' })
    await emulator.settle()

    const statuses = receipts.rest().map(({ body }) => JSON.parse(body.toString()))

    const common = {
      message_uuid: json.message_uuid,
      to: phone.slice(1),
      from: 'Dialtone',
      channel: 'sms',
      client_ref: 'ours',
    }
    expect(statuses).toMatchObject([
      { ...common, status: 'submitted', usage: { currency: 'EUR', price: '0.0333' } },
      { ...common, status: 'delivered' },
    ])
  })

  it('signs each webhook for its body', async () => {
    await using emulator = await start()
    await using receipts = await receiveReceipts()
    emulator.setReceiptUrl('vonage', receipts.url)
    await sendVonage(emulator)
    const { headers, body } = await receipts.next()
    const token = String(headers['authorization']).replace('Bearer ', '')
    const { applicationId, signatureSecret } = emulator.accounts.vonage

    const { payload } = await jwtVerify(token, Buffer.from(signatureSecret), {
      algorithms: ['HS256'],
      issuer: 'Vonage',
    })

    expect(payload).toMatchObject({
      application_id: applicationId,
      api_key: expect.any(String),
      jti: expect.any(String),
      iat: expect.any(Number),
      payload_hash: createHash('sha256').update(body).digest('hex'),
    })
  })

  it('reports a rejected message with its error', async () => {
    await using emulator = await start()
    await using receipts = await receiveReceipts()
    emulator.setFaults([{ kind: 'fail', code: '1260' }])
    await sendVonage(emulator, { webhook_url: receipts.url })
    await emulator.settle()

    const [, rejected] = receipts.rest()

    expect(JSON.parse(String(rejected?.body))).toMatchObject({
      status: 'rejected',
      error: { type: 'https://developer.vonage.com/api-errors/messages#1260', title: '1260' },
    })
  })

  it.each([
    ['a template', { message_type: 'template', template: { name: 'sign_in_code', parameters: ['135790'] } }],
    [
      'a custom object of the Graph API',
      {
        message_type: 'custom',
        custom: {
          type: 'template',
          template: {
            name: 'sign_in_code',
            components: [{ type: 'body', parameters: [{ type: 'text', text: '135790' }] }],
          },
        },
      },
    ],
  ])('delivers %s over WhatsApp', async (_what, message) => {
    await using emulator = await start()

    const { status } = await sendVonage(emulator, { channel: 'whatsapp', from: '14157386102', ...message })

    expect(status).toBe(202)
    expect(emulator.messages(phone)).toMatchObject([
      { channel: 'whatsapp', text: '135790 is your verification code.' },
    ])
  })
})

describe('the emulated Vonage refuses', () => {
  const stranger = generateKeyPairSync('rsa', {
    modulusLength: 2048,
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
    publicKeyEncoding: { type: 'spki', format: 'pem' },
  }).privateKey

  it.each([
    ['a token of another key', { privateKey: stranger }],
    ['a token of another application', { applicationId: 'another' }],
    ['a token from the future', { issuedAt: now() + 3600 }],
  ])('%s', async (_what, given) => {
    await using emulator = await start()

    const refused = await sendVonage(emulator, {}, await vonageToken(emulator, given))

    expect(refused.status).toBe(401)
    expect(refused.json.type).toBe('https://developer.vonage.com/api-errors#unauthorized')
    expect(emulator.messages()).toEqual([])
  })

  it('a token that was changed after it was signed', async () => {
    await using emulator = await start()
    const [header, , signature] = (await vonageToken(emulator)).split('.')
    const claims = { application_id: emulator.accounts.vonage.applicationId, iat: now(), jti: 'mine' }
    const payload = Buffer.from(JSON.stringify(claims)).toString('base64url')

    const changed = await sendVonage(emulator, {}, `${header}.${payload}.${signature}`)
    const none = Buffer.from('{"alg":"none"}').toString('base64url')
    const unsigned = await sendVonage(emulator, {}, `${none}.${payload}.`)

    expect([changed.status, unsigned.status]).toEqual([401, 401])
    expect(emulator.messages()).toEqual([])
  })

  it('a token that was used before', async () => {
    await using emulator = await start()
    const token = await vonageToken(emulator)
    const first = await sendVonage(emulator, {}, token)

    const replayed = await sendVonage(emulator, {}, token)

    expect([first.status, replayed.status]).toEqual([202, 401])
    expect(emulator.messages(phone).length).toBe(1)
  })

  it('a token that has expired', async () => {
    await using emulator = await start()
    const token = await vonageToken(emulator, { issuedAt: now() - 600, expiresAt: now() - 300 })

    const refused = await sendVonage(emulator, {}, token)

    expect(refused.status).toBe(401)
    expect(refused.json.type).toBe('https://developer.vonage.com/api-errors#jwt-expired')
  })

  it.each([
    [{ to: phone }, '1170'],
    [{ to: 'nobody' }, '1170'],
    [{ from: '' }, '1120'],
    [{ text: '' }, '1150'],
    [{ channel: 'pigeon' }, '1150'],
    [{ message_type: 'template' }, '1150'],
    [{ channel: 'whatsapp', from: 'Dialtone' }, '1120'],
  ])('a message with %j, by a problem of RFC 7807 with the code %s', async (message, code) => {
    await using emulator = await start()

    const refused = await sendVonage(emulator, message)

    expect(refused.status).toBe(422)
    expect(refused.json).toMatchObject({
      type: `https://developer.vonage.com/api-errors/messages#${code}`,
      title: expect.any(String),
      detail: expect.any(String),
      instance: expect.any(String),
    })
    expect(emulator.messages()).toEqual([])
  })
})
