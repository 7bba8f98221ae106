// Step-up tokens: what somebody has just proved, and may now do once, within a minute: change a phone, reset a
// password, delete an account.
//
// What must stay true: a token works once, for the user and the session that proved, and for exactly what was proved;
// only its hash is stored (rule 28), and what it is for is sealed (rule 27).
import { ApiError } from '../api-codes.ts'
import { type Clock, secondsAfter } from '../core/clock.ts'
import { type Keyring, randomToken, sha256 } from '../core/crypto.ts'
import type { Database, Queryable } from '../core/database.ts'
import { consumeStepUpToken, deleteOldStepUpTokens, insertStepUpToken, selectStepUpToken } from './store.ts'

export type StepUpKind =
  | 'update_phone'
  | 'update_email'
  | 'reset_password'
  | 'delete_account'
  | 'enroll_factor'

/** Seconds: what the V3 API says of its delete and update-email tokens. Setting up a factor takes a person longer. */
export const stepUpTtlSeconds = {
  update_phone: 60,
  update_email: 60,
  reset_password: 60,
  delete_account: 60,
  enroll_factor: 300,
} as const satisfies Record<StepUpKind, number>

export type StepUpSubject = {
  poolId: string
  kind: StepUpKind
  /** Undefined where nobody is signed in: the token itself tells whose it is. */
  userId?: string | undefined
  sessionId?: string | undefined
}

type Deps = { db: Database; keyring: Keyring; clock: Clock }

export const createStepUp = ({ db, keyring, clock }: Deps) => {
  const contextOf = (poolId: string, kind: StepUpKind) => `step-up ${kind} ${poolId}`

  return {
    /** A new token. @param detail what was proved; must be plain JSON */
    issue: async <Detail extends object>(
      { poolId, kind, userId, sessionId }: StepUpSubject & { userId: string },
      detail: Detail,
      tx: Queryable = db,
    ): Promise<string> => {
      const token = randomToken()
      const now = clock.now()
      await insertStepUpToken(tx, {
        poolId,
        hash: sha256(token),
        kind,
        userId,
        sessionId,
        sealedDetail: keyring.seal(JSON.stringify(detail), contextOf(poolId, kind)),
        issuedAt: now,
        expiresAt: secondsAfter(now, stepUpTtlSeconds[kind]),
      })
      return token
    },

    /**
     * Spends a token; in a transaction that is rolled back it is not spent.
     * @throws ApiError step_up_token_invalid: wrong, used, expired, another user's or another session's
     */
    consume: async <Detail extends object>(
      subject: StepUpSubject,
      token: string,
      tx: Queryable = db,
    ): Promise<{ userId: string; detail: Detail }> => {
      const { poolId, kind, userId, sessionId } = subject
      const hash = sha256(token)
      const row = await consumeStepUpToken(tx, { poolId, hash, kind, userId, sessionId, now: clock.now() })
      if (row === undefined) throw new ApiError('step_up_token_invalid', `no live ${kind} token`)
      const detail = JSON.parse(keyring.unseal(row.sealed_detail, contextOf(poolId, kind))) as Detail
      return { userId: row.user_id, detail }
    },

    /**
     * What a token is for, without spending it: for who must know before the rest of a proof can be verified.
     * @throws ApiError step_up_token_invalid, as `consume`
     */
    look: async <Detail extends object>(subject: StepUpSubject, token: string): Promise<Detail> => {
      const { poolId, kind, userId, sessionId } = subject
      const hash = sha256(token)
      const row = await selectStepUpToken(db, { poolId, hash, kind, userId, sessionId, now: clock.now() })
      if (row === undefined) throw new ApiError('step_up_token_invalid', `no live ${kind} token`)
      return JSON.parse(keyring.unseal(row.sealed_detail, contextOf(poolId, kind))) as Detail
    },

    deleteOld: async (): Promise<void> => {
      await deleteOldStepUpTokens(db, secondsAfter(clock.now(), -3600))
    },
  }
}

export type StepUp = ReturnType<typeof createStepUp>
