// The challenge that an authenticator signs, and the ticket that stands for it between the two calls.
//
// What must stay true: nothing is stored for a challenge until somebody answers it; a ticket is sealed for its pool, its
// application and its kind; it is spent by the first answer, right or wrong, in all processes together; no text of a
// caller makes `spend` throw.
import type { Application } from '../applications/applications.ts'
import { type Clock, secondsAfter } from '../core/clock.ts'
import { takeOne } from '../core/counters.ts'
import { type Keyring, newId, randomToken } from '../core/crypto.ts'
import type { Database } from '../core/database.ts'

/** Within the 5 to 10 minutes that WebAuthn level 2, section 15.1, recommends where the user is to be verified. */
export const challengeTtlSeconds = 300

/** A ticket is under 500 characters. */
const maxTicketLength = 1000

export type ChallengeKind = 'registration' | 'authentication'

/** The user and the session that asked; undefined: somebody who is not signed in. */
export type ChallengeSubject = { userId: string; sessionId: string } | undefined

export type Challenge = { challenge: string; subject: ChallengeSubject }

type Sealed = Challenge & { id: string; expiresAt: number }

type Use = { application: Application; kind: ChallengeKind }

type Deps = { db: Database; keyring: Keyring; clock: Clock }

export const createChallenges = ({ db, keyring, clock }: Deps) => {
  const contextOf = ({ application, kind }: Use) => `passkey ${kind} ${application.poolId} ${application.id}`

  const open = (use: Use, ticket: string): Sealed | undefined => {
    if (ticket.length > maxTicketLength) return undefined
    try {
      return parseSealed(keyring.unseal(ticket, contextOf(use)))
    } catch {
      // Not a ticket of ours, changed, of another pool, application or kind, or sealed with a key that is gone.
      return undefined
    }
  }

  return {
    /** A new challenge of 256 bits, in base64url, and its ticket. */
    issue: (use: Use, subject: ChallengeSubject): { challenge: string; ticket: string } => {
      const challenge = randomToken()
      const expiresAt = secondsAfter(clock.now(), challengeTtlSeconds).getTime()
      const parts = [newId(clock), challenge, expiresAt, subject?.userId, subject?.sessionId]
      return { challenge, ticket: keyring.seal(JSON.stringify(parts), contextOf(use)) }
    },

    /** The challenge of a ticket, once. */
    spend: async (use: Use, ticket: string): Promise<Challenge | undefined> => {
      const sealed = open(use, ticket)
      const now = clock.now()
      if (sealed === undefined || sealed.expiresAt <= now.getTime()) return undefined
      // Counted for longer than the ticket lives, in case the clocks of two processes differ.
      const spentUntil = await takeOne(db, {
        poolId: use.application.poolId,
        key: `passkey:${sealed.id}`,
        count: 1,
        windowSeconds: 2 * challengeTtlSeconds,
        now,
      })
      return spentUntil === undefined ? { challenge: sealed.challenge, subject: sealed.subject } : undefined
    },
  }
}

export type Challenges = ReturnType<typeof createChallenges>

const parseSealed = (text: string): Sealed | undefined => {
  const parts: unknown = JSON.parse(text)
  if (!Array.isArray(parts)) return undefined
  const [id, challenge, expiresAt, userId, sessionId]: unknown[] = parts
  if (typeof id !== 'string' || typeof challenge !== 'string' || typeof expiresAt !== 'number')
    return undefined
  const subject =
    typeof userId === 'string' && typeof sessionId === 'string' ? { userId, sessionId } : undefined
  return { id, challenge, expiresAt, subject }
}
