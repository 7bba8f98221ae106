import pino, { type DestinationStream, type Logger } from 'pino'

export type Log = Logger

/**
 * JSON lines on standard output. Rule 12: no line holds a code, token, secret or full number; the request line is
 * ours (core/http.ts) and names the route, never the query or a header.
 */
export const createLog = (level: string, destination?: DestinationStream): Log =>
  pino(
    { level, base: null, timestamp: pino.stdTimeFunctions.isoTime, serializers: { err: describeError } },
    destination ?? pino.destination(1),
  )

/** What a line says of a fault, and no more: a driver's error also holds the values of its statement. */
const describeError = ({ name, message, code, stack }: Error & { code?: unknown }) => ({
  type: name,
  message,
  code,
  stack,
})
