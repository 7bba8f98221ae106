import { describe, expect, it } from 'vitest'
import { sql } from '../../src/core/database.ts'
import { startTestApp, type TestApp } from '../support/app.ts'
import {
  authenticationPath,
  type Bent,
  cborBytes,
  cborMap,
  createPasskeyAuthenticator,
  registerPasskey,
  registrationPath,
} from '../support/passkey-authenticator.ts'
import { atOnce, tally } from '../support/replies.ts'

const authenticator = createPasskeyAuthenticator()
const refused = { statusCode: 499, apiCode: 8800021 }

const withPasskey = async (app: TestApp, bent: Bent = {}) => {
  const person = await app.signUp()
  return { ...person, credential: await registerPasskey(app, person.token, bent) }
}

const sessionsOf = async (app: TestApp) => {
  const [row] = await app.db.query<{ count: number }>(sql`select count(*)::integer as count from sessions`)
  return row?.count
}

describe('the answer of an authenticator', () => {
  it('signs in once, however often it is sent', async () => {
    await using app = await startTestApp()
    const { credential } = await withPasskey(app)
    const answer = authenticator.get(await app.get(authenticationPath), credential)

    const replies = await atOnce(10, () => app.post(authenticationPath, answer))

    expect(tally(replies)).toEqual({ 200: 1, 8800021: 9 })
    expect(await sessionsOf(app)).toBe(2)
  })

  it('registers once, however often it is sent', async () => {
    await using app = await startTestApp()
    const alice = await app.signUp()
    const { answer } = authenticator.create(await app.get(registrationPath, { token: alice.token }))

    const replies = await atOnce(5, () => app.post(registrationPath, answer, { token: alice.token }))

    expect(tally(replies)).toEqual({ 200: 1, 8800021: 4 })
  })

  it('is too late after five minutes', async () => {
    await using app = await startTestApp()
    const { credential } = await withPasskey(app)
    const asked = await app.get(authenticationPath)
    app.clock.advance(300)

    expect(await app.post(authenticationPath, authenticator.get(asked, credential))).toMatchObject(refused)
  })

  it.each<[string, Bent]>([
    ['of another site', { origin: 'https://dialtone.test.evil.example' }],
    ['of the same host without the same scheme', { origin: 'https://dialtone.test' }],
    ['of a sub-domain that no administrator named', { origin: 'http://shop.dialtone.test' }],
    ['for another relying party', { rpId: 'evil.example' }],
    ['that was made in a frame of another site', { crossOrigin: true }],
    ['to another challenge', { challenge: 'A'.repeat(43) }],
    ['without the user verified', { flags: 0x01 }],
    ['without the user present', { flags: 0x04 }],
    ['for registering', { type: 'webauthn.create' }],
    ['that names another user', { userHandle: Buffer.from('another').toString('base64url') }],
    ['that names no user', { userHandle: null }],
  ])('%s opens nothing', async (_what, bent) => {
    await using app = await startTestApp()
    const { credential, userId } = await withPasskey(app)

    const reply = await app.post(
      authenticationPath,
      authenticator.get(await app.get(authenticationPath), credential, bent),
    )

    expect(reply).toMatchObject(refused)
    expect(await sessionsOf(app)).toBe(1)
    const tries = await app.db.query(sql`
      select method, reason
        from sign_ins
       where user_id = ${userId}
         and not succeeded`)
    expect(tries).toEqual([{ method: 'passkey', reason: 'passkey_invalid' }])
  })

  it.each<[string, Bent]>([
    ['of another site', { origin: 'https://evil.example' }],
    ['for another relying party', { rpId: 'evil.example' }],
    ['that was made in a frame of another site', { crossOrigin: true }],
    ['to another challenge', { challenge: 'A'.repeat(43) }],
    ['without the user verified', { flags: 0x01 }],
    ['for signing in', { type: 'webauthn.get' }],
  ])('%s registers nothing', async (_what, bent) => {
    await using app = await startTestApp()
    const alice = await app.signUp()
    const begun = await app.get(registrationPath, { token: alice.token })

    const reply = await app.post(registrationPath, authenticator.create(begun, bent).answer, {
      token: alice.token,
    })

    expect(reply).toMatchObject(refused)
    expect(await app.db.query(sql`select user_id from passkeys`)).toEqual([])
  })

  it('counts only as it was signed', async () => {
    await using app = await startTestApp()
    const { credential } = await withPasskey(app)
    const answer = authenticator.get(await app.get(authenticationPath), credential)
    const { response } = answer.authenticationCredential
    const bytes = Buffer.from(response.signature, 'base64url')
    bytes.writeUInt8((bytes.at(-1) ?? 0) ^ 1, bytes.length - 1)
    response.signature = bytes.toString('base64url')

    expect(await app.post(authenticationPath, answer)).toMatchObject(refused)
  })

  it('of another key opens no account', async () => {
    await using app = await startTestApp()
    const [alice, mallory] = [await withPasskey(app), await withPasskey(app)]
    const forged = { ...alice.credential, privateKey: mallory.credential.privateKey }

    const reply = await app.post(
      authenticationPath,
      authenticator.get(await app.get(authenticationPath), forged),
    )

    expect(reply).toMatchObject(refused)
  })

  it.each(['packed', 'tpm', 'android-key', 'android-safetynet', 'apple', 'fido-u2f'])(
    'with certificates (%s) is refused before anything of them is read or looked up',
    async (format) => {
      await using app = await startTestApp()
      const alice = await app.signUp()
      const statement = cborMap({
        sig: cborBytes(Buffer.from('signature')),
        x5c: cborBytes(Buffer.from('certificate')),
      })
      const begun = await app.get(registrationPath, { token: alice.token })
      const { answer } = authenticator.create(begun, { attestation: { format, statement } })

      const reply = await app.post(registrationPath, answer, { token: alice.token })

      expect(reply).toMatchObject(refused)
      expect(app.lines.join()).toContain('an attestation that was not asked for')
    },
  )
})

describe('a ticket', () => {
  it('opens nothing in another application, nor in another pool', async () => {
    await using app = await startTestApp()
    const sibling = await app.otherApplication({ poolId: app.application.poolId })
    const stranger = await app.otherApplication()
    const { credential } = await withPasskey(app)

    for (const other of [sibling, stranger]) {
      const answer = authenticator.get(await other.get(authenticationPath), credential)
      expect(await app.post(authenticationPath, answer)).toMatchObject(refused)
    }
  })

  it('of a sign-in registers nothing, nor the other way round', async () => {
    await using app = await startTestApp()
    const { credential, token } = await withPasskey(app)
    const signIn = await app.get(authenticationPath)
    const registration = await app.get(registrationPath, { token })
    const { answer } = authenticator.create({
      data: {
        ticket: signIn.data.ticket,
        registrationOptions: {
          challenge: signIn.data.authenticationOptions.challenge,
          user: { id: credential.userHandle },
        },
      },
    })
    const swapped = {
      data: {
        ticket: registration.data.ticket,
        authenticationOptions: registration.data.registrationOptions,
      },
    }

    const registered = await app.post(registrationPath, answer, { token })
    const signedIn = await app.post(authenticationPath, authenticator.get(swapped, credential))

    expect(tally([registered, signedIn])).toEqual({ 8800021: 2 })
  })

  it('of another user’s session registers nothing', async () => {
    await using app = await startTestApp()
    const [alice, mallory] = [await app.signUp(), await app.signUp()]
    const { answer } = authenticator.create(await app.get(registrationPath, { token: mallory.token }))

    const reply = await app.post(registrationPath, answer, { token: alice.token })

    expect(reply).toMatchObject(refused)
  })

  it('of a session takes no passkey of another user, and serves no other session', async () => {
    await using app = await startTestApp()
    const [alice, mallory] = [await withPasskey(app), await withPasskey(app)]
    const ask = () => app.get(authenticationPath, { token: alice.token })
    const other = (await alice.signIn()).data.access_token

    const foreign = await app.post(authenticationPath, authenticator.get(await ask(), mallory.credential), {
      token: alice.token,
    })
    const moved = await app.post(authenticationPath, authenticator.get(await ask(), alice.credential), {
      token: other,
    })
    const stranger = await app.post(authenticationPath, authenticator.get(await ask(), alice.credential))

    expect(tally([foreign, moved, stranger])).toEqual({ 8800021: 3 })
    expect(await app.db.query(sql`select from sessions where proved_factor is not null`)).toEqual([])
  })
})

describe('a passkey', () => {
  it('of another pool opens nothing', async () => {
    await using app = await startTestApp()
    const other = await app.otherApplication()
    const { credential } = await withPasskey(app)

    const reply = await other.post(
      authenticationPath,
      authenticator.get(await other.get(authenticationPath), credential),
    )

    expect(reply).toMatchObject(refused)
  })

  it('whose counter goes back is refused, and the audit log tells of it', async () => {
    await using app = await startTestApp()
    const { credential, userId } = await withPasskey(app, { counter: 7 })
    const signInAt = async (counter: number) =>
      app.post(
        authenticationPath,
        authenticator.get(await app.get(authenticationPath), credential, { counter }),
      )
    await signInAt(9)

    const replies = [await signInAt(9), await signInAt(8), await signInAt(0), await signInAt(10)]

    expect(replies.map(({ statusCode }) => statusCode)).toEqual([499, 499, 499, 200])
    const events = await app.app.audit.eventsOf(app.application.poolId, userId)
    const told = events.filter(({ type }) => type === 'passkey.counter_regressed')
    expect(told).toHaveLength(3)
  })

  it('and its copy, at the same instant, sign in once', async () => {
    await using app = await startTestApp()
    const { credential } = await withPasskey(app, { counter: 7 })
    const answers = await atOnce(8, async () =>
      authenticator.get(await app.get(authenticationPath), credential, { counter: 8 }),
    )

    const replies = await atOnce(8, async (index) => app.post(authenticationPath, answers[index]))

    expect(tally(replies)).toEqual({ 200: 1, 8800021: 7 })
    expect(await sessionsOf(app)).toBe(2)
  })

  it('stays its owner’s: nobody registers it again', async () => {
    await using app = await startTestApp()
    const [alice, mallory] = [await app.signUp(), await app.signUp()]
    const seen = authenticator.create(await app.get(registrationPath, { token: alice.token }))
    await app.post(registrationPath, seen.answer, { token: alice.token })
    const { data } = await app.get(registrationPath, { token: mallory.token })
    const { clientDataJSON, ...rest } = seen.answer.registrationCredential.response
    const clientData = JSON.parse(Buffer.from(clientDataJSON, 'base64url').toString())
    const changed = JSON.stringify({ ...clientData, challenge: data.registrationOptions.challenge })
    // The attestation "none" is signed by nobody, so that anybody can send a public key and an id that they have seen.
    const copied = {
      ticket: data.ticket,
      registrationCredential: {
        ...seen.answer.registrationCredential,
        response: { ...rest, clientDataJSON: Buffer.from(changed).toString('base64url') },
      },
    }

    const reply = await app.post(registrationPath, copied, { token: mallory.token })

    expect(reply).toMatchObject({ statusCode: 409, apiCode: 8800019 })
    const signedIn = await app.post(
      authenticationPath,
      authenticator.get(await app.get(authenticationPath), seen.credential),
    )
    expect(JSON.parse(atob(signedIn.data.tokenSet.access_token.split('.')[1])).sub).toBe(alice.userId)
  })

  it('is removed by its owner alone', async () => {
    await using app = await startTestApp()
    const [alice, mallory] = [await withPasskey(app), await app.signUp()]

    const response = await fetch(`${app.url}/api/v3/webauthn/credentials/${alice.credential.id}`, {
      method: 'DELETE',
      headers: { authorization: mallory.token },
    })

    expect(await response.json()).toMatchObject({ statusCode: 404, apiCode: 8800011 })
    const left = await app.get('/api/v3/webauthn/credentials', { token: alice.token })
    expect(left.data.totalCount).toBe(1)
  })

  it('of a disabled user opens nothing, which only its owner learns', async () => {
    await using app = await startTestApp()
    const alice = await withPasskey(app)
    await alice.disable()
    const signIn = async (bent: Bent) =>
      app.post(
        authenticationPath,
        authenticator.get(await app.get(authenticationPath), alice.credential, bent),
      )

    const [owner, stranger] = [await signIn({}), await signIn({ challenge: 'A'.repeat(43) })]

    expect(owner).toMatchObject({ apiCode: 2120008 })
    expect(stranger).toMatchObject(refused)
  })
})

describe('garbage', () => {
  it('in any field is refused, and is no fault of ours', async () => {
    await using app = await startTestApp()
    const { credential, token } = await withPasskey(app)
    const garbage = ['AA', 'e30', base64urlOf('null'), base64urlOf('{"type":1}'), 'oWNmbXRkbm9uZQ', 'v_8']

    for (const bad of garbage) {
      const signIn = authenticator.get(await app.get(authenticationPath), credential)
      for (const field of ['authenticatorData', 'clientDataJSON', 'signature'] as const) {
        const body = structuredClone({ ...signIn, ...(await app.get(authenticationPath)).data })
        body.authenticationCredential.response[field] = bad
        expect(await app.post(authenticationPath, body), `${field} ${bad}`).toMatchObject(refused)
      }
      for (const field of ['attestationObject', 'clientDataJSON'] as const) {
        const { answer } = authenticator.create(await app.get(registrationPath, { token }))
        answer.registrationCredential.response[field] = bad
        expect(await app.post(registrationPath, answer, { token }), `${field} ${bad}`).toMatchObject(refused)
      }
      const { ticket: _ticket, ...rest } = signIn
      expect(await app.post(authenticationPath, { ...rest, ticket: bad })).toMatchObject(refused)
    }
  })
})

const base64urlOf = (text: string) => Buffer.from(text).toString('base64url')
