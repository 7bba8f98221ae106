import { type Queryable, sql } from '../core/database.ts'

export type RouteRow = { name: string; serves: unknown; step_order: string; steps: unknown }

export const selectRoutes = (db: Queryable, poolId: string) =>
  db.query<RouteRow>(sql`
    select name, serves, step_order, steps
      from sms_routes
     where pool_id = ${poolId}
     order by position`)

export const deleteRoutes = (tx: Queryable, poolId: string) =>
  tx.query(sql`
    delete from sms_routes
     where pool_id = ${poolId}`)

export const insertRoute = (tx: Queryable, poolId: string, position: number, row: RouteRow) =>
  tx.query(sql`
    insert into sms_routes (pool_id, position, name, serves, step_order, steps)
    values (
      ${poolId}, ${position}, ${row.name}, ${JSON.stringify(row.serves)}::jsonb, ${row.step_order},
      ${JSON.stringify(row.steps)}::jsonb
    )`)

/** Providers of the pool by name, to check that a route names only those. */
export const selectProviderKinds = (db: Queryable, poolId: string) =>
  db.query<{ name: string; kind: string }>(sql`
    select name, kind
      from sms_providers
     where pool_id = ${poolId}`)
