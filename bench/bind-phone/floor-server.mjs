// The floor: the least that a Node server can do for this pair. A bare Fastify, the bearer token (RS256)
// checked by node:crypto, one prepared statement a request. No limits, no parsing of the number, no audit, no
// message, the code stored as it is.

import { createPublicKey, randomInt, verify } from 'node:crypto'
import Fastify from 'fastify'
import pg from 'pg'

const { PORT, DATABASE_URL, PUBLIC_KEY } = process.env
const publicKey = createPublicKey(PUBLIC_KEY)
const pool = new pg.Pool({ connectionString: DATABASE_URL })
const app = Fastify()

const sendBody = {
  type: 'object',
  required: ['phone'],
  properties: { phone: { type: 'string', maxLength: 20 } },
}
const bindBody = {
  type: 'object',
  required: ['phone', 'code'],
  properties: { ...sendBody.properties, code: { type: 'string', maxLength: 8 } },
}
const response = { 200: { type: 'object', properties: { statusCode: { type: 'integer' } } } }

const issuePasscode = {
  name: 'issue_passcode',
  text: `
    insert into passcodes (phone, code, expires_at)
    values ($1, $2, now() + interval '5 minutes')
        on conflict (phone) do update
       set code = excluded.code,
           expires_at = excluded.expires_at,
           attempts = 0,
           consumed_at = null`,
}

const bindPhone = {
  name: 'bind_phone',
  text: `
      with tried as (
    update passcodes
       set attempts = attempts + 1,
           consumed_at = case when code = $2 then now() end
     where phone = $1
       and consumed_at is null
       and expires_at > now()
       and attempts < 5
 returning phone, consumed_at
         )
    update users
       set phone = tried.phone,
           phone_verified_at = tried.consumed_at
      from tried
     where users.id = $3
       and users.phone is null
       and tried.consumed_at is not null`,
}

const authenticate = (authorization = '') => {
  const [header, payload, signature] = authorization.replace('Bearer ', '').split('.')
  if (!signature || decode(header).alg !== 'RS256') return undefined
  const signed = Buffer.from(`${header}.${payload}`)
  if (!verify('RSA-SHA256', signed, publicKey, Buffer.from(signature, 'base64url'))) return undefined
  const { sub, iss, exp } = decode(payload)
  return iss === 'bench' && exp > Date.now() / 1000 ? sub : undefined
}

const decode = (part) => JSON.parse(Buffer.from(part, 'base64url').toString())

app.post('/send', { schema: { body: sendBody, response } }, async ({ body }) => {
  const code = String(randomInt(1_000_000)).padStart(6, '0')
  await pool.query({ ...issuePasscode, values: [body.phone, code] })
  return { statusCode: 200 }
})

app.post('/bind', { schema: { body: bindBody, response } }, async ({ body, headers }) => {
  const user = authenticate(headers.authorization)
  if (!user) return { statusCode: 401 }
  const { rowCount } = await pool.query({ ...bindPhone, values: [body.phone, body.code, user] })
  return { statusCode: rowCount === 1 ? 200 : 400 }
})

await app.listen({ port: Number(PORT), host: '127.0.0.1' })
