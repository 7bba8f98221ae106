// A server of the test, where a provider calls: it takes what comes and keeps it, as a receipt endpoint of ours does.
import { createServer, type IncomingMessage } from 'node:http'
import type { ReceiptCall } from '../../src/providers/providers.ts'

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
  let origin = ''
  const server = createServer(async (request, reply) => {
    const call = await readCall(request, origin)
    const reader = waiting.shift()
    if (reader === undefined) arrived.push(call)
    else reader(call)
    reply.end()
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('the server has no port')
  origin = `http://127.0.0.1:${address.port}`

  const stop = () =>
    new Promise<void>((resolve) => {
      server.close(() => resolve())
      server.closeAllConnections()
    })
  return {
    url: `${origin}${path}`,
    next: async () => arrived.shift() ?? new Promise((resolve) => waiting.push(resolve)),
    rest: () => arrived.splice(0),
    stop,
    [Symbol.asyncDispose]: stop,
  }
}

const readCall = async (request: IncomingMessage, origin: string): Promise<ReceiptCall> => {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk)
  return {
    method: request.method ?? '',
    url: `${origin}${request.url}`,
    headers: request.headers,
    body: Buffer.concat(chunks),
    hasToken: request.url?.startsWith(path) === true,
  }
}
