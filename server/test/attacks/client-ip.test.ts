import { describe, expect, it } from 'vitest'
import { newPhone, startTestApp, type TestApp } from '../support/app.ts'

type Claim = { headers?: Record<string, string>; body?: Record<string, unknown> }

const send = (app: TestApp, { headers = {}, body = {} }: Claim = {}) =>
  app.post('/api/v3/send-sms', { channel: 'CHANNEL_REGISTER', phoneNumber: newPhone(), ...body }, { headers })

/** The answers to one send after the other: 200, or the refusal's apiCode. */
const sendEach = async (app: TestApp, claims: readonly Claim[]) => {
  const answers: number[] = []
  for (const claim of claims) {
    const { apiCode, statusCode } = await send(app, claim)
    answers.push(apiCode ?? statusCode)
  }
  return answers
}

const twoAnHour = { DIALTONE_MESSAGES_PER_IP_HOUR: '2' }
const behindProxy = { ...twoAnHour, DIALTONE_TRUSTED_PROXIES: '127.0.0.1' }

const forwarded = (address: string): Claim => ({ headers: { 'x-forwarded-for': address } })
const clientIp = (address: string): Claim => ({ body: { options: { clientIp: address } } })

const basicOf = ({ application }: TestApp, secret = application.secret.reveal()) =>
  `Basic ${Buffer.from(`${application.id}:${secret}`).toString('base64')}`

describe('the client’s address', () => {
  it('is the socket’s, whatever a stranger claims', async () => {
    await using app = await startTestApp(twoAnHour)

    const answers = await sendEach(app, [
      {},
      {},
      forwarded('203.0.113.1'),
      { headers: { 'x-real-ip': '203.0.113.2' } },
      clientIp('203.0.113.3'),
      { ...clientIp('203.0.113.4'), headers: { authorization: basicOf(app, 'not the secret') } },
      { body: { options: { clientIp: '203.0.113.5' }, client_secret: 'not the secret' } },
    ])

    expect(answers).toEqual([200, 200, 8800008, 8800008, 8800008, 8800008, 8800008])
  })

  it('is what a trusted proxy forwards', async () => {
    await using app = await startTestApp(behindProxy)

    const answers = await sendEach(app, [
      forwarded('203.0.113.1'),
      forwarded('203.0.113.1'),
      forwarded('203.0.113.1'),
      forwarded('203.0.113.2'),
      { headers: { 'x-real-ip': '203.0.113.3' } },
      { headers: { 'x-real-ip': '203.0.113.1' } },
    ])

    expect(answers).toEqual([200, 200, 8800008, 200, 200, 8800008])
  })

  it('is not what a client wrote before a trusted proxy added the truth', async () => {
    await using app = await startTestApp(behindProxy)

    const answers = await sendEach(app, [
      forwarded('198.51.100.1, 203.0.113.1'),
      forwarded('198.51.100.2, 203.0.113.1'),
      forwarded('198.51.100.3, 203.0.113.1'),
      { headers: { 'x-forwarded-for': '203.0.113.1', 'x-real-ip': '198.51.100.4' } },
      { ...forwarded('203.0.113.1'), ...clientIp('198.51.100.5') },
    ])

    expect(answers).toEqual([200, 200, 8800008, 8800008, 8800008])
  })

  it('is what the application claims with its secret, as Basic or in the body', async () => {
    await using app = await startTestApp(twoAnHour)
    const headers = { authorization: basicOf(app) }
    const client_secret = app.application.secret.reveal()

    const answers = await sendEach(app, [
      { ...clientIp('203.0.113.1'), headers },
      { body: { options: { clientIp: '203.0.113.1' }, client_secret } },
      { ...clientIp('203.0.113.1'), headers },
      { ...clientIp('203.0.113.2'), headers },
      { body: { client_secret }, headers: { 'x-real-ip': '203.0.113.3' } },
      { body: { client_secret }, headers: { 'x-forwarded-for': '203.0.113.1' } },
    ])

    expect(answers).toEqual([200, 200, 8800008, 200, 200, 8800008])
  })

  it('stays the socket’s when the application claims what is no address', async () => {
    await using app = await startTestApp(twoAnHour)
    const headers = { authorization: basicOf(app) }

    const answers = await sendEach(app, [
      { ...clientIp('not an address'), headers },
      { ...clientIp('203.0.113'), headers },
      { ...clientIp('203.0.113.1:443'), headers },
    ])

    expect(answers).toEqual([200, 200, 8800008])
  })

  it('counts as one for a whole IPv6 /64, however it is written', async () => {
    await using app = await startTestApp(behindProxy)

    const answers = await sendEach(app, [
      forwarded('2001:db8:1:2::1'),
      forwarded('2001:0DB8:0001:0002:ffff:ffff:ffff:ffff'),
      forwarded('2001:db8:1:2:3:4:5:6'),
      forwarded('2001:db8:1:3::1'),
      forwarded('2001:db8:1::2:0:0:1'),
    ])

    expect(answers).toEqual([200, 200, 8800008, 200, 200])
  })

  it('is the same for an IPv4 address that is mapped into IPv6', async () => {
    await using app = await startTestApp(behindProxy)

    const answers = await sendEach(app, [
      forwarded('203.0.113.1'),
      forwarded('::ffff:203.0.113.1'),
      forwarded('203.0.113.1'),
      forwarded('::ffff:203.0.113.2'),
    ])

    expect(answers).toEqual([200, 200, 8800008, 200])
  })
})
