// What the signatures of Alibaba Cloud (acs3.ts), Tencent Cloud (tc3.ts) and Amazon (sigv4.ts) have in common: each is
// an HMAC over a canonical form of the request, and the three forms are written alike.
//
// What must stay true: nothing here is taken from the server, so that the two agree only through the documentation of
// the services.
import { createHash, createHmac, timingSafeEqual } from 'node:crypto'
import type { IncomingHttpHeaders } from 'node:http'

/** A request as it came. */
export type SignedCall = {
  method: string
  path: string
  /** Without its question mark, as it was sent. */
  query: string
  headers: IncomingHttpHeaders
  body: Buffer
}

/** Why a service does not serve a request: its own code, its words, and the HTTP status of the answer. */
export type ServiceFault = { status: number; code: string; message: string }

export const sha256 = (content: string | Buffer): string => createHash('sha256').update(content).digest('hex')

export const hmac = (key: string | Buffer, content: string): Buffer =>
  createHmac('sha256', key).update(content).digest()

export const headerOf = (call: SignedCall, name: string): string | undefined => {
  const value = call.headers[name]
  return Array.isArray(value) ? value.join(',') : value
}

export type Authorization = { credential: string; signedHeaders: readonly string[]; signature: string }

/** `<algorithm> Credential=…, SignedHeaders=…, Signature=…`: all three services write the header like this. */
export const parseAuthorization = (
  algorithm: string,
  value: string | undefined,
): Authorization | undefined => {
  if (value === undefined || !value.startsWith(`${algorithm} `)) return undefined
  const fields = /^Credential=([^,]+),\s*SignedHeaders=([^,]+),\s*Signature=([0-9a-f]{64})$/.exec(
    value.slice(algorithm.length).trim(),
  )
  const [, credential, signedHeaders, signature] = fields ?? []
  if (credential === undefined || signedHeaders === undefined || signature === undefined) return undefined
  return { credential, signedHeaders: signedHeaders.split(';'), signature }
}

/** RFC 3986: all but letters, digits and `-_.~`. */
const percentEncode = (text: string): string =>
  encodeURIComponent(text).replace(/[!'()*]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`)

const percentDecode = (text: string): string => {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

const byCode = (one: string, other: string): number => (one < other ? -1 : Number(one > other))

/** Each name and value encoded anew, sorted by name and then by value; a name alone gets an empty value. */
export const canonicalQuery = (query: string): string =>
  query
    .split('&')
    .filter((pair) => pair !== '')
    .map((pair) => {
      const [name = '', ...value] = pair.split('=')
      return [percentEncode(percentDecode(name)), percentEncode(percentDecode(value.join('=')))] as const
    })
    .toSorted(
      ([name, value], [otherName, otherValue]) => byCode(name, otherName) || byCode(value, otherValue),
    )
    .map((pair) => pair.join('='))
    .join('&')

/** One line a header, in the order in which they are named. */
export const canonicalHeaders = (
  call: SignedCall,
  names: readonly string[],
  form: (value: string) => string = (value) => value,
): string => names.map((name) => `${name}:${form((headerOf(call, name) ?? '').trim())}\n`).join('')

/** The headers of a request that must be signed and are not. */
export const unsignedHeaders = (call: SignedCall, signed: readonly string[], must: RegExp): string[] =>
  Object.keys(call.headers).filter((name) => must.test(name) && !signed.includes(name))

/**
 * The request as the customer may have signed it. The services live on the default ports, where `Host` has no port; on
 * a port of its own some of their SDKs sign the name of the host alone and send it with the port.
 */
const signedForms = (call: SignedCall): SignedCall[] => {
  const name = call.headers.host?.replace(/:\d+$/, '')
  if (name === undefined || name === call.headers.host) return [call]
  return [call, { ...call, headers: { ...call.headers, host: name } }]
}

/** Whether the signature is the one that `sign` makes of the request. */
export const isSignedWith = (
  call: SignedCall,
  signature: string,
  sign: (form: SignedCall) => string,
): boolean => {
  const given = Buffer.from(signature)
  return signedForms(call).some((form) => timingSafeEqual(given, Buffer.from(sign(form))))
}
