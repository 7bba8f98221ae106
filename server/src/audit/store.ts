import { named, type Queryable, type Sql, sql } from '../core/database.ts'

export type AuditRow = {
  id: string
  type: string
  userId: string | undefined
  applicationId: string | undefined
  ip: string | undefined
  detail: Record<string, unknown>
  occurredAt: Date
}

/** An `insert … select` for a statement of another feature: the event is written if and only if `source` has a row. */
export const insertEventFrom = (source: Sql, poolId: string, event: AuditRow): Sql => sql`
  insert into audit_events (pool_id, id, type, user_id, application_id, ip, detail, occurred_at)
  select ${named({ poolId })}::uuid, ${event.id}::uuid, ${event.type}, ${event.userId ?? null}::uuid,
         ${event.applicationId ?? null}, ${event.ip ?? null}, ${JSON.stringify(event.detail)}::jsonb,
         ${event.occurredAt}::timestamptz
    from ${source}`

export const insertEvent = (db: Queryable, poolId: string, event: AuditRow) =>
  db.query(insertEventFrom(sql`(values (1)) as always`, poolId, event))

export type StoredEvent = {
  type: string
  user_id: string | null
  application_id: string | null
  ip: string | null
  detail: Record<string, unknown>
  occurred_at: Date
}

export const selectEvents = (db: Queryable, poolId: string, userId: string) =>
  db.query<StoredEvent>(sql`
    select type, user_id, application_id, ip, detail, occurred_at
      from audit_events
     where pool_id = ${named({ poolId })}
       and user_id = ${userId}
     order by id`)
