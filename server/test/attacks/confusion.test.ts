import { describe, expect, it } from 'vitest'
import { newPhone, startTestApp, type TestApp } from '../support/app.ts'
import { emailChannels, smsChannels } from '../support/replies.ts'

/** Roomy limits, so that every refusal below is for the code; eight digits, so that no two codes are equal by chance. */
const roomy = {
  DIALTONE_PASSCODE_LENGTH: '8',
  DIALTONE_PASSCODE_ATTEMPTS: '1000',
  DIALTONE_PASSCODE_FAILURES_HOUR: '1000',
  DIALTONE_MESSAGES_PER_RECIPIENT_HOUR: '100',
  DIALTONE_MESSAGES_PER_RECIPIENT_DAY: '100',
}

type Calls = Pick<TestApp, 'application' | 'post' | 'sendSms' | 'sendEmail' | 'lastCode'>

const check = (app: Calls, channel: string, to: string, passCode: string, token?: string) => {
  const body = to.includes('@')
    ? { codeType: 'EMAIL', emailCodePayload: { email: to, passCode, channel } }
    : { codeType: 'SMS', smsCodePayload: { phone: to, passCode, channel } }
  return app.post('/api/v3/pre-check-code', body, token === undefined ? {} : { token })
}

const signIn = (app: Calls, phone: string, passCode: string) =>
  app.post('/api/v3/signin', {
    connection: 'PASSCODE',
    passCodePayload: { phone, passCode },
    client_secret: app.application.secret.reveal(),
  })

const signUp = (app: Calls, phone: string, passCode: string) =>
  app.post('/api/v3/signup', { connection: 'PASSCODE', passCodePayload: { phone, passCode } })

/** The code of every channel, all alive at once, at a number or address that a user has. */
const receiveAll = async (app: TestApp, channels: readonly string[], to: string) => {
  const codes: [string, string][] = []
  for (const channel of channels) {
    await (to.includes('@') ? app.sendEmail(channel, to) : app.sendSms(channel, to))
    codes.push([channel, await app.lastCode(to)])
  }
  return codes
}

/** Which channels take which channel's code: `from > to` for every ordered pair that is accepted. */
const acceptedPairs = async (
  app: TestApp,
  { codes, to, channels }: { codes: [string, string][]; to: string; channels: readonly string[] },
) => {
  const pairs = codes.flatMap(([from, code]) => channels.map((channel) => ({ from, code, channel })))
  const replies = await Promise.all(
    pairs.map(async (pair) => ({ ...pair, reply: await check(app, pair.channel, to, pair.code) })),
  )
  return replies
    .filter(({ reply }) => reply.data.isValid !== false)
    .map(({ from, channel }) => `${from} > ${channel}`)
}

describe('a passcode is accepted nowhere but where it was sent for (rule 6):', () => {
  it('an SMS code only for its own channel, of all 121 pairs', async () => {
    await using app = await startTestApp(roomy)
    const alice = await app.signUp()
    await alice.bindPhone(await alice.receiveCode())
    const codes = await receiveAll(app, smsChannels, alice.phone)

    const accepted = await acceptedPairs(app, { codes, to: alice.phone, channels: smsChannels })

    expect(accepted).toEqual(smsChannels.map((channel) => `${channel} > ${channel}`))
  })

  it('an email code only for its own channel, of all 110 pairs', async () => {
    // One channel carries a link and no code.
    const withCode = emailChannels.filter((channel) => channel !== 'CHANNEL_VERIFY_EMAIL_LINK')
    await using app = await startTestApp(roomy)
    const email = 'ada@example.com'
    const passwordPayload = { email, password: 'correct horse battery' }
    await app.post('/api/v3/signup', { connection: 'PASSWORD', passwordPayload })
    const codes = await receiveAll(app, withCode, email)

    const accepted = await acceptedPairs(app, { codes, to: email, channels: emailChannels })

    expect(accepted).toEqual(withCode.map((channel) => `${channel} > ${channel}`))
  })

  it.each([
    ['bind-phone', 'CHANNEL_BIND_PHONE'],
    ['signin', 'CHANNEL_LOGIN'],
    ['signup', 'CHANNEL_REGISTER'],
  ] as const)('%s takes no code of a channel but %s', async (call, own) => {
    await using app = await startTestApp(roomy)
    const [alice, bob] = [await app.signUp(), await app.signUp()]
    await alice.bindPhone(await alice.receiveCode())
    const codes = await receiveAll(app, smsChannels, alice.phone)
    const present = {
      'bind-phone': (code: string) => bob.bindPhone(code, alice.phone),
      signin: (code: string) => signIn(app, alice.phone, code),
      signup: (code: string) => signUp(app, alice.phone, code),
    }[call]

    const refused = []
    for (const [channel, code] of codes) {
      const { apiCode } = await present(code)
      if (apiCode === 2001) refused.push(channel)
    }

    expect(refused).toEqual(smsChannels.filter((channel) => channel !== own))
  })

  it('a code of one number at no other number', async () => {
    await using app = await startTestApp(roomy)
    const alice = await app.signUp()
    const other = newPhone()
    await alice.receiveCode('CHANNEL_BIND_PHONE', other)
    const code = await alice.receiveCode()

    const refused = await alice.bindPhone(code, other)

    expect(refused).toMatchObject({ statusCode: 499, apiCode: 2001 })
    expect(await alice.bindPhone(code)).toMatchObject({ statusCode: 200 })
  })

  it('a code that one user asked for by no other user, and by no stranger', async () => {
    await using app = await startTestApp(roomy)
    const [alice, bob] = [await app.signUp(), await app.signUp()]
    await bob.receiveCode('CHANNEL_BIND_PHONE', alice.phone)
    app.clock.advance(61)
    await app.sendSms('CHANNEL_BIND_PHONE', alice.phone)
    const code = await alice.receiveCode()

    const byBob = await bob.bindPhone(code, alice.phone)
    const byStranger = await check(app, 'CHANNEL_BIND_PHONE', alice.phone, code)

    expect(byBob).toMatchObject({ statusCode: 499, apiCode: 2001 })
    expect(byStranger.data.isValid).toBe(false)
    expect(await alice.bindPhone(code)).toMatchObject({ statusCode: 200 })
  })

  it.each(['the same pool', 'another pool'])('a code of one application by no other of %s', async (where) => {
    await using app = await startTestApp(roomy)
    const { poolId } = app.application
    const other = await app.otherApplication(where === 'the same pool' ? { poolId } : {})
    const bob = await other.signUp()
    const channels = ['CHANNEL_LOGIN', 'CHANNEL_REGISTER', 'CHANNEL_BIND_PHONE']
    const codes = await receiveAll(app, channels, bob.phone)

    const checks = await Promise.all(codes.map(([channel, code]) => check(other, channel, bob.phone, code)))
    const [login = '', register = '', bind = ''] = codes.map(([, code]) => code)
    const uses = [
      await signIn(other, bob.phone, login),
      await signUp(other, bob.phone, register),
      await bob.bindPhone(bind),
    ]

    expect(checks.map(({ data }) => data.isValid)).toEqual([false, false, false])
    expect(uses.map(({ apiCode }) => apiCode)).toEqual([2001, 2001, 2001])
  })

  it('a user’s code through another application only when that one sent it', async () => {
    await using app = await startTestApp(roomy)
    const sibling = await app.otherApplication({ poolId: app.application.poolId })
    const alice = await app.signUp()
    const code = await alice.receiveCode()
    const signedIn = await sibling.post('/api/v3/signin', {
      connection: 'PASSWORD',
      passwordPayload: { username: alice.username, password: alice.password },
      client_secret: sibling.application.secret.reveal(),
    })
    const token = signedIn.data.access_token

    const refused = await sibling.post(
      '/api/v3/bind-phone',
      { phoneNumber: alice.phone, passCode: code },
      { token },
    )

    expect(refused).toMatchObject({ statusCode: 499, apiCode: 2001 })
  })
})
