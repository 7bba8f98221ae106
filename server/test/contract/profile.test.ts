import published from 'authing-node-sdk'
import { describe, expect } from 'vitest'
import type { Person } from '../support/app.ts'
import { closeTable, contract, type MakeClient } from '../support/contract.ts'

const clientOf = (sdk: MakeClient, person: Person) => {
  const client = sdk()
  client.setAccessToken(person.token)
  return client
}

describe('the profile calls of both SDKs', () => {
  contract('show the fields that the scope of the access token opens', async ({ app, sdk }) => {
    const bare = await app.signUp({ scope: 'openid' })
    const open = await app.signUp({ scope: 'openid profile phone' })
    await bare.bindPhone(await bare.receiveCode())
    await open.bindPhone(await open.receiveCode())

    const hidden = await clientOf(sdk, bare).getProfile({})
    const shown = await clientOf(sdk, open).getProfile({})

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

  contract(
    'give custom data, identities and departments when they are asked for, and not otherwise',
    async ({ app, sdk }) => {
      const client = clientOf(sdk, await app.signUp())
      await client.updateProfile({ customData: { team: 'red' } })

      const plain = await client.getProfile({})
      const full = await client.getProfile({
        withCustomData: true,
        withIdentities: true,
        withDepartmentIds: true,
      })

      expect(plain.data).not.toHaveProperty('customData')
      expect(full.data).toMatchObject({ customData: { team: 'red' }, identities: [], departmentIds: [] })
    },
  )

  contract('change what is given, merge custom data and keep the rest', async ({ app, sdk }) => {
    const alice = await app.signUp()
    const client = clientOf(sdk, alice)
    await client.updateProfile({ nickname: 'Al', company: 'Acme', customData: { a: 1, b: { c: null } } })

    const gender = published.Models.UpdateUserProfileDto.gender.F
    const changed = await client.updateProfile({ nickname: '', gender, username: 'al', customData: { a: 2 } })

    expect(changed.data).toMatchObject({
      company: 'Acme',
      gender: 'F',
      username: 'al',
      customData: { a: 2, b: { c: null } },
    })
    expect(changed.data).not.toHaveProperty('nickname')
  })

  contract('refuse a username and an external id that another user has', async ({ app, sdk }) => {
    const alice = await app.signUp({ username: 'alice' })
    const bob = await app.signUp()
    await clientOf(sdk, alice).updateProfile({ externalId: 'E-1' })

    const byName = await clientOf(sdk, bob).updateProfile({ username: 'ALICE' })
    const byId = await clientOf(sdk, bob).updateProfile({ externalId: 'E-1' })

    expect(byName).toMatchObject({ statusCode: 409, apiCode: 2034 })
    expect(byId).toMatchObject({ statusCode: 400, data: { errors: [{ field: 'externalId' }] } })
  })

  contract(
    'tell how well the account is protected, and better once a phone is bound',
    async ({ app, sdk }) => {
      const alice = await app.signUp({ password: 'abcdefgh' })
      const client = clientOf(sdk, alice)
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
    },
  )
})

describe('the lists of both SDKs', () => {
  contract('of what a user belongs to are empty, each in its own shape', async ({ app, sdk }) => {
    const client = clientOf(sdk, await app.signUp())

    const plain = [
      await client.getIdentities(),
      await client.getTenantList(),
      await client.getGroupList(),
      await client.getRoleList({ namespace: 'default' }),
    ]
    const counted = [
      await client.getDepartmentList({ withCustomData: true }),
      await client.getAuthorizedResources({ namespace: 'default', resourceType: 'API' }),
    ]

    expect(plain).toMatchObject(plain.map(() => ({ statusCode: 200, data: [] })))
    expect(counted).toMatchObject(counted.map(() => ({ statusCode: 200, data: { totalCount: 0, list: [] } })))
  })
})

describe('the public calls of both SDKs', () => {
  contract('list the countries with their calling codes and names', async ({ sdk }) => {
    const { statusCode, data } = await sdk().getCountryList()

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

  contract('give the keys for encrypted passwords and the version, without an envelope', async ({ sdk }) => {
    const info = await sdk().getSystemInfo()

    expect(info).toEqual({
      rsa: { publicKey: expect.stringMatching(/^-----BEGIN PUBLIC KEY-----/) },
      sm2: { publicKey: expect.stringMatching(/^04[0-9a-f]{128}$/) },
      version: { server: expect.any(String), console: expect.any(String), login: expect.any(String) },
      publicIps: [],
    })
  })
})

closeTable('profile')
