import { named, type Queryable, type Sql, sql } from '../core/database.ts'

export type PasskeyRow = {
  credential_id: string
  user_id: string
  public_key: Uint8Array
  /** A bigint: a text from one engine, a number from the other. */
  counter: string | number
  transports: string[]
  backed_up: boolean
  authenticator_id: string
  /** Whether more than a password was proved as it was registered. */
  registered_with_proof: boolean
  created_at: Date
  last_used_at: Date | null
}

const columns = sql`
  credential_id, user_id, public_key, counter, transports, backed_up, authenticator_id,
  registered_with_proof, created_at, last_used_at`

export type NewPasskey = {
  poolId: string
  credentialId: string
  userId: string
  publicKey: Uint8Array
  counter: number
  transports: readonly string[]
  backedUp: boolean
  authenticatorId: string
  registeredWithProof: boolean
  now: Date
  /** Writes the audit event for each row of the named CTE. */
  recordFrom: (source: Sql) => Sql
}

/** Whether it is new: an authenticator that is somebody's already stays theirs. */
export const insertPasskey = async (db: Queryable, passkey: NewPasskey): Promise<boolean> => {
  const rows = await db.query(sql`
    with registered as (
      insert into passkeys (
        pool_id, credential_id, user_id, public_key, counter, transports, backed_up, authenticator_id,
        registered_with_proof, created_at
      ) values (
        ${named({ poolId: passkey.poolId })}, ${passkey.credentialId}, ${passkey.userId},
        ${Buffer.from(passkey.publicKey)}, ${passkey.counter}, ${passkey.transports}, ${passkey.backedUp},
        ${passkey.authenticatorId}, ${passkey.registeredWithProof}, ${passkey.now}
      )
      on conflict (pool_id, credential_id) do nothing
      returning credential_id
    ),
    event as (
      ${passkey.recordFrom(sql`registered`)}
    )
    select credential_id
      from registered`)
  return rows.length > 0
}

export const selectPasskey = async (
  db: Queryable,
  given: { poolId: string; credentialId: string },
): Promise<PasskeyRow | undefined> => {
  const [row] = await db.query<PasskeyRow>(sql`
    select ${columns}
      from passkeys
     where pool_id = ${given.poolId}
       and credential_id = ${given.credentialId}`)
  return row
}

/** Of one user, oldest first. */
export const selectPasskeys = (db: Queryable, poolId: string, userId: string) =>
  db.query<PasskeyRow>(sql`
    select ${columns}
      from passkeys
     where pool_id = ${poolId}
       and user_id = ${userId}
     order by created_at, credential_id`)

/**
 * Counts a use of a passkey, if it is there and its counter goes on, or stays 0 because the authenticator keeps none
 * (WebAuthn, section 7.2, step 21).
 */
export const usePasskey = async (
  tx: Queryable,
  given: { poolId: string; credentialId: string; counter: number; backedUp: boolean; now: Date },
): Promise<boolean> => {
  const rows = await tx.query(sql`
    update passkeys
       set counter = ${named({ counter: given.counter })}::bigint,
           backed_up = ${given.backedUp},
           last_used_at = ${given.now}
     where pool_id = ${given.poolId}
       and credential_id = ${given.credentialId}
       and (
             counter < ${named({ counter: given.counter })}::bigint
             or (counter = 0 and ${named({ counter: given.counter })}::bigint = 0)
           )
    returning credential_id`)
  return rows.length > 0
}

/** Whether there was one. */
export const deletePasskey = async (
  tx: Queryable,
  given: { poolId: string; userId: string; credentialId: string },
): Promise<boolean> => {
  const rows = await tx.query(sql`
    delete from passkeys
     where pool_id = ${given.poolId}
       and user_id = ${given.userId}
       and credential_id = ${given.credentialId}
    returning credential_id`)
  return rows.length > 0
}
