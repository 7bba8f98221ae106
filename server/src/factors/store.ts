import { join, named, type Queryable, sql } from '../core/database.ts'

export type FactorType = 'OTP' | 'SMS' | 'EMAIL'

type Owner = { poolId: string; userId: string }

export type FactorRow = {
  id: string
  type: FactorType
  /** The phone or address of SMS and EMAIL. */
  recipient: string | null
}

export const selectFactors = (db: Queryable, { poolId, userId }: Owner) =>
  db.query<FactorRow>(sql`
    select id, type, recipient
      from factors
     where pool_id = ${poolId}
       and user_id = ${userId}
     order by id`)

/** A factor, or a passkey. */
export const selectHasFactor = async (db: Queryable, { poolId, userId }: Owner): Promise<boolean> => {
  const [row] = await db.query<{ enrolled: boolean }>(sql`
    select exists (
             select
               from factors
              where pool_id = ${named({ poolId })}
                and user_id = ${named({ userId })}
           ) or exists (
             select
               from passkeys
              where pool_id = ${named({ poolId })}
                and user_id = ${named({ userId })}
           ) as enrolled`)
  return row?.enrolled === true
}

export type NewFactor = Owner & {
  id: string
  type: FactorType
  recipient?: string
  sealedSecret?: string
  /** The time step of the code that proved it: it is spent. */
  lastStep?: number
  recoveryCodeDigest?: Buffer
  enrolledWithProof: boolean
  now: Date
}

/** False: the user has a factor of this type. */
export const insertFactor = async (db: Queryable, factor: NewFactor): Promise<boolean> => {
  const rows = await db.query(sql`
    insert into factors (
      pool_id, id, user_id, type, recipient, sealed_secret, last_step, recovery_code_digest, enrolled_with_proof,
      enrolled_at
    ) values (
      ${factor.poolId}, ${factor.id}, ${factor.userId}, ${factor.type}, ${factor.recipient ?? null},
      ${factor.sealedSecret ?? null}, ${factor.lastStep ?? null}, ${factor.recoveryCodeDigest ?? null},
      ${factor.enrolledWithProof}, ${factor.now}
    )
    on conflict on constraint factors_type_key do nothing
    returning id`)
  return rows.length > 0
}

export const deleteFactor = async (
  db: Queryable,
  given: Owner & { factorId: string },
): Promise<FactorRow | undefined> => {
  const [row] = await db.query<FactorRow>(sql`
    delete from factors
     where pool_id = ${given.poolId}
       and user_id = ${given.userId}
       and id = ${given.factorId}
    returning id, type, recipient`)
  return row
}

export type OtpRow = { id: string; sealed_secret: string; enrolled_with_proof: boolean }

export const selectOtp = async (db: Queryable, { poolId, userId }: Owner): Promise<OtpRow | undefined> => {
  const [row] = await db.query<OtpRow>(sql`
    select id, sealed_secret, enrolled_with_proof
      from factors
     where pool_id = ${poolId}
       and user_id = ${userId}
       and type = 'OTP'`)
  return row
}

/** Spends a time step and all before it; of several at once, one gets it. */
export const spendTotpStep = async (
  db: Queryable,
  given: { poolId: string; factorId: string; step: number; now: Date },
): Promise<boolean> => {
  const rows = await db.query(sql`
    update factors
       set last_step = ${named({ step: given.step })},
           last_proved_at = ${given.now}
     where pool_id = ${given.poolId}
       and id = ${given.factorId}
       and (last_step is null or last_step < ${named({ step: given.step })})
    returning id`)
  return rows.length > 0
}

/** Spends the recovery code, if it is this one; of several at once, one gets it. */
export const spendRecoveryCode = async (
  db: Queryable,
  given: { poolId: string; factorId: string; digests: readonly Buffer[]; now: Date },
): Promise<boolean> => {
  const digests = given.digests.map((digest) => sql`${digest}::bytea`)
  const rows = await db.query(sql`
    update factors
       set recovery_code_used_at = ${named({ now: given.now })},
           last_proved_at = ${named({ now: given.now })}
     where pool_id = ${given.poolId}
       and id = ${given.factorId}
       and recovery_code_digest in (${join(digests)})
       and recovery_code_used_at is null
    returning id`)
  return rows.length > 0
}

export type StandingRow = {
  method: string
  started_at: Date
  has_phone: boolean
  has_email: boolean
  phone_bound_at: Date | null
}

/** How a session began, and what its user could be asked to prove. */
export const selectStanding = async (
  db: Queryable,
  given: { poolId: string; sessionId: string },
): Promise<StandingRow | undefined> => {
  const [row] = await db.query<StandingRow>(sql`
    select sessions.method, sessions.created_at as started_at, users.phone is not null as has_phone,
           users.email is not null as has_email, users.phone_bound_at
      from sessions
      join users
        on users.pool_id = sessions.pool_id
       and users.id = sessions.user_id
     where sessions.pool_id = ${given.poolId}
       and sessions.id = ${given.sessionId}`)
  return row
}
