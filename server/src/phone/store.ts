import { named, type Queryable, type Sql, sql } from '../core/database.ts'
import { type Proof, passcodeVerdict, type VerdictRow } from '../passcodes/passcodes.ts'
import type { E164 } from '../phone-numbers/phone-numbers.ts'
import { liveSession, type TokenSubject } from '../sessions/sessions.ts'

export type BindRow = VerdictRow & {
  /** Null: the session has ended. */
  status: string | null
  has_phone: boolean
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
    /** Writes the audit event for each row of the named CTE. */
    recordFrom: (source: Sql) => Sql
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
             updated_at = ${named({ now })}
        from verdict
       where users.pool_id = ${named({ poolId })}
         and users.id = ${named({ userId: token.userId })}
         and users.phone is null
         and verdict.outcome = 'accepted'
         and not exists (select from owner)
      returning users.id
    ),
    history as (
      insert into phone_bindings (pool_id, id, user_id, phone, application_id, ip, bound_at)
      select ${named({ poolId })}::uuid, ${given.bindingId}::uuid, id, ${named({ phone })}, ${named({ applicationId: given.applicationId })}, ${given.ip},
             ${named({ now })}::timestamptz
        from bound
    ),
    event as (
      ${given.recordFrom(sql`bound`)}
    )
    select verdict.outcome, verdict.retry_at, live.status, live.phone is not null as has_phone,
           exists (select from owner) as taken,
           exists (select from bound) as bound
      from verdict
      left join live
        on true`)
  if (row === undefined) throw new Error('the verdict gave no row')
  return row
}
