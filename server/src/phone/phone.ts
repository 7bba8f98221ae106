// The phone of an account: binding, changing, unbinding and undoing it. The heart of this project; a file each.
//
// What must stay true: one number, one account, per pool (rule 13); only who has proved control of a number learns
// that it is bound elsewhere (rule 10); every binding stays in the history, masked (rules 12 and 18).
import type { AccountPolicies } from '../account-policy/account-policy.ts'
import type { Audit } from '../audit/audit.ts'
import type { Clock } from '../core/clock.ts'
import type { Keyring } from '../core/crypto.ts'
import type { Database } from '../core/database.ts'
import type { Notices } from '../notices/notices.ts'
import type { Passcodes } from '../passcodes/passcodes.ts'
import type { Sessions } from '../sessions/sessions.ts'
import type { StepUp } from '../step-up/step-up.ts'
import type { Users } from '../users/users.ts'
import { createBind } from './bind.ts'
import { createChange } from './change.ts'
import { createClaims } from './claims.ts'
import { createDelayedChange } from './delayed-change.ts'
import { createReplace } from './replace.ts'
import { selectBindings } from './store.ts'
import { createUnbind } from './unbind.ts'
import { createUndo } from './undo.ts'

export type { Claim, ClaimOutcome, ClaimTerms } from './claims.ts'
export type { Undone } from './undo.ts'

/** A number that a user had or has; never in clear. */
export type Binding = {
  /** Masked; null where the user was deleted since. */
  phone: string | null
  phoneFingerprint: string
  applicationId: string
  ip: string | null
  boundAt: Date
  unboundAt: Date | null
  /** Null while it is bound. */
  endReason: string | null
}

type Deps = {
  db: Database
  keyring: Keyring
  users: Users
  sessions: Sessions
  passcodes: Passcodes
  stepUp: StepUp
  accountPolicy: AccountPolicies
  notices: Notices
  audit: Audit
  clock: Clock
}

export const createPhone = (deps: Deps) => {
  const replace = createReplace(deps)
  const claims = createClaims({ ...deps, replace })
  const delayedChanges = createDelayedChange({ ...deps, replace })
  const { terms: claimTerms, claim, requireFree, stopClaim, deleteOldClaims } = claims
  const { applyDue, stopChange } = delayedChanges

  return {
    ...createBind({ ...deps, claims, replace }),
    ...createChange({ ...deps, claims, delayedChanges, replace }),
    ...createUnbind({ ...deps, replace }),
    ...createUndo({ replace }),
    applyDue,
    stopChange,

    /** For other features that take a proved number: sign-up and the sign-in that registers. */
    claimTerms,
    claim,
    requireFree,
    stopClaim,

    /** Every number that the user ever had, oldest first (rule 18). */
    historyOf: async (poolId: string, userId: string): Promise<Binding[]> =>
      (await selectBindings(deps.db, poolId, userId)).map((row) => ({
        ...(row.phone === null
          ? { phone: row.phone_masked, phoneFingerprint: row.phone_fingerprint ?? '' }
          : deps.audit.describePhone(row.phone)),
        applicationId: row.application_id,
        ip: row.ip,
        boundAt: row.bound_at,
        unboundAt: row.unbound_at,
        endReason: row.end_reason,
      })),

    deleteOld: deleteOldClaims,
  }
}

export type Phone = ReturnType<typeof createPhone>
