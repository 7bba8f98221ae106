// Where every way to sign in ends: the session of a user who proved who it is, and its tokens.
import type { Queryable } from '../core/database.ts'
import type { Sessions, StartedSession } from '../sessions/sessions.ts'
import type { TokenSet, Tokens } from '../tokens/tokens.ts'
import { type SignInProof, toIdClaims, type UserRow, type Users } from '../users/users.ts'
import type { SignInHistory, SignInTry } from './history.ts'

export type Opening = SignInTry & {
  /** Granted scopes, parted by spaces. */
  scope: string
}

export type Opened = { user: UserRow; session: StartedSession }

type Deps = { users: Users; sessions: Sessions; tokens: Tokens; history: SignInHistory }

export const createOpenings = ({ users, sessions, tokens, history }: Deps) => ({
  /**
   * Starts a session in the caller's transaction. Undefined, with nothing written: the user changed at the same instant,
   * and what the sign-in was by is not the user's any more.
   */
  open: async (
    opening: Opening,
    by: { userId: string; proof: SignInProof },
    tx: Queryable,
  ): Promise<Opened | undefined> => {
    const { application, ip } = opening
    const { poolId, id: applicationId } = application
    const user = await users.recordSignIn({ poolId, applicationId, ip, ...by }, tx)
    if (user === undefined) return undefined
    const { userId } = by
    const session = await sessions.start({ ...opening, userId }, tx)
    await history.recordStarted(opening, session, tx)
    return { user, session }
  },

  /** The tokens of a session that has just begun. After its transaction, never inside. */
  issueTokens: ({ application }: Opening, { user, session }: Opened): Promise<TokenSet> =>
    tokens.issue({
      application,
      userId: user.id,
      sessionId: session.sessionId,
      scope: session.scope,
      userClaims: toIdClaims(user, session.scope),
      refreshToken: session.refreshToken,
    }),
})

export type Openings = ReturnType<typeof createOpenings>
