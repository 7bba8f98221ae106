import { describe, expect, it } from 'vitest'
import { startEmulator } from '../../../sms-emulator/src/emulator.ts'
import { type ApiCode, type ApiCodeName, apiCodes } from '../../src/api-codes.ts'
import { createHttp, requireAccessAndLimit } from '../../src/core/http.ts'
import { createLog } from '../../src/core/log.ts'
import { defaultPolicy, type GuardPolicy } from '../../src/guard/guard.ts'
import { unlimited } from '../../src/limits.ts'
import { newPhone, otherCode, type Reply, startTestApp, type TestApp } from '../support/app.ts'
import { enrollOtp, verifyRecoveryCode, verifyTotp } from '../support/authenticator.ts'
import { bearer, consoleOf, signIn as signInToConsole } from '../support/console.ts'
import { bindEmail, emailCode, requestChange, updateEmail } from '../support/email.ts'
import { closedUrl } from '../support/outgoing.ts'
import {
  authenticationPath,
  createPasskeyAuthenticator,
  registerPasskey,
} from '../support/passkey-authenticator.ts'

type Options = { headers: Record<string, string> }

/** One way to get a refusal over HTTP: the call that gives it, and what leads there. */
type Way = {
  at: string
  settings?: Record<string, string>
  provoke(app: TestApp, options: Options): Promise<Reply>
}

const password = 'correct horse battery'

const signUp = (app: Pick<TestApp, 'post'>, passwordPayload: object, options: Options) =>
  app.post('/api/v3/signup', { connection: 'PASSWORD', passwordPayload }, options)

const signIn = (app: TestApp, username: string, options: Options, secret = app.application.secret.reveal()) =>
  app.post(
    '/api/v3/signin',
    { connection: 'PASSWORD', passwordPayload: { username, password: 'wrong' }, client_secret: secret },
    options,
  )

const bind = (app: TestApp, token: string, phoneNumber: string, passCode: string, options: Options) =>
  app.post('/api/v3/bind-phone', { phoneNumber, passCode }, { token, ...options })

const verifyUpdatePhone = (app: TestApp, token: string, newPhoneNumber: string, options: Options) =>
  app.post(
    '/api/v3/verify-update-phone-request',
    {
      verifyMethod: 'PHONE_PASSCODE',
      phonePassCodePayload: { newPhoneNumber, newPhonePassCode: '123456' },
    },
    { token, ...options },
  )

const sendTo = (app: TestApp, phone: string, options: Options) =>
  app.sendSms('CHANNEL_REGISTER', phone, options)

/** Everything goes to Twilio, which nobody reaches unless the settings say where. */
const routeToTwilio = async ({ app, db, application }: TestApp, settings: Record<string, string>) => {
  const { poolId } = application
  const account = {
    accountSid: `AC${'0'.repeat(32)}`,
    authToken: 'a token of the tests',
    from: 'Dialtone',
    endpoint: await closedUrl(),
  }
  await app.providers.put(poolId, {
    name: 'twilio',
    kind: 'twilio',
    enabled: true,
    settings: { ...account, ...settings },
  })
  const routes = [{ name: 'all', serves: {}, steps: [{ provider: 'twilio' }] }]
  await db.transaction((tx) => app.routing.replaceAll(poolId, routes, tx))
}

const setPolicy = ({ app, application }: TestApp, policy: Partial<GuardPolicy>) =>
  app.guard.putPolicy(application.poolId, { ...defaultPolicy, ...policy })

const newAddress = { email: 'new@example.com', passCode: '123456' }

let addresses = 0

/** A user with an address that nobody else of the test has. */
const withEmail = async (app: TestApp) => {
  const person = await app.signUp()
  addresses += 1
  const email = `ada-${addresses}@example.com`
  await bindEmail(app, person, email)
  return { ...person, email }
}

/** A row without a way here does not compile: every refusal of the table is one that somebody can get. */
const ways: Record<ApiCodeName, Way> = {
  request_invalid: {
    at: '/api/v3/send-sms',
    provoke: (app, options) => app.post('/api/v3/send-sms', {}, options),
  },
  phone_number_invalid: {
    at: '/api/v3/send-sms',
    provoke: (app, options) => sendTo(app, '1', options),
  },
  email_invalid: {
    at: '/api/v3/send-email',
    provoke: (app, options) => app.sendEmail('CHANNEL_REGISTER', 'nobody', options),
  },
  password_too_weak: {
    at: '/api/v3/signup',
    provoke: (app, options) => signUp(app, { username: 'ada', password: 'short' }, options),
  },
  token_invalid: {
    at: '/api/v3/get-profile',
    provoke: (app, options) => app.get('/api/v3/get-profile', options),
  },
  client_secret_invalid: {
    at: '/api/v3/signin',
    provoke: (app, options) => signIn(app, 'ada', options, 'wrong'),
  },
  account_locked: {
    at: '/api/v3/signin',
    settings: { DIALTONE_PASSWORD_FAILURES_HOUR: '1' },
    provoke: async (app, options) => {
      await signIn(app, 'ada', options)
      return signIn(app, 'ada', options)
    },
  },
  old_password_incorrect: {
    at: '/api/v3/update-password',
    provoke: async (app, options) => {
      const { token } = await app.signUp()
      const change = { oldPassword: 'wrong', newPassword: password }
      return app.post('/api/v3/update-password', change, { token, ...options })
    },
  },
  user_not_found: {
    at: '/api/v3/verify-reset-password-request',
    provoke: async (app, options) => {
      const { phone: phoneNumber, ...alice } = await app.signUp()
      await alice.bindPhone(await alice.receiveCode())
      await app.sendSms('CHANNEL_RESET_PASSWORD', phoneNumber)
      const phonePassCodePayload = { phoneNumber, passCode: await app.lastCode(phoneNumber) }
      // As an administrator leaves it who takes a number off an account.
      await app.db.script('update users set phone = null')
      const proof = { verifyMethod: 'PHONE_PASSCODE', phonePassCodePayload }
      return app.post('/api/v3/verify-reset-password-request', proof, options)
    },
  },
  password_reset_required: {
    at: '/api/v3/signin',
    provoke: async (app, options) => {
      const { username } = await app.signUp({ password })
      // As a link of a notice leaves it that undid a change.
      await app.db.script('update users set password_reset_required = true')
      const client_secret = app.application.secret.reveal()
      const passwordPayload = { username, password }
      return app.post('/api/v3/signin', { connection: 'PASSWORD', passwordPayload, client_secret }, options)
    },
  },
  phone_proof_stale: {
    at: '/api/v3/signin',
    provoke: async (app, options) => {
      const { phone, ...alice } = await app.signUp()
      await alice.bindPhone(await alice.receiveCode())
      app.clock.advance(181 * 86_400)
      await app.sendSms('CHANNEL_LOGIN', phone)
      const passCodePayload = { phone, passCode: await app.lastCode(phone) }
      const client_secret = app.application.secret.reveal()
      return app.post('/api/v3/signin', { connection: 'PASSCODE', passCodePayload, client_secret }, options)
    },
  },
  registration_disabled: {
    at: '/api/v3/signup',
    provoke: async (app, options) => {
      const closed = await app.otherApplication({ signUpEnabled: false })
      return signUp(closed, { username: 'ada', password }, options)
    },
  },
  captcha_required: {
    at: '/api/v3/send-sms',
    provoke: async (app, options) => {
      await routeToTwilio(app, {})
      await setPolicy(app, { conversion: { challengeBelow: 1, blockBelow: 0 } })
      return sendTo(app, newPhone(), options)
    },
  },
  region_not_allowed: {
    at: '/api/v3/send-sms',
    provoke: async (app, options) => {
      await routeToTwilio(app, {})
      await setPolicy(app, { deniedRegions: ['CN'] })
      return sendTo(app, newPhone(), options)
    },
  },
  phone_type_not_allowed: {
    at: '/api/v3/send-sms',
    provoke: async (app, options) => {
      await routeToTwilio(app, {})
      await setPolicy(app, { refusedNumberTypes: ['mobile'] })
      return sendTo(app, newPhone(), options)
    },
  },
  sim_swapped: {
    at: '/api/v3/send-sms',
    provoke: async (app, options) => {
      await using emulator = await startEmulator()
      const { accountSid, authToken } = emulator.accounts.twilio
      await routeToTwilio(app, { accountSid, authToken, lookupEndpoint: emulator.url })
      await setPolicy(app, {
        lookup: { provider: 'twilio', refusedLineTypes: [], refuseSimSwappedHours: 72 },
      })
      // By its ending, the emulator's lookup tells of a SIM that was swapped an hour ago.
      return await sendTo(app, '18812349904', options)
    },
  },
  sms_undeliverable: {
    at: '/api/v3/send-sms',
    provoke: async (app, options) => {
      await routeToTwilio(app, {})
      return sendTo(app, newPhone(), options)
    },
  },
  receipt_invalid: {
    at: '/sms/receipts/{poolId}/{provider}/{token}',
    provoke: async (app, { headers }) => {
      await routeToTwilio(app, {})
      const { pathname } = new URL(app.app.providers.receiptUrlOf(app.application.poolId, 'twilio'))
      const response = await fetch(`${app.url}${pathname}`, { method: 'POST', headers })
      const body = (await response.json()) as Omit<Reply, 'status' | 'headers'>
      return { status: response.status, headers: response.headers, ...body }
    },
  },
  credentials_invalid: {
    at: '/api/v3/signin',
    provoke: (app, options) => signIn(app, 'nobody', options),
  },
  user_disabled: {
    at: '/api/v3/get-profile',
    provoke: async (app, options) => {
      const alice = await app.signUp()
      await alice.disable()
      return app.get('/api/v3/get-profile', { token: alice.token, ...options })
    },
  },
  console_header_missing: {
    at: '/console/api/keys',
    provoke: async (app, { headers }) => {
      const { body } = await signInToConsole(app)
      const cookie = `dialtone_console=${body.token}`
      return app.post('/console/api/keys', { name: 'a key' }, { headers: { ...headers, cookie } })
    },
  },
  administrator_session_required: {
    at: '/console/api/keys',
    provoke: async (app, { headers }) => {
      const made = await (await consoleOf(app)).post('/console/api/keys', { name: 'a key' })
      const more = { headers: { ...headers, ...bearer(made.body.key) } }
      return app.post('/console/api/keys', { name: 'another' }, more)
    },
  },
  record_not_found: {
    at: '/console/api/keys/{id}',
    provoke: async (app, { headers }) => {
      const { token } = await consoleOf(app)
      const response = await fetch(`${app.url}/console/api/keys/00000000-0000-7000-8000-000000000000`, {
        method: 'DELETE',
        headers: { ...headers, ...bearer(token) },
      })
      const body = (await response.json()) as Omit<Reply, 'status' | 'headers'>
      return { status: response.status, headers: response.headers, ...body }
    },
  },
  app_not_found: {
    at: '/api/v3/send-sms',
    provoke: (app, options) => app.post('/api/v3/send-sms', {}, { appId: 'nobody', ...options }),
  },
  email_not_bound: {
    at: '/api/v3/unbind-email',
    provoke: async (app, options) => {
      const { token } = await app.signUp()
      return app.post('/api/v3/unbind-email', { passCode: '123456' }, { token, ...options })
    },
  },
  email_already_bound: {
    at: '/api/v3/bind-email',
    provoke: async (app, options) => {
      const alice = await withEmail(app)
      return app.post('/api/v3/bind-email', newAddress, { token: alice.token, ...options })
    },
  },
  email_taken: {
    at: '/api/v3/bind-email',
    provoke: async (app, options) => {
      const [{ email }, bob] = [await withEmail(app), await app.signUp()]
      const passCode = await emailCode(app, bob, { to: email, channel: 'CHANNEL_BIND_EMAIL' })
      return app.post('/api/v3/bind-email', { email, passCode }, { token: bob.token, ...options })
    },
  },
  email_unchanged: {
    at: '/api/v3/verify-update-email-request',
    provoke: async (app, options) => {
      const alice = await withEmail(app)
      const payload = { newEmail: alice.email, newEmailPassCode: '123456' }
      return requestChange(app, alice, payload, options)
    },
  },
  old_email_proof_required: {
    at: '/api/v3/verify-update-email-request',
    provoke: async (app, options) => {
      const alice = await withEmail(app)
      const payload = { newEmail: newAddress.email, newEmailPassCode: '123456' }
      return requestChange(app, alice, payload, options)
    },
  },
  step_up_token_invalid: {
    at: '/api/v3/update-email',
    provoke: async (app, options) => updateEmail(app, await app.signUp(), 'a wrong token', options),
  },
  totp_incorrect: {
    at: '/api/v3/mfa-totp-verify',
    provoke: async (app, options) => {
      const { token } = await app.signUp()
      const { authenticator } = await enrollOtp(app, { token })
      return verifyTotp(app, authenticator.wrongCode(), { token, ...options })
    },
  },
  totp_missing: {
    at: '/api/v3/mfa-totp-verify',
    provoke: async (app, options) =>
      verifyTotp(app, undefined, { token: (await app.signUp()).token, ...options }),
  },
  recovery_code_incorrect: {
    at: '/api/v3/mfa-totp-verify',
    provoke: async (app, options) => {
      const { token } = await app.signUp()
      await enrollOtp(app, { token })
      return verifyRecoveryCode(app, 'not the code', { token, ...options })
    },
  },
  recovery_code_missing: {
    at: '/api/v3/mfa-totp-verify',
    provoke: async (app, options) =>
      verifyRecoveryCode(app, '', { token: (await app.signUp()).token, ...options }),
  },
  factor_already_enrolled: {
    at: '/api/v3/send-enroll-factor-request',
    provoke: async (app, options) => {
      const { token } = await app.signUp()
      await enrollOtp(app, { token })
      return app.post('/api/v3/send-enroll-factor-request', { factorType: 'OTP' }, { token, ...options })
    },
  },
  factor_proof_required: {
    at: '/api/v3/reset-factor',
    provoke: async (app, options) => {
      const { token } = await app.signUp()
      const { factorId } = await enrollOtp(app, { token })
      app.clock.advance(300)
      return app.post('/api/v3/reset-factor', { factorId }, { token, ...options })
    },
  },
  factor_not_found: {
    at: '/api/v3/mydevices/unbind',
    provoke: async (app, options) => {
      const { token } = await app.signUp()
      return app.post('/api/v3/mydevices/unbind', { deviceId: 'none' }, { token, ...options })
    },
  },
  last_sign_in_method: {
    at: '/api/v3/unbind-email',
    provoke: async (app, options) => {
      addresses += 1
      const email = `only-${addresses}@example.com`
      await app.sendEmail('CHANNEL_LOGIN', email)
      const { data } = await app.post('/api/v3/signin', {
        connection: 'PASSCODE',
        passCodePayload: { email, passCode: await app.lastCode(email) },
        options: { autoRegister: true },
        client_secret: app.application.secret.reveal(),
      })
      const more = { token: data.access_token, ...options }
      return app.post('/api/v3/unbind-email', { passCode: '123456' }, more)
    },
  },
  phone_already_bound: {
    at: '/api/v3/bind-phone',
    provoke: async (app, options) => {
      const alice = await app.signUp()
      await alice.bindPhone(await alice.receiveCode())
      return bind(app, alice.token, newPhone(), '123456', options)
    },
  },
  phone_taken: {
    at: '/api/v3/bind-phone',
    provoke: async (app, options) => {
      const [alice, bob] = [await app.signUp(), await app.signUp()]
      await alice.bindPhone(await alice.receiveCode())
      const code = await bob.receiveCode('CHANNEL_BIND_PHONE', alice.phone)
      return bind(app, bob.token, alice.phone, code, options)
    },
  },
  phone_not_bound: {
    at: '/api/v3/unbind-phone',
    provoke: async (app, options) => {
      const { token } = await app.signUp()
      return app.post('/api/v3/unbind-phone', { passCode: '123456' }, { token, ...options })
    },
  },
  phone_unchanged: {
    at: '/api/v3/verify-update-phone-request',
    provoke: async (app, options) => {
      const alice = await app.signUp()
      await alice.bindPhone(await alice.receiveCode())
      return verifyUpdatePhone(app, alice.token, alice.phone, options)
    },
  },
  old_phone_proof_required: {
    at: '/api/v3/verify-update-phone-request',
    provoke: async (app, options) => {
      const alice = await app.signUp()
      await alice.bindPhone(await alice.receiveCode())
      return verifyUpdatePhone(app, alice.token, newPhone(), options)
    },
  },
  phone_claim_started: {
    at: '/api/v3/bind-phone',
    provoke: async (app, options) => {
      const alice = await app.signUp()
      await alice.bindPhone(await alice.receiveCode())
      app.clock.advance(181 * 86_400)
      const bob = await app.signUp()
      const code = await bob.receiveCode('CHANNEL_BIND_PHONE', alice.phone)
      return bind(app, bob.token, alice.phone, code, options)
    },
  },
  user_exists: {
    at: '/api/v3/signup',
    provoke: async (app, options) => {
      await signUp(app, { email: 'ada@example.com', password }, options)
      return signUp(app, { email: 'ada@example.com', password }, options)
    },
  },
  username_taken: {
    at: '/api/v3/signup',
    provoke: async (app, options) => {
      const { username } = await app.signUp()
      return signUp(app, { username, password }, options)
    },
  },
  international_sms_not_configured: {
    at: '/api/v3/send-sms',
    settings: { DIALTONE_INBOX: 'off' },
    provoke: (app, options) => sendTo(app, newPhone(), options),
  },
  email_undeliverable: {
    at: '/api/v3/send-email',
    provoke: async (app, options) => {
      const calls = await consoleOf(app)
      // Nobody listens there.
      const { port } = new URL(await closedUrl())
      const server = { host: '127.0.0.1', port: Number(port), security: 'none', from: 'login@example.com' }
      await calls.put('/console/api/mail', server)
      return app.sendEmail('CHANNEL_REGISTER', 'ada@example.com', options)
    },
  },
  email_not_configured: {
    at: '/api/v3/send-email',
    settings: { DIALTONE_INBOX: 'off' },
    provoke: (app, options) => app.sendEmail('CHANNEL_REGISTER', 'ada@example.com', options),
  },
  passcode_attempts_exceeded: {
    at: '/api/v3/bind-phone',
    settings: { DIALTONE_PASSCODE_ATTEMPTS: '1' },
    provoke: async (app, options) => {
      const alice = await app.signUp()
      const code = await alice.receiveCode()
      await alice.bindPhone(otherCode(code))
      return bind(app, alice.token, alice.phone, code, options)
    },
  },
  sms_cooldown: {
    at: '/api/v3/send-sms',
    provoke: async (app, options) => {
      const phone = newPhone()
      await sendTo(app, phone, options)
      return sendTo(app, phone, options)
    },
  },
  sms_limit_reached: {
    at: '/api/v3/send-sms',
    settings: { DIALTONE_MESSAGES_PER_IP_HOUR: '1' },
    provoke: async (app, options) => {
      await sendTo(app, newPhone(), options)
      return sendTo(app, newPhone(), options)
    },
  },
  captcha_limit_reached: {
    at: '/api/v3/get-captcha-code',
    settings: { DIALTONE_CAPTCHAS_PER_IP_HOUR: '1' },
    provoke: async (app, options) => {
      await app.get('/api/v3/get-captcha-code', options)
      return app.get('/api/v3/get-captcha-code', options)
    },
  },
  passcode_incorrect: {
    at: '/api/v3/bind-phone',
    provoke: async (app, options) => {
      const alice = await app.signUp()
      return bind(app, alice.token, alice.phone, '123456', options)
    },
  },
  passcode_expired: {
    at: '/api/v3/bind-phone',
    provoke: async (app, options) => {
      const alice = await app.signUp()
      const code = await alice.receiveCode()
      app.clock.advance(301)
      return bind(app, alice.token, alice.phone, code, options)
    },
  },
  passkey_invalid: {
    at: authenticationPath,
    provoke: async (app, options) => {
      const alice = await app.signUp()
      const credential = await registerPasskey(app, alice.token)
      const bent = { origin: 'https://evil.example' }
      const answer = createPasskeyAuthenticator().get(await app.get(authenticationPath), credential, bent)
      return app.post(authenticationPath, answer, options)
    },
  },
  internal: {
    at: '/api/v3/send-sms',
    provoke: async (app, options) => {
      await app.db.script('drop table if exists limit_counters')
      return sendTo(app, newPhone(), options)
    },
  },
  not_implemented: {
    at: '/api/v3/assign-role',
    provoke: (app, options) => app.post('/api/v3/assign-role', {}, options),
  },
  body_too_large: {
    at: '/api/v3/send-sms',
    provoke: (app, options) => app.post('/api/v3/send-sms', { filler: 'x'.repeat(65_536) }, options),
  },
  path_not_found: {
    at: '/api/v3/get-rich',
    provoke: (app, options) => app.get('/api/v3/get-rich', options),
  },
}

const names = Object.keys(ways) as ApiCodeName[]

describe('the table of refusals', () => {
  it.each(names)(
    'has %s, which a client gets with its numbers and its words in both languages',
    async (name) => {
      const { settings, provoke } = ways[name]
      await using app = await startTestApp(settings)
      const row: ApiCode = apiCodes[name]

      const english = await provoke(app, { headers: { 'x-authing-lang': 'en-US' } })
      const chinese = await provoke(app, { headers: { 'x-authing-lang': 'zh-CN' } })

      const seen = ({ status, statusCode, apiCode, message }: Reply) => [status, statusCode, apiCode, message]
      const numbers = [row.httpStatus ?? 200, row.statusCode, row.apiCode]
      expect(seen(english)).toEqual([...numbers, row.en])
      expect(seen(chinese)).toEqual([...numbers, row.zh])
    },
  )

  it('is told by the API document, at each call that can give a refusal', async () => {
    await using app = await startTestApp()
    const { paths } = (await app.get('/openapi.json')) as unknown as { paths: Record<string, object> }
    const outsideOfCalls: ApiCodeName[] = ['internal', 'body_too_large', 'not_implemented', 'path_not_found']

    for (const name of names.filter((candidate) => !outsideOfCalls.includes(candidate))) {
      const { at } = ways[name]
      const { statusCode, apiCode, httpStatus = 200, en: message }: ApiCode = apiCodes[name]
      const told = Object.values(paths[at] ?? {}).map(
        ({ responses }) => responses[httpStatus]?.content['application/json'].examples[name]?.value,
      )
      expect(told, `${name} at ${at}`).toContainEqual(expect.objectContaining({ statusCode, message }))
      expect(told.find((value) => value !== undefined)?.apiCode).toBe(apiCode)
    }
  })

  it('shows nothing of the inside where the fault is ours', async () => {
    await using app = await startTestApp()

    const reply = await ways.internal.provoke(app, { headers: {} })

    const { status, headers: _headers, ...body } = reply
    expect(status).toBe(500)
    expect(Object.keys(body).sort()).toEqual(['apiCode', 'message', 'requestId', 'statusCode'])
    expect(app.lines.join()).toContain(body.requestId)
    expect(app.lines.join()).toContain('limit_counters')
  })
})

describe('a route', () => {
  it.each([
    ['nothing', undefined],
    ['nothing of its access', { limit: unlimited('a test') }],
    ['nothing of its limit', { access: 'public' as const }],
  ])('that says %s stops the server at boot', async (_what, config) => {
    const http = await createHttp({ log: createLog('silent'), defaultLanguage: 'en-US', trustedProxies: [] })
    requireAccessAndLimit(http)

    expect(() => http.get('/x', config === undefined ? {} : { config }, async () => 'x')).toThrow(
      'GET /x does not say who may call it (access) and how often (limit)',
    )
  })
})
