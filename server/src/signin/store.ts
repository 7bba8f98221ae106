import { type Queryable, sql } from '../core/database.ts'

export type NewSignIn = {
  poolId: string
  id: string
  userId: string | undefined
  applicationId: string
  sessionId: string | undefined
  method: string
  /** The name of the refusal; undefined where the sign-in succeeded. */
  reason: string | undefined
  ip: string
  userAgent: string | undefined
  triedAt: Date
}

export const insertSignIn = (db: Queryable, row: NewSignIn) =>
  db.query(sql`
    insert into sign_ins (
      pool_id, id, user_id, application_id, session_id, method, succeeded, reason, ip, user_agent, tried_at
    ) values (
      ${row.poolId}, ${row.id}, ${row.userId ?? null}, ${row.applicationId}, ${row.sessionId ?? null}, ${row.method},
      ${row.reason === undefined}, ${row.reason ?? null}, ${row.ip}, ${row.userAgent ?? null}, ${row.triedAt}
    )`)

export const deleteOldSignIns = (db: Queryable, before: Date) =>
  db.query(sql`
    delete from sign_ins
     where tried_at < ${before}`)
