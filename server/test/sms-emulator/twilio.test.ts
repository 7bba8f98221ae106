import { describe, expect, it } from 'vitest'
import { startEmulator } from '../../../sms-emulator/src/emulator.ts'
import { signTwilio } from '../../../sms-emulator/src/twilio-callbacks.ts'
import { receiveReceipts } from '../support/receipts.ts'
import { basic, callTwilio, phone, sendTwilio, twilioStatuses } from './callers.ts'

const start = () => startEmulator({ receiptAfterMilliseconds: 0 })

describe('the emulated Twilio takes a message and', () => {
  it('answers as the Messages resource documents', async () => {
    await using emulator = await start()

    const { status, json } = await sendTwilio(emulator)

    expect(status).toBe(201)
    expect(json).toMatchObject({
      sid: expect.stringMatching(/^SM[0-9a-f]{32}$/),
      status: 'queued',
      num_segments: '1',
      price: null,
      price_unit: 'USD',
      error_code: null,
      messaging_service_sid: null,
      uri: `/2010-04-01/Accounts/${emulator.accounts.twilio.accountSid}/Messages/${json.sid}.json`,
    })
  })

  it('tells its status and price when it is asked later', async () => {
    await using emulator = await start()
    const { json } = await sendTwilio(emulator)
    await emulator.settle()

    const later = await callTwilio(emulator, `{account}/Messages/${json.sid}.json`)
    const unknown = await callTwilio(emulator, `{account}/Messages/SM${'0'.repeat(32)}.json`)

    expect(later).toMatchObject({ status: 200, json: { status: 'delivered', price: '-0.00750' } })
    expect(unknown).toMatchObject({ status: 404, json: { code: 20404 } })
  })

  it.each([
    ['GSM 7-bit', 'a'.repeat(160), '1'],
    ['a second part of GSM 7-bit', 'a'.repeat(161), '2'],
    ['GSM 7-bit with characters of two places', `${'a'.repeat(158)}€€`, '2'],
    ['UCS-2', '码'.repeat(70), '1'],
    ['a second part of UCS-2', '码'.repeat(71), '2'],
  ])('counts the segments of %s', async (_what, Body, segments) => {
    await using emulator = await start()

    const { json } = await sendTwilio(emulator, { Body })

    expect(json.num_segments).toBe(segments)
  })

  it('calls back with each status, signed', async () => {
    await using emulator = await start()
    await using receipts = await receiveReceipts()
    const { json } = await sendTwilio(emulator, { StatusCallback: receipts.url })
    await emulator.settle()

    const calls = receipts.rest()

    expect(twilioStatuses(calls)).toEqual(['sent', 'delivered'])
    for (const { url, body, headers } of calls) {
      const parameters = Object.fromEntries(new URLSearchParams(body.toString()))
      expect(parameters).toMatchObject({ MessageSid: json.sid, To: phone, From: '+15005550006' })
      expect(headers['x-twilio-signature']).toBe(
        signTwilio(emulator.accounts.twilio.authToken, url, parameters),
      )
    }
  })

  it('leaves the sender to a messaging service', async () => {
    await using emulator = await start()

    const { json } = await sendTwilio(emulator, { From: '', MessagingServiceSid: `MG${'a'.repeat(32)}` })

    expect(json).toMatchObject({ status: 'accepted', from: null, num_segments: '0' })
    expect(emulator.messages(phone)[0]?.from).toBe('+15005550006')
  })

  it('delivers an approved template over WhatsApp', async () => {
    await using emulator = await start()

    const { status } = await sendTwilio(emulator, {
      To: `whatsapp:${phone}`,
      From: 'whatsapp:+15005550006',
      Body: '',
      ContentSid: `HX${'b'.repeat(32)}`,
      ContentVariables: '{"1":"135790"}',
    })

    expect(status).toBe(201)
    expect(emulator.messages(phone)).toMatchObject([
      { channel: 'whatsapp', text: '135790 is your verification code.' },
    ])
  })
})

describe('the emulated Twilio refuses', () => {
  it.each([
    ['a wrong token', basic('AC00000000000000000000000000000001', 'wrong')],
    ['another account', basic('AC00000000000000000000000000000002', 'twilio-emulator-token')],
    ['a bearer token', 'Bearer twilio-emulator-token'],
    ['no credentials', ''],
  ])('%s', async (_what, authorization) => {
    await using emulator = await start()

    const refused = await callTwilio(emulator, '{account}/Messages.json', {
      form: { From: '+15005550006', To: phone, Body: 'hello' },
      authorization,
    })

    expect(refused).toMatchObject({ status: 401, json: { code: 20003, message: 'Authenticate' } })
    expect(emulator.messages()).toEqual([])
  })

  it('a path of another account than the one of the credentials', async () => {
    await using emulator = await start()

    const refused = await callTwilio(emulator, `/2010-04-01/Accounts/AC${'9'.repeat(32)}/Messages.json`, {
      form: { From: '+15005550006', To: phone, Body: 'hello' },
    })

    expect(refused.status).toBe(401)
    expect(emulator.messages()).toEqual([])
  })

  it.each([
    [{ To: '' }, 21604],
    [{ From: '' }, 21603],
    [{ Body: '' }, 21602],
    [{ Body: 'a'.repeat(1601) }, 21617],
    [{ To: '0770 0900123' }, 21211],
    [{ To: '+15005550001' }, 21211],
    [{ To: '+15005550002' }, 21612],
    [{ To: '+15005550003' }, 21408],
    [{ To: '+15005550004' }, 21610],
    [{ To: '+15005550009' }, 21614],
    [{ From: '+15005550001' }, 21212],
    [{ From: '+15005550007' }, 21606],
    [{ From: '+15005550008' }, 21611],
    [{ From: '+14155550000' }, 21659],
    [{ From: 'a name that is too long' }, 21212],
    [{ To: `whatsapp:${phone}` }, 21612],
    [{ To: `whatsapp:${phone}`, From: 'whatsapp:+14155550000' }, 63007],
    [
      {
        To: `whatsapp:${phone}`,
        From: 'whatsapp:+15005550006',
        ContentSid: `HX${'b'.repeat(32)}`,
        ContentVariables: '{',
      },
      21656,
    ],
  ])('a message with %j by the code %i', async (form, code) => {
    await using emulator = await start()

    const refused = await sendTwilio(emulator, form)

    expect(refused).toMatchObject({
      status: 400,
      json: { code, status: 400, more_info: `https://www.twilio.com/docs/errors/${code}` },
    })
    expect(emulator.messages()).toEqual([])
  })
})

describe('the emulated Twilio calls a phone, which', () => {
  const Twiml = '<Response><Say voice="Polly.Amy">Your code: 1, 3 &amp; <break/> 5.</Say></Response>'

  it('hears what the TwiML says', async () => {
    await using emulator = await start()
    await using receipts = await receiveReceipts()

    const { status, json } = await callTwilio(emulator, '{account}/Calls.json', {
      form: { From: '+15005550006', To: phone, Twiml, StatusCallback: receipts.url },
    })
    await emulator.settle()

    expect(status).toBe(201)
    expect(emulator.messages(phone)).toMatchObject([
      { id: json.sid, channel: 'voice', text: 'Your code: 1, 3 & 5.' },
    ])
    const [call] = receipts.rest()
    const parameters = Object.fromEntries(new URLSearchParams(call?.body.toString()))
    expect(parameters).toMatchObject({ CallSid: json.sid, CallStatus: 'completed' })
    expect(call?.headers['x-twilio-signature']).toBe(
      signTwilio(emulator.accounts.twilio.authToken, receipts.url, parameters),
    )
  })

  it('does not answer where the call should fail', async () => {
    await using emulator = await start()
    emulator.setFaults([{ kind: 'fail', code: 'busy' }])

    const { json } = await callTwilio(emulator, '{account}/Calls.json', {
      form: { From: '+15005550006', To: phone, Twiml },
    })
    await emulator.settle()

    const later = await callTwilio(emulator, `{account}/Calls/${json.sid}.json`)
    expect(later.json.status).toBe('busy')
    expect(emulator.messages()).toEqual([])
  })

  it.each([
    [{ To: '' }, 21201],
    [{ From: '' }, 21213],
    [{ From: '+14155550000' }, 21210],
    [{ Twiml: '' }, 21205],
    [{ To: '+15005550003' }, 21215],
    [{ To: '+15005550004' }, 21216],
  ])('is not called with %j, by the code %i', async (form, code) => {
    await using emulator = await start()

    const refused = await callTwilio(emulator, '{account}/Calls.json', {
      form: { From: '+15005550006', To: phone, Twiml, ...form },
    })

    expect(refused).toMatchObject({ status: 400, json: { code } })
  })
})

describe('the emulated Lookup', () => {
  const lookUp = async (number: string, fields: string) => {
    await using emulator = await start()
    return (await callTwilio(emulator, `/v2/PhoneNumbers/${encodeURIComponent(number)}?Fields=${fields}`))
      .json
  }

  it.each([
    ['+12025559901', 'nonFixedVoip'],
    ['+12025559902', 'fixedVoip'],
    ['+12025559903', 'landline'],
    ['+12025550000', 'mobile'],
  ])('takes %s for %s', async (number, type) => {
    const answer = await lookUp(number, 'line_type_intelligence')

    expect(answer).toMatchObject({ phone_number: number, valid: true, line_type_intelligence: { type } })
    expect(answer.sim_swap).toBe(null)
  })

  it('tells a SIM that was swapped an hour ago', async () => {
    const swapped = await lookUp('+12025559904', 'sim_swap,line_type_intelligence')
    const other = await lookUp('+12025550000', 'sim_swap')

    const { last_sim_swap_date: date, swapped_in_period } = swapped.sim_swap.last_sim_swap
    expect(swapped_in_period).toBe(true)
    expect(Date.now() - Date.parse(date)).toBeLessThan(2 * 3_600_000)
    expect(other.sim_swap.last_sim_swap).toMatchObject({ last_sim_swap_date: null, swapped_in_period: false })
  })

  it('says that a number is none', async () => {
    const answer = await lookUp('+1202', 'line_type_intelligence')

    expect(answer).toMatchObject({ valid: false, validation_errors: ['NOT_A_NUMBER'] })
  })
})

describe('X-Twilio-Signature', () => {
  // The example of the page "Webhooks security".
  const url = 'https://mycompany.com/myapp.php?foo=1&bar=2'
  const parameters = {
    Digits: '1234',
    To: '+18005551212',
    From: '+14158675310',
    Caller: '+14158675310',
    CallSid: 'CA1234567890ABCDE',
  }

  it('is the one of the documented example', () => {
    expect(signTwilio('12345', url, parameters)).toBe('GvWf1cFY/Q7PnoempGyD5oXAezc=')
  })

  it('changes with any parameter, the URL and the token', () => {
    const signatures = [
      signTwilio('12345', url, parameters),
      signTwilio('12345', url, { ...parameters, Digits: '1235' }),
      signTwilio('12345', `${url}&baz=3`, parameters),
      signTwilio('12346', url, parameters),
    ]

    expect(new Set(signatures).size).toBe(4)
  })
})
