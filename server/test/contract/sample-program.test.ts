import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'
import { startTestApp } from '../support/app.ts'

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

const nodeModules = join(import.meta.dirname, '../../../node_modules')

const run = async (filled: string) => {
  const folder = mkdtempSync(join(tmpdir(), 'dialtone-sample-'))
  try {
    symlinkSync(nodeModules, join(folder, 'node_modules'))
    writeFileSync(join(folder, 'bind-phone.mjs'), filled)
    const { stdout } = await promisify(execFile)(process.execPath, [join(folder, 'bind-phone.mjs')])
    return stdout
  } finally {
    rmSync(folder, { recursive: true })
  }
}

describe('the documented sample program', () => {
  it('binds the phone and prints exactly the documented result', async () => {
    await using app = await startTestApp()
    const alice = await app.signUp()
    const filled = program
      .replace('AUTHING_APP_ID', app.application.id)
      .replace('AUTHING_APP_SECRET', app.application.secret.reveal())
      .replace('AUTHING_APP_HOST', app.url)
      .replace('ACCESS_TOKEN', alice.token)
      .replace('PHONE_NUMBER', alice.phone)
      .replace('PASS_CODE', await alice.receiveCode())

    const printed = JSON.parse(await run(filled))

    expect(printed).toEqual({
      statusCode: 200,
      message: 'Operation successful',
      requestId: expect.stringMatching(/^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/),
    })
    expect((await alice.profile()).data).toMatchObject({ phone: alice.phone, phoneVerified: true })
  })
})
