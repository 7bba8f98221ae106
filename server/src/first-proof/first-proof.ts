// The first proof of an email address: who signs up with an address and a password reads no mail there, and may have
// taken the address of somebody else, to keep a way into the account until its owner comes.
//
// What must stay true: once an address is proved for the first time, or its owner has said that the account is not
// theirs, nothing that was set before opens the account: no password, passkey, factor or session; a phone stays, because
// an honest person may have bound it, and the address is told how to take it off; all of it is one transaction, and what
// is judged is judged under the lock of the user's row, so that nobody adds a way in meanwhile.
import type { Audit } from '../audit/audit.ts'
import type { Clock } from '../core/clock.ts'
import type { Queryable } from '../core/database.ts'
import type { Notices, Reach } from '../notices/notices.ts'
import type { Sessions } from '../sessions/sessions.ts'
import { clearWaysIn, holdUnproved, takeEmailOff } from './store.ts'

export type Unproved = {
  poolId: string
  applicationId: string
  userId: string
  email: string
  ip: string
}

type Deps = { sessions: Sessions; notices: Notices; audit: Audit; clock: Clock }

export const createFirstProof = ({ sessions, notices, audit, clock }: Deps) => {
  const clear = async (
    { poolId, applicationId, userId, email, ip }: Unproved,
    reason: 'email_proved' | 'email_disowned',
    tx: Queryable,
  ): Promise<void> => {
    const cleared = await clearWaysIn(tx, { poolId, userId, now: clock.now() })
    await sessions.endOthers({ poolId, userId, reason }, tx)
    const detail = { reason, ...audit.describeEmail(email), ...cleared }
    await audit.record(poolId, { type: 'account.secured', userId, applicationId, ip, detail }, tx)
  }

  return {
    /**
     * In the transaction in which a code from the address came back, before it marks the address as verified and starts
     * a session. Nothing happens where the address was verified meanwhile, or has left the account.
     * @param told the language of the notice (BCP 47), and how the address is reached
     */
    removeOthers: async (
      unproved: Unproved,
      { language, reach }: { language: string; reach: Reach },
      tx: Queryable,
    ): Promise<void> => {
      const { poolId, applicationId, userId, email, ip } = unproved
      const held = await holdUnproved(tx, unproved)
      if (held === undefined) return
      await clear(unproved, 'email_proved', tx)
      if (held.phone === null) return
      const kind = 'phone_bound' as const
      const notice = { poolId, applicationId, userId, kind, ip, language, after: held.phone, earlier: true }
      await notices.record(notice, [email], reach, tx)
    },

    /**
     * Whoever reads the mail of the address has no account here: the address leaves the one that somebody made with it,
     * so that its owner is free to use it. False: it was verified meanwhile, or has left the account.
     */
    disown: async (unproved: Unproved, tx: Queryable): Promise<boolean> => {
      const { poolId, applicationId, userId, email, ip } = unproved
      if ((await holdUnproved(tx, unproved)) === undefined) return false
      await takeEmailOff(tx, { poolId, userId, now: clock.now() })
      const event = { userId, applicationId, ip, detail: audit.describeEmail(email) }
      await audit.record(poolId, { type: 'email.disowned', ...event }, tx)
      await clear(unproved, 'email_disowned', tx)
      return true
    },
  }
}

export type FirstProof = ReturnType<typeof createFirstProof>
