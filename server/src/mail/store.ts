import { type Queryable, sql } from '../core/database.ts'
import type { ShownMail } from './settings.ts'

export type MailSettingsRow = { settings: ShownMail; sealed_password: string | null; updated_at: Date }

export const selectMailSettings = async (
  db: Queryable,
  poolId: string,
): Promise<MailSettingsRow | undefined> => {
  const [row] = await db.query<MailSettingsRow>(sql`
    select settings, sealed_password, updated_at
      from mail_settings
     where pool_id = ${poolId}`)
  return row
}

export const upsertMailSettings = (
  db: Queryable,
  given: { poolId: string; settings: ShownMail; sealedPassword: string | undefined; now: Date },
) =>
  db.query(sql`
    insert into mail_settings (pool_id, settings, sealed_password, updated_at)
    values (
      ${given.poolId}, ${JSON.stringify(given.settings)}::jsonb, ${given.sealedPassword ?? null}, ${given.now}
    )
    on conflict (pool_id) do update
       set settings = excluded.settings,
           sealed_password = excluded.sealed_password,
           updated_at = excluded.updated_at`)

/** Whether there were any. */
export const deleteMailSettings = async (db: Queryable, poolId: string): Promise<boolean> => {
  const rows = await db.query(sql`
    delete from mail_settings
     where pool_id = ${poolId}
    returning 1`)
  return rows.length > 0
}
