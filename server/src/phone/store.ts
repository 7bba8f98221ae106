import { named, type Queryable, type Sql, sql } from '../core/database.ts'
import { type Proof, passcodeVerdict, type VerdictRow } from '../passcodes/passcodes.ts'
import type { E164 } from '../phone-numbers/phone-numbers.ts'
import { endSessionsFrom, liveSession, type TokenSubject } from '../sessions/sessions.ts'

export type BindRow = VerdictRow & {
  /** Null: the session has ended. */
  status: string | null
  has_phone: boolean
  /** The user's phone is the given number already. */
  is_same: boolean
  taken: boolean
  bound: boolean
}

/**
 * One round trip, all or nothing: the session lives, the attempt is counted, the code consumed, the number bound,
 * history and audit event written. Two users who prove one number at the same instant: the unique index
 * users_phone_key lets one through and fails the other's statement as a whole.
 */
export const bindPhone = async (
  db: Queryable,
  given: {
    token: TokenSubject
    phone: E164
    proof: Proof
    bindingId: string
    applicationId: string
    ip: string
    /** The number as the history keeps it (rule 12). */
    history: { phone: string; phoneFingerprint: string }
    /** Writes the audit event for each row of the named CTE. */
    recordFrom: (source: Sql) => Sql
    /** Writes the notice to the email address that the named CTE has in its column `email`. */
    tellFrom: (source: Sql) => Sql
  },
): Promise<BindRow> => {
  const { token, phone, proof } = given
  const { poolId } = token
  const { now } = proof
  const [row] = await db.query<BindRow>(sql`
    with live as (
      ${liveSession(token, now)}
    ),
    eligible as (
      select user_id
        from live
       where status = 'Activated'
         and phone is null
    ),
    ${passcodeVerdict(proof, sql`eligible`)},
    owner as (
      select users.id
        from users
       where users.pool_id = ${named({ poolId })}
         and users.phone = ${named({ phone })}
    ),
    bound as (
      update users
         set phone = ${named({ phone })},
             phone_bound_at = ${named({ now })},
             phone_proved_at = ${named({ now })},
             updated_at = ${named({ now })}
        from verdict
       where users.pool_id = ${named({ poolId })}
         and users.id = ${named({ userId: token.userId })}
         and users.phone is null
         and verdict.outcome = 'accepted'
         and not exists (select from owner)
      returning users.id, users.email
    ),
    history as (
      insert into phone_bindings (
        pool_id, id, user_id, phone_masked, phone_fingerprint, application_id, ip, bound_at
      )
      select ${named({ poolId })}::uuid, ${given.bindingId}::uuid, id, ${given.history.phone},
             ${given.history.phoneFingerprint}, ${named({ applicationId: given.applicationId })}, ${given.ip}, ${named({ now })}::timestamptz
        from bound
    ),
    other_session as (
      ${endSessionsFrom(sql`bound`, { poolId, userId: token.userId, keptSessionId: token.sessionId, reason: 'phone_bound', now })}
    ),
    ${given.tellFrom(sql`bound`)},
    event as (
      ${given.recordFrom(sql`bound`)}
    )
    select verdict.outcome, verdict.retry_at, live.status, live.phone is not null as has_phone,
           coalesce(live.phone = ${named({ phone })}, false) as is_same,
           exists (select from owner) as taken,
           exists (select from bound) as bound
      from verdict
      left join live
        on true`)
  if (row === undefined) throw new Error('the verdict gave no row')
  return row
}

export type ReplacedRow = {
  /** False: the user has not the number `from`. */
  replaced: boolean
  /** Of the SMS factor that used it, if there was one. */
  enrolled_at: Date | null
  enrolled_with_proof: boolean | null
}

/**
 * Gives a user another number or none, with all that hangs on it: history, the SMS factor, a change that waits. The
 * unique index users_phone_key decides whose the new number is.
 */
export const replacePhone = async (
  tx: Queryable,
  given: {
    poolId: string
    userId: string
    from: E164 | null
    to: E164 | null
    reason: string
    applicationId: string
    ip: string | undefined
    bindingId: string
    history: { phone: string | null; phoneFingerprint: string | null }
    provedAt: Date | null
    now: Date
  },
): Promise<ReplacedRow> => {
  const { poolId, userId, from, to, now } = given
  const ofUser = sql`
         pool_id = ${named({ poolId })}
     and user_id = ${named({ userId })}
     and exists (select from replaced)`
  const [row] = await tx.query<ReplacedRow>(sql`
    with replaced as (
      update users
         set phone = ${named({ to })}::text,
             phone_bound_at = case when ${named({ to })}::text is null then null else ${named({ now })}::timestamptz end,
             phone_proved_at = ${given.provedAt}::timestamptz,
             updated_at = ${named({ now })}
       where pool_id = ${named({ poolId })}
         and id = ${named({ userId })}
         and phone is not distinct from ${named({ from })}::text
      returning id
    ),
    closed as (
      update phone_bindings
         set unbound_at = ${named({ now })},
             end_reason = ${given.reason}
       where ${ofUser}
         and unbound_at is null
    ),
    opened as (
      insert into phone_bindings (
        pool_id, id, user_id, phone_masked, phone_fingerprint, application_id, ip, bound_at
      )
      select ${named({ poolId })}::uuid, ${given.bindingId}::uuid, id, ${given.history.phone}::text,
             ${given.history.phoneFingerprint}::text, ${given.applicationId}, ${given.ip ?? null}::text,
             ${named({ now })}::timestamptz
        from replaced
       where ${named({ to })}::text is not null
    ),
    moved_factor as (
      update factors
         set recipient = ${named({ to })}::text
       where ${ofUser}
         and type = 'SMS'
         and recipient = ${named({ from })}::text
         and ${named({ to })}::text is not null
      returning enrolled_at, enrolled_with_proof
    ),
    removed_factor as (
      delete from factors
       where ${ofUser}
         and type = 'SMS'
         and recipient = ${named({ from })}::text
         and ${named({ to })}::text is null
      returning enrolled_at, enrolled_with_proof
    ),
    factor as (
      select enrolled_at, enrolled_with_proof
        from moved_factor
       union all
      select enrolled_at, enrolled_with_proof
        from removed_factor
    ),
    stopped_change as (
      delete from phone_changes
       where ${ofUser}
    )
    select exists (select from replaced) as replaced,
           (select enrolled_at from factor) as enrolled_at,
           (select enrolled_with_proof from factor) as enrolled_with_proof`)
  if (row === undefined) throw new Error('a select without a table gave no row')
  return row
}

/** A code sent to the user's own number has come back. */
export const provePhone = (tx: Queryable, given: { poolId: string; userId: string; now: Date }) =>
  tx.query(sql`
    update users
       set phone_proved_at = ${given.now}
     where pool_id = ${given.poolId}
       and id = ${given.userId}`)

export type BindingRow = {
  /** In clear: from before numbers were masked here. */
  phone: E164 | null
  phone_masked: string | null
  phone_fingerprint: string | null
  application_id: string
  ip: string | null
  bound_at: Date
  unbound_at: Date | null
  end_reason: string | null
}

export const selectBindings = (db: Queryable, poolId: string, userId: string) =>
  db.query<BindingRow>(sql`
    select phone, phone_masked, phone_fingerprint, application_id, ip, bound_at, unbound_at, end_reason
      from phone_bindings
     where pool_id = ${poolId}
       and user_id = ${userId}
     order by bound_at, id`)
