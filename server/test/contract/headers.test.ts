import { describe, expect, it } from 'vitest'
import { startTestApp } from '../support/app.ts'

const password = 'correct horse battery'

describe('a request', () => {
  it('may carry the token raw, behind Bearer, or behind Bearer without a space', async () => {
    await using app = await startTestApp()
    const { token, userId } = await app.signUp()

    // Node.js, Python and Go; C# and Flutter; Java; by hand.
    for (const written of [token, `Bearer ${token}`, `Bearer${token}`, `bearer ${token}`]) {
      const profile = await app.get('/api/v3/get-profile', { token: written })
      expect(profile).toMatchObject({ statusCode: 200, data: { userId } })
    }
  })

  it.each(['x-authing-app-id', 'x-genauth-app-id'])('names its application by %s', async (name) => {
    await using app = await startTestApp()
    const body = { connection: 'PASSWORD', passwordPayload: { username: 'ada', password } }

    const known = await app.post('/api/v3/signup', body, {
      appId: null,
      headers: { [name]: app.application.id },
    })
    const unknown = await app.post('/api/v3/signup', body, { appId: null, headers: { [name]: 'nobody' } })

    expect(known).toMatchObject({ statusCode: 200, data: { username: 'ada' } })
    expect(unknown).toMatchObject({ status: 200, statusCode: 404, apiCode: 2011 })
  })

  it('names its application by client_id, or by the audience of its token', async () => {
    await using app = await startTestApp()
    const { username, token, userId } = await app.signUp({ password })
    const { id, secret } = app.application
    const body = {
      connection: 'PASSWORD',
      passwordPayload: { username, password },
      client_id: id,
      client_secret: secret.reveal(),
    }

    expect(await app.post('/api/v3/signin', body, { appId: null })).toMatchObject({ statusCode: 200 })
    expect(await app.get('/api/v3/get-profile', { token, appId: null })).toMatchObject({ data: { userId } })
  })

  it('that names no application is told how to', async () => {
    await using app = await startTestApp()

    const sent = await app.sendSms('CHANNEL_REGISTER', '18812345678', { appId: null })

    expect(sent).toMatchObject({ statusCode: 404, apiCode: 2011 })
    expect(sent.message).toContain('x-authing-app-id')
  })

  it('is answered in the language that a header of either family asks for', async () => {
    await using app = await startTestApp()

    for (const [name, language, message] of [
      ['x-authing-lang', 'zh-CN', '操作成功'],
      ['x-genauth-lang', 'zh-CN', '操作成功'],
      ['x-authing-lang', 'en-US', 'Operation successful'],
      ['x-authing-lang', 'fr-FR', 'Operation successful'],
    ] as const) {
      const reply = await app.get('/api/v3/get-country-list', { headers: { [name]: language } })
      expect(reply, `${name}: ${language}`).toMatchObject({ message })
    }
  })

  it('without a language is answered in the default one', async () => {
    await using app = await startTestApp({ DIALTONE_DEFAULT_LANGUAGE: 'zh-CN' })

    expect(await app.get('/api/v3/get-country-list')).toMatchObject({ message: '操作成功' })
  })

  it('gets an id of its own, also when it is refused', async () => {
    await using app = await startTestApp()

    const first = await app.get('/api/v3/get-country-list')
    const second = await app.get('/api/v3/get-profile')

    expect(first.requestId).toMatch(/^[\da-f]{8}-[\da-f]{4}-4[\da-f]{3}-[\da-f]{4}-[\da-f]{12}$/)
    expect(second.requestId).not.toBe(first.requestId)
  })

  it('is answered with content-length, which the C# SDK reads by', async () => {
    await using app = await startTestApp()

    const { headers } = await app.get('/api/v3/get-country-list')

    expect(headers.get('transfer-encoding')).toBeNull()
    expect(Number(headers.get('content-length'))).toBeGreaterThan(0)
  })
})
