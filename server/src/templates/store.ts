import { type Queryable, sql } from '../core/database.ts'
import type { MessageChannel } from './entry.ts'

type TemplateKey = { channel: MessageChannel; locale: string; region: string; purpose: string }

export type TemplateRow = TemplateKey & { text: string; subject: string | null }

export const selectTemplates = (db: Queryable, poolId: string): Promise<TemplateRow[]> =>
  db.query<TemplateRow>(sql`
    select channel, locale, region, purpose, text, subject
      from message_templates
     where pool_id = ${poolId}
     order by channel, locale, region, purpose`)

export const upsertTemplate = (
  db: Queryable,
  {
    poolId,
    template,
    now,
  }: { poolId: string; template: TemplateKey & { text: string; subject?: string }; now: Date },
) =>
  db.query(sql`
    insert into message_templates (
      pool_id, channel, locale, region, purpose, text, subject, updated_at
    ) values (
      ${poolId}, ${template.channel}, ${template.locale}, ${template.region}, ${template.purpose},
      ${template.text}, ${template.subject ?? null}, ${now}
    )
    on conflict (pool_id, channel, locale, region, purpose) do update
       set text = excluded.text,
           subject = excluded.subject,
           updated_at = excluded.updated_at`)

/** Whether there was one. */
export const deleteTemplate = async (db: Queryable, poolId: string, key: TemplateKey): Promise<boolean> => {
  const rows = await db.query(sql`
    delete from message_templates
     where pool_id = ${poolId}
       and channel = ${key.channel}
       and locale = ${key.locale}
       and region = ${key.region}
       and purpose = ${key.purpose}
    returning 1`)
  return rows.length > 0
}

export const deleteTemplates = (db: Queryable, poolId: string) =>
  db.query(sql`
    delete from message_templates
     where pool_id = ${poolId}`)
