import { countOn } from '../core/counters.ts'
import { empty, join, named, type Queryable, type Sql, sql } from '../core/database.ts'
import { insertMessageFrom, type NewMessage } from '../messages/messages.ts'
import { liveSession, type TokenSubject } from '../sessions/sessions.ts'

/** Whom a challenge belongs to when nobody was signed in: a key column cannot be null. */
export const stranger = '00000000-0000-0000-0000-000000000000'

export type IssueRequest = {
  poolId: string
  applicationId: string
  purpose: string
  recipient: string
  sender: TokenSubject | undefined
  /** The signed-in user whom the code belongs to, or `stranger`. */
  holder: string
  passcodeId: string
  keyId: string
  codeDigest: Buffer
  now: Date
  expiresAt: Date
  /** A passcode lives so long from its making at most, however often it is sent again (rule 2). */
  longestTtlSeconds: number
  maxAttempts: number
  /** In the order in which they are charged; the first is the cooldown. */
  limits: readonly CountedLimit[]
  /** Whether only a number that a user of the pool has gets the message. */
  onlyKnown: boolean
  message: NewMessage
}

export type CountedLimit = {
  key: string
  /** Counted apart for strangers, for signed-in users, and for the user whose number it is (rule 8). */
  perAudience: boolean
  shard: number
  count: number
  windowSeconds: number
}

export type IssueRow = {
  sender_lives: boolean
  spent_position: number | null
  spent_until: Date | null
  blocked_until: Date | null
  /** Also without `issued`: then a race for the last unit of a later limit was lost. */
  cooldown_charged: boolean
  issued: boolean
}

/**
 * Issues a passcode in one statement: checks every limit, charges all of them or none, makes the challenge or finds
 * the live one, and writes the message. Two requests that race for the last unit of a limit may leave the other limits
 * charged by one too many; never does one too many go through, because each charge is an upsert with its own bound.
 */
export const issuePasscode = async (db: Queryable, given: IssueRequest): Promise<IssueRow> => {
  const { poolId, recipient, purpose, applicationId, sender, holder, now } = given
  const challengeKey = sql`
        pool_id = ${named({ poolId })}
    and recipient = ${named({ recipient })}
    and purpose = ${named({ purpose })}
    and application_id = ${named({ applicationId })}
    and holder = ${named({ holder })}`
  const lives = sql`passcodes.consumed_at is null and passcodes.expires_at > ${named({ now })}`

  const [row] = await db.query<IssueRow>(sql`
    with sender as (
      ${sender === undefined ? sql`select null::uuid as user_id, null as phone, null as email` : liveSession(sender, now)}
    ),
    audience as (
      select case
               when user_id is null then 'stranger'
               when ${named({ recipient })} in (phone, email) then 'owner'
               else 'member'
             end as name
        from sender
    ),
    wanted as (
      select position, key || case when per_audience then ':' || audience.name else '' end as key,
             shard, max_count, window_seconds
        from audience, (values ${join(given.limits.map(limitRow))})
             as limits (position, key, per_audience, shard, max_count, window_seconds)
    ),
    spent as (
      select wanted.position, min(limit_counters.resets_at) as resets_at
        from wanted
        join limit_counters
          on limit_counters.pool_id = ${named({ poolId })}
         and limit_counters.key = wanted.key
         and limit_counters.resets_at > ${named({ now })}
       group by wanted.position, wanted.max_count
      having sum(limit_counters.used) >= wanted.max_count
       order by wanted.position
       limit 1
    ),
    blocked as (
      select expires_at
        from passcodes
       where ${challengeKey}
         and ${lives}
         and attempts >= ${named({ maxAttempts: given.maxAttempts })}
    ),
    cooled_down as (
      ${charge(given, sql`position = 1 and not exists (select from spent) and not exists (select from blocked)`)}
    ),
    charged as (
      ${charge(given, sql`position > 1 and exists (select from cooled_down)`)}
    ),
    challenge as (
      insert into passcodes (
        pool_id, recipient, purpose, application_id, holder, id, key_id, code_digest, attempts, issued_at, expires_at
      )
      select ${named({ poolId })}::uuid, ${named({ recipient })}, ${named({ purpose })}, ${named({ applicationId })}, ${named({ holder })}::uuid, ${given.passcodeId}::uuid,
             ${given.keyId}, ${given.codeDigest}::bytea, 0, ${named({ now })}::timestamptz, ${given.expiresAt}::timestamptz
       where (select count(*) from charged) = ${given.limits.length - 1}
      on conflict (pool_id, recipient, purpose, application_id, holder) do update
         set id = case when ${lives} then passcodes.id else excluded.id end,
             key_id = case when ${lives} then passcodes.key_id else excluded.key_id end,
             code_digest = case when ${lives} then passcodes.code_digest else excluded.code_digest end,
             attempts = case when ${lives} then passcodes.attempts else 0 end,
             issued_at = case when ${lives} then passcodes.issued_at else excluded.issued_at end,
             expires_at = case
               when ${lives} then least(
                 excluded.expires_at,
                 passcodes.issued_at + make_interval(secs => ${given.longestTtlSeconds}::integer)
               )
               else excluded.expires_at
             end,
             consumed_at = null
      returning id, key_id, expires_at
    ),
    addressed as (
      select id, key_id, expires_at
        from challenge
       where ${given.onlyKnown ? isKnown(given) : sql`true`}
    ),
    message as (
      ${insertMessageFrom(sql`addressed`, given.message)}
    )
    select exists (select from audience) as sender_lives,
           spent.position as spent_position,
           spent.resets_at as spent_until,
           blocked.expires_at as blocked_until,
           exists (select from cooled_down) as cooldown_charged,
           exists (select from challenge) as issued
      from (values (true)) as always
      left join spent
        on true
      left join blocked
        on true`)
  if (row === undefined) throw new Error('a select without from gave no row')
  return row
}

const limitRow = (limit: CountedLimit, index: number): Sql => sql`
  (${index + 1}::integer, ${limit.key}::text, ${limit.perAudience}::boolean, ${limit.shard}::smallint,
   ${limit.count}::integer, ${limit.windowSeconds}::integer)`

/** Counts one use in the counters of `wanted` that `which` picks, always in the same order, so that none deadlock. */
const charge = ({ poolId, now }: IssueRequest, which: Sql): Sql => sql`
  insert into limit_counters (pool_id, key, shard, used, resets_at)
  select ${named({ poolId })}::uuid, key, shard, 1, ${named({ now })}::timestamptz + make_interval(secs => window_seconds)
    from wanted
   where ${which}
   order by position
  ${countOn(now, sql`(select max_count from wanted where wanted.key = limit_counters.key)`)}
  returning key`

const isKnown = ({ poolId, recipient, holder }: IssueRequest): Sql => sql`
  exists (
    select
      from users
     where users.pool_id = ${named({ poolId })}
       and (users.phone = ${named({ recipient })} or users.email = ${named({ recipient })})
       ${holder === stranger ? empty : sql`and users.id = ${named({ holder })}`}
  )`

export type Proof = {
  poolId: string
  recipient: string
  purpose: string
  applicationId: string
  /** The signed-in user, whose own challenge is tried beside that of strangers. */
  userId: string | undefined
  /** The digests that the given code has under each accepted key and for each holder. */
  digests: readonly Buffer[]
  /** False: only look; a wrong guess is counted all the same. */
  consume: boolean
  maxAttempts: number
  maxFailures: number
  failureWindowSeconds: number
  now: Date
}

export type VerdictRow = {
  outcome: 'accepted' | 'incorrect' | 'expired' | 'attempts_exceeded' | null
  retry_at: Date | null
}

/**
 * The CTEs that verify a passcode inside any statement (rule 5): count the attempt, compare, consume. The last is
 * `verdict` with one row of `outcome` and `retry_at`; the outcome is null where `gate`, a CTE of the statement, has no
 * row: then nothing was counted or compared.
 *
 * Failures are charged to the account of a signed-in user, and to the number where no challenge of that user's own
 * is at stake: so strangers who guess spend the number's budget for strangers and never the owner's (rule 8).
 */
export const passcodeVerdict = (proof: Proof, gate: Sql): Sql => {
  const { poolId, recipient, userId, now } = proof
  const numberKey = `passcode_failures:${recipient}`
  const accountKey = `passcode_failures:account:${userId}`
  const digests = proof.digests.map((digest, index) => sql`${named({ [`digest${index}`]: digest })}::bytea`)
  const matches = sql`code_digest in (${join(digests)})`
  const isTried =
    userId === undefined
      ? sql`holder = ${named({ stranger })}`
      : sql`holder in (${named({ userId })}, ${named({ stranger })})`
  const challengeKey = sql`
        pool_id = ${named({ poolId })}
    and recipient = ${named({ recipient })}
    and purpose = ${named({ purpose: proof.purpose })}
    and application_id = ${named({ applicationId: proof.applicationId })}`
  const isOwn = userId === undefined ? sql`false` : sql`holder = ${named({ userId })}`
  const accountBudget =
    userId === undefined ? empty : sql`select ${named({ accountKey })}::text as key from state union all`

  return sql`
    candidate as (
      select ${isOwn} as own, ${matches} as matches, expires_at,
             attempts >= ${named({ maxAttempts: proof.maxAttempts })} as spent,
             consumed_at is null and expires_at > ${named({ now })} as live,
             consumed_at is null and expires_at <= ${named({ now })} as late
        from passcodes
       where ${challengeKey}
         and ${isTried}
         and exists (select from ${gate})
    ),
    state as (
      select exists (select from ${gate}) as asked,
             coalesce(bool_or(live), false) as live,
             coalesce(bool_or(live and own), false) as own_live,
             coalesce(bool_or(live and matches and not spent), false) as is_right,
             coalesce(bool_or(late and matches and not spent), false) as was_right,
             max(expires_at) filter (where live) as expires_at
        from candidate
    ),
    budget as (
      ${accountBudget}
      select ${named({ numberKey })}::text as key from state where not own_live
    ),
    exhausted as (
      select max(limit_counters.resets_at) as resets_at
        from budget
        join limit_counters
          on limit_counters.pool_id = ${named({ poolId })}
         and limit_counters.key = budget.key
         and limit_counters.shard = 0
       where limit_counters.resets_at > ${named({ now })}
         and limit_counters.used >= ${named({ maxFailures: proof.maxFailures })}
    ),
    attempt as (
      update passcodes
         set attempts = attempts + case when ${matches} and not ${named({ consume: proof.consume })}::boolean then 0 else 1 end,
             consumed_at = case when ${matches} and ${named({ consume: proof.consume })}::boolean then ${named({ now })}::timestamptz end
        from state, exhausted
       where ${challengeKey}
         and ${isTried}
         and consumed_at is null
         and passcodes.expires_at > ${named({ now })}
         and attempts < ${named({ maxAttempts: proof.maxAttempts })}
         and state.asked
         and (${matches} or not state.is_right)
         and exhausted.resets_at is null
      returning ${matches} as matches
    ),
    verdict as (
      select case
               when not state.asked then null
               when exhausted.resets_at is not null then 'attempts_exceeded'
               when attempted.accepted then 'accepted'
               when attempted.counted > 0 then 'incorrect'
               when state.is_right then 'incorrect'
               when state.live then 'attempts_exceeded'
               when state.was_right then 'expired'
               else 'incorrect'
             end as outcome,
             coalesce(exhausted.resets_at, state.expires_at) as retry_at
        from state, exhausted, (select bool_or(matches) as accepted, count(*) as counted from attempt) as attempted
    ),
    failure as (
      insert into limit_counters (pool_id, key, shard, used, resets_at)
      select ${named({ poolId })}::uuid, budget.key, 0, 1,
             ${named({ now })}::timestamptz + make_interval(secs => ${proof.failureWindowSeconds}::integer)
        from verdict, state, budget
       where verdict.outcome = 'incorrect'
         and not state.is_right
       order by budget.key
      ${countOn(now, sql`${named({ maxFailures: proof.maxFailures })}`)}
    )`
}

export const verifyPasscode = async (db: Queryable, proof: Proof): Promise<VerdictRow> => {
  const [row] = await db.query<VerdictRow>(sql`
    with gate as (
      select 1
    ),
    ${passcodeVerdict(proof, sql`gate`)}
    select outcome, retry_at
      from verdict`)
  if (row === undefined) throw new Error('the verdict gave no row')
  return row
}

/** Challenges that have been of no use since then. */
export const deleteOldPasscodes = (db: Queryable, before: Date) =>
  db.query(sql`
    delete from passcodes
     where expires_at < ${before}`)
