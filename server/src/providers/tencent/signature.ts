// The signature of Tencent Cloud's API 3.0, TC3-HMAC-SHA256: "Signature v3" of its API documentation.
import { createHash, createHmac } from 'node:crypto'
import { toEpochSeconds } from '../../core/clock.ts'

export type TencentCall = {
  endpoint: string
  /** `sms` */
  service: string
  /** `SendSms` */
  action: string
  /** Of the API, as `2021-01-11`. */
  version: string
  region: string
  /** JSON, as it goes over the wire. */
  body: string
}

export type TencentSigner = { secretId: string; secretKey: string; now: Date }

/** The headers that the documentation demands to be signed, and the action with them. */
const signedNames = 'content-type;host;x-tc-action'

export const signTencentCall = (
  call: TencentCall,
  signer: TencentSigner,
): { url: string; headers: Record<string, string> } => {
  const { protocol, host } = new URL(call.endpoint)
  const contentType = 'application/json; charset=utf-8'
  const timestamp = String(toEpochSeconds(signer.now))
  const day = signer.now.toISOString().slice(0, 10)
  const scope = `${day}/${call.service}/tc3_request`
  const canonical = [
    'POST',
    '/',
    '',
    `content-type:${contentType}\nhost:${host}\nx-tc-action:${call.action.toLowerCase()}\n`,
    signedNames,
    sha256Hex(call.body),
  ].join('\n')
  const toSign = ['TC3-HMAC-SHA256', timestamp, scope, sha256Hex(canonical)].join('\n')
  const dayKey = hmac(`TC3${signer.secretKey}`, day)
  const key = hmac(hmac(dayKey, call.service), 'tc3_request')
  const signature = hmac(key, toSign).toString('hex')
  return {
    url: `${protocol}//${host}/`,
    headers: {
      host,
      'content-type': contentType,
      'x-tc-action': call.action,
      'x-tc-version': call.version,
      'x-tc-region': call.region,
      'x-tc-timestamp': timestamp,
      authorization: `TC3-HMAC-SHA256 Credential=${signer.secretId}/${scope}, SignedHeaders=${signedNames}, Signature=${signature}`,
    },
  }
}

const sha256Hex = (value: string): string => createHash('sha256').update(value).digest('hex')

const hmac = (key: string | Buffer, value: string): Buffer => createHmac('sha256', key).update(value).digest()
