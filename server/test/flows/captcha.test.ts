import { describe, expect, it } from 'vitest'
import { createKeyring } from '../../src/core/crypto.ts'
import { Secret } from '../../src/core/secret.ts'
import { startTestApp } from '../support/app.ts'
import { testSettings } from '../support/settings.ts'

const path = '/api/v3/get-captcha-code'

const keyring = createKeyring([new Secret(testSettings.DIALTONE_MASTER_KEY)])

describe('get-captcha-code', () => {
  it('gives the published SDK a picture and its token', async () => {
    await using app = await startTestApp()

    const reply = await app.sdk().geneCatchaCodeAndToken()

    expect(reply).toEqual({
      statusCode: 200,
      message: 'Operation successful',
      requestId: expect.any(String),
      data: { captchaCodeSvg: expect.any(String), captchaToken: expect.any(String) },
    })
  })

  it('draws the code of the token as shapes: four of them, no text, no script, nothing from elsewhere', async () => {
    await using app = await startTestApp()

    const { data } = await app.get(path)

    const [, code] = JSON.parse(keyring.unseal(data.captchaToken, `captcha ${app.application.poolId}`))
    const svg: string = data.captchaCodeSvg
    const elements = [...svg.matchAll(/<([a-z]+)/g)].map(([, name]) => name)
    expect(new Set(elements)).toEqual(new Set(['svg', 'rect', 'path']))
    expect(svg.match(/<path fill="#/g)).toHaveLength(4)
    expect(svg).not.toContain(code)
    expect(svg.replace('xmlns="http://www.w3.org/2000/svg"', '')).not.toMatch(/href|url\(|http|on[a-z]+=/)
  })

  it('gives another picture each time, which nobody keeps', async () => {
    await using app = await startTestApp()

    const first = await app.get(`${path}?r=0.123`)
    const second = await app.get(`${path}?r=0.123`)

    expect(first.headers.get('cache-control')).toBe('no-store')
    expect(second.data.captchaToken).not.toBe(first.data.captchaToken)
    expect(second.data.captchaCodeSvg).not.toBe(first.data.captchaCodeSvg)
  })

  it('refuses a caller that names no application', async () => {
    await using app = await startTestApp()

    const refused = await app.get(path, { appId: null })

    expect(refused).toMatchObject({ statusCode: 404, apiCode: 2011 })
  })

  it('gives 200 pictures an hour to a client’s address, counted by all processes together', async () => {
    await using app = await startTestApp()
    const second = await app.secondProcess()
    for (let given = 0; given < 200; given += 1) await app.get(path)

    const refused = await second.get(path)

    expect(refused).toMatchObject({ status: 200, statusCode: 429, apiCode: 8800015 })
    expect(refused.data.retryAfterSeconds).toBeGreaterThan(3500)
    expect(refused.data.retryAfterSeconds).toBeLessThanOrEqual(3600)
    app.clock.advance(refused.data.retryAfterSeconds)
    expect(await second.get(path)).toMatchObject({ statusCode: 200 })
  })
})
