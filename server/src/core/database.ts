// One SQL for two engines: embedded PGlite, or PostgreSQL 14 and later. Both speak the same dialect and return
// the same JavaScript values, so that a statement is written and tested once.
import { existsSync, mkdirSync, renameSync, rmSync } from 'node:fs'
import { PGlite } from '@electric-sql/pglite'
import pg from 'pg'
import sql, { type Sql } from 'sql-template-tag'

export { empty, join, type Sql } from 'sql-template-tag'
export { sql }

export type Queryable = {
  /** Runs one statement; rows keep the column names of the SQL. */
  query<Row>(statement: Sql): Promise<Row[]>
  /** Runs a text of several statements without parameters, as a migration is. */
  script(text: string): Promise<void>
}

export type Database = Queryable & {
  engine: 'pglite' | 'postgres'
  /**
   * All or nothing: what `work` throws rolls everything back and is thrown on. `work` does nothing but ask `tx`: it runs
   * again when PostgreSQL ends it because it and another wait for each other's rows.
   */
  transaction<Result>(work: (tx: Queryable) => Promise<Result>): Promise<Result>
  close(): Promise<void>
}

/** A value that stands in a statement under a name: see `named`. */
class NamedValue {
  readonly name: string
  readonly value: unknown

  constructor(name: string, value: unknown) {
    this.name = name
    this.value = value
  }

  /** In a template that is not `sql` it would become text: better an error than a wrong key. */
  toString(): string {
    throw new Error(`the named parameter ${this.name} stands in a text that is not SQL`)
  }
}

/** `${named({ poolId })}`: however often the name stands in a statement and its fragments, the value is sent once. */
export const named = (parameter: Readonly<Record<string, unknown>>): NamedValue => {
  const [entry] = Object.entries(parameter)
  if (entry === undefined) throw new Error('a named parameter needs a name')
  return new NamedValue(...entry)
}

/** The text and values that a driver takes. */
const compile = ({ strings, values }: Sql): { text: string; values: unknown[] } => {
  const places = new Map<string, number>()
  const sent: unknown[] = []
  let text = strings[0] ?? ''
  for (const [index, value] of values.entries()) {
    const parameter = value instanceof NamedValue ? value : undefined
    let place = parameter === undefined ? undefined : places.get(parameter.name)
    if (place === undefined) {
      place = sent.push(parameter === undefined ? value : parameter.value)
      if (parameter !== undefined) places.set(parameter.name, place)
    } else if (sent[place - 1] !== parameter?.value) {
      throw new Error(`the parameter ${parameter?.name} has two values in one statement`)
    }
    text += `$${place}${strings[index + 1] ?? ''}`
  }
  return { text, values: sent }
}

/** The unique index that refused a row, if that is what the error says (SQLSTATE 23505). */
export const violatedUniqueIndex = (error: unknown): string | undefined => {
  if (!(error instanceof Error) || !('code' in error) || error.code !== '23505') return undefined
  return 'constraint' in error && typeof error.constraint === 'string' ? error.constraint : 'unknown'
}

/** SQLSTATE 40P01: of two that wait for each other, PostgreSQL rolled this one back, and the other one goes on. */
const isDeadlock = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && error.code === '40P01'

/** Twice again: each time at least one of those that wait for each other gets through. */
const againAfterDeadlock = async <Result>(work: () => Promise<Result>, tries = 3): Promise<Result> => {
  try {
    return await work()
  } catch (error) {
    if (tries === 1 || !isDeadlock(error)) throw error
    return againAfterDeadlock(work, tries - 1)
  }
}

/** @throws when the database does not answer */
export const ping = async (db: Queryable): Promise<void> => {
  await db.query(sql`select 1`)
}

/**
 * A process that is killed while it makes a database leaves half of one, which PGlite cannot open: so a new one is made
 * aside, and gets its name when it is whole.
 */
const makePglite = async (dataDir: string): Promise<void> => {
  if (existsSync(dataDir)) return
  const aside = `${dataDir}.unfinished`
  rmSync(aside, { recursive: true, force: true })
  mkdirSync(aside, { recursive: true, mode: 0o700 })
  const db = await PGlite.create({ dataDir: aside })
  await db.close()
  renameSync(aside, dataDir)
}

export const openPglite = async (dataDir: string | undefined, loadFrom?: Blob): Promise<Database> => {
  if (dataDir !== undefined) await makePglite(dataDir)
  const db = await PGlite.create({
    ...(dataDir === undefined ? {} : { dataDir }),
    ...(loadFrom === undefined ? {} : { loadDataDir: loadFrom }),
  })
  const run = async <Row>(on: Pick<PGlite, 'query'>, statement: Sql) => {
    const { text, values } = compile(statement)
    return (await on.query<Row>(text, values)).rows
  }
  return {
    engine: 'pglite',
    query: (statement) => run(db, statement),
    transaction: (work) =>
      db.transaction((tx) =>
        work({
          query: (statement) => run(tx, statement),
          script: async (text) => void (await tx.exec(text)),
        }),
      ),
    script: async (text) => void (await db.exec(text)),
    close: () => db.close(),
  }
}

export const openPostgres = (
  url: string,
  options: { poolSize: number; onError(error: Error): void },
): Database => {
  const pool = new pg.Pool({ connectionString: url, max: options.poolSize, application_name: 'dialtone' })
  // An idle connection that breaks (a restart of PostgreSQL) must not end the process; the pool opens a new one.
  pool.on('error', options.onError)
  const names = new Map<string, string>()
  // A named statement is parsed and planned once a connection: half of PostgreSQL's time for short statements.
  const nameOf = (text: string) => {
    const known = names.get(text)
    if (known !== undefined) return known
    const name = `s${names.size}`
    names.set(text, name)
    return name
  }
  const run = async <Row>(client: pg.Pool | pg.ClientBase, statement: Sql) => {
    const { text, values } = compile(statement)
    return (await client.query({ name: nameOf(text), text, values })).rows as Row[]
  }

  const transact = async <Result>(work: (tx: Queryable) => Promise<Result>): Promise<Result> => {
    const client = await pool.connect()
    try {
      await client.query('begin')
      const result = await work({
        query: (statement) => run(client, statement),
        script: async (text) => void (await client.query(text)),
      })
      await client.query('commit')
      client.release()
      return result
    } catch (error) {
      // A connection whose rollback fails is in an unknown state: close it rather than hand it on.
      await client.query('rollback').then(
        () => client.release(),
        (fault: Error) => client.release(fault),
      )
      throw error
    }
  }

  return {
    engine: 'postgres',
    query: (statement) => againAfterDeadlock(() => run(pool, statement)),
    transaction: (work) => againAfterDeadlock(() => transact(work)),
    script: async (text) => void (await pool.query(text)),
    close: () => pool.end(),
  }
}
