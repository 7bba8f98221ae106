// A gateway of the test's own, for what a real one does and the emulator does not: it answers as the test says.
import { json } from 'node:stream/consumers'
import { listenHttp } from './http-server.ts'
import { genericReceipts } from './sms.ts'

export type GatewaySend = { to: string; text: string; reference: string; callback: string; id: string }

export type Gateway = {
  /** Settings of a provider of kind generic. */
  settings: Record<string, unknown>
  /** Every send that came. */
  sends: readonly GatewaySend[]
  /** What it has brought to phones: of sends with one idempotency key the first. */
  texts: readonly string[]
  [Symbol.asyncDispose](): Promise<void>
}

/** @param answer what happens before the gateway says yes to a send */
export const startGateway = async (answer: (send: GatewaySend) => Promise<void>): Promise<Gateway> => {
  const sends: GatewaySend[] = []
  const texts: string[] = []
  const keys = new Set<string>()
  const server = await listenHttp(async (request, reply) => {
    const send = { ...((await json(request)) as Omit<GatewaySend, 'id'>), id: `id-${sends.length}` }
    sends.push(send)
    const key = request.headers['idempotency-key']
    if (typeof key !== 'string' || !keys.has(key)) texts.push(send.text)
    if (typeof key === 'string') keys.add(key)
    await answer(send)
    reply.writeHead(201, { 'content-type': 'application/json' }).end(JSON.stringify({ id: send.id }))
  })
  return {
    settings: {
      url: `${server.url}/send`,
      body: '{"to":"{{to}}","text":"{{text}}","reference":"{{id}}","callback":"{{receiptUrl}}"}',
      messageId: { jsonPath: 'id' },
      receipts: genericReceipts,
    },
    sends,
    texts,
    [Symbol.asyncDispose]: server[Symbol.asyncDispose],
  }
}

/** A receipt as such a gateway gives it. */
export const report = (send: Pick<GatewaySend, 'callback' | 'id'>, status: string): Promise<Response> =>
  fetch(send.callback, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ id: send.id, status }),
  })
