import { failures } from '../providers/providers.ts'
import type { AttemptRow, ReceiptRow } from './attempts-store.ts'
import { mailFailures } from './mail-failures.ts'
import type { MessageSummary } from './store.ts'

export type TimelineEvent = {
  /** `unknown`: the process ended while it waited for the provider's answer. */
  type: 'queued' | 'tried' | 'refused' | 'unknown' | 'accepted' | 'sent' | 'delivered' | 'failed' | 'verified'
  at: string
  provider?: string
  channel?: string
  reason?: string
  /** The reason in words that an administrator can act on. */
  about?: string
  /** The provider's own code. */
  code?: string
}

type Told = { channel?: string; reason: string | null; code: string | null }

const aboutOf = ({ channel, reason }: Told): string | undefined => {
  const rows: Readonly<Record<string, { about: string }>> = channel === 'email' ? mailFailures : failures
  return reason !== null && Object.hasOwn(rows, reason) ? rows[reason]?.about : undefined
}

const why = (told: Told) => {
  const about = aboutOf(told)
  return {
    ...(told.reason === null ? {} : { reason: told.reason }),
    ...(about === undefined ? {} : { about }),
    ...(told.code === null ? {} : { code: told.code }),
  }
}

/** `after`: where it stands at the earliest. */
type Placed = Omit<TimelineEvent, 'at'> & { at: Date; after?: Date | undefined }

/** The clock of a provider may be behind ours, and its receipt may be here before its answer: that came first. */
const placeOf = ({ at, after }: Placed): number => Math.max(at.getTime(), after?.getTime() ?? 0)

/** All that is known of a message, in the order of time. */
export const timelineOf = (given: {
  message: MessageSummary
  attempts: readonly AttemptRow[]
  receipts: readonly ReceiptRow[]
}): TimelineEvent[] => {
  const { message, attempts, receipts } = given
  const events: Placed[] = [{ type: 'queued', at: message.created_at }]
  for (const attempt of attempts) {
    const { provider, channel, state } = attempt
    events.push({ type: 'tried', at: attempt.started_at, provider, channel })
    if (state === 'unknown') events.push({ type: 'unknown', at: attempt.started_at, provider, channel })
    if (attempt.answered_at === null) continue
    const type = state === 'refused' ? 'refused' : 'accepted'
    events.push({
      type,
      at: attempt.answered_at,
      provider,
      channel,
      ...(type === 'refused' ? why(attempt) : {}),
    })
  }
  for (const receipt of receipts) {
    const attempt = attempts.find((one) => one.provider_message_id === receipt.provider_message_id)
    events.push({
      after: attempt?.answered_at ?? undefined,
      type: receipt.state as 'sent' | 'delivered' | 'failed',
      at: receipt.occurred_at,
      provider: receipt.provider,
      ...why(receipt),
    })
  }
  if (message.verified_at !== null) events.push({ type: 'verified', at: message.verified_at })
  return events
    .sort((a, b) => placeOf(a) - placeOf(b))
    .map(({ after: _, at, ...event }) => ({ ...event, at: at.toISOString() }))
}
