import { Type } from 'typebox'
import { formatParts } from '../phone-numbers/phone-numbers.ts'
import { hasScope } from '../sessions/sessions.ts'
import type { UserRow } from './store.ts'

/** Profile fields that a user may set, as the wire names them; all are text. */
export const profileFields = [
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
  'gender',
  'company',
  'identityNumber',
  'device',
  'browser',
  'givenName',
  'familyName',
  'middleName',
  'profile',
  'preferredUsername',
  'website',
  'zoneinfo',
  'locale',
  'formatted',
  'region',
  'locality',
] as const

export type ProfileField = (typeof profileFields)[number]

/** What each holds, and a sample. The server keeps them and acts on none; most are claims of OpenID Connect (Core, 5.1). */
export const profileMeanings: Readonly<Record<ProfileField, readonly [meaning: string, sample: string]>> = {
  name: ['The whole name.', 'Ada Lovelace'],
  nickname: ['What friends say.', 'Ada'],
  photo: ['The URL of a picture.', 'https://example.com/ada.png'],
  birthdate: ['The date of birth.', '1815-12-10'],
  country: ['The country of the address.', 'GB'],
  province: ['The province of the address.', 'England'],
  city: ['The city of the address.', 'London'],
  address: ['The address as one text.', '12 St James’s Square, London'],
  streetAddress: ['Street and number.', '12 St James’s Square'],
  postalCode: ['The postal code of the address.', 'SW1Y 4JH'],
  gender: ['M, F or U (unknown).', 'F'],
  company: ['Where the user works.', 'Analytical Engines'],
  identityNumber: ['The number of an identity card.', 'ID 1815'],
  device: ['The device of the user.', 'iPhone'],
  browser: ['The browser of the user.', 'Firefox'],
  givenName: ['The given name.', 'Ada'],
  familyName: ['The family name.', 'Lovelace'],
  middleName: ['The middle name.', 'Augusta'],
  profile: ['The URL of a page about the user.', 'https://example.com/ada'],
  preferredUsername: ['The name to show. It is none to sign in with.', 'ada'],
  website: ['The URL of the user’s own site.', 'https://ada.example.com'],
  zoneinfo: ['The time zone.', 'Europe/London'],
  locale: ['The language.', 'en-GB'],
  formatted: ['The address as it stands on a letter.', '12 St James’s Square, London SW1Y 4JH'],
  region: ['The region of the address.', 'England'],
  locality: ['The town of the address.', 'London'],
}

const addressFields: readonly ProfileField[] = [
  'country',
  'province',
  'city',
  'address',
  'streetAddress',
  'postalCode',
  'formatted',
  'region',
  'locality',
]

const text = (description: string) => Type.Optional(Type.String({ description }))

/** A reply is built from rows of the database, which hold these as text. */
const oneOf = (values: string[], about: { description: string; examples: string[] }) =>
  Type.Unsafe<string>(Type.Enum(values, about))

export const UserDto = Type.Object({
  userId: Type.String({ description: 'UUID; the subject of the tokens.' }),
  createdAt: Type.String({ description: 'When the user was made; ISO 8601, UTC.' }),
  updatedAt: Type.String({ description: 'When the user last changed; ISO 8601, UTC.' }),
  status: oneOf(['Activated', 'Suspended', 'Resigned', 'Archived', 'Deactivated'], {
    description: 'Whether the user may sign in: only who is Activated.',
    examples: ['Activated'],
  }),
  workStatus: oneOf(['Active', 'Closed'], { description: 'Always Active.', examples: ['Active'] }),
  gender: oneOf(['M', 'F', 'U'], { description: 'M, F or U (unknown).', examples: ['U'] }),
  emailVerified: Type.Boolean({
    description: 'Whether a code, or a link, that went to the email address came back.',
  }),
  phoneVerified: Type.Boolean({ description: 'Whether there is a phone: one is bound only by a code.' }),
  userSourceType: oneOf(['register', 'adminCreated', 'excel', 'sync'], {
    description: 'How the user came here. Always register as yet.',
    examples: ['register'],
  }),
  externalId: text('The id of this user in your own system. Scope profile or external_id.'),
  email: text('The email address. Scope email.'),
  phone: text('The national number. Scope phone.'),
  phoneCountryCode: text('The calling code, such as +86. Scope phone.'),
  username: text('The name to sign in with. Scope profile or username.'),
  loginsCount: Type.Optional(Type.Integer({ description: 'How often the user signed in. Scope profile.' })),
  lastLogin: text('When the user last signed in; ISO 8601, UTC. Scope profile.'),
  lastIp: text('The address of the last sign-in. Scope profile.'),
  lastLoginApp: text('The id of the application of the last sign-in. Scope profile.'),
  passwordLastSetAt: text('When the password was set; ISO 8601, UTC. Scope profile.'),
  passwordSecurityLevel: Type.Optional(
    Type.Integer({ description: 'Of the password: 1 low, 2 medium, 3 high. Scope profile.' }),
  ),
  ...Object.fromEntries(
    profileFields
      .filter((name) => name !== 'gender')
      .map((name) => [
        name,
        text(
          `${profileMeanings[name][0]} ${addressFields.includes(name) ? 'Scope address or profile.' : 'Scope profile.'}`,
        ),
      ]),
  ),
  customData: Type.Optional(
    Type.Record(Type.String(), Type.Unknown(), {
      description: 'What your application keeps with the user. With withCustomData.',
    }),
  ),
  identities: Type.Optional(
    Type.Array(Type.Unknown(), {
      description: 'Always empty: this server has no identity sources. With withIdentities.',
    }),
  ),
  departmentIds: Type.Optional(
    Type.Array(Type.String(), {
      description: 'Always empty: this server has no departments. With withDepartmentIds.',
    }),
  ),
})

export type UserView = {
  scope: string
  withCustomData?: boolean
  withIdentities?: boolean
  withDepartmentIds?: boolean
}

/** Every scope: what the user's own sign-up gets to see. */
export const allScopes = 'openid profile username email phone address external_id extended_fields'

const omitEmpty = (fields: Record<string, unknown>) =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== null && value !== undefined))

/** The user as the wire shows it: fields by the scope that the token was granted. */
export const toUserDto = (row: UserRow, view: UserView) => {
  const granted = (...scopes: readonly string[]) => scopes.some((scope) => hasScope(view.scope, scope))
  const parts = row.phone === null ? undefined : formatParts(row.phone)
  const profile = Object.entries(row.profile).filter(([name]) => {
    const isAddress = (addressFields as readonly string[]).includes(name)
    return name !== 'gender' && (granted('profile') || (isAddress && granted('address')))
  })
  return {
    userId: row.id,
    createdAt: row.created_at.toISOString(),
    updatedAt: row.updated_at.toISOString(),
    status: row.status,
    workStatus: 'Active',
    gender: (granted('profile') ? row.profile['gender'] : undefined) ?? 'U',
    emailVerified: row.email_verified,
    phoneVerified: row.phone !== null,
    userSourceType: row.source,
    ...Object.fromEntries(profile),
    ...omitEmpty({
      ...(granted('profile', 'username') ? { username: row.username } : {}),
      ...(granted('email') ? { email: row.email } : {}),
      ...(granted('phone') ? { phone: parts?.nationalNumber, phoneCountryCode: parts?.callingCode } : {}),
      ...(granted('profile', 'external_id') ? { externalId: row.external_id } : {}),
      ...(granted('profile')
        ? {
            loginsCount: row.sign_in_count,
            lastLogin: row.last_sign_in_at?.toISOString(),
            lastIp: row.last_ip,
            lastLoginApp: row.last_application_id,
            passwordLastSetAt: row.password_set_at?.toISOString(),
            passwordSecurityLevel: row.password_hash === null ? undefined : row.password_security_level,
          }
        : {}),
    }),
    ...(view.withCustomData === true ? { customData: row.custom_data } : {}),
    ...(view.withIdentities === true ? { identities: [] } : {}),
    ...(view.withDepartmentIds === true ? { departmentIds: [] } : {}),
  }
}

/**
 * The claims of an id token by scope (OpenID Connect Core, section 5.4, with the extra scopes of GenAuth). A claim
 * that the user has no value for is null, as GenAuth sends it.
 */
export const toIdClaims = (row: UserRow, scope: string): Record<string, unknown> => {
  const of = (name: ProfileField) => row.profile[name] ?? null
  return {
    ...(hasScope(scope, 'profile')
      ? {
          name: of('name'),
          nickname: of('nickname'),
          given_name: of('givenName'),
          family_name: of('familyName'),
          middle_name: of('middleName'),
          preferred_username: of('preferredUsername'),
          profile: of('profile'),
          picture: of('photo'),
          website: of('website'),
          gender: of('gender') ?? 'U',
          birthdate: of('birthdate'),
          zoneinfo: of('zoneinfo'),
          locale: of('locale'),
          updated_at: row.updated_at.toISOString(),
        }
      : {}),
    ...(hasScope(scope, 'username') ? { username: row.username } : {}),
    ...(hasScope(scope, 'email') ? { email: row.email, email_verified: row.email_verified } : {}),
    ...(hasScope(scope, 'phone')
      ? { phone_number: row.phone, phone_number_verified: row.phone !== null }
      : {}),
    ...(hasScope(scope, 'address')
      ? {
          address: {
            country: of('country'),
            postal_code: of('postalCode'),
            region: of('region') ?? of('province'),
            locality: of('locality') ?? of('city'),
            street_address: of('streetAddress'),
            formatted: of('formatted') ?? of('address'),
          },
        }
      : {}),
    ...(hasScope(scope, 'external_id') ? { external_id: row.external_id } : {}),
    ...(hasScope(scope, 'extended_fields') ? { extended_fields: row.custom_data } : {}),
  }
}
