import { describe, expect, it } from 'vitest'
import { newPhone, startTestApp, type TestApp } from '../support/app.ts'

const json = { headers: { 'content-type': 'application/json' } }
const bytes = (text: string) => Buffer.from(text, 'latin1')
const invalid = { status: 200, statusCode: 400, apiCode: 8800012, requestId: expect.any(String) }
const naming = (field: string) => ({
  ...invalid,
  data: { errors: expect.arrayContaining([{ field, message: expect.any(String) }]) },
})

const signUp = (app: TestApp, passwordPayload: object, rest: object = {}) =>
  app.post('/api/v3/signup', { connection: 'PASSWORD', passwordPayload, ...rest })

describe('bad input', () => {
  it('is answered with every missing field and its remedy', async () => {
    await using app = await startTestApp()
    const { token } = await app.signUp()

    const refused = await app.post('/api/v3/bind-phone', {}, { token })

    expect(refused).toMatchObject(invalid)
    expect(refused.data.errors).toEqual([
      { field: 'phoneNumber', message: 'is required' },
      { field: 'passCode', message: 'is required' },
    ])
  })

  it('is answered with every ill-typed field and what it should be', async () => {
    await using app = await startTestApp()

    const refused = await app.post('/api/v3/signup', {
      connection: 'MAGIC',
      passwordPayload: { password: 12345678, username: ['ada'] },
      profile: { gender: 'X', customData: 'red' },
      options: { context: 7 },
    })

    expect(refused).toMatchObject(invalid)
    expect(refused.data.errors).toEqual([
      { field: 'connection', message: 'must be one of: PASSWORD, PASSCODE' },
      { field: 'passwordPayload.password', message: 'must be of type string' },
      { field: 'passwordPayload.username', message: 'must be of type string' },
      { field: 'profile.gender', message: 'must be one of: M, F, U' },
      { field: 'profile.customData', message: 'must be of type object' },
      { field: 'options.context', message: 'must be of type object' },
    ])
  })

  it('is not what an unknown field or a null makes of a good request', async () => {
    await using app = await startTestApp()
    const alice = await app.signUp()
    const passCode = await alice.receiveCode()

    const body = { phoneNumber: alice.phone, passCode, phoneCountryCode: null, nonsense: { of: ['later'] } }

    expect((await app.post('/api/v3/bind-phone', body, alice)).statusCode).toBe(200)
  })

  it('is a body that is no JSON object', async () => {
    await using app = await startTestApp()

    for (const body of ['', 'nonsense', '{"a":1', '[]', '"text"', 'null', '7', "{'a':1}", '{"a":NaN}']) {
      expect(await app.post('/api/v3/send-sms', bytes(body), json), body).toMatchObject(invalid)
    }
  })

  it('is a body that is not UTF-8', async () => {
    await using app = await startTestApp()

    const refused = await app.post('/api/v3/send-sms', bytes('{"channel":"\xff"}'), json)

    expect(refused).toMatchObject(naming('body'))
  })

  it('is a body over 64 KiB: HTTP 413, with the envelope', async () => {
    await using app = await startTestApp()
    const filler = 'x'.repeat(64 * 1024)

    const refused = await app.post('/api/v3/send-sms', { filler })

    expect(refused).toMatchObject({ status: 413, statusCode: 413, requestId: expect.any(String) })
  })

  it('is a body of another type than JSON or a form', async () => {
    await using app = await startTestApp()
    const body = bytes('{"channel":"CHANNEL_REGISTER","phoneNumber":"18812345678"}')

    for (const type of ['text/plain', 'application/xml', 'multipart/form-data; boundary=x', 'nonsense']) {
      const refused = await app.post('/api/v3/send-sms', body, { headers: { 'content-type': type } })
      expect(refused, type).toMatchObject(naming('body'))
    }
  })

  it('is no body, or a body of no type', async () => {
    await using app = await startTestApp()
    const headers = { 'x-authing-app-id': app.application.id }

    const none = await fetch(`${app.url}/api/v3/send-sms`, { method: 'POST', headers })
    const untyped = await app.post('/api/v3/send-sms', bytes('{}'))

    expect(await none.json()).toMatchObject({ statusCode: 400, apiCode: 8800012 })
    expect(untyped).toMatchObject(invalid)
  })

  it('is not a form, which is taken like JSON', async () => {
    await using app = await startTestApp()
    const form = bytes(`channel=CHANNEL_REGISTER&phoneNumber=${newPhone()}`)
    const type = { headers: { 'content-type': 'application/x-www-form-urlencoded' } }

    expect(await app.post('/api/v3/send-sms', form, type)).toMatchObject({ statusCode: 200 })
    expect(await app.post('/api/v3/send-sms', bytes('channel=%00'), type)).toMatchObject(naming('channel'))
  })

  it.each([
    ['NUL in a text', { nickname: 'a\0b' }, 'nickname'],
    ['half of a surrogate pair in a text', { nickname: 'a\ud800b' }, 'nickname'],
    ['NUL deep in customData', { customData: { a: [{ b: '\0' }] } }, 'customData.a.0.b'],
    ['a key of customData with NUL', { customData: { a: { '\0': 1 } } }, 'customData.a'],
    ['a key of customData with half of a pair', { customData: { '\udfff': 1 } }, 'customData'],
  ])('is %s, and nothing is changed', async (_what, change, field) => {
    await using app = await startTestApp()
    const alice = await app.signUp()

    const refused = await app.post('/api/v3/update-profile', { company: 'Acme', ...change }, alice)

    expect(refused).toMatchObject(naming(field))
    expect((await alice.profile()).data).not.toHaveProperty('company')
  })

  it.each([
    ['five digits', '12345'],
    ['five hundred digits', '1'.repeat(500)],
    ['a letter', '12345x'],
  ])('is a code of %s, which counts as no attempt', async (_what, bad) => {
    await using app = await startTestApp()
    const alice = await app.signUp()
    const code = await alice.receiveCode()

    for (let tries = 0; tries < 6; tries += 1) {
      expect(await alice.bindPhone(bad)).toMatchObject(naming('passCode'))
    }

    expect((await alice.bindPhone(code)).statusCode).toBe(200)
  })

  it('is what cannot be a phone number, and nothing is sent to it', async () => {
    await using app = await startTestApp()

    for (const phoneNumber of ['188abc45678', '18812', '+', '٠١٢x', '18812345678;ext=1', '']) {
      const refused = await app.sendSms('CHANNEL_REGISTER', phoneNumber)
      expect(refused, phoneNumber).toMatchObject({ status: 200, statusCode: 400, apiCode: 2028 })
    }

    expect(await app.readInbox('')).toEqual([])
  })

  it('never reaches a prototype', async () => {
    await using app = await startTestApp()
    const { token } = await app.signUp()
    const post = (text: string) => app.post('/api/v3/update-profile', bytes(text), { token, ...json })

    const direct = await post('{"__proto__":{"polluted":1}}')
    const deep = await post('{"customData":{"constructor":{"prototype":{"polluted":1}}}}')

    expect([direct, deep]).toMatchObject([invalid, invalid])
    expect({}).not.toHaveProperty('polluted')
  })

  it.each(['customData', 'nonsense'])('is a very deep %s', async (name) => {
    await using app = await startTestApp()
    const { token } = await app.signUp()
    const deep = (open: string, close: string) =>
      bytes(`{"${name}":{"a":${open.repeat(10_000)}1${close.repeat(10_000)}}}`)
    const post = (body: Buffer) => app.post('/api/v3/update-profile', body, { token, ...json })

    expect(await post(deep('{"a":', '}'))).toMatchObject(invalid)
    expect(await post(deep('[', ']'))).toMatchObject(invalid)
  })

  it('is a query or a path that holds what it should not', async () => {
    await using app = await startTestApp()
    const { token } = await app.signUp()

    for (const path of [
      '/api/v3/get-profile?withCustomData=%00',
      '/api/v3/get-profile?client_id=%00',
      '/api/v3/get-profile?withCustomData=maybe',
      '/api/v3/get-profile?withCustomData=true&withCustomData=true',
      '/api/v3/%00',
    ]) {
      expect(await app.get(path, { token, appId: null }), path).toMatchObject(invalid)
    }
  })

  it('is a path or a method that leads nowhere: HTTP 404, with the envelope', async () => {
    await using app = await startTestApp()

    for (const [method, path] of [
      ['GET', '/api/v3/get-rich'],
      ['GET', '/wp-login.php'],
      ['GET', '/api/v3/%'],
      ['GET', '/api/v3/%ff'],
      ['GET', `/api/v3/${'a'.repeat(5000)}`],
      ['GET', '/api/v3/bind-phone'],
      ['PUT', '/api/v3/get-profile'],
      ['PATCH', '/oidc/token'],
    ] as const) {
      const response = await fetch(`${app.url}${path}`, { method })
      expect(response.status, path).toBe(404)
      expect(await response.json(), path).toMatchObject({ statusCode: 404, requestId: expect.any(String) })
    }
  })

  it('is a header of 20 KiB: HTTP 431, and the next request is served', async () => {
    await using app = await startTestApp()

    const { status } = await fetch(`${app.url}/healthz`, { headers: { 'x-filler': 'x'.repeat(20_480) } })

    expect(status).toBe(431)
    expect((await app.get('/api/v3/get-country-list')).statusCode).toBe(200)
  })

  it('is an application id in Basic that no database could look up', async () => {
    await using app = await startTestApp()
    const authorization = `Basic ${Buffer.from('\0:secret').toString('base64')}`

    const refused = await app.post(
      '/api/v3/signin',
      { connection: 'AD' },
      {
        appId: null,
        headers: { authorization },
      },
    )

    expect(refused).toMatchObject({ status: 200, statusCode: 404, apiCode: 2011 })
  })

  it('at the OAuth endpoints is answered as OAuth does', async () => {
    await using app = await startTestApp()
    const oauth = { status: 400, error: 'invalid_request', error_description: expect.any(String) }

    expect(await app.post('/oidc/token', { grant_type: ['refresh_token'] })).toMatchObject(oauth)
    expect(await app.post('/oidc/token/revocation', bytes('{'), json)).toMatchObject(oauth)
  })

  it('leaves nothing half done', async () => {
    await using app = await startTestApp()
    const ada = { username: 'ada', password: 'correct horse battery' }

    const refused = await signUp(app, ada, { profile: { nickname: 7 } })

    expect(refused).toMatchObject(naming('profile.nickname'))
    expect((await signUp(app, ada)).statusCode).toBe(200)
  })
})
