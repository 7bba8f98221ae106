// The signature of Alibaba Cloud's RPC calls, ACS3-HMAC-SHA256: "V3 request body & signature mechanism" of its SDK
// documentation. Own code, because the official packages weigh 33 MB.
//
// What must stay true: the query that is sent is byte for byte the one that is signed.
import { createHash, createHmac } from 'node:crypto'

export type AliyunCall = {
  endpoint: string
  /** `SendSms` */
  action: string
  /** Of the API, as `2017-05-25`. */
  version: string
  parameters: Readonly<Record<string, string>>
}

export type AliyunSigner = {
  accessKeyId: string
  accessKeySecret: string
  now: Date
  /** Never used twice: the service refuses a second call with it. */
  nonce: string
}

const hashOfNothing = createHash('sha256').update('').digest('hex')

/** A POST with an empty body: the RPC style takes its parameters in the query and has `/` as its only path. */
export const signAliyunCall = (
  call: AliyunCall,
  signer: AliyunSigner,
): { url: string; headers: Record<string, string> } => {
  const { protocol, host } = new URL(call.endpoint)
  const query = Object.entries(call.parameters)
    .map(([name, value]) => [encodeStrictly(name), encodeStrictly(value)] as const)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map((pair) => pair.join('='))
    .join('&')
  // In the order of their names, which is the order that is signed.
  const headers = {
    host,
    'x-acs-action': call.action,
    'x-acs-content-sha256': hashOfNothing,
    'x-acs-date': signer.now.toISOString().replace(/\.\d{3}Z$/, 'Z'),
    'x-acs-signature-nonce': signer.nonce,
    'x-acs-version': call.version,
  }
  const names = Object.keys(headers).join(';')
  const lines = Object.entries(headers).map(([name, value]) => `${name}:${value}\n`)
  const canonical = ['POST', '/', query, lines.join(''), names, hashOfNothing].join('\n')
  const toSign = `ACS3-HMAC-SHA256\n${createHash('sha256').update(canonical).digest('hex')}`
  const signature = createHmac('sha256', signer.accessKeySecret).update(toSign).digest('hex')
  return {
    url: `${protocol}//${host}/?${query}`,
    headers: {
      ...headers,
      authorization: `ACS3-HMAC-SHA256 Credential=${signer.accessKeyId},SignedHeaders=${names},Signature=${signature}`,
    },
  }
}

/** RFC 3986, section 2.3: everything but the unreserved characters, so also the five that the built-in one leaves. */
const encodeStrictly = (value: string): string =>
  encodeURIComponent(value).replace(
    /[!'()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  )
