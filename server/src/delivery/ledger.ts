// What one delivery takes of the pool's budget, and what of it comes back.
//
// What must stay true: the price of a try is taken before its provider is called; the price of a try that may have
// reached the phone is never given back.
import type { Guard } from '../guard/guard.ts'
import type { SendOutcome } from '../providers/providers.ts'

export type Ledger = {
  /** Takes what is missing of a price. The setting of the policy that has no room for it: then nothing was taken. */
  pay(micros: number): Promise<string | undefined>
  /** After the try: its price is spent, unless the answer says that nothing went out. */
  book(micros: number, mayBeGone: boolean): void
  /** A try that another process has paid for is made again: its price is at hand. */
  takeOver(micros: number): void
  mayHaveGone(): boolean
  /** Gives back what this delivery took and did not need; what is left of the advance is for the caller to decide. */
  settle(): Promise<number>
}

/** Whether no answer says that the message went to nobody. */
export const mayHaveGone = (outcome: SendOutcome): boolean =>
  outcome.outcome === 'accepted' || (outcome.maybeSent ?? outcome.reason === 'timeout')

/** @param given.advance what was taken when the message was written */
export const createLedger = (
  guard: Pick<Guard, 'pay' | 'refund'>,
  given: { poolId: string; advance: number },
): Ledger => {
  const { poolId } = given
  let unspent = given.advance
  let taken = 0
  let isGone = false

  return {
    pay: async (micros) => {
      const missing = micros - unspent
      if (missing <= 0) return undefined
      const spent = await guard.pay({ poolId, micros: missing })
      if (spent !== undefined) return spent
      taken += missing
      unspent += missing
      return undefined
    },
    book: (micros, mayBeGone) => {
      if (!mayBeGone) return
      unspent -= micros
      isGone = true
    },
    takeOver: (micros) => {
      unspent += micros
    },
    mayHaveGone: () => isGone,
    settle: async () => {
      const back = Math.min(unspent, taken)
      await guard.refund({ poolId, micros: back })
      return unspent - back
    },
  }
}

/** Of a notice: what it cost is in the budget, which never holds it back. */
export const noticeLedger = (guard: Pick<Guard, 'addSpending'>, poolId: string): Ledger => {
  let spent = 0
  let isGone = false
  return {
    pay: async () => undefined,
    book: (micros, mayBeGone) => {
      if (!mayBeGone) return
      spent += micros
      isGone = true
    },
    takeOver: () => {},
    mayHaveGone: () => isGone,
    settle: async () => {
      await guard.addSpending({ poolId, priceMicros: spent })
      return 0
    },
  }
}

/** Of a letter, which costs nothing. */
export const freeLedger = (): Ledger => {
  let isGone = false
  return {
    pay: async () => undefined,
    book: (_, mayBeGone) => {
      isGone ||= mayBeGone
    },
    takeOver: () => {},
    mayHaveGone: () => isGone,
    settle: async () => 0,
  }
}
