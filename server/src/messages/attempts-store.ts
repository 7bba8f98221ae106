import { named, type Queryable, type Sql, sql } from '../core/database.ts'

export type AttemptRow = {
  message_id: string
  position: number
  id: string
  provider: string
  channel: 'sms' | 'voice' | 'whatsapp' | 'email'
  state: 'started' | 'unknown' | 'refused' | 'accepted' | 'sent' | 'delivered' | 'failed'
  reason: string | null
  code: string | null
  provider_message_id: string | null
  segments: number | null
  price_micros: string | number | null
  currency: string | null
  started_at: Date
  answered_at: Date | null
  finished_at: Date | null
}

const columns = sql`
  message_attempts.message_id, message_attempts.position, message_attempts.id, message_attempts.provider,
  message_attempts.channel, message_attempts.state, message_attempts.reason, message_attempts.code,
  message_attempts.provider_message_id, message_attempts.segments, message_attempts.price_micros,
  message_attempts.currency, message_attempts.started_at, message_attempts.answered_at, message_attempts.finished_at`

export const selectAttempts = (db: Queryable, poolId: string, messageId: string) =>
  db.query<AttemptRow>(sql`
    select ${columns}
      from message_attempts
     where pool_id = ${poolId}
       and message_id = ${messageId}::uuid
     order by position`)

/** The attempts of every message that carried this passcode or notice to this recipient, oldest first. */
export const selectAttemptsOfContent = (
  db: Queryable,
  given: { poolId: string; recipient: string; passcodeId: string | null; noticeId: string | null },
) =>
  db.query<AttemptRow>(sql`
    select ${columns}
      from messages
      join message_attempts
        on message_attempts.pool_id = messages.pool_id
       and message_attempts.message_id = messages.id
     where messages.pool_id = ${given.poolId}
       and messages.recipient = ${given.recipient}
       and (messages.passcode_id = ${given.passcodeId} or messages.notice_id = ${given.noticeId})
     order by message_attempts.message_id, message_attempts.position`)

export type NewAttempt = {
  poolId: string
  messageId: string
  position: number
  id: string
  provider: string
  channel: 'sms' | 'voice' | 'whatsapp' | 'email'
  segments: number
  priceMicros: number
  currency: string
  startedAt: Date
  leasedUntil: Date
}

/**
 * Writes the attempt before the provider is called, and keeps the lease. False: another process has the message, or
 * it is no longer to be sent.
 */
export const insertAttempt = async (db: Queryable, attempt: NewAttempt): Promise<boolean> => {
  const rows = await db.query(sql`
    with leased as (
      update messages
         set leased_until = ${attempt.leasedUntil}
       where pool_id = ${named({ poolId: attempt.poolId })}
         and id = ${named({ messageId: attempt.messageId })}
         and state = 'queued'
      returning 1
    )
    insert into message_attempts (
      pool_id, message_id, position, id, provider, channel, state, segments, price_micros, currency, started_at
    )
    select ${named({ poolId: attempt.poolId })}::uuid, ${named({ messageId: attempt.messageId })}::uuid, ${attempt.position}::smallint, ${attempt.id}::uuid, ${attempt.provider},
           ${attempt.channel}, 'started', ${attempt.segments}::smallint, ${attempt.priceMicros}::bigint,
           ${attempt.currency}, ${attempt.startedAt}::timestamptz
      from leased
    on conflict do nothing
    returning 1`)
  return rows.length === 1
}

/**
 * By currency, with tries of which nobody knows whether they reached the phone. Ids begin with their time (RFC 9562,
 * section 5.7), so that the primary key finds the new ones.
 */
export const selectSpending = (db: Queryable, given: { poolId: string; since: Date }) =>
  db.query<{ currency: string; micros: string | number; segments: string | number }>(sql`
    select currency, sum(price_micros) as micros, sum(segments) as segments
      from message_attempts
     where pool_id = ${given.poolId}
       and message_id >= ${firstIdOf(given.since)}::uuid
       and (state in ('accepted', 'sent', 'delivered', 'failed', 'unknown') or (state = 'refused' and price_micros > 0))
       and currency is not null
     group by currency
     order by currency`)

/** The lowest id of that time. */
const firstIdOf = (time: Date): string => {
  const digits = time.getTime().toString(16).padStart(12, '0')
  return `${digits.slice(0, 8)}-${digits.slice(8)}-7000-8000-000000000000`
}

/** A process ended between the call and its answer. */
export const markUnknown = (db: Queryable, poolId: string, messageId: string, position: number) =>
  db.query(sql`
    update message_attempts
       set state = 'unknown'
     where pool_id = ${poolId}
       and message_id = ${messageId}
       and position = ${position}
       and state = 'started'`)

export const refuseAttempt = (
  db: Queryable,
  given: {
    poolId: string
    messageId: string
    position: number
    reason: string
    code: string
    /** Whether its price counts: the message may have gone out all the same. */
    isPaid: boolean
    at: Date
  },
) =>
  db.query(sql`
    update message_attempts
       set state = 'refused', reason = ${given.reason}, code = ${given.code},
           price_micros = case when ${given.isPaid}::boolean then price_micros else 0 end, answered_at = ${given.at}, finished_at = ${given.at}
     where pool_id = ${given.poolId}
       and message_id = ${given.messageId}
       and position = ${given.position}
       and state = 'started'`)

/** How far a state has come: receipts that repeat, or come in another order, never take one back. */
const rankOf = (state: Sql): Sql => sql`
  array_position(array['started', 'unknown', 'refused', 'accepted', 'sent', 'failed', 'delivered'], ${state})`

export type AcceptedAttempt = {
  poolId: string
  messageId: string
  position: number
  provider: string
  providerMessageId: string
  segments: number | undefined
  price: { micros: number; currency: string } | undefined
  pollAt: Date | undefined
  at: Date
}

/** The provider took it. A message that another attempt has brought to its phone stays delivered, by that one. */
export const acceptAttempt = (db: Queryable, given: AcceptedAttempt) =>
  db.query(sql`
    with attempt as (
      update message_attempts
         set state = 'accepted',
             provider_message_id = ${given.providerMessageId},
             segments = coalesce(${given.segments ?? null}::smallint, segments),
             price_micros = coalesce(${given.price?.micros ?? null}::bigint, price_micros),
             currency = coalesce(${given.price?.currency ?? null}, currency),
             answered_at = ${given.at},
             poll_at = ${given.pollAt ?? null}::timestamptz
       where pool_id = ${named({ poolId: given.poolId })}
         and message_id = ${named({ messageId: given.messageId })}
         and position = ${given.position}
         and state in ('started', 'unknown')
    )
    update messages
       set state = 'accepted',
           provider = ${given.provider},
           leased_until = null
     where pool_id = ${named({ poolId: given.poolId })}
       and id = ${named({ messageId: given.messageId })}
       and state <> 'delivered'`)

export type NewReceipt = {
  poolId: string
  provider: string
  providerMessageId: string
  state: 'sent' | 'delivered' | 'failed'
  reason: string | undefined
  code: string | undefined
  price: { micros: number; currency: string } | undefined
  occurredAt: Date
  receivedAt: Date
}

/** Keeps the receipt, once a state. */
export const insertReceipt = (db: Queryable, given: NewReceipt) =>
  db.query(sql`
    insert into message_receipts (
      pool_id, provider, provider_message_id, state, reason, code, price_micros, currency, occurred_at, received_at
    ) values (
      ${given.poolId}, ${given.provider}, ${given.providerMessageId}, ${given.state}, ${given.reason ?? null},
      ${given.code ?? null}, ${given.price?.micros ?? null}, ${given.price?.currency ?? null}, ${given.occurredAt},
      ${given.receivedAt}
    )
    on conflict (pool_id, provider, provider_message_id, state) do update
       set price_micros = coalesce(excluded.price_micros, message_receipts.price_micros),
           currency = coalesce(excluded.currency, message_receipts.currency)`)

/**
 * Moves an attempt and its message on to the furthest of the receipts that are kept, never back. `asksOn`: the provider
 * is asked further until it has told the price.
 */
export const applyReceipts = (
  db: Queryable,
  given: { poolId: string; provider: string; providerMessageId: string; asksOn: boolean },
) => {
  const isTold = sql`
        pool_id = ${named({ poolId: given.poolId })}
    and provider = ${named({ provider: given.provider })}
    and provider_message_id = ${named({ providerMessageId: given.providerMessageId })}`
  return db.query(sql`
    with furthest as (
      select state, reason, code, occurred_at
        from message_receipts
       where ${isTold}
       order by ${rankOf(sql`state`)} desc
       limit 1
    ),
    price as (
      select price_micros, currency
        from message_receipts
       where ${isTold}
         and price_micros is not null
       order by ${rankOf(sql`state`)} desc
       limit 1
    ),
    attempt as (
      update message_attempts
         set state = case when ${isNews} then furthest.state else message_attempts.state end,
             reason = case when ${isNews} then furthest.reason else message_attempts.reason end,
             code = case when ${isNews} then furthest.code else message_attempts.code end,
             price_micros = coalesce((select price_micros from price), message_attempts.price_micros),
             currency = coalesce((select currency from price), message_attempts.currency),
             finished_at = case
               when ${isNews} and furthest.state in ('delivered', 'failed') then furthest.occurred_at
               else message_attempts.finished_at
             end,
             poll_at = case
               when furthest.state in ('delivered', 'failed') and (not ${given.asksOn}::boolean or exists (select from price)) then null
               else message_attempts.poll_at
             end
        from furthest
       where ${isTold}
      returning message_attempts.message_id, message_attempts.state
    )
    update messages
       set state = attempt.state
      from attempt
     where messages.pool_id = ${named({ poolId: given.poolId })}
       and messages.id = attempt.message_id
       and messages.state <> 'queued'
       and (attempt.state = 'delivered' or (attempt.state = 'failed' and messages.state = 'accepted'))`)
}

const isNews = sql`${rankOf(sql`message_attempts.state`)} < ${rankOf(sql`furthest.state`)}`

export type ReceiptRow = {
  provider: string
  provider_message_id: string
  state: string
  reason: string | null
  code: string | null
  occurred_at: Date
}

export const selectReceipts = (db: Queryable, poolId: string, messageId: string) =>
  db.query<ReceiptRow>(sql`
    select message_receipts.provider, message_receipts.provider_message_id, message_receipts.state,
           message_receipts.reason, message_receipts.code, message_receipts.occurred_at
      from message_attempts
      join message_receipts
        on message_receipts.pool_id = message_attempts.pool_id
       and message_receipts.provider = message_attempts.provider
       and message_receipts.provider_message_id = message_attempts.provider_message_id
     where message_attempts.pool_id = ${poolId}
       and message_attempts.message_id = ${messageId}::uuid
     order by message_receipts.occurred_at, message_receipts.state`)

export type DuePoll = {
  pool_id: string
  id: string
  provider: string
  channel: 'sms' | 'voice' | 'whatsapp'
  provider_message_id: string
  recipient: string
  started_at: Date
  polls: number
}

/** Attempts whose provider is to be asked now; each is put off first, so that another process leaves it alone. */
export const takeDuePolls = (db: Queryable, given: { now: Date; next: readonly number[]; limit: number }) =>
  db.query<DuePoll>(sql`
    with due as (
      select pool_id, message_id, position
        from message_attempts
       where poll_at <= ${named({ now: given.now })}
       order by poll_at
       limit ${given.limit}
         for update skip locked
    ),
    taken as (
      update message_attempts
         set polls = polls + 1,
             poll_at = ${named({ now: given.now })}::timestamptz + make_interval(secs => (${given.next}::integer[])[polls + 1])
        from due
       where message_attempts.pool_id = due.pool_id
         and message_attempts.message_id = due.message_id
         and message_attempts.position = due.position
      returning message_attempts.*
    )
    select taken.pool_id, taken.id, taken.provider, taken.channel, taken.provider_message_id, messages.recipient,
           taken.started_at, taken.polls
      from taken
      join messages
        on messages.pool_id = taken.pool_id
       and messages.id = taken.message_id`)
