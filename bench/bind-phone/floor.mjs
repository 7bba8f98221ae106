// The floor, as the driver sees it. What it does: floor-server.mjs.

import { generateKeyPairSync, sign } from 'node:crypto'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { post } from './load.mjs'

const schema = `
  create table users (
    id uuid primary key,
    phone text unique,
    phone_verified_at timestamptz
  );
  create table passcodes (
    phone text primary key,
    code text not null,
    attempts integer not null default 0,
    expires_at timestamptz not null,
    consumed_at timestamptz
  )`

export const createFloor = ({ databaseUrl, database, port }) => {
  const keys = generateKeyPairSync('rsa', { modulusLength: 2048 })
  return {
    title: 'floor: bare Fastify + pg',
    command: [fileURLToPath(new URL('floor-server.mjs', import.meta.url))],
    env: {
      PORT: port,
      DATABASE_URL: databaseUrl,
      PUBLIC_KEY: keys.publicKey.export({ type: 'spki', format: 'pem' }),
    },
    createSchema: () => database.query(schema),
    prepareUsers: async (count) => {
      const { rows } = await database.query(
        'insert into users (id) select gen_random_uuid() from generate_series(1, $1) returning id',
        [count],
      )
      return Promise.all(rows.map(({ id }) => signToken(id, keys.privateKey)))
    },
    send: (phone) => post('/send', {}, { phone }),
    sent: ({ body }) => body.statusCode === 200,
    readCodes: async (phones) => {
      const { rows } = await database.query('select phone, code from passcodes where phone = any($1)', [
        phones,
      ])
      const codes = new Map(rows.map(({ phone, code }) => [phone, code]))
      return phones.map((phone) => codes.get(phone))
    },
    bind: ({ token, phone, code }) => post('/bind', { authorization: `Bearer ${token}` }, { phone, code }),
    bound: ({ body }) => body.statusCode === 200,
    countBound: 'select count(*)::int as bound from users where phone is not null',
  }
}

const signAside = promisify(sign)

const signToken = async (sub, privateKey) => {
  const exp = Math.floor(Date.now() / 1000) + 7200
  const signed = [
    { alg: 'RS256', typ: 'JWT' },
    { iss: 'bench', sub, exp },
  ]
    .map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'))
    .join('.')
  return `${signed}.${(await signAside('RSA-SHA256', Buffer.from(signed), privateKey)).toString('base64url')}`
}
