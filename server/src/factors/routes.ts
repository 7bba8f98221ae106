import { Type } from 'typebox'
import { ApiError, fieldInvalid } from '../api-codes.ts'
import { captchaAnswerIn, captchaFields } from '../captcha/captcha.ts'
import { envelope, envelopeOf, type Http, ok } from '../core/http.ts'
import { unlimited } from '../limits.ts'
import { formatParts, isPhone, requirePhone } from '../phone-numbers/phone-numbers.ts'
import { smsRoute } from '../sms/sms.ts'
import { requireEmail } from '../users/users.ts'
import { type FactorRow, type Factors, readTotp, type Verification, type Wanted } from './factors.ts'

const FactorType = Type.Enum(['OTP', 'SMS', 'EMAIL', 'FACE'], {
  description: 'OTP: an authenticator app. SMS: a phone. EMAIL: an address. FACE is not served.',
  examples: ['OTP'],
})

const factorId = Type.String({
  maxLength: 100,
  description: 'Of list-enrolled-factors.',
  examples: ['019c2f4e-6b1a-7c52-9d0e-3f6a8b1c2d4e'],
})

const FactorProfile = Type.Object(
  {
    phoneNumber: Type.Optional(
      Type.String({
        maxLength: 100,
        description: 'Of SMS: the number without its calling code.',
        examples: ['18812345678'],
      }),
    ),
    phoneCountryCode: Type.Optional(
      Type.String({
        maxLength: 20,
        description: 'The calling code. Default +86 (mainland China).',
        examples: ['+86'],
      }),
    ),
    email: Type.Optional(
      Type.String({ maxLength: 300, description: 'Of EMAIL: the address.', examples: ['ada@example.com'] }),
    ),
  },
  { description: 'May be another phone or address than the account has.' },
)

const RequestBody = Type.Object({
  factorType: FactorType,
  profile: Type.Optional(FactorProfile),
  ...captchaFields,
})

const RequestData = Type.Object({
  enrollmentToken: Type.String({
    description: 'For enroll-factor, in this session, within 300 seconds.',
    examples: ['p2cS1f7mYB0kqJ0hZk3tXv8sN5eQwR4uLdG6aHj9CxE'],
  }),
  otpData: Type.Optional(
    Type.Object(
      {
        qrCodeUri: Type.String({
          description: 'What the QR code holds; on a phone, a link that opens the app.',
          examples: [
            'otpauth://totp/Dialtone:ada?issuer=Dialtone&secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&algorithm=SHA1&digits=6&period=30',
          ],
        }),
        qrCodeDataUrl: Type.String({
          description: 'The QR code as a PNG in a data URL.',
          examples: ['data:image/png;base64,iVBORw0KGgo='],
        }),
        recoveryCode: Type.String({
          description: 'For who loses the app: works once in its place. Never shown again.',
          examples: ['7Q2MX-0HWKD-V9TRA-3JZ5E-N8PBC'],
        }),
      },
      { description: 'Of OTP: what the authenticator app needs.' },
    ),
  ),
})

const EnrollBody = Type.Object({
  factorType: FactorType,
  enrollmentToken: Type.String({
    maxLength: 100,
    description: 'Of send-enroll-factor-request.',
    examples: ['p2cS1f7mYB0kqJ0hZk3tXv8sN5eQwR4uLdG6aHj9CxE'],
  }),
  enrollmentData: Type.Object(
    {
      passCode: Type.Optional(
        Type.String({
          maxLength: 100,
          description: 'What the app shows, or the code of the message.',
          examples: ['123456'],
        }),
      ),
    },
    { description: 'The proof.' },
  ),
})

const VerifyBody = Type.Object({
  totp: Type.Optional(
    Type.String({ maxLength: 100, description: 'What the authenticator app shows.', examples: ['123456'] }),
  ),
  recoveryCode: Type.Optional(
    Type.String({
      maxLength: 100,
      description: 'In place of `totp`; works once. Case, spaces and dashes do not matter.',
      examples: ['7Q2MX-0HWKD-V9TRA-3JZ5E-N8PBC'],
    }),
  ),
})

const Factor = Type.Object({
  factorId,
  factorType: Type.Enum(['OTP', 'SMS', 'EMAIL'], {
    description: 'OTP: an authenticator app. SMS: a phone. EMAIL: an address.',
    examples: ['SMS'],
  }),
  profile: Type.Object(
    {
      phoneNumber: Type.Optional(
        Type.String({ description: 'Of SMS: the national number.', examples: ['18812345678'] }),
      ),
      phoneCountryCode: Type.Optional(
        Type.String({ description: 'Of SMS: the calling code.', examples: ['+86'] }),
      ),
      email: Type.Optional(Type.String({ description: 'Of EMAIL: the address.' })),
    },
    { description: 'Where its codes go; empty of OTP.' },
  ),
})

const own = unlimited('reads the caller’s own rows by their key')

/** By SMS or by email. */
const sendRoute = {
  limit: smsRoute.limit,
  refusals: [...smsRoute.refusals, 'email_invalid', 'email_not_configured', 'email_undeliverable'],
} as const

export const factorRoutes = (http: Http, factors: Factors): void => {
  http.get(
    '/api/v3/list-factors-to-enroll',
    {
      config: { access: 'user', limit: own, refusals: ['user_disabled'] },
      schema: {
        operationId: 'listFactorsToEnroll',
        tags: ['MFA'],
        summary: 'The factors that one can still enroll',
        description:
          'For a page that offers them. One of a type: what is enrolled is not listed. The next step is send-enroll-factor-request.',
        response: {
          200: envelopeOf(
            Type.Array(
              Type.Object({
                factorType: Type.Enum(['OTP', 'SMS', 'EMAIL'], {
                  description: 'OTP: an authenticator app. SMS: a phone. EMAIL: an address.',
                  examples: ['OTP'],
                }),
              }),
            ),
          ),
        },
      },
    },
    async (request) => {
      const types = await factors.listToEnroll(request.user)
      return ok(
        request,
        types.map((factorType) => ({ factorType })),
      )
    },
  )

  http.post(
    '/api/v3/send-enroll-factor-request',
    {
      config: {
        access: 'user',
        limit: sendRoute.limit,
        refusals: ['user_disabled', 'not_implemented', 'factor_already_enrolled', ...sendRoute.refusals],
      },
      schema: {
        operationId: 'sendEnrollFactorRequest',
        tags: ['MFA'],
        summary: 'Begin to enroll a factor',
        description:
          'OTP: a new secret as a QR code, and a recovery code. SMS and EMAIL: a code is sent to the number or address in `profile`. Then call enroll-factor.',
        body: RequestBody,
        response: { 200: envelopeOf(RequestData) },
      },
    },
    async (request) => {
      const { user, application, clientIp, locale, body } = request
      const asker = { user, application, ip: clientIp, language: locale }
      return ok(request, await factors.requestEnrollment(asker, wantedOf(body)))
    },
  )

  http.post(
    '/api/v3/enroll-factor',
    {
      config: {
        access: 'user',
        limit: ['factorFailuresHour', 'attemptsPerPasscode', 'passcodeFailuresHour'],
        refusals: [
          'user_disabled',
          'not_implemented',
          'step_up_token_invalid',
          'factor_already_enrolled',
          'totp_incorrect',
          'totp_missing',
          'passcode_incorrect',
          'passcode_expired',
          'passcode_attempts_exceeded',
        ],
      },
      schema: {
        operationId: 'enrollFactor',
        tags: ['MFA'],
        summary: 'Enroll a factor',
        description:
          'The second half, after send-enroll-factor-request: with a code that the app with the new secret shows, or that was sent there. A wrong code does not spend the token.',
        body: EnrollBody,
        response: { 200: envelope() },
      },
    },
    async (request) => {
      const { user, application, clientIp, locale, body } = request
      const type = servedType(body.factorType)
      const passCode = body.enrollmentData.passCode ?? ''
      const code = type === 'OTP' ? requireTotp(passCode, 'enrollmentData.passCode') : passCode
      if (code === '') throw fieldInvalid('enrollmentData.passCode', 'is required')
      const asker = { user, application, ip: clientIp, language: locale }
      await factors.enroll(asker, { type, enrollmentToken: body.enrollmentToken, code })
      return ok(request)
    },
  )

  http.get(
    '/api/v3/list-enrolled-factors',
    {
      config: { access: 'user', limit: own, refusals: ['user_disabled'] },
      schema: {
        operationId: 'listEnrolledFactors',
        tags: ['MFA'],
        summary: 'The own factors',
        description: 'What the user has enrolled beside the sign-in.',
        response: { 200: envelopeOf(Type.Array(Factor)) },
      },
    },
    async (request) => ok(request, (await factors.list(request.user)).map(toFactorDto)),
  )

  http.get(
    '/api/v3/get-factor',
    {
      config: { access: 'user', limit: own, refusals: ['user_disabled', 'factor_not_found'] },
      schema: {
        operationId: 'getFactor',
        tags: ['MFA'],
        summary: 'One of the own factors',
        description: 'One entry of list-enrolled-factors, by its id.',
        querystring: Type.Object({ factorId }),
        response: { 200: envelopeOf(Factor) },
      },
    },
    async (request) => ok(request, toFactorDto(await factors.get(request.user, request.query.factorId))),
  )

  http.post(
    '/api/v3/reset-factor',
    {
      config: {
        access: 'user',
        limit: unlimited('removes the caller’s own row, after a proof'),
        refusals: ['user_disabled', 'factor_not_found', 'factor_proof_required'],
      },
      schema: {
        operationId: 'resetFactor',
        tags: ['MFA'],
        summary: 'Remove a factor',
        description:
          'Takes a factor away from the account, within five minutes of signing in, or of proving a factor with mfa-totp-verify.',
        body: Type.Object({ factorId }),
        response: { 200: envelope() },
      },
    },
    async (request) => {
      const { user, application, clientIp: ip, body } = request
      await factors.remove({ user, application, ip, factorId: body.factorId })
      return ok(request)
    },
  )

  http.post(
    '/api/v3/mfa-totp-verify',
    {
      config: {
        access: 'user',
        limit: ['factorFailuresHour'],
        refusals: [
          'user_disabled',
          'factor_not_found',
          'totp_incorrect',
          'totp_missing',
          'recovery_code_incorrect',
          'recovery_code_missing',
          'passcode_attempts_exceeded',
        ],
      },
      schema: {
        operationId: 'mfaOtpVerify',
        tags: ['MFA'],
        summary: 'Prove the authenticator app',
        description:
          'With what the authenticator app shows, or the recovery code of its enrollment. A code works once. For five minutes the session has then proved a factor: enough to change a lost phone. A refusal has `data.verified` false.',
        body: VerifyBody,
        response: {
          200: envelopeOf(
            Type.Object({
              verified: Type.Boolean({ description: 'Always true: else it is a refusal.', examples: [true] }),
            }),
          ),
        },
      },
    },
    async (request) => {
      const { user, application, clientIp: ip, body } = request
      try {
        await factors.verify({ user, application, ip, by: verificationOf(body) })
      } catch (error) {
        if (!(error instanceof ApiError)) throw error
        throw new ApiError(error.code, error.reason, { ...error.detail, verified: false })
      }
      return ok(request, { verified: true })
    },
  )
}

type RequestFields = {
  factorType: 'OTP' | 'SMS' | 'EMAIL' | 'FACE'
  profile?: { phoneNumber?: string; phoneCountryCode?: string; email?: string }
  captchaToken?: string
  captchaCode?: string
}

const servedType = (type: RequestFields['factorType']) => {
  if (type === 'FACE') throw new ApiError('not_implemented', 'FACE')
  return type
}

const wantedOf = (body: RequestFields): Wanted => {
  const { factorType, profile } = body
  const type = servedType(factorType)
  const { phoneNumber, phoneCountryCode, email } = profile ?? {}
  if (type === 'OTP') return { type }
  if (type === 'EMAIL') {
    if (!email) throw fieldInvalid('profile.email', 'is required')
    return { type, email: requireEmail(email) }
  }
  if (!phoneNumber) throw fieldInvalid('profile.phoneNumber', 'is required')
  const { phone } = requirePhone(phoneNumber, phoneCountryCode, 'profile.phoneNumber')
  return { type, phone, captcha: captchaAnswerIn(body) }
}

const requireTotp = (typed: string, field: string): string => {
  if (typed.trim() === '') throw new ApiError('totp_missing', field)
  const totp = readTotp(typed)
  if (totp === undefined) throw fieldInvalid(field, 'must be the 6 digits that the authenticator app shows')
  return totp
}

const verificationOf = (body: { totp?: string; recoveryCode?: string }): Verification['by'] => {
  const { totp = '', recoveryCode } = body
  // Which of the two is missing is told by the field that was sent empty.
  if (totp !== '' || recoveryCode === undefined) return { totp: requireTotp(totp, 'totp') }
  if (recoveryCode.trim() === '') throw new ApiError('recovery_code_missing', 'recoveryCode')
  return { recoveryCode }
}

const toFactorDto = ({ id, type, recipient }: FactorRow) => {
  const factor = { factorId: id, factorType: type }
  if (recipient === null) return { ...factor, profile: {} }
  if (!isPhone(recipient)) return { ...factor, profile: { email: recipient } }
  const { nationalNumber, callingCode } = formatParts(recipient)
  return { ...factor, profile: { phoneNumber: nationalNumber, phoneCountryCode: callingCode } }
}
