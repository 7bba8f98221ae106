// What is sent to people: one row a message. A row holds neither text nor code (rule 3): both are made again from the
// challenge when they are needed, by the provider that delivers it or by the inbox that shows it.
//
// What must stay true: a message is a row before it is sent, written with the challenge that it carries (rule 23).
import { type Clock, secondsAfter } from '../core/clock.ts'
import type { Database } from '../core/database.ts'
import { deleteOldMessages, type MessageRow, selectMessages } from './store.ts'

export { insertMessageFrom, type MessageRow, type NewMessage } from './store.ts'

/** The provider that keeps messages for the built-in inbox. */
export const inboxProvider = 'inbox'

const keptSeconds = 7 * 86_400

export const createMessages = ({ db, clock }: { db: Database; clock: Clock }) => ({
  /** The messages that a provider took, newest first, at most 200; of one recipient, or of all. */
  list: (provider: string, recipient?: string): Promise<MessageRow[]> =>
    selectMessages(db, { provider, recipient, limit: 200 }),

  deleteOld: async (): Promise<void> => {
    await deleteOldMessages(db, secondsAfter(clock.now(), -keptSeconds))
  },
})

export type Messages = ReturnType<typeof createMessages>
