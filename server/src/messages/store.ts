import { empty, named, type Queryable, type Sql, sql } from '../core/database.ts'

export type MessageRow = {
  id: string
  pool_id: string
  application_id: string
  application_name: string
  web_otp_host: string | null
  android_sms_hash: string | null
  channel: 'sms' | 'email'
  recipient: string
  region: string | null
  purpose: string
  /** Null, as its key: the message tells of a notice. */
  passcode_id: string | null
  key_id: string | null
  notice_id: string | null
  language: string
  created_at: Date
  expires_at: Date
}

export type NewMessage = {
  poolId: string
  id: string
  applicationId: string
  channel: 'sms' | 'email'
  recipient: string
  region: string | undefined
  purpose: string
  /** Who has it already: the inbox; undefined while it waits for a provider. */
  provider: string | undefined
  /** How long this process alone may deliver it; undefined where there is nothing to deliver. */
  leasedUntil: Date | undefined
  /** When it is counted as sent, for the rates of conversion; undefined: never. */
  countAt: Date | undefined
  language: string
  requestedBy: string | undefined
  ip: string
  createdAt: Date
}

/** An `insert … select` for the statement that issues a passcode: `source` gives id, key_id and expires_at of it. */
export const insertMessageFrom = (source: Sql, message: NewMessage, guardNote: Sql): Sql => sql`
  insert into messages (
    pool_id, id, application_id, channel, recipient, region, purpose, passcode_id, key_id, provider, state,
    leased_until, count_at, language, requested_by, ip, guard_note, created_at, expires_at
  )
  select ${named({ poolId: message.poolId })}::uuid, ${message.id}::uuid, ${named({ applicationId: message.applicationId })}, ${message.channel}, ${named({ recipient: message.recipient })},
         ${message.region ?? null}, ${named({ purpose: message.purpose })}, id, key_id, ${message.provider ?? null},
         ${message.provider === undefined ? 'queued' : 'accepted'}, ${message.leasedUntil ?? null}::timestamptz,
         ${message.countAt ?? null}::timestamptz, ${message.language}, ${message.requestedBy ?? null}::uuid, ${message.ip}, ${guardNote},
         ${named({ now: message.createdAt })}::timestamptz, expires_at
    from ${source}`

const columns = sql`
  messages.id, messages.pool_id, messages.application_id, applications.name as application_name,
  applications.web_otp_host, applications.android_sms_hash, messages.channel, messages.recipient, messages.region,
  messages.purpose, messages.passcode_id, messages.key_id, messages.notice_id, messages.language, messages.created_at,
  messages.expires_at`

const withApplication = sql`
  join applications
    on applications.pool_id = messages.pool_id
   and applications.id = messages.application_id`

export const selectMessages = (
  db: Queryable,
  filter: { recipient: string | undefined; provider: string; limit: number },
) =>
  db.query<MessageRow>(sql`
    select ${columns}
      from messages
      ${withApplication}
     where messages.provider = ${filter.provider}
       ${filter.recipient === undefined ? empty : sql`and messages.recipient = ${filter.recipient}`}
     order by messages.id desc
     limit ${filter.limit}`)

export const selectMessage = async (
  db: Queryable,
  poolId: string,
  id: string,
): Promise<MessageRow | undefined> => {
  const [row] = await db.query<MessageRow>(sql`
    select ${columns}
      from messages
      ${withApplication}
     where messages.pool_id = ${poolId}
       and messages.id = ${id}`)
  return row
}

/** Takes over messages whose process is gone; of several processes, each gets others. */
export const leaseDueMessages = (db: Queryable, given: { now: Date; until: Date; limit: number }) =>
  db.query<MessageRow>(sql`
    with due as (
      select pool_id, id
        from messages
       where state = 'queued'
         and leased_until <= ${named({ now: given.now })}
       order by leased_until
       limit ${given.limit}
         for update skip locked
    ),
    messages as (
      update messages
         set leased_until = ${given.until}
        from due
       where messages.pool_id = due.pool_id
         and messages.id = due.id
      returning messages.*
    )
    select ${columns}
      from messages
      ${withApplication}`)

export const postponeMessage = (db: Queryable, given: { poolId: string; id: string; until: Date }) =>
  db.query(sql`
    update messages
       set leased_until = ${given.until}
     where pool_id = ${given.poolId}
       and id = ${given.id}
       and state = 'queued'`)

/** No provider took it. */
export const failMessage = (db: Queryable, poolId: string, id: string) =>
  db.query(sql`
    update messages
       set state = 'failed', leased_until = null
     where pool_id = ${poolId}
       and id = ${id}
       and state = 'queued'`)

/** Marks every message that carried a consumed passcode, which `source` names by `id`, and gives them. */
export const verifiedMessages = (
  source: Sql,
  given: { poolId: string; recipient: string; now: Date },
): Sql => sql`
  update messages
     set verified_at = ${named({ now: given.now })}
    from ${source} as consumed
   where messages.pool_id = ${named({ poolId: given.poolId })}
     and messages.recipient = ${named({ recipient: given.recipient })}
     and messages.passcode_id = consumed.id
  returning messages.id, messages.provider, messages.region, messages.state`

export type CountedMessage = {
  pool_id: string
  recipient: string
  region: string | null
  provider: string | null
}

/** Messages whose codes have had time to come back, each once; those that no provider took do not count. */
export const takeMatureMessages = (tx: Queryable, now: Date, limit: number) =>
  tx.query<CountedMessage>(sql`
    with mature as (
      select pool_id, id
        from messages
       where count_at <= ${now}
       order by count_at
       limit ${limit}
         for update skip locked
    ),
    taken as (
      update messages
         set count_at = null
        from mature
       where messages.pool_id = mature.pool_id
         and messages.id = mature.id
      returning messages.pool_id, recipient, region, provider, state
    )
    select pool_id, recipient, region, provider
      from taken
     where state in ('accepted', 'delivered', 'failed')
       and provider is not null`)

export type MessageSummary = {
  id: string
  application_id: string
  channel: string
  recipient: string
  region: string | null
  purpose: string
  state: string
  provider: string | null
  guard_note: string | null
  created_at: Date
  verified_at: Date | null
}

const summary = sql`
  id, application_id, channel, recipient, region, purpose, state, provider, guard_note, created_at, verified_at`

/** Newest first; `before` is the id to go on after. */
export const selectSummaries = (
  db: Queryable,
  filter: { poolId: string; recipient: string | undefined; before: string | undefined; limit: number },
) =>
  db.query<MessageSummary>(sql`
    select ${summary}
      from messages
     where pool_id = ${filter.poolId}
       ${filter.recipient === undefined ? empty : sql`and recipient = ${filter.recipient}`}
       ${filter.before === undefined ? empty : sql`and id < ${filter.before}::uuid`}
     order by id desc
     limit ${filter.limit}`)

export const selectSummary = async (
  db: Queryable,
  poolId: string,
  id: string,
): Promise<MessageSummary | undefined> => {
  const [row] = await db.query<MessageSummary>(sql`
    select ${summary}
      from messages
     where pool_id = ${poolId}
       and id = ${id}::uuid`)
  return row
}

export const deleteOldMessages = (db: Queryable, before: Date) =>
  db.query(sql`
    with gone as (
      delete from messages
       where created_at < ${before}
      returning pool_id, id
    )
    delete from message_attempts
     using gone
     where message_attempts.pool_id = gone.pool_id
       and message_attempts.message_id = gone.id`)

export const deleteOldReceipts = (db: Queryable, before: Date) =>
  db.query(sql`
    delete from message_receipts
     where received_at < ${before}`)
