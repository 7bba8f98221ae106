import { empty, named, type Queryable, type Sql, sql } from '../core/database.ts'

export type MessageRow = {
  id: string
  application_id: string
  application_name: string
  channel: 'sms' | 'email'
  recipient: string
  purpose: string
  passcode_id: string
  key_id: string
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
  purpose: string
  provider: string
  language: string
  requestedBy: string | undefined
  ip: string
  createdAt: Date
}

/** An `insert … select` for the statement that issues a passcode: `source` gives id, key_id and expires_at of it. */
export const insertMessageFrom = (source: Sql, message: NewMessage): Sql => sql`
  insert into messages (
    pool_id, id, application_id, channel, recipient, purpose, passcode_id, key_id, provider, language,
    requested_by, ip, created_at, expires_at
  )
  select ${named({ poolId: message.poolId })}::uuid, ${message.id}::uuid, ${named({ applicationId: message.applicationId })}, ${message.channel}, ${named({ recipient: message.recipient })},
         ${named({ purpose: message.purpose })}, id, key_id, ${message.provider}, ${message.language},
         ${message.requestedBy ?? null}::uuid, ${message.ip}, ${named({ now: message.createdAt })}::timestamptz, expires_at
    from ${source}`

export const selectMessages = (
  db: Queryable,
  filter: { recipient: string | undefined; provider: string; limit: number },
) =>
  db.query<MessageRow>(sql`
    select messages.id, messages.application_id, applications.name as application_name, messages.channel,
           messages.recipient, messages.purpose, messages.passcode_id, messages.key_id, messages.language,
           messages.created_at, messages.expires_at
      from messages
      join applications
        on applications.pool_id = messages.pool_id
       and applications.id = messages.application_id
     where messages.provider = ${filter.provider}
       ${filter.recipient === undefined ? empty : sql`and messages.recipient = ${filter.recipient}`}
     order by messages.id desc
     limit ${filter.limit}`)

export const deleteOldMessages = (db: Queryable, before: Date) =>
  db.query(sql`
    delete from messages
     where created_at < ${before}`)
