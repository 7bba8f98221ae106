import { type Queryable, sql } from '../core/database.ts'

export type TemplateRow = { channel: string; locale: string; region: string; purpose: string; text: string }

type TemplateKey = Omit<TemplateRow, 'text'>

export const selectTemplates = <Row extends TemplateRow>(db: Queryable, poolId: string): Promise<Row[]> =>
  db.query<Row>(sql`
    select channel, locale, region, purpose, text
      from message_templates
     where pool_id = ${poolId}
     order by channel, locale, region, purpose`)

export const upsertTemplate = (
  db: Queryable,
  { poolId, template, now }: { poolId: string; template: TemplateRow; now: Date },
) =>
  db.query(sql`
    insert into message_templates (
      pool_id, channel, locale, region, purpose, text, updated_at
    ) values (
      ${poolId}, ${template.channel}, ${template.locale}, ${template.region}, ${template.purpose},
      ${template.text}, ${now}
    )
    on conflict (pool_id, channel, locale, region, purpose) do update
       set text = excluded.text,
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
