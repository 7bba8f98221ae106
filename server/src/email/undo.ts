import type { Queryable } from '../core/database.ts'
import type { OpenedNotice } from '../notices/notices.ts'
import type { EmailDeps } from './changed.ts'
import { deleteEmailFactor, holdEmail, isEmailTaken, moveEmailFactor, setEmail } from './store.ts'

export type Undone = 'restored' | 'removed' | 'nothing'

/**
 * The account as it was before a change of its address that a notice tells of, in the caller's transaction, whatever
 * the address was changed to since: who took over an account may have changed it twice. The address of before comes
 * back no more verified than it was, because the link may have come to a phone; where another user has it by now, or
 * there was none, the current one goes.
 */
export const createUndo =
  ({ passcodes, clock }: Pick<EmailDeps, 'passcodes' | 'clock'>) =>
  async (opened: OpenedNotice, tx: Queryable): Promise<Undone> => {
    const { poolId, userId, kind, detail } = opened
    const held = await holdEmail(tx, { poolId, userId })
    if (held === undefined) return 'nothing'
    const { email: current } = held
    const before = kind === 'email_bound' ? undefined : detail.before
    if (current === (before ?? null)) return 'nothing'

    const isFree = before !== undefined && !(await isEmailTaken(tx, { poolId, userId, email: before }))
    if (current === null && !isFree) return 'nothing'
    const email = isFree ? before : null
    const verified = email !== null && detail.beforeVerified === true
    await setEmail(tx, { poolId, userId, email, verified, now: clock.now() })
    if (current !== null) {
      if (email !== null) await moveEmailFactor(tx, { poolId, userId, from: current, to: email })
      await deleteEmailFactor(tx, { poolId, userId, email: current })
      await passcodes.discard({ poolId, userId, recipient: current }, tx)
    }
    return email === null ? 'removed' : 'restored'
  }
