import { type Queryable, sql } from '../core/database.ts'

export type ApplicationRow = {
  pool_id: string
  id: string
  name: string
  sealed_secret: string
  client_authentication: 'client_secret' | 'none'
  id_token_algorithm: 'RS256' | 'HS256'
  access_token_ttl_seconds: number
  id_token_ttl_seconds: number
  refresh_token_ttl_seconds: number
  sign_up_enabled: boolean
  web_otp_host: string | null
  android_sms_hash: string | null
  allowed_origins: readonly string[]
}

const columns = sql`
  pool_id, id, name, sealed_secret, client_authentication, id_token_algorithm,
  access_token_ttl_seconds, id_token_ttl_seconds, refresh_token_ttl_seconds, sign_up_enabled,
  web_otp_host, android_sms_hash, allowed_origins`

export const selectApplication = async (db: Queryable, id: string): Promise<ApplicationRow | undefined> => {
  const [row] = await db.query<ApplicationRow>(sql`
    select ${columns}
      from applications
     where id = ${id}`)
  return row
}

export const selectApplications = (db: Queryable, poolId: string) =>
  db.query<ApplicationRow>(sql`
    select ${columns}
      from applications
     where pool_id = ${poolId}
     order by created_at, id`)

/** The application that was made first: the one whose credentials the first start printed. */
export const selectFirstApplication = async (db: Queryable): Promise<ApplicationRow | undefined> => {
  const [row] = await db.query<ApplicationRow>(sql`
    select ${columns}
      from applications
     order by created_at, id
     limit 1`)
  return row
}

/** Of all applications of all pools. */
export const selectAllowedOrigins = (db: Queryable) =>
  db.query<{ origin: string }>(sql`
    select distinct unnest(allowed_origins) as origin
      from applications`)

export const insertPool = (db: Queryable, pool: { id: string; name: string; createdAt: Date }) =>
  db.query(sql`
    insert into pools (id, name, created_at)
    values (${pool.id}, ${pool.name}, ${pool.createdAt})`)

export const insertApplication = (db: Queryable, row: ApplicationRow & { created_at: Date }) =>
  db.query(sql`
    insert into applications (
      ${columns}, created_at
    ) values (
      ${row.pool_id}, ${row.id}, ${row.name}, ${row.sealed_secret}, ${row.client_authentication},
      ${row.id_token_algorithm}, ${row.access_token_ttl_seconds}, ${row.id_token_ttl_seconds},
      ${row.refresh_token_ttl_seconds}, ${row.sign_up_enabled}, ${row.web_otp_host}, ${row.android_sms_hash},
      ${row.allowed_origins}::text[], ${row.created_at}
    )`)

export const updateApplication = (db: Queryable, row: ApplicationRow) =>
  db.query(sql`
    update applications
       set name = ${row.name},
           client_authentication = ${row.client_authentication},
           id_token_algorithm = ${row.id_token_algorithm},
           access_token_ttl_seconds = ${row.access_token_ttl_seconds},
           id_token_ttl_seconds = ${row.id_token_ttl_seconds},
           refresh_token_ttl_seconds = ${row.refresh_token_ttl_seconds},
           sign_up_enabled = ${row.sign_up_enabled},
           web_otp_host = ${row.web_otp_host},
           android_sms_hash = ${row.android_sms_hash},
           allowed_origins = ${row.allowed_origins}::text[]
     where pool_id = ${row.pool_id}
       and id = ${row.id}`)
