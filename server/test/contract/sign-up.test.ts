import published from 'authing-node-sdk'
import { describe, expect } from 'vitest'
import { newPhone } from '../support/app.ts'
import { closeTable, contract } from '../support/contract.ts'

const password = 'correct horse battery'

describe('sign-up with both SDKs', () => {
  contract('makes a user of an email address and a password, and gives no tokens', async ({ sdk }) => {
    const made = await sdk().signUpByEmailPassword({ email: 'Ada@Example.com', password })

    expect(made).toMatchObject({ statusCode: 200, requestId: expect.any(String) })
    expect(made.data).toMatchObject({ email: 'ada@example.com', emailVerified: false, status: 'Activated' })
    expect(made).not.toHaveProperty('data.access_token')
  })

  contract('makes a user of a username and a password', async ({ sdk }) => {
    const made = await sdk().signUpByUsernamePassword({ username: 'ada', password })

    expect(made).toMatchObject({ statusCode: 200, data: { username: 'ada', userSourceType: 'register' } })
  })

  contract('makes a user by the raw call', async ({ sdk }) => {
    const { connection } = published.Models.SignUpDto

    const made = await sdk().signUp({
      connection: connection.PASSWORD,
      passwordPayload: { username: 'ada', password },
    })

    expect(made).toMatchObject({ statusCode: 200, data: { username: 'ada' } })
  })

  contract('makes a user of an email address and its code', async ({ app, sdk }) => {
    await app.sendEmail('CHANNEL_REGISTER', 'ada@example.com')
    const passCode = await app.lastCode('ada@example.com')

    const made = await sdk().signUpByEmailCode({ email: 'ada@example.com', passCode })

    expect(made).toMatchObject({ statusCode: 200, data: { email: 'ada@example.com', emailVerified: true } })
  })

  contract('makes a user of a phone and its code', async ({ app, sdk }) => {
    const phone = newPhone()
    await app.sendSms('CHANNEL_REGISTER', phone)
    const passCode = await app.lastCode(phone)

    const made = await sdk().signUpByPhoneCode({ phone, phoneCountryCode: '+86', passCode })

    expect(made).toMatchObject({
      statusCode: 200,
      data: { phone, phoneCountryCode: '+86', phoneVerified: true, emailVerified: false },
    })
  })

  contract('takes a profile, a password and a second proved address along', async ({ app, sdk }) => {
    const phone = newPhone()
    await app.sendSms('CHANNEL_REGISTER', phone)
    await app.sendEmail('CHANNEL_COMPLETE_EMAIL', 'ada@example.com')
    const profile = { nickname: 'Ada', givenName: 'Augusta', gender: 'F', customData: { team: null, n: 1 } }

    const made = await sdk().signUpByPhoneCode({
      phone,
      passCode: await app.lastCode(phone),
      profile: { ...profile, email: 'ada@example.com' } as never,
      options: {
        passwordForPhonePassCode: password,
        emailPassCodeForInformationCompletion: await app.lastCode('ada@example.com'),
        clientIp: '203.0.113.9',
        context: { from: 'a test' },
      },
    })

    expect(made.data).toMatchObject({ ...profile, phone, email: 'ada@example.com', emailVerified: true })
    const signedIn = await sdk().signInByEmailPassword({ email: 'ada@example.com', password })
    expect(signedIn.statusCode).toBe(200)
  })

  contract('takes no second address whose code is missing or wrong', async ({ sdk }) => {
    const profile = { email: 'ada@example.com' }
    const ada = { username: 'ada', password, profile: profile as never }

    const unproved = await sdk().signUpByUsernamePassword(ada)
    const guessed = await sdk().signUpByUsernamePassword({
      ...ada,
      options: { emailPassCodeForInformationCompletion: '000000', context: undefined },
    })

    expect(unproved).toMatchObject({
      statusCode: 400,
      data: { errors: [{ field: 'options.emailPassCodeForInformationCompletion' }] },
    })
    expect(guessed).toMatchObject({ statusCode: 499, apiCode: 2001 })
    expect((await sdk().signUpByUsernamePassword({ username: 'ada', password })).statusCode).toBe(200)
  })
})

closeTable('sign-up')
