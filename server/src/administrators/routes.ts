import type { FastifyReply } from 'fastify'
import { Type } from 'typebox'
import { consoleCookie, hasConsoleHeader } from '../access/access.ts'
import type { Http } from '../core/http.ts'
import { unlimited } from '../limits.ts'
import {
  type Administrator,
  type AdministratorKeyRow,
  type Administrators,
  sessionHours,
} from './administrators.ts'

const tags = ['Console: administrators']

const uuid = '^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$'
const exampleId = '019c2f4e-6b1a-7c52-9d0e-3f6a8b1c2d4e'

const id = (description: string) => Type.String({ pattern: uuid, description, examples: [exampleId] })
const time = (description: string) =>
  Type.String({ description: `${description} ISO 8601, UTC.`, examples: ['2026-03-02T09:30:00.000Z'] })
const password = (description: string, example: string) =>
  Type.String({ minLength: 1, maxLength: 1000, description, examples: [example] })

const AdministratorReply = Type.Object({
  id: id('The administrator.'),
  poolId: id('The pool that the administrator runs; other pools are out of sight.'),
  username: Type.String({ examples: ['admin'] }),
  credential: Type.Enum(['session', 'key'], { description: 'What the call was authenticated by.' }),
})

const keyFields = {
  id: id('Revoke it by this.'),
  name: Type.String({ examples: ['nightly backup'] }),
  username: Type.String({ description: 'The administrator who made it.', examples: ['admin'] }),
  createdAt: time('When it was made.'),
  expiresAt: Type.Optional(time('From when on it is refused; absent: never.')),
  lastUsedAt: Type.Optional(time('To the minute; absent: never.')),
}

const Nothing = Type.Object({}, { description: 'Empty: the HTTP status says all.' })

const toReply = ({ id, poolId, username, keyId }: Administrator) => ({
  id,
  poolId,
  username,
  credential: keyId === undefined ? ('session' as const) : ('key' as const),
})

const toKey = (row: AdministratorKeyRow) => ({
  id: row.id,
  name: row.name,
  username: row.username,
  createdAt: row.created_at.toISOString(),
  ...(row.expires_at === null ? {} : { expiresAt: row.expires_at.toISOString() }),
  ...(row.last_used_at === null ? {} : { lastUsedAt: row.last_used_at.toISOString() }),
})

const own = unlimited('needs a session or a key, of 256 random bits')

export const administratorRoutes = (http: Http, administrators: Administrators, publicUrl: string): void => {
  const keepInCookie = cookieWriter(publicUrl)

  http.post(
    '/console/api/sessions',
    {
      config: {
        access: 'public',
        limit: ['administratorSignInFailuresHour'],
        replies: 'http',
        refusals: ['credentials_invalid', 'account_locked'],
      },
      schema: {
        operationId: 'consoleSignIn',
        tags,
        summary: 'Sign in as an administrator',
        description: `Send the token as \`Authorization: Bearer …\`. With the header \`x-dialtone-console: 1\` the reply also sets it as a cookie, for a page. A session lasts ${sessionHours} hours, and ends after an hour without use.`,
        body: Type.Object(
          {
            username: Type.String({ minLength: 1, maxLength: 100, examples: ['admin'] }),
            password: password('As the first start printed it, or as it was changed since.', 'correct horse'),
            poolId: Type.Optional(
              Type.String({
                pattern: uuid,
                description: 'The pool of the administrator. Default: that of the first application.',
              }),
            ),
          },
          { additionalProperties: false },
        ),
        response: {
          200: Type.Object({
            token: Type.String({ description: 'Of this session; told once.', examples: ['dts_u1SU1LfV…'] }),
            expiresAt: time('When the session ends at the latest.'),
            administrator: AdministratorReply,
          }),
        },
      },
    },
    async (request, reply) => {
      const { username, password, poolId } = request.body
      const { token, expiresAt, administrator } = await administrators.signIn({
        poolId,
        username: username.normalize('NFKC').trim(),
        password,
        ip: request.clientIp,
        userAgent: request.headers['user-agent'],
      })
      // A form of another site cannot send the header: nobody is signed in as somebody else behind their back.
      if (hasConsoleHeader(request)) keepInCookie(reply, token, sessionHours * 3600)
      reply.header('cache-control', 'no-store')
      return { token, expiresAt: expiresAt.toISOString(), administrator: toReply(administrator) }
    },
  )

  http.delete(
    '/console/api/sessions/current',
    {
      config: { access: 'administrator', limit: own, refusals: ['administrator_session_required'] },
      schema: {
        operationId: 'consoleSignOut',
        tags,
        summary: 'Sign out',
        description: 'Ends the session that the call is authenticated by, and takes the cookie back.',
        response: { 200: Nothing },
      },
    },
    async (request, reply) => {
      await administrators.signOut(request.administrator, request.clientIp)
      keepInCookie(reply, '', 0)
      return {}
    },
  )

  http.get(
    '/console/api/me',
    {
      config: { access: 'administrator', limit: own },
      schema: {
        operationId: 'consoleMe',
        tags,
        summary: 'The administrator who calls',
        response: { 200: AdministratorReply },
      },
    },
    async ({ administrator }) => toReply(administrator),
  )

  http.put(
    '/console/api/me/password',
    {
      config: {
        access: 'administrator',
        limit: ['administratorSignInFailuresHour'],
        refusals: [
          'administrator_session_required',
          'password_too_weak',
          'credentials_invalid',
          'account_locked',
        ],
      },
      schema: {
        operationId: 'consoleChangePassword',
        tags,
        summary: 'Change the own password',
        description: 'Ends the administrator’s other sessions. Keys stay: revoke those that are not trusted.',
        body: Type.Object(
          {
            oldPassword: password('The one that is in force.', 'correct horse'),
            newPassword: password('8 to 128 characters.', 'battery staple'),
          },
          { additionalProperties: false },
        ),
        response: { 200: Nothing },
      },
    },
    async ({ administrator, body, clientIp: ip }) => {
      await administrators.changePassword(administrator, { ...body, ip })
      return {}
    },
  )

  keyRoutes(http, administrators)
}

const keyRoutes = (http: Http, administrators: Administrators): void => {
  http.get(
    '/console/api/keys',
    {
      config: { access: 'administrator', limit: own },
      schema: {
        operationId: 'consoleListKeys',
        tags,
        summary: 'The keys of the pool, newest first',
        description:
          'Of all administrators, without the revoked ones. The keys themselves are told to nobody.',
        response: { 200: Type.Object({ keys: Type.Array(Type.Object(keyFields)) }) },
      },
    },
    async ({ administrator }) => {
      const keys = await administrators.listKeys(administrator.poolId)
      return { keys: keys.map(toKey) }
    },
  )

  http.post(
    '/console/api/keys',
    {
      config: { access: 'administrator', limit: own, refusals: ['administrator_session_required'] },
      schema: {
        operationId: 'consoleCreateKey',
        tags,
        summary: 'Make a key for a program',
        description:
          'The reply tells the key once. It may do whatever the administrator may, but make keys, change the password and sign out.',
        body: Type.Object(
          {
            name: Type.String({
              minLength: 1,
              maxLength: 100,
              description: 'What it is for.',
              examples: ['nightly backup'],
            }),
            expiresInDays: Type.Optional(
              Type.Integer({
                minimum: 1,
                maximum: 3650,
                description: 'Default: it does not expire.',
                examples: [90],
              }),
            ),
          },
          { additionalProperties: false },
        ),
        response: {
          200: Type.Object({
            ...keyFields,
            key: Type.String({
              description: 'Keep it now: nobody can read it again.',
              examples: ['dtk_9hN2v…'],
            }),
          }),
        },
      },
    },
    async ({ administrator, body, clientIp: ip }) => {
      const { name, expiresInDays } = body
      const { key, row } = await administrators.createKey(administrator, { name, expiresInDays, ip })
      return { ...toKey(row), key }
    },
  )

  http.delete(
    '/console/api/keys/:id',
    {
      config: { access: 'administrator', limit: own, refusals: ['record_not_found'] },
      schema: {
        operationId: 'consoleRevokeKey',
        tags,
        summary: 'Revoke a key',
        description: 'It is refused from the next request on.',
        params: Type.Object({ id: id('Of the list.') }),
        response: { 200: Nothing },
      },
    },
    async ({ administrator, params, clientIp }) => {
      await administrators.revokeKey(administrator, params.id, clientIp)
      return {}
    },
  )
}

/** Sets the cookie of the console, for the path at which browsers know it. */
const cookieWriter = (publicUrl: string) => {
  const { pathname, protocol } = new URL(publicUrl)
  const attributes = [
    `Path=${pathname.replace(/\/$/, '')}/console`,
    'HttpOnly',
    'SameSite=Strict',
    ...(protocol === 'https:' ? ['Secure'] : []),
  ].join('; ')
  return (reply: FastifyReply, token: string, seconds: number): void => {
    reply.header('set-cookie', `${consoleCookie}=${token}; Max-Age=${seconds}; ${attributes}`)
  }
}
