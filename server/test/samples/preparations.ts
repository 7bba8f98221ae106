// What must have happened before the program of each page can run, and what its reader then fills in.
import type { TestApp } from '../support/app.ts'
import { enrollOtp, requestOtp } from '../support/authenticator.ts'
import { deletionCode, deletionToken } from '../support/deletion.ts'
import { bindEmail, emailCode, proofsOfChange, requestChange } from '../support/email.ts'
import {
  authenticationPath,
  createPasskeyAuthenticator,
  registerPasskey,
  registrationPath,
} from '../support/passkey-authenticator.ts'
import { resetCode, resetToken } from '../support/passwords.ts'
import { bothCodes, provenChange, receiveCode } from '../support/phone-changes.ts'

export type Prepared = {
  /** What takes the place of each text between quotes. */
  filled?: Record<string, string>
  /** What the program prints must hold, beyond its fields. */
  shows?: object
  /** A module that runs before it. */
  around?: string
}

/** A server, and what the samples of a page are called there: no two pages share a person. */
export type Stage = {
  app: TestApp
  username: string
  phone: string
  newPhone: string
  email: string
  newEmail: string
}

const person = async (at: Stage) => at.app.signUp({ username: at.username })

const personWithPhone = async (at: Stage) => {
  const ada = await person(at)
  const { statusCode } = await ada.bindPhone(await ada.receiveCode('CHANNEL_BIND_PHONE', at.phone), at.phone)
  if (statusCode !== 200) throw new Error('bind-phone was refused')
  return { ...ada, phone: at.phone }
}

const personWithEmail = async (at: Stage) => {
  const ada = await person(at)
  if ((await bindEmail(at.app, ada, at.email)).statusCode !== 200) throw new Error('bind-email was refused')
  return ada
}

const nobody = async (): Promise<Prepared> => ({})
const madeBefore = (make: (at: Stage) => Promise<unknown>) => async (at: Stage) => {
  await make(at)
  return {}
}
const signedIn = async (at: Stage): Promise<Prepared> => ({
  filled: { ACCESS_TOKEN: (await person(at)).token },
})
const sentSms = (channel: string, make: (at: Stage) => Promise<unknown>) => async (at: Stage) => {
  await make(at)
  await at.app.sendSms(channel, at.phone)
  return { filled: { '123456': await at.app.lastCode(at.phone) } }
}
const sentEmail = (channel: string, make: (at: Stage) => Promise<unknown>) => async (at: Stage) => {
  await make(at)
  await at.app.sendEmail(channel, at.email)
  return { filled: { '123456': await at.app.lastCode(at.email) } }
}
const withDevice = async (at: Stage): Promise<Prepared> => {
  const { token } = await person(at)
  const { data } = await at.app.get('/api/v3/mydevices/list', { token })
  return { filled: { ACCESS_TOKEN: token, DEVICE_ID: data[0].device.deviceId } }
}
const withFactor = async (at: Stage): Promise<Prepared> => {
  const { token } = await person(at)
  return { filled: { ACCESS_TOKEN: token, FACTOR_ID: (await enrollOtp(at.app, { token })).factorId } }
}

/** A browser that knows WebOTP, when the message has come. */
const browser = `
globalThis.OTPCredential = class {}
Object.defineProperty(globalThis, 'navigator', {
  value: { credentials: { get: async () => ({ code: '123456' }) } },
})
`

/** The tokens name the server by its public URL: what a name server does, this does. */
const nameServer = ({ app }: Stage): Prepared => ({
  filled: { 'http://localhost:3000': app.config.publicUrl },
  around: `
const send = globalThis.fetch
globalThis.fetch = (address, init) => send(address.replace('${app.config.publicUrl}', '${app.url}'), init)
`,
})

export const preparations: Readonly<Record<string, (at: Stage) => Promise<Prepared>>> = {
  bindPhone: async (at) => {
    const ada = await person(at)
    return {
      filled: { ACCESS_TOKEN: ada.token, '123456': await ada.receiveCode('CHANNEL_BIND_PHONE', at.phone) },
    }
  },
  verifyUpdatePhoneRequest: async (at) => {
    const ada = await personWithPhone(at)
    const { newPhonePassCode, oldPhonePassCode } = await bothCodes(at.app, ada, at.newPhone)
    return { filled: { ACCESS_TOKEN: ada.token, '654321': newPhonePassCode, '123456': oldPhonePassCode } }
  },
  updatePhone: async (at) => {
    const ada = await personWithPhone(at)
    return {
      filled: { ACCESS_TOKEN: ada.token, UPDATE_PHONE_TOKEN: await provenChange(at.app, ada, at.newPhone) },
    }
  },
  unbindPhone: async (at) => {
    const { token } = await personWithPhone(at)
    const code = await receiveCode(at.app, token, 'CHANNEL_UNBIND_PHONE', at.phone)
    return { filled: { ACCESS_TOKEN: token, '123456': code } }
  },

  sendSms: nobody,
  sendEmail: nobody,
  preCheckCode: async (at) => ({
    ...(await sentSms('CHANNEL_BIND_PHONE', nobody)(at)),
    shows: { data: { isValid: true } },
  }),
  geneCatchaCodeAndToken: nobody,

  signUp: nobody,
  signUpByPhoneCode: sentSms('CHANNEL_REGISTER', nobody),
  signUpByEmailCode: sentEmail('CHANNEL_REGISTER', nobody),
  signUpByEmailPassword: nobody,
  signUpByUsernamePassword: nobody,
  signInByCredentials: madeBefore(person),
  signInByPhonePassCode: sentSms('CHANNEL_LOGIN', personWithPhone),
  signInByEmailPassCode: sentEmail('CHANNEL_LOGIN', personWithEmail),
  signInByPhonePassword: madeBefore(personWithPhone),
  signInByEmailPassword: madeBefore(personWithEmail),
  signInByUsernamePassword: madeBefore(person),
  signInByAccountPassword: madeBefore(person),
  verifyResetPasswordRequest: async (at) => {
    await personWithPhone(at)
    return { filled: { '123456': await resetCode(at.app, at.phone) } }
  },
  resetPassword: async (at) => {
    await personWithPhone(at)
    return { filled: { PASSWORD_RESET_TOKEN: await resetToken(at.app, at.phone) } }
  },
  validatePassword: async (at) => {
    await person(at)
    return { shows: { data: { valid: true } } }
  },

  getAccessibleApps: signedIn,
  updatePassword: signedIn,
  verifyDeleteAccountRequest: async (at) => {
    const ada = await personWithPhone(at)
    return { filled: { ACCESS_TOKEN: ada.token, '123456': await deletionCode(at.app, ada) } }
  },
  deleteAccount: async (at) => {
    const ada = await personWithPhone(at)
    return { filled: { ACCESS_TOKEN: ada.token, DELETE_ACCOUNT_TOKEN: await deletionToken(at.app, ada) } }
  },
  getIdentities: signedIn,
  getTenantList: signedIn,
  getGroupList: signedIn,
  getRoleList: signedIn,
  getDepartmentList: signedIn,
  getAuthorizedResources: signedIn,
  getProfile: async (at) => ({ ...(await signedIn(at)), shows: { data: { username: at.username } } }),
  updateProfile: async (at) => ({ ...(await signedIn(at)), shows: { data: { nickname: 'Ada' } } }),
  getSecurityLevel: async (at) => ({ ...(await signedIn(at)), shows: { data: { passwordSet: true } } }),

  bindEmail: async (at) => {
    const ada = await person(at)
    const code = await emailCode(at.app, ada, { to: at.email, channel: 'CHANNEL_BIND_EMAIL' })
    return { filled: { ACCESS_TOKEN: ada.token, '123456': code } }
  },
  unbindEmail: async (at) => {
    const ada = await personWithEmail(at)
    const code = await emailCode(at.app, ada, { to: at.email, channel: 'CHANNEL_UNBIND_EMAIL' })
    return { filled: { ACCESS_TOKEN: ada.token, '123456': code } }
  },
  verifyUpdateEmailRequest: async (at) => {
    const ada = await personWithEmail(at)
    const proofs = await proofsOfChange(at.app, ada, { from: at.email, to: at.newEmail })
    const { newEmailPassCode, oldEmailPassCode } = proofs
    return { filled: { ACCESS_TOKEN: ada.token, '654321': newEmailPassCode, '123456': oldEmailPassCode } }
  },
  updateEmail: async (at) => {
    const ada = await personWithEmail(at)
    const proofs = await proofsOfChange(at.app, ada, { from: at.email, to: at.newEmail })
    const { data } = await requestChange(at.app, ada, proofs)
    return { filled: { ACCESS_TOKEN: ada.token, UPDATE_EMAIL_TOKEN: data.updateEmailToken } }
  },

  getLoggedInApps: signedIn,
  getLoginHistory: async (at) => ({ ...(await signedIn(at)), shows: { data: { totalCount: 1 } } }),
  list: signedIn,
  unbind: withDevice,
  revoke: withDevice,

  listFactorsToEnroll: signedIn,
  sendEnrollFactorRequest: signedIn,
  enrollFactor: async (at) => {
    const { token } = await person(at)
    const { enrollmentToken, authenticator } = await requestOtp(at.app, { token })
    return {
      filled: { ACCESS_TOKEN: token, ENROLLMENT_TOKEN: enrollmentToken, '123456': authenticator.code() },
    }
  },
  listEnrolledFactors: async (at) => {
    const { token } = await person(at)
    await enrollOtp(at.app, { token })
    return { filled: { ACCESS_TOKEN: token }, shows: { data: [{ factorType: 'OTP' }] } }
  },
  getFactor: withFactor,
  resetFactor: withFactor,
  mfaOtpVerify: async (at) => {
    const { token } = await person(at)
    const { authenticator } = await enrollOtp(at.app, { token })
    return { filled: { ACCESS_TOKEN: token, '123456': authenticator.code() } }
  },

  initRegisterOptions: signedIn,
  verifyRegister: async (at) => {
    const { token } = await person(at)
    const begun = await at.app.get(registrationPath, { token })
    const { answer } = createPasskeyAuthenticator().create(begun)
    const { id, response } = answer.registrationCredential
    return {
      filled: {
        ACCESS_TOKEN: token,
        TICKET: answer.ticket,
        CREDENTIAL_ID: id,
        ATTESTATION_OBJECT: response.attestationObject,
        CLIENT_DATA_JSON: response.clientDataJSON,
      },
    }
  },
  initAuthenticationOptions: nobody,
  verifyAuthentication: async (at) => {
    const { token } = await person(at)
    const credential = await registerPasskey(at.app, token)
    const answer = createPasskeyAuthenticator().get(await at.app.get(authenticationPath), credential)
    const { id, response } = answer.authenticationCredential
    return {
      filled: {
        TICKET: answer.ticket,
        CREDENTIAL_ID: id,
        AUTHENTICATOR_DATA: response.authenticatorData,
        CLIENT_DATA_JSON: response.clientDataJSON,
        SIGNATURE: response.signature,
        USER_HANDLE: response.userHandle ?? '',
      },
    }
  },
  listWebAuthnCredentials: async (at) => {
    const { token } = await person(at)
    await registerPasskey(at.app, token)
    return { filled: { ACCESS_TOKEN: token }, shows: { data: { totalCount: 1 } } }
  },
  deleteWebAuthnCredential: async (at) => {
    const { token } = await person(at)
    return { filled: { ACCESS_TOKEN: token, CREDENTIAL_ID: (await registerPasskey(at.app, token)).id } }
  },

  getCountryList: nobody,
  getSystemInfo: nobody,

  setAccessToken: madeBefore(person),
  getNewAccessTokenByRefreshToken: async (at) => {
    const { tokens } = await at.app.signUp({ scope: 'openid offline_access' })
    return { filled: { REFRESH_TOKEN: tokens.refresh_token } }
  },
  revokeToken: signedIn,
  parseAccessToken: async (at) => {
    const { userId, token } = await person(at)
    const { filled, ...named } = nameServer(at)
    return { ...named, filled: { ...filled, ACCESS_TOKEN: token }, shows: { sub: userId } }
  },
  parseIDToken: async (at) => {
    const { userId, tokens } = await person(at)
    const { filled, ...named } = nameServer(at)
    return { ...named, filled: { ...filled, ID_TOKEN: tokens.id_token }, shows: { sub: userId } }
  },
  receivePassCode: async () => ({ around: browser }),
}
