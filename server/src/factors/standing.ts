// What a session has proved lately: enough to remove a factor, and enough to enroll one that counts.
//
// What must stay true: who has somebody's token, or somebody's password, cannot enroll a factor that then stands in
// for the old phone (rule 14).
import { type Clock, secondsAfter } from '../core/clock.ts'
import type { Database } from '../core/database.ts'
import type { Sessions, TokenSubject } from '../sessions/sessions.ts'
import { selectStanding } from './store.ts'

const besidesEmail = { besides: 'email' } as const

/** As long as the proof of a factor counts (NIST SP 800-63B-4, 4.1.2). */
const freshSeconds = 300

type Deps = { db: Database; sessions: Sessions; clock: Clock }

export const createStanding = ({ db, sessions, clock }: Deps) => ({
  /** Whether the user has signed in, or proved a factor in this session, within five minutes. */
  isFresh: async (user: TokenSubject): Promise<boolean> => {
    if (await sessions.hasFreshFactor(user)) return true
    const standing = await selectStanding(db, user)
    return standing !== undefined && standing.started_at >= secondsAfter(clock.now(), -freshSeconds)
  },

  /**
   * Whether more than a password was proved within five minutes: a factor, or the phone, by signing in with its code
   * or by binding it, which ends all other sessions. An account without phone and email has no more to prove.
   */
  provesMoreThanPassword: async (user: TokenSubject): Promise<boolean> => {
    if (await sessions.hasFreshFactor(user)) return true
    const standing = await selectStanding(db, user)
    if (standing === undefined) return false
    const { has_phone, has_email, method, started_at, phone_bound_at } = standing
    if (!has_phone && !has_email) return true
    const since = secondsAfter(clock.now(), -freshSeconds)
    const signedInByPhone = method === 'phone_passcode' && started_at >= since
    const boundNow = phone_bound_at !== null && phone_bound_at >= since
    // For an address, a phone vouches only when it is settled: who has the session could have bound the own one.
    if (has_email) return signedInByPhone && (await sessions.hasFreshFactor(user, besidesEmail))
    return signedInByPhone || boundNow
  },
})

export type Standing = ReturnType<typeof createStanding>
