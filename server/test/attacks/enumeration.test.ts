import { describe, expect, it } from 'vitest'
import { newPhone, type Reply, startTestApp, type TestApp } from '../support/app.ts'
import { solveCaptcha } from '../support/captcha.ts'
import { consoleOf } from '../support/console.ts'
import { bindEmail } from '../support/email.ts'
import { startMailServer } from '../support/mail-server.ts'
import { until } from '../support/process.ts'
import { emailChannels, smsChannels } from '../support/replies.ts'

/** All that an answer tells, but for what differs from call to call: the request's id and the seconds to wait. */
const told = ({ status, headers, requestId: _, data, ...rest }: Reply) => ({
  ...rest,
  status,
  headers: [...headers.keys()].sort(),
  data: data !== undefined && 'retryAfterSeconds' in data ? Object.keys(data) : data,
})

/** Every channel is asked twice; eight digits, so that no guess is right by chance. Guesses keep their limits. */
const roomy = { DIALTONE_MESSAGES_PER_RECIPIENT_HOUR: '100', DIALTONE_PASSCODE_LENGTH: '8' }

const send = (app: TestApp, channel: string, to: string) =>
  to.includes('@') ? app.sendEmail(channel, to) : app.sendSms(channel, to)

const guess = (app: TestApp, channel: string, to: string, passCode: string) =>
  app.post(
    '/api/v3/pre-check-code',
    to.includes('@')
      ? { codeType: 'EMAIL', emailCodePayload: { email: to, passCode, channel } }
      : { codeType: 'SMS', smsCodePayload: { phone: to, passCode, channel } },
  )

/** What somebody sees who asks for codes twice and guesses seven times, on every channel. */
const probe = async (app: TestApp, channels: readonly string[], to: string) => {
  const seen = []
  for (const channel of channels) {
    seen.push(told(await send(app, channel, to)), told(await send(app, channel, to)))
    for (let step = 0; step < 7; step += 1) seen.push(told(await guess(app, channel, to, `0000000${step}`)))
  }
  app.clock.advance(120)
  for (const channel of channels) seen.push(told(await send(app, channel, to)))
  return seen
}

const signInBy = (app: TestApp, payload: Record<string, unknown>) =>
  app.post('/api/v3/signin', { client_secret: app.application.secret.reveal(), ...payload })

const signUpByEmail = (app: TestApp, email: string) =>
  app.post('/api/v3/signup', {
    connection: 'PASSWORD',
    passwordPayload: { email, password: 'correct horse battery' },
  })

const sentChannels = async (app: TestApp, to: string) =>
  (await app.readInbox(to)).map(({ channel }) => channel).reverse()

describe('nobody learns who exists (rule 10):', () => {
  it('a number’s owner and nobody get the same answers on every channel, and an SMS only where it has a point', async () => {
    await using app = await startTestApp(roomy)
    const [alice, nobody] = [await app.signUp(), newPhone()]
    await alice.bindPhone(await alice.receiveCode())
    const before = (await app.readInbox(`+86${alice.phone}`)).length

    const known = await probe(app, smsChannels, alice.phone)
    const unknown = await probe(app, smsChannels, nobody)

    expect(unknown).toEqual(known)
    expect((await sentChannels(app, `+86${alice.phone}`)).slice(before, before + 11)).toEqual(smsChannels)
    expect((await sentChannels(app, `+86${nobody}`)).slice(0, 6)).toEqual([
      'CHANNEL_LOGIN',
      'CHANNEL_REGISTER',
      'CHANNEL_BIND_PHONE',
      'CHANNEL_BIND_MFA',
      'CHANNEL_COMPLETE_PHONE',
      'CHANNEL_IDENTITY_VERIFICATION',
    ])
  })

  it('an address’ owner and nobody get the same answers on every channel, and a message only where it has a point', async () => {
    await using app = await startTestApp(roomy)
    await signUpByEmail(app, 'ada@example.com')

    const known = await probe(app, emailChannels, 'ada@example.com')
    const unknown = await probe(app, emailChannels, 'nobody@example.com')

    expect(unknown).toEqual(known)
    expect((await sentChannels(app, 'ada@example.com')).slice(0, 11)).toEqual(emailChannels)
    expect((await sentChannels(app, 'nobody@example.com')).slice(0, 5)).toEqual([
      'CHANNEL_LOGIN',
      'CHANNEL_REGISTER',
      'CHANNEL_UPDATE_EMAIL',
      'CHANNEL_BIND_EMAIL',
      'CHANNEL_COMPLETE_EMAIL',
    ])
  })

  it('a sign-in code goes to no unknown number where the application takes no new users', async () => {
    await using app = await startTestApp()
    const closed = await app.otherApplication({ poolId: app.application.poolId, signUpEnabled: false })
    const [alice, nobody] = [await app.signUp(), newPhone()]
    await alice.bindPhone(await alice.receiveCode())

    const known = await closed.sendSms('CHANNEL_LOGIN', alice.phone)
    const unknown = await closed.sendSms('CHANNEL_LOGIN', nobody)

    expect(told(unknown)).toEqual(told(known))
    expect(await sentChannels(app, `+86${alice.phone}`)).toContain('CHANNEL_LOGIN')
    expect(await sentChannels(app, `+86${nobody}`)).toEqual([])
  })

  it('a signed-in user gets no message to another user’s number where it would have no point', async () => {
    await using app = await startTestApp()
    const [alice, mallory] = [await app.signUp(), await app.signUp()]
    await alice.bindPhone(await alice.receiveCode())
    const channels = ['CHANNEL_VERIFY_MFA', 'CHANNEL_UNBIND_PHONE', 'CHANNEL_DELETE_ACCOUNT']

    const replies = await Promise.all(
      channels.map((channel) => app.sendSms(channel, alice.phone, { token: mallory.token })),
    )

    expect(replies.map(({ statusCode }) => statusCode)).toEqual([200, 200, 200])
    expect(await sentChannels(app, `+86${alice.phone}`)).toEqual(['CHANNEL_BIND_PHONE'])
  })

  it('wrong passwords, unknown accounts and disabled users get the same answers, asked for a captcha or not', async () => {
    await using app = await startTestApp()
    const [alice, bob] = [await app.signUp(), await app.signUp()]
    await bob.disable()
    const tryOften = async (account: string) => {
      const seen = []
      for (let step = 0; step < 7; step += 1) {
        const passwordPayload = { account, password: 'a wrong password' }
        const options = step < 6 ? {} : await solveCaptcha(app)
        seen.push(told(await signInBy(app, { connection: 'PASSWORD', passwordPayload, options })))
      }
      return seen
    }

    const known = await tryOften(alice.username)

    expect(known.map(({ apiCode }) => apiCode)).toEqual([...Array(5).fill(2333), 2000, 2333])
    expect(await tryOften('nobody-at-all')).toEqual(known)
    expect(await tryOften(bob.username)).toEqual(known)
    expect(await tryOften(newPhone())).toEqual(known)
    expect(await tryOften('nobody@example.com')).toEqual(known)
  })

  it('wrong passwords, unknown accounts and disabled users get the same answers, locked or not (rule 11)', async () => {
    await using app = await startTestApp({ DIALTONE_SIGN_IN_FAILURES_BEFORE_CAPTCHA: '100' })
    const [alice, bob] = [await app.signUp(), await app.signUp()]
    await bob.disable()
    const tryOften = async (account: string) => {
      const seen = []
      for (let step = 0; step < 22; step += 1) {
        const passwordPayload = { account, password: 'a wrong password' }
        seen.push(told(await signInBy(app, { connection: 'PASSWORD', passwordPayload })))
      }
      return seen
    }

    const known = await tryOften(alice.username)

    expect(known.map(({ apiCode }) => apiCode)).toEqual([...Array(20).fill(2333), 2005, 2005])
    expect(await tryOften('nobody-at-all')).toEqual(known)
    expect(await tryOften(bob.username)).toEqual(known)
    expect(await tryOften(newPhone())).toEqual(known)
    expect(await tryOften('nobody@example.com')).toEqual(known)
  })

  it('wrong sign-in codes get the same answers for known and unknown numbers, sent or not, disabled or not', async () => {
    await using app = await startTestApp(roomy)
    const [alice, bob, nobody] = [await app.signUp(), await app.signUp(), newPhone()]
    for (const user of [alice, bob]) await user.bindPhone(await user.receiveCode())
    await bob.disable()
    const tryOften = async (phone: string) => {
      await app.sendSms('CHANNEL_LOGIN', phone)
      const seen = []
      for (let step = 0; step < 7; step += 1) {
        const passCodePayload = { phone, passCode: `0000000${step}` }
        seen.push(told(await signInBy(app, { connection: 'PASSCODE', passCodePayload })))
      }
      return seen
    }

    const known = await tryOften(alice.phone)

    expect(known.map(({ apiCode }) => apiCode)).toEqual([...Array(5).fill(2001), 8800001, 8800001])
    expect(await tryOften(nobody)).toEqual(known)
    expect(await tryOften(bob.phone)).toEqual(known)
  })

  it('a mail server that fails tells nothing by the waiting time of the next letter', async () => {
    await using app = await startTestApp()
    const alice = await app.signUp()
    await bindEmail(app, alice, 'alice@example.com')
    const server = await startMailServer({ security: 'none', refusals: { rcpt: { code: 550, text: 'no' } } })
    const settings = { host: '127.0.0.1', port: server.port, security: 'none', from: 'login@example.com' }
    await (await consoleOf(app)).put('/console/api/mail', settings)
    const isRefused = () => app.lines.some((line) => line.includes('a letter was not delivered'))
    const askTwice = async (email: string, meanwhile: () => Promise<void>) => {
      const first = await app.sendEmail('CHANNEL_RESET_PASSWORD', email)
      await meanwhile()
      return [first, await app.sendEmail('CHANNEL_RESET_PASSWORD', email)].map(told)
    }

    const known = await askTwice('alice@example.com', () =>
      until('the mail server refused', async () => isRefused()),
    )
    const unknown = await askTwice('nobody@example.com', async () => {})

    expect(known.map(({ statusCode }) => statusCode)).toEqual([200, 429])
    expect(unknown).toEqual(known)
  })

  it('sign-up with a code tells that a number is taken only to who has its code', async () => {
    await using app = await startTestApp(roomy)
    const alice = await app.signUp()
    await alice.bindPhone(await alice.receiveCode())
    const nobody = newPhone()
    const signUp = (phone: string, passCode: string) =>
      app.post('/api/v3/signup', { connection: 'PASSCODE', passCodePayload: { phone, passCode } })
    for (const phone of [alice.phone, nobody]) await app.sendSms('CHANNEL_REGISTER', phone)

    const known = await signUp(alice.phone, '00000000')
    const unknown = await signUp(nobody, '00000000')
    const proved = await signUp(alice.phone, await app.lastCode(alice.phone))

    expect(known).toMatchObject({ statusCode: 499, apiCode: 2001 })
    expect(told(unknown)).toEqual(told(known))
    expect(proved).toMatchObject({ statusCode: 409, apiCode: 2026 })
  })
})
