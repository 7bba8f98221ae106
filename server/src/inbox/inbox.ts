// The built-in inbox: what would have reached phones and mailboxes, for trying Dialtone without a provider.
//
// What must stay true: it shows only messages that were routed to it, and exists only where the settings switch it on;
// codes are made again from their challenges on reading, so that none is stored (rule 3).
import type { Language } from '../config.ts'
import { inboxProvider, type MessageRow, type Messages } from '../messages/messages.ts'
import { type Passcodes, type Purpose, passcodeText, wireChannelOf } from '../passcodes/passcodes.ts'

export type InboxMessage = {
  id: string
  to: string
  text: string
  passCode: string
  channel: string
  createdAt: string
}

export const createInbox = ({ messages, passcodes }: { messages: Messages; passcodes: Passcodes }) => {
  const show = (row: MessageRow): InboxMessage[] => {
    const code = passcodes.codeOfMessage(row)
    if (code === undefined) return []
    const purpose = row.purpose as Purpose
    const minutes = Math.max(1, Math.round((row.expires_at.getTime() - row.created_at.getTime()) / 60_000))
    const language = row.language as Language
    return [
      {
        id: row.id,
        to: row.recipient,
        text: passcodeText({ code, purpose, applicationName: row.application_name, minutes, language }),
        passCode: code,
        channel: wireChannelOf(row.channel, purpose),
        createdAt: row.created_at.toISOString(),
      },
    ]
  }

  return {
    /** Newest first, at most 200; of one recipient (E.164 or email address), or of all. */
    list: async (recipient?: string): Promise<InboxMessage[]> =>
      (await messages.list(inboxProvider, recipient)).flatMap(show),
  }
}

export type Inbox = ReturnType<typeof createInbox>
