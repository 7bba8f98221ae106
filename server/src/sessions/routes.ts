import { Type } from 'typebox'
import { type ApiCode, apiCodes } from '../api-codes.ts'
import type { Language } from '../config.ts'
import { envelope, envelopeOf, type Http, ok } from '../core/http.ts'
import { pageQuery, parsePage } from '../core/paging.ts'
import { unlimited } from '../limits.ts'
import type { ApplicationRow, DeviceRow, Devices, SignInFilter, SignInRow } from './devices.ts'
import { parseUserAgent } from './user-agent.ts'

const time = (description: string) =>
  Type.String({ description: `${description}; ISO 8601, UTC.`, examples: ['2026-03-02T09:30:00.000Z'] })
const absent = (description: string) =>
  Type.String({ description: `${description}: empty, not kept here.`, examples: [''] })

const firefox = 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0'

const applicationFields = {
  appId: Type.String({ description: 'The id of the application.', examples: ['APP_ID'] }),
  appName: Type.String({ description: 'Its name for people.', examples: ['My application'] }),
  appLoginUrl: absent('Where to sign in'),
  appLogo: absent('A picture'),
}

const ApplicationsOfUser = Type.Array(
  Type.Object({
    ...applicationFields,
    active: Type.Boolean({ description: 'Whether the user is signed in there.' }),
  }),
)

const SignIns = Type.Object({
  totalCount: Type.Integer({ description: 'On all pages.' }),
  list: Type.Array(
    Type.Object({
      userId: Type.String({ description: 'The id of the user.' }),
      ...applicationFields,
      loginAt: time('When it was'),
      clientIp: Type.String({
        description: 'The address of the client; empty where it is not known.',
        examples: ['203.0.113.7'],
      }),
      success: Type.Boolean({ description: 'Whether it was a success, and no refusal.' }),
      errorMessage: Type.Optional(Type.String({ description: 'Why it was refused.' })),
      userAgent: Type.String({
        description: 'The user agent as the client sent it; empty where it sent none.',
        examples: [firefox],
      }),
      parsedUserAgent: Type.Object(
        {
          device: Type.String({ description: 'Browser, Mobile or Desktop.', examples: ['Browser'] }),
          name: Type.String({ description: 'The browser.', examples: ['Firefox'] }),
          os: Type.String({ description: 'The operating system.', examples: ['Linux'] }),
        },
        { description: 'As far as the user agent tells it; empty where it does not.' },
      ),
      loginMethod: Type.String({
        description: 'password, phone_passcode, email_passcode or passkey.',
        examples: ['password', 'phone_passcode', 'email_passcode', 'passkey'],
      }),
    }),
    { description: 'The sign-ins of this page.' },
  ),
})

const DevicesOfUser = Type.Array(
  Type.Object({
    device: Type.Object(
      {
        deviceId: Type.String({
          description: 'Its id, for mydevices/unbind and mydevices/revoke-session.',
          examples: ['0196f3b2-7c1e-7a44-9d55-3f0f6f0e9a11'],
        }),
        type: Type.String({ description: 'Browser, Mobile or Desktop.', examples: ['Browser'] }),
        name: Type.Optional(
          Type.String({ description: 'Browser and system.', examples: ['Firefox on Linux'] }),
        ),
        os: Type.Optional(Type.String({ description: 'The operating system.', examples: ['Linux'] })),
        version: Type.Optional(Type.String({ description: 'The version of the system, where it tells.' })),
        status: Type.String({
          description: 'activated, or deactivated where the session has ended.',
          examples: ['activated'],
        }),
        userAgent: Type.Optional(Type.String({ description: 'The user agent as the client sent it.' })),
      },
      { description: 'What is known of the device.' },
    ),
    lastLoginTime: time('When its session began'),
    lastIp: Type.Optional(Type.String({ description: 'The address of its sign-in.' })),
    online: Type.Boolean({ description: 'Whether its session lives.' }),
  }),
)

const milliseconds = (description: string) =>
  Type.Optional(
    Type.String({
      pattern: String.raw`^\d{1,13}$`,
      description: `${description}, in milliseconds since 1970.`,
      examples: ['1767225600000'],
    }),
  )

const SignInsQuery = Type.Object({
  appId: Type.Optional(
    Type.String({ maxLength: 200, description: 'Only of this application.', examples: ['APP_ID'] }),
  ),
  clientIp: Type.Optional(
    Type.String({ maxLength: 100, description: 'Only from this address.', examples: ['203.0.113.7'] }),
  ),
  success: Type.Optional(
    // Python sends `True`.
    Type.Enum(['true', 'false', 'True', 'False'], {
      description: 'Only those that succeeded, or only those that were refused.',
      examples: ['true'],
    }),
  ),
  start: milliseconds('From this time on'),
  end: milliseconds('Until this time'),
  ...pageQuery,
})

const DeviceBody = Type.Object({
  deviceId: Type.String({
    maxLength: 200,
    description: 'As mydevices/list shows it.',
    examples: ['0196f3b2-7c1e-7a44-9d55-3f0f6f0e9a11'],
  }),
})

const own = unlimited('reads or ends the caller’s own sessions by their key')

export const sessionRoutes = (http: Http, devices: Devices): void => {
  http.get(
    '/api/v3/get-my-logged-in-apps',
    {
      config: { access: 'user', limit: own, refusals: ['user_disabled'] },
      schema: {
        operationId: 'getLoggedInApps',
        tags: ['Devices'],
        summary: 'The applications in which the user is signed in',
        description: 'Those of the pool in which the user has a session.',
        response: { 200: envelopeOf(ApplicationsOfUser) },
      },
    },
    async (request) => {
      const applications = await devices.applications(request.user)
      return ok(request, applications.filter(({ active }) => active).map(toApplicationDto))
    },
  )

  http.get(
    '/api/v3/get-my-accessible-apps',
    {
      config: { access: 'user', limit: own, refusals: ['user_disabled'] },
      schema: {
        operationId: 'getAccessibleApps',
        tags: ['Profile'],
        summary: 'The applications that the user may sign in to',
        description: 'For a page that leads to them. All of the pool: each takes every user of it.',
        response: { 200: envelopeOf(ApplicationsOfUser) },
      },
    },
    async (request) => ok(request, (await devices.applications(request.user)).map(toApplicationDto)),
  )

  http.get(
    '/api/v3/get-my-login-history',
    {
      config: { access: 'user', limit: own, refusals: ['user_disabled'] },
      schema: {
        operationId: 'getLoginHistory',
        tags: ['Devices'],
        summary: 'The sign-ins of the user, the refused ones too',
        description:
          'So that users see who was, or tried to be, in their account. The newest first. There is no geoip: no address is looked up.',
        querystring: SignInsQuery,
        response: { 200: envelopeOf(SignIns) },
      },
    },
    async (request) => {
      const { user, query, language } = request
      const given = { filter: parseFilter(query), page: parsePage(query) }
      const { totalCount, rows } = await devices.signIns(user, given)
      return ok(request, { totalCount, list: rows.map((row) => toSignInDto(row, user.userId, language)) })
    },
  )

  http.get(
    '/api/v3/mydevices/list',
    {
      config: { access: 'user', limit: own, refusals: ['user_disabled'] },
      schema: {
        operationId: 'list',
        tags: ['Devices'],
        summary: 'The devices of the user',
        description:
          'One for each session: one that has ended stays on the list for 30 days, unless it is removed.',
        querystring: Type.Object(pageQuery),
        response: { 200: envelopeOf(DevicesOfUser) },
      },
    },
    async (request) => {
      const rows = await devices.list(request.user, parsePage(request.query))
      return ok(request, rows.map(toDeviceDto))
    },
  )

  for (const { path, operationId, summary, removed } of endings) {
    http.post(
      path,
      {
        config: { access: 'user', limit: own, refusals: ['user_disabled', 'factor_not_found'] },
        schema: {
          operationId,
          tags: ['Devices'],
          summary,
          description:
            'The device of an entry of mydevices/list. Its tokens are refused at once. It may be the session that calls.',
          body: DeviceBody,
          response: { 200: envelope() },
        },
      },
      async (request) => {
        const { user, body, clientIp } = request
        await devices.end({ token: user, deviceId: body.deviceId, ip: clientIp, removed })
        return ok(request)
      },
    )
  }
}

const endings = [
  {
    path: '/api/v3/mydevices/unbind',
    operationId: 'unbind',
    summary: 'End the session of a device, and take it off the list',
    removed: true,
  },
  {
    path: '/api/v3/mydevices/revoke-session',
    operationId: 'revoke',
    summary: 'End the session of a device',
    removed: false,
  },
] as const

const parseFilter = (query: {
  appId?: string
  clientIp?: string
  success?: string
  start?: string
  end?: string
}): SignInFilter => {
  const given = (text: string | undefined) => (text === '' ? undefined : text)
  const timeOf = (text: string | undefined) => (text === undefined ? undefined : new Date(Number(text)))
  return {
    applicationId: given(query.appId),
    ip: given(query.clientIp),
    succeeded: query.success === undefined ? undefined : query.success.toLowerCase() === 'true',
    from: timeOf(query.start),
    until: timeOf(query.end),
  }
}

const toApplicationDto = ({ id, name, active }: ApplicationRow) => ({
  appId: id,
  appName: name,
  appLoginUrl: '',
  appLogo: '',
  active,
})

const toDeviceDto = (row: DeviceRow) => {
  const { type, browser, os, osVersion } = parseUserAgent(row.user_agent ?? '')
  const name = browser === undefined || os === undefined ? (browser ?? os) : `${browser} on ${os}`
  return {
    device: {
      deviceId: row.id,
      type,
      ...(name === undefined ? {} : { name }),
      ...(os === undefined ? {} : { os }),
      ...(osVersion === undefined ? {} : { version: osVersion }),
      status: row.live ? 'activated' : 'deactivated',
      ...(row.user_agent === null ? {} : { userAgent: row.user_agent }),
    },
    lastLoginTime: row.created_at.toISOString(),
    ...(row.ip === null ? {} : { lastIp: row.ip }),
    online: row.live,
  }
}

const toSignInDto = (row: SignInRow, userId: string, language: Language) => {
  const { browser, os, isMobile } = parseUserAgent(row.user_agent ?? '')
  const device = os === undefined ? '' : isMobile ? 'Mobile' : 'Desktop'
  const errorMessage = row.reason === null ? undefined : wordsOf(row.reason, language)
  return {
    userId,
    appId: row.application_id,
    appName: row.application_name ?? '',
    appLoginUrl: '',
    appLogo: '',
    loginAt: row.tried_at.toISOString(),
    clientIp: row.ip ?? '',
    success: row.succeeded,
    ...(errorMessage === undefined ? {} : { errorMessage }),
    userAgent: row.user_agent ?? '',
    parsedUserAgent: { device, name: browser ?? '', os: os ?? '' },
    loginMethod: row.method,
  }
}

/** The public words of a refusal, by its name. */
const wordsOf = (name: string, language: Language): string => {
  const row: ApiCode | undefined = new Map<string, ApiCode>(Object.entries(apiCodes)).get(name)
  if (row === undefined) return name
  return language === 'zh-CN' ? row.zh : row.en
}
