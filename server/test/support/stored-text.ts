// What somebody reads who has copied the database: every row of every table, as text.
import { raw } from 'sql-template-tag'
import { sql } from '../../src/core/database.ts'
import type { TestApp } from './app.ts'

/**
 * Rows as JSON, so that a value that was stored alone stands between quotes. Bytes are told twice: as the text that
 * they may be, and in base64url, as tokens are written.
 * @param only Default: all tables.
 */
export const storedText = async ({ db }: Pick<TestApp, 'db'>, only?: readonly string[]): Promise<string> => {
  const tables = await db.query<{ name: string; bytes: string[] }>(sql`
    select tables.table_name as name,
           coalesce(json_agg(columns.column_name) filter (where columns.data_type = 'bytea'), '[]') as bytes
      from information_schema.tables
      join information_schema.columns using (table_schema, table_name)
     where table_schema = 'public'
       and table_type = 'BASE TABLE'
     group by tables.table_name`)
  const missing = only?.find((wanted) => !tables.some(({ name }) => name === wanted))
  if (missing !== undefined) throw new Error(`no table ${missing}`)

  const texts: string[] = []
  for (const { name, bytes } of tables) {
    if (only?.includes(name) === false) continue
    const told = bytes.map(
      (column) => `
      || jsonb_build_object(
           '${column} as text', encode(t.${column}, 'escape'),
           '${column} as base64url', translate(encode(t.${column}, 'base64'), E'+/=\\n', '-_')
         )`,
    )
    const rows = await db.query<{ row: string }>(
      raw(`
      select (to_jsonb(t)${told.join('')})::text as row
        from "${name}" t`),
    )
    texts.push(...rows.map(({ row }) => `${name} ${row}`))
  }
  return texts.join('\n')
}
