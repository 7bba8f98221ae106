import { verifiedFrom } from '../conversions/conversions.ts'
import { countOn } from '../core/counters.ts'
import { empty, join, named, type Queryable, type Sql, sql } from '../core/database.ts'
import { inboxProvider, verifiedMessages } from '../messages/messages.ts'
import { isPhone } from '../phone-numbers/phone-numbers.ts'

/** Whom a challenge belongs to when nobody was signed in: a key column cannot be null. */
export const stranger = '00000000-0000-0000-0000-000000000000'

export type Proof = {
  poolId: string
  recipient: string
  purposes: readonly string[]
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
 * The challenges are held first, then the rows of the budgets, in this order by everybody, so that a guess is not judged
 * by a count that another guess is about to raise and no two wait for each other; a wrong one that finds no room left is
 * answered as one too many (rule 7).
 *
 * Failures are charged to the account of a signed-in user, and to the number where no challenge of that user's own
 * is at stake: so strangers who guess spend the number's budget for strangers and never the owner's (rule 8).
 */
export const passcodeVerdict = (proof: Proof, gate: Sql): Sql => {
  const { poolId, recipient, userId, now } = proof
  const numberKey = `passcode_failures:${recipient}`
  const accountKey = `passcode_failures:account:${userId}`
  const digests = proof.digests.map((digest, index) => sql`${named({ [`digest${index}`]: digest })}::bytea`)
  const purposes = proof.purposes.map((purpose, index) => sql`${named({ [`purpose${index}`]: purpose })}`)
  const matches = sql`code_digest in (${join(digests)})`
  const isTried =
    userId === undefined
      ? sql`holder = ${named({ stranger })}`
      : sql`holder in (${named({ userId })}, ${named({ stranger })})`
  const challengeKey = sql`
        pool_id = ${named({ poolId })}
    and recipient = ${named({ recipient })}
    and purpose in (${join(purposes)})
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
       order by purpose, holder
         for update
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
    held as (
      select limit_counters.used, limit_counters.resets_at
        from limit_counters
       where limit_counters.pool_id = ${named({ poolId })}
         and limit_counters.key in (select key from budget)
         and limit_counters.shard = 0
       order by limit_counters.key
         for update
    ),
    exhausted as (
      select max(resets_at) as resets_at
        from held
       where resets_at > ${named({ now })}
         and used >= ${named({ maxFailures: proof.maxFailures })}
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
      returning id, ${matches} as matches
    ),
    attempted as (
      select coalesce(bool_or(matches), false) as accepted,
             exhausted.resets_at is null and not state.is_right and (
               count(attempt.id) > 0 or (state.asked and not state.live and not state.was_right)
             ) as failed
        from state
       cross join exhausted
        left join attempt on true
       group by exhausted.resets_at, state.is_right, state.asked, state.live, state.was_right
    ),
    failure as (
      insert into limit_counters (pool_id, key, shard, used, resets_at)
      select ${named({ poolId })}::uuid, budget.key, 0, 1,
             ${named({ now })}::timestamptz + make_interval(secs => ${named({ failureWindow: proof.failureWindowSeconds })}::integer)
        from attempted, budget
       where attempted.failed
       order by budget.key
      ${countOn(now, sql`${named({ maxFailures: proof.maxFailures })}`)}
      returning key
    ),
    verdict as (
      select case
               when not state.asked then null
               when exhausted.resets_at is not null then 'attempts_exceeded'
               when attempted.accepted then 'accepted'
               when attempted.failed and (select count(*) from failure) < (select count(*) from budget) then 'attempts_exceeded'
               when attempted.failed or state.is_right then 'incorrect'
               when state.live then 'attempts_exceeded'
               else 'expired'
             end as outcome,
             coalesce(
               exhausted.resets_at,
               state.expires_at,
               ${named({ now })}::timestamptz + make_interval(secs => ${named({ failureWindow: proof.failureWindowSeconds })}::integer)
             ) as retry_at
        from state, exhausted, attempted
    )
    ${proof.consume ? verifiedTraffic(proof) : empty}`
}

/** The messages of the consumed passcode have come back: their timeline says so, and the traffic counts. */
const verifiedTraffic = ({ poolId, recipient, now }: Proof): Sql => {
  const cameBack = isPhone(recipient)
    ? sql`,
    came_back as (
      ${verifiedFrom(sql`verified`, { poolId, phone: recipient, now, inboxProvider })}
    )`
    : empty
  return sql`,
    consumed as (
      select id
        from attempt
       where matches
    ),
    verified as (
      ${verifiedMessages(sql`consumed`, { poolId, recipient, now })}
    )
    ${cameBack}`
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

/** One that another call holds is left to it: that call then finds that the user has the recipient no more. */
export const discardPasscodes = (
  tx: Queryable,
  given: { poolId: string; recipient: string; userId: string; now: Date },
) =>
  tx.query(sql`
    update passcodes
       set consumed_at = ${named({ now: given.now })}
     where pool_id = ${named({ poolId: given.poolId })}
       and recipient = ${named({ recipient: given.recipient })}
       and id in (
             select id
               from passcodes
              where pool_id = ${named({ poolId: given.poolId })}
                and recipient = ${named({ recipient: given.recipient })}
                and holder in (${given.userId}, ${stranger})
                and consumed_at is null
                and expires_at > ${named({ now: given.now })}
                for update skip locked
           )`)

/** Challenges that have been of no use since then. */
export const deleteOldPasscodes = (db: Queryable, before: Date) =>
  db.query(sql`
    delete from passcodes
     where expires_at < ${before}`)
