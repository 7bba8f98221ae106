// The history of sign-ins: a row for each, and for each try that was refused.
//
// What must stay true: a row is written for a name that nobody has as for any other, so that neither time nor writes tell
// them apart (rules 10 and 11); the row of a sign-in stands in its transaction; what was typed stands in none (rule 12).
import type { ApiCodeName } from '../api-codes.ts'
import type { Application } from '../applications/applications.ts'
import { type Clock, secondsAfter } from '../core/clock.ts'
import { newId } from '../core/crypto.ts'
import type { Database, Queryable } from '../core/database.ts'
import { deleteOldSignIns, insertSignIn } from './store.ts'

/** Long enough to find out what happened a month or two ago; an address is kept no longer than it is of use. */
const keptDays = 90

export type SignInTry = {
  application: Application
  /** How: `password`, `phone_passcode`, `email_passcode`, `passkey`. */
  method: string
  ip: string
  userAgent: string | undefined
}

export const createSignInHistory = ({ db, clock }: { db: Database; clock: Clock }) => {
  const record = async (
    { application, method, ip, userAgent }: SignInTry,
    outcome: { userId: string | undefined; sessionId?: string; reason?: string },
    tx: Queryable,
  ): Promise<void> => {
    await insertSignIn(tx, {
      poolId: application.poolId,
      id: newId(clock),
      userId: outcome.userId,
      applicationId: application.id,
      sessionId: outcome.sessionId,
      method,
      reason: outcome.reason,
      ip,
      userAgent: userAgent?.slice(0, 400),
      triedAt: clock.now(),
    })
  }

  return {
    recordStarted: (tried: SignInTry, started: { userId: string; sessionId: string }, tx: Queryable) =>
      record(tried, started, tx),

    /** @param refused `userId`: of whom the name is, if of anybody */
    recordRefused: (
      tried: SignInTry,
      refused: { userId: string | undefined; reason: ApiCodeName },
      tx: Queryable = db,
    ) => record(tried, refused, tx),

    deleteOld: async (): Promise<void> => {
      await deleteOldSignIns(db, secondsAfter(clock.now(), -keptDays * 86_400))
    },
  }
}

export type SignInHistory = ReturnType<typeof createSignInHistory>
