// The sample program of each method: a whole module, to be pasted into a file. What it sends are the samples of the
// parameters; what its reader has to fill in stands in capitals or is a code, and a comment says where it comes from.
// server/test/samples runs every one of them.

/** Where a value comes from, whatever the method. */
const placeholders = {
  updatePhoneToken: ['UPDATE_PHONE_TOKEN', 'data.updatePhoneToken of verifyUpdatePhoneRequest'],
  updateEmailToken: ['UPDATE_EMAIL_TOKEN', 'data.updateEmailToken of verifyUpdateEmailRequest'],
  passwordResetToken: ['PASSWORD_RESET_TOKEN', 'data.passwordResetToken of verifyResetPasswordRequest'],
  deleteAccountToken: ['DELETE_ACCOUNT_TOKEN', 'data.deleteAccountToken of verifyDeleteAccountRequest'],
  enrollmentToken: ['ENROLLMENT_TOKEN', 'data.enrollmentToken of sendEnrollFactorRequest'],
  factorId: ['FACTOR_ID', 'data[].factorId of listEnrolledFactors'],
  deviceId: ['DEVICE_ID', 'data[].device.deviceId of list'],
  credentialId: ['CREDENTIAL_ID', 'data.list[].credentialId of listWebAuthnCredentials'],
}

const sent = (call, channel, where = '') => `of the message that ${call} with ${channel} sent${where}`
const smsCode = (channel, where) => ({ passCode: sent('sendSms', channel, where) })
const emailCode = (channel) => ({ passCode: sent('sendEmail', channel) })

const client = { client_id: 'APP_ID', client_secret: 'APP_SECRET' }
const signIn = { options: { scope: 'openid profile email phone' } }
const signUp = { profile: { nickname: 'Ada' } }
const credential = { id: 'CREDENTIAL_ID', rawId: 'CREDENTIAL_ID', type: 'public-key' }

/**
 * By method. `params`: what the program sends in place of the first example of the document; `and`: beside it. `from`:
 * where a value comes from, by its field.
 */
const samples = {
  preCheckCode: { from: smsCode('CHANNEL_BIND_PHONE') },
  bindPhone: { from: smsCode('CHANNEL_BIND_PHONE', ' to the number') },
  verifyUpdatePhoneRequest: {
    from: {
      newPhonePassCode: sent('sendSms', 'CHANNEL_BIND_PHONE', ' to the new number'),
      oldPhonePassCode: sent('sendSms', 'CHANNEL_UNBIND_PHONE', ' to the current number'),
    },
  },
  unbindPhone: { from: smsCode('CHANNEL_UNBIND_PHONE', ' to the current number') },
  bindEmail: { from: emailCode('CHANNEL_BIND_EMAIL') },
  unbindEmail: { from: emailCode('CHANNEL_UNBIND_EMAIL') },
  verifyUpdateEmailRequest: {
    from: {
      newEmailPassCode: sent('sendEmail', 'CHANNEL_UPDATE_EMAIL', ' to the new address'),
      oldEmailPassCode: sent('sendEmail', 'CHANNEL_UPDATE_EMAIL', ' to the current address'),
    },
  },
  signInByCredentials: { and: client },
  signInByPhonePassCode: { and: signIn, from: smsCode('CHANNEL_LOGIN') },
  signInByEmailPassCode: { and: signIn, from: emailCode('CHANNEL_LOGIN') },
  signInByPhonePassword: { and: signIn },
  signInByEmailPassword: { and: signIn },
  signInByUsernamePassword: { and: signIn },
  signInByAccountPassword: { and: signIn },
  signUpByPhoneCode: { and: signUp, from: smsCode('CHANNEL_REGISTER') },
  signUpByEmailCode: { and: signUp, from: emailCode('CHANNEL_REGISTER') },
  signUpByEmailPassword: { and: signUp },
  signUpByUsernamePassword: { and: signUp },
  verifyResetPasswordRequest: { from: smsCode('CHANNEL_RESET_PASSWORD') },
  verifyDeleteAccountRequest: { from: smsCode('CHANNEL_DELETE_ACCOUNT') },
  getProfile: { params: { withCustomData: true } },
  getLoginHistory: { params: { success: true, page: 1, limit: 10 } },
  getAuthorizedResources: { params: { namespace: 'default' } },
  geneCatchaCodeAndToken: { params: {} },
  enrollFactor: {
    from: { passCode: 'what the authenticator app shows for data.otpData of sendEnrollFactorRequest' },
  },
  mfaOtpVerify: { from: { totp: 'what the authenticator app shows' } },
  verifyRegister: {
    params: {
      ticket: 'TICKET',
      registrationCredential: {
        ...credential,
        response: { attestationObject: 'ATTESTATION_OBJECT', clientDataJSON: 'CLIENT_DATA_JSON' },
      },
    },
    from: {
      ticket: 'data.ticket of initRegisterOptions',
      registrationCredential: 'toJSON() of what navigator.credentials.create gave in the browser',
    },
  },
  verifyAuthentication: {
    params: {
      ticket: 'TICKET',
      authenticationCredential: {
        ...credential,
        response: {
          authenticatorData: 'AUTHENTICATOR_DATA',
          clientDataJSON: 'CLIENT_DATA_JSON',
          signature: 'SIGNATURE',
          userHandle: 'USER_HANDLE',
        },
      },
    },
    from: {
      ticket: 'data.ticket of initAuthenticationOptions',
      authenticationCredential: 'toJSON() of what navigator.credentials.get gave in the browser',
    },
  },
}

const quoted = (text) => `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`

/** A value as source text, one field a line; `from` puts a comment above the fields that it names. */
const literal = (value, from, indent = '') => {
  if (typeof value === 'string') return quoted(value)
  if (Array.isArray(value)) return `[${value.map((entry) => literal(entry, from, indent)).join(', ')}]`
  if (typeof value !== 'object' || value === null) return String(value)
  const lines = Object.entries(value).map(([name, inner]) => {
    const text = literal(inner, from, `${indent}  `)
    const words = from[name] ? `${indent}  // ${from[name]}\n` : ''
    return `${words}${indent}  ${name}: ${text},`
  })
  return `{\n${lines.join('\n')}\n${indent}}`
}

const filled = (value, name) => {
  if (placeholders[name] !== undefined) return placeholders[name][0]
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value
  return Object.fromEntries(Object.entries(value).map(([inner, field]) => [inner, filled(field, inner)]))
}

/** Makes the client, and signs a user in where the call needs one. */
export const opening = ({ needsUser }) => `import { AuthenticationClient } from '@dialtone/sdk'

const client = new AuthenticationClient({
  appId: 'APP_ID',
  appSecret: 'APP_SECRET',
  appHost: 'http://localhost:3000',
})
${needsUser ? "// data.access_token of a sign-in\nclient.setAccessToken('ACCESS_TOKEN')\n" : ''}`

export const printing = 'console.log(JSON.stringify(result, null, 2))'

/**
 * @param method of the client
 * @param example what it is called with; undefined where it takes nothing. `inPath`: each of its values is an argument
 */
export const programOf = (method, { example, inPath, needsUser }) => {
  const { params = example, and = {}, from = {} } = samples[method] ?? {}
  const given = { ...filled(params ?? {}), ...and }
  const words = {
    ...Object.fromEntries(Object.entries(placeholders).map(([name, [, origin]]) => [name, origin])),
    ...from,
  }
  const names = Object.keys(given)
  const written = inPath ? names.map((name) => quoted(given[name])).join(', ') : literal(given, words)
  const origin = inPath && words[names[0]] ? `// ${words[names[0]]}\n` : ''
  return `${opening({ needsUser })}
${origin}const result = await client.${method}(${names.length === 0 ? '' : written})

${printing}`
}
