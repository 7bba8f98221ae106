// Undoing: what the link of a notice does to the phone. Who owns the number or the address that a notice was sent to
// takes back what somebody else did.
//
// What must stay true: only the number of this notice moves; a number that another user has proved meanwhile stays
// there (rule 13); the history keeps both bindings (rule 18).
import type { Queryable } from '../core/database.ts'
import type { OpenedNotice } from '../notices/notices.ts'
import { type E164, isPhone } from '../phone-numbers/phone-numbers.ts'
import type { Replace } from './replace.ts'
import { hasOwner, holdUser } from './waiting-store.ts'

export type Undone = 'restored' | 'removed' | 'nothing'

export const createUndo = ({ replace }: { replace: Replace }) => ({
  /**
   * In the caller's transaction, which ends the sessions and records the event: the phone goes back to what it was
   * before the notice. `removed`: there is no phone now; it may have been the only way to sign in.
   */
  undo: async (opened: OpenedNotice, tx: Queryable): Promise<Undone> => {
    const { poolId, userId, applicationId, detail } = opened
    const user = await holdUser(tx, { poolId, userId })
    if (user === undefined) return 'nothing'
    const move = (to: E164 | null) =>
      replace(
        {
          poolId,
          userId,
          from: user.phone,
          to,
          reason: 'undone',
          applicationId,
          ip: undefined,
          // As it was before: that somebody clicked a link proves nothing newer.
          provedAt: detail.beforeProvedAt === undefined ? null : new Date(detail.beforeProvedAt),
        },
        tx,
      )

    if (opened.kind === 'phone_bound') {
      // Whatever is there now: who bound one number may have changed it for a second one since.
      if (user.phone === null) return 'nothing'
      await move(null)
      return 'removed'
    }
    if (opened.kind !== 'phone_changed' && opened.kind !== 'phone_unbound') return 'nothing'
    const { before } = detail
    if (before === undefined || !isPhone(before) || user.phone === before) return 'nothing'
    if (!(await hasOwner(tx, { poolId, phone: before }))) {
      await move(before)
      return 'restored'
    }
    if (user.phone === null) return 'nothing'
    await move(null)
    return 'removed'
  },
})
