// What people and programs do in the model tests, as plain data: printed as it is when a run fails.
import fc from 'fast-check'

export const purposes = ['bind_phone', 'unbind_phone', 'sign_in', 'delete_account'] as const
export type Purpose = (typeof purposes)[number]

/** The right code if there is one, a wrong one, or one that was sent for something else. */
export type Guess = 'right' | 'wrong' | { other: number }

/** Sessions, step-up tokens (the newest is 0) and codes are picked by a number, counted round what there is. */
export type Operation =
  | { do: 'send'; session: number | null; phone: number | 'own'; purpose: Purpose }
  | { do: 'bind'; session: number; phone: number; guess: Guess }
  | {
      do: 'prove change'
      session: number
      phone: number
      guess: Guess
      old: 'none' | 'own' | { phone: number }
      oldGuess: Guess
    }
  | { do: 'change'; session: number; token: number }
  | { do: 'unbind'; session: number; guess: Guess }
  | { do: 'prove deletion'; session: number; guess: Guess }
  | { do: 'delete'; session: number; token: number }
  | { do: 'sign in by password'; user: number }
  | { do: 'sign in by code'; phone: number; guess: Guess }
  | { do: 'revoke'; session: number; target: number }
  | { do: 'wait'; seconds: number }

export const userCount = 4
export const phoneCount = 5

const pick = fc.nat({ max: 11 })
const phone = fc.nat({ max: phoneCount - 1 })
const token = fc.oneof({ weight: 4, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: pick })
const guess: fc.Arbitrary<Guess> = fc.oneof(
  { weight: 7, arbitrary: fc.constant('right' as const) },
  { weight: 2, arbitrary: fc.constant('wrong' as const) },
  { weight: 1, arbitrary: fc.record({ other: pick }) },
)
const old = fc.oneof(
  { weight: 6, arbitrary: fc.constant('own' as const) },
  { weight: 1, arbitrary: fc.constant('none' as const) },
  { weight: 1, arbitrary: fc.record({ phone }) },
)

type Doing<Name extends Operation['do']> = Extract<Operation, { do: Name }>

const sending: fc.Arbitrary<Doing<'send'>> = fc.record({
  do: fc.constant('send' as const),
  session: fc.option(pick, { nil: null, freq: 6 }),
  phone: fc.oneof(phone, fc.constant('own' as const)),
  purpose: fc.constantFrom(...purposes),
})

/** Exactly the cooldown and the life of a code too. */
const waiting: fc.Arbitrary<Doing<'wait'>> = fc.record({
  do: fc.constant('wait' as const),
  seconds: fc.constantFrom(5, 59, 60, 61, 299, 300, 360, 3660),
})

const anyDoing: fc.Arbitrary<Operation> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ do: fc.constant('bind' as const), session: pick, phone, guess }) },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant('prove change' as const),
      session: pick,
      phone,
      guess,
      old,
      oldGuess: guess,
    }),
  },
  { weight: 5, arbitrary: fc.record({ do: fc.constant('change' as const), session: pick, token }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('unbind' as const), session: pick, guess }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('prove deletion' as const), session: pick, guess }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('delete' as const), session: pick, token }) },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('sign in by password' as const),
      user: fc.nat({ max: userCount - 1 }),
    }),
  },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('sign in by code' as const), phone, guess }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('revoke' as const), session: pick, target: pick }) },
)

/** All but waiting. A code that is sent at the same instant is known to nobody yet. */
export const anyConcurrentOperation: fc.Arbitrary<Operation> = fc.oneof(
  { weight: 3, arbitrary: anyDoing },
  { weight: 1, arbitrary: sending },
)

const send = (session: number | null, to: number | 'own', purpose: Purpose): Operation => ({
  do: 'send',
  session,
  phone: to,
  purpose,
})

/** Chance alone seldom does what people do: so now and then somebody goes a whole way. */
const ways = (session: number, to: number): Operation[][] => [
  [send(session, to, 'bind_phone'), { do: 'bind', session, phone: to, guess: 'right' }],
  [
    send(session, to, 'bind_phone'),
    { do: 'bind', session, phone: to, guess: 'wrong' },
    { do: 'bind', session, phone: to, guess: 'wrong' },
    { do: 'wait', seconds: 61 },
    send(session, to, 'bind_phone'),
    { do: 'bind', session, phone: to, guess: 'wrong' },
    { do: 'bind', session, phone: to, guess: 'right' },
  ],
  [
    send(session, to, 'bind_phone'),
    send(session, 'own', 'unbind_phone'),
    { do: 'prove change', session, phone: to, guess: 'right', old: 'own', oldGuess: 'right' },
    { do: 'change', session, token: 0 },
  ],
  [
    send(session, to, 'bind_phone'),
    send(session, 'own', 'unbind_phone'),
    { do: 'prove change', session, phone: to, guess: 'right', old: 'own', oldGuess: 'right' },
  ],
  [send(session, 'own', 'unbind_phone'), { do: 'unbind', session, guess: 'right' }],
  [send(null, to, 'sign_in'), { do: 'sign in by code', phone: to, guess: 'right' }],
  [
    send(session, 'own', 'delete_account'),
    { do: 'prove deletion', session, guess: 'right' },
    { do: 'prove deletion', session, guess: 'right' },
  ],
]

const anyWay: fc.Arbitrary<Operation[]> = fc.tuple(pick, phone, pick).map(([session, to, which]) => {
  const all = ways(session, to)
  return all[which % all.length] ?? []
})

/** One operation, or a way that somebody goes. */
export const anyStory: fc.Arbitrary<Operation[]> = fc.oneof(
  { weight: 3, arbitrary: anyDoing.map((operation) => [operation]) },
  { weight: 2, arbitrary: sending.map((operation) => [operation]) },
  { weight: 1, arbitrary: waiting.map((operation) => [operation]) },
  { weight: 4, arbitrary: anyWay },
)
