// How a number enters or leaves an account when it is not the first one: the one place for change, unbind, claim, undo.
//
// What must stay true: with the number goes every use of it: the SMS factor, live codes, a change that waits (rule 16);
// the binding is closed in the history and a new one opened (rule 18). The caller holds the user's row.
import type { Audit } from '../audit/audit.ts'
import type { Clock } from '../core/clock.ts'
import { newId } from '../core/crypto.ts'
import type { Queryable } from '../core/database.ts'
import type { KeptFactor } from '../notices/notices.ts'
import type { Passcodes } from '../passcodes/passcodes.ts'
import type { E164 } from '../phone-numbers/phone-numbers.ts'
import { replacePhone } from './store.ts'

/** Why a binding ended, as the history has it. */
export type EndReason = 'changed' | 'unbound' | 'undone' | 'claimed' | 'deleted'

export type Replacement = {
  poolId: string
  userId: string
  from: E164 | null
  to: E164 | null
  reason: EndReason
  applicationId: string
  ip: string | undefined
  /** When the new number was proved: just now where it is not given, null where nobody knows. */
  provedAt?: Date | null
}

export const createReplace =
  ({ passcodes, audit, clock }: { passcodes: Passcodes; audit: Audit; clock: Clock }) =>
  /** @returns the factor of the old number, which went along to the new one, or away */
  async (given: Replacement, tx: Queryable): Promise<KeptFactor | undefined> => {
    const { poolId, userId, from, to } = given
    const now = clock.now()
    const row = await replacePhone(tx, {
      ...given,
      bindingId: newId(clock),
      history: to === null ? { phone: null, phoneFingerprint: null } : audit.describePhone(to),
      provedAt: to === null ? null : given.provedAt === undefined ? now : given.provedAt,
      now,
    })
    if (!row.replaced) throw new Error('the number was replaced by a caller who does not hold the user')
    if (from !== null) await passcodes.discard({ poolId, userId, recipient: from }, tx)
    const { enrolled_at: enrolledAt, enrolled_with_proof: enrolledWithProof } = row
    if (enrolledAt === null || enrolledWithProof === null) return undefined
    return { enrolledAt: enrolledAt.toISOString(), enrolledWithProof }
  }

export type Replace = ReturnType<typeof createReplace>
