// What is sent to people: one row a message, one row each time that a provider is tried with it, one row a receipt. A
// message carries a passcode or tells of a notice, and holds neither text nor code (rule 3): both are made again from
// the challenge or the notice when they are needed.
//
// What must stay true: a message is a row before it is sent, written with what it carries (rule 23); of
// several processes, one delivers it; a provider's acceptance is not delivery (rule 24): a state only moves on, however
// often and in whatever order receipts come.
import { type Clock, secondsAfter } from '../core/clock.ts'
import type { Database, Queryable } from '../core/database.ts'
import type { E164 } from '../phone-numbers/phone-numbers.ts'
import type { Receipt } from '../providers/providers.ts'
import {
  type AcceptedAttempt,
  acceptAttempt,
  applyReceipts,
  insertAttempt,
  insertReceipt,
  markUnknown,
  type NewAttempt,
  refuseAttempt,
  selectAttempts,
  selectAttemptsOfContent,
  selectReceipts,
  selectSpending,
  takeDuePolls,
} from './attempts-store.ts'
import {
  deleteOldMessages,
  deleteOldReceipts,
  failMessage,
  leaseDueMessages,
  type MessageRow,
  postponeMessage,
  selectMessage,
  selectMessages,
  selectSummaries,
  selectSummary,
  takeMatureMessages,
} from './store.ts'
import { type TimelineEvent, timelineOf } from './timeline.ts'

export type { AttemptRow, DuePoll } from './attempts-store.ts'
export { type MailFailure, mailFailures } from './mail-failures.ts'
export {
  insertMessageFrom,
  type MessageRow,
  type MessageSummary,
  type NewMessage,
  verifiedMessages,
} from './store.ts'
export type { TimelineEvent } from './timeline.ts'

/** The provider that keeps messages for the built-in inbox. */
export const inboxProvider = 'inbox'

/** How long one process may work on a message before another takes it over. */
export const leaseSeconds = 30

const keptSeconds = 7 * 86_400

/** After the first look: when to ask again, and when to give up. */
const pollAgainSeconds = [40, 120, 420, 1200, 3600, 7200, 21_600]

export type Timeline = { message: Awaited<ReturnType<typeof selectSummary>>; events: TimelineEvent[] }

export const createMessages = ({ db, clock }: { db: Database; clock: Clock }) => ({
  /** The messages that a provider took, newest first, at most 200; of one recipient, or of all. */
  list: (provider: string, recipient?: string): Promise<MessageRow[]> =>
    selectMessages(db, { provider, recipient, limit: 200 }),

  find: (poolId: string, id: string) => selectMessage(db, poolId, id),

  /** For administrators: newest first, `before` an id. */
  summaries: (
    poolId: string,
    filter: { recipient?: string | undefined; before?: string | undefined; limit: number },
  ) =>
    selectSummaries(db, { poolId, recipient: filter.recipient, before: filter.before, limit: filter.limit }),

  /** What the messages of the last seconds cost, as providers told it or else as it was assumed, by currency. */
  spending: (poolId: string, seconds: number) =>
    selectSpending(db, { poolId, since: secondsAfter(clock.now(), -seconds) }),

  /** All that happened to a message, in the order of time. */
  timeline: async (poolId: string, id: string) => {
    const message = await selectSummary(db, poolId, id)
    if (message === undefined) return undefined
    const [attempts, receipts] = await Promise.all([
      selectAttempts(db, poolId, id),
      selectReceipts(db, poolId, id),
    ])
    return { message, attempts, events: timelineOf({ message, attempts, receipts }) }
  },

  /** Queued messages whose process is gone: this one has them now. */
  leaseDue: (limit: number): Promise<MessageRow[]> => {
    const now = clock.now()
    return leaseDueMessages(db, { now, until: secondsAfter(now, leaseSeconds), limit })
  },

  /** What was tried with this message, and with those that carried the same passcode. */
  attemptsOfContent: (message: MessageRow) =>
    selectAttemptsOfContent(db, {
      poolId: message.pool_id,
      recipient: message.recipient,
      passcodeId: message.passcode_id,
      noticeId: message.notice_id,
    }),

  /** What was tried with this message alone. */
  attemptsOf: ({ pool_id: poolId, id }: MessageRow) => selectAttempts(db, poolId, id),

  /** False: another process has the message. */
  startAttempt: (attempt: Omit<NewAttempt, 'startedAt' | 'leasedUntil'>): Promise<boolean> => {
    const now = clock.now()
    return insertAttempt(db, { ...attempt, startedAt: now, leasedUntil: secondsAfter(now, leaseSeconds) })
  },

  markUnknown: async (poolId: string, messageId: string, position: number): Promise<void> => {
    await markUnknown(db, poolId, messageId, position)
  },

  refuseAttempt: async (given: {
    poolId: string
    messageId: string
    position: number
    reason: string
    code: string
    isPaid: boolean
  }): Promise<void> => {
    await refuseAttempt(db, { ...given, at: clock.now() })
  },

  /**
   * `pollAfterSeconds`: when to ask the provider for the first time; undefined: it reports by itself. `asksOn`: as of
   * `takeReceipts`.
   */
  acceptAttempt: async (
    given: Omit<AcceptedAttempt, 'at' | 'pollAt'> & { pollAfterSeconds: number | undefined; asksOn: boolean },
  ): Promise<void> => {
    const at = clock.now()
    const { pollAfterSeconds: after } = given
    await acceptAttempt(db, {
      ...given,
      at,
      pollAt: after === undefined ? undefined : secondsAfter(at, after),
    })
    // Those that came before this answer. Here and there a row is written first and the other read in a second
    // statement, so that of an answer and a receipt at the same moment one always sees the other.
    await applyReceipts(db, given)
  },

  /** No provider took it, and one may later: it stays queued, and no process has it until then. */
  postpone: async (poolId: string, id: string, seconds: number): Promise<void> => {
    await postponeMessage(db, { poolId, id, until: secondsAfter(clock.now(), seconds) })
  },

  fail: async (poolId: string, id: string): Promise<void> => {
    await failMessage(db, poolId, id)
  },

  /** `asksOn`: whether a delivery is followed by further questions, for the price. */
  takeReceipts: async (
    poolId: string,
    provider: string,
    receipts: readonly Receipt[],
    asksOn = false,
  ): Promise<void> => {
    const now = clock.now()
    for (const receipt of receipts) {
      const of = { poolId, provider, providerMessageId: receipt.providerMessageId }
      if (!isId(of.providerMessageId)) continue
      await insertReceipt(db, {
        ...of,
        state: receipt.state,
        reason: receipt.reason,
        code: receipt.code?.slice(0, 100),
        price: receipt.price,
        occurredAt: receipt.occurredAt === undefined ? now : inItsSecond(receipt.occurredAt, now),
        receivedAt: now,
      })
      await applyReceipts(db, { ...of, asksOn })
    }
  },

  /** Attempts whose provider is to be asked now; no other process asks at the same time. */
  takeDuePolls: (limit: number) => takeDuePolls(db, { now: clock.now(), next: pollAgainSeconds, limit }),

  /** Messages whose codes have had time to come back, each given once. */
  takeMature: async (tx: Queryable, limit: number) =>
    (await takeMatureMessages(tx, clock.now(), limit)).map((row) => ({
      ...row,
      recipient: row.recipient as E164,
    })),

  deleteOld: async (): Promise<void> => {
    const before = secondsAfter(clock.now(), -keptSeconds)
    await deleteOldMessages(db, before)
    await deleteOldReceipts(db, before)
  },
})

/**
 * Most providers tell whole seconds. The message was written within the same one, maybe later in it: a receipt stands
 * at the end of its second, if that is not after it came.
 */
const inItsSecond = (told: Date, now: Date): Date => {
  if (told.getMilliseconds() !== 0) return told
  return new Date(Math.max(told.getTime(), Math.min(told.getTime() + 999, now.getTime())))
}

/** No service of ours gives ids that are longer, or hold what a column of text cannot (NUL). */
const isId = (id: string): boolean => id.length <= 200 && !/\p{Cc}/u.test(id)

export type Messages = ReturnType<typeof createMessages>

/** How long its code is valid from the message's making, in whole minutes, as its text says. */
export const minutesOf = ({ created_at: from, expires_at: until }: MessageRow): number =>
  Math.max(1, Math.round((until.getTime() - from.getTime()) / 60_000))
