import { countOn } from '../core/counters.ts'
import { empty, join, named, type Queryable, type Sql, sql } from '../core/database.ts'
import { insertMessageFrom, type NewMessage } from '../messages/messages.ts'
import { liveSession, type TokenSubject } from '../sessions/sessions.ts'
import { stranger } from './store.ts'

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
  /** What else must allow it; absent where nothing that costs money is sent. */
  gate: IssueGate | undefined
  message: NewMessage
}

/** A part of another feature in this statement. */
export type IssueGate = {
  /** One row with `verdict`, at the time of the statement. */
  verdict: (now: Date) => Sql
  /** With these verdicts nothing is issued. */
  refused: readonly string[]
  /** What was found before, for the note on the message. */
  note: string | undefined
}

export type CountedLimit = {
  key: string
  /** What to call it in the log. */
  setting: string
  /** Counted apart for strangers, for signed-in users, and for the user whose number it is (rule 8). */
  perAudience: boolean
  shard: number
  /** What one message takes of it: 1, or its price in millionths. */
  amount: number
  count: number
  windowSeconds: number
  /** False: counted, and told when it is spent, but never refused. */
  enforced: boolean
}

export type IssueRow = {
  sender_lives: boolean
  spent_position: number | null
  spent_until: Date | null
  blocked_until: Date | null
  /** Also without `issued`: then a race for the last unit of a later limit was lost. */
  cooldown_charged: boolean
  issued: boolean
  /** Whether a message was written: not to a number that nobody has, where only known ones get one. */
  addressed: boolean
  gate_verdict: string
  /** The keys of limits that are spent and not enforced. */
  overrun: string[]
}

/** In the place of a key's id: of a code that is fixed and not derived, which no message can carry. */
export const fixedKeyId = 'fixed'

/**
 * Issues a passcode in one statement: checks every limit and the gate, charges all of them or none, makes the challenge or finds
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
  // A fixed code takes the place of another one, and another one takes its place: a message carries a derived code.
  const isKept = sql`${lives} and passcodes.key_id <> ${fixedKeyId} and excluded.key_id <> ${fixedKeyId}`

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
             shard, amount, max_count, window_seconds, enforced
        from audience, (values ${join(given.limits.map(limitRow))})
             as limits (position, key, per_audience, shard, amount, max_count, window_seconds, enforced)
    ),
    overrun as (
      select wanted.position, wanted.key, wanted.enforced,
             coalesce(
               min(limit_counters.resets_at),
               ${named({ now })}::timestamptz + make_interval(secs => wanted.window_seconds)
             ) as resets_at
        from wanted
        left join limit_counters
          on limit_counters.pool_id = ${named({ poolId })}
         and limit_counters.key = wanted.key
         and limit_counters.resets_at > ${named({ now })}
       group by wanted.position, wanted.key, wanted.enforced, wanted.amount, wanted.max_count, wanted.window_seconds
      having coalesce(sum(limit_counters.used), 0) + wanted.amount > wanted.max_count
    ),
    spent as (
      select position, resets_at
        from overrun
       where enforced
       order by position
       limit 1
    ),
    gate as (
      ${given.gate === undefined ? sql`select 'open' as verdict` : given.gate.verdict(now)}
    ),
    blocked as (
      select expires_at
        from passcodes
       where ${challengeKey}
         and ${lives}
         and attempts >= ${named({ maxAttempts: given.maxAttempts })}
    ),
    cooled_down as (
      ${charge(given, sql`position = 1 and not exists (select from spent) and not exists (select from blocked) ${gateAllows(given.gate)}`)}
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
         set id = case when ${isKept} then passcodes.id else excluded.id end,
             key_id = case when ${isKept} then passcodes.key_id else excluded.key_id end,
             code_digest = case when ${isKept} then passcodes.code_digest else excluded.code_digest end,
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
      ${insertMessageFrom(sql`addressed`, given.message, guardNote(given.gate))}
      returning id
    )
    select exists (select from audience) as sender_lives,
           spent.position as spent_position,
           spent.resets_at as spent_until,
           blocked.expires_at as blocked_until,
           exists (select from cooled_down) as cooldown_charged,
           exists (select from challenge) as issued,
           exists (select from message) as addressed,
           gate.verdict as gate_verdict,
           array(select overrun.key from overrun where not overrun.enforced) as overrun
      from (values (true)) as always
      join gate
        on true
      left join spent
        on true
      left join blocked
        on true`)
  if (row === undefined) throw new Error('a select without from gave no row')
  return row
}

/** More than anything is counted to. */
const noBound = 9_000_000_000_000_000

const limitRow = (limit: CountedLimit, index: number): Sql => sql`
  (${index + 1}::integer, ${limit.key}::text, ${limit.perAudience}::boolean, ${limit.shard}::smallint,
   ${limit.amount}::bigint, ${limit.count}::bigint, ${limit.windowSeconds}::integer, ${limit.enforced}::boolean)`

const gateAllows = (gate: IssueGate | undefined): Sql =>
  gate === undefined || gate.refused.length === 0
    ? empty
    : sql`and (select verdict from gate) not in (${join(gate.refused)})`

/** What the guard would have done, beside the message that went all the same. */
const guardNote = (gate: IssueGate | undefined): Sql =>
  gate === undefined
    ? sql`null::text`
    : sql`
      (select case
                when ${gate.note ?? null}::text is not null then ${gate.note ?? null}::text
                when gate.verdict <> 'open' then gate.verdict
                when exists (select from overrun where not overrun.enforced) then 'limited'
              end
         from gate)`

/** Counts one use in the counters of `wanted` that `which` picks, always in the same order, so that none deadlock. */
const charge = ({ poolId, now }: IssueRequest, which: Sql): Sql => sql`
  insert into limit_counters (pool_id, key, shard, used, resets_at)
  select ${named({ poolId })}::uuid, key, shard, amount, ${named({ now })}::timestamptz + make_interval(secs => window_seconds)
    from wanted
   where ${which}
   order by position
  ${countOn(
    now,
    sql`(select case when enforced then max_count else ${noBound}::bigint end
           from wanted
          where wanted.key = limit_counters.key)`,
  )}
  returning key`

const isKnown = ({ poolId, recipient, holder }: IssueRequest): Sql => sql`
  exists (
    select
      from users
     where users.pool_id = ${named({ poolId })}
       and (users.phone = ${named({ recipient })} or users.email = ${named({ recipient })})
       ${holder === stranger ? empty : sql`and users.id = ${named({ holder })}`}
  )`
