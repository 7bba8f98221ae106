// The code of an SMS from the browser, where there is none, and where there is a browser that this test stands for.
import { afterEach, describe, expect, it, vi } from 'vitest'
import { canReceivePassCode, receivePassCode } from '../src/sdk.ts'
import { reasonOf } from './support/server.ts'

type Wanted = { otp: { transport: string[] }; signal?: AbortSignal }

const becomeBrowser = (get: (wanted: Wanted) => Promise<unknown>) => {
  vi.stubGlobal('OTPCredential', class {})
  vi.stubGlobal('navigator', { credentials: { get } })
}

afterEach(() => {
  vi.unstubAllGlobals()
})

describe('without a browser that can, receivePassCode', () => {
  it.each([
    ['in Node.js', () => undefined],
    ['on a page without WebOTP', () => vi.stubGlobal('navigator', { credentials: { get: () => null } })],
    ['on a page that is not secure', () => vi.stubGlobal('OTPCredential', class {})],
  ])('gives undefined at once: %s', async (_name, prepare) => {
    prepare()

    expect(canReceivePassCode()).toBe(false)
    expect(await receivePassCode()).toBeUndefined()
  })

  it('rejects where its signal was aborted before', async () => {
    const left = new Error('left')

    expect(await reasonOf(receivePassCode({ signal: AbortSignal.abort(left) }))).toBe(left)
  })
})

describe('in a browser that can, receivePassCode', () => {
  it('waits for an SMS and gives its code', async () => {
    const wanted: Wanted[] = []
    const { signal } = new AbortController()
    becomeBrowser(async (given) => {
      wanted.push(given)
      return { type: 'otp', code: '123456' }
    })

    const code = await receivePassCode({ signal })

    expect(canReceivePassCode()).toBe(true)
    expect(code).toBe('123456')
    expect(wanted).toEqual([{ otp: { transport: ['sms'] }, signal }])
  })

  it('asks without a signal where it has none', async () => {
    const wanted: Wanted[] = []
    becomeBrowser(async (given) => {
      wanted.push(given)
      return { code: '123456' }
    })

    await receivePassCode()

    expect(wanted).toEqual([{ otp: { transport: ['sms'] } }])
  })

  it.each([
    ['the person declines', () => Promise.reject(new DOMException('declined', 'NotAllowedError'))],
    ['the frame may not', () => Promise.reject(new DOMException('policy', 'SecurityError'))],
    ['the browser has nothing', () => Promise.resolve(null)],
  ])('gives undefined where %s', async (_name, get) => {
    becomeBrowser(get)

    expect(await receivePassCode({ signal: new AbortController().signal })).toBeUndefined()
  })

  it('rejects with the reason of its signal when that ends the wait', async () => {
    const controller = new AbortController()
    becomeBrowser(
      ({ signal }) =>
        new Promise((_resolve, reject) => {
          signal?.addEventListener('abort', () => reject(new DOMException('aborted', 'AbortError')))
        }),
    )
    const wait = reasonOf(receivePassCode({ signal: controller.signal }))

    const typed = new Error('typed by hand')
    controller.abort(typed)

    expect(await wait).toBe(typed)
  })
})
