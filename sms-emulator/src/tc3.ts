// Tencent Cloud's signature v3, TC3-HMAC-SHA256, after its page "Signature v3" (POST only).
import {
  canonicalHeaders,
  headerOf,
  hmac,
  isSignedWith,
  parseAuthorization,
  type ServiceFault,
  type SignedCall,
  sha256,
} from './signatures.ts'

const algorithm = 'TC3-HMAC-SHA256'
const validSeconds = 5 * 60

type Scope = { secretKey: string; service: string; timestamp: number }

const dateOf = (timestamp: number): string => new Date(timestamp * 1000).toISOString().slice(0, 10)

/** In hexadecimal. Names and values of headers are signed in lower case. */
export const tc3Signature = (
  call: SignedCall,
  signedHeaders: readonly string[],
  { secretKey, service, timestamp }: Scope,
): string => {
  const date = dateOf(timestamp)
  const canonicalRequest = [
    call.method,
    '/',
    '',
    canonicalHeaders(call, signedHeaders, (value) => value.toLowerCase()),
    signedHeaders.join(';'),
    sha256(call.body),
  ].join('\n')
  const text = [algorithm, timestamp, `${date}/${service}/tc3_request`, sha256(canonicalRequest)].join('\n')
  const key = hmac(hmac(hmac(`TC3${secretKey}`, date), service), 'tc3_request')
  return hmac(key, text).toString('hex')
}

/** "Error Codes", common ones. Tencent Cloud answers its errors with status 200. */
export const tc3Faults = {
  timestampMissing: {
    status: 200,
    code: 'MissingParameter',
    message: 'The request is missing a required parameter `Timestamp`.',
  },
  authorizationMalformed: {
    status: 200,
    code: 'AuthFailure.InvalidAuthorization',
    message: 'The Authorization in the request header does not meet the standards of Tencent Cloud.',
  },
  keyUnknown: {
    status: 200,
    code: 'AuthFailure.SecretIdNotFound',
    message: 'The SecretId is not found, please ensure that your SecretId is correct.',
  },
  expired: {
    status: 200,
    code: 'AuthFailure.SignatureExpire',
    message:
      'The provided credentials have expired. Timestamp and server time differ by more than 300 seconds.',
  },
  signatureWrong: {
    status: 200,
    code: 'AuthFailure.SignatureFailure',
    message: 'The provided credentials could not be validated. Please check your signature is correct.',
  },
} as const satisfies Record<string, ServiceFault>

type Account = { secretId: string; secretKey: string }

/** Why a request to Tencent Cloud's SMS is not served, or nothing. */
export const checkTc3 = (
  call: SignedCall,
  { secretId, secretKey }: Account,
  now: Date,
): ServiceFault | undefined => {
  const authorization = parseAuthorization(algorithm, headerOf(call, 'authorization'))
  if (authorization === undefined) return tc3Faults.authorizationMalformed
  const { credential, signedHeaders, signature } = authorization
  // "At least the two headers host and content-type."
  if (!['content-type', 'host'].every((name) => signedHeaders.includes(name))) {
    return tc3Faults.authorizationMalformed
  }
  const timestamp = Number(headerOf(call, 'x-tc-timestamp') ?? Number.NaN)
  if (!Number.isSafeInteger(timestamp)) return tc3Faults.timestampMissing

  const [givenId, date, service, end] = credential.split('/')
  if (givenId !== secretId) return tc3Faults.keyUnknown
  if (Math.abs(now.getTime() / 1000 - timestamp) > validSeconds) return tc3Faults.expired
  if (date !== dateOf(timestamp) || service !== 'sms' || end !== 'tc3_request')
    return tc3Faults.signatureWrong

  const isSigned = isSignedWith(call, signature, (form) =>
    tc3Signature(form, signedHeaders, { secretKey, service, timestamp }),
  )
  return isSigned ? undefined : tc3Faults.signatureWrong
}
