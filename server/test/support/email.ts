// The calls about email addresses, as a person of a test makes them.
import type { CallOptions, Person, Reply, TestApp } from './app.ts'

type Calls = Pick<TestApp, 'post' | 'get' | 'sendEmail' | 'lastCode'>
type SignedIn = Pick<Person, 'token'>

/** Asks for a code with the person's own token, and reads it. */
export const emailCode = async (
  app: Calls,
  { token }: SignedIn,
  given: { to: string; channel: string },
): Promise<string> => {
  const sent = await app.sendEmail(given.channel, given.to, { token })
  if (sent.statusCode !== 200) throw new Error(`send-email was refused: ${sent.apiCode} ${sent.message}`)
  return app.lastCode(given.to)
}

export const bindEmail = async (app: Calls, person: SignedIn, email: string): Promise<Reply> => {
  const passCode = await emailCode(app, person, { to: email, channel: 'CHANNEL_BIND_EMAIL' })
  return app.post('/api/v3/bind-email', { email, passCode }, { token: person.token })
}

export const unbindEmail = async (app: Calls, person: SignedIn, email: string): Promise<Reply> => {
  const passCode = await emailCode(app, person, { to: email, channel: 'CHANNEL_UNBIND_EMAIL' })
  return app.post('/api/v3/unbind-email', { passCode }, { token: person.token })
}

export type Payload = {
  newEmail: string
  newEmailPassCode: string
  oldEmail?: string
  oldEmailPassCode?: string
}

export const requestChange = (app: Calls, { token }: SignedIn, payload: Payload, options?: CallOptions) =>
  app.post(
    '/api/v3/verify-update-email-request',
    { verifyMethod: 'EMAIL_PASSCODE', emailPassCodePayload: payload },
    { token, ...options },
  )

export const updateEmail = (
  app: Calls,
  { token }: SignedIn,
  updateEmailToken: string,
  options?: CallOptions,
) => app.post('/api/v3/update-email', { updateEmailToken }, { token, ...options })

/** Both codes of a change, and the addresses, as the call takes them. */
export const proofsOfChange = async (
  app: Calls,
  person: SignedIn,
  given: { from: string; to: string },
): Promise<Required<Payload>> => ({
  newEmail: given.to,
  newEmailPassCode: await emailCode(app, person, { to: given.to, channel: 'CHANNEL_UPDATE_EMAIL' }),
  oldEmail: given.from,
  oldEmailPassCode: await emailCode(app, person, { to: given.from, channel: 'CHANNEL_UPDATE_EMAIL' }),
})

export const emailOf = async (app: Calls, { token }: SignedIn): Promise<unknown> => {
  const { data } = await app.get('/api/v3/get-profile', { token })
  return data.email
}
