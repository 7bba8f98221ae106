// Methods of the client that fill in a part of another call, as the published SDK has them: sign in and sign up by one
// pair of credentials. The SDK's source and the reference pages are made from these rows.
const signIn = { calls: 'signInByCredentials', namesClient: true, also: ['options'] }
const signUp = { calls: 'signUp', namesClient: false, also: ['profile', 'options'] }
const byPassword = { connection: 'PASSWORD', payload: 'passwordPayload' }
const byPasscode = { connection: 'PASSCODE', payload: 'passCodePayload' }

/**
 * `payload` is the field of the called body that takes `fields`; `also` are given beside them. `namesClient`: the client's
 * id and secret go along where its `tokenEndPointAuthMethod` is `client_secret_post`.
 */
export const wrappers = {
  signInByPhonePassCode: {
    ...signIn,
    ...byPasscode,
    fields: ['phone', 'passCode', 'phoneCountryCode?'],
    summary: 'Sign in with a phone and a code',
  },
  signInByEmailPassCode: {
    ...signIn,
    ...byPasscode,
    fields: ['email', 'passCode'],
    summary: 'Sign in with an email address and a code',
  },
  signInByPhonePassword: {
    ...signIn,
    ...byPassword,
    fields: ['phone', 'password', 'phoneCountryCode?'],
    summary: 'Sign in with a phone and a password',
  },
  signInByEmailPassword: {
    ...signIn,
    ...byPassword,
    fields: ['email', 'password'],
    summary: 'Sign in with an email address and a password',
  },
  signInByUsernamePassword: {
    ...signIn,
    ...byPassword,
    fields: ['username', 'password'],
    summary: 'Sign in with a username and a password',
  },
  signInByAccountPassword: {
    ...signIn,
    ...byPassword,
    fields: ['account', 'password'],
    summary: 'Sign in with any identifier and a password',
  },
  signUpByPhoneCode: {
    ...signUp,
    ...byPasscode,
    fields: ['phone', 'passCode', 'phoneCountryCode?'],
    summary: 'Sign up with a phone and a code',
  },
  signUpByEmailCode: {
    ...signUp,
    ...byPasscode,
    fields: ['email', 'passCode'],
    summary: 'Sign up with an email address and a code',
  },
  signUpByEmailPassword: {
    ...signUp,
    ...byPassword,
    fields: ['email', 'password'],
    summary: 'Sign up with an email address and a password',
  },
  signUpByUsernamePassword: {
    ...signUp,
    ...byPassword,
    fields: ['username', 'password'],
    summary: 'Sign up with a username and a password',
  },
}
