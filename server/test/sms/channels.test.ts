import { describe, expect, it } from 'vitest'
import { newPhone } from '../support/app.ts'
import { type SmsApp, startSmsApp } from '../support/sms.ts'

const start = (...channels: readonly ('sms' | 'voice' | 'whatsapp')[]) =>
  startSmsApp({
    routes: [
      { name: 'all', serves: {}, steps: channels.map((channel) => ({ provider: 'twilio', channel })) },
    ],
  })

const channelsOn = (app: SmsApp, phone: string) =>
  app.emulator
    .messages(`+86${phone}`)
    .map(({ channel }) => channel)
    .reverse()

describe('a code', () => {
  it('is spoken in a call, digit by digit and twice, and binds the phone', async () => {
    await using app = await start('voice')
    const alice = await app.signUp()

    await app.sendSms('CHANNEL_BIND_PHONE', alice.phone, { token: alice.token })
    await app.emulator.settle()
    const [spoken = ''] = app.textsOn(alice.phone)
    // Apart from each other, so that no voice reads them as one number.
    const digits = [...spoken.matchAll(/\d(?:[ ,.]{1,3}\d){5}/g)].map(([found]) => found.replace(/\D/g, ''))
    const bound = await alice.bindPhone(digits[0] ?? '')

    expect(channelsOn(app, alice.phone)).toEqual(['voice'])
    expect(digits.length).toBeGreaterThanOrEqual(2)
    expect(new Set(digits).size).toBe(1)
    expect(bound).toMatchObject({ statusCode: 200 })
  })

  it('goes by the next channel of the route when it is asked for again, to the same provider', async () => {
    await using app = await start('whatsapp', 'sms', 'voice')
    app.setFaults({ kind: 'fail', code: '63003', times: 2 })
    const alice = await app.signUp()
    const ask = async () => {
      await app.sendSms('CHANNEL_BIND_PHONE', alice.phone, { token: alice.token })
      await app.emulator.settle()
      app.clock.advance(61)
    }
    await ask()
    await ask()

    await ask()

    expect(channelsOn(app, alice.phone)).toEqual(['voice'])
    const attempts = (await app.messagesTo(alice.phone)).flatMap((message) => message.attempts)
    expect(attempts.map(({ channel }) => channel)).toEqual(['whatsapp', 'sms', 'voice'])
  })

  it('goes by SMS at once where WhatsApp refuses it', async () => {
    await using app = await start('whatsapp', 'sms')
    app.setFaults({ kind: 'refuse', code: '63007', times: 1 })
    const phone = newPhone()

    const reply = await app.sendSms('CHANNEL_REGISTER', phone)

    expect(reply).toMatchObject({ statusCode: 200 })
    expect(channelsOn(app, phone)).toEqual(['sms'])
  })
})
