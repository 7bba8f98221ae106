import { describe, expect, it } from 'vitest'
import { readConfig } from '../../src/config.ts'
import { type SmsApp, startSmsApp } from '../support/sms.ts'

const phone = '18899990000'
const code = '246810'

const start = (settings: Record<string, string> = {}) => startSmsApp({ settings })

const put = (app: SmsApp, seconds = 3600) =>
  app.app.testNumbers.put(app.poolId, {
    phone: `+86${phone}`,
    code,
    expiresAt: new Date(app.clock.now().getTime() + seconds * 1000).toISOString(),
  })

describe('a test number', () => {
  it('is bound by its fixed code, and nothing is sent', async () => {
    await using app = await start()
    await put(app)
    const alice = await app.signUp()

    const sent = await app.sendSms('CHANNEL_BIND_PHONE', phone, { token: alice.token })
    const bound = await alice.bindPhone(code, phone)

    expect(sent).toMatchObject({ statusCode: 200 })
    expect(bound).toMatchObject({ statusCode: 200 })
    expect(app.emulator.messages()).toEqual([])
    expect(await app.readInbox(`+86${phone}`)).toEqual([])
  })

  it('has its code only after one was asked for, and once each time (rule 5)', async () => {
    await using app = await start()
    await put(app)
    const [alice, bob] = [await app.signUp(), await app.signUp()]

    const unasked = await alice.bindPhone(code, phone)
    await app.sendSms('CHANNEL_BIND_PHONE', phone)
    const bound = await alice.bindPhone(code, phone)
    const replayed = await bob.bindPhone(code, phone)

    expect(unasked).toMatchObject({ statusCode: 499, apiCode: 2001 })
    expect(bound).toMatchObject({ statusCode: 200 })
    expect(replayed).toMatchObject({ statusCode: 499, apiCode: 2001 })
  })

  it('is a number like any other after its date', async () => {
    await using app = await start()
    await put(app, 60)
    app.clock.advance(61)
    const alice = await app.signUp()

    await app.sendSms('CHANNEL_BIND_PHONE', phone, { token: alice.token })

    expect(await alice.bindPhone(code, phone)).toMatchObject({ statusCode: 499 })
    expect(await alice.bindPhone(app.codeOn(phone), phone)).toMatchObject({ statusCode: 200 })
  })

  it('gets the code of a real message when its date passes between two sends', async () => {
    await using app = await start()
    await put(app, 30)
    const alice = await app.signUp()
    await app.sendSms('CHANNEL_BIND_PHONE', phone, { token: alice.token })
    app.clock.advance(61)

    await app.sendSms('CHANNEL_BIND_PHONE', phone, { token: alice.token })

    expect(await alice.bindPhone(app.codeOn(phone), phone)).toMatchObject({ statusCode: 200 })
  })

  it('gives up the code of a real message when it becomes one between two sends', async () => {
    await using app = await start()
    const alice = await app.signUp()
    await app.sendSms('CHANNEL_BIND_PHONE', phone, { token: alice.token })
    await put(app)
    app.clock.advance(61)

    await app.sendSms('CHANNEL_BIND_PHONE', phone, { token: alice.token })

    expect(await alice.bindPhone(app.codeOn(phone), phone)).toMatchObject({ statusCode: 499 })
    expect(await alice.bindPhone(code, phone)).toMatchObject({ statusCode: 200 })
    expect(app.textsOn(phone)).toHaveLength(1)
  })

  it('is a number like any other where the settings switch test numbers off', async () => {
    await using app = await start({ DIALTONE_TEST_NUMBERS: 'off' })
    await put(app)
    const alice = await app.signUp()

    await app.sendSms('CHANNEL_BIND_PHONE', phone, { token: alice.token })

    expect(await alice.bindPhone(code, phone)).toMatchObject({ statusCode: 499 })
    expect(app.servicesOn(phone)).toEqual(['twilio'])
  })

  it('is one by default, but in production only where the settings say so', () => {
    const production = {
      NODE_ENV: 'production',
      DIALTONE_PUBLIC_URL: 'https://id.example.com',
      DIALTONE_DATABASE_URL: 'postgres://localhost/dialtone',
      DIALTONE_MASTER_KEY: 'c0ffee-0123456789-abcdef-0123456789',
    }

    expect(readConfig({}).testNumbers).toBe(true)
    expect(readConfig(production).testNumbers).toBe(false)
    expect(readConfig({ ...production, DIALTONE_TEST_NUMBERS: 'on' }).testNumbers).toBe(true)
  })
})
