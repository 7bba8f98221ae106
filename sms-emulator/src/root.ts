// What the services have in common whose requests all go to `/` (Alibaba Cloud, Tencent Cloud, Amazon): the body is
// read byte by byte, as it was signed. And the calls by which the Chinese ones report.
import type { FastifyInstance } from 'fastify'
import { receiptTimeoutMilliseconds } from './delivery.ts'
import type { SignedCall } from './signatures.ts'

export type RootReply = { status: number; contentType: string; body: string }

export const jsonReply = (
  status: number,
  body: unknown,
  contentType = 'application/json; charset=utf-8',
): RootReply => ({ status, contentType, body: JSON.stringify(body) })

/** Answers every request to `/` of a listener that is the service's alone. */
export const mountAtRoot = (
  http: FastifyInstance,
  answer: (call: SignedCall) => Promise<RootReply>,
): void => {
  http.removeAllContentTypeParsers()
  http.addContentTypeParser<Buffer>('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body))
  http.route({
    method: ['GET', 'POST'],
    url: '/',
    handler: async ({ method, url, headers, body }, reply) => {
      const [path = '/', ...query] = url.split('?')
      const answered = await answer({
        method,
        path,
        query: query.join('?'),
        headers,
        body: Buffer.isBuffer(body) ? body : Buffer.alloc(0),
      })
      return reply.code(answered.status).type(answered.contentType).send(answered.body)
    },
  })
}

/**
 * Calls the customer with status reports, as JSON.
 * @throws unless the customer answers 200 with a body that `isTaken` accepts
 */
export const pushReports = async (
  url: string,
  reports: readonly unknown[],
  isTaken: (answer: Fields) => boolean,
): Promise<void> => {
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json; charset=utf-8' },
    body: JSON.stringify(reports),
    redirect: 'error',
    signal: AbortSignal.timeout(receiptTimeoutMilliseconds),
  })
  const text = await response.text()
  const { host } = new URL(url)
  if (response.status !== 200) throw new Error(`${host} answered ${response.status}`)
  if (!isTaken(parseFields(text) ?? {})) throw new Error(`${host} did not take the report`)
}

export type Fields = Readonly<Record<string, unknown>>

/** The fields of a JSON object; undefined when the text is something else. */
export const parseFields = (text: string): Fields | undefined => {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : undefined
  } catch {
    return undefined
  }
}
