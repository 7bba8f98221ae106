// What the client throws. A refusal is an answer of the server; the others say that there was none.
import type { ApiCode, RefusalStatusCode } from './generated/api-codes.ts'
import type { RefusalDetails } from './types.ts'

/** A refusal of the server, where the client was made with `throwOnError`. */
export class ApiError extends Error {
  override readonly name = 'ApiError'
  readonly statusCode: RefusalStatusCode
  /** The exact kind of refusal, for a `switch` that the compiler checks; a few refusals have none. */
  readonly apiCode: ApiCode | undefined
  /** Names the request in the server's log. */
  readonly requestId: string
  /** Seconds from now, where time alone ends the refusal. */
  readonly retryAfterSeconds: number | undefined
  /** Each field that is not valid, and what it should be. */
  readonly errors: readonly { field: string; message: string }[]

  constructor(refusal: {
    statusCode: RefusalStatusCode
    message: string
    apiCode?: ApiCode
    requestId: string
    data?: RefusalDetails
  }) {
    super(refusal.message)
    this.statusCode = refusal.statusCode
    this.apiCode = refusal.apiCode
    this.requestId = refusal.requestId
    this.retryAfterSeconds = refusal.data?.retryAfterSeconds
    this.errors = refusal.data?.errors ?? []
  }
}

/** A refusal of the token endpoint (RFC 6749, section 5.2), which has no envelope: thrown by every client. */
export class OAuthError extends Error {
  override readonly name = 'OAuthError'
  /** Such as `invalid_grant`. */
  readonly error: string
  readonly httpStatus: number

  constructor(error: string, description: string, httpStatus: number) {
    super(`${error}: ${description}`)
    this.error = error
    this.httpStatus = httpStatus
  }
}

/**
 * There was no answer, or one that no server of this API gives. `timeout`: none in time; `network`: the host cannot be
 * reached; `reply`: an answer that is no envelope, so that the host is a wrong one or something stands before it.
 */
export class RequestError extends Error {
  override readonly name = 'RequestError'
  readonly kind: 'timeout' | 'network' | 'reply'
  /** Of HTTP, where there was an answer. */
  readonly httpStatus: number | undefined

  constructor(
    kind: 'timeout' | 'network' | 'reply',
    message: string,
    { httpStatus, cause }: { httpStatus?: number; cause?: unknown } = {},
  ) {
    super(message, { cause })
    this.kind = kind
    this.httpStatus = httpStatus
  }
}
