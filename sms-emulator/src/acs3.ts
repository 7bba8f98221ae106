// Alibaba Cloud's signature V3, ACS3-HMAC-SHA256, after its page "V3 request structure and signature".
//
// What must stay true: a request is served once (its nonce), within fifteen minutes of its date, and only with every
// `x-acs-` header and the host signed.
import {
  canonicalHeaders,
  canonicalQuery,
  headerOf,
  hmac,
  isSignedWith,
  parseAuthorization,
  type ServiceFault,
  type SignedCall,
  sha256,
  unsignedHeaders,
} from './signatures.ts'

const algorithm = 'ACS3-HMAC-SHA256'
const validMilliseconds = 15 * 60_000

/** In hexadecimal. The headers are signed in the order in which they are named. */
export const acs3Signature = (call: SignedCall, signedHeaders: readonly string[], secret: string): string => {
  const canonicalRequest = [
    call.method,
    call.path,
    canonicalQuery(call.query),
    canonicalHeaders(call, signedHeaders),
    signedHeaders.join(';'),
    headerOf(call, 'x-acs-content-sha256') ?? '',
  ].join('\n')
  return hmac(secret, `${algorithm}\n${sha256(canonicalRequest)}`).toString('hex')
}

/** The gateway's errors, with the statuses and words of its lists of common error codes. */
export const acs3Faults = {
  signatureMissing: {
    status: 400,
    code: 'IncompleteSignature',
    message: 'The request signature does not conform to Aliyun standards.',
  },
  keyUnknown: {
    status: 404,
    code: 'InvalidAccessKeyId.NotFound',
    message: 'Specified access key is not found.',
  },
  dateMalformed: {
    status: 400,
    code: 'InvalidTimeStamp.Format',
    message: 'Specified time stamp or date value is not well formatted.',
  },
  dateExpired: {
    status: 400,
    code: 'InvalidTimeStamp.Expired',
    message: 'Specified time stamp or date value is expired.',
  },
  nonceMissing: {
    status: 400,
    code: 'MissingSignatureNonce',
    message: 'SignatureNonce is mandatory for this action.',
  },
  nonceUsed: {
    status: 400,
    code: 'SignatureNonceUsed',
    message: 'Specified signature nonce was used already.',
  },
  signatureWrong: {
    status: 400,
    code: 'SignatureDoesNotMatch',
    message: 'Specified signature is not matched with our calculation.',
  },
} as const satisfies Record<string, ServiceFault>

type Account = { accessKeyId: string; accessKeySecret: string }

/** Remembers the nonces that it has seen; says why a request is not served, or nothing. */
export const createAcs3Check = ({ accessKeyId, accessKeySecret }: Account) => {
  const usedNonces = new Map<string, number>()

  return (call: SignedCall, now: Date): ServiceFault | undefined => {
    const authorization = parseAuthorization(algorithm, headerOf(call, 'authorization'))
    if (authorization === undefined) return acs3Faults.signatureMissing
    const { credential, signedHeaders, signature } = authorization
    if (unsignedHeaders(call, signedHeaders, /^(host$|x-acs-)/).length > 0) return acs3Faults.signatureMissing
    if (credential !== accessKeyId) return acs3Faults.keyUnknown

    const date = headerOf(call, 'x-acs-date') ?? ''
    if (!/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/.test(date)) return acs3Faults.dateMalformed
    const age = Math.abs(now.getTime() - Date.parse(date))
    if (!(age <= validMilliseconds)) return acs3Faults.dateExpired

    const isWhole = headerOf(call, 'x-acs-content-sha256') === sha256(call.body)
    const isSigned = isSignedWith(call, signature, (form) =>
      acs3Signature(form, signedHeaders, accessKeySecret),
    )
    if (!isWhole || !isSigned) return acs3Faults.signatureWrong

    const nonce = headerOf(call, 'x-acs-signature-nonce')
    if (nonce === undefined || nonce === '') return acs3Faults.nonceMissing
    for (const [old, at] of usedNonces) if (now.getTime() - at > 2 * validMilliseconds) usedNonces.delete(old)
    if (usedNonces.has(nonce)) return acs3Faults.nonceUsed
    usedNonces.set(nonce, now.getTime())
    return undefined
  }
}
