// Whether the time of an answer tells who exists (rules 10 and 11). The house asserts no speed in a timed test, and this one
// asserts none: it asserts that two kinds of callers cannot be told apart by what they wait, however long that is.
//
// Each pair asks once for a known name and once for an unknown one, in random order and one straight after the other, so
// that whatever else the machine does meets both. The median of the differences is told with a bootstrap interval of 95 %,
// which a few slow answers do not move. A test fails only if the whole interval lies beyond the bound: noise widens it,
// and so makes it pass.
//
// The bound is 15 % of an answer's time, and never under 2 ms: what is looked for is work that one branch leaves out. A
// missing decoy hash takes 90 % off an answer of some 25 ms, a provider or a mail server that is waited for adds more
// than 10 ms; a row that one branch writes and the other does not is 0.1 to 0.5 ms, which jitter between two machines hides.
import { describe, expect, it } from 'vitest'
import { newPhone, type Reply, startTestApp, type TestApp } from '../support/app.ts'

const password = 'correct horse battery'

/** So that hundreds of guesses are all looked at. */
const unlimited = '1000000'
const roomy = {
  DIALTONE_PASSWORD_FAILURES_HOUR: unlimited,
  DIALTONE_SIGN_IN_FAILURES_BEFORE_CAPTCHA: unlimited,
  DIALTONE_IDENTIFIER_FAILURES_BEFORE_CAPTCHA: unlimited,
  DIALTONE_PASSCODE_ATTEMPTS: unlimited,
  DIALTONE_PASSCODE_FAILURES_HOUR: unlimited,
  DIALTONE_MESSAGE_COOLDOWN_SECONDS: '0',
  DIALTONE_MESSAGES_PER_RECIPIENT_HOUR: unlimited,
  DIALTONE_MESSAGES_PER_RECIPIENT_DAY: unlimited,
  DIALTONE_MESSAGES_PER_IP_HOUR: unlimited,
  DIALTONE_MESSAGES_PER_APPLICATION_HOUR: unlimited,
  DIALTONE_PASSCODE_LENGTH: '8',
}

/** A busy machine measures fewer pairs, and the wider interval is its answer. */
const longestMs = 4000
const fewestPairs = 30

/** A phone that somebody has, with a password, or nobody's. */
type Names = { known: string; unknown: string }

type Probe = {
  pairs: number
  answer: { statusCode: number; apiCode?: number; data?: object }
  prepare?(app: TestApp, phone: string): Promise<Reply>
  ask(app: TestApp, phone: string): Promise<Reply>
}

const signIn = (app: TestApp, body: object) =>
  app.post('/api/v3/signin', { client_secret: app.application.secret.reveal(), ...body })

const probes: Record<string, Probe> = {
  'a sign-in with a wrong password': {
    pairs: 70,
    answer: { statusCode: 403, apiCode: 2333 },
    ask: (app, phone) =>
      signIn(app, { connection: 'PASSWORD', passwordPayload: { phone, password: 'a wrong one' } }),
  },
  'validate-password with a wrong password': {
    pairs: 70,
    answer: { statusCode: 200, data: { valid: false } },
    ask: (app, phone) => app.post('/api/v3/validate-password', { phone, password: 'a wrong one' }),
  },
  'a sign-in with a wrong code': {
    pairs: 120,
    answer: { statusCode: 499, apiCode: 2001 },
    prepare: (app, phone) => app.sendSms('CHANNEL_LOGIN', phone),
    ask: (app, phone) =>
      signIn(app, { connection: 'PASSCODE', passCodePayload: { phone, passCode: '00000000' } }),
  },
  'verify-reset-password-request with a wrong code': {
    pairs: 120,
    answer: { statusCode: 499, apiCode: 2001 },
    prepare: (app, phone) => app.sendSms('CHANNEL_RESET_PASSWORD', phone),
    ask: (app, phoneNumber) =>
      app.post('/api/v3/verify-reset-password-request', {
        verifyMethod: 'PHONE_PASSCODE',
        phonePassCodePayload: { phoneNumber, passCode: '00000000' },
      }),
  },
  'send-sms to sign in': {
    pairs: 120,
    answer: { statusCode: 200 },
    ask: (app, phone) => app.sendSms('CHANNEL_LOGIN', phone),
  },
  'send-sms to reset a password': {
    pairs: 120,
    answer: { statusCode: 200 },
    ask: (app, phone) => app.sendSms('CHANNEL_RESET_PASSWORD', phone),
  },
}

const signUp = async (app: TestApp): Promise<Names> => {
  const known = newPhone()
  await app.sendSms('CHANNEL_REGISTER', known)
  await app.post('/api/v3/signup', {
    connection: 'PASSCODE',
    passCodePayload: { phone: known, passCode: await app.lastCode(known) },
    options: { passwordForPhonePassCode: password },
  })
  return { known, unknown: newPhone() }
}

/** Whole numbers below a bound, the same in every run: xorshift32 (Marsaglia, 2003). */
const randomSource = (seed: number) => {
  let state = seed
  return (below: number): number => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    return (state >>> 0) % below
  }
}

const median = (values: readonly number[]): number => {
  const sorted = [...values].sort((one, other) => one - other)
  const middle = sorted.length >> 1
  const [low = 0, high = 0] = [sorted[middle - 1], sorted[middle]]
  return sorted.length % 2 === 0 ? (low + high) / 2 : high
}

/** The median with its percentile bootstrap interval of 95 % (Efron and Tibshirani, 1993, chapter 13). */
const estimate = (values: readonly number[], random: (below: number) => number) => {
  const medians = Array.from({ length: 2000 }, () =>
    median(values.map(() => values[random(values.length)] ?? 0)),
  ).sort((one, other) => one - other)
  return { value: median(values), from: medians[49] ?? 0, to: medians[1949] ?? 0 }
}

const timed = async (ask: () => Promise<Reply>, answer: object): Promise<number> => {
  const start = performance.now()
  const reply = await ask()
  const took = performance.now() - start
  expect(reply).toMatchObject(answer)
  return took
}

/** Milliseconds of both names, pair by pair. */
const measure = async (app: TestApp, probe: Probe, random: (below: number) => number) => {
  const names = await signUp(app)
  for (const phone of [names.known, names.unknown]) await probe.prepare?.(app, phone)
  const times: { known: number; unknown: number }[] = []
  const warmUp = 8
  const enough = () => times.length >= fewestPairs && performance.now() > end
  const end = performance.now() + longestMs
  for (let pair = -warmUp; pair < probe.pairs && !enough(); pair += 1) {
    const order = random(2) === 0 ? (['known', 'unknown'] as const) : (['unknown', 'known'] as const)
    const took = { known: 0, unknown: 0 }
    for (const name of order) took[name] = await timed(() => probe.ask(app, names[name]), probe.answer)
    if (pair >= 0) times.push(took)
  }
  return times
}

const inMs = (value: number): string => `${value.toFixed(2)} ms`

describe('the time of an answer does not tell who exists (rules 10 and 11):', () => {
  it.each(Object.entries(probes))(
    '%s',
    async (what, probe) => {
      await using app = await startTestApp(roomy, { realPasswordCost: true })
      const random = randomSource(20_261_122)

      const times = await measure(app, probe, random)

      const [known, unknown] = [
        median(times.map((pair) => pair.known)),
        median(times.map((pair) => pair.unknown)),
      ]
      const difference = estimate(
        times.map((pair) => pair.known - pair.unknown),
        random,
      )
      const bound = Math.max(0.15 * Math.max(known, unknown), 2)
      const told = `${what} (${app.db.engine}): known ${inMs(known)}, unknown ${inMs(unknown)}, difference ${inMs(difference.value)}, 95 % from ${inMs(difference.from)} to ${inMs(difference.to)}, bound ±${inMs(bound)}`
      process.stdout.write(`${told}\n`)
      expect(difference.from, told).toBeLessThan(bound)
      expect(difference.to, told).toBeGreaterThan(-bound)
    },
    180_000,
  )
})
