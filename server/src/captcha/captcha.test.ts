import { describe, expect, it } from 'vitest'
import { startTestApp, type TestApp } from '../../test/support/app.ts'
import { testSettings } from '../../test/support/settings.ts'
import { createKeyring } from '../core/crypto.ts'
import { sql } from '../core/database.ts'
import { Secret } from '../core/secret.ts'
import { createCaptcha } from './captcha.ts'

const ip = '203.0.113.9'

const keyring = createKeyring([new Secret(testSettings.DIALTONE_MASTER_KEY)])

const captchaOf = ({ db, clock, config }: TestApp, keys = keyring) =>
  createCaptcha({ db, clock, config, keyring: keys })

/** What a person reads in the picture: the one place outside of the server that opens a token. */
const codeIn = (poolId: string, token: string): string =>
  JSON.parse(keyring.unseal(token, `captcha ${poolId}`))[1]

const newCaptcha = async (app: TestApp) => {
  const { poolId } = app.application
  const { captchaToken: token } = await captchaOf(app).create({ poolId, ip })
  return { poolId, token, code: codeIn(poolId, token) }
}

/** A code of the same length that is certainly not the given one. */
const wrong = (code: string): string => `${code.startsWith('A') ? 'C' : 'A'}${code.slice(1)}`

describe('a captcha', () => {
  it('is solved by its code, as people type it', async () => {
    await using app = await startTestApp()
    const captcha = captchaOf(app)
    const typings = [
      (code: string) => code,
      (code: string) => code.toLowerCase(),
      (code: string) => ` ${code.slice(0, 2)} ${code.slice(2)}\n`,
      (code: string) =>
        code.replace(/[A-Z0-9]/g, (sign) => String.fromCodePoint(sign.charCodeAt(0) + 0xfee0)),
    ]

    const solved = []
    for (const type of typings) {
      const { poolId, token, code } = await newCaptcha(app)
      solved.push(await captcha.verify(poolId, token, type(code)))
    }

    expect(solved).toEqual([true, true, true, true])
  })

  it('is not solved by anything else', async () => {
    await using app = await startTestApp()
    const captcha = captchaOf(app)
    const typings = [
      wrong,
      () => '',
      (code: string) => code.slice(1),
      (code: string) => `${code}A`,
      () => '\0',
    ]

    const solved = []
    for (const type of typings) {
      const { poolId, token, code } = await newCaptcha(app)
      solved.push(await captcha.verify(poolId, token, type(code)))
    }

    expect(solved).toEqual([false, false, false, false, false])
  })

  it('is spent by its solution, in all processes', async () => {
    await using app = await startTestApp()
    const { poolId, token, code } = await newCaptcha(app)
    await captchaOf(app).verify(poolId, token, code)

    const again = await captchaOf(app).verify(poolId, token, code)

    expect(again).toBe(false)
  })

  it('is spent by a wrong answer too', async () => {
    await using app = await startTestApp()
    const { poolId, token, code } = await newCaptcha(app)
    await captchaOf(app).verify(poolId, token, wrong(code))

    const solved = await captchaOf(app).verify(poolId, token, code)

    expect(solved).toBe(false)
  })

  it('is solved once by a hundred right answers at the same time (as rule 5)', async () => {
    await using app = await startTestApp()
    const { poolId, token, code } = await newCaptcha(app)

    const solved = await Promise.all(
      Array.from({ length: 100 }, () => captchaOf(app).verify(poolId, token, code)),
    )

    expect(solved.filter((one) => one)).toHaveLength(1)
  })

  it.each([
    { after: 299, solved: true },
    { after: 301, solved: false },
  ])('gives $solved for its code after $after seconds', async ({ after, solved }) => {
    await using app = await startTestApp()
    app.clock.stop()
    const { poolId, token, code } = await newCaptcha(app)
    app.clock.advance(after)

    const answer = await captchaOf(app).verify(poolId, token, code)

    expect(answer).toBe(solved)
  })

  it('stays spent for as long as it lives', async () => {
    await using app = await startTestApp()
    app.clock.stop()
    const { poolId, token, code } = await newCaptcha(app)
    await captchaOf(app).verify(poolId, token, wrong(code))
    app.clock.advance(298)

    const solved = await captchaOf(app).verify(poolId, token, code)

    expect(solved).toBe(false)
  })

  it('is of no use in another pool, and not spent by being tried there', async () => {
    await using app = await startTestApp()
    const other = await app.otherApplication()
    const { poolId, token, code } = await newCaptcha(app)

    const elsewhere = await captchaOf(app).verify(other.application.poolId, token, code)
    const here = await captchaOf(app).verify(poolId, token, code)

    expect([elsewhere, here]).toEqual([false, true])
  })

  it('outlives a rotation of the master key, and no second one', async () => {
    await using app = await startTestApp()
    const first = await newCaptcha(app)
    const second = await newCaptcha(app)
    const [newest, old] = [
      new Secret('a newer key of the tests: 0123456789'),
      new Secret(testSettings.DIALTONE_MASTER_KEY),
    ]

    const rotated = await captchaOf(app, createKeyring([newest, old])).verify(
      first.poolId,
      first.token,
      first.code,
    )
    const gone = await captchaOf(app, createKeyring([newest])).verify(
      second.poolId,
      second.token,
      second.code,
    )

    expect([rotated, gone]).toEqual([true, false])
  })

  it('takes any other text for a token without a fault, and counts nothing for it', async () => {
    await using app = await startTestApp()
    const { poolId, token, code } = await newCaptcha(app)
    const [id, body = ''] = token.split('.')
    const tokens = [
      '',
      '.',
      'nonsense',
      `${id}.`,
      `${id}.AAAA`,
      `unknown.${body}`,
      `${id}.${body.slice(0, -4)}`,
      `${id}.${body.startsWith('A') ? 'B' : 'A'}${body.slice(1)}`,
      `${token}.${'x'.repeat(1000)}`,
      'x'.repeat(100_000),
      '\0',
      '\ud83d',
      keyring.seal('not JSON', `captcha ${poolId}`),
      keyring.seal('{}', `captcha ${poolId}`),
      keyring.seal('null', `captcha ${poolId}`),
      keyring.seal(JSON.stringify(['id', 1, 2]), `captcha ${poolId}`),
      keyring.seal(JSON.stringify(['id', code, 9e15]), 'another context'),
    ]
    const counters = () => app.db.query(sql`select key from limit_counters where key like 'captcha:%'`)

    const solved = []
    for (const garbage of tokens) solved.push(await captchaOf(app).verify(poolId, garbage, code))

    expect(solved).toEqual(tokens.map(() => false))
    expect(await counters()).toEqual([])
  })

  it('stores nothing but its count for the address until it is answered, and never its code', async () => {
    await using app = await startTestApp()

    const { token, code } = await newCaptcha(app)

    const rows = await app.db.query<{ key: string }>(sql`select key from limit_counters`)
    expect(rows).toEqual([{ key: `captchas_ip:${ip}` }])
    expect(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString('latin1')).not.toContain(code)
  })

  it('draws each sign of its alphabet equally often at every place, and none that looks like another', async () => {
    await using app = await startTestApp()
    const draws = 900
    const captcha = createCaptcha({
      ...app,
      keyring,
      config: {
        limits: {
          ...app.config.limits,
          captchasPerIpHour: { ...app.config.limits.captchasPerIpHour, count: draws },
        },
      },
    })
    const { poolId } = app.application

    const codes = []
    for (let draw = 0; draw < draws; draw += 1) {
      codes.push(codeIn(poolId, (await captcha.create({ poolId, ip })).captchaToken))
    }

    expect(codes.filter((code) => !/^[ACEFHKMNPRTWXY3479]{4}$/.test(code))).toEqual([])
    for (const place of [0, 1, 2, 3]) {
      const counts = new Map<string, number>()
      for (const code of codes) counts.set(code[place] ?? '', (counts.get(code[place] ?? '') ?? 0) + 1)
      const chiSquare = [...counts.values()].reduce((sum, count) => sum + (count - 50) ** 2 / 50, 0)
      // 17 degrees of freedom: 62 is exceeded by chance once in two million.
      expect(counts.size).toBe(18)
      expect(chiSquare).toBeLessThan(62)
    }
  })
})
