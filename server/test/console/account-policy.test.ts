import { describe, expect, it } from 'vitest'
import { defaultAccountPolicy } from '../../src/account-policy/account-policy.ts'
import { sql } from '../../src/core/database.ts'
import { startTestApp } from '../support/app.ts'
import { consoleOf } from '../support/console.ts'

const path = '/console/api/account-policy'
const document = '/console/api/sms/configuration'

describe('the account policy', () => {
  it('has a default for every field, and is set as a whole with an event', async () => {
    await using app = await startTestApp()
    const calls = await consoleOf(app)
    const wanted = { ...defaultAccountPolicy, passwordLevel: 'medium', phoneChangeDelayHours: 24 }

    const before = await calls.get(path)
    const put = await calls.put(path, wanted)

    expect(before.body).toEqual(defaultAccountPolicy)
    expect(put).toMatchObject({ status: 200, body: wanted })
    expect((await calls.get(path)).body).toEqual(wanted)
    const events = await app.db.query<{ detail: object }>(
      sql`select detail from audit_events where type = 'account_policy.changed'`,
    )
    expect(events).toMatchObject([{ detail: { what: 'accounts', name: 'policy', username: 'admin' } }])
  })

  it('is in force at once here, and within five seconds in another process', async () => {
    await using app = await startTestApp()
    const second = await app.secondProcess()
    const { poolId } = app.application
    const calls = await consoleOf(app)
    await Promise.all([app.app.accountPolicy.of(poolId), second.app.accountPolicy.of(poolId)])

    await calls.put(path, { ...defaultAccountPolicy, phoneProofDays: 0 })
    const here = await app.app.accountPolicy.of(poolId)
    app.clock.advance(5)
    const there = await second.app.accountPolicy.of(poolId)

    expect([here.phoneProofDays, there.phoneProofDays]).toEqual([0, 0])
  })

  it('is refused with every field that is missing, wrong or unknown, and stays as it was', async () => {
    await using app = await startTestApp()
    const calls = await consoleOf(app)
    const { verifyOldEmail: _, ...part } = defaultAccountPolicy

    const refused = await calls.put(path, {
      ...part,
      phoneChangeDelayHours: 0,
      passwordLevel: 'best',
      verifyOldPhone: 'yes',
      colour: 'blue',
    })

    expect(refused.status).toBe(400)
    expect(refused.body.data.errors.map(({ field }: { field: string }) => field).sort()).toEqual([
      'colour',
      'passwordLevel',
      'phoneChangeDelayHours',
      'verifyOldEmail',
      'verifyOldPhone',
    ])
    expect(refused.body.data.errors).toContainEqual({
      field: 'passwordLevel',
      message: 'must be one of: none, low, medium, high',
    })
    expect((await calls.get(path)).body).toEqual(defaultAccountPolicy)
  })

  it('is part of the configuration document, where what is absent has its default', async () => {
    await using app = await startTestApp()
    const calls = await consoleOf(app)

    const applied = await calls.put(document, { accounts: { passwordLevel: 'high', phoneProofDays: 90 } })
    const again = await calls.put(document, { accounts: { passwordLevel: 'high' } })
    const { body } = await calls.get(document)

    expect(applied.body.changes).toEqual([{ part: 'accounts', name: 'policy', change: 'changed' }])
    expect(again.body.changes).toEqual([{ part: 'accounts', name: 'policy', change: 'changed' }])
    expect(body.accounts).toEqual({ ...defaultAccountPolicy, passwordLevel: 'high' })
  })

  it('is nobody’s but an administrator’s', async () => {
    await using app = await startTestApp()
    const alice = await app.signUp()

    const read = await app.get(path, { token: alice.token })
    const written = await app.post(
      '/console/api/mail/test',
      { to: 'ada@example.com' },
      { token: alice.token },
    )

    expect([read.status, written.status]).toEqual([401, 401])
  })
})
