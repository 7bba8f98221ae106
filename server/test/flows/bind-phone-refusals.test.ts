import { describe, expect, it } from 'vitest'
import { type Person, startTestApp, type TestApp } from '../support/app.ts'

const phoneBoundEvents = async (app: TestApp, { userId }: Person) => {
  const events = await app.app.audit.eventsOf(app.application.poolId, userId)
  return events.filter(({ type }) => type === 'phone.bound')
}

describe('bind-phone refuses', () => {
  it.each([
    ['too short', { phoneNumber: '123' }, 'phoneNumber'],
    ['too long', { phoneNumber: '1881234567890123' }, 'phoneNumber'],
    ['no number', { phoneNumber: 'call me' }, 'phoneNumber'],
    ['empty', { phoneNumber: '' }, 'phoneNumber'],
    ['of no country', { phoneNumber: '18812345678', phoneCountryCode: '+999' }, 'phoneCountryCode'],
    ['of another country', { phoneNumber: '+14155550123', phoneCountryCode: '+86' }, 'phoneCountryCode'],
  ])('a number that is %s, naming the field', async (_what, number, field) => {
    await using app = await startTestApp()
    const { token } = await app.signUp()

    const refused = await app.post('/api/v3/bind-phone', { ...number, passCode: '123456' }, { token })

    expect(refused).toMatchObject({ status: 200, statusCode: 400, apiCode: 2028 })
    expect(refused.data.errors).toEqual([{ field, message: expect.any(String) }])
  })

  it('a body that does not match, naming every field', async () => {
    await using app = await startTestApp()
    const { token } = await app.signUp()

    const refused = await app.post('/api/v3/bind-phone', { phoneCountryCode: 86 }, { token })

    expect(refused).toMatchObject({ status: 200, statusCode: 400, apiCode: 8800012 })
    const fields = refused.data.errors.map((error: { field: string }) => error.field)
    expect(fields.sort()).toEqual(['passCode', 'phoneCountryCode', 'phoneNumber'])
  })

  it('what cannot be a code, and counts no attempt', async () => {
    await using app = await startTestApp()
    const alice = await app.signUp()
    const code = await alice.receiveCode()

    const replies = await Promise.all(
      ['12345', '1234567', 'abcdef', '', '12345६'].map((typed) => alice.bindPhone(typed)),
    )

    expect(replies.map(({ apiCode }) => apiCode)).toEqual(Array.from({ length: 5 }, () => 8800012))
    expect(await alice.bindPhone(code)).toMatchObject({ statusCode: 200 })
  })

  it('who is not signed in', async () => {
    await using app = await startTestApp()
    const body = { phoneNumber: '18812345678', passCode: '123456' }

    const replies = await Promise.all([
      app.post('/api/v3/bind-phone', body),
      app.post('/api/v3/bind-phone', body, { token: 'not.a.token' }),
      app.post('/api/v3/bind-phone', body, { headers: { authorization: 'Basic YTpi' } }),
    ])

    for (const reply of replies) expect(reply).toMatchObject({ status: 200, statusCode: 401, apiCode: 2020 })
  })

  it('an expired token (rule 25)', async () => {
    await using app = await startTestApp()
    const alice = await app.signUp()
    app.clock.advance(7201)

    const refused = await alice.bindPhone('123456')

    expect(refused).toMatchObject({ status: 200, statusCode: 401, apiCode: 2020 })
  })

  it('a token of another application (rule 25)', async () => {
    await using app = await startTestApp()
    const sibling = await app.otherApplication({ poolId: app.application.poolId })
    const { token, phone } = await app.signUp()

    const refused = await sibling.post(
      '/api/v3/bind-phone',
      { phoneNumber: phone, passCode: '123456' },
      { token },
    )

    expect(refused).toMatchObject({ statusCode: 401, apiCode: 2020 })
  })

  it('an ended session at once, and takes the same code after the next sign-in (rule 25)', async () => {
    await using app = await startTestApp()
    const alice = await app.signUp()
    const code = await alice.receiveCode()
    await alice.endSession()

    const refused = await alice.bindPhone(code)

    expect(refused).toMatchObject({ statusCode: 401, apiCode: 2020 })
    expect(await phoneBoundEvents(app, alice)).toEqual([])
    const token = (await alice.signIn()).data.access_token
    const bound = await app.post(
      '/api/v3/bind-phone',
      { phoneNumber: alice.phone, passCode: code },
      { token },
    )
    expect(bound).toMatchObject({ statusCode: 200 })
  })

  it('a disabled user, and takes the same code when the user is enabled again', async () => {
    await using app = await startTestApp()
    const alice = await app.signUp()
    const code = await alice.receiveCode()
    await alice.disable()

    const refused = await alice.bindPhone(code)

    expect(refused).toMatchObject({ statusCode: 403, apiCode: 2120008 })
    expect(await phoneBoundEvents(app, alice)).toEqual([])
    await app.app.users.setStatus(app.application.poolId, alice.userId, 'Activated')
    expect(await alice.bindPhone(code)).toMatchObject({ statusCode: 200 })
  })
})
