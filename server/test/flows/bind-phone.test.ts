import { describe, expect, it } from 'vitest'
import { otherCode, startTestApp } from '../support/app.ts'

describe('bind-phone', () => {
  it('binds a proved number to the signed-in account', async () => {
    await using app = await startTestApp()
    const alice = await app.signUp()
    const code = await alice.receiveCode()

    const bound = await alice.bindPhone(code)

    expect(bound).toMatchObject({ status: 200, statusCode: 200 })
    expect(bound.data).toBeUndefined()
    expect((await alice.profile()).data).toMatchObject({
      phone: alice.phone,
      phoneCountryCode: '+86',
      phoneVerified: true,
    })
  })

  it('refuses a wrong code and then takes the right one', async () => {
    await using app = await startTestApp()
    const alice = await app.signUp()
    const code = await alice.receiveCode()

    const wrong = await alice.bindPhone(otherCode(code))

    expect(wrong).toMatchObject({ status: 200, statusCode: 499, apiCode: 2001 })
    expect(await alice.bindPhone(code)).toMatchObject({ statusCode: 200 })
  })
})
