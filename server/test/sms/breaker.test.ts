import { describe, expect, it } from 'vitest'
import { newPhone } from '../support/app.ts'
import { until } from '../support/process.ts'
import { type SmsApp, startSmsApp } from '../support/sms.ts'

/** @param seconds of rest for a provider that fails; they are real ones */
const start = (seconds: number) =>
  startSmsApp({
    providers: ['twilio', 'generic'],
    settings: { DIALTONE_PROVIDER_BREAK_SECONDS: String(seconds) },
  })

const sendToNew = async (app: SmsApp): Promise<string> => {
  const phone = newPhone()
  await app.sendSms('CHANNEL_REGISTER', phone)
  return phone
}

const isTried = async (app: SmsApp, phone: string): Promise<boolean> =>
  (await app.storiesOf(phone))[0]?.includes('tried twilio') === true

describe('a provider that failed five times in a row', () => {
  it('is left alone', async () => {
    await using app = await start(3600)
    app.setFaults({ kind: 'http_500', service: 'twilio', times: 5 })
    const failed = []
    for (let sent = 0; sent < 5; sent += 1) failed.push(await sendToNew(app))

    const leftAlone = await sendToNew(app)

    await app.emulator.settle()
    for (const phone of failed) expect(await isTried(app, phone)).toBe(true)
    expect(await app.storiesOf(leftAlone)).toEqual([
      ['queued', 'tried generic', 'accepted generic', 'delivered generic'],
    ])
  })

  it('is tried again when its time is over', async () => {
    await using app = await start(1)
    app.setFaults({ kind: 'http_500', service: 'twilio', times: 5 })
    for (let sent = 0; sent < 5; sent += 1) await sendToNew(app)

    let again = ''
    await until('the provider is tried again', async () => {
      again = await sendToNew(app)
      return isTried(app, again)
    })

    expect(app.servicesOn(again)).toEqual(['twilio'])
    expect(app.servicesOn(await sendToNew(app))).toEqual(['twilio'])
  })

  it('is left alone once more when the trial fails', async () => {
    await using app = await start(4)
    app.setFaults({ kind: 'http_500', service: 'twilio' })
    for (let sent = 0; sent < 5; sent += 1) await sendToNew(app)
    await until('the provider is tried again', async () => isTried(app, await sendToNew(app)))

    const after = await sendToNew(app)

    expect(await isTried(app, after)).toBe(false)
    expect(app.servicesOn(after)).toEqual(['generic'])
  })

  it('is still asked when the refusals were about the numbers', async () => {
    await using app = await start(3600)
    app.setFaults({ kind: 'refuse', code: '21610', service: 'twilio', times: 6 })

    for (let sent = 0; sent < 6; sent += 1) expect(await isTried(app, await sendToNew(app))).toBe(true)

    expect(app.servicesOn(await sendToNew(app))).toEqual(['twilio'])
  })
})
