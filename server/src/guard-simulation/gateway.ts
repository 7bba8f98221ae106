// The phone network of the simulation: a gateway on this machine that takes every message, sets it down for money, and
// is the phone that it is read from.
import { createServer } from 'node:http'
import { countSegments } from '../templates/templates.ts'

export type Gateway = {
  /** For a provider of kind `generic`. */
  settings: Record<string, unknown>
  /** The code that this phone got last. */
  codeOf(phone: string): string | undefined
  /** What all messages have cost by now. */
  paidMicros(): number
  stop(): Promise<void>
}

/** @param priceOf millionths of one segment to this number */
export const startGateway = async (priceOf: (phone: string) => number): Promise<Gateway> => {
  const arrived = new Map<string, string>()
  let paidMicros = 0
  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const { to, code, text } = JSON.parse(Buffer.concat(chunks).toString()) as Record<string, string>
      if (to !== undefined && code !== undefined && text !== undefined) {
        paidMicros += priceOf(to) * countSegments(text).segments
        arrived.set(to, code)
      }
      response.end('{}')
    })
  })
  // What is idle, the server under simulation closes: never under a send of its own.
  server.keepAliveTimeout = 0
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const at = server.address()
  if (at === null || typeof at === 'string') throw new Error('the gateway has no port')

  return {
    settings: {
      url: `http://127.0.0.1:${at.port}/`,
      body: '{"to":"{{to}}","code":"{{code}}","text":"{{text}}"}',
    },
    codeOf: (phone) => arrived.get(phone),
    paidMicros: () => paidMicros,
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}
