import { empty, named, type Queryable, type Sql, sql } from '../core/database.ts'
import type { Page } from '../core/paging.ts'

type OwnedBy = { poolId: string; userId: string }

export type DeviceRow = {
  id: string
  created_at: Date
  ip: string | null
  user_agent: string | null
  live: boolean
}

/** The user's sessions that were not taken off the list, the newest first. */
export const selectDevices = (db: Queryable, { poolId, userId }: OwnedBy, given: { page: Page; now: Date }) =>
  db.query<DeviceRow>(sql`
    select id, created_at, ip, user_agent, ended_at is null and expires_at > ${given.now} as live
      from sessions
     where pool_id = ${poolId}
       and user_id = ${userId}
       and device_removed_at is null
     order by id desc
     limit ${given.page.limit}
    offset ${given.page.offset}`)

/**
 * Ends a session of the user, and takes it off the list where `removed`. No row: not on the user's list. Two at once:
 * one of them finds it live.
 */
export const endDevice = async (
  db: Queryable,
  { poolId, userId }: OwnedBy,
  given: { sessionId: string; removed: boolean; reason: string; now: Date; recordFrom(source: Sql): Sql },
): Promise<boolean> => {
  const rows = await db.query(sql`
    with device as (
      select id, ended_at is null and expires_at > ${named({ now: given.now })} as live
        from sessions
       where pool_id = ${named({ poolId })}
         and id = ${named({ sessionId: given.sessionId })}
         and user_id = ${named({ userId })}
         and device_removed_at is null
         for update
    ),
    changed as (
      update sessions
         set ended_at = coalesce(ended_at, ${named({ now: given.now })}),
             end_reason = coalesce(end_reason, ${given.reason}),
             device_removed_at = case when ${given.removed}::boolean then ${named({ now: given.now })}::timestamptz end
        from device
       where sessions.pool_id = ${named({ poolId })}
         and sessions.id = device.id
    ),
    ended as (
      select id
        from device
       where live
    ),
    event as (
      ${given.recordFrom(sql`ended`)}
    )
    select id
      from device`)
  return rows.length > 0
}

export type ApplicationRow = { id: string; name: string; active: boolean }

/** The applications of the pool, oldest first, and whether the user has a live session in each. */
export const selectApplicationsOf = (db: Queryable, { poolId, userId }: OwnedBy, now: Date) =>
  db.query<ApplicationRow>(sql`
    select applications.id, applications.name,
           exists (
             select
               from sessions
              where sessions.pool_id = ${named({ poolId })}
                and sessions.user_id = ${named({ userId })}
                and sessions.application_id = applications.id
                and sessions.ended_at is null
                and sessions.expires_at > ${named({ now })}
           ) as active
      from applications
     where applications.pool_id = ${named({ poolId })}
     order by applications.created_at, applications.id`)

export type SignInFilter = {
  applicationId?: string | undefined
  ip?: string | undefined
  succeeded?: boolean | undefined
  from?: Date | undefined
  until?: Date | undefined
}

export type SignInRow = {
  application_id: string
  application_name: string | null
  tried_at: Date
  ip: string | null
  succeeded: boolean
  reason: string | null
  user_agent: string | null
  method: string
}

const matching = ({ poolId, userId }: OwnedBy, filter: SignInFilter): Sql => sql`
      from sign_ins
      left join applications
        on applications.pool_id = sign_ins.pool_id
       and applications.id = sign_ins.application_id
     where sign_ins.pool_id = ${poolId}
       and sign_ins.user_id = ${userId}
       ${filter.applicationId === undefined ? empty : sql`and sign_ins.application_id = ${filter.applicationId}`}
       ${filter.ip === undefined ? empty : sql`and sign_ins.ip = ${filter.ip}`}
       ${filter.succeeded === undefined ? empty : sql`and sign_ins.succeeded = ${filter.succeeded}`}
       ${filter.from === undefined ? empty : sql`and sign_ins.tried_at >= ${filter.from}`}
       ${filter.until === undefined ? empty : sql`and sign_ins.tried_at <= ${filter.until}`}`

export const countSignIns = async (db: Queryable, owner: OwnedBy, filter: SignInFilter): Promise<number> => {
  const [row] = await db.query<{ count: number }>(sql`
    select count(*)::integer as count
    ${matching(owner, filter)}`)
  return row?.count ?? 0
}

/** The newest first. */
export const selectSignIns = (db: Queryable, owner: OwnedBy, given: { filter: SignInFilter; page: Page }) =>
  db.query<SignInRow>(sql`
    select sign_ins.application_id, applications.name as application_name, sign_ins.tried_at, sign_ins.ip,
           sign_ins.succeeded, sign_ins.reason, sign_ins.user_agent, sign_ins.method
    ${matching(owner, given.filter)}
     order by sign_ins.id desc
     limit ${given.page.limit}
    offset ${given.page.offset}`)
