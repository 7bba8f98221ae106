// Delayed changes: of a user who lost the old number. The change waits for hours that the pool names, while the old
// number and the email address are told, with a link that stops it.
//
// What must stay true: until it is due, the old number stays in force (rule 14), and a code that comes back from it
// meanwhile shows that it is not lost; whoever ends the session that asked, or sets a new password, puts an end to it,
// as does any other change of the phone; a change is applied once, whichever process finds it due; the new number is
// sealed while it waits.
import type { Audit } from '../audit/audit.ts'
import { type Clock, secondsAfter } from '../core/clock.ts'
import { type Keyring, UnknownMasterKey } from '../core/crypto.ts'
import { type Database, type Queryable, violatedUniqueIndex } from '../core/database.ts'
import type { KeptFactor, Notices, Reach } from '../notices/notices.ts'
import { type E164, isPhone } from '../phone-numbers/phone-numbers.ts'
import type { Sessions } from '../sessions/sessions.ts'
import type { AccessToken } from '../tokens/tokens.ts'
import type { UserRow, Users } from '../users/users.ts'
import type { Replace } from './replace.ts'
import {
  type ChangeRow,
  deleteChange,
  hasOwner,
  holdFreeUser,
  holdUser,
  selectDueChanges,
  takeDueChange,
  upsertChange,
} from './waiting-store.ts'

/** So many changes are applied at a time. */
const batch = 100

export type DelayedChange = {
  user: AccessToken
  /** The row of the user, whom the caller holds. */
  held: UserRow
  newPhone: E164
  applicationId: string
  ip: string
  language: string
  delayHours: number
  reach: Reach
}

type Deps = {
  db: Database
  keyring: Keyring
  users: Users
  sessions: Sessions
  notices: Notices
  replace: Replace
  audit: Audit
  clock: Clock
}

export const createDelayedChange = (deps: Deps) => {
  const { db, keyring, users, sessions, notices, replace, audit, clock } = deps
  const contextOf = (poolId: string, userId: string) => `phone change ${poolId} ${userId}`

  /** Undefined: its key is not configured in this process; a later one may have it. */
  const phoneOf = (row: ChangeRow): E164 | undefined => {
    try {
      const phone = keyring.unseal(row.sealed_phone, contextOf(row.pool_id, row.user_id))
      return isPhone(phone) ? phone : undefined
    } catch (error) {
      if (error instanceof UnknownMasterKey) return undefined
      throw error
    }
  }

  const recordStop = (
    { poolId, userId, reason }: { poolId: string; userId: string; reason: string },
    tx: Queryable,
  ) => audit.record(poolId, { type: 'phone.change_stopped', userId, detail: { reason } }, tx)

  /** @returns the factor of the old number, which went along to the new one */
  const applyTaken = async (
    row: ChangeRow,
    { from, to }: { from: E164; to: E164 },
    tx: Queryable,
  ): Promise<KeptFactor | undefined> => {
    const { pool_id: poolId, user_id: userId, application_id: applicationId, session_id: keptSessionId } = row
    const ip = row.ip ?? undefined
    const factor = await replace({ poolId, userId, from, to, reason: 'changed', applicationId, ip }, tx)
    await sessions.endOthers({ poolId, userId, keptSessionId, reason: 'phone_changed' }, tx)
    const detail = { ...audit.describePhone(to), before: audit.describePhone(from), delayed: true }
    await audit.record(poolId, { type: 'phone.changed', userId, applicationId, ip, detail }, tx)
    return factor
  }

  const apply = async (poolId: string, userId: string): Promise<void> => {
    const known = await users.get(poolId, userId)
    const reach = await notices.reach(poolId, [known?.phone])
    await db.transaction(async (tx) => {
      // The user first, as in every other change; of two processes, one passes on.
      const user = await holdFreeUser(tx, { poolId, userId })
      if (user === undefined || user.phone !== known?.phone) return
      const row = await takeDueChange(tx, { poolId, userId, now: clock.now() })
      if (row === undefined) return
      const stop = (reason: string) => recordStop({ poolId, userId, reason }, tx)
      const to = phoneOf(row)
      if (to === undefined) return stop('sealed_with_unknown_key')
      if (user.phone === null || user.status !== 'Activated') return stop('user_disabled')
      if (await hasOwner(tx, { poolId, phone: to })) return stop('phone_taken')
      const provedAt = user.phone_proved_at
      if (provedAt !== null && provedAt > row.requested_at) return stop('old_phone_proved')
      const asked = { poolId, sessionId: row.session_id }
      if (await sessions.wasEndedByAnother(asked, tx)) return stop('session_ended')

      const beforeFactor = await applyTaken(row, { from: user.phone, to }, tx)
      await notices.record(
        {
          poolId,
          applicationId: row.application_id,
          userId,
          kind: 'phone_changed',
          ip: row.ip ?? undefined,
          language: row.language,
          before: user.phone,
          beforeProvedAt: provedAt?.toISOString(),
          beforeFactor,
          after: to,
          requestedAt: row.requested_at.toISOString(),
        },
        [user.phone, user.email],
        reach,
        tx,
      )
    })
  }

  return {
    /** Writes the request down, in the caller's transaction. @returns when the change takes effect */
    request: async (given: DelayedChange, tx: Queryable): Promise<Date> => {
      const { user, held, newPhone, applicationId, ip, language, reach } = given
      const { poolId, userId, sessionId } = user
      const requestedAt = clock.now()
      const dueAt = secondsAfter(requestedAt, given.delayHours * 3600)
      await upsertChange(tx, {
        poolId,
        userId,
        sealedPhone: keyring.seal(newPhone, contextOf(poolId, userId)),
        applicationId,
        sessionId,
        ip,
        language,
        requestedAt,
        dueAt,
      })
      const detail = { ...audit.describePhone(newPhone), effectiveAt: dueAt.toISOString() }
      await audit.record(poolId, { type: 'phone.change_requested', userId, applicationId, ip, detail }, tx)
      const before = held.phone ?? undefined
      await notices.record(
        {
          poolId,
          applicationId,
          userId,
          kind: 'phone_change_requested',
          ip,
          language,
          before,
          beforeProvedAt: held.phone_proved_at?.toISOString(),
          after: newPhone,
        },
        [held.phone, held.email],
        reach,
        tx,
      )
      return dueAt
    },

    /** Applies what is due; called now and then by every process. */
    applyDue: async (): Promise<void> => {
      const due = await selectDueChanges(db, { now: clock.now(), limit: batch })
      for (const { pool_id: poolId, user_id: userId } of due) {
        await apply(poolId, userId).catch((error: unknown) => {
          // Somebody proved the number at this instant: next time it is found taken.
          if (violatedUniqueIndex(error) !== 'users_phone_key') throw error
        })
      }
    },

    /** The owner stops it, or sets a new password, in the caller's transaction. @returns whether there was one */
    stopChange: async (poolId: string, userId: string, tx: Queryable): Promise<boolean> => {
      // The user before the change, in the order of everybody else, so that two calls never wait for each other.
      await holdUser(tx, { poolId, userId })
      const stopped = (await deleteChange(tx, { poolId, userId })) !== undefined
      if (stopped) await recordStop({ poolId, userId, reason: 'stopped_by_owner' }, tx)
      return stopped
    },
  }
}

export type DelayedChanges = ReturnType<typeof createDelayedChange>
