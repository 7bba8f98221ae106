import { describe, expect, it } from 'vitest'
import { type Queryable, sql } from '../../src/core/database.ts'
import { openTestDatabase } from '../support/database.ts'

/** What is called waits until it was called so often. */
const meeting = (count: number): (() => Promise<void>) => {
  const waiting: (() => void)[] = []
  let came = 0
  return () =>
    new Promise((resolve) => {
      came += 1
      waiting.push(resolve)
      if (came >= count) for (const go of waiting.splice(0)) go()
    })
}

describe('two transactions that want the same rows in opposite order', () => {
  it('both get through, each once', async () => {
    const { db, drop } = await openTestDatabase()
    try {
      await db.script(`
        create table doors (name text primary key, opened integer not null);
        insert into doors values ('left', 0), ('right', 0)`)
      // PGlite runs one transaction after the other: there, waiting for the second one would never end.
      const bothInside = meeting(db.engine === 'postgres' ? 2 : 1)
      const open = (tx: Queryable, name: string) =>
        tx.query(sql`update doors set opened = opened + 1 where name = ${name}`)
      const openBoth = (first: string, second: string) =>
        db.transaction(async (tx) => {
          await open(tx, first)
          await bothInside()
          await open(tx, second)
        })

      await Promise.all([openBoth('left', 'right'), openBoth('right', 'left')])

      expect(await db.query(sql`select name, opened from doors order by name`)).toEqual([
        { name: 'left', opened: 2 },
        { name: 'right', opened: 2 },
      ])
    } finally {
      await db.script('drop table if exists doors')
      await drop()
    }
  })
})
