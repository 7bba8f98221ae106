// What is sent again: a read that got no answer, and nothing else.
import { describe, expect, it } from 'vitest'
import { hangUp, inTurn, json, reasonOf, startServer, success, text } from '../support/server.ts'

const later = text('later', 503)

describe('a read', () => {
  it.each([
    ['HTTP 502', text('later', 502)],
    ['HTTP 503', later],
    ['HTTP 504', text('later', 504)],
    ['a connection that closes', hangUp],
  ])('is repeated after %s', async (_name, fault) => {
    await using server = await startServer(inTurn(fault, fault, json(success)))

    const result = await server.client().getProfile({ withCustomData: true })

    expect(result).toEqual(success)
    expect(server.asked.map(({ method, path }) => `${method} ${path}`)).toEqual(
      Array(3).fill('GET /api/v3/get-profile?withCustomData=true'),
    )
  })

  it('is repeated twice by default, and then gives what the last try gave', async () => {
    await using server = await startServer(later)
    await using dead = await startServer(hangUp)

    const late = await reasonOf(server.client().getProfile())
    const gone = await reasonOf(dead.client().getProfile())

    expect(late).toMatchObject({ name: 'RequestError', kind: 'reply', httpStatus: 503 })
    expect(gone).toMatchObject({ name: 'RequestError', kind: 'network', httpStatus: undefined })
    expect([server.asked.length, dead.asked.length]).toEqual([3, 3])
  })

  it.each([0, 1, 4])('is repeated as often as retryTimes: %i says', async (retryTimes) => {
    await using server = await startServer(later)

    await reasonOf(server.client({ retryTimes }).getProfile())

    expect(server.asked).toHaveLength(retryTimes + 1)
  })

  it('is not repeated after a refusal, nor after HTTP 500', async () => {
    const envelope = { ...success, statusCode: 500, message: 'Internal error' }
    await using server = await startServer(json(envelope, 500))

    const result = await server.client().getProfile()

    expect(result).toEqual(envelope)
    expect(server.asked).toHaveLength(1)
  })

  it('comes again after pauses that grow', async () => {
    const at: number[] = []
    await using server = await startServer((response, asked, count) => {
      at.push(performance.now())
      later(response, asked, count)
    })

    await reasonOf(server.client({ retryTimes: 2 }).getProfile())

    const [first = 0, second = 0, third = 0] = at
    // 50 to 150 ms, then 100 to 300 ms; the timers of Node.js may be a millisecond early.
    expect(second - first).toBeGreaterThan(48)
    expect(third - second).toBeGreaterThan(98)
  })
})

describe('nothing but a read', () => {
  it.each([
    ['HTTP 503', later],
    ['a connection that closes', hangUp],
  ])('is repeated after %s', async (_name, fault) => {
    await using server = await startServer(fault)
    const client = server.client({ retryTimes: 5 })

    await reasonOf(client.bindPhone({ phoneNumber: '18812345678', passCode: '123456' }))
    await reasonOf(client.deleteWebAuthnCredential('one'))
    await reasonOf(client.getNewAccessTokenByRefreshToken('refresh'))
    await reasonOf(client.revokeToken('token'))

    expect(server.asked.map(({ method, path }) => `${method} ${path}`)).toEqual([
      'POST /api/v3/bind-phone',
      expect.stringMatching(/^DELETE .*\/one$/),
      'POST /oidc/token',
      'POST /oidc/token/revocation',
    ])
  })
})
