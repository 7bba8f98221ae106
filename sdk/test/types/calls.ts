// What must compile, and what must not: checked by `tsc`, never run. A line after `@ts-expect-error` that compiles is an
// error of its own.
import {
  type ApiCode,
  ApiError,
  AuthenticationClient,
  apiCodes,
  type Data,
  Models,
  type Params,
  type Result,
  type Succeeded,
} from '../../src/sdk.ts'

const options = { appId: 'app', appSecret: 'secret', appHost: 'https://id.example.com' }
const client = new AuthenticationClient(options)
const throwing = new AuthenticationClient({ ...options, throwOnError: true })

/** Whether both are the same type: neither wider nor narrower, nor `any`. */
type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false
const holds = <_Claim extends true>(): void => undefined

export const parameters = async () => {
  await client.sendSms({ channel: 'CHANNEL_BIND_PHONE', phoneNumber: '18812345678' })
  await client.sendSms({ channel: Models.SendSMSDto.channel.CHANNEL_LOGIN, phoneNumber: '18812345678' })
  await client.bindPhone({ phoneNumber: '18812345678', passCode: '123456', phoneCountryCode: undefined })
  await client.getProfile()
  await client.getProfile({ withCustomData: true }, { timeout: 500, signal: new AbortController().signal })

  // @ts-expect-error no channel has this name
  await client.sendSms({ channel: 'CHANNEL_BIND_FONE', phoneNumber: '18812345678' })
  // @ts-expect-error any string may be one that no channel has
  await client.sendSms({ channel: String('CHANNEL_LOGIN'), phoneNumber: '18812345678' })
  // @ts-expect-error passCode is missing
  await client.bindPhone({ phoneNumber: '18812345678' })
  // @ts-expect-error a code may begin with 0, and is no number
  await client.bindPhone({ phoneNumber: '18812345678', passCode: 123456 })
  // @ts-expect-error phonenumber is misspelt
  await client.bindPhone({ phonenumber: '18812345678', passCode: '123456' })
  // @ts-expect-error the calling code is a string, and null is none
  await client.bindPhone({ phoneNumber: '18812345678', passCode: '123456', phoneCountryCode: null })
  // @ts-expect-error the body is missing
  await client.bindPhone()
  // @ts-expect-error a query parameter of truth is no text
  await client.getProfile({ withCustomData: 'yes' })
  // @ts-expect-error no option of a call has this name
  await client.getProfile({}, { timeOut: 500 })
  // @ts-expect-error Active Directory is not served
  await client.signInByAD({ sAMAccountName: 'ada', password: 'correct horse battery' })
  // @ts-expect-error one payload of the wrapped call is filled in, not all
  await client.signInByPhonePassCode({ email: 'ada@example.com', passCode: '123456' })
}

export const construction = () => {
  new AuthenticationClient({ appId: 'app', appHost: 'id.example.com', tokenEndPointAuthMethod: 'none' })

  // @ts-expect-error appHost is missing
  new AuthenticationClient({ appId: 'app' })
  // @ts-expect-error seconds as text
  new AuthenticationClient({ ...options, timeout: '10' })
  // @ts-expect-error no way of authentication has this name
  new AuthenticationClient({ ...options, tokenEndPointAuthMethod: 'basic' })
}

export const refusals = async () => {
  const result = await client.bindPhone({ phoneNumber: '18812345678', passCode: '123456' })

  // @ts-expect-error a refusal is possible, so that the status may be another
  const alwaysGood: 200 = result.statusCode
  if (result.statusCode === 200) {
    holds<Same<typeof result, Result<'bindPhone', true>>>()
    // @ts-expect-error binding a phone gives no data
    result.data.phone
    return alwaysGood
  }

  switch (result.apiCode) {
    case apiCodes.passcode_incorrect:
      return 'try again'
    case 2300:
      return 'ask for a new one'
    // @ts-expect-error no refusal has this code
    case 4711:
      return 'impossible'
    default:
      return result.data?.retryAfterSeconds
  }
}

/** One case short of all: `never` finds it. */
export const exhaustive = (code: typeof apiCodes.passcode_incorrect | typeof apiCodes.passcode_expired) => {
  switch (code) {
    case apiCodes.passcode_incorrect:
      return 'try again'
    case apiCodes.passcode_expired:
      return 'ask for a new one'
    default: {
      const rest: never = code
      return rest
    }
  }
}

export const oneShort = (code: typeof apiCodes.passcode_incorrect | typeof apiCodes.passcode_expired) => {
  switch (code) {
    case apiCodes.passcode_incorrect:
      return 'try again'
    default: {
      // @ts-expect-error passcode_expired is left
      const rest: never = code
      return rest
    }
  }
}

export const thrown = async () => {
  const result = await throwing.getProfile()

  holds<Same<typeof result, Succeeded<Data<'getProfile'>>>>()
  holds<Same<typeof result.statusCode, 200>>()
  holds<Same<typeof result.data.userId, string>>()
  // @ts-expect-error there is no refusal in it
  if (result.statusCode === 499) return

  try {
    await throwing.bindPhone({ phoneNumber: '18812345678', passCode: '123456' })
  } catch (error) {
    if (error instanceof ApiError) holds<Same<typeof error.apiCode, ApiCode | undefined>>()
  }
}

export const names = () => {
  holds<Same<Awaited<ReturnType<typeof client.bindPhone>>, Result<'bindPhone', false>>>()
  holds<Same<Awaited<ReturnType<typeof throwing.bindPhone>>, Result<'bindPhone', true>>>()
  holds<Same<Models.BindPhoneDto, Params<'bindPhone'>>>()
  holds<Same<Data<'bindPhone'>, never>>()
  holds<Same<ApiCode, (typeof apiCodes)[keyof typeof apiCodes]>>()

  // @ts-expect-error no method has this name
  type _NoMethod = Result<'bindFone', false>
}

export const claims = async () => {
  const access = await client.parseAccessToken('token')
  holds<Same<typeof access.sid, string>>()
  // @ts-expect-error an access token has no such claim
  access.at_hash
  const id = await client.parseIDToken('token')
  holds<Same<typeof id.at_hash, string>>()
}

/** A function that takes a client does not have to say whether that throws. */
export const takesAny = async (any: AuthenticationClient<boolean>) => (await any.getProfile()).requestId
export const given = [takesAny(client), takesAny(throwing)]
