// From what an operation leaves open to what a call says: which session, which token, which digits.
import { type Call, candidatesOf, changePurposes, isLive, type Model, type Tried } from './model.ts'
import type { Guess, Operation, Purpose } from './operations.ts'

/** -1: there is none. */
const round = (index: number, count: number): number => (count === 0 ? -1 : index % count)

/** The digits that a guess stands for. */
const digitsOf = (model: Model, tried: Tried, guess: Guess): string => {
  const known = Object.values(model.challenges).flatMap(({ code }) => code ?? [])
  const wrong = () =>
    Array.from({ length: known.length + 1 }, (_, index) => String(index).padStart(6, '0')).find(
      (digits) => !known.includes(digits),
    ) ?? ''
  if (guess === 'wrong') return wrong()
  if (guess !== 'right') return known[round(guess.other, known.length)] ?? wrong()
  const right = candidatesOf(model, tried).filter(({ code }) => code !== null)
  return (right.find((challenge) => isLive(model, challenge)) ?? right[0])?.code ?? wrong()
}

export const settle = (model: Model, operation: Operation): Call => {
  const named = 'session' in operation ? operation.session : null
  const session = named === null ? -1 : round(named, model.sessions.length)
  const userIndex = model.sessions[session]?.user ?? null
  const own = userIndex === null ? null : (model.users[userIndex]?.phone ?? null)
  const digits = (phone: number, purposes: readonly Purpose[], guess: Guess) =>
    digitsOf(model, { phone, purposes, user: userIndex }, guess)
  switch (operation.do) {
    case 'send':
      return {
        ...operation,
        session: operation.session === null ? null : session,
        phone: operation.phone === 'own' ? (own ?? 0) : operation.phone,
      }
    case 'bind': {
      const { phone, guess } = operation
      return { do: 'bind', session, phone, digits: digits(phone, ['bind_phone'], guess) }
    }
    case 'prove change': {
      const { phone, guess, old, oldGuess } = operation
      const oldPhone = old === 'own' ? own : old === 'none' ? null : old.phone
      return {
        do: 'prove change',
        session,
        phone,
        digits: digits(phone, changePurposes, guess),
        ...(oldPhone === null
          ? {}
          : { old: { phone: oldPhone, digits: digits(oldPhone, changePurposes, oldGuess) } }),
      }
    }
    case 'unbind':
      return { do: 'unbind', session, digits: digits(own ?? 0, ['unbind_phone'], operation.guess) }
    case 'prove deletion':
      return own === null
        ? { do: 'prove deletion', session }
        : {
            do: 'prove deletion',
            session,
            own: { phone: own, digits: digits(own, ['delete_account'], operation.guess) },
          }
    case 'change':
    case 'delete':
      return {
        ...operation,
        session,
        token: model.tokens.length - 1 - round(operation.token, model.tokens.length),
      }
    case 'sign in by code': {
      const { phone, guess } = operation
      const tried = { phone, purposes: ['sign_in'] as const, user: null }
      return { do: 'sign in by code', phone, digits: digitsOf(model, tried, guess) }
    }
    case 'revoke':
      return { do: 'revoke', session, target: round(operation.target, model.sessions.length) }
    default:
      return operation
  }
}
