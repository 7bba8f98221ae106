// Passwords, as people change, forget and reset them.
import type { CallOptions, Reply, TestApp } from './app.ts'

type Calls = Pick<TestApp, 'post' | 'get' | 'sendSms' | 'sendEmail' | 'lastCode' | 'application'>

export const signInBy = (app: Pick<TestApp, 'post' | 'application'>, passwordPayload: object, options = {}) =>
  app.post('/api/v3/signin', {
    connection: 'PASSWORD',
    passwordPayload,
    options,
    client_secret: app.application.secret.reveal(),
  })

/** Makes an account with an address that nobody proved, and signs it in. */
export const personWithUnprovedEmail = async (app: Calls, email: string, password: string) => {
  const made = await app.post('/api/v3/signup', {
    connection: 'PASSWORD',
    passwordPayload: { email, password },
  })
  if (made.statusCode !== 200) throw new Error(`sign-up was refused: ${made.message}`)
  const signedIn = await signInBy(app, { email, password })
  return { userId: made.data.userId as string, email, token: signedIn.data.access_token as string }
}

export const updatePassword = (
  app: Pick<TestApp, 'post'>,
  token: string,
  body: { newPassword: string; oldPassword?: string; passwordResetToken?: string },
  options: CallOptions = {},
): Promise<Reply> => app.post('/api/v3/update-password', body, { token, ...options })

/** By the number or address, with a code that came from anywhere. */
export const verifyReset = (app: Pick<TestApp, 'post'>, to: string, passCode: string): Promise<Reply> =>
  app.post(
    '/api/v3/verify-reset-password-request',
    to.includes('@')
      ? { verifyMethod: 'EMAIL_PASSCODE', emailPassCodePayload: { email: to, passCode } }
      : { verifyMethod: 'PHONE_PASSCODE', phonePassCodePayload: { phoneNumber: to, passCode } },
  )

/** Asks for a code, as nobody in particular, and reads it. */
export const resetCode = async (app: Calls, to: string): Promise<string> => {
  const channel = 'CHANNEL_RESET_PASSWORD'
  const sent = to.includes('@') ? await app.sendEmail(channel, to) : await app.sendSms(channel, to)
  if (sent.statusCode !== 200) throw new Error(`the code was refused: ${sent.apiCode} ${sent.message}`)
  return app.lastCode(to)
}

/** The token of a number or address whose code was read. */
export const resetToken = async (app: Calls, to: string): Promise<string> => {
  const verified = await verifyReset(app, to, await resetCode(app, to))
  if (verified.statusCode !== 200) throw new Error(`the reset was refused: ${verified.message}`)
  return verified.data.passwordResetToken
}

export const resetPassword = (
  app: Pick<TestApp, 'post'>,
  passwordResetToken: string,
  password: string,
): Promise<Reply> => app.post('/api/v3/reset-password', { passwordResetToken, password })

export const validatePassword = (app: Pick<TestApp, 'post'>, body: object): Promise<Reply> =>
  app.post('/api/v3/validate-password', body)
