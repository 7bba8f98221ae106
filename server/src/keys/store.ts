import { type Queryable, sql } from '../core/database.ts'

export type KeyUse = 'sign_token' | 'password_rsa' | 'password_sm2'

export type KeyRow = {
  id: string
  use: KeyUse
  public_key: string
  sealed_private_key: string
  created_at: Date
  retires_at: Date | null
}

/** Every key that is still published or accepted, the newest of each use first. */
export const selectKeys = (db: Queryable, now: Date) =>
  db.query<KeyRow>(sql`
    select id, use, public_key, sealed_private_key, created_at, retires_at
      from server_keys
     where retires_at is null
        or retires_at > ${now}
     order by use, retires_at desc nulls first, created_at desc`)

export const insertKey = (db: Queryable, key: Omit<KeyRow, 'retires_at'>) =>
  db.query(sql`
    insert into server_keys (id, use, public_key, sealed_private_key, created_at)
    values (${key.id}, ${key.use}, ${key.public_key}, ${key.sealed_private_key}, ${key.created_at})`)

export const retireKeys = (db: Queryable, use: KeyUse, retiresAt: Date) =>
  db.query(sql`
    update server_keys
       set retires_at = ${retiresAt}
     where use = ${use}
       and retires_at is null`)
