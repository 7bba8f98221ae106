import { named, type Queryable, sql } from '../core/database.ts'
import type { E164 } from '../phone-numbers/phone-numbers.ts'

/** A user, as far as the phone is concerned. */
export type OwnerRow = {
  id: string
  status: string
  phone: E164 | null
  phone_proved_at: Date | null
  email: string | null
  last_sign_in_at: Date | null
  created_at: Date
}

const ownerColumns = sql`id, status, phone, phone_proved_at, email, last_sign_in_at, created_at`

/** What a claim is judged by; of the sessions, those that ended in the last 30 days count too. */
export type JudgedOwner = OwnerRow & { last_refresh_at: Date | null }

/**
 * The owner of a number, held until the end of the transaction, together with who wants it: in one order for everybody,
 * so that two who want each other's numbers do not wait for each other.
 */
export const holdOwner = async (
  tx: Queryable,
  given: { poolId: string; phone: E164; claimantId: string | undefined },
): Promise<JudgedOwner | undefined> => {
  const rows = await tx.query<JudgedOwner>(sql`
    select ${ownerColumns},
           (
             select max(refresh_tokens.issued_at)
               from sessions
               join refresh_tokens
                 on refresh_tokens.pool_id = sessions.pool_id
                and refresh_tokens.session_id = sessions.id
              where sessions.pool_id = users.pool_id
                and sessions.user_id = users.id
           ) as last_refresh_at
      from users
     where pool_id = ${given.poolId}
       and (phone = ${given.phone} or id = ${given.claimantId ?? null}::uuid)
     order by id
       for update`)
  return rows.find(({ phone }) => phone === given.phone)
}

/** A user, held until the end of the transaction. */
export const holdUser = async (
  tx: Queryable,
  given: { poolId: string; userId: string },
): Promise<OwnerRow | undefined> => {
  const [row] = await tx.query<OwnerRow>(sql`
    select ${ownerColumns}
      from users
     where pool_id = ${given.poolId}
       and id = ${given.userId}
       for update`)
  return row
}

/** The same, or no row where somebody else holds the user. */
export const holdFreeUser = async (
  tx: Queryable,
  given: { poolId: string; userId: string },
): Promise<OwnerRow | undefined> => {
  const [row] = await tx.query<OwnerRow>(sql`
    select ${ownerColumns}
      from users
     where pool_id = ${given.poolId}
       and id = ${given.userId}
       for update skip locked`)
  return row
}

export const hasOwner = async (tx: Queryable, given: { poolId: string; phone: E164 }): Promise<boolean> => {
  const [row] = await tx.query(sql`
    select id
      from users
     where pool_id = ${given.poolId}
       and phone = ${given.phone}`)
  return row !== undefined
}

/**
 * Where the owner of a number is told of it beside the account's address: the phones and addresses of the factors, but
 * for the number itself. None where the number was proved since `provedBefore`.
 */
export const selectFactorRecipients = async (
  db: Queryable,
  given: { poolId: string; phone: E164; provedBefore: Date },
): Promise<string[]> => {
  const rows = await db.query<{ recipient: string }>(sql`
    select factors.recipient
      from users
      join factors
        on factors.pool_id = users.pool_id
       and factors.user_id = users.id
     where users.pool_id = ${given.poolId}
       and users.phone = ${named({ phone: given.phone })}
       and (users.phone_proved_at is null or users.phone_proved_at < ${given.provedBefore})
       and factors.recipient is not null
       and factors.recipient <> ${named({ phone: given.phone })}`)
  return rows.map(({ recipient }) => recipient)
}

export type ClaimRow = { ripe_at: Date; stopped_at: Date | null }

/** The live claim of a number against this owner. */
export const selectClaim = async (
  tx: Queryable,
  given: { poolId: string; phoneFingerprint: string; ownerId: string; now: Date },
): Promise<ClaimRow | undefined> => {
  const [row] = await tx.query<ClaimRow>(sql`
    select ripe_at, stopped_at
      from phone_claims
     where pool_id = ${given.poolId}
       and phone_fingerprint = ${given.phoneFingerprint}
       and owner_id = ${given.ownerId}
       and expires_at > ${given.now}`)
  return row
}

/** In the place of one that has expired, or that was against an earlier owner. */
export const upsertClaim = (
  tx: Queryable,
  claim: {
    poolId: string
    phoneFingerprint: string
    ownerId: string
    applicationId: string
    ip: string | undefined
    startedAt: Date
    ripeAt: Date
    expiresAt: Date
  },
) =>
  tx.query(sql`
    insert into phone_claims (
      pool_id, phone_fingerprint, owner_id, application_id, ip, started_at, ripe_at, expires_at
    ) values (
      ${claim.poolId}, ${claim.phoneFingerprint}, ${claim.ownerId}, ${claim.applicationId}, ${claim.ip ?? null},
      ${claim.startedAt}, ${claim.ripeAt}, ${claim.expiresAt}
    )
    on conflict (pool_id, phone_fingerprint) do update
       set owner_id = excluded.owner_id,
           application_id = excluded.application_id,
           ip = excluded.ip,
           started_at = excluded.started_at,
           ripe_at = excluded.ripe_at,
           expires_at = excluded.expires_at,
           stopped_at = null`)

/** Spends a claim that is ripe and not stopped; false: it was stopped at this instant. */
export const takeRipeClaim = async (
  tx: Queryable,
  given: { poolId: string; phoneFingerprint: string; now: Date },
): Promise<boolean> => {
  const rows = await tx.query(sql`
    delete from phone_claims
     where pool_id = ${given.poolId}
       and phone_fingerprint = ${given.phoneFingerprint}
       and ripe_at <= ${given.now}
       and stopped_at is null
    returning phone_fingerprint`)
  return rows.length > 0
}

export const stopClaims = async (
  tx: Queryable,
  given: { poolId: string; ownerId: string; now: Date },
): Promise<boolean> => {
  const rows = await tx.query(sql`
    update phone_claims
       set stopped_at = ${named({ now: given.now })}
     where pool_id = ${given.poolId}
       and owner_id = ${given.ownerId}
       and stopped_at is null
       and expires_at > ${named({ now: given.now })}
    returning phone_fingerprint`)
  return rows.length > 0
}

export const deleteOldClaims = (db: Queryable, before: Date) =>
  db.query(sql`
    delete from phone_claims
     where expires_at < ${before}`)

export type ChangeRow = {
  pool_id: string
  user_id: string
  sealed_phone: string
  application_id: string
  session_id: string
  ip: string | null
  language: string
  requested_at: Date
}

const changeColumns = sql`
  pool_id, user_id, sealed_phone, application_id, session_id, ip, language, requested_at`

/** The newest request replaces an earlier one. */
export const upsertChange = (
  tx: Queryable,
  change: {
    poolId: string
    userId: string
    sealedPhone: string
    applicationId: string
    sessionId: string
    ip: string
    language: string
    requestedAt: Date
    dueAt: Date
  },
) =>
  tx.query(sql`
    insert into phone_changes (
      pool_id, user_id, sealed_phone, application_id, session_id, ip, language, requested_at, due_at
    ) values (
      ${change.poolId}, ${change.userId}, ${change.sealedPhone}, ${change.applicationId}, ${change.sessionId},
      ${change.ip}, ${change.language}, ${change.requestedAt}, ${change.dueAt}
    )
    on conflict (pool_id, user_id) do update
       set sealed_phone = excluded.sealed_phone,
           application_id = excluded.application_id,
           session_id = excluded.session_id,
           ip = excluded.ip,
           language = excluded.language,
           requested_at = excluded.requested_at,
           due_at = excluded.due_at`)

/** Whose changes are due, the oldest first. */
export const selectDueChanges = (db: Queryable, given: { now: Date; limit: number }) =>
  db.query<{ pool_id: string; user_id: string }>(sql`
    select pool_id, user_id
      from phone_changes
     where due_at <= ${given.now}
     order by due_at
     limit ${given.limit}`)

/** Takes a change that is due: of several processes, one. */
export const takeDueChange = async (
  tx: Queryable,
  given: { poolId: string; userId: string; now: Date },
): Promise<ChangeRow | undefined> => {
  const [row] = await tx.query<ChangeRow>(sql`
    delete from phone_changes
     where pool_id = ${given.poolId}
       and user_id = ${given.userId}
       and due_at <= ${given.now}
    returning ${changeColumns}`)
  return row
}

export const deleteChange = async (
  tx: Queryable,
  given: { poolId: string; userId: string },
): Promise<ChangeRow | undefined> => {
  const [row] = await tx.query<ChangeRow>(sql`
    delete from phone_changes
     where pool_id = ${given.poolId}
       and user_id = ${given.userId}
    returning ${changeColumns}`)
  return row
}
