// An authenticator app on a phone: reads the QR code once and shows six digits that change every thirty seconds.
import { TOTP, URI } from 'otpauth'
import type { CallOptions, Reply, TestApp } from './app.ts'

type Calls = Pick<TestApp, 'post' | 'get'>
type Owner = { token: string }

export const openAuthenticator = ({ clock }: Pick<TestApp, 'clock'>, qrCodeUri: string) => {
  const totp = URI.parse(qrCodeUri)
  if (!(totp instanceof TOTP)) throw new Error('not the URI of an authenticator app')
  const codeAt = (off: number) => totp.generate({ timestamp: clock.now().getTime() + off * 1000 })

  return {
    uri: qrCodeUri,
    /** What it shows so many seconds from now. */
    code: (off = 0) => codeAt(off),
    /** A code that it shows neither now nor within two steps. */
    wrongCode: () => {
      const shown = [-60, -30, 0, 30, 60].map(codeAt)
      const wrong = ['000000', '111111', '222222', '333333', '444444', '555555'].find(
        (code) => !shown.includes(code),
      )
      return wrong ?? '666666'
    },
  }
}

export type Authenticator = ReturnType<typeof openAuthenticator>

/** Asks for a new secret and opens it in an app; nothing is enrolled yet. */
export const requestOtp = async (app: TestApp, { token }: Owner, calls: Calls = app) => {
  const { data } = await calls.post('/api/v3/send-enroll-factor-request', { factorType: 'OTP' }, { token })
  return {
    enrollmentToken: data.enrollmentToken as string,
    recoveryCode: data.otpData.recoveryCode as string,
    authenticator: openAuthenticator(app, data.otpData.qrCodeUri),
  }
}

export const enrollFactor = (
  calls: Calls,
  given: { factorType: string; enrollmentToken: string; passCode: string | undefined },
  options: CallOptions,
): Promise<Reply> => {
  const { factorType, enrollmentToken, passCode } = given
  return calls.post(
    '/api/v3/enroll-factor',
    { factorType, enrollmentToken, enrollmentData: { passCode } },
    options,
  )
}

/** Enrolls an app. The step of the code that proved it is spent: what it shows thirty seconds later counts. */
export const enrollOtp = async (app: TestApp, { token }: Owner) => {
  const { enrollmentToken, recoveryCode, authenticator } = await requestOtp(app, { token })
  const passCode = authenticator.code()
  const enrolled = await enrollFactor(app, { factorType: 'OTP', enrollmentToken, passCode }, { token })
  if (enrolled.statusCode !== 200) throw new Error(`enroll-factor was refused: ${enrolled.message}`)
  const { data } = await app.get('/api/v3/list-enrolled-factors', { token })
  const own = data.find(({ factorType }: { factorType: string }) => factorType === 'OTP')
  app.clock.advance(30)
  return { factorId: own.factorId as string, recoveryCode, authenticator, enrollmentToken }
}

export const verifyTotp = (calls: Calls, totp: string | undefined, options: CallOptions) =>
  calls.post('/api/v3/mfa-totp-verify', { totp }, options)

export const verifyRecoveryCode = (calls: Calls, recoveryCode: string, options: CallOptions) =>
  calls.post('/api/v3/mfa-totp-verify', { recoveryCode }, options)

export const factorsOf = async (calls: Calls, { token }: Owner) =>
  (await calls.get('/api/v3/list-enrolled-factors', { token })).data as {
    factorId: string
    factorType: string
    profile: Record<string, string>
  }[]
