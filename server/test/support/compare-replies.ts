// Compares what two clients got for the same calls, field by field.
//
// What must stay true: nothing may differ but what differs from run to run, and that only in its value, not in its form;
// and whoever has one id, phone or token throughout one run has one throughout the other.

export type Outcome = { kind: 'resolved' | 'refused'; value: unknown }
export type Call = { method: string; outcome: Outcome | undefined }
export type Recording = { by: string; calls: readonly Call[] }

type Pair = readonly [left: unknown, right: unknown]
type Place = { call: string; path: readonly string[]; by: readonly [left: string, right: string] }

/** Whether two values stand for the same thing: the first that met answer to each other from then on. */
type Twins = (left: string, right: string) => boolean

/** What differs from run to run, wherever it stands in a text. */
const forms = {
  uuid: /[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}/,
  time: /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z/,
  /** As `newPhone` gives them. */
  phone: /(?<=\+86|(?<!\d))188[1-9]\d{7}(?!\d)/,
  /** As `signUp` gives them. */
  username: /(?<!\w)user-\d+/,
  picture: /(?<=^data:image\/[a-z+]+;base64,)[\w+/=]+$|(?<=^<svg )[\s\S]+(?=<\/svg>$)/,
  otpSecret: /(?<=[?&]secret=)[A-Z2-7]{32}(?![A-Z2-7])/,
} as const

const anyForm = new RegExp(
  Object.entries(forms)
    .map(([name, { source }]) => `(?<${name}>${source})`)
    .join('|'),
  'g',
)

/** Two of these may be equal in one run by chance, and not in the other. */
const withoutIdentity = ['time', 'picture']

/** Fields of random text: same letters and length. */
const randomFields = [
  'refresh_token',
  'updatePhoneToken',
  'updateEmailToken',
  'passwordResetToken',
  'deleteAccountToken',
  'enrollmentToken',
  'captchaToken',
  'recoveryCode',
  'ticket',
  'challenge',
  'credentialId',
  'at_hash',
]

const alphabets = { digits: /^\d+$/, hex: /^[\da-f]+$/, base64url: /^[\w-]+$/ }

/** Fields that tell of the client itself. */
const clientFields = ['userAgent']

/** Fields that are less with each second: whole numbers here and there. */
const countedDown = ['retryAfterSeconds']

/** Seconds or milliseconds since 1970. */
const isTime = (value: unknown): value is number =>
  typeof value === 'number' && /^\d{10}(\d{3})?$/.test(String(value))

const isObject = (value: unknown): value is object => typeof value === 'object' && value !== null

const show = (value: unknown): string => (value === undefined ? 'nothing' : JSON.stringify(value))

const differ = ({ call, path, by }: Place, [left, right]: Pair): string =>
  `${[call, path.join('.')].filter(Boolean).join(': ')}: ${show(left)} by ${by[0]}, ${show(right)} by ${by[1]}`

const fieldOf = (value: object, name: string): unknown =>
  Object.entries(value).find(([key]) => key === name)?.[1]

const createTwins = (): Twins => {
  const rightOf = new Map<string, string>()
  const leftOf = new Map<string, string>()
  return (left, right) => {
    const known = [rightOf.get(left) ?? right, leftOf.get(right) ?? left]
    rightOf.set(left, right)
    leftOf.set(right, left)
    return known[0] === right && known[1] === left
  }
}

const readJwt = (text: string): object | undefined => {
  const [header, claims, signature] = text.split('.')
  if (!text.startsWith('eyJ') || !header || !claims || !signature) return undefined
  const parse = (part: string): unknown => JSON.parse(Buffer.from(part, 'base64url').toString())
  return { header: parse(header), claims: parse(claims) }
}

/** WebAuthn has the id of a user as bytes. */
const readBytes = (text: string): string => {
  const decoded = /^[\w-]{48}$/.test(text) ? Buffer.from(text, 'base64url').toString() : ''
  return new RegExp(`^${forms.uuid.source}$`).test(decoded) ? decoded : text
}

/** The text with a name in the place of all that varies, and what varies. */
const dissect = (text: string, field: string): { fixed: string; identities: string[] } => {
  if (randomFields.includes(field)) {
    const alphabet = Object.entries(alphabets).find(([, pattern]) => pattern.test(text))?.[0]
    return { fixed: `<${text.length} of ${alphabet}>`, identities: [text] }
  }
  const identities: string[] = []
  const fixed = readBytes(text).replace(anyForm, (...match) => {
    const groups: Record<string, string | undefined> = match.at(-1)
    const [name = '', part = ''] = Object.entries(groups).find(([, found]) => found !== undefined) ?? []
    if (!withoutIdentity.includes(name)) identities.push(part)
    return `<${name}>`
  })
  return { fixed, identities }
}

const compareTexts = (place: Place, pair: readonly [string, string], twins: Twins): string[] => {
  const field = place.path.at(-1) ?? ''
  const jwts = pair.map(readJwt)
  if (isObject(jwts[0]) && isObject(jwts[1])) return compareFields(place, [jwts[0], jwts[1]], twins)
  if (clientFields.includes(field)) return []
  const [left, right] = [dissect(pair[0], field), dissect(pair[1], field)]
  const alike =
    left.fixed === right.fixed &&
    left.identities.every((id, index) => twins(id, right.identities[index] ?? ''))
  return alike ? [] : [differ(place, pair)]
}

const compareFields = (place: Place, pair: readonly [object, object], twins: Twins): string[] =>
  [...new Set(pair.flatMap(Object.keys))].flatMap((name) =>
    compareValues(
      { ...place, path: [...place.path, name] },
      [fieldOf(pair[0], name), fieldOf(pair[1], name)],
      twins,
    ),
  )

const compareValues = (place: Place, [left, right]: Pair, twins: Twins): string[] => {
  if (typeof left === 'string' && typeof right === 'string') return compareTexts(place, [left, right], twins)
  if (isObject(left) && isObject(right) && Array.isArray(left) === Array.isArray(right))
    return compareFields(place, [left, right], twins)
  const counts =
    countedDown.includes(place.path.at(-1) ?? '') && Number.isInteger(left) && Number.isInteger(right)
  const alike =
    left === right || counts || (isTime(left) && isTime(right) && `${left}`.length === `${right}`.length)
  return alike ? [] : [differ(place, [left, right])]
}

const ordinal = (index: number): string => {
  const number = index + 1
  const teen = number % 100 > 10 && number % 100 < 14
  return `${number}${(!teen && ['th', 'st', 'nd', 'rd'][number % 10]) || 'th'}`
}

/**
 * What differs, a line each; none when the clients are alike.
 * @param uncompared methods of which only the name is compared
 */
export const differences = (
  left: Recording,
  right: Recording,
  uncompared: readonly string[] = [],
): string[] => {
  const twins = createTwins()
  const by = [left.by, right.by] as const
  const count = Math.max(left.calls.length, right.calls.length)
  return Array.from({ length: count }, (_, index) => index).flatMap((index) => {
    const [one, other] = [left.calls[index], right.calls[index]]
    const place: Place = { call: `${ordinal(index)} call ${one?.method ?? other?.method}`, path: [], by }
    if (one?.method !== other?.method) return [differ(place, [one?.method, other?.method])]
    if (one?.method !== undefined && uncompared.includes(one.method)) return []
    const [kind, otherKind] = [one?.outcome?.kind, other?.outcome?.kind]
    if (kind !== otherKind) return [differ(place, [kind, otherKind])]
    return compareValues(place, [one?.outcome?.value, other?.outcome?.value], twins)
  })
}
