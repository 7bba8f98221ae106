import { empty, type Queryable, sql } from '../core/database.ts'

export const insertStepUpToken = (
  db: Queryable,
  token: {
    poolId: string
    hash: Buffer
    kind: string
    userId: string
    sessionId: string | undefined
    sealedDetail: string
    issuedAt: Date
    expiresAt: Date
  },
) =>
  db.query(sql`
    insert into step_up_tokens (
      pool_id, token_hash, kind, user_id, session_id, sealed_detail, issued_at, expires_at
    ) values (
      ${token.poolId}, ${token.hash}, ${token.kind}, ${token.userId}, ${token.sessionId ?? null},
      ${token.sealedDetail}, ${token.issuedAt}, ${token.expiresAt}
    )`)

export const consumeStepUpToken = async (
  db: Queryable,
  given: {
    poolId: string
    hash: Buffer
    kind: string
    userId: string | undefined
    sessionId: string | undefined
    now: Date
  },
): Promise<{ user_id: string; sealed_detail: string } | undefined> => {
  const ofSession =
    given.sessionId === undefined ? sql`and session_id is null` : sql`and session_id = ${given.sessionId}`
  const [row] = await db.query<{ user_id: string; sealed_detail: string }>(sql`
    update step_up_tokens
       set consumed_at = ${given.now}
     where pool_id = ${given.poolId}
       and token_hash = ${given.hash}
       and kind = ${given.kind}
       ${given.userId === undefined ? empty : sql`and user_id = ${given.userId}`}
       ${ofSession}
       and consumed_at is null
       and expires_at > ${given.now}
    returning user_id, sealed_detail`)
  return row
}

export const selectStepUpToken = async (
  db: Queryable,
  given: {
    poolId: string
    hash: Buffer
    kind: string
    userId: string | undefined
    sessionId: string | undefined
    now: Date
  },
): Promise<{ sealed_detail: string } | undefined> => {
  const ofSession =
    given.sessionId === undefined ? sql`and session_id is null` : sql`and session_id = ${given.sessionId}`
  const [row] = await db.query<{ sealed_detail: string }>(sql`
    select sealed_detail
      from step_up_tokens
     where pool_id = ${given.poolId}
       and token_hash = ${given.hash}
       and kind = ${given.kind}
       ${given.userId === undefined ? empty : sql`and user_id = ${given.userId}`}
       ${ofSession}
       and consumed_at is null
       and expires_at > ${given.now}`)
  return row
}

export const deleteOldStepUpTokens = (db: Queryable, before: Date) =>
  db.query(sql`
    delete from step_up_tokens
     where expires_at < ${before}`)
