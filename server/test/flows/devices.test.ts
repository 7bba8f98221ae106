import { describe, expect, it } from 'vitest'
import { type Person, startTestApp, type TestApp } from '../support/app.ts'
import { atOnce, tally } from '../support/replies.ts'

const firefoxOnLinux = 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0'
const safariOnPhone =
  'Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Mobile/15E148 Safari/604.1'
const chromeOnWindows =
  'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/138.0.0.0 Safari/537.36'
const edgeOnMac =
  'Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/138.0.0.0 Safari/537.36 Edg/138.0.0.0'
const weChatOnAndroid =
  'Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0 Chrome/126.0.0.0 Mobile Safari/537.36 MicroMessenger/8.0.50'

type Calls = Pick<TestApp, 'post' | 'get' | 'application'>

const signIn = async (app: Calls, person: Person, given: { userAgent?: string; scope?: string } = {}) => {
  const { data } = await app.post(
    '/api/v3/signin',
    {
      connection: 'PASSWORD',
      passwordPayload: { username: person.username, password: person.password },
      options: { scope: given.scope },
      client_secret: app.application.secret.reveal(),
    },
    { headers: given.userAgent === undefined ? {} : { 'user-agent': given.userAgent } },
  )
  return { token: data.access_token as string, refreshToken: data.refresh_token as string | undefined }
}

const sessionOf = ({ token }: { token: string }): string =>
  JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()).sid

const devicesOf = async (app: Calls, { token }: { token: string }, query = '') =>
  (await app.get(`/api/v3/mydevices/list${query}`, { token })).data

const ended = { statusCode: 401, apiCode: 2020 }

describe('the list of devices', () => {
  it('has every session of the user, the newest first, and of nobody else', async () => {
    await using app = await startTestApp()
    const [alice, bob] = [await app.signUp(), await app.signUp()]
    const second = await signIn(app, alice, { userAgent: firefoxOnLinux })

    const devices = await devicesOf(app, alice)

    expect(devices).toEqual([
      {
        device: {
          deviceId: sessionOf(second),
          type: 'Browser',
          name: 'Firefox on Linux',
          os: 'Linux',
          status: 'activated',
          userAgent: firefoxOnLinux,
        },
        lastLoginTime: expect.stringMatching(/Z$/),
        lastIp: '127.0.0.1',
        online: true,
      },
      expect.objectContaining({ device: expect.objectContaining({ deviceId: sessionOf(alice) }) }),
    ])
    expect(await devicesOf(app, bob)).toHaveLength(1)
  })

  it.each([
    [safariOnPhone, { type: 'Browser', name: 'Safari on iOS', os: 'iOS', version: '18.5' }],
    [chromeOnWindows, { type: 'Browser', name: 'Chrome on Windows', os: 'Windows' }],
    [edgeOnMac, { type: 'Browser', name: 'Edge on macOS', os: 'macOS' }],
    [weChatOnAndroid, { type: 'Browser', name: 'WeChat on Android', os: 'Android', version: '14' }],
    ['okhttp/4.12.0', { type: 'Mobile' }],
    ['a program of its own', { type: 'Desktop' }],
  ])('tells of %s what it says, and nothing more', async (userAgent, told) => {
    await using app = await startTestApp()
    const alice = await app.signUp()
    const there = await signIn(app, alice, { userAgent })

    const [newest] = await devicesOf(app, alice)

    expect(newest.device).toEqual({ deviceId: sessionOf(there), ...told, status: 'activated', userAgent })
  })

  it('comes in pages', async () => {
    await using app = await startTestApp()
    const alice = await app.signUp()
    const [second, third] = [await signIn(app, alice), await signIn(app, alice)]
    const idsOf = async (query: string) =>
      (await devicesOf(app, alice, query)).map(
        ({ device }: { device: { deviceId: string } }) => device.deviceId,
      )

    expect(await idsOf('?page=1&limit=2')).toEqual([sessionOf(third), sessionOf(second)])
    expect(await idsOf('?page=2&limit=2')).toEqual([sessionOf(alice)])
    expect(await idsOf('?page=3&limit=2')).toEqual([])
  })

  it.each(['page=0', 'page=x', 'limit=51', 'limit=-1', 'limit=1e1'])('refuses %s', async (query) => {
    await using app = await startTestApp()
    const { token } = await app.signUp()

    const refused = await app.get(`/api/v3/mydevices/list?${query}`, { token })

    expect(refused).toMatchObject({
      apiCode: 8800012,
      data: { errors: [{ field: query.split('=')[0] }] },
    })
  })

  it('shows a session that ran out as offline', async () => {
    await using app = await startTestApp()
    const alice = await app.signUp()
    app.clock.advance(7201)
    const now = await signIn(app, alice)

    const devices = await devicesOf(app, now)

    expect(devices.map(({ online }: { online: boolean }) => online)).toEqual([true, false])
  })
})

describe('ending the session of a device', () => {
  it('refuses all of its tokens at once, and leaves it on the list offline (rule 25)', async () => {
    await using app = await startTestApp()
    const alice = await app.signUp()
    const lost = await signIn(app, alice, { scope: 'openid offline_access' })
    const deviceId = sessionOf(lost)

    const revoked = await app.post('/api/v3/mydevices/revoke-session', { deviceId }, { token: alice.token })

    expect(revoked).toMatchObject({ status: 200, statusCode: 200 })
    expect(await app.get('/api/v3/get-profile', lost)).toMatchObject(ended)
    await expect(app.sdk().getNewAccessTokenByRefreshToken(lost.refreshToken ?? '')).rejects.toMatchObject({
      response: { status: 400, data: { error: 'invalid_grant' } },
    })
    const [shown] = await devicesOf(app, alice)
    expect(shown).toMatchObject({ device: { deviceId, status: 'deactivated' }, online: false })
    expect((await alice.profile()).statusCode).toBe(200)
  })

  it('and unbinding it takes it off the list too, also after it has ended', async () => {
    await using app = await startTestApp()
    const alice = await app.signUp()
    const [lost, old] = [await signIn(app, alice), await signIn(app, alice)]
    const post = (call: string, deviceId: string) =>
      app.post(`/api/v3/mydevices/${call}`, { deviceId }, { token: alice.token })
    await post('revoke-session', sessionOf(old))

    const unbound = [await post('unbind', sessionOf(lost)), await post('unbind', sessionOf(old))]

    expect(unbound.map(({ statusCode }) => statusCode)).toEqual([200, 200])
    expect(await app.get('/api/v3/get-profile', lost)).toMatchObject(ended)
    expect(await devicesOf(app, alice)).toMatchObject([{ device: { deviceId: sessionOf(alice) } }])
  })

  it('may be the session that calls', async () => {
    await using app = await startTestApp()
    const alice = await app.signUp()

    const revoked = await app.post(
      '/api/v3/mydevices/revoke-session',
      { deviceId: sessionOf(alice) },
      { token: alice.token },
    )

    expect(revoked.statusCode).toBe(200)
    expect(await alice.profile()).toMatchObject(ended)
  })

  it('is written to the audit log once, however often it is asked for', async () => {
    await using app = await startTestApp()
    const alice = await app.signUp()
    const lost = await signIn(app, alice)
    const revoke = () =>
      app.post('/api/v3/mydevices/revoke-session', { deviceId: sessionOf(lost) }, { token: alice.token })

    const replies = await atOnce(5, revoke)

    expect(tally(replies)).toEqual({ 200: 5 })
    const events = await app.app.audit.eventsOf(app.application.poolId, alice.userId)
    expect(events.filter(({ type }) => type === 'session.ended')).toMatchObject([
      { ip: '127.0.0.1', detail: { reason: 'device_signed_out' } },
    ])
  })

  it.each(['unbind', 'revoke-session'])('by %s is refused for what is not the own', async (call) => {
    await using app = await startTestApp()
    const [alice, mallory] = [await app.signUp(), await app.signUp()]
    const post = (deviceId: string) =>
      app.post(`/api/v3/mydevices/${call}`, { deviceId }, { token: mallory.token })

    const replies = [
      await post(sessionOf(alice)),
      await post('00000000-0000-7000-8000-000000000000'),
      await post("' or true --"),
    ]

    expect(tally(replies)).toEqual({ 8800011: 3 })
    expect((await alice.profile()).statusCode).toBe(200)
  })
})

describe('the applications of a user', () => {
  it('are those of the pool, and those that are signed in', async () => {
    await using app = await startTestApp()
    const shop = await app.otherApplication({ poolId: app.application.poolId, name: 'Shop' })
    const club = await app.otherApplication({ poolId: app.application.poolId, name: 'Club' })
    await app.otherApplication({ name: 'Of another pool' })
    const alice = await app.signUp()
    await signIn(shop, alice)

    const loggedIn = await app.get('/api/v3/get-my-logged-in-apps', { token: alice.token })
    const accessible = await app.get('/api/v3/get-my-accessible-apps', { token: alice.token })

    const shown = ({ application }: Calls, active: boolean) => ({
      appId: application.id,
      appName: application.name,
      appLoginUrl: '',
      appLogo: '',
      active,
    })
    expect(loggedIn.data).toEqual([shown(app, true), shown(shop, true)])
    expect(accessible.data).toEqual([shown(app, true), shown(shop, true), shown(club, false)])
  })
})

describe('the sign-ins of a user', () => {
  const historyOf = async (app: Calls, { token }: { token: string }, query = '') =>
    app.get(`/api/v3/get-my-login-history${query}`, { token })

  const fail = (app: Calls, person: Person) =>
    app.post('/api/v3/signin', {
      connection: 'PASSWORD',
      passwordPayload: { username: person.username, password: 'wrong' },
      client_secret: app.application.secret.reveal(),
    })

  it('are listed with those that were refused, the newest first', async () => {
    await using app = await startTestApp()
    const alice = await app.signUp()
    await fail(app, alice)
    const there = await signIn(app, alice, { userAgent: safariOnPhone })

    const { data } = await historyOf(app, there)

    const { id: appId, name: appName } = app.application
    const common = {
      userId: alice.userId,
      appId,
      appName,
      appLoginUrl: '',
      appLogo: '',
      loginMethod: 'password',
    }
    expect(data.totalCount).toBe(3)
    expect(data.list).toMatchObject([
      {
        ...common,
        success: true,
        clientIp: '127.0.0.1',
        userAgent: safariOnPhone,
        parsedUserAgent: { device: 'Mobile', name: 'Safari', os: 'iOS' },
        loginAt: expect.stringMatching(/Z$/),
      },
      { ...common, success: false, errorMessage: expect.stringMatching(/./) },
      { ...common, success: true },
    ])
    expect(data.list[0]).not.toHaveProperty('errorMessage')
    expect(data.list[0]).not.toHaveProperty('geoip')
  })

  it('are found by application, address, outcome and time, and come in pages', async () => {
    await using app = await startTestApp()
    const shop = await app.otherApplication({ poolId: app.application.poolId })
    const alice = await app.signUp()
    await fail(app, alice)
    app.clock.advance(3600)
    const between = app.clock.now().getTime() - 1800_000
    const late = await signIn(shop, alice)
    const countOf = async (query: string) => {
      const { data } = await historyOf(shop, late, query)
      return [data.totalCount, data.list.length]
    }

    expect(await countOf('')).toEqual([3, 3])
    expect(await countOf(`?appId=${app.application.id}`)).toEqual([2, 2])
    expect(await countOf('?success=false')).toEqual([1, 1])
    expect(await countOf('?success=True')).toEqual([2, 2])
    expect(await countOf('?clientIp=192.0.2.1')).toEqual([0, 0])
    expect(await countOf(`?start=${between}`)).toEqual([1, 1])
    expect(await countOf(`?end=${between}`)).toEqual([2, 2])
    expect(await countOf('?page=2&limit=2')).toEqual([3, 1])
  })

  it.each(['success=maybe', 'start=yesterday', 'end=-1', 'limit=51'])('refuses %s', async (query) => {
    await using app = await startTestApp()
    const alice = await app.signUp()

    const refused = await historyOf(app, alice, `?${query}`)

    expect(refused).toMatchObject({ apiCode: 8800012, data: { errors: [{ field: query.split('=')[0] }] } })
  })

  it('are shown to nobody else', async () => {
    await using app = await startTestApp()
    const [alice, bob] = [await app.signUp(), await app.signUp()]
    await fail(app, alice)

    const { data } = await historyOf(app, bob)

    expect(data).toMatchObject({ totalCount: 1, list: [{ userId: bob.userId, success: true }] })
  })
})
