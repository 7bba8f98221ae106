// The whole story against the running server, with the published SDK, unmodified: sign up, sign in, receive a code,
// bind the phone, look at the result. Prints each call and its reply.
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import sdk from 'authing-node-sdk'

const { env } = process
const appHost = env.DIALTONE_PUBLIC_URL || `http://${env.HOST || '127.0.0.1'}:${env.PORT || '3000'}`

/** What the first start made, unless the settings gave it. */
const made = (name) => {
  const file = join(env.DIALTONE_DATA_DIR || 'data', 'credentials.json')
  if (existsSync(file)) return JSON.parse(readFileSync(file, 'utf8'))[name]
  throw new Error(`there is no ${file} yet: start the server first, in another terminal: npm start`)
}

const unique = String(Date.now()).slice(-8)
const username = `ada-${unique}`
const password = 'correct horse battery staple'
const phone = { phoneNumber: `188${unique}`, phoneCountryCode: '+86' }

const shorten = (value) =>
  JSON.stringify(
    value,
    (_name, inner) => (typeof inner === 'string' && inner.length > 90 ? `${inner.slice(0, 30)}…` : inner),
    2,
  )

const show = async (name, params, call) => {
  console.log(`\n${name}(${params === undefined ? '' : shorten(params)})`)
  const reply = await call()
  console.log(shorten(reply))
  if (reply.statusCode !== undefined && reply.statusCode !== 200)
    throw new Error(`${name} was refused: ${reply.message}`)
  return reply
}

const readInbox = async (to) => {
  const response = await fetch(`${appHost}/inbox/messages?to=${encodeURIComponent(to)}`)
  if (response.status === 404) throw new Error('the inbox is off: start the server with DIALTONE_INBOX=on')
  const {
    messages: [message],
  } = await response.json()
  if (message === undefined)
    throw new Error(`no message for ${to} in the inbox: a route of yours sends it elsewhere`)
  console.log(`\nThe inbox shows: ${message.text}`)
  return message.passCode
}

const story = async () => {
  const client = new sdk.AuthenticationClient({
    appId: env.DIALTONE_APP_ID || made('appId'),
    appSecret: env.DIALTONE_APP_SECRET || made('appSecret'),
    appHost,
  })
  await show('signUpByUsernamePassword', { username, password }, () =>
    client.signUpByUsernamePassword({ username, password }),
  )
  const signedIn = await show('signInByUsernamePassword', { username, password }, () =>
    client.signInByUsernamePassword({ username, password }),
  )
  client.setAccessToken(signedIn.data.access_token)

  const sms = { channel: 'CHANNEL_BIND_PHONE', ...phone }
  await show('sendSms', sms, () => client.sendSms(sms))
  const passCode = await readInbox(`${phone.phoneCountryCode}${phone.phoneNumber}`)
  await show('bindPhone', { ...phone, passCode }, () => client.bindPhone({ ...phone, passCode }))

  await show('getProfile', {}, () => client.getProfile({}))
  await show('getSecurityLevel', undefined, () => client.getSecurityLevel())
  await show('parseAccessToken', undefined, () => client.parseAccessToken(signedIn.data.access_token))
  console.log('\nThe phone is bound.')
}

story().catch((error) => {
  const hint =
    error.code === 'ECONNREFUSED' ? `. Is the server running at ${appHost}? Start it with: npm start` : ''
  console.error(`\nThe demo failed: ${error.message}${hint}`)
  process.exit(1)
})
