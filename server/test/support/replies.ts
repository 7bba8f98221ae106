import { type Queryable, sql } from '../../src/core/database.ts'
import type { Reply, TestApp } from './app.ts'

/** Starts the same work many times at once and waits for all of it. */
export const atOnce = <Result>(count: number, work: (index: number) => Promise<Result>): Promise<Result[]> =>
  Promise.all(Array.from({ length: count }, (_, index) => work(index)))

/**
 * Starts work while its rows are locked, and lets go when so many statements wait for them: all of these have read
 * the state before any of them changes it. Without this, a fast database seldom sees a race. PGlite runs one statement
 * at a time, so that there none waits.
 */
export const collide = async <Result>(
  app: TestApp,
  given: { on: 'passcodes' | 'limit_counters'; waiting: number },
  start: () => Promise<Result>,
): Promise<Result> => {
  const { work } = await app.db.transaction(async (tx) => {
    await tx.query(
      given.on === 'passcodes'
        ? sql`select from passcodes for update`
        : sql`select from limit_counters for update`,
    )
    const started = { work: start() }
    while (app.db.engine === 'postgres' && (await countWaiting(tx)) < given.waiting);
    return started
  })
  return work
}

const countWaiting = async (tx: Queryable): Promise<number> => {
  await tx.query(sql`select pg_stat_clear_snapshot()`)
  const [row] = await tx.query<{ count: number }>(sql`
    select count(*)::integer as count
      from pg_stat_activity
     where datname = current_database()
       and wait_event_type = 'Lock'`)
  return row?.count ?? 0
}

/** How often each apiCode came back; a success counts as 200. */
export const tally = (replies: readonly Reply[]): Record<number, number> => {
  const counts: Record<number, number> = {}
  for (const { apiCode, statusCode } of replies) {
    const code = apiCode ?? statusCode
    counts[code] = (counts[code] ?? 0) + 1
  }
  return counts
}

/** The eleven channels of send-sms. */
export const smsChannels = [
  'CHANNEL_LOGIN',
  'CHANNEL_REGISTER',
  'CHANNEL_RESET_PASSWORD',
  'CHANNEL_BIND_PHONE',
  'CHANNEL_UNBIND_PHONE',
  'CHANNEL_BIND_MFA',
  'CHANNEL_VERIFY_MFA',
  'CHANNEL_UNBIND_MFA',
  'CHANNEL_COMPLETE_PHONE',
  'CHANNEL_IDENTITY_VERIFICATION',
  'CHANNEL_DELETE_ACCOUNT',
] as const

/** The eleven channels of send-email. */
export const emailChannels = [
  'CHANNEL_LOGIN',
  'CHANNEL_REGISTER',
  'CHANNEL_RESET_PASSWORD',
  'CHANNEL_VERIFY_EMAIL_LINK',
  'CHANNEL_UPDATE_EMAIL',
  'CHANNEL_BIND_EMAIL',
  'CHANNEL_UNBIND_EMAIL',
  'CHANNEL_VERIFY_MFA',
  'CHANNEL_UNLOCK_ACCOUNT',
  'CHANNEL_COMPLETE_EMAIL',
  'CHANNEL_DELETE_ACCOUNT',
] as const
