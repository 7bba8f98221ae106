import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { sdkPaths } from '../../src/unserved/unserved.ts'
import { startTestApp } from '../support/app.ts'

const dist = dirname(createRequire(import.meta.url).resolve('authing-node-sdk'))

/** Every call to the V3 API in the source of both clients; a path ends where its first parameter begins. */
const callsOfSdk = ['AuthenticationClient.js', 'ManagementClient.js'].flatMap((file) =>
  [
    ...readFileSync(join(dist, file), 'utf8').matchAll(
      /method: "(GET|POST|PUT|DELETE)",\s+url: ["`](\/api\/v3\/[^"`{$]+)/g,
    ),
  ].map(([, method = '', path = '']) => ({ method, path })),
)

describe('the calls that are not served', () => {
  it('are listed beside the served ones as the installed SDK makes them', () => {
    expect([...new Set(callsOfSdk.map(({ path }) => path))].sort()).toEqual([...sdkPaths].sort())
  })

  it('each answer not_implemented in the envelope', async () => {
    await using app = await startTestApp()
    const document = (await app.get('/openapi.json')) as unknown as { paths: object }
    // As above, a path ends where its first parameter begins.
    const served = Object.keys(document.paths).map((path) => path.replace(/\{.*/, ''))
    const unserved = callsOfSdk.filter(({ path }) => !served.includes(path))

    const answers = await Promise.all(
      unserved.map(async ({ method, path }) => {
        const url = path.endsWith('/') ? `${path}{id}` : path
        const response = await fetch(`${app.url}${url}`, { method })
        return { method, path, status: response.status, ...((await response.json()) as object) }
      }),
    )

    const refusal = { status: 200, statusCode: 501, apiCode: 8800013, requestId: expect.any(String) }
    expect(unserved.length).toBeGreaterThan(500)
    expect(answers).toEqual(
      unserved.map((call) => ({ ...call, ...refusal, message: expect.stringContaining('does not serve') })),
    )
  })

  it('reach a program that uses the SDK as a plain refusal', async () => {
    await using app = await startTestApp()
    const alice = await app.signUp()
    const client = app.sdk()
    client.setAccessToken(alice.token)

    const refused = await client.geneQrCode({ type: 'MOBILE_APP' } as never)

    expect(refused).toMatchObject({ statusCode: 501, apiCode: 8800013 })
  })
})
