// Keeps one session to an SMPP server bound, for all sends of the process together.
//
// What must stay true: a send waits for a bind that is under way and never for a pause after a failed one, so that the
// next provider gets its turn; a server that refuses us is not asked again at once.
import { setImmediate } from 'node:timers/promises'
import type { Log } from '../../core/log.ts'
import { CallFailed } from '../http.ts'
import { type SmppSession, within } from './session.ts'

export type SmppLink = {
  /** @throws CallFailed why there is no session */
  session(signal: AbortSignal): Promise<SmppSession>
  close(): Promise<void>
}

const shortestPauseMs = 500
const longestPauseMs = 30_000

export const keepSession = (
  open: (signal: AbortSignal) => Promise<SmppSession>,
  log: Pick<Log, 'warn'>,
): SmppLink => {
  const stopping = new AbortController()
  const { signal: stopped } = stopping
  let bound: SmppSession | undefined
  let attempt = open(stopped)

  const keep = async (): Promise<void> => {
    let failed = 0
    while (!stopped.aborted) {
      try {
        bound = await attempt
        failed = 0
        await bound.ended
      } catch (error) {
        if (stopped.aborted) return
        failed += 1
        // Every attempt of a long outage would fill the log.
        if (failed === 1)
          log.warn({ code: error instanceof Error ? error.message : 'fault' }, 'smpp: not bound')
      }
      bound = undefined
      // A session that ends is nothing unusual, so sends wait for the next one.
      if (failed === 0) attempt = pause(shortestPauseMs, stopped).then(() => open(stopped))
      else {
        await pause(Math.min(longestPauseMs, shortestPauseMs * 2 ** failed), stopped)
        attempt = open(stopped)
      }
    }
  }
  const kept = keep().finally(() => attempt.catch(() => undefined))

  return {
    session: async (signal) => {
      for (;;) {
        const session = await within(attempt, signal)
        if (session.isOpen()) return session
        if (stopped.aborted) throw new CallFailed('connection_failed', 'closed')
        // Nothing was written yet, so the next session may have the message.
        await within(session.ended, signal)
        await setImmediate()
      }
    },
    close: async () => {
      stopping.abort()
      await bound?.close()
      await kept
    },
  }
}

const pause = (milliseconds: number, signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) return resolve()
    const done = () => {
      clearTimeout(timer)
      signal.removeEventListener('abort', done)
      resolve()
    }
    const timer = setTimeout(done, milliseconds)
    signal.addEventListener('abort', done, { once: true })
  })
