import { describe, expect } from 'vitest'
import { closeTable, contract } from '../support/contract.ts'

describe('the device calls of both SDKs', () => {
  contract('list the devices, sign one out and remove it', async ({ app, sdk }) => {
    const alice = await app.signUp()
    const client = sdk()
    client.setAccessToken(alice.token)
    await alice.signIn()

    const before = await client.list({})
    const deviceId = before.data[0]?.device.deviceId ?? ''
    const revoked = await client.revoke({ deviceId })
    const between = await client.list({ page: 1, limit: 50 })
    const unbound = await client.unbind({ deviceId })
    const after = await client.list({})

    expect(before.data.map(({ online }) => online)).toEqual([true, true])
    expect(revoked).toMatchObject({ statusCode: 200 })
    expect(between.data.map(({ online }) => online)).toEqual([false, true])
    expect(unbound).toMatchObject({ statusCode: 200 })
    expect(after.data).toHaveLength(1)
    expect(await client.unbind({ deviceId })).toMatchObject({ statusCode: 404, apiCode: 8800011 })
  })

  contract('list the applications and the sign-ins', async ({ app, sdk }) => {
    const { token, userId } = await app.signUp()
    const client = sdk()
    client.setAccessToken(token)

    const loggedIn = await client.getLoggedInApps()
    const accessible = await client.getAccessibleApps()
    const history = await client.getLoginHistory({ success: true, start: 1, end: Date.now() + 60_000 })
    const refused = await client.getLoginHistory({ success: false })

    const appId = app.application.id
    expect(loggedIn).toMatchObject({ statusCode: 200, data: [{ appId, active: true }] })
    expect(accessible).toMatchObject({ statusCode: 200, data: [{ appId, active: true }] })
    expect(history.data).toMatchObject({ totalCount: 1, list: [{ userId, appId, success: true }] })
    expect(refused.data).toMatchObject({ totalCount: 0, list: [] })
  })
})

closeTable('devices')
