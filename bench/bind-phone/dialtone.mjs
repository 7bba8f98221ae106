// Dialtone, as the driver sees it: the built server as it ships, but with the limits raised and the inbox on.

import { randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { get, post, runLoop } from './load.mjs'

const main = fileURLToPath(new URL('../../server/dist/main.js', import.meta.url))

export const dialtoneIsBuilt = () => existsSync(main)

const appId = randomBytes(12).toString('hex')
const appSecret = randomBytes(16).toString('hex')
const application = { 'x-authing-app-id': appId }

// One driver asks for everything here; in the world these limits would rightly stop it.
const raisedLimits = {
  DIALTONE_MESSAGES_PER_IP_HOUR: 1_000_000,
  DIALTONE_MESSAGES_PER_APPLICATION_HOUR: 1_000_000,
}

export const createDialtone = ({ databaseUrl, port, folder }) => ({
  title: 'Dialtone',
  command: [main],
  env: {
    PORT: port,
    DIALTONE_DATABASE_URL: databaseUrl,
    DIALTONE_DATA_DIR: folder,
    DIALTONE_MASTER_KEY: randomBytes(32).toString('base64'),
    DIALTONE_PUBLIC_URL: `http://127.0.0.1:${port}`,
    DIALTONE_APP_ID: appId,
    DIALTONE_APP_SECRET: appSecret,
    DIALTONE_INBOX: 'on',
    DIALTONE_LOG_LEVEL: 'warn',
    // Each person has an address of their own, as in the world: behind a proxy that tells it.
    DIALTONE_TRUSTED_PROXIES: '127.0.0.1',
    ...raisedLimits,
  },
  prepareUsers: (count) => signUpByEmail(port, count),
  send: (phone) =>
    post(
      '/api/v3/send-sms',
      { ...application, 'x-forwarded-for': addressOf(phone) },
      { channel: 'CHANNEL_BIND_PHONE', ...onTheWire(phone) },
    ),
  sent: ({ body }) => body.statusCode === 200,
  readCodes: (phones) => readCodes(port, phones),
  bind: ({ token, phone, code }) =>
    post(
      '/api/v3/bind-phone',
      { ...application, authorization: token },
      { ...onTheWire(phone), passCode: code },
    ),
  bound: ({ body }) => body.statusCode === 200,
  countBound: 'select count(*)::int as bound from users where phone is not null',
})

const addressOf = (phone) => {
  const number = Number(phone.slice(-7))
  return `10.${(number >> 16) & 255}.${(number >> 8) & 255}.${number & 255}`
}

const onTheWire = (phone) => ({ phoneCountryCode: '+86', phoneNumber: phone.slice('+86'.length) })

// Users without a phone, and without the 20 ms that hashing a password takes: email passcodes that register.
const signUpByEmail = async (port, count) => {
  const tokens = []
  while (tokens.length < count) {
    const batch = Math.min(1000, count - tokens.length) // a code lives for five minutes
    const emails = Array.from({ length: batch }, (_, i) => `ann-${tokens.length + i}@example.com`)
    await askAll(port, emails.map(sendEmail))
    const codes = await readCodes(port, emails)
    const replies = await askAll(
      port,
      emails.map((email, i) => signIn(email, codes[i])),
    )
    tokens.push(...replies.map((reply) => reply.data.access_token))
  }
  return tokens
}

const sendEmail = (email) => post('/api/v3/send-email', application, { channel: 'CHANNEL_LOGIN', email })

const signIn = (email, passCode) =>
  post('/api/v3/signin', application, {
    connection: 'PASSCODE',
    passCodePayload: { email, passCode },
    client_id: appId,
    client_secret: appSecret,
    options: { autoRegister: true, scope: 'openid profile phone email' },
  })

const readCodes = async (port, recipients) => {
  const requests = recipients.map((recipient) => get(`/inbox/messages?to=${encodeURIComponent(recipient)}`))
  return (await askAll(port, requests)).map(({ messages }) => messages[0].passCode)
}

const askAll = async (port, requests) => {
  const bodies = []
  const accepts = ({ status, body }, i) => {
    bodies[i] = body
    return status === 200 && (body.statusCode ?? 200) === 200
  }
  await runLoop({ port, requests, concurrency: 16, accepts })
  return bodies
}
