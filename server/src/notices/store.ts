import { join, named, type Queryable, type Sql, sql } from '../core/database.ts'

export type NoticeRow = {
  pool_id: string
  id: string
  user_id: string
  application_id: string
  kind: string
  sealed_detail: string
  key_id: string
  created_at: Date
  expires_at: Date
  used_at: Date | null
  voided_at: Date | null
}

const columns = sql`
  pool_id, id, user_id, application_id, kind, sealed_detail, key_id, created_at, expires_at, used_at, voided_at`

/**
 * CTEs that write a notice and its messages if and only if `addressees`, the body of a CTE, has a row (id, channel,
 * recipient, region, carrier). A queued message is due at once: any process delivers it.
 */
export const insertNoticeFrom = (
  addressees: Sql,
  notice: {
    poolId: string
    id: string
    userId: string
    applicationId: string
    kind: string
    sealedDetail: string
    keyId: string
    tokenHash: Buffer | undefined
    language: string
    ip: string | undefined
    createdAt: Date
    expiresAt: Date
    messageExpiresAt: Date
    inboxProvider: string
  },
): Sql => sql`
  addressee as (
    ${addressees}
  ),
  notice as (
    insert into notices (
      pool_id, id, user_id, application_id, kind, sealed_detail, key_id, token_hash, created_at, expires_at
    )
    select ${named({ poolId: notice.poolId })}::uuid, ${named({ noticeId: notice.id })}::uuid, ${named({ userId: notice.userId })}::uuid,
           ${named({ applicationId: notice.applicationId })}, ${named({ noticeKind: notice.kind })}, ${notice.sealedDetail}, ${notice.keyId},
           ${notice.tokenHash ?? null}::bytea, ${named({ noticedAt: notice.createdAt })}::timestamptz, ${notice.expiresAt}::timestamptz
     where exists (select from addressee)
  ),
  notice_message as (
    insert into messages (
      pool_id, id, application_id, channel, recipient, region, purpose, notice_id, provider, state, leased_until,
      language, ip, created_at, expires_at
    )
    select ${named({ poolId: notice.poolId })}::uuid, id, ${named({ applicationId: notice.applicationId })}, channel, recipient, region,
           ${named({ noticeKind: notice.kind })}, ${named({ noticeId: notice.id })}::uuid,
           case when carrier = 'inbox' then ${notice.inboxProvider} end,
           case when carrier = 'inbox' then 'accepted' else 'queued' end,
           case when carrier = 'inbox' then null else ${named({ noticedAt: notice.createdAt })}::timestamptz end,
           ${notice.language}, ${notice.ip ?? null}, ${named({ noticedAt: notice.createdAt })}::timestamptz,
           ${notice.messageExpiresAt}::timestamptz
      from addressee
  )`

export type Addressee = {
  messageId: string
  channel: 'sms' | 'email'
  recipient: string
  region: string | null
  carrier: 'inbox' | 'queue'
}

/** The body of a CTE with these recipients, none of which may be missing. */
export const listAddressees = (addressees: readonly Addressee[]): Sql => sql`
  select id, channel, recipient, region, carrier
    from (values ${join(
      addressees.map(
        ({ messageId, channel, recipient, region, carrier }) => sql`
          (${messageId}::uuid, ${channel}::text, ${recipient}::text, ${region}::text, ${carrier}::text)`,
      ),
    )}) as addressees (id, channel, recipient, region, carrier)`

/** The same for the address in the column `email` of another CTE, if it has one. */
export const addresseeFrom = (
  source: Sql,
  given: { messageId: string; carrier: 'inbox' | 'queue' | undefined },
): Sql => sql`
  select ${given.messageId}::uuid as id, 'email' as channel, email as recipient, null::text as region,
         ${given.carrier ?? null}::text as carrier
    from ${source}
   where email is not null
     and ${given.carrier !== undefined}::boolean`

export const insertNotice = (db: Queryable, insertion: Sql) =>
  db.query(sql`
    with ${insertion}
    select 1`)

export const selectNotice = async (
  db: Queryable,
  poolId: string,
  id: string,
): Promise<NoticeRow | undefined> => {
  const [row] = await db.query<NoticeRow>(sql`
    select ${columns}
      from notices
     where pool_id = ${poolId}
       and id = ${id}`)
  return row
}

export const selectNoticeByToken = async (
  db: Queryable,
  tokenHash: Buffer,
): Promise<NoticeRow | undefined> => {
  const [row] = await db.query<NoticeRow>(sql`
    select ${columns}
      from notices
     where token_hash = ${tokenHash}`)
  return row
}

export const consumeNotice = async (
  tx: Queryable,
  given: { tokenHash: Buffer; now: Date },
): Promise<NoticeRow | undefined> => {
  const [row] = await tx.query<NoticeRow>(sql`
    update notices
       set used_at = ${given.now}
     where token_hash = ${given.tokenHash}
       and used_at is null
       and voided_at is null
       and expires_at > ${given.now}
    returning ${columns}`)
  return row
}

export const voidLaterNotices = (
  tx: Queryable,
  given: { poolId: string; userId: string; after: string; kinds: readonly string[]; now: Date },
) =>
  tx.query(sql`
    update notices
       set voided_at = ${given.now}
     where pool_id = ${given.poolId}
       and user_id = ${given.userId}
       and id > ${given.after}
       and kind in (${join(given.kinds)})
       and used_at is null
       and voided_at is null`)

export const deleteOldNotices = (db: Queryable, before: Date) =>
  db.query(sql`
    delete from notices
     where expires_at < ${before}`)
