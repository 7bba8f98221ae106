// The built-in inbox: what would have reached phones and mailboxes, for trying Dialtone without a provider.
//
// What must stay true: it shows only messages that were routed to it, and exists only where the settings switch it on;
// texts and codes are made again on reading, so that none is stored (rule 3).
import type { Deliveries } from '../delivery/delivery.ts'
import { inboxProvider, type MessageRow, type Messages } from '../messages/messages.ts'
import { type Purpose, wireChannelOf } from '../passcodes/passcodes.ts'

export type InboxMessage = {
  id: string
  to: string
  text: string
  /** Empty where the message carries none. */
  passCode: string
  /** The wire's channel of a passcode; of a notice `NOTICE_` and its kind. */
  channel: string
  createdAt: string
}

/** What the inbox says of a message's purpose. */
const channelOf = (row: MessageRow): string =>
  row.notice_id === null
    ? wireChannelOf(row.channel, row.purpose as Purpose)
    : `NOTICE_${row.purpose.toUpperCase()}`

export const createInbox = ({ messages, delivery }: { messages: Messages; delivery: Deliveries }) => {
  const show = async (row: MessageRow): Promise<InboxMessage[]> => {
    const content = await delivery.read(row)
    if (content === undefined) return []
    return [
      {
        id: row.id,
        to: row.recipient,
        text: content.text,
        passCode: content.code ?? '',
        channel: channelOf(row),
        createdAt: row.created_at.toISOString(),
      },
    ]
  }

  return {
    /** Newest first, at most 200; of one recipient (E.164 or email address), or of all. */
    list: async (recipient?: string): Promise<InboxMessage[]> =>
      (await Promise.all((await messages.list(inboxProvider, recipient)).map(show))).flat(),
  }
}

export type Inbox = ReturnType<typeof createInbox>
