import { describe, expect, it } from 'vitest'
import { newPhone, otherCode, type Person, startTestApp, type TestApp } from '../support/app.ts'
import {
  bindEmail,
  emailCode,
  emailOf,
  proofsOfChange,
  requestChange,
  updateEmail,
} from '../support/email.ts'
import { linkTo, pressButton } from '../support/notices.ts'
import { personWithUnprovedEmail } from '../support/passwords.ts'
import { signInByPhone } from '../support/phone-changes.ts'
import { atOnce, collide, tally } from '../support/replies.ts'

const ada = 'ada@example.com'
const countess = 'countess@example.com'
const wrongCode = { statusCode: 499, apiCode: 2001 }
const invalidToken = { statusCode: 403, apiCode: 1020020 }

/** A user with an address, and the token that would change it. */
const readyToChange = async (app: TestApp, person: Person) => {
  await bindEmail(app, person, ada)
  const { data } = await requestChange(
    app,
    person,
    await proofsOfChange(app, person, { from: ada, to: countess }),
  )
  return data.updateEmailToken as string
}

describe('the token of a change', () => {
  it('works once', async () => {
    await using app = await startTestApp()
    const alice = await app.signUp()
    const token = await readyToChange(app, alice)
    await updateEmail(app, alice, token)

    const again = await updateEmail(app, alice, token)

    expect(again).toMatchObject(invalidToken)
  })

  it('works once also when it is spent many times at once', async () => {
    await using app = await startTestApp()
    const alice = await app.signUp()
    const token = await readyToChange(app, alice)

    const replies = await atOnce(10, () => updateEmail(app, alice, token))

    expect(tally(replies)).toEqual({ 200: 1, 1020020: 9 })
  })

  it('is of no use to another user', async () => {
    await using app = await startTestApp()
    const [alice, mallory] = [await app.signUp(), await app.signUp()]
    const token = await readyToChange(app, alice)

    const stolen = await updateEmail(app, mallory, token)

    expect(stolen).toMatchObject(invalidToken)
    expect(await emailOf(app, mallory)).toBeUndefined()
    expect(await updateEmail(app, alice, token)).toMatchObject({ statusCode: 200 })
  })

  it('is of no use to another session of the same user, also of another application', async () => {
    await using app = await startTestApp()
    const sibling = await app.otherApplication({ poolId: app.application.poolId })
    const alice = await app.signUp()
    const token = await readyToChange(app, alice)
    const elsewhere = await sibling.post('/api/v3/signin', {
      connection: 'PASSWORD',
      passwordPayload: { username: alice.username, password: alice.password },
      client_secret: sibling.application.secret.reveal(),
    })
    const { data } = await alice.signIn()

    expect(await updateEmail(app, { token: data.access_token }, token)).toMatchObject(invalidToken)
    const byOther = await updateEmail(sibling, { token: elsewhere.data.access_token }, token)
    expect(byOther).toMatchObject(invalidToken)
  })

  it('is of no use once the address is another one', async () => {
    await using app = await startTestApp()
    const alice = await app.signUp()
    const first = await readyToChange(app, alice)
    app.clock.advance(30)
    const payload = {
      newEmail: 'third@example.com',
      newEmailPassCode: await emailCode(app, alice, {
        to: 'third@example.com',
        channel: 'CHANNEL_UPDATE_EMAIL',
      }),
      oldEmailPassCode: await emailCode(app, alice, { to: ada, channel: 'CHANNEL_UNBIND_EMAIL' }),
    }
    const second = (await requestChange(app, alice, payload)).data.updateEmailToken
    await updateEmail(app, alice, second)

    const late = await updateEmail(app, alice, first)

    expect(late).toMatchObject(invalidToken)
    expect(await emailOf(app, alice)).toBe('third@example.com')
  })

  it('changes nothing after its session ended', async () => {
    await using app = await startTestApp()
    const alice = await app.signUp()
    const token = await readyToChange(app, alice)
    await alice.endSession()

    expect(await updateEmail(app, alice, token)).toMatchObject({ statusCode: 401, apiCode: 2020 })
  })
})

describe('a code for an address', () => {
  it.each(['CHANNEL_LOGIN', 'CHANNEL_REGISTER', 'CHANNEL_VERIFY_MFA', 'CHANNEL_DELETE_ACCOUNT'])(
    'of %s neither binds, changes nor unbinds it (rule 6)',
    async (channel) => {
      await using app = await startTestApp()
      const [alice, bob] = [await app.signUp(), await app.signUp()]
      await bindEmail(app, alice, ada)
      app.clock.advance(61)
      const passCode = await emailCode(app, alice, { to: ada, channel })
      const post = (path: string, body: object, { token }: Person) => app.post(path, body, { token })

      expect(await post('/api/v3/bind-email', { email: ada, passCode }, bob)).toMatchObject(wrongCode)
      expect(await post('/api/v3/unbind-email', { passCode }, alice)).toMatchObject(wrongCode)
      const payload = { newEmail: countess, newEmailPassCode: passCode, oldEmailPassCode: passCode }
      expect(await requestChange(app, alice, payload)).toMatchObject(wrongCode)
    },
  )

  it('that was sent for one user binds it to no other (rule 6)', async () => {
    await using app = await startTestApp()
    const [alice, mallory] = [await app.signUp(), await app.signUp()]
    const passCode = await emailCode(app, alice, { to: ada, channel: 'CHANNEL_BIND_EMAIL' })

    const stolen = await app.post('/api/v3/bind-email', { email: ada, passCode }, { token: mallory.token })

    expect(stolen).toMatchObject(wrongCode)
  })

  it('that one application sent binds it in no other (rule 6)', async () => {
    await using app = await startTestApp()
    const sibling = await app.otherApplication({ poolId: app.application.poolId })
    const bob = await sibling.signUp()
    await app.sendEmail('CHANNEL_BIND_EMAIL', ada)
    const passCode = await app.lastCode(ada)

    const carried = await sibling.post('/api/v3/bind-email', { email: ada, passCode }, { token: bob.token })

    expect(carried).toMatchObject(wrongCode)
  })

  it('proves the new one, and never the old one with it (rule 14)', async () => {
    await using app = await startTestApp()
    const alice = await app.signUp()
    await bindEmail(app, alice, ada)
    const code = await emailCode(app, alice, { to: countess, channel: 'CHANNEL_UPDATE_EMAIL' })

    const refused = await requestChange(app, alice, {
      newEmail: countess,
      newEmailPassCode: code,
      oldEmail: ada,
      oldEmailPassCode: code,
    })

    expect(refused).toMatchObject(wrongCode)
  })

  it('binds once when it is given many times at once (rule 5)', async () => {
    await using app = await startTestApp()
    const alice = await app.signUp()
    const passCode = await emailCode(app, alice, { to: ada, channel: 'CHANNEL_BIND_EMAIL' })

    const replies = await collide(app, { on: 'passcodes', waiting: 10 }, () =>
      atOnce(10, () => app.post('/api/v3/bind-email', { email: ada, passCode }, { token: alice.token })),
    )

    const { 200: bound, 2001: wrong = 0, 8800003: hasEmail = 0 } = tally(replies)
    expect({ bound, refused: wrong + hasEmail }).toEqual({ bound: 1, refused: 9 })
  })

  it('is guessed five times and no more, by whichever call, at once (rules 5 and 7)', async () => {
    await using app = await startTestApp()
    const alice = await app.signUp()
    await bindEmail(app, alice, ada)
    const payload = await proofsOfChange(app, alice, { from: ada, to: countess })
    const guess = (step: number) =>
      requestChange(app, alice, {
        ...payload,
        oldEmailPassCode: otherCode(payload.oldEmailPassCode, step + 1),
      })

    const replies = await atOnce(20, guess)

    expect(tally(replies)).toEqual({ 2001: 5, 8800001: 15 })
    expect(await requestChange(app, alice, payload)).toMatchObject({ statusCode: 429, apiCode: 8800001 })
  })
})

describe('a race', () => {
  it('of two users for one address has one winner (rules 13 and 17)', async () => {
    await using app = await startTestApp()
    const users = [await app.signUp(), await app.signUp()]
    const bids: (() => ReturnType<TestApp['post']>)[] = []
    for (const { token } of users) {
      const passCode = await emailCode(app, { token }, { to: ada, channel: 'CHANNEL_BIND_EMAIL' })
      bids.push(() => app.post('/api/v3/bind-email', { email: ada, passCode }, { token }))
    }

    const replies = await collide(app, { on: 'passcodes', waiting: 2 }, () =>
      Promise.all(bids.map((bid) => bid())),
    )

    expect(tally(replies)).toEqual({ 200: 1, 1320004: 1 })
  })

  it('of two changes whose codes cross ends without a fault', async () => {
    await using app = await startTestApp()
    const [alice, bob] = [await app.signUp(), await app.signUp()]
    await bindEmail(app, alice, ada)
    await bindEmail(app, bob, countess)
    const ofAlice = await proofsOfChange(app, alice, { from: ada, to: countess })
    const ofBob = await proofsOfChange(app, bob, { from: countess, to: ada })

    const replies = await collide(app, { on: 'passcodes', waiting: 2 }, () =>
      Promise.all([requestChange(app, alice, ofAlice), requestChange(app, bob, ofBob)]),
    )

    expect(tally(replies)).toEqual({ 1320004: 2 })
  })

  it('of unbinding the phone and the address leaves one of the two to sign in with (rule 16)', async () => {
    await using app = await startTestApp()
    const phone = '18800000042'
    await app.sendSms('CHANNEL_LOGIN', phone)
    const { data } = await app.post('/api/v3/signin', {
      connection: 'PASSCODE',
      passCodePayload: { phone, passCode: await app.lastCode(phone) },
      options: { autoRegister: true },
      client_secret: app.application.secret.reveal(),
    })
    const person = { token: data.access_token as string }
    await bindEmail(app, person, ada)
    await app.sendSms('CHANNEL_UNBIND_PHONE', phone, person)
    const ofPhone = { passCode: await app.lastCode(phone) }
    const ofEmail = { passCode: await emailCode(app, person, { to: ada, channel: 'CHANNEL_UNBIND_EMAIL' }) }

    const replies = await collide(app, { on: 'passcodes', waiting: 2 }, () =>
      Promise.all([
        app.post('/api/v3/unbind-phone', ofPhone, person),
        app.post('/api/v3/unbind-email', ofEmail, person),
      ]),
    )

    expect(tally(replies)).toEqual({ 200: 1, 2217: 1 })
  })
})

describe('a stolen session', () => {
  it('takes the address neither away nor over without a code of it (rule 14)', async () => {
    await using app = await startTestApp()
    const alice = await app.signUp()
    await bindEmail(app, alice, ada)
    const stolen = { token: (await alice.signIn()).data.access_token as string }
    const own = await emailCode(app, stolen, {
      to: 'mallory@example.com',
      channel: 'CHANNEL_UPDATE_EMAIL',
    })

    const over = await requestChange(app, stolen, {
      newEmail: 'mallory@example.com',
      newEmailPassCode: own,
    })
    const away = await app.post('/api/v3/unbind-email', { passCode: own }, stolen)
    const second = await bindEmail(app, stolen, 'mallory@example.com')

    expect(over).toMatchObject({ statusCode: 403, apiCode: 2227 })
    expect(away).toMatchObject(wrongCode)
    expect(second).toMatchObject({ statusCode: 409, apiCode: 8800003 })
    expect(await emailOf(app, alice)).toBe(ada)
  })

  it('of which the change was noticed is of no use when the owner undid it (rule 15)', async () => {
    await using app = await startTestApp()
    const alice = await app.signUp()
    await alice.bindPhone(await alice.receiveCode())
    await bindEmail(app, alice, 'mallory@example.com')
    app.clock.advance(61)
    const payload = await proofsOfChange(app, alice, { from: 'mallory@example.com', to: countess })
    const { data } = await requestChange(app, alice, payload)
    await updateEmail(app, alice, data.updateEmailToken)
    const notices = await app.readInbox(`+86${alice.phone}`)
    const bound = notices.find(({ channel }) => channel === 'NOTICE_EMAIL_BOUND')
    const [link] = /\/account\/undo\/[\w-]+/.exec(bound?.text ?? '') ?? []

    const undone = await fetch(`${app.url}${link}`, { method: 'POST' })

    expect(undone.status).toBe(200)
    const row = await app.app.users.get(app.application.poolId, alice.userId)
    // What came after the bind went with it: who took an account over may have changed the address twice.
    expect(row).toMatchObject({ email: null, email_verified: false })
    expect(await alice.profile()).toMatchObject({ statusCode: 401, apiCode: 2020 })
  })
})

describe('undoing a change of the address', () => {
  const linkOf = async (app: TestApp, to: string, kind: string) => {
    const notice = (await app.readInbox(to)).find(({ channel }) => channel === `NOTICE_${kind}`)
    const [path] = /\/account\/undo\/[\w-]+/.exec(notice?.text ?? '') ?? []
    return `${app.url}${path}`
  }
  const change = async (app: TestApp, person: Person) =>
    updateEmail(app, person, await readyToChange(app, person))
  const rowOf = (app: TestApp, { userId }: Person) => app.app.users.get(app.application.poolId, userId)

  it('puts the old one back, verified, by the link that was sent there', async () => {
    await using app = await startTestApp()
    const alice = await app.signUp()
    await change(app, alice)

    await fetch(await linkOf(app, ada, 'EMAIL_CHANGED'), { method: 'POST' })

    expect(await rowOf(app, alice)).toMatchObject({ email: ada, email_verified: true })
  })

  it('puts back no more than there was: an address that nobody had proved stays unproved', async () => {
    await using app = await startTestApp()
    const password = 'correct horse battery'
    const mallory = { ...(await personWithUnprovedEmail(app, ada, password)), phone: newPhone() }
    await app.sendSms('CHANNEL_BIND_PHONE', mallory.phone, { token: mallory.token })
    const passCode = await app.lastCode(mallory.phone)
    await app.post('/api/v3/bind-phone', { phoneNumber: mallory.phone, passCode }, { token: mallory.token })
    // So long that the phone vouches for the address.
    app.clock.advance(8 * 86_400)
    const signedIn = { token: await signInByPhone(app, mallory.phone) }
    const newEmailPassCode = await emailCode(app, signedIn, { to: countess, channel: 'CHANNEL_UPDATE_EMAIL' })
    const { data } = await requestChange(app, signedIn, { newEmail: countess, newEmailPassCode })
    await updateEmail(app, signedIn, data.updateEmailToken)

    await pressButton(app, await linkTo(app, mallory.phone, 'email_changed'))

    const row = await app.app.users.get(app.application.poolId, mallory.userId)
    expect(row).toMatchObject({ email: ada, email_verified: false })
  })

  it('puts one back that was unbound', async () => {
    await using app = await startTestApp()
    const alice = await app.signUp()
    await bindEmail(app, alice, ada)
    const passCode = await emailCode(app, alice, { to: ada, channel: 'CHANNEL_UNBIND_EMAIL' })
    await app.post('/api/v3/unbind-email', { passCode }, { token: alice.token })

    await fetch(await linkOf(app, ada, 'EMAIL_UNBOUND'), { method: 'POST' })

    expect(await rowOf(app, alice)).toMatchObject({ email: ada, email_verified: true })
  })

  it('removes the new one where another user has proved the old one since (rule 13)', async () => {
    await using app = await startTestApp()
    const [alice, bob] = [await app.signUp(), await app.signUp()]
    await change(app, alice)
    const link = await linkOf(app, ada, 'EMAIL_CHANGED')
    app.clock.advance(61)
    await bindEmail(app, bob, ada)

    await fetch(link, { method: 'POST' })

    expect(await rowOf(app, alice)).toMatchObject({ email: null })
    expect(await rowOf(app, bob)).toMatchObject({ email: ada })
  })
})
