import { type Queryable, sql } from '../core/database.ts'

/** Lets one change of a pool's configuration happen at a time; who only uses the pool's rows does not wait. */
export const lockConfiguration = (tx: Queryable, poolId: string) =>
  tx.query(sql`
    select id
      from pools
     where id = ${poolId}
       for no key update`)
