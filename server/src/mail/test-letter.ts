// A letter that an administrator sends to try the mail server out.
//
// What must stay true: it says what it is; a pool sends no more test messages in an hour than the limit allows, whoever
// asks.
import { ApiError } from '../api-codes.ts'
import type { Config } from '../config.ts'
import { type Clock, secondsUntil } from '../core/clock.ts'
import { takeOne } from '../core/counters.ts'
import { newId } from '../core/crypto.ts'
import type { Database } from '../core/database.ts'
import { requireEmail } from '../users/users.ts'
import { toLetter } from './letters.ts'
import type { Post, PostOutcome } from './post.ts'
import type { MailSettings } from './settings.ts'

const letter = toLetter({
  subject: 'Test message of Dialtone',
  text: 'This is a test message of Dialtone, sent by an administrator. It carries no code.',
  locale: 'en-US',
})

/** A person waits for the answer. */
const longestSeconds = 60

type Deps = {
  db: Database
  settings: MailSettings
  post: Post
  clock: Clock
  config: Pick<Config, 'limits'>
}

export const createTestLetters = ({ db, settings, post, clock, config }: Deps) => ({
  /** @throws ApiError email_invalid, email_not_configured, sms_limit_reached */
  send: async (poolId: string, to: string): Promise<PostOutcome> => {
    const email = requireEmail(to)
    if ((await settings.show(poolId)) === undefined) {
      throw new ApiError('email_not_configured', 'the pool has no mail server')
    }
    const now = clock.now()
    const limit = config.limits.testMessagesHour
    const spentUntil = await takeOne(db, { poolId, key: 'test_messages', ...limit, now })
    if (spentUntil !== undefined) {
      const retryAfterSeconds = secondsUntil(now, spentUntil)
      throw new ApiError('sms_limit_reached', 'test messages of the pool', { retryAfterSeconds })
    }
    const signal = AbortSignal.timeout(longestSeconds * 1000)
    return post.send(poolId, { id: newId(clock), to: email, ...letter }, signal)
  },
})

export type TestLetters = ReturnType<typeof createTestLetters>
