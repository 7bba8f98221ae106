// What a pool asks of changes to accounts: which proofs, how long to wait, how strong a password. One document with a
// default for every field.
//
// What must stay true: a change made by another process is seen here within `cacheSeconds`.
import { type Static, Type } from 'typebox'
import type { Clock } from '../core/clock.ts'
import type { Database, Queryable } from '../core/database.ts'
import { fieldsInvalid } from '../core/faults.ts'
import { schemaFaults } from '../core/schema.ts'
import { selectPolicy, upsertPolicy } from './store.ts'

export const passwordLevels = ['none', 'low', 'medium', 'high'] as const

export const AccountPolicy = Type.Object(
  {
    verifyOldPhone: Type.Boolean({
      description:
        'Changing a phone needs the code of the old number, another factor proved in the last five minutes, or patience. GenAuth: changePhoneStrategy.verifyOldPhone.',
      examples: [true],
    }),
    verifyOldEmail: Type.Boolean({
      description:
        'Changing an email address needs the code of the old one. GenAuth: changeEmailStrategy.verifyOldEmail.',
      examples: [true],
    }),
    // At most the seven days that the link lives by which the owner stops it; so is the next one.
    phoneChangeDelayHours: Type.Integer({
      minimum: 1,
      maximum: 168,
      description:
        'How long the change waits of a user who lost the old number; the owner can stop it meanwhile.',
      examples: [72],
    }),
    phoneProofDays: Type.Integer({
      minimum: 0,
      maximum: 3650,
      description:
        'A number whose codes did not come back for so long must be proved again before it counts as a factor; 0: it counts for ever.',
      examples: [180],
    }),
    phoneClaimHours: Type.Integer({
      minimum: 1,
      maximum: 168,
      description:
        'How long somebody waits who proved a number that a dormant account has; ten times as long where its owner cannot be told.',
      examples: [72],
    }),
    passwordLevel: Type.Enum(passwordLevels, {
      description:
        'How strong a new password must be: `none` and `low` 8 characters; `medium` 10 characters, or three kinds of them; `high` 12 characters of three kinds, or 16.',
      examples: ['low'],
    }),
    refuseCommonPasswords: Type.Boolean({
      description: 'Refuses passwords of the bundled list of common and breached ones.',
      examples: [true],
    }),
  },
  { additionalProperties: false },
)
export type AccountPolicy = Static<typeof AccountPolicy>

export const defaultAccountPolicy: AccountPolicy = {
  verifyOldPhone: true,
  verifyOldEmail: true,
  phoneChangeDelayHours: 72,
  phoneProofDays: 180,
  phoneClaimHours: 72,
  passwordLevel: 'low',
  refuseCommonPasswords: true,
}

/** A whole policy. @throws ApiError request_invalid naming every field that is missing, wrong or unknown */
export const requireAccountPolicy = (given: unknown): AccountPolicy => {
  const faults = schemaFaults(AccountPolicy, given)
  if (faults.length > 0) {
    throw fieldsInvalid(faults.map(({ field, message }) => ({ field: field || 'body', message })))
  }
  return given as AccountPolicy
}

const cacheSeconds = 5

export const createAccountPolicy = ({ db, clock }: { db: Database; clock: Clock }) => {
  const cache = new Map<string, { policy: AccountPolicy; until: number }>()

  const stored = async (poolId: string, tx: Queryable = db): Promise<AccountPolicy> => ({
    ...defaultAccountPolicy,
    ...(await selectPolicy(tx, poolId)),
  })

  return {
    stored,

    /** From a cache that is at most `cacheSeconds` old. Not inside a transaction: it may read the database. */
    of: async (poolId: string): Promise<AccountPolicy> => {
      const now = clock.now().getTime()
      const cached = cache.get(poolId)
      if (cached !== undefined && cached.until > now) return cached.policy
      const policy = await stored(poolId)
      cache.set(poolId, { policy, until: now + cacheSeconds * 1000 })
      return policy
    },

    /** Changes the fields that are given. */
    change: async (poolId: string, given: Partial<AccountPolicy>, tx: Queryable = db): Promise<void> => {
      const policy = { ...(await stored(poolId, tx)), ...given }
      await upsertPolicy(tx, { poolId, policy, now: clock.now() })
      cache.delete(poolId)
    },

    /** After a transaction that changed the policy: what is kept in memory is read anew. */
    forget: (poolId: string): void => {
      cache.delete(poolId)
    },
  }
}

export type AccountPolicies = ReturnType<typeof createAccountPolicy>
