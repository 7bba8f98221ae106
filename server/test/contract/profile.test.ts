import sdk from 'authing-node-sdk'
import { describe, expect, it } from 'vitest'
import { type Person, startTestApp, type TestApp } from '../support/app.ts'

const clientOf = (app: TestApp, person: Person) => {
  const client = app.sdk()
  client.setAccessToken(person.token)
  return client
}

describe('the profile calls of the published SDK', () => {
  it('show the fields that the scope of the access token opens', async () => {
    await using app = await startTestApp()
    const bare = await app.signUp({ scope: 'openid' })
    const open = await app.signUp({ scope: 'openid profile phone' })
    await bare.bindPhone(await bare.receiveCode())
    await open.bindPhone(await open.receiveCode())

    const hidden = await clientOf(app, bare).getProfile({})
    const shown = await clientOf(app, open).getProfile({})

    expect(Object.keys(hidden.data).sort()).toEqual([
      'createdAt',
      'emailVerified',
      'gender',
      'phoneVerified',
      'status',
      'updatedAt',
      'userId',
      'userSourceType',
      'workStatus',
    ])
    expect(shown.data).toMatchObject({ username: open.username, phone: open.phone, loginsCount: 1 })
  })

  it('give custom data, identities and departments when they are asked for, and not otherwise', async () => {
    await using app = await startTestApp()
    const client = clientOf(app, await app.signUp())
    await client.updateProfile({ customData: { team: 'red' } })

    const plain = await client.getProfile({})
    const full = await client.getProfile({
      withCustomData: true,
      withIdentities: true,
      withDepartmentIds: true,
    })

    expect(plain.data).not.toHaveProperty('customData')
    expect(full.data).toMatchObject({ customData: { team: 'red' }, identities: [], departmentIds: [] })
  })

  it('change what is given, merge custom data and keep the rest', async () => {
    await using app = await startTestApp()
    const alice = await app.signUp()
    const client = clientOf(app, alice)
    await client.updateProfile({ nickname: 'Al', company: 'Acme', customData: { a: 1, b: { c: null } } })

    const gender = sdk.Models.UpdateUserProfileDto.gender.F
    const changed = await client.updateProfile({ nickname: '', gender, username: 'al', customData: { a: 2 } })

    expect(changed.data).toMatchObject({
      company: 'Acme',
      gender: 'F',
      username: 'al',
      customData: { a: 2, b: { c: null } },
    })
    expect(changed.data).not.toHaveProperty('nickname')
  })

  it('refuse a username and an external id that another user has', async () => {
    await using app = await startTestApp()
    const alice = await app.signUp({ username: 'alice' })
    const bob = await app.signUp()
    await clientOf(app, alice).updateProfile({ externalId: 'E-1' })

    const byName = await clientOf(app, bob).updateProfile({ username: 'ALICE' })
    const byId = await clientOf(app, bob).updateProfile({ externalId: 'E-1' })

    expect(byName).toMatchObject({ statusCode: 409, apiCode: 2034 })
    expect(byId).toMatchObject({ statusCode: 400, data: { errors: [{ field: 'externalId' }] } })
  })

  it('tell how well the account is protected, and better once a phone is bound', async () => {
    await using app = await startTestApp()
    const alice = await app.signUp({ password: 'abcdefgh' })
    const client = clientOf(app, alice)
    const protection = {
      passwordSecurityLevel: 1,
      mfaEnrolled: false,
      passwordSet: true,
      emailBinded: false,
      phoneBinded: false,
      securityScore: 40,
    }

    const before = await client.getSecurityLevel()
    await alice.bindPhone(await alice.receiveCode())
    const after = await client.getSecurityLevel()

    expect(before.data).toEqual(protection)
    expect(after.data).toEqual({ ...protection, phoneBinded: true, securityScore: 60 })
  })
})

describe('the public calls of the published SDK', () => {
  it('list the countries with their calling codes and names', async () => {
    await using app = await startTestApp()

    const { statusCode, data } = await app.sdk().getCountryList()

    expect(statusCode).toBe(200)
    expect(data).toContainEqual({
      alpha2: 'CN',
      alpha3: 'CHN',
      phoneCountryCode: '+86',
      flag: expect.any(String),
      name: expect.objectContaining({
        'en-US': { enabled: true, value: 'China' },
        'zh-CN': { enabled: true, value: '中国' },
      }),
    })
  })

  it('give the keys for encrypted passwords and the version, without an envelope', async () => {
    await using app = await startTestApp()

    const info = await app.sdk().getSystemInfo()

    expect(info).toEqual({
      rsa: { publicKey: expect.stringMatching(/^-----BEGIN PUBLIC KEY-----/) },
      sm2: { publicKey: expect.stringMatching(/^04[0-9a-f]{128}$/) },
      version: { server: expect.any(String), console: expect.any(String), login: expect.any(String) },
      publicIps: [],
    })
  })
})
