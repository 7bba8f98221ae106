// Passcodes: the short codes that we send, and the proof that somebody read one.
//
// What must stay true: a code is derived by a key outside the database, and only its keyed digest is stored (rule 3);
// a resend carries the same code and resets nothing (rules 4 and 7); a code is bound to its pool, application,
// purpose, number and, when the sender was signed in, that user (rule 6); it is consumed once, by the one statement
// that counts the attempt first (rule 5); strangers and signed-in users draw on separate budgets (rule 8).
import type { ApiCodeName } from '../api-codes.ts'
import { secondsAfter } from '../core/clock.ts'
import type { Queryable } from '../core/database.ts'
import type { LimitName } from '../limits.ts'
import { derivePasscode } from './derive.ts'
import { createIssue, type IssueDeps } from './issue.ts'
import { deleteOldPasscodes, discardPasscodes } from './store.ts'
import { createVerify } from './verify.ts'

export { type IssuedMessage, LimitSpent, type PasscodeRequest } from './issue.ts'
export type { CountedLimit, IssueGate } from './issue-store.ts'
export {
  type Channel,
  isSentToKnownOnly,
  type Purpose,
  purposeOf,
  purposes,
  wireChannelOf,
  wireChannelsOf,
} from './purposes.ts'
export { type Proof, passcodeVerdict, type VerdictRow } from './store.ts'
export type { PasscodeProof } from './verify.ts'

/** What every route that sends a passcode says of itself: its limits, and the refusals that issuing can give. */
export const issueRoute = {
  limit: [
    'messageCooldown',
    'messagesPerRecipientHour',
    'messagesPerRecipientDay',
    'messagesPerIpHour',
    'messagesPerApplicationHour',
  ],
  refusals: ['sms_cooldown', 'sms_limit_reached', 'passcode_attempts_exceeded'],
} as const satisfies { limit: readonly LimitName[]; refusals: readonly ApiCodeName[] }

export const createPasscodes = (deps: IssueDeps) => {
  const { db, keyring, clock, config } = deps

  return {
    ...createIssue(deps),
    ...createVerify(deps),

    /**
     * Spends what is live of a number or address for its user, and for nobody in particular: the user has it no more
     * (rule 16). In the caller's transaction, which may hold the user already.
     */
    discard: async (
      given: { poolId: string; recipient: string; userId: string },
      tx: Queryable,
    ): Promise<void> => {
      await discardPasscodes(tx, { ...given, now: clock.now() })
    },

    /** The code that a message carries, made again; undefined where it carries none, or its key is no longer configured. */
    codeOfMessage: (message: {
      key_id: string | null
      passcode_id: string | null
      purpose: string
      recipient: string
    }) => {
      const key = keyring.all.find(({ id }) => id === message.key_id)
      return key === undefined || message.passcode_id === null
        ? undefined
        : derivePasscode(
            key.derive,
            [message.passcode_id, message.purpose, message.recipient],
            config.passcodeLength,
          )
    },

    /** Deletes what has been of no use for a day. */
    deleteOld: async (): Promise<void> => {
      await deleteOldPasscodes(db, secondsAfter(clock.now(), -86_400))
    },
  }
}

export type Passcodes = ReturnType<typeof createPasscodes>
