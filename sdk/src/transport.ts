// One request over HTTP: a time limit, the caller's signal, and repetitions of reads. It knows nothing of envelopes.
import { RequestError } from './errors.ts'
import { readTimeout, type Settings } from './options.ts'

export type HttpRequest = {
  method: string
  /** With its query. */
  path: string
  headers: Record<string, string>
  body: string | null
}

export type HttpReply = {
  status: number
  /** Parsed JSON; undefined where the body is none. */
  body: unknown
}

export type Limits = { signal?: AbortSignal | undefined; timeout?: number | undefined }

const firstPauseMilliseconds = 100

/** After these, a gateway in front of the server may find it at the next try. */
const passing = [502, 503, 504]

/** By what Node.js says; browsers say nothing. */
const remedyOf = (code: string): string => {
  if (/CERT|SELF_SIGNED|UNABLE_TO_VERIFY/.test(code))
    return 'its certificate is not trusted: name its authority in NODE_EXTRA_CA_CERTS, or give a fetch that trusts it'
  if (/SSL|EPROTO/.test(code)) return 'it does not speak TLS: write http:// in appHost if that is meant'
  return 'check appHost; in a browser also that the server allows the origin of the page'
}

const codeOf = (error: unknown): string => {
  const cause = error instanceof Error ? error.cause : undefined
  return typeof cause === 'object' && cause !== null && 'code' in cause ? String(cause.code) : ''
}

const unreachable = (host: string, error: unknown): RequestError => {
  const code = codeOf(error)
  return new RequestError('network', `${host} cannot be reached${code && ` (${code})`}: ${remedyOf(code)}`, {
    cause: error,
  })
}

const parseJson = (text: string): unknown => {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** @throws the signal's reason when it ends the work, even where the work does not look at the signal */
const unlessEnded = async <T>(work: Promise<T>, signal: AbortSignal): Promise<T> => {
  let end = () => {}
  const ended = new Promise<never>((_resolve, reject) => {
    end = () => reject(signal.reason)
    if (signal.aborted) end()
    else signal.addEventListener('abort', end, { once: true })
  })
  try {
    return await Promise.race([work, ended])
  } finally {
    signal.removeEventListener('abort', end)
  }
}

/** @throws the signal's reason when it ends the wait */
const pause = async (milliseconds: number, signal: AbortSignal): Promise<void> => {
  let timer: ReturnType<typeof setTimeout> | undefined
  const wait = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, milliseconds)
  })
  try {
    await unlessEnded(wait, signal)
  } finally {
    clearTimeout(timer)
  }
}

const send = async (settings: Settings, request: HttpRequest, signal: AbortSignal): Promise<HttpReply> => {
  const { path, ...init } = request
  // Not as a method of the settings: that of a browser refuses to be one of anything but the window.
  const { appHost, fetch } = settings
  // A redirect would turn a POST into a GET: better to say where the server is.
  const response = await fetch(`${appHost}${path}`, { ...init, redirect: 'manual', signal })
  const { status } = response
  if (response.type === 'opaqueredirect' || (status >= 300 && status < 400)) {
    const target = response.headers.get('location')
    await response.body?.cancel()
    throw new RequestError(
      'reply',
      `${appHost} redirects${target === null ? '' : ` to ${target}`}: give the final address as appHost`,
      { httpStatus: status },
    )
  }
  return { status, body: parseJson(await response.text()) }
}

/**
 * @throws RequestError when there is no answer, or a redirect
 * @throws the reason of the caller's signal
 */
export const exchange = async (
  settings: Settings,
  request: HttpRequest,
  limits: Limits,
): Promise<HttpReply> => {
  const { signal } = limits
  signal?.throwIfAborted()
  const timeout = readTimeout(limits.timeout || settings.timeout)
  const late = new RequestError(
    'timeout',
    `${settings.appHost} did not answer within ${timeout} ms: check appHost, or give a longer timeout`,
  )
  const ended = new AbortController()
  const timer = setTimeout(() => ended.abort(late), timeout)
  const end = () => ended.abort(signal?.reason)
  signal?.addEventListener('abort', end, { once: true })
  const times = request.method === 'GET' ? settings.retryTimes : 0
  try {
    for (let left = times; ; left -= 1) {
      const sent = send(settings, request, ended.signal)
      const reply = await unlessEnded(sent, ended.signal).catch((error: unknown) => {
        if (ended.signal.aborted) throw ended.signal.reason
        if (error instanceof RequestError) throw error
        if (left === 0) throw unreachable(settings.appHost, error)
        return undefined
      })
      if (reply !== undefined && (left === 0 || !passing.includes(reply.status))) return reply
      // Spread, so that clients that failed together do not come back together.
      await pause(firstPauseMilliseconds * 2 ** (times - left) * (0.5 + Math.random()), ended.signal)
    }
  } finally {
    clearTimeout(timer)
    signal?.removeEventListener('abort', end)
  }
}
