// The built-in inbox: what would have reached phones and mailboxes, for trying Dialtone without a provider.
//
// What must stay true: it shows only messages that were routed to it, and exists only where the settings switch it on;
// codes are made again from their challenges on reading, so that none is stored (rule 3).
import { inboxProvider, type MessageRow, type Messages, minutesOf } from '../messages/messages.ts'
import { type Passcodes, type Purpose, wireChannelOf } from '../passcodes/passcodes.ts'
import type { Templates } from '../templates/templates.ts'

export type InboxMessage = {
  id: string
  to: string
  text: string
  passCode: string
  channel: string
  createdAt: string
}

type Deps = { messages: Messages; passcodes: Passcodes; templates: Templates }

export const createInbox = ({ messages, passcodes, templates }: Deps) => {
  const show = async (row: MessageRow): Promise<InboxMessage[]> => {
    const code = passcodes.codeOfMessage(row)
    if (code === undefined) return []
    const purpose = row.purpose as Purpose
    return [
      {
        id: row.id,
        to: row.recipient,
        text: await templates.render({
          poolId: row.pool_id,
          channel: row.channel,
          locale: row.language,
          region: row.region ?? undefined,
          purpose,
          code,
          minutes: minutesOf(row),
          app: row.application_name,
          webOtpHost: row.web_otp_host ?? undefined,
          androidHash: row.android_sms_hash ?? undefined,
        }),
        passCode: code,
        channel: wireChannelOf(row.channel, purpose),
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
