// A provider that cannot be connected: what its row holds was sealed with a master key that is gone.
import { describe, expect, it } from 'vitest'
import { sql } from '../../src/core/database.ts'
import { newPhone } from '../support/app.ts'
import { consoleOf } from '../support/console.ts'
import { type SmsApp, startSmsApp } from '../support/sms.ts'

const providers = '/console/api/sms/providers'

/** Until its secrets are given again. */
const breakProvider = async (app: SmsApp, name: string): Promise<void> => {
  await app.db.query(sql`
    update sms_providers
       set sealed_secrets = 'gone.c2VjcmV0'
     where name = ${name}`)
  // What this process has in memory is older than that.
  app.clock.advance(6)
}

const send = (app: SmsApp, phone: string) => app.sendSms('CHANNEL_REGISTER', phone)

const errorsOf = (app: SmsApp, provider: string) =>
  app.lines
    .map((line) => JSON.parse(line) as { level: number; provider?: string; msg: string })
    .filter((line) => line.level === 50 && line.provider === provider)

describe('a provider that cannot be connected', () => {
  it('leaves a message to the next one of its route, and the log tells why, once', async () => {
    await using app = await startSmsApp({ providers: ['twilio', 'generic'] })
    await breakProvider(app, 'twilio')
    const [phone, other] = [newPhone(), newPhone()]

    const sent = await send(app, phone)
    app.clock.advance(6)
    await send(app, other)

    expect(sent).toMatchObject({ statusCode: 200 })
    expect([...app.servicesOn(phone), ...app.servicesOn(other)]).toEqual(['generic', 'generic'])
    expect(errorsOf(app, 'twilio')).toMatchObject([{ msg: expect.stringMatching(/cannot be connected/) }])
  })

  it('is one that nobody can send by: the message is refused, and costs no minute of waiting', async () => {
    await using app = await startSmsApp()
    await breakProvider(app, 'twilio')
    const phone = newPhone()

    const refused = await send(app, phone)
    await app.setProvider('twilio', 'twilio')
    const sent = await send(app, phone)

    expect(refused).toMatchObject({ statusCode: 502, apiCode: 8800009 })
    expect(sent).toMatchObject({ statusCode: 200 })
    expect(app.servicesOn(phone)).toEqual(['twilio'])
  })

  it('stops nothing of what goes on beside requests, though it should hold a connection of its own', async () => {
    await using app = await startSmsApp({ providers: ['smpp', 'sns'], receipts: false })
    await app.setRoutes([{ name: 'all', serves: {}, steps: [{ provider: 'sns' }] }])
    const second = await app.secondProcess()
    await breakProvider(app, 'smpp')
    const phone = newPhone()
    await send(app, phone)
    await app.emulator.settle()
    app.clock.advance(91)

    await second.app.work()

    const [timeline] = await app.messagesTo(phone)
    expect(timeline?.message.state).toBe('delivered')
    const counted = await app.db.query(sql`
      select key
        from conversions
       where key like 'provider:sns:%'`)
    expect(counted).toHaveLength(1)
  })

  it('keeps no other from its own connection: that one takes its receipts', async () => {
    await using app = await startSmsApp({ providers: ['smpp'] })
    await app.setProvider('a-broken-one', 'smpp')
    const phone = newPhone()
    await send(app, phone)
    await app.app.providers.closeAll()
    await breakProvider(app, 'a-broken-one')

    await app.app.work()
    await app.emulator.settle()

    await expect.poll(async () => (await app.messagesTo(phone))[0]?.message.state).toBe('delivered')
  })

  it('shows in the console with no secret that is kept, and serves again when they are given', async () => {
    await using app = await startSmsApp()
    const calls = await consoleOf(app)
    await breakProvider(app, 'twilio')

    const listed = await calls.get(providers)
    const { name, settings } = listed.body.providers[0]
    const without = await calls.put(`${providers}/${name}`, { kind: 'twilio', settings })
    const given = await calls.put(`${providers}/${name}`, {
      kind: 'twilio',
      settings: { ...settings, authToken: app.emulator.accounts.twilio.authToken },
    })
    const phone = newPhone()
    await send(app, phone)

    expect(listed).toMatchObject({ status: 200, body: { providers: [{ name: 'twilio', secrets: [] }] } })
    expect(without).toMatchObject({
      status: 400,
      body: { data: { errors: [{ field: 'settings.authToken' }] } },
    })
    expect(given).toMatchObject({ status: 200, body: { secrets: ['authToken'] } })
    expect(app.servicesOn(phone)).toEqual(['twilio'])
  })

  it('is told so where an administrator sends a test message by it', async () => {
    await using app = await startSmsApp()
    const calls = await consoleOf(app)
    await breakProvider(app, 'twilio')

    const tested = await calls.post(`${providers}/twilio/test-message`, { to: '+447400123456' })

    expect(tested.status).toBe(400)
    expect(tested.body.data.errors).toEqual([
      { field: 'name', message: expect.stringMatching(/secrets again/) },
    ])
  })
})
