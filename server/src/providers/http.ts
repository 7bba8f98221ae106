// Calls to a provider over HTTP, with every way in which one can go wrong as a reason.
import type { FailureReason } from './failures.ts'
import type { SendOutcome } from './provider.ts'

export type ProviderReply = { status: number; headers: Headers; text: string; json: unknown }

/** The call did not bring a reply. */
export class CallFailed extends Error {
  readonly reason: FailureReason
  /** As of `SendOutcome`. */
  readonly maybeSent: boolean | undefined

  constructor(reason: FailureReason, code: string, maybeSent?: boolean) {
    super(code)
    this.reason = reason
    this.maybeSent = maybeSent
  }
}

const maxReplyBytes = 256 * 1024

/** @throws CallFailed when no reply came */
export const callProvider = async (
  url: string | URL,
  init: RequestInit & { signal: AbortSignal },
): Promise<ProviderReply> => {
  try {
    // A redirect would carry credentials to another host.
    const response = await fetch(url, { redirect: 'error', ...init })
    const text = await readText(response)
    return { status: response.status, headers: response.headers, text, json: parseJson(text) }
  } catch (error) {
    if (init.signal.aborted) throw new CallFailed('timeout', 'timeout')
    const cause = error instanceof Error ? error.cause : undefined
    const code = cause instanceof Error && 'code' in cause ? String(cause.code) : 'connection failed'
    throw new CallFailed('connection_failed', code, beforeRequest.test(code) ? undefined : true)
  }
}

/** What Node.js and OpenSSL say where there was no connection yet: then nothing was asked for. */
const beforeRequest =
  /^(ECONNREFUSED|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH|ENETUNREACH|UND_ERR_CONNECT_TIMEOUT)$|CERT|SELF_SIGNED|ERR_TLS|ERR_SSL|EPROTO|UNABLE_TO_/

/** A gateway that never stops talking must not fill our memory: what lies beyond the limit is not read. */
const readText = async (response: Response): Promise<string> => {
  const chunks: Uint8Array[] = []
  let left = maxReplyBytes
  for await (const chunk of response.body ?? []) {
    chunks.push(chunk.subarray(0, left))
    left -= chunk.length
    if (left <= 0) break
  }
  return Buffer.concat(chunks).toString('utf8')
}

const parseJson = (text: string): unknown => {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** Turns every exception into a refusal, so that `send` never throws. */
export const outcomeOf = async (attempt: () => Promise<SendOutcome>): Promise<SendOutcome> => {
  try {
    return await attempt()
  } catch (error) {
    if (error instanceof CallFailed) {
      const { reason, message: code, maybeSent } = error
      return { outcome: 'refused', reason, code, ...(maybeSent !== undefined && { maybeSent }) }
    }
    return {
      outcome: 'refused',
      reason: 'provider_fault',
      code: error instanceof Error ? error.name : 'fault',
      // It may be the answer that could not be read.
      maybeSent: true,
    }
  }
}

/** A status that says something by itself where the body does not. */
export const reasonOfStatus = (status: number): FailureReason => {
  if (status === 401 || status === 403) return 'credentials_invalid'
  // 504: of a gateway in front, which did not wait for the provider's answer.
  if (status === 408 || status === 504) return 'timeout'
  if (status === 429) return 'throttled'
  return status >= 500 ? 'provider_fault' : 'request_rejected'
}
