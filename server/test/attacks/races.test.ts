import { describe, expect, it } from 'vitest'
import { newPhone, type Reply, startTestApp } from '../support/app.ts'
import { atOnce, collide, smsChannels, tally } from '../support/replies.ts'

describe('a race', () => {
  it('of two users for one number has one winner (rules 13 and 17)', async () => {
    await using app = await startTestApp()
    const pairs = await atOnce(6, async () => {
      const phone = newPhone()
      const alice = await app.signUp()
      const bob = await app.signUp()
      const codeOfAlice = await alice.receiveCode('CHANNEL_BIND_PHONE', phone)
      const codeOfBob = await bob.receiveCode('CHANNEL_BIND_PHONE', phone)
      return [
        { phone, bind: () => alice.bindPhone(codeOfAlice, phone), profile: alice.profile },
        { phone, bind: () => bob.bindPhone(codeOfBob, phone), profile: bob.profile },
      ]
    })

    const results = await collide(app, { on: 'passcodes', waiting: 12 }, () =>
      Promise.all(pairs.map((pair) => Promise.all(pair.map(({ bind }) => bind())))),
    )

    expect(results.map(tally)).toEqual(pairs.map(() => ({ 200: 1, 1320004: 1 })))
    for (const pair of pairs) {
      const profiles = await Promise.all(pair.map(({ profile }) => profile()))
      expect(profiles.filter(({ data }) => data.phone === pair[0]?.phone)).toHaveLength(1)
    }
  })

  it('of one user for several numbers leaves one of them bound', async () => {
    await using app = await startTestApp()
    const alice = await app.signUp()
    const phones = [newPhone(), newPhone(), newPhone(), newPhone(), newPhone()]
    const codes = await Promise.all(phones.map((phone) => alice.receiveCode('CHANNEL_BIND_PHONE', phone)))

    const replies = await collide(app, { on: 'passcodes', waiting: 5 }, () =>
      atOnce(phones.length, (index) => alice.bindPhone(codes[index] ?? '', phones[index])),
    )

    expect(tally(replies)).toEqual({ 200: 1, 8800002: 4 })
    const winner = phones[replies.findIndex(({ statusCode }) => statusCode === 200)]
    expect((await alice.profile()).data.phone).toBe(winner)
  })

  it('of many users for many numbers gives every user one number and no number to two (rule 13)', async () => {
    await using app = await startTestApp()
    const users = await atOnce(6, () => app.signUp())
    const phones = users.map(({ phone }) => phone)
    const bids: (() => Promise<Reply>)[] = []
    for (const user of users) {
      for (const phone of phones) {
        const code = await user.receiveCode('CHANNEL_BIND_PHONE', phone)
        bids.push(() => user.bindPhone(code, phone))
      }
    }

    const replies = await collide(app, { on: 'passcodes', waiting: 15 }, () =>
      Promise.all(bids.map((bind) => bind())),
    )

    const { 200: bound, 1320004: taken = 0, 8800002: hasPhone = 0 } = tally(replies)
    expect({ bound, refused: taken + hasPhone }).toEqual({ bound: 6, refused: 30 })
    const profiles = await Promise.all(users.map((user) => user.profile()))
    expect(profiles.map(({ data }) => data.phone).sort()).toEqual([...phones].sort())
  })

  it('of a sign-up and a binding for one number has one winner (rule 13)', async () => {
    await using app = await startTestApp()
    const alice = await app.signUp()
    const bindCode = await alice.receiveCode()
    await app.sendSms('CHANNEL_REGISTER', alice.phone)
    const signUpCode = await app.lastCode(alice.phone)

    const replies = await collide(app, { on: 'passcodes', waiting: 2 }, () =>
      Promise.all([
        alice.bindPhone(bindCode),
        app.post('/api/v3/signup', {
          connection: 'PASSCODE',
          passCodePayload: { phone: alice.phone, passCode: signUpCode },
        }),
      ]),
    )

    expect(replies.filter(({ statusCode }) => statusCode === 200)).toHaveLength(1)
    expect(replies.filter(({ apiCode }) => apiCode === 1320004 || apiCode === 2026)).toHaveLength(1)
  })

  it('of one sign-in code with itself opens one account and one session (rule 5)', async () => {
    await using app = await startTestApp()
    const phone = newPhone()
    await app.sendSms('CHANNEL_LOGIN', phone)
    const passCode = await app.lastCode(phone)

    const signIn = () =>
      app.post('/api/v3/signin', {
        connection: 'PASSCODE',
        passCodePayload: { phone, passCode },
        options: { autoRegister: true },
        client_secret: app.application.secret.reveal(),
      })

    const replies = await collide(app, { on: 'passcodes', waiting: 15 }, () => atOnce(20, signIn))

    expect(tally(replies)).toEqual({ 200: 1, 2001: 19 })
  })

  it('of sends for one number and purpose sends one message a minute (rule 20)', async () => {
    await using app = await startTestApp()
    const second = await app.secondProcess()
    const phone = newPhone()
    await app.sendSms('CHANNEL_BIND_PHONE', phone)
    app.clock.advance(61)

    const replies = await collide(app, { on: 'limit_counters', waiting: 15 }, () =>
      atOnce(50, (index) => (index % 2 === 0 ? app : second).sendSms('CHANNEL_BIND_PHONE', phone)),
    )

    expect(tally(replies)).toEqual({ 200: 1, 8800007: 49 })
    expect(await app.readInbox(`+86${phone}`)).toHaveLength(2)
  })

  it('of sends for one number sends ten messages an hour (rule 20)', async () => {
    await using app = await startTestApp()
    const second = await app.secondProcess()
    const alice = await app.signUp()
    await alice.bindPhone(await alice.receiveCode())
    for (const channel of smsChannels.slice(0, 4)) await app.sendSms(channel, alice.phone)
    const before = (await app.readInbox(`+86${alice.phone}`)).length
    app.clock.advance(61)

    const replies = await collide(app, { on: 'limit_counters', waiting: 11 }, () =>
      atOnce(33, (index) =>
        (index % 2 === 0 ? app : second).sendSms(smsChannels[index % 11] ?? '', alice.phone),
      ),
    )

    const { 200: sent, 8800007: cooling = 0, 8800008: limited = 0 } = tally(replies)
    expect({ sent, refused: cooling + limited }).toEqual({ sent: 6, refused: 27 })
    expect(await app.readInbox(`+86${alice.phone}`)).toHaveLength(before + 6)
  })

  it('of sends from one address sends a hundred messages an hour (rule 20)', async () => {
    await using app = await startTestApp()
    const second = await app.secondProcess()
    for (let sent = 0; sent < 95; sent += 1) await app.sendSms('CHANNEL_REGISTER', newPhone())

    const replies = await collide(app, { on: 'limit_counters', waiting: 15 }, () =>
      atOnce(50, (index) => (index % 2 === 0 ? app : second).sendSms('CHANNEL_REGISTER', newPhone())),
    )

    expect(tally(replies)).toEqual({ 200: 5, 8800008: 45 })
  })
})
