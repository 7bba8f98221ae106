// What a program gets for each kind of answer, and which words for none.
import { execFileSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { ApiError, AuthenticationClient, apiCodes, OAuthError, RequestError } from '../../src/sdk.ts'
import { type Answer, json, reasonOf, refusal, startServer, success, text } from '../support/server.ts'

const bindPhone = { phoneNumber: '18812345678', passCode: '123456' }

const redirect =
  (location: string | undefined, status = 302): Answer =>
  (response) => {
    response.writeHead(status, location === undefined ? {} : { location }).end('moved')
  }

describe('an envelope', () => {
  it.each([
    ['of a success', success, 200],
    ['of a refusal', refusal, 200],
    ['of a fault of the server', { ...success, statusCode: 500, message: 'Internal error' }, 500],
    ['with details', { ...refusal, data: { retryAfterSeconds: 42 } }, 429],
  ])('%s is what the call resolves with', async (_name, envelope, status) => {
    await using server = await startServer(json(envelope, status))

    const result = await server.client().bindPhone(bindPhone)

    expect(result).toEqual(envelope)
  })

  it('of a success is what the call resolves with, with throwOnError too', async () => {
    const envelope = { ...success, data: { phone: '18812345678' } }
    await using server = await startServer(json(envelope))

    const result = await server.client({ throwOnError: true }).getProfile()

    expect(result).toEqual(envelope)
  })

  it('of a refusal is thrown with throwOnError, with all that it says', async () => {
    const errors = [{ field: 'passCode', message: 'must be 4 to 8 digits' }]
    await using server = await startServer(json({ ...refusal, data: { retryAfterSeconds: 42, errors } }))

    const reason = await reasonOf(server.client({ throwOnError: true }).bindPhone(bindPhone))

    expect(reason).toBeInstanceOf(ApiError)
    expect(reason).toMatchObject({ ...refusal, name: 'ApiError', retryAfterSeconds: 42, errors })
    expect(refusal.apiCode).toBe(apiCodes.passcode_incorrect)
  })

  it('of a refusal without details is thrown without them', async () => {
    const { apiCode: _, ...bare } = refusal
    await using server = await startServer(json(bare))

    const reason = await reasonOf(server.client({ throwOnError: true }).bindPhone(bindPhone))

    expect(reason).toMatchObject({ apiCode: undefined, retryAfterSeconds: undefined, errors: [] })
  })

  it('of a success in place of a reply that has none is an answer of another server', async () => {
    await using server = await startServer(json(success))

    const reason = await reasonOf(server.client().getSystemInfo())

    expect(reason).toMatchObject({ name: 'RequestError', kind: 'reply', httpStatus: 200 })
  })

  it('of a refusal in place of a reply that has none is thrown by every client', async () => {
    await using server = await startServer(json(refusal))

    const reason = await reasonOf(server.client().getSystemInfo())

    expect(reason).toBeInstanceOf(ApiError)
    expect(reason).toMatchObject(refusal)
  })
})

describe('an answer that is no envelope', () => {
  it.each([
    ['HTML', text('<h1>It works</h1>'), 200, 'a body that is not JSON'],
    ['HTML of a page that is not there', text('<h1>Not found</h1>', 404), 404, 'a body that is not JSON'],
    ['nothing', text(''), 200, 'a body that is not JSON'],
    ['a part of an envelope', text('{"statusCode":200,"mess'), 200, 'a body that is not JSON'],
    ['JSON of another API', json({ ok: true }), 200, 'JSON that is not of this API'],
    [
      'the error of a web framework',
      json({ statusCode: 404, error: 'Not Found', message: 'Route POST:/ not found' }, 404),
      404,
      'JSON that is not of this API',
    ],
    ['a list', json([success]), 200, 'JSON that is not of this API'],
    ['null', json(null), 200, 'JSON that is not of this API'],
    ['a number as text', json({ ...success, statusCode: '200' }), 200, 'JSON that is not of this API'],
  ])('rejects: %s', async (_name, answer, httpStatus, what) => {
    await using server = await startServer(answer)
    const client = server.client({ retryTimes: 0 })

    const ofCall = await reasonOf(client.bindPhone(bindPhone))
    const ofTokens = await reasonOf(client.getNewAccessTokenByRefreshToken('refresh'))

    expect(ofCall).toBeInstanceOf(RequestError)
    const advice = 'check that appHost is the address of the server'
    expect(ofCall).toMatchObject({
      kind: 'reply',
      httpStatus,
      message: `${server.url} answered POST /api/v3/bind-phone with HTTP ${httpStatus} and ${what}: ${advice}`,
    })
    expect([RequestError, OAuthError]).toContainEqual(Object(ofTokens).constructor)
  })

  const gateway = 'something before the server, such as a proxy, failed: try again later, or look at its log'

  it.each([
    ['a gateway that finds no server', text('<h1>Bad gateway</h1>', 502), 502, gateway],
    ['a gateway that waits no longer', text('', 504), 504, gateway],
    ['a gateway with JSON of its own', json({ message: 'Service Unavailable' }, 503), 503, gateway],
    ['a fault before the server', text('<h1>Error</h1>', 500), 500, gateway],
    ['a body that is too large', text('<h1>Too large</h1>', 413), 413, 'a proxy refuses bodies of this size'],
  ])('says what to do where its sender is %s', async (_name, answer, httpStatus, advice) => {
    await using server = await startServer(answer)

    const reason = await reasonOf(server.client().bindPhone(bindPhone))

    expect(reason).toMatchObject({ name: 'RequestError', kind: 'reply', httpStatus })
    expect(String(reason)).toMatch(new RegExp(`: ${advice}$`))
  })

  it('is no withdrawn token', async () => {
    await using server = await startServer(text('<h1>It works</h1>'))

    const reason = await reasonOf(server.client().revokeToken('token'))

    expect(reason).toMatchObject({ name: 'RequestError', kind: 'reply', httpStatus: 200 })
  })

  it.each([
    ['https://id.example.com/api/v3/bind-phone', 'redirects to https://id.example.com/api/v3/bind-phone'],
    [undefined, 'redirects: give'],
  ])('rejects: a redirect to %s, which is not followed', async (location, words) => {
    await using server = await startServer(redirect(location))

    const reasons = [
      await reasonOf(server.client().bindPhone(bindPhone)),
      await reasonOf(server.client().getProfile()),
    ]

    for (const reason of reasons) {
      expect(reason).toMatchObject({ name: 'RequestError', kind: 'reply', httpStatus: 302 })
      expect(String(reason)).toContain(words)
    }
    expect(server.asked).toHaveLength(2)
  })

  it('rejects: a redirect to another host, which never gets the token (rule 28)', async () => {
    await using other = await startServer()
    await using server = await startServer(redirect(`${other.url}/`, 307))

    await reasonOf(server.client({ accessToken: 'token' }).bindPhone(bindPhone))

    expect(other.asked).toEqual([])
  })
})

describe('a refusal of the token endpoint', () => {
  it.each([false, true])('is thrown as an OAuthError (throwOnError: %s)', async (throwOnError) => {
    const body = { error: 'invalid_grant', error_description: 'the refresh token was used' }
    await using server = await startServer(json(body, 400))
    const client = server.client({ throwOnError })

    const reasons = [
      await reasonOf(client.getNewAccessTokenByRefreshToken('refresh')),
      await reasonOf(client.revokeToken('token')),
    ]

    for (const reason of reasons) {
      expect(reason).toBeInstanceOf(OAuthError)
      expect(reason).toMatchObject({ name: 'OAuthError', error: 'invalid_grant', httpStatus: 400 })
      expect(String(reason)).toContain('invalid_grant: the refresh token was used')
    }
  })
})

describe('a host that cannot be reached', () => {
  it('rejects with the code of the fault and what to look at', async () => {
    const { url } = await startServer().then(async (server) => {
      await server[Symbol.asyncDispose]()
      return server
    })
    const client = new AuthenticationClient({ appId: 'app', appSecret: 'secret', appHost: url })

    const reason = await reasonOf(client.bindPhone(bindPhone))

    expect(reason).toMatchObject({ name: 'RequestError', kind: 'network', httpStatus: undefined })
    expect(String(reason)).toContain(`${url} cannot be reached (ECONNREFUSED): check appHost`)
    expect(reason).toHaveProperty('cause')
  })

  it('names the remedy where a host without TLS was named without a scheme', async () => {
    await using server = await startServer()
    const appHost = server.url.replace('http://', '')
    const client = new AuthenticationClient({ appId: 'app', appSecret: 'secret', appHost })

    const reason = await reasonOf(client.bindPhone(bindPhone))

    expect(String(reason)).toMatch(/ \(\w+\): it does not speak TLS: write http:\/\/ in appHost/)
  })

  const openssl = '/usr/bin/openssl'

  it.skipIf(!existsSync(openssl))('names the remedy where its certificate is not trusted', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'dialtone-sdk-'))
    const key = join(folder, 'key.pem')
    const cert = join(folder, 'cert.pem')
    const made = ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-keyout', key, '-out', cert]
    execFileSync(openssl, [...made, '-subj', '/CN=localhost'], { stdio: 'ignore' })
    const server = createServer({ key: readFileSync(key), cert: readFileSync(cert) })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const { port } = server.address() as AddressInfo
    const client = new AuthenticationClient({
      appId: 'app',
      appSecret: 'secret',
      appHost: `https://127.0.0.1:${port}`,
    })

    const reason = await reasonOf(client.bindPhone(bindPhone))

    rmSync(folder, { recursive: true })
    await new Promise((resolve) => server.close(resolve))
    expect(reason).toMatchObject({ kind: 'network' })
    expect(String(reason)).toMatch(
      /SELF_SIGNED_CERT\): its certificate is not trusted: .*NODE_EXTRA_CA_CERTS/,
    )
  })
})
