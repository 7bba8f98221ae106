// The people of a model test on a real server: their numbers, sessions and step-up tokens, and a clock that stands still
// while a call runs, so that every limit of time is met exactly.
import { join, sql } from '../../src/core/database.ts'
import { newPhone, type Reply, type TestApp } from '../support/app.ts'
import { type Call, type Challenge, isLiveSession, keyOf, type Model, maxAttempts } from './model.ts'
import { type Purpose, phoneCount, userCount } from './operations.ts'

/** Limits that the model leaves out are out of reach; attempts run out soon. */
export const modelSettings = {
  DIALTONE_PASSCODE_ATTEMPTS: String(maxAttempts),
  DIALTONE_PASSCODE_FAILURES_HOUR: '100000',
  DIALTONE_MESSAGES_PER_RECIPIENT_HOUR: '100000',
  DIALTONE_MESSAGES_PER_RECIPIENT_DAY: '100000',
  DIALTONE_MESSAGES_PER_IP_HOUR: '100000',
  DIALTONE_PASSWORD_FAILURES_HOUR: '100000',
  DIALTONE_SIGN_IN_FAILURES_BEFORE_CAPTCHA: '100000',
  DIALTONE_IDENTIFIER_FAILURES_BEFORE_CAPTCHA: '100000',
}

const password = 'a password of the model tests'

const channels: Record<Purpose, string> = {
  bind_phone: 'CHANNEL_BIND_PHONE',
  unbind_phone: 'CHANNEL_UNBIND_PHONE',
  sign_in: 'CHANNEL_LOGIN',
  delete_account: 'CHANNEL_DELETE_ACCOUNT',
}

export type World = {
  app: TestApp
  userIds: string[]
  usernames: (string | undefined)[]
  phones: string[]
  /** Access tokens and ids of sessions, by the number that the model gives them. */
  tokens: string[]
  sessionIds: string[]
  stepUps: string[]
  /** What was seen last. */
  seen: Seen
  /** The ids of all challenges that were ever seen consumed. */
  spent: Set<string>
}

/** What one can see of the server from outside and in its tables, and the model foretells. */
export type Sight = {
  users: { phone: number | null; deleted: boolean }[]
  sessions: { user: number; live: boolean }[]
  challenges: Record<string, { attempts: number; consumed: boolean }>
}

export type Seen = Sight & {
  /** The ids of the challenges that are consumed, and of those that are not. */
  consumedIds: string[]
  openIds: string[]
}

const newestCode = async ({ app, phones }: World, phone: number, purpose: Purpose): Promise<string> => {
  const messages = await app.readInbox(`+86${phones[phone]}`)
  const message = messages.find(({ channel }) => channel === channels[purpose])
  if (message === undefined) throw new Error(`no message of ${purpose} at phone ${phone}`)
  return message.passCode
}

const signIn = (app: TestApp, body: object) =>
  app.post('/api/v3/signin', {
    ...body,
    client_id: app.application.id,
    client_secret: app.application.secret.reveal(),
  })

const keepSession = (world: World, { data }: Reply): void => {
  const token: string = data.access_token
  world.tokens.push(token)
  world.sessionIds.push(JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()).sid)
}

/** Two people with a password and no phone, and two who have a phone and nothing else; all signed in twice. */
export const newWorld = async (app: TestApp): Promise<{ model: Model; world: World }> => {
  const world: World = {
    app,
    userIds: [],
    usernames: [],
    phones: Array.from({ length: phoneCount }, newPhone),
    tokens: [],
    sessionIds: [],
    stepUps: [],
    seen: { users: [], sessions: [], challenges: {}, consumedIds: [], openIds: [] },
    spent: new Set(),
  }
  const model: Model = {
    now: 0,
    users: [],
    sessions: [],
    challenges: {},
    cooldowns: {},
    tokens: [],
  }
  for (let user = 0; user < userCount; user += 1) {
    const phone = user < 2 ? null : user - 2
    const username = phone === null ? `model-${world.phones[user]}` : undefined
    if (phone === null) await register(app, username)
    for (const _ of [1, 2]) {
      const reply = phone === null ? await signInByPassword(app, username) : await signInByCode(world, phone)
      keepSession(world, reply)
      model.sessions.push({ user, expiresAt: model.now + 7_200_000, ended: false })
      // Past the cooldown of the code.
      app.clock.advance(60)
      model.now += 60_000
    }
    const { data } = await app.get('/api/v3/get-profile', { token: world.tokens.at(-1) ?? '' })
    world.userIds.push(data.userId)
    world.usernames.push(username)
    model.users.push({ phone, hasPassword: phone === null, deleted: false })
  }
  // Past the cooldown and the life of the codes that they signed up with.
  app.clock.advance(601)
  model.now += 601_000
  for (const phone of [0, 1]) {
    const used = { phone, purpose: 'sign_in' as const, holder: null }
    model.challenges[keyOf(used)] = {
      ...used,
      code: null,
      attempts: 1,
      issuedAt: 0,
      expiresAt: 300_000,
      consumed: true,
    }
  }
  world.seen = await look(world)
  return { model, world }
}

const byPassword = (username: string | undefined) => ({
  connection: 'PASSWORD',
  passwordPayload: { username, password },
})

const register = (app: TestApp, username: string | undefined): Promise<Reply> =>
  app.post('/api/v3/signup', byPassword(username))

const signInByPassword = (app: TestApp, username: string | undefined): Promise<Reply> =>
  signIn(app, byPassword(username))

/** The first time it makes the user. */
const signInByCode = async (world: World, phone: number): Promise<Reply> => {
  const { app, phones } = world
  await app.sendSms('CHANNEL_LOGIN', phones[phone] ?? '')
  const passCode = await newestCode(world, phone, 'sign_in')
  return signIn(app, {
    connection: 'PASSCODE',
    passCodePayload: { phone: phones[phone], passCode },
    options: { autoRegister: true },
  })
}

const requestOf = (world: World, call: Exclude<Call, { do: 'wait' }>): [path: string, body: object] => {
  const { phones, usernames, stepUps, sessionIds } = world
  switch (call.do) {
    case 'send':
      return ['send-sms', { channel: channels[call.purpose], phoneNumber: phones[call.phone] }]
    case 'bind':
      return ['bind-phone', { phoneNumber: phones[call.phone], passCode: call.digits }]
    case 'prove change': {
      const phonePassCodePayload = {
        newPhoneNumber: phones[call.phone],
        newPhonePassCode: call.digits,
        ...(call.old === undefined
          ? {}
          : { oldPhoneNumber: phones[call.old.phone], oldPhonePassCode: call.old.digits }),
      }
      return ['verify-update-phone-request', { verifyMethod: 'PHONE_PASSCODE', phonePassCodePayload }]
    }
    case 'change':
      return ['update-phone', { updatePhoneToken: stepUps[call.token] ?? 'none' }]
    case 'unbind':
      return ['unbind-phone', { passCode: call.digits }]
    case 'prove deletion':
      return [
        'verify-delete-account-request',
        call.own === undefined
          ? { verifyMethod: 'PASSWORD', passwordPayload: { password } }
          : {
              verifyMethod: 'PHONE_PASSCODE',
              phonePassCodePayload: { phoneNumber: phones[call.own.phone], passCode: call.own.digits },
            },
      ]
    case 'delete':
      return ['delete-account', { deleteAccountToken: stepUps[call.token] ?? 'none' }]
    case 'sign in by password':
      return [
        'signin',
        {
          connection: 'PASSWORD',
          passwordPayload: { username: usernames[call.user] ?? 'nobody-at-all', password },
        },
      ]
    case 'sign in by code':
      return [
        'signin',
        { connection: 'PASSCODE', passCodePayload: { phone: phones[call.phone], passCode: call.digits } },
      ]
    case 'revoke':
      return ['mydevices/revoke-session', { deviceId: sessionIds[call.target] ?? 'none' }]
  }
}

/** Makes the call. What it gave (a session, a step-up token) is not kept yet. */
export const perform = async (world: World, call: Exclude<Call, { do: 'wait' }>): Promise<Reply> => {
  const [path, body] = requestOf(world, call)
  if (path === 'signin') return signIn(world.app, body)
  const token = 'session' in call && call.session !== null ? world.tokens[call.session] : undefined
  return world.app.post(`/api/v3/${path}`, body, token === undefined ? {} : { token })
}

/** Keeps what a successful call gave, under the next number. */
export const keep = (world: World, call: Call, reply: Reply): void => {
  if (reply.statusCode !== 200) return
  if (call.do === 'sign in by code' || call.do === 'sign in by password') keepSession(world, reply)
  if (call.do === 'prove change') world.stepUps.push(reply.data.updatePhoneToken)
  if (call.do === 'prove deletion') world.stepUps.push(reply.data.deleteAccountToken)
}

/** Reads the code that a message now carries; a challenge whose code is known must still have the same. */
export const readCode = async (world: World, challenge: Challenge): Promise<void> => {
  const code = await newestCode(world, challenge.phone, challenge.purpose)
  if (challenge.code !== null && challenge.code !== code) throw new Error('a resend carried another code')
  challenge.code = code
}

/** The codes of the messages of this instant; which is for whom, a phone does not tell. */
export const codesOfNow = async (
  { app, phones }: World,
  { phone, purpose }: Pick<Challenge, 'phone' | 'purpose'>,
): Promise<string[]> => {
  const messages = await app.readInbox(`+86${phones[phone]}`)
  const now = app.clock.now().getTime()
  return messages
    .filter(({ channel, createdAt }) => channel === channels[purpose] && Date.parse(createdAt) === now)
    .map(({ passCode }) => passCode)
}

export const look = async (world: World): Promise<Seen> => {
  const { app, userIds, phones, sessionIds } = world
  const now = app.clock.now()
  const users = await app.db.query<{ id: string; phone: string | null }>(sql`
    select id, phone
      from users
     where id in (${join(userIds)})`)
  const sessions = await app.db.query<{ id: string; user_id: string; live: boolean }>(sql`
    select id, user_id, ended_at is null and expires_at > ${now} as live
      from sessions
     where user_id in (${join(userIds)})`)
  const rows = await app.db.query<{
    id: string
    recipient: string
    purpose: Purpose
    holder: string
    attempts: number
    consumed: boolean
  }>(sql`
    select id, recipient, purpose, holder, attempts, consumed_at is not null as consumed
      from passcodes
     where recipient in (${join(phones.map((phone) => `+86${phone}`))})`)
  const phoneIndex = (phone: string) => phones.indexOf(phone.slice(3))
  if (sessions.some(({ id }) => !sessionIds.includes(id)))
    throw new Error('a session that nobody was told of')
  return {
    users: userIds.map((id) => {
      const row = users.find((user) => user.id === id)
      return { phone: row?.phone == null ? null : phoneIndex(row.phone), deleted: row === undefined }
    }),
    sessions: sessionIds.map((id) => {
      const row = sessions.find((session) => session.id === id)
      return { user: row === undefined ? -1 : userIds.indexOf(row.user_id), live: row?.live ?? false }
    }),
    challenges: Object.fromEntries(
      rows.map(({ recipient, purpose, holder, attempts, consumed }) => {
        const index = userIds.indexOf(holder)
        const key = keyOf({ phone: phoneIndex(recipient), purpose, holder: index < 0 ? null : index })
        return [key, { attempts, consumed }]
      }),
    ),
    consumedIds: rows.filter(({ consumed }) => consumed).map(({ id }) => id),
    openIds: rows.filter(({ consumed }) => !consumed).map(({ id }) => id),
  }
}

/** What the model says that one sees. */
export const expectedSight = (model: Model): Sight => ({
  users: model.users.map(({ phone, deleted }) => ({ phone, deleted })),
  sessions: model.sessions.map(({ user }, index) => ({
    user: model.users[user]?.deleted === true ? -1 : user,
    live: isLiveSession(model, index),
  })),
  challenges: Object.fromEntries(
    Object.entries(model.challenges).map(([key, { attempts, consumed }]) => [key, { attempts, consumed }]),
  ),
})

/** What the tokens of these sessions get: the number of the profile, or the apiCode of the refusal. */
export const profiles = (world: World, sessions: readonly number[]): Promise<(string | number | null)[]> =>
  Promise.all(
    sessions.map(async (index) => {
      const token = world.tokens[index] ?? ''
      const { statusCode, apiCode, data } = await world.app.get('/api/v3/get-profile', { token })
      return statusCode === 200 ? (data.phone ?? null) : (apiCode ?? statusCode)
    }),
  )
