// The phones: what has been delivered to each number, in memory, the newest first.
//
// What must stay true: only the last messages are kept, however many come.
import { randomUUID } from 'node:crypto'
import type { PhoneMessage } from './service.ts'

const keptMessages = 1000

export type Phones = {
  /** Puts it on the phone now. A message that a duplicate doubles appears under an id of its own. */
  show(message: Omit<PhoneMessage, 'receivedAt'>): void
  /** Of one number (E.164), or of all; the newest first. */
  messages(to?: string): PhoneMessage[]
  clear(): void
}

export const createPhones = (): Phones => {
  const shown: PhoneMessage[] = []

  return {
    show: ({ id, to, from, text, service, channel }) => {
      const isTaken = shown.some((message) => message.id === id)
      shown.unshift({
        id: isTaken ? randomUUID() : id,
        to,
        from,
        text,
        service,
        channel,
        receivedAt: new Date().toISOString(),
      })
      shown.length = Math.min(shown.length, keptMessages)
    },
    messages: (to) => shown.filter((message) => to === undefined || message.to === to),
    clear: () => {
      shown.length = 0
    },
  }
}
