// When a call ends: by an answer, by its time limit, or by its caller.
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { RequestError } from '../../src/sdk.ts'
import { type Answer, json, reasonOf, startServer, success, text } from '../support/server.ts'

const never: Answer = () => undefined

const halfOfBody: Answer = (response) => {
  response.writeHead(200, { 'content-type': 'application/json' }).write('{"statusCode":')
}

/** On a busy machine, too. */
const soon = { timeout: 60_000 }

/** Of the first pauses between two tries. */
const longerThanAPause = 500

/** The tries as the client makes them: a server hears of one later, on a busy machine after the client's end. */
const countedFetch = () => {
  let count = 0
  return {
    tries: () => count,
    fetch: (...given: Parameters<typeof fetch>) => {
      count += 1
      return fetch(...given)
    },
  }
}

const bindPhone = { phoneNumber: '18812345678', passCode: '123456' }

describe('a call', () => {
  it.each([
    ['there is no answer', never],
    ['the answer stops in its middle', halfOfBody],
  ])('rejects at its time limit where %s', async (_name, answer) => {
    await using server = await startServer(answer)
    const startedAt = performance.now()

    const reason = await reasonOf(server.client({ timeout: 2000 }).bindPhone(bindPhone))

    expect(performance.now() - startedAt).toBeGreaterThan(1900)
    expect(performance.now() - startedAt).toBeLessThan(60_000)
    expect(reason).toBeInstanceOf(RequestError)
    expect(reason).toMatchObject({ name: 'RequestError', kind: 'timeout', httpStatus: undefined })
    expect(String(reason)).toContain(`${server.url} did not answer within 2000 ms`)
    await expect.poll(() => server.asked[0]?.left, soon).toBe(true)
    expect(server.asked).toHaveLength(1)
  })

  it('has its own time limit where one is given with it', async () => {
    await using server = await startServer(never)

    const reason = await reasonOf(server.client().getProfile({}, { timeout: 60 }))

    expect(reason).toMatchObject({ kind: 'timeout', message: expect.stringContaining('60 ms') })
  })

  it('has the time limit of the client where the own one is 0 or undefined', async () => {
    await using server = await startServer(never)
    const client = server.client({ timeout: 60 })

    const reasons = await Promise.all(
      [0, undefined].map((timeout) => reasonOf(client.bindPhone(bindPhone, { timeout }))),
    )

    for (const reason of reasons) expect(reason).toMatchObject({ message: expect.stringContaining('60 ms') })
  })

  it('refuses a time limit that no timer can wait, and sends nothing', async () => {
    await using server = await startServer()
    const client = server.client()

    for (const timeout of [-1, Number.POSITIVE_INFINITY, 2 ** 31])
      expect(await reasonOf(client.bindPhone(bindPhone, { timeout }))).toMatchObject({
        name: 'TypeError',
        message: expect.stringMatching(/^timeout: /),
      })
    expect(server.asked).toEqual([])
  })

  it('includes its repetitions in its time limit', async () => {
    await using server = await startServer(text('later', 503))
    const { fetch, tries } = countedFetch()
    const startedAt = performance.now()

    const reason = await reasonOf(server.client({ fetch, timeout: 1000, retryTimes: 50 }).getProfile())

    expect(performance.now() - startedAt).toBeLessThan(60_000)
    expect(reason).toMatchObject({ kind: 'timeout' })
    const atItsEnd = tries()
    await sleep(longerThanAPause)
    expect(tries()).toBe(atItsEnd)
  })

  it('sends nothing where its signal was aborted before, and rejects with the reason', async () => {
    await using server = await startServer()
    const left = new Error('the person has left')

    const reason = await reasonOf(server.client().bindPhone(bindPhone, { signal: AbortSignal.abort(left) }))

    expect(reason).toBe(left)
    expect(server.asked).toEqual([])
  })

  it.each([
    ['it waits for the answer', never],
    ['the answer arrives', halfOfBody],
  ])('ends with the reason of its signal while %s', async (_name, answer) => {
    await using server = await startServer(answer)
    const controller = new AbortController()
    const call = reasonOf(server.client().bindPhone(bindPhone, { signal: controller.signal }))
    await expect.poll(() => server.asked, soon).toHaveLength(1)

    controller.abort()

    expect(await call).toMatchObject({ name: 'AbortError' })
    await expect.poll(() => server.asked[0]?.left, soon).toBe(true)
  })

  it.each([
    ['never answers', () => new Promise<Response>(() => undefined)],
    ['answers without an end', () => Promise.resolve(new Response(new ReadableStream()))],
  ])('ends though the fetch that it is given %s and looks at no signal', async (_name, fetch) => {
    await using server = await startServer()
    const client = server.client({ fetch, timeout: 60 })
    const left = new Error('the person has left')
    const controller = new AbortController()
    const call = reasonOf(client.bindPhone(bindPhone, { signal: controller.signal, timeout: 60_000 }))

    const late = await reasonOf(client.bindPhone(bindPhone))
    controller.abort(left)

    expect(late).toMatchObject({ name: 'RequestError', kind: 'timeout' })
    expect(await call).toBe(left)
  })

  it('ends though its signal is aborted while the fetch that it is given begins', async () => {
    await using server = await startServer()
    const left = new Error('the person has left')
    const controller = new AbortController()
    const client = server.client({
      fetch: () => {
        controller.abort(left)
        return new Promise(() => undefined)
      },
    })

    const reason = await reasonOf(client.bindPhone(bindPhone, { signal: controller.signal }))

    expect(reason).toBe(left)
  })

  it('ends with the reason of its signal between two tries', async () => {
    await using server = await startServer(text('later', 503))
    const { fetch, tries } = countedFetch()
    const controller = new AbortController()
    const client = server.client({ fetch, retryTimes: 50 })
    const call = reasonOf(client.getProfile({}, { signal: controller.signal }))
    await expect.poll(tries, soon).toBeGreaterThan(1)

    controller.abort('enough')

    expect(await call).toBe('enough')
    const atItsEnd = tries()
    await sleep(longerThanAPause)
    expect(tries()).toBe(atItsEnd)
  })

  it('has its result where the signal is aborted later, and leaves no listener behind', async () => {
    await using server = await startServer()
    const controller = new AbortController()
    const listeners = { added: 0, removed: 0 }
    const { signal } = controller
    const { addEventListener, removeEventListener } = signal
    signal.addEventListener = (...given: Parameters<typeof addEventListener>) => {
      listeners.added += 1
      addEventListener.apply(signal, given)
    }
    signal.removeEventListener = (...given: Parameters<typeof removeEventListener>) => {
      listeners.removed += 1
      removeEventListener.apply(signal, given)
    }

    const result = await server.client().bindPhone(bindPhone, { signal })
    controller.abort()

    expect(result).toEqual(success)
    expect(listeners).toEqual({ added: 1, removed: 1 })
  })

  it('does not end another call that has no signal', async () => {
    await using server = await startServer((response, asked, count) => {
      if (asked.path === '/api/v3/get-profile') setTimeout(() => json(success)(response, asked, count), 60)
    })
    const client = server.client()
    const controller = new AbortController()
    const ended = reasonOf(client.bindPhone(bindPhone, { signal: controller.signal }))
    const goesOn = client.getProfile()

    controller.abort()

    expect(await ended).toMatchObject({ name: 'AbortError' })
    expect(await goesOn).toEqual(success)
  })
})
