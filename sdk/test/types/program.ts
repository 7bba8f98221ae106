// A program of the published SDK, as one writes it: it must compile with ours in its place, no other line changed.
// `tsc` takes this file twice: as it stands, and with the name of the package leading to ours (tsconfig.json here).
import { AuthenticationClient, Models } from 'authing-node-sdk'

const required = (name: string, value: string | undefined): string => {
  if (value === undefined) throw new Error(`${name} is not set`)
  return value
}

const createClient = (environment: Record<string, string | undefined>) =>
  new AuthenticationClient({
    appId: required('AUTHING_APP_ID', environment['AUTHING_APP_ID']),
    appSecret: required('AUTHING_APP_SECRET', environment['AUTHING_APP_SECRET']),
    appHost: required('AUTHING_APP_HOST', environment['AUTHING_APP_HOST']),
    timeout: 5000,
    rejectUnauthorized: true,
    scope: 'openid profile offline_access',
    tokenEndPointAuthMethod: 'client_secret_post',
  })

const signIn = async (client: AuthenticationClient, account: string, password: string) => {
  const result: Models.LoginTokenRespDto = await client.signInByCredentials({
    connection: Models.SigninByCredentialsDto.connection.PASSWORD,
    passwordPayload: { account, password },
    options: {
      scope: 'openid profile offline_access',
      passwordEncryptType: Models.SignInOptionsDto.passwordEncryptType.NONE,
    },
  })
  if (result.statusCode !== 200) throw new Error(`${result.apiCode ?? ''} ${result.message}`)
  const accessToken = required('access_token', result.data.access_token)
  client.setAccessToken(accessToken)
  return accessToken
}

const sendCode = async (client: AuthenticationClient, phoneNumber: string) => {
  const body: Models.SendSMSDto = {
    channel: Models.SendSMSDto.channel.CHANNEL_BIND_PHONE,
    phoneNumber,
    phoneCountryCode: '+86',
  }
  const { statusCode, message } = await client.sendSms(body)
  if (statusCode !== 200) throw new Error(message)
}

const bind = async (client: AuthenticationClient, phoneNumber: string, passCode: string) => {
  const result = await client.bindPhone({ phoneNumber, passCode, phoneCountryCode: '+86' })
  switch (result.apiCode) {
    case undefined:
      return true
    case 2001:
      return false
    default:
      throw new Error(`${result.statusCode} ${result.message} (${result.requestId ?? ''})`)
  }
}

export const main = async (environment: Record<string, string | undefined>, passCode: string) => {
  const client = createClient(environment)
  const accessToken = await signIn(client, 'ada', 'correct horse battery')
  await sendCode(client, '18812345678')
  await bind(client, '18812345678', passCode)
  const { data: user } = await client.getProfile({ withCustomData: true, withIdentities: false })
  const history = await client.getLoginHistory({ page: 1, limit: 10, success: true })
  const { sub } = await client.parseAccessToken(accessToken)
  await client.revokeToken(accessToken)
  return [user.phone, user.phoneVerified, sub === user.userId, history.data.totalCount]
}
