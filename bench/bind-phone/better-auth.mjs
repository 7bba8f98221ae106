// better-auth, as the driver sees it. How it is set up: better-auth-server.mjs.

import { createHmac, randomBytes } from 'node:crypto'
import { fileURLToPath } from 'node:url'
import { post } from './load.mjs'

// Users and sessions straight into its tables: the rows of its own sign-up, without the hashing of passwords.
const insertUsers = `
  insert into "user" (id, name, email, "emailVerified", "createdAt", "updatedAt")
  select 'user-' || token, 'Ann Example', token || '@example.com', true, now(), now()
    from unnest($1::text[]) as token`
const insertSessions = `
  insert into session (id, "expiresAt", token, "createdAt", "updatedAt", "ipAddress", "userAgent", "userId")
  select 'session-' || token, now() + interval '7 days', token, now(), now(), '', '', 'user-' || token
    from unnest($1::text[]) as token`

export const createBetterAuth = ({ databaseUrl, database, port }) => {
  const secret = randomBytes(32).toString('base64url')
  const origin = `http://127.0.0.1:${port}`
  return {
    title: 'better-auth, phone-number plugin',
    roundShare: 1 / 3, // of the pairs of a round: its turn takes long, and neighbors in time compare best
    command: [fileURLToPath(new URL('better-auth-server.mjs', import.meta.url))],
    env: { PORT: port, DATABASE_URL: databaseUrl, SECRET: secret },
    prepareUsers: async (count) => {
      const tokens = Array.from({ length: count }, () => randomBytes(16).toString('hex'))
      await database.query(insertUsers, [tokens])
      await database.query(insertSessions, [tokens])
      return tokens.map(
        (token) => `better-auth.session_token=${encodeURIComponent(signCookie(token, secret))}`,
      )
    },
    send: (phone) => post('/api/auth/phone-number/send-otp', { origin }, { phoneNumber: phone }),
    sent: ({ status }) => status === 200,
    readCodes: async (phones) => {
      const { rows } = await database.query('select identifier, value from verification')
      const codes = new Map(rows.map(({ identifier, value }) => [identifier, value.split(':')[0]]))
      return phones.map((phone) => codes.get(`phone-number-otp-${phone}`))
    },
    bind: ({ token, phone, code }) =>
      post(
        '/api/auth/phone-number/verify',
        { origin, cookie: token },
        { phoneNumber: phone, code, updatePhoneNumber: true },
      ),
    bound: ({ status, body }, phone) =>
      status === 200 && body.status === true && body.user.phoneNumber === phone,
    countBound: 'select count(*)::int as bound from "user" where "phoneNumberVerified"',
  }
}

const signCookie = (token, secret) =>
  `${token}.${createHmac('sha256', secret).update(token).digest('base64')}`
