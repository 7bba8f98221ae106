// What the server must do, in so few lines that one can see that it is right: a pure function from a state and an
// call to a reply. It knows nothing of SQL, HTTP or races; the server is compared with it after every call.
import type { Purpose } from './operations.ts'

/** Milliseconds. */
const codeTtl = 300_000
const longestCodeTtl = 600_000
const cooldown = 60_000
const tokenTtl = 60_000
const sessionTtl = 7_200_000
export const maxAttempts = 3

/** apiCode of the refusal; 200 for a success. */
export const codes = {
  ok: 200,
  tokenInvalid: 2020,
  cooldown: 8800007,
  attemptsExceeded: 8800001,
  incorrect: 2001,
  expired: 2300,
  alreadyBound: 8800002,
  notBound: 1320005,
  taken: 1320004,
  unchanged: 2230,
  oldProofRequired: 2038,
  lastSignInMethod: 2217,
  stepUpInvalid: 1020020,
  credentialsInvalid: 2333,
  noSuchDevice: 8800011,
  requestInvalid: 8800012,
} as const

export type Challenge = {
  phone: number
  purpose: Purpose
  /** The user whose own it is; null: nobody's in particular. */
  holder: number | null
  /** Null while no message has carried it. */
  code: string | null
  attempts: number
  issuedAt: number
  expiresAt: number
  consumed: boolean
}

type Token = {
  kind: 'change' | 'delete'
  user: number
  session: number
  from: number | null
  to: number | null
  expiresAt: number
  used: boolean
}

export type Model = {
  now: number
  users: { phone: number | null; hasPassword: boolean; deleted: boolean }[]
  sessions: { user: number; expiresAt: number; ended: boolean }[]
  challenges: Record<string, Challenge>
  /** By purpose, phone and asker: until when. */
  cooldowns: Record<string, number>
  tokens: Token[]
}

/** A call with all that it says, settled. Users, phones, sessions and step-up tokens are named by their numbers. */
export type Call =
  | { do: 'send'; session: number | null; phone: number; purpose: Purpose }
  | { do: 'bind'; session: number; phone: number; digits: string }
  | {
      do: 'prove change'
      session: number
      phone: number
      digits: string
      old?: { phone: number; digits: string }
    }
  | { do: 'change'; session: number; token: number }
  | { do: 'unbind'; session: number; digits: string }
  | { do: 'prove deletion'; session: number; own?: { phone: number; digits: string } }
  | { do: 'delete'; session: number; token: number }
  | { do: 'sign in by password'; user: number }
  | { do: 'sign in by code'; phone: number; digits: string }
  | { do: 'revoke'; session: number; target: number }
  | { do: 'wait'; seconds: number }

export type Step = {
  code: number
  /** The challenge whose code a message now carries. */
  told?: string
}

export const isLiveSession = (model: Model, index: number): boolean => {
  const session = model.sessions[index]
  return session !== undefined && !session.ended && session.expiresAt > model.now
}

export const isLive = (model: Model, { consumed, expiresAt }: Challenge) => !consumed && expiresAt > model.now

export const keyOf = ({ phone, purpose, holder }: Pick<Challenge, 'phone' | 'purpose' | 'holder'>) =>
  `${phone} ${purpose} ${holder}`

const ownerOf = (model: Model, phone: number) => model.users.findIndex((user) => user.phone === phone)

/** The session that a call names, and its user while it lives. */
const caller = (model: Model, index: number) => {
  const userIndex = model.sessions[index]?.user ?? -1
  const user = model.users[userIndex]
  return isLiveSession(model, index) && user !== undefined ? { index, userIndex, user } : undefined
}

export type Tried = { phone: number; purposes: readonly Purpose[]; user: number | null }

export const candidatesOf = (model: Model, { phone, purposes, user }: Tried): Challenge[] =>
  [...new Set([user, null])].flatMap((holder) =>
    purposes.flatMap((purpose) => model.challenges[keyOf({ phone, purpose, holder })] ?? []),
  )

/** Rule 5: counts the attempt, compares, consumes. */
const verify = (
  model: Model,
  tried: Tried,
  { digits, consume = true }: { digits: string; consume?: boolean },
) => {
  const candidates = candidatesOf(model, tried)
  const matches = ({ code }: Challenge) => code === digits
  const hasAttempts = ({ attempts }: Challenge) => attempts < maxAttempts
  const live = candidates.filter((challenge) => isLive(model, challenge))
  const isRight = live.some((challenge) => matches(challenge) && hasAttempts(challenge))
  const attempted = live.filter((challenge) => hasAttempts(challenge) && (matches(challenge) || !isRight))
  for (const challenge of attempted) {
    if (!matches(challenge) || consume) challenge.attempts += 1
    if (matches(challenge) && consume) challenge.consumed = true
  }
  if (isRight) return codes.ok
  if (attempted.length > 0) return codes.incorrect
  if (live.length > 0) return codes.attemptsExceeded
  const wasRight = candidates.some(
    (challenge) => !challenge.consumed && matches(challenge) && hasAttempts(challenge),
  )
  return wasRight ? codes.expired : codes.incorrect
}

/** Rule 15. */
const endOthers = (model: Model, user: number, kept: number) => {
  for (const [index, session] of model.sessions.entries())
    if (session.user === user && index !== kept) session.ended = true
}

/** Rule 16: with the number goes every use of it. */
const discard = (model: Model, phone: number, user: number) => {
  for (const challenge of Object.values(model.challenges)) {
    const isOf = challenge.phone === phone && (challenge.holder === user || challenge.holder === null)
    if (isOf && isLive(model, challenge)) challenge.consumed = true
  }
}

const startSession = (model: Model, user: number): Step => {
  model.sessions.push({ user, expiresAt: model.now + sessionTtl, ended: false })
  return { code: codes.ok }
}

const giveToken = (model: Model, token: Omit<Token, 'expiresAt' | 'used'>): Step => {
  model.tokens.push({ ...token, expiresAt: model.now + tokenTtl, used: false })
  return { code: codes.ok }
}

/** The live token of that kind, user and session. */
const liveToken = (
  model: Model,
  index: number,
  of: { kind: Token['kind']; user: number; session: number },
): Token | undefined => {
  const token = model.tokens[index]
  const isOf = token?.kind === of.kind && token.user === of.user && token.session === of.session
  return isOf && !token.used && token.expiresAt > model.now ? token : undefined
}

type Of<Name extends Call['do']> = Extract<Call, { do: Name }>

const send = (model: Model, { session, phone, purpose }: Of<'send'>): Step => {
  const asker = session === null ? null : (caller(model, session)?.userIndex ?? null)
  const holder = purpose === 'sign_in' ? null : asker
  const cooldownKey = `${purpose} ${phone} ${asker}`
  if ((model.cooldowns[cooldownKey] ?? 0) > model.now) return { code: codes.cooldown }
  const key = keyOf({ phone, purpose, holder })
  const known = model.challenges[key]
  const live = known !== undefined && isLive(model, known) ? known : undefined
  if (live !== undefined && live.attempts >= maxAttempts) return { code: codes.attemptsExceeded }
  model.cooldowns[cooldownKey] = model.now + cooldown
  // Rules 4 and 7: the same code, and no new count.
  const challenge = live ?? {
    phone,
    purpose,
    holder,
    code: null,
    attempts: 0,
    issuedAt: model.now,
    expiresAt: 0,
    consumed: false,
  }
  challenge.expiresAt = Math.min(model.now + codeTtl, challenge.issuedAt + longestCodeTtl)
  model.challenges[key] = challenge
  const owner = ownerOf(model, phone)
  const isKnown = owner >= 0 && (holder === null || holder === owner)
  const isTold = purpose === 'bind_phone' || purpose === 'sign_in' || isKnown
  return isTold ? { code: codes.ok, told: key } : { code: codes.ok }
}

const bind = (model: Model, { session, phone, digits }: Of<'bind'>): Step => {
  const by = caller(model, session)
  if (by === undefined) return { code: codes.tokenInvalid }
  if (by.user.phone !== null) return { code: codes.alreadyBound }
  const tried = { phone, purposes: ['bind_phone'] as const, user: by.userIndex }
  const code = verify(model, tried, { digits })
  if (code !== codes.ok) return { code }
  if (ownerOf(model, phone) >= 0) return { code: codes.taken }
  by.user.phone = phone
  endOthers(model, by.userIndex, by.index)
  return { code }
}

export const changePurposes = ['bind_phone', 'unbind_phone'] as const

const proveChange = (model: Model, { session, phone, digits, old }: Of<'prove change'>): Step => {
  const by = caller(model, session)
  if (by === undefined) return { code: codes.tokenInvalid }
  const from = by.user.phone
  if (from === null) return { code: codes.notBound }
  if (phone === from) return { code: codes.unchanged }
  if (old?.phone !== from) return { code: codes.oldProofRequired }
  // In the order of the numbers; and none is consumed before both are known to be right.
  const proofs = [{ phone, digits }, old].sort((a, b) => a.phone - b.phone)
  for (const consume of [false, true]) {
    for (const proof of proofs) {
      const tried = { phone: proof.phone, purposes: changePurposes, user: by.userIndex }
      const code = verify(model, tried, { digits: proof.digits, consume })
      if (code !== codes.ok) return { code }
    }
  }
  if (ownerOf(model, phone) >= 0) return { code: codes.taken }
  return giveToken(model, { kind: 'change', user: by.userIndex, session: by.index, from, to: phone })
}

const change = (model: Model, { session, token: named }: Of<'change'>): Step => {
  const by = caller(model, session)
  if (by === undefined) return { code: codes.tokenInvalid }
  const token = liveToken(model, named, { kind: 'change', user: by.userIndex, session: by.index })
  if (token === undefined || token.from === null || token.to === null || by.user.phone !== token.from)
    return { code: codes.stepUpInvalid }
  // A refused change spends nothing.
  if (ownerOf(model, token.to) >= 0) return { code: codes.taken }
  token.used = true
  by.user.phone = token.to
  discard(model, token.from, by.userIndex)
  endOthers(model, by.userIndex, by.index)
  return { code: codes.ok }
}

const unbind = (model: Model, { session, digits }: Of<'unbind'>): Step => {
  const by = caller(model, session)
  if (by === undefined) return { code: codes.tokenInvalid }
  const { phone } = by.user
  if (phone === null) return { code: codes.notBound }
  if (!by.user.hasPassword) return { code: codes.lastSignInMethod }
  const tried = { phone, purposes: ['unbind_phone'] as const, user: by.userIndex }
  const code = verify(model, tried, { digits })
  if (code !== codes.ok) return { code }
  by.user.phone = null
  discard(model, phone, by.userIndex)
  endOthers(model, by.userIndex, by.index)
  return { code }
}

/** By a code to the own phone; who has none gives the password, which is always right here. */
const proveDeletion = (model: Model, { session, own }: Of<'prove deletion'>): Step => {
  const by = caller(model, session)
  if (by === undefined) return { code: codes.tokenInvalid }
  const { phone } = by.user
  const token = { kind: 'delete' as const, user: by.userIndex, session: by.index, from: phone, to: null }
  if (own === undefined) return phone === null ? giveToken(model, token) : { code: codes.requestInvalid }
  if (own.phone !== phone) return { code: codes.incorrect }
  const tried = { phone, purposes: ['delete_account'] as const, user: by.userIndex }
  const code = verify(model, tried, own)
  return code === codes.ok ? giveToken(model, token) : { code }
}

const remove = (model: Model, { session, token: named }: Of<'delete'>): Step => {
  const by = caller(model, session)
  if (by === undefined) return { code: codes.tokenInvalid }
  const { user, userIndex, index } = by
  const token = liveToken(model, named, { kind: 'delete', user: userIndex, session: index })
  if (token === undefined || token.from !== user.phone) return { code: codes.stepUpInvalid }
  for (const [key, { phone, holder }] of Object.entries(model.challenges))
    if (phone === user.phone || holder === userIndex) delete model.challenges[key]
  for (const of of model.tokens) if (of.user === userIndex) of.used = true
  endOthers(model, userIndex, -1)
  user.phone = null
  user.deleted = true
  return { code: codes.ok }
}

const signInByPassword = (model: Model, { user: index }: Of<'sign in by password'>): Step => {
  const user = model.users[index]
  if (user === undefined || user.deleted || !user.hasPassword) return { code: codes.credentialsInvalid }
  return startSession(model, index)
}

const signInByCode = (model: Model, { phone, digits }: Of<'sign in by code'>): Step => {
  const tried = { phone, purposes: ['sign_in'] as const, user: null }
  const code = verify(model, tried, { digits })
  if (code !== codes.ok) return { code }
  const owner = ownerOf(model, phone)
  return owner < 0 ? { code: codes.credentialsInvalid } : startSession(model, owner)
}

const revoke = (model: Model, { session, target }: Of<'revoke'>): Step => {
  const by = caller(model, session)
  if (by === undefined) return { code: codes.tokenInvalid }
  const ended = model.sessions[target]
  if (ended?.user !== by.userIndex) return { code: codes.noSuchDevice }
  ended.ended = true
  return { code: codes.ok }
}

/** Changes the model as the server must change, and says what it must reply. */
export const step = (model: Model, call: Call): Step => {
  switch (call.do) {
    case 'send':
      return send(model, call)
    case 'bind':
      return bind(model, call)
    case 'prove change':
      return proveChange(model, call)
    case 'change':
      return change(model, call)
    case 'unbind':
      return unbind(model, call)
    case 'prove deletion':
      return proveDeletion(model, call)
    case 'delete':
      return remove(model, call)
    case 'sign in by password':
      return signInByPassword(model, call)
    case 'sign in by code':
      return signInByCode(model, call)
    case 'revoke':
      return revoke(model, call)
    case 'wait':
      model.now += call.seconds * 1000
      return { code: codes.ok }
  }
}
