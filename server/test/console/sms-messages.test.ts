import { describe, expect, it } from 'vitest'
import { newPhone, startTestApp } from '../support/app.ts'
import { consoleOf } from '../support/console.ts'
import { startSmsApp } from '../support/sms.ts'

const path = '/console/api/sms/messages'

describe('the messages', () => {
  it('are listed newest first, page by page, with whole numbers and without codes', async () => {
    await using app = await startTestApp()
    const calls = await consoleOf(app)
    const phones = [newPhone(), newPhone(), newPhone()]
    const codes: string[] = []
    for (const phone of phones) {
      await app.sendSms('CHANNEL_REGISTER', phone)
      codes.push(await app.lastCode(phone))
    }

    const first = await calls.get(`${path}?limit=2`)
    const second = await calls.get(`${path}?limit=2&before=${first.body.next}`)

    const recipients = [first, second].flatMap(({ body }) =>
      body.messages.map(({ recipient }: { recipient: string }) => recipient),
    )
    expect(recipients).toEqual(phones.toReversed().map((phone) => `+86${phone}`))
    expect(first.body.messages[0]).toMatchObject({
      channel: 'sms',
      purpose: 'sign_up',
      state: 'accepted',
      provider: 'inbox',
      applicationId: app.application.id,
    })
    expect(second.body.next).toBeUndefined()
    const told = JSON.stringify([first.body, second.body])
    expect(codes.filter((code) => told.includes(`"${code}"`))).toEqual([])
  })

  it('of one recipient are found however the plus of the number arrives', async () => {
    await using app = await startTestApp()
    const calls = await consoleOf(app)
    await app.sendSms('CHANNEL_REGISTER', '7911123456', { phoneCountryCode: '+44' })
    await app.sendSms('CHANNEL_REGISTER', newPhone())
    await app.sendEmail('CHANNEL_REGISTER', 'ada@example.com')

    for (const recipient of ['%2B447911123456', '+447911123456', 'ADA@example.com']) {
      const { body } = await calls.get(`${path}?recipient=${recipient}`)
      expect(body.messages, recipient).toHaveLength(1)
    }
  })

  it('are refused for a limit, an id or a number that is none', async () => {
    await using app = await startTestApp()
    const calls = await consoleOf(app)

    expect(await calls.get(`${path}?limit=201`)).toMatchObject({
      body: { data: { errors: [{ field: 'limit' }] } },
    })
    expect(await calls.get(`${path}?before=x`)).toMatchObject({
      body: { data: { errors: [{ field: 'before' }] } },
    })
    expect(await calls.get(`${path}?recipient=12`)).toMatchObject({ status: 400, body: { apiCode: 2028 } })
    expect((await calls.get(`${path}/x`)).status).toBe(400)
    expect((await calls.get(`${path}/019c2f4e-6b1a-7c52-9d0e-3f6a8b1c2d4e`)).status).toBe(404)
  })
})

describe('a message', () => {
  it('tells each provider that was tried, why one refused, what it cost, and all that happened', async () => {
    await using app = await startSmsApp({
      providers: ['twilio', 'vonage'],
      routes: [
        { name: 'all', serves: {}, steps: [{ provider: 'twilio' }, { provider: 'vonage', price: '0.03' }] },
      ],
    })
    app.emulator.setFaults([{ kind: 'refuse', code: '21408', service: 'twilio' }])
    const calls = await consoleOf(app)
    const phone = newPhone()
    await app.sendSms('CHANNEL_REGISTER', phone)
    await app.emulator.settle()

    const { body: list } = await calls.get(`${path}?recipient=%2B86${phone}`)
    const { status, body } = await calls.get(`${path}/${list.messages[0].id}`)

    expect(status).toBe(200)
    expect(body.message).toMatchObject({ recipient: `+86${phone}`, provider: 'vonage', region: 'CN' })
    expect(body.attempts).toMatchObject([
      { provider: 'twilio', state: 'refused', reason: 'geo_permission_missing', code: '21408' },
      { provider: 'vonage', segments: expect.any(Number), price: { currency: expect.any(String) } },
    ])
    const types = body.timeline.map(({ type }: { type: string }) => type)
    expect(types.slice(0, 5)).toEqual(['queued', 'tried', 'refused', 'tried', 'accepted'])
    expect(body.timeline[2].about).toContain('Geo permission missing')
  })
})
