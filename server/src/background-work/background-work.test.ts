import { Writable } from 'node:stream'
import { describe, expect, it } from 'vitest'
import { createLog } from '../core/log.ts'
import { inTurn, sideBySide } from './background-work.ts'

const started = () => {
  const lines: string[] = []
  const sink = new Writable({
    write: (chunk, _encoding, done) => {
      lines.push(String(chunk))
      done()
    },
  })
  return { log: createLog('trace', sink), lines }
}

describe('the work beside requests', () => {
  it('goes on after a job that fails, and the log names that one', async () => {
    const { log, lines } = started()
    const done: string[] = []
    const { runAll } = sideBySide(
      {
        first: () => Promise.reject(new Error('the first is broken')),
        second: async () => {
          done.push('second')
        },
      },
      log,
    )

    await runAll()

    expect(done).toEqual(['second'])
    expect(lines.map((line) => JSON.parse(line))).toMatchObject([
      { level: 50, job: 'first', err: { message: 'the first is broken' } },
    ])
  })

  it('does not wait with one job for another', async () => {
    const { log } = started()
    let release = () => {}
    const held = new Promise<void>((resolve) => {
      release = resolve
    })
    const done: string[] = []
    const { runAll } = sideBySide(
      {
        slow: async () => {
          await held
          done.push('slow')
        },
        // It is what lets the slow one go on.
        quick: async () => {
          done.push('quick')
          release()
        },
      },
      log,
    )

    await runAll()

    expect(done).toEqual(['quick', 'slow'])
  })

  it('begins a quick job again while a slow one is still running', async () => {
    const { log } = started()
    const begun = { slow: 0, quick: 0 }
    let release = () => {}
    const held = new Promise<void>((resolve) => {
      release = resolve
    })
    const { keepRunning } = sideBySide(
      {
        slow: () => {
          begun.slow += 1
          return held
        },
        quick: async () => {
          begun.quick += 1
        },
      },
      log,
    )

    keepRunning(0.01)

    await expect.poll(() => begun.quick).toBeGreaterThan(3)
    expect(begun.slow).toBe(1)
    release()
  })
})

describe('housekeeping', () => {
  it('does the rest after a job that fails, in order', async () => {
    const { log, lines } = started()
    const done: string[] = []
    const keep = inTurn(
      {
        first: async () => done.push('first'),
        second: () => Promise.reject(new Error('the second is broken')),
        third: async () => done.push('third'),
      },
      log,
    )

    await keep()

    expect(done).toEqual(['first', 'third'])
    expect(lines.map((line) => JSON.parse(line))).toMatchObject([{ level: 50, job: 'second' }])
  })
})
