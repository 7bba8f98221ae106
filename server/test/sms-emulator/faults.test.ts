import { describe, expect, it } from 'vitest'
import { type Emulator, type Fault, startEmulator } from '../../../sms-emulator/src/emulator.ts'
import { receiveReceipts } from '../support/receipts.ts'
import { otherPhone, phone, sendTwilio, sendVonage, twilioStatuses } from './callers.ts'

const start = () => startEmulator({ receiptAfterMilliseconds: 0 })

/** When the requests have arrived that the fault was switched on for so many times. */
const usedUp = (emulator: Emulator, kind: Fault['kind']) =>
  expect
    .poll(async () => {
      const { faults } = (await (await fetch(`${emulator.url}/emulator/faults`)).json()) as {
        faults: Fault[]
      }
      return faults.some((fault) => fault.kind === kind)
    })
    .toBe(false)

describe('the fault', () => {
  it('delay waits before the answer, and sends the message all the same', async () => {
    await using emulator = await start()
    emulator.setFaults([{ kind: 'delay', milliseconds: 250 }])
    const startedAt = performance.now()

    const answer = await sendTwilio(emulator)

    expect(performance.now() - startedAt).toBeGreaterThan(240)
    expect(answer.status).toBe(201)
    expect(emulator.messages(phone).length).toBe(1)
  })

  it('hold keeps a request until the faults are set anew, and later ones not where it is told to hold one', async () => {
    await using emulator = await start()
    emulator.setFaults([{ kind: 'hold', times: 1 }])
    let isAnswered = false
    const held = sendTwilio(emulator).finally(() => {
      isAnswered = true
    })
    await usedUp(emulator, 'hold')
    const later = await sendTwilio(emulator)
    const wasAnswered = isAnswered

    emulator.setFaults([])
    const answer = await held

    expect([wasAnswered, later.status, answer.status]).toEqual([false, 201, 201])
    expect(emulator.messages(phone).length).toBe(2)
  })

  it('delay sends even what its customer no longer waits for', async () => {
    await using emulator = await start()
    // Held after its delay, so that its customer has gone by then however slow the machine is.
    emulator.setFaults([
      { kind: 'delay', milliseconds: 250, times: 1 },
      { kind: 'hold', times: 1 },
    ])
    const { accountSid, authToken } = emulator.accounts.twilio

    const gone = new AbortController()
    const gaveUp = fetch(`${emulator.url}/2010-04-01/Accounts/${accountSid}/Messages.json`, {
      method: 'POST',
      headers: { authorization: `Basic ${Buffer.from(`${accountSid}:${authToken}`).toString('base64')}` },
      body: new URLSearchParams({ To: phone, From: '+15005550006', Body: 'too late' }),
      signal: gone.signal,
    })
    await usedUp(emulator, 'delay')
    gone.abort()

    await expect(gaveUp).rejects.toThrow('aborted')
    expect(emulator.messages(phone)).toEqual([])
    emulator.setFaults([])
    await expect.poll(() => emulator.messages(phone).length).toBe(1)
  })

  it('http_500 answers as a broken gateway does: with a page and no message', async () => {
    await using emulator = await start()
    emulator.setFaults([{ kind: 'http_500' }])

    const answers = [await sendTwilio(emulator), await sendVonage(emulator)]

    for (const { status, text } of answers) {
      expect(status).toBe(500)
      expect(text).toContain('<html>')
    }
    expect(emulator.messages()).toEqual([])
  })

  it('throttle answers as each service documents', async () => {
    await using emulator = await start()
    emulator.setFaults([{ kind: 'throttle' }])

    const twilio = await sendTwilio(emulator)
    const vonage = await sendVonage(emulator)

    expect(twilio).toMatchObject({ status: 429, json: { code: 20429, status: 429 } })
    expect(vonage).toMatchObject({ status: 429, json: { title: 'Throttled' } })
    expect(emulator.messages()).toEqual([])
  })

  it('refuse answers with the code of the service', async () => {
    await using emulator = await start()
    emulator.setFaults([
      { kind: 'refuse', service: 'twilio', code: '21610' },
      { kind: 'refuse', service: 'vonage', code: 'low-balance' },
    ])

    const twilio = await sendTwilio(emulator)
    const vonage = await sendVonage(emulator)

    expect(twilio).toMatchObject({ status: 400, json: { code: 21610 } })
    expect(vonage.status).toBe(402)
    expect(vonage.json.type).toBe('https://developer.vonage.com/api-errors#low-balance')
    expect(emulator.messages()).toEqual([])
  })

  it('drop accepts, never delivers and never reports', async () => {
    await using emulator = await start()
    await using receipts = await receiveReceipts()
    emulator.setFaults([{ kind: 'drop' }])

    const answer = await sendTwilio(emulator, { StatusCallback: receipts.url })
    await emulator.settle()

    expect(answer.status).toBe(201)
    expect(emulator.messages()).toEqual([])
    expect(receipts.rest()).toEqual([])
  })

  it('duplicate delivers twice and reports each receipt twice', async () => {
    await using emulator = await start()
    await using receipts = await receiveReceipts()
    emulator.setFaults([{ kind: 'duplicate' }])

    await sendTwilio(emulator, { StatusCallback: receipts.url })
    await emulator.settle()

    const texts = emulator.messages(phone).map(({ text }) => text)
    expect(texts).toEqual(['Your code is 135790.', 'Your code is 135790.'])
    expect(new Set(emulator.messages(phone).map(({ id }) => id)).size).toBe(2)
    expect(twilioStatuses(receipts.rest())).toEqual(['sent', 'delivered', 'sent', 'delivered'])
  })

  it('reorder holds a message until the next one has arrived', async () => {
    await using emulator = await start()
    emulator.setFaults([{ kind: 'reorder', milliseconds: 3_600_000 }])
    await sendTwilio(emulator, { Body: 'first' })
    const held = emulator.messages()

    await sendTwilio(emulator, { Body: 'second', To: otherPhone })

    expect(held).toEqual([])
    // The newest first: the one that was sent first arrived last.
    expect(emulator.messages().map(({ text }) => text)).toEqual(['first', 'second'])
  })

  it('reorder holds no message for long, and reports its states in the wrong order', async () => {
    await using emulator = await start()
    await using receipts = await receiveReceipts()
    emulator.setFaults([{ kind: 'reorder' }])

    await sendTwilio(emulator, { StatusCallback: receipts.url })
    await emulator.settle()

    expect(emulator.messages(phone).length).toBe(1)
    expect(twilioStatuses(receipts.rest())).toEqual(['delivered', 'sent'])
  })

  it('late_receipt delivers at once and reports after its time', async () => {
    await using emulator = await start()
    await using receipts = await receiveReceipts()
    emulator.setFaults([{ kind: 'late_receipt', milliseconds: 300 }])
    const startedAt = performance.now()

    await sendTwilio(emulator, { StatusCallback: receipts.url })
    await emulator.settle()

    expect(twilioStatuses(receipts.rest())).toEqual(['sent', 'delivered'])
    expect(performance.now() - startedAt).toBeGreaterThan(290)
  })

  it('late_receipt reports no later than when the faults are set anew', async () => {
    await using emulator = await start()
    await using receipts = await receiveReceipts()
    emulator.setFaults([{ kind: 'late_receipt', milliseconds: 3_600_000 }])
    await sendTwilio(emulator, { StatusCallback: receipts.url })
    const atOnce = { messages: emulator.messages(phone).length, receipts: receipts.rest().length }

    emulator.setFaults([])
    await emulator.settle()

    expect(atOnce).toEqual({ messages: 1, receipts: 0 })
    expect(twilioStatuses(receipts.rest())).toEqual(['sent', 'delivered'])
  })

  it('fail accepts, puts nothing on the phone and reports the code', async () => {
    await using emulator = await start()
    await using receipts = await receiveReceipts()
    emulator.setFaults([{ kind: 'fail', code: '30003' }])

    const answer = await sendTwilio(emulator, { StatusCallback: receipts.url })
    await emulator.settle()

    const calls = receipts.rest()
    expect(answer.status).toBe(201)
    expect(emulator.messages()).toEqual([])
    expect(twilioStatuses(calls)).toEqual(['sent', 'undelivered'])
    expect(new URLSearchParams(calls[1]?.body.toString()).get('ErrorCode')).toBe('30003')
  })

  it('concerns its own service alone', async () => {
    await using emulator = await start()
    emulator.setFaults([{ kind: 'http_500', service: 'vonage' }])

    expect((await sendTwilio(emulator)).status).toBe(201)
    expect((await sendVonage(emulator)).status).toBe(500)
  })

  it('happens so many times as it says', async () => {
    await using emulator = await start()
    emulator.setFaults([{ kind: 'throttle', times: 2 }])

    const statuses = []
    for (let sent = 0; sent < 4; sent += 1) statuses.push((await sendTwilio(emulator)).status)

    expect(statuses).toEqual([429, 429, 201, 201])
  })

  it('ends when others take its place', async () => {
    await using emulator = await start()
    emulator.setFaults([{ kind: 'http_500' }])
    await sendTwilio(emulator)

    emulator.setFaults([])

    expect((await sendTwilio(emulator)).status).toBe(201)
  })
})
