import { describe, expect, it } from 'vitest'
import { startTestApp } from '../support/app.ts'

describe('the lists of what a user belongs to, through the published SDK', () => {
  it('are empty, each in its own shape', async () => {
    await using app = await startTestApp()
    const client = app.sdk()
    client.setAccessToken((await app.signUp()).token)

    const plain = await Promise.all([
      client.getIdentities(),
      client.getTenantList(),
      client.getGroupList(),
      client.getRoleList({}),
      client.getRoleList({ namespace: 'default' }),
    ])
    const counted = await Promise.all([
      client.getDepartmentList({}),
      client.getAuthorizedResources({}),
      client.getAuthorizedResources({ namespace: 'default', resourceType: 'API' }),
    ])

    const shape = { statusCode: 200, requestId: expect.any(String) }
    expect(plain).toMatchObject(plain.map(() => ({ ...shape, data: [] })))
    expect(counted).toMatchObject(counted.map(() => ({ ...shape, data: { totalCount: 0, list: [] } })))
  })

  it('refuse a page that cannot be, and who is not signed in', async () => {
    await using app = await startTestApp()
    const client = app.sdk()

    const stranger = await client.getGroupList()
    client.setAccessToken((await app.signUp()).token)
    const tooLong = await client.getDepartmentList({ limit: 51 })

    expect(stranger).toMatchObject({ statusCode: 401, apiCode: 2020 })
    expect(tooLong).toMatchObject({ statusCode: 400, apiCode: 8800012 })
  })
})
