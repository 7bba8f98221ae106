// What a copy of the database gives to whoever has it: nothing that opens an account.
import { describe, expect, it } from 'vitest'
import { createKeyring, deriveMasterKey, digest, sha256 } from '../../src/core/crypto.ts'
import { sql } from '../../src/core/database.ts'
import { Secret } from '../../src/core/secret.ts'
import { createPasscodes } from '../../src/passcodes/passcodes.ts'
import { newPhone, startTestApp, type TestApp } from '../support/app.ts'
import { enrollOtp, requestOtp } from '../support/authenticator.ts'
import { deletionToken } from '../support/deletion.ts'
import { linkTo } from '../support/notices.ts'
import { resetToken } from '../support/passwords.ts'
import { personWithEmail, personWithPhone, provenChange } from '../support/phone-changes.ts'
import { testSettings } from '../support/settings.ts'
import { storedText } from '../support/stored-text.ts'

const refresh = async (app: TestApp, token: string): Promise<string> => {
  const response = await fetch(`${app.url}/oidc/token`, {
    method: 'POST',
    body: new URLSearchParams({
      grant_type: 'refresh_token',
      refresh_token: token,
      client_id: app.application.id,
      client_secret: app.application.secret.reveal(),
    }),
  })
  const body = (await response.json()) as { refresh_token: string }
  return body.refresh_token
}

describe('the database', () => {
  it('holds refresh tokens as hashes alone, before and after their rotation (rule 28)', async () => {
    await using app = await startTestApp()
    const { tokens } = await app.signUp({ scope: 'openid offline_access' })
    const rotated = await refresh(app, tokens.refresh_token)

    const stored = await storedText(app)

    for (const token of [tokens.refresh_token, rotated]) {
      expect(token).toMatch(/^[\w-]{43}$/)
      expect(stored).not.toContain(token)
      expect(stored).toContain(sha256(token).toString('base64url'))
    }
    for (const token of [tokens.access_token, tokens.id_token]) expect(stored).not.toContain(token)
  })

  it('holds step-up tokens as hashes alone, whatever they are for (rule 28)', async () => {
    await using app = await startTestApp()
    const alice = await personWithPhone(app)
    const tokens = [
      await resetToken(app, alice.phone),
      await deletionToken(app, alice),
      (await requestOtp(app, alice)).enrollmentToken,
    ]
    app.clock.advance(61)
    tokens.push(await provenChange(app, alice, newPhone()))

    const stored = await storedText(app)

    for (const token of tokens) {
      expect(stored).not.toContain(token)
      expect(stored).toContain(sha256(token).toString('base64url'))
    }
  })

  it('holds the link of a notice as a hash alone (rule 28)', async () => {
    await using app = await startTestApp()
    const { email } = await personWithEmail(app, 'ada@example.com')
    const token = new URL(await linkTo(app, email, 'phone_bound')).pathname.split('/').at(-1) ?? ''

    const stored = await storedText(app)

    expect(stored).not.toContain(token)
    expect(stored).toContain(sha256(token).toString('base64url'))
  })

  it('holds no secret or recovery code of a factor in clear (rules 27 and 28)', async () => {
    await using app = await startTestApp()
    const alice = await app.signUp()
    const { authenticator, recoveryCode } = await enrollOtp(app, alice)
    const secret = new URL(authenticator.uri).searchParams.get('secret') ?? ''

    const stored = await storedText(app)

    expect(stored).toContain(alice.userId)
    expect(secret).not.toBe('')
    for (const form of [secret, recoveryCode, recoveryCode.replaceAll('-', '')])
      expect(stored).not.toContain(form)
  })

  it('holds no password, and no secret of an application (rules 26 and 27)', async () => {
    await using app = await startTestApp()
    const alice = await app.signUp({ password: 'a password of 2026' })

    const stored = await storedText(app)

    expect(stored).toContain('$argon2id$')
    expect(stored).toContain(alice.username)
    for (const secret of [
      'a password of 2026',
      app.application.secret.reveal(),
      testSettings.DIALTONE_MASTER_KEY,
    ])
      expect(stored).not.toContain(secret)
  })
})

describe('a passcode in the database', () => {
  it('stands there as a digest alone, keyed by a secret of the master key (rule 3)', async () => {
    await using app = await startTestApp()
    const alice = await app.signUp()

    const code = await alice.receiveCode()

    const { poolId, id } = app.application
    const digestBy = (masterKey: string) => {
      const { digest: key } = deriveMasterKey(new Secret(masterKey))
      return digest(key, poolId, id, 'bind_phone', `+86${alice.phone}`, alice.userId, code).toString('hex')
    }
    const rows = await app.db.query<{ digest: string }>(
      sql`select encode(code_digest, 'hex') as digest from passcodes`,
    )
    expect(rows).toEqual([{ digest: digestBy(testSettings.DIALTONE_MASTER_KEY) }])
    expect(rows).not.toEqual([{ digest: digestBy('another master key: 9876543210') }])
    expect(await storedText(app)).not.toContain(`"${code}"`)
  })

  it('passes only where a configured master key made it (rule 3)', async () => {
    await using app = await startTestApp()
    const alice = await app.signUp()
    const code = await alice.receiveCode()
    const verifyBy = (...masterKeys: [string, ...string[]]) => {
      const [first, ...older] = masterKeys
      const keyring = createKeyring([new Secret(first), ...older.map((key) => new Secret(key))])
      const { proof, verify } = createPasscodes({ ...app, keyring })
      const { application } = app
      const { userId } = alice
      return verify(
        proof({ application, purpose: 'bind_phone', recipient: `+86${alice.phone}`, code, userId }),
      )
    }

    const byAnother = await verifyBy('another master key: 9876543210')
    const byBoth = await verifyBy('another master key: 9876543210', testSettings.DIALTONE_MASTER_KEY)

    expect([byAnother.outcome, byBoth.outcome]).toEqual(['incorrect', 'accepted'])
  })
})
