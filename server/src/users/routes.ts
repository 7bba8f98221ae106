import { Type } from 'typebox'
import { ApiError } from '../api-codes.ts'
import { envelopeOf, type Http, ok } from '../core/http.ts'
import type { Factors } from '../factors/factors.ts'
import { unlimited } from '../limits.ts'
import { listRoutes } from './lists.ts'
import type { ProfileChange, UserRow, Users } from './users.ts'
import { type profileFields, profileMeanings, requireUsername, toUserDto, UserDto } from './users.ts'

/** Python sends `True`; the schema below knows only JSON's spelling. */
const flag = (description: string) =>
  Type.Optional(Type.Enum(['true', 'false', 'True', 'False'], { description, examples: ['false'] }))
const isOn = (value: string | undefined) => value?.toLowerCase() === 'true'

const text = (maxLength: number, description: string, sample: string) =>
  Type.Optional(Type.String({ maxLength, description, examples: [sample] }))

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
    ...Object.fromEntries(changeable.map((name) => [name, text(500, ...profileMeanings[name])])),
    gender: Type.Optional(
      Type.Enum(['M', 'F', 'U'], { description: 'M, F or U (unknown).', examples: ['F'] }),
    ),
    username: text(64, 'To sign in with. Nobody else of the pool may have it.', 'ada'),
    externalId: text(200, 'The id of this user in your own system.', 'crm-4711'),
    customData: Type.Optional(
      Type.Record(Type.String(), Type.Unknown(), {
        description: 'What your application keeps with the user: merged into what is there, field by field.',
        examples: [{ plan: 'pro' }],
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
  passwordSet: Type.Boolean({ description: 'Whether the user has a password.' }),
  emailBinded: Type.Boolean({ description: 'Whether the user has an email address.' }),
  phoneBinded: Type.Boolean({ description: 'Whether the user has a phone.' }),
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
        description:
          'Reads the user whose access token is sent. Which fields come, the scope of the sign-in decides: a field says which it needs.',
        querystring: Type.Object({
          withCustomData: flag('Whether the result has customData.'),
          withIdentities: flag('Whether the result has identities.'),
          withDepartmentIds: flag('Whether the result has departmentIds.'),
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
        description:
          'Sets the fields that are given, and leaves the others. An empty text removes a field. Phone, email address and password have calls of their own. The result is the user as get-profile shows it.',
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
        operationId: 'getSecurityLevel',
        tags: ['Profile'],
        summary: 'How well the own account is protected',
        description: 'For a page that shows the user what is set up, and what is missing still.',
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
