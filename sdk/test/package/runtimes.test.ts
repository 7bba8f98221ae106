// The built package where it has to run: in both kinds of modules of Node.js, and where there is nothing but the web's
// own globals, as in browsers and at the edge.
import { cpSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { exportJWK, generateKeyPair, SignJWT } from 'jose'
import { describe, expect, it } from 'vitest'
import { json, refusal, startServer, success } from '../support/server.ts'
import { entry, folder, modulesOf, run } from './built.ts'

/** Whatever follows `from`, `import` or `require` in quotes. */
const importsOf = (source: string): string[] =>
  [...source.matchAll(/\b(?:from|import|require)\s*\(?\s*['"]([^'"]+)['"]/g)].map((found) => found[1] ?? '')

/** What the SDK may use of what browsers and edge runtimes have beside the language itself. */
const webGlobals = [
  ...[
    'fetch',
    'URL',
    'URLSearchParams',
    'AbortController',
    'TextEncoder',
    'btoa',
    'setTimeout',
    'clearTimeout',
  ],
  // For the program itself.
  ...['AbortSignal', 'console'],
]

/** A program that runs another one where there are no other globals. */
const onlyWeb = (program: string): string => `
  import { readFile } from 'node:fs/promises'
  import { createContext, SourceTextModule } from 'node:vm'
  const names = ${JSON.stringify(webGlobals)}
  const context = createContext(Object.fromEntries(names.map((name) => [name, globalThis[name]])))
  const modules = new Map()
  const load = (identifier, source) => new SourceTextModule(source, { context, identifier })
  const link = async (specifier, { identifier }) => {
    const { href } = new URL(specifier, identifier)
    const source = await readFile(new URL(href), 'utf8')
    if (!modules.has(href)) modules.set(href, load(href, source))
    return modules.get(href)
  }
  const main = load('file:///', ${JSON.stringify(program)})
  await main.link(link)
  await main.evaluate()
`

const signedToken = async (issuer: string) => {
  const { publicKey, privateKey } = await generateKeyPair('RS256', { extractable: true })
  const token = await new SignJWT({ scope: 'openid' })
    .setProtectedHeader({ alg: 'RS256', kid: 'one' })
    .setIssuer(issuer)
    .setAudience('app')
    .setSubject('ada')
    .setJti('one')
    .setExpirationTime('1h')
    .sign(privateKey)
  return { token, keys: [{ ...(await exportJWK(publicKey)), kid: 'one' }] }
}

describe('the build for ES modules', () => {
  it('imports nothing but itself, and jose when a token is to be verified', () => {
    const modules = modulesOf('esm')

    const foreign = modules.flatMap(({ name, source }) =>
      importsOf(source)
        .filter((imported) => !imported.startsWith('./') && !imported.startsWith('../'))
        .map((imported) => `${name}: ${imported}`),
    )

    expect(modules.length).toBeGreaterThan(5)
    expect(foreign).toEqual(['tokens.js: jose'])
    for (const { source } of modules) expect(source).not.toMatch(/import .*['"]jose['"]/)
  })

  it('runs where there are only the globals of the web', async () => {
    await using server = await startServer()

    const printed = await run(
      onlyWeb(`
        import { AuthenticationClient, receivePassCode } from '${entry}'
        const client = new AuthenticationClient({ appId: 'app', appSecret: 'é', appHost: '${server.url}' })
        const signal = AbortSignal.abort(new Error('left'))
        console.log(JSON.stringify([
          (await client.getProfile({ withCustomData: true })).statusCode,
          (await client.bindPhone({ phoneNumber: '1', passCode: '2' })).statusCode,
          await client.revokeToken('token'),
          await client.getProfile({}, { signal }).catch(({ message }) => message),
          (await receivePassCode()) === undefined,
          typeof process + typeof Buffer + typeof require,
        ]))
      `),
    )

    expect(printed).toEqual([200, 200, true, 'left', true, 'undefined'.repeat(3)])
  })

  it('says what to install where a token is to be verified without jose', async () => {
    const elsewhere = mkdtempSync(join(tmpdir(), 'dialtone-sdk-'))
    cpSync(join(folder, 'dist/esm'), elsewhere, { recursive: true })
    const copy = pathToFileURL(join(elsewhere, 'sdk.js')).href

    const printed = await run(`
      const { AuthenticationClient } = await import('${copy}')
      const client = new AuthenticationClient({ appId: 'app', appSecret: 'secret', appHost: 'id.example.com' })
      console.log(JSON.stringify(await client.parseAccessToken('e30.e30.e30').catch(({ message }) => message)))
    `)

    rmSync(elsewhere, { recursive: true })
    expect(printed).toBe('to verify tokens, install the package jose: npm install jose')
  })
})

describe('the package', () => {
  const names = ['ApiError', 'AuthenticationClient', 'Models', 'OAuthError', 'RequestError', 'apiCodes']
  const functions = ['canReceivePassCode', 'receivePassCode']

  it.each([
    ['import', 'module', "const sdk = await import('@dialtone/sdk')"],
    ['require', 'commonjs', "const sdk = require('@dialtone/sdk')"],
  ] as const)('has all its names with %s', async (_name, kind, line) => {
    const printed = await run(
      `${line}; console.log(JSON.stringify(Object.keys(sdk).filter((name) => name !== '__esModule').sort()))`,
      kind,
    )

    expect(printed).toEqual([...names, ...functions].sort())
  })

  it('verifies tokens for a program that requires it, too', async () => {
    const { token, keys } = await signedToken('unknown')
    const program = `
      const { AuthenticationClient } = require('@dialtone/sdk')
      const client = new AuthenticationClient({ appId: 'app', appSecret: 'secret', appHost: 'id.example.com' })
      const options = { serverJWKS: ${JSON.stringify({ keys })}, issuer: 'unknown' }
      client.parseAccessToken('${token}', options).then(({ sub }) => console.log(JSON.stringify(sub)))
    `

    expect(await run(program, 'commonjs')).toBe('ada')
  })
})

describe('a process that made calls', () => {
  it('ends by itself: no timer and no listener keeps it, and no rejection is left unhandled', async () => {
    await using server = await startServer((response, asked, count) => {
      const { path } = asked
      if (path.includes('role')) return
      if (path.includes('tenant')) return response.destroy()
      if (path.includes('system')) return response.writeHead(302, { location: 'https://x.example' }).end()
      json(path.includes('bind') ? refusal : success)(response, asked, count)
    })
    const startedAt = performance.now()

    const printed = await run(`
      import { AuthenticationClient } from '@dialtone/sdk'
      const options = { appId: 'app', appSecret: 'secret', appHost: '${server.url}', timeout: 600_000 }
      const client = new AuthenticationClient(options)
      const throwing = new AuthenticationClient({ ...options, throwOnError: true })
      const { signal } = new AbortController()
      const ended = new AbortController()
      setTimeout(() => ended.abort(), 500)
      const calls = [
        client.getProfile({}, { signal }),
        client.bindPhone({ phoneNumber: '1', passCode: '2' }, { signal }),
        throwing.bindPhone({ phoneNumber: '1', passCode: '2' }, { signal }),
        client.getTenantList({ signal }),
        client.getSystemInfo({ signal }),
        client.getRoleList({}, { signal: ended.signal }),
        client.parseAccessToken('no token'),
      ]
      const outcomes = await Promise.allSettled(calls)
      console.log(JSON.stringify(outcomes.map(({ status, reason }) => reason?.name ?? status)))
    `)

    expect(performance.now() - startedAt).toBeLessThan(300_000)
    const faults = ['ApiError', 'RequestError', 'RequestError', 'AbortError', 'RequestError']
    expect(printed).toEqual(['fulfilled', 'fulfilled', ...faults])
  })
})
