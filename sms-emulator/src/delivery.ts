// The way of a message from the service that accepted it to the phone, and of its receipts back; and what the faults
// make of both.
//
// What must stay true: a receipt that cannot be given is remembered and shown, and troubles nobody else; whatever is
// still under way, `settle` waits for it and `stop` ends it.
import { setMaxListeners } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Faults } from './faults.ts'
import type { Phones } from './phones.ts'
import type { AcceptedMessage, ReceiptState, ServiceName, World } from './service.ts'

/** A message of a service that reports several states, and can give the later ones first. */
export type MessageOfStates = AcceptedMessage & {
  reportOutOfOrder(state: ReceiptState, errorCode?: string): Promise<void>
}

export type ReceiptFailure = { at: string; service: ServiceName; to: string; reason: string }

export type Delivery = {
  accept: World['accept']
  receiptFailures(): ReceiptFailure[]
  /** When nothing is under way any more, timers included. */
  settle(): Promise<void>
  stop(): Promise<void>
}

type Parts = {
  phones: Phones
  faults: Faults
  /** Real services report after they have answered. */
  receiptAfterMilliseconds: number
  lateReceiptMilliseconds: number
}

const defaultHoldMilliseconds = 300
const keptFailures = 100

export const createDelivery = (parts: Parts): Delivery => {
  const { phones, faults } = parts
  const underWay = new Set<Promise<void>>()
  const stopped = new AbortController()
  // Each message on its way waits on this one signal, and removes itself; Node would call eleven of them a leak.
  setMaxListeners(0, stopped.signal)
  const failures: ReceiptFailure[] = []
  let held: AcceptedMessage | undefined

  const start = (work: () => Promise<void>): void => {
    // What stops with the emulator has nobody left to tell.
    const promise = work()
      .catch(() => {})
      .finally(() => underWay.delete(promise))
    underWay.add(promise)
  }
  const wait = (milliseconds: number): Promise<void> =>
    sleep(milliseconds, undefined, { signal: stopped.signal })

  const remember = ({ service, to }: AcceptedMessage, error: unknown): void => {
    failures.unshift({ at: new Date().toISOString(), service, to, reason: reasonOf(error) })
    failures.length = Math.min(failures.length, keptFailures)
  }

  /** Tells the customer, in time; a customer who does not listen is no fault of the emulator. */
  const report = (message: AcceptedMessage, outcome: Outcome): void =>
    start(async () => {
      const { lateMilliseconds } = outcome
      await (lateMilliseconds === undefined
        ? wait(parts.receiptAfterMilliseconds)
        : Promise.race([wait(lateMilliseconds), faults.untilSetAnew()]))
      for (let time = 0; time < (outcome.times ?? 1); time += 1) {
        try {
          if (outcome.outOfOrder && hasStates(message)) {
            await message.reportOutOfOrder(outcome.state, outcome.errorCode)
          } else {
            await message.report(outcome.state, outcome.errorCode)
          }
        } catch (error) {
          remember(message, error)
        }
      }
    })

  const deliver = (message: AcceptedMessage, outOfOrder = false): void => {
    const failure = faults.take(message.service, 'fail')
    if (failure !== undefined) {
      report(message, { state: 'failed', outOfOrder, errorCode: failure.code })
      return
    }
    const times = faults.take(message.service, 'duplicate') === undefined ? 1 : 2
    for (let time = 0; time < times; time += 1) phones.show(message)
    const late = faults.take(message.service, 'late_receipt')
    const lateMilliseconds = late && (late.milliseconds ?? parts.lateReceiptMilliseconds)
    report(message, { state: 'delivered', times, outOfOrder, lateMilliseconds })
  }

  /** The one that was held arrives after the one that came later. */
  const releaseHeld = (): void => {
    if (held === undefined) return
    const message = held
    held = undefined
    deliver(message, true)
  }

  const hold = (message: AcceptedMessage, milliseconds = defaultHoldMilliseconds): void => {
    held = message
    start(async () => {
      await wait(milliseconds)
      if (held === message) releaseHeld()
    })
  }

  const accept = (message: AcceptedMessage): void => {
    const isDropped = faults.take(message.service, 'drop') !== undefined
    const reorder = isDropped ? undefined : faults.take(message.service, 'reorder')
    if (reorder !== undefined && held === undefined) {
      hold(message, reorder.milliseconds)
      return
    }
    if (!isDropped) deliver(message, reorder !== undefined)
    releaseHeld()
  }

  return {
    accept,
    receiptFailures: () => [...failures],
    settle: async () => {
      while (underWay.size > 0) await Promise.allSettled(underWay)
    },
    stop: async () => {
      stopped.abort()
      await Promise.allSettled(underWay)
    },
  }
}

type Outcome = {
  state: ReceiptState
  errorCode?: string | undefined
  times?: number
  outOfOrder: boolean
  /** Unless it is late, it is reported as soon as every other. */
  lateMilliseconds?: number | undefined
}

const hasStates = (message: AcceptedMessage): message is MessageOfStates => 'reportOutOfOrder' in message

/** Why a fetch failed stands in its cause. */
const reasonOf = (error: unknown): string => {
  if (!(error instanceof Error)) return String(error)
  return error.cause instanceof Error ? `${error.message}: ${error.cause.message}` : error.message
}

/** How long a customer's server may take for a receipt: its machine may be busy with the tests that wait for it. */
export const receiptTimeoutMilliseconds = 30_000

/** @throws when the customer's server does not take the receipt: any answer but 2xx, or none in its time */
export const postReceipt = async (
  url: string,
  init: { headers: Record<string, string>; body: string },
): Promise<void> => {
  const response = await fetch(url, {
    method: 'POST',
    ...init,
    redirect: 'error',
    signal: AbortSignal.timeout(receiptTimeoutMilliseconds),
  })
  await response.arrayBuffer()
  if (!response.ok) throw new Error(`${new URL(url).host} answered ${response.status}`)
}
