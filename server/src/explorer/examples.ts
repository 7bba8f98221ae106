// Examples for the API document: bodies that are ready to send, and replies as they come. Most are made from the
// schemas' own `examples`; the tables below hold what no single field can say.
import type { ApiCodeName } from '../api-codes.ts'
import { refusalBody } from '../core/http.ts'

export type JsonSchema = {
  type?: string
  properties?: Record<string, JsonSchema>
  required?: readonly string[]
  items?: JsonSchema
  enum?: readonly unknown[]
  default?: unknown
  examples?: readonly unknown[]
  description?: string
}

/** OpenAPI's Example Objects by name. */
export type Examples = Record<string, { summary: string; value: unknown }>

/** Bodies in which one field decides which others are meant, by operation; the first is what the explorer sends. */
const bodies: Readonly<Record<string, Readonly<Record<string, object>>>> = {
  signUp: {
    'With a username and a password': {
      connection: 'PASSWORD',
      passwordPayload: { username: 'ada', password: 'correct horse battery' },
    },
    'With a code sent to a phone (CHANNEL_REGISTER)': {
      connection: 'PASSCODE',
      passCodePayload: { phone: '18812345678', phoneCountryCode: '+86', passCode: '123456' },
    },
    'With an email address and a password': {
      connection: 'PASSWORD',
      passwordPayload: { email: 'ada@example.com', password: 'correct horse battery' },
      profile: { nickname: 'Ada' },
    },
  },
  signInByCredentials: {
    'With a username and a password': {
      connection: 'PASSWORD',
      passwordPayload: { username: 'ada', password: 'correct horse battery' },
      options: { scope: 'openid profile email phone' },
    },
    'With a code sent to a phone (CHANNEL_LOGIN)': {
      connection: 'PASSCODE',
      passCodePayload: { phone: '18812345678', phoneCountryCode: '+86', passCode: '123456' },
      options: { scope: 'openid profile email phone offline_access', autoRegister: true },
    },
  },
  verifyResetPasswordRequest: {
    'With a code sent to the phone (CHANNEL_RESET_PASSWORD)': {
      verifyMethod: 'PHONE_PASSCODE',
      phonePassCodePayload: { phoneNumber: '18812345678', phoneCountryCode: '+86', passCode: '123456' },
    },
    'With a code sent to the address': {
      verifyMethod: 'EMAIL_PASSCODE',
      emailPassCodePayload: { email: 'ada@example.com', passCode: '123456' },
    },
  },
  verifyDeleteAccountRequest: {
    'With a code sent to the own phone (CHANNEL_DELETE_ACCOUNT)': {
      verifyMethod: 'PHONE_PASSCODE',
      phonePassCodePayload: { phoneNumber: '18812345678', phoneCountryCode: '+86', passCode: '123456' },
    },
    'Without phone and email, by password': {
      verifyMethod: 'PASSWORD',
      passwordPayload: { password: 'correct horse battery' },
    },
  },
  verifyUpdatePhoneRequest: {
    'With codes sent to both numbers': {
      verifyMethod: 'PHONE_PASSCODE',
      phonePassCodePayload: {
        newPhoneNumber: '18887654321',
        newPhonePassCode: '654321',
        newPhoneCountryCode: '+86',
        oldPhoneNumber: '18812345678',
        oldPhonePassCode: '123456',
        oldPhoneCountryCode: '+86',
      },
    },
    'With another factor, proved just now': {
      verifyMethod: 'PHONE_PASSCODE',
      phonePassCodePayload: { newPhoneNumber: '18887654321', newPhonePassCode: '654321' },
    },
    'The current number is lost': {
      verifyMethod: 'PHONE_PASSCODE',
      phonePassCodePayload: {
        newPhoneNumber: '18887654321',
        newPhonePassCode: '654321',
        oldPhoneLost: true,
      },
    },
  },
  verifyUpdateEmailRequest: {
    'With codes sent to both addresses': {
      verifyMethod: 'EMAIL_PASSCODE',
      emailPassCodePayload: {
        newEmail: 'lovelace@example.com',
        newEmailPassCode: '654321',
        oldEmail: 'ada@example.com',
        oldEmailPassCode: '123456',
      },
    },
  },
  updatePassword: {
    'By the old password': { newPassword: 'a new horse battery', oldPassword: 'correct horse battery' },
    'By a token of verify-reset-password-request': {
      newPassword: 'a new horse battery',
      passwordResetToken: '1wWsyVJDXtDv1nLhtSBjUIGiGFeXFZ0zwXVXjK1v0kM',
    },
  },
  validatePassword: {
    'By username': { username: 'ada', password: 'correct horse battery' },
    'By email address': { email: 'ada@example.com', password: 'correct horse battery' },
    'By phone': { phone: '18812345678', phoneCountryCode: '+86', password: 'correct horse battery' },
  },
  sendEnrollFactorRequest: {
    'An authenticator app': { factorType: 'OTP' },
    'A phone': {
      factorType: 'SMS',
      profile: { phoneNumber: '18812345678', phoneCountryCode: '+86' },
    },
    'An email address': { factorType: 'EMAIL', profile: { email: 'ada@example.com' } },
  },
  mfaOtpVerify: {
    'By the app': { totp: '123456' },
    'By the recovery code': { recoveryCode: '7Q2MX-0HWKD-V9TRA-3JZ5E-N8PBC' },
  },
  sendSms: {
    'To bind a phone': {
      channel: 'CHANNEL_BIND_PHONE',
      phoneNumber: '18812345678',
      phoneCountryCode: '+86',
    },
    'To sign in': { channel: 'CHANNEL_LOGIN', phoneNumber: '18812345678', phoneCountryCode: '+86' },
    'To sign up, abroad': {
      channel: 'CHANNEL_REGISTER',
      phoneNumber: '7911 123456',
      phoneCountryCode: '+44',
    },
  },
  preCheckCode: {
    'A code sent by SMS': {
      codeType: 'SMS',
      smsCodePayload: {
        phone: '18812345678',
        passCode: '123456',
        channel: 'CHANNEL_BIND_PHONE',
        phoneCountryCode: '+86',
      },
    },
    'A code sent by email': {
      codeType: 'EMAIL',
      emailCodePayload: { email: 'ada@example.com', passCode: '123456', channel: 'CHANNEL_LOGIN' },
    },
  },
  updateProfile: {
    'Some fields': { nickname: 'Ada', gender: 'F', city: 'London', customData: { plan: 'pro' } },
  },
  oidcToken: {
    'A refresh': {
      grant_type: 'refresh_token',
      refresh_token: 'the refresh_token of a sign-in with scope offline_access',
    },
  },
  consolePutSmsRoutes: {
    'A fallback, by voice in the end': {
      routes: [
        {
          name: 'Europe',
          serves: { regions: ['DE', 'GB'] },
          steps: [
            { provider: 'twilio', from: 'Dialtone', price: '0.0835' },
            { provider: 'aws', price: '0.0732' },
            { provider: 'twilio', channel: 'voice', price: '0.04' },
          ],
        },
      ],
    },
    'Shares, with an approved template for China': {
      routes: [
        {
          name: 'China',
          serves: { callingCodes: ['+86'] },
          steps: [{ provider: 'aliyun', templateId: 'SMS_000001', templateParameters: ['code'] }],
        },
        {
          name: 'Everybody else',
          serves: {},
          order: 'share',
          steps: [
            { provider: 'twilio', share: 80 },
            { provider: 'aws', share: 20 },
          ],
        },
      ],
    },
  },
  consoleTestSmsProvider: {
    'A text': { to: '+447700900123' },
    'An approved template': {
      to: '+8618812345678',
      templateId: 'SMS_000001',
      templateParameters: ['code'],
    },
  },
  oidcTokenRevocation: { 'An access token': { token: 'the access_token of a sign-in' } },
}

/** Values of replies, by field, where the schema itself gives none. */
const values: Readonly<Record<string, unknown>> = {
  id: '019c2f4e-6b1a-7c52-9d0e-3f6a8b1c2d4e',
  userId: '019c2f4e-6b1a-7c52-9d0e-3f6a8b1c2d4e',
  createdAt: '2026-03-02T09:30:00.000Z',
  updatedAt: '2026-03-02T09:30:00.000Z',
  username: 'ada',
  phone: '18812345678',
  phoneCountryCode: '+86',
  email: 'ada@example.com',
  text: '123456 is your Dialtone code to bind this phone. It is valid for 5 minutes. Tell it to nobody.',
  access_token: 'eyJhbGciOiJSUzI1NiIsInR5cCI6ImF0K2p3dCJ9…',
  id_token: 'eyJhbGciOiJSUzI1NiJ9…',
  refresh_token: 'cXz0hN2v…',
  scope: 'openid profile',
  kid: 'Jb0wT3c2…',
  n: 'u1SU1LfVLPHCozMxH2Mo…',
  server: '0.1.0',
  console: '0.1.0',
  login: '0.1.0',
}

const requestId = '934108e5-9fbf-4d24-8da1-c330328abd6c'

const typeValues: Readonly<Record<string, unknown>> = { boolean: true, integer: 1, number: 1, string: '…' }

/** What stands in every body or reply of the schema, and what may if an example of it is known. */
const exampleOf = (schema: JsonSchema, name = '', isRequired = true): unknown => {
  const own = schema.examples?.[0] ?? (isRequired ? (schema.default ?? schema.enum?.[0]) : undefined)
  if (own !== undefined) return own
  if (schema.properties !== undefined) return isRequired ? objectOf(schema) : undefined
  if (schema.items !== undefined && isRequired) return [exampleOf(schema.items, name)]
  const known = values[name]
  return known ?? (isRequired ? typeValues[schema.type ?? ''] : undefined)
}

const objectOf = ({ properties = {}, required = [] }: JsonSchema) =>
  Object.fromEntries(
    Object.entries(properties).flatMap(([name, inner]) => {
      const value = exampleOf(inner, name, required.includes(name))
      return value === undefined ? [] : [[name, value]]
    }),
  )

export const requestExamples = (operationId: string | undefined, schema: JsonSchema): Examples => {
  const written = Object.entries(bodies[operationId ?? ''] ?? {})
  const all = written.length > 0 ? written : [['An example', objectOf(schema)] as const]
  return Object.fromEntries(all.map(([summary, value], index) => [`example${index + 1}`, { summary, value }]))
}

export const successExample = (schema: JsonSchema): Examples => ({
  success: { summary: 'Success', value: exampleOf(schema) },
})

export const refusalExamples = (names: readonly ApiCodeName[]): Examples =>
  Object.fromEntries(
    names.map((name) => {
      const { statusCode, apiCode } = refusalBody(name, 'en-US', requestId)
      const summary = `${statusCode}${apiCode === undefined ? '' : ` / ${apiCode}`}: ${name}`
      return [name, { summary, value: refusalBody(name, 'en-US', requestId, detailOf(name)) }]
    }),
  )

/** A refusal's words say where its data is. */
const detailOf = (name: ApiCodeName): object => {
  const { message } = refusalBody(name, 'en-US', requestId)
  if (message.includes('data.retryAfterSeconds')) return { retryAfterSeconds: 42 }
  if (message.includes('data.errors')) return { errors: [{ field: 'passCode', message: 'is required' }] }
  return {}
}
