import { execFile } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { beforeAll, describe, expect, it } from 'vitest'
import { startTestApp, type TestApp } from '../support/app.ts'

/** The documented program; what stands in capitals is what its reader fills in. */
const program = `
import { AuthenticationClient } from 'authing-node-sdk'

const authenticationClient = new AuthenticationClient({
  appId: 'AUTHING_APP_ID',
  appSecret: 'AUTHING_APP_SECRET',
  appHost: 'AUTHING_APP_HOST',
})

authenticationClient.setAccessToken('ACCESS_TOKEN')

const result = await authenticationClient.bindPhone({
  phoneNumber: 'PHONE_NUMBER',
  passCode: 'PASS_CODE',
  phoneCountryCode: '+86',
})

console.log(JSON.stringify(result))
`

const root = join(import.meta.dirname, '../../..')

/** Each package as a reader has it who installed it. */
const packages = {
  'authing-node-sdk': join(root, 'node_modules/authing-node-sdk'),
  '@dialtone/sdk': join(root, 'sdk'),
} as const

type Package = keyof typeof packages

const node = (...given: string[]) => promisify(execFile)(process.execPath, given)

const run = async (name: Package, filled: string): Promise<string> => {
  const folder = mkdtempSync(join(tmpdir(), 'dialtone-sample-'))
  try {
    const installed = join(folder, 'node_modules', name)
    mkdirSync(dirname(installed), { recursive: true })
    symlinkSync(packages[name], installed)
    writeFileSync(join(folder, 'bind-phone.mjs'), filled)
    return (await node(join(folder, 'bind-phone.mjs'))).stdout
  } finally {
    rmSync(folder, { recursive: true })
  }
}

/** Nothing but the name of the package and what the reader fills in is changed. */
const fill = async (app: TestApp, name: Package) => {
  const alice = await app.signUp()
  const filled = program
    .replace('authing-node-sdk', name)
    .replace('AUTHING_APP_ID', app.application.id)
    .replace('AUTHING_APP_SECRET', app.application.secret.reveal())
    .replace('AUTHING_APP_HOST', app.url)
    .replace('ACCESS_TOKEN', alice.token)
    .replace('PHONE_NUMBER', alice.phone)
    .replace('PASS_CODE', await alice.receiveCode())
  return { alice, filled }
}

const withoutId = (printed: string): string =>
  printed.replace(/[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}/, 'REQUEST_ID')

describe('the documented sample program', () => {
  beforeAll(() => node(join(root, 'scripts/build.mjs'), 'sdk'))

  it.each(['authing-node-sdk', '@dialtone/sdk'] as const)(
    'binds the phone with %s and prints exactly the documented result',
    async (name) => {
      await using app = await startTestApp()
      const { alice, filled } = await fill(app, name)

      const printed = JSON.parse(await run(name, filled))

      expect(printed).toEqual({
        statusCode: 200,
        message: 'Operation successful',
        requestId: expect.stringMatching(/^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/),
      })
      expect((await alice.profile()).data).toMatchObject({ phone: alice.phone, phoneVerified: true })
    },
  )

  it('prints the same to the letter with both', async () => {
    await using app = await startTestApp()

    const theirs = await run('authing-node-sdk', (await fill(app, 'authing-node-sdk')).filled)
    const ours = await run('@dialtone/sdk', (await fill(app, '@dialtone/sdk')).filled)

    expect(theirs).toContain('"statusCode":200')
    expect(withoutId(ours)).toBe(withoutId(theirs))
  })
})
