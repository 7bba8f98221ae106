// What goes on beside requests, in every process: one list of jobs, each by itself.
//
// What must stay true: a job that fails is told in the log under its name and ends no other; none waits for another;
// each is safe beside the others, and beside itself in another process (ARCHITECTURE.md, "Beside requests").
import type { Log } from '../core/log.ts'
import type { Deliveries } from '../delivery/delivery.ts'
import type { Guard } from '../guard/guard.ts'
import type { Phone } from '../phone/phone.ts'
import type { Providers } from '../providers/providers.ts'
import type { Receipts } from '../receipts/receipts.ts'

type Deps = {
  providers: Providers
  delivery: Deliveries
  receipts: Receipts
  guard: Guard
  phone: Phone
  log: Log
}

export const createBackgroundWork = ({ providers, delivery, receipts, guard, phone, log }: Deps) =>
  sideBySide(
    {
      keepConnected: providers.keepConnected,
      deliverDue: delivery.deliverDue,
      pollDue: receipts.pollDue,
      countMature: guard.countMature,
      applyDue: phone.applyDue,
    },
    log,
  )

type Jobs = Readonly<Record<string, () => Promise<unknown>>>

/** Jobs that each go on whatever becomes of the others. Neither of the two ever throws. */
export const sideBySide = (jobs: Jobs, log: Log) => {
  const runs = logged(jobs, log)
  return {
    /** Runs every job once; done when all of them are. */
    runAll: async (): Promise<void> => {
      await Promise.all(runs.map((run) => run()))
    },
    keepRunning: (seconds: number): void => {
      for (const run of runs) repeat(run, seconds)
    },
  }
}

/** Jobs that are done one after the other, so that they take one connection; one that fails ends no other. */
export const inTurn = (jobs: Jobs, log: Log) => {
  const runs = logged(jobs, log)
  return async (): Promise<void> => {
    for (const run of runs) await run()
  }
}

/** Runs it at this interval for as long as the process lives, never beside itself; it must not throw. */
export const repeat = (run: () => Promise<void>, seconds: number): void => {
  let isRunning = false
  const timer = setInterval(async () => {
    if (isRunning) return
    isRunning = true
    await run()
    isRunning = false
  }, seconds * 1000)
  timer.unref()
}

const logged = (jobs: Jobs, log: Log): (() => Promise<void>)[] =>
  Object.entries(jobs).map(([job, run]) => async () => {
    try {
      await run()
    } catch (error) {
      log.error({ err: error, job }, 'a job beside requests failed')
    }
  })
