import { type Queryable, sql } from '../core/database.ts'

export const insertAdministrator = (
  db: Queryable,
  row: { poolId: string; id: string; username: string; passwordHash: string; createdAt: Date },
) =>
  db.query(sql`
    insert into administrators (pool_id, id, username, password_hash, created_at)
    values (${row.poolId}, ${row.id}, ${row.username}, ${row.passwordHash}, ${row.createdAt})`)
