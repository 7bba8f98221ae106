// A server of the test, where a provider calls: it takes what comes and keeps it, as a receipt endpoint of ours does.
import type { IncomingMessage } from 'node:http'
import { buffer } from 'node:stream/consumers'
import type { ReceiptCall } from '../../src/providers/providers.ts'
import { listenHttp } from './http-server.ts'

const path = '/receipts/token-of-the-test'

export type Receipts = {
  url: string
  /** The next call that nobody has read yet; waits for one. */
  next(): Promise<ReceiptCall>
  /** Every call that came and that nobody has read yet. */
  rest(): ReceiptCall[]
  stop(): Promise<void>
  [Symbol.asyncDispose](): Promise<void>
}

export const receiveReceipts = async (): Promise<Receipts> => {
  const arrived: ReceiptCall[] = []
  const waiting: ((call: ReceiptCall) => void)[] = []
  const server = await listenHttp(async (request, reply) => {
    const call = await readCall(request, server.url)
    const reader = waiting.shift()
    if (reader === undefined) arrived.push(call)
    else reader(call)
    reply.end()
  })
  const stop = server[Symbol.asyncDispose]
  return {
    url: `${server.url}${path}`,
    next: async () => arrived.shift() ?? new Promise((resolve) => waiting.push(resolve)),
    rest: () => arrived.splice(0),
    stop,
    [Symbol.asyncDispose]: stop,
  }
}

const readCall = async (request: IncomingMessage, origin: string): Promise<ReceiptCall> => {
  return {
    method: request.method ?? '',
    url: `${origin}${request.url}`,
    headers: request.headers,
    body: await buffer(request),
    hasToken: request.url?.startsWith(path) === true,
  }
}
