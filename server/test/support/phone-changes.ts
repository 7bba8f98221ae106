// People who have a phone, and the calls that change it.
import { newPhone, type Person, type Reply, type TestApp } from './app.ts'
import { consoleOf } from './console.ts'

/** A signed-in user with a username, a password and a phone. */
export const personWithPhone = async (app: TestApp): Promise<Person> => {
  const person = await app.signUp()
  const bound = await person.bindPhone(await person.receiveCode())
  if (bound.statusCode !== 200) throw new Error(`bind-phone was refused: ${bound.message}`)
  return person
}

/** A signed-in user who has a phone and nothing else. */
export const phoneOnlyPerson = async (app: TestApp, phone = newPhone()) => {
  await app.sendSms('CHANNEL_REGISTER', phone)
  const made = await signUpByPhone(app, phone, await app.lastCode(phone))
  if (made.statusCode !== 200) throw new Error(`sign-up was refused: ${made.message}`)
  const token = await signInByPhone(app, phone)
  return { userId: made.data.userId as string, phone, token }
}

/** A signed-in user with an email address, a password and a phone. */
export const personWithEmail = async (app: TestApp, email: string) => {
  const phone = newPhone()
  const password = 'correct horse battery'
  const made = await app.post('/api/v3/signup', {
    connection: 'PASSWORD',
    passwordPayload: { email, password },
  })
  if (made.statusCode !== 200) throw new Error(`sign-up was refused: ${made.message}`)
  const signedIn = await app.post('/api/v3/signin', {
    connection: 'PASSWORD',
    passwordPayload: { email, password },
    client_secret: app.application.secret.reveal(),
  })
  const token: string = signedIn.data.access_token
  await app.sendSms('CHANNEL_BIND_PHONE', phone, { token })
  const passCode = await app.lastCode(phone)
  const bound = await app.post('/api/v3/bind-phone', { phoneNumber: phone, passCode }, { token })
  if (bound.statusCode !== 200) throw new Error(`bind-phone was refused: ${bound.message}`)
  return { userId: made.data.userId as string, email, phone, token }
}

export const signUpByPhone = (app: Pick<TestApp, 'post'>, phone: string, passCode: string) =>
  app.post('/api/v3/signup', { connection: 'PASSCODE', passCodePayload: { phone, passCode } })

export const signInByPhone = async (app: TestApp, phone: string): Promise<string> => {
  await app.sendSms('CHANNEL_LOGIN', phone)
  const signedIn = await app.post('/api/v3/signin', {
    connection: 'PASSCODE',
    passCodePayload: { phone, passCode: await app.lastCode(phone) },
    client_secret: app.application.secret.reveal(),
  })
  if (signedIn.statusCode !== 200) throw new Error(`sign-in was refused: ${signedIn.message}`)
  return signedIn.data.access_token
}

/** Asks for a code with the caller's own token, and reads it from the phone. */
export const receiveCode = async (app: TestApp, token: string, channel: string, phone: string) => {
  const sent = await app.sendSms(channel, phone, { token })
  if (sent.statusCode !== 200) throw new Error(`send-sms was refused: ${sent.apiCode} ${sent.message}`)
  return app.lastCode(phone)
}

type Payload = {
  newPhoneNumber: string
  newPhonePassCode: string
  oldPhoneNumber?: string
  oldPhonePassCode?: string
  oldPhoneLost?: boolean
}

export const verifyChange = (
  app: Pick<TestApp, 'post'>,
  token: string,
  phonePassCodePayload: Payload,
  headers: Record<string, string> = {},
): Promise<Reply> =>
  app.post(
    '/api/v3/verify-update-phone-request',
    { verifyMethod: 'PHONE_PASSCODE', phonePassCodePayload },
    { token, headers },
  )

export const updatePhone = (app: Pick<TestApp, 'post'>, token: string, updatePhoneToken: string) =>
  app.post('/api/v3/update-phone', { updatePhoneToken }, { token })

type Owner = { token: string; phone: string }

/** Both codes, as they came to both phones. */
export const bothCodes = async (app: TestApp, { token, phone }: Owner, newPhoneNumber: string) => ({
  newPhoneNumber,
  newPhonePassCode: await receiveCode(app, token, 'CHANNEL_BIND_PHONE', newPhoneNumber),
  oldPhoneNumber: phone,
  oldPhonePassCode: await receiveCode(app, token, 'CHANNEL_UNBIND_PHONE', phone),
})

/** The token of a change that both numbers have proved. */
export const provenChange = async (app: TestApp, owner: Owner, to: string): Promise<string> => {
  const verified = await verifyChange(app, owner.token, await bothCodes(app, owner, to))
  if (verified.statusCode !== 200) throw new Error(`the change was refused: ${verified.message}`)
  return verified.data.updatePhoneToken
}

/** The token of a change that waits, because the old number is lost. */
export const lostPhoneChange = async (app: TestApp, owner: Owner, to: string): Promise<string> => {
  const verified = await verifyChange(app, owner.token, {
    newPhoneNumber: to,
    newPhonePassCode: await receiveCode(app, owner.token, 'CHANNEL_BIND_PHONE', to),
    oldPhoneLost: true,
  })
  if (verified.statusCode !== 200) throw new Error(`the change was refused: ${verified.message}`)
  return verified.data.updatePhoneToken
}

export const unbindPhone = async (app: TestApp, owner: Owner): Promise<Reply> => {
  const passCode = await receiveCode(app, owner.token, 'CHANNEL_UNBIND_PHONE', owner.phone)
  return app.post('/api/v3/unbind-phone', { passCode }, { token: owner.token })
}

export const phoneOf = async (app: Pick<TestApp, 'get'>, token: string): Promise<string | undefined> =>
  (await app.get('/api/v3/get-profile', { token })).data?.phone

/** What was sent to a phone of mainland China or an address, by the list that administrators read; newest first. */
export const purposesSentTo = async (app: TestApp, to: string): Promise<string[]> => {
  const recipient = encodeURIComponent(to.includes('@') ? to : `+86${to}`)
  const { body } = await (await consoleOf(app)).get(`/console/api/sms/messages?recipient=${recipient}`)
  return body.messages.map(({ purpose }: { purpose: string }) => purpose)
}

/** The numbers that a user had, with how each ended, oldest first. */
export const historyOf = async (
  app: TestApp,
  userId: string,
): Promise<{ phone: string; endReason?: string }[]> =>
  (await (await consoleOf(app)).get(`/console/api/users/${userId}/phone-history`)).body.bindings

export const eventsOf = async (app: TestApp, userId: string): Promise<string[]> => {
  const { body } = await (await consoleOf(app)).get(`/console/api/users/${userId}/events`)
  return body.events.map(({ type }: { type: string }) => type)
}

export const masked = (phone: string): string => `+86*******${phone.slice(-2)}`

export const hours = (count: number): number => count * 3600
export const days = (count: number): number => count * 86_400
