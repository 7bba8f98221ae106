import { Type } from 'typebox'
import { ApiError } from '../api-codes.ts'
import { envelopeOf, type Http, ok } from '../core/http.ts'
import type { Factors } from '../factors/factors.ts'
import { unlimited } from '../limits.ts'
import { listRoutes } from './lists.ts'
import type { ProfileChange, UserRow, Users } from './users.ts'
import { type profileFields, requireUsername, toUserDto, UserDto } from './users.ts'

/** Python sends `True`; the schema below knows only JSON's spelling. */
const flag = (description: string) =>
  Type.Optional(Type.Enum(['true', 'false', 'True', 'False'], { description, examples: ['false'] }))
const isOn = (value: string | undefined) => value?.toLowerCase() === 'true'

const text = (maxLength: number, description?: string) =>
  Type.Optional(Type.String({ maxLength, ...(description === undefined ? {} : { description }) }))

const changeable = [
  'name',
  'nickname',
  'photo',
  'birthdate',
  'country',
  'province',
  'city',
  'address',
  'streetAddress',
  'postalCode',
  'company',
  'identityNumber',
] as const satisfies readonly (typeof profileFields)[number][]

const UpdateProfileBody = Type.Object(
  {
    ...Object.fromEntries(changeable.map((name) => [name, text(500)])),
    gender: Type.Optional(Type.Enum(['M', 'F', 'U'], { description: 'M, F or U (unknown).' })),
    username: text(64),
    externalId: text(200, 'The id of this user in your own system.'),
    customData: Type.Optional(
      Type.Record(Type.String(), Type.Unknown(), {
        description: 'Merged into what is there, field by field.',
      }),
    ),
  },
  { description: 'An empty text removes a field. Phone and email have calls of their own.' },
)

const SecurityInfo = Type.Object({
  passwordSecurityLevel: Type.Integer({
    description: '0 no password, 1 low, 2 medium, 3 high.',
    examples: [1],
  }),
  mfaEnrolled: Type.Boolean({ description: 'Whether there is a factor, or a passkey.', examples: [false] }),
  passwordSet: Type.Boolean(),
  emailBinded: Type.Boolean(),
  phoneBinded: Type.Boolean(),
  securityScore: Type.Integer({
    description: '20, and 20 each for a password, a phone, an email and MFA.',
    examples: [60],
  }),
})

const own = unlimited('reads or writes the caller’s own row by its key')

export const userRoutes = (http: Http, users: Users, factors: Pick<Factors, 'isEnrolled'>): void => {
  listRoutes(http)

  const requireUser = async (poolId: string, userId: string): Promise<UserRow> => {
    const user = await users.get(poolId, userId)
    if (user === undefined) throw new ApiError('token_invalid', 'the user is gone')
    return user
  }

  http.get(
    '/api/v3/get-profile',
    {
      config: { access: 'user', limit: own, refusals: ['user_disabled'] },
      schema: {
        operationId: 'getProfile',
        tags: ['Profile'],
        summary: 'The signed-in user',
        description: 'Fields by the scope that the access token was granted.',
        querystring: Type.Object({
          withCustomData: flag('With customData.'),
          withIdentities: flag('With identities.'),
          withDepartmentIds: flag('With departmentIds.'),
        }),
        response: { 200: envelopeOf(UserDto) },
      },
    },
    async (request) => {
      const { user, query } = request
      const view = {
        scope: user.scope,
        withCustomData: isOn(query.withCustomData),
        withIdentities: isOn(query.withIdentities),
        withDepartmentIds: isOn(query.withDepartmentIds),
      }
      return ok(request, toUserDto(await requireUser(user.poolId, user.userId), view))
    },
  )

  http.post(
    '/api/v3/update-profile',
    {
      config: { access: 'user', limit: own, refusals: ['user_disabled', 'username_taken'] },
      schema: {
        operationId: 'updateProfile',
        tags: ['Profile'],
        summary: 'Change the own profile',
        body: UpdateProfileBody,
        response: { 200: envelopeOf(UserDto) },
      },
    },
    async (request) => {
      const { user, body } = request
      const changed = await users.changeProfile(user.poolId, user.userId, parseChange(body))
      return ok(request, toUserDto(changed, { scope: user.scope, withCustomData: true }))
    },
  )

  http.get(
    '/api/v3/get-security-info',
    {
      config: { access: 'user', limit: own, refusals: ['user_disabled'] },
      schema: {
        operationId: 'getSecurityInfo',
        tags: ['Profile'],
        summary: 'How well the own account is protected',
        response: { 200: envelopeOf(SecurityInfo) },
      },
    },
    async (request) => {
      const user = await requireUser(request.user.poolId, request.user.userId)
      const passwordSet = user.password_hash !== null
      const emailBinded = user.email !== null
      const phoneBinded = user.phone !== null
      const mfaEnrolled = await factors.isEnrolled(request.user)
      const protections = [passwordSet, emailBinded, phoneBinded, mfaEnrolled].filter(Boolean).length
      return ok(request, {
        passwordSecurityLevel: user.password_security_level,
        mfaEnrolled,
        passwordSet,
        emailBinded,
        phoneBinded,
        securityScore: 20 + 20 * protections,
      })
    },
  )
}

const parseChange = (body: Record<string, unknown>): ProfileChange => {
  const given = (name: string) => (typeof body[name] === 'string' ? body[name] : undefined)
  const username = given('username')
  return {
    profile: Object.fromEntries(
      [...changeable, 'gender'].flatMap((name) => {
        const value = given(name)
        return value === undefined ? [] : [[name, value]]
      }),
    ),
    username: username ? requireUsername(username, 'username') : undefined,
    externalId: given('externalId') || undefined,
    customData: (body['customData'] as Record<string, unknown> | undefined) ?? undefined,
  }
}
