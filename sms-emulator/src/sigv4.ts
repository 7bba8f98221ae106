// Amazon's Signature Version 4, AWS4-HMAC-SHA256, after "Create a signed AWS API request" of the IAM User Guide.
//
// What must stay true: the host and every `x-amz-` header are signed, and a request is served within fifteen minutes
// of its date.
import {
  canonicalHeaders,
  canonicalQuery,
  headerOf,
  hmac,
  isSignedWith,
  parseAuthorization,
  type SignedCall,
  sha256,
  unsignedHeaders,
} from './signatures.ts'

const algorithm = 'AWS4-HMAC-SHA256'
const validMilliseconds = 15 * 60_000

type Scope = { secretAccessKey: string; region: string; service: string }

/** In hexadecimal. The date is the one of the header `x-amz-date`. */
export const sigv4Signature = (
  call: SignedCall,
  signedHeaders: readonly string[],
  { secretAccessKey, region, service }: Scope,
): string => {
  const time = headerOf(call, 'x-amz-date') ?? ''
  const date = time.slice(0, 8)
  const canonicalRequest = [
    call.method,
    call.path,
    canonicalQuery(call.query),
    canonicalHeaders(call, signedHeaders, (value) => value.replace(/ +/g, ' ')),
    signedHeaders.join(';'),
    sha256(call.body),
  ].join('\n')
  const scope = `${date}/${region}/${service}/aws4_request`
  const text = [algorithm, time, scope, sha256(canonicalRequest)].join('\n')
  const key = hmac(hmac(hmac(hmac(`AWS4${secretAccessKey}`, date), region), service), 'aws4_request')
  return hmac(key, text).toString('hex')
}

/** What is wrong with a signature. Each protocol of Amazon's services has codes of its own for these. */
export type Sigv4Fault = {
  kind: 'missing' | 'incomplete' | 'key_unknown' | 'scope_wrong' | 'expired' | 'signature_wrong'
  message: string
}

type Expected = { accessKeyId: string; secretAccessKey: string; region: string; service: string }

/** Why a request is not served, or nothing. */
export const checkSigv4 = (call: SignedCall, expected: Expected, now: Date): Sigv4Fault | undefined => {
  const header = headerOf(call, 'authorization')
  if (header === undefined) return { kind: 'missing', message: 'Request is missing Authentication Token' }
  const authorization = parseAuthorization(algorithm, header)
  const time = parseTime(headerOf(call, 'x-amz-date'))
  if (authorization === undefined || time === undefined) {
    return { kind: 'incomplete', message: 'The request signature does not conform to AWS standards.' }
  }
  const { credential, signedHeaders, signature } = authorization
  const [unsigned] = unsignedHeaders(call, signedHeaders, /^(host$|x-amz-)/)
  if (unsigned !== undefined) {
    return { kind: 'incomplete', message: `'${unsigned}' must be a 'SignedHeader' in the AWS Authorization.` }
  }

  const [accessKeyId, date, region, service, end] = credential.split('/')
  if (accessKeyId !== expected.accessKeyId) {
    return { kind: 'key_unknown', message: 'The security token included in the request is invalid.' }
  }
  const misplaced = misplacedScope({ date, region, service, end }, expected, call)
  if (misplaced !== undefined) return { kind: 'scope_wrong', message: misplaced }
  if (Math.abs(now.getTime() - time) > validMilliseconds) {
    const signedAt = headerOf(call, 'x-amz-date')
    return { kind: 'expired', message: `Signature expired: ${signedAt} is more than 15 min. from now.` }
  }

  const isWhole = [undefined, sha256(call.body)].includes(headerOf(call, 'x-amz-content-sha256'))
  const isSigned = isSignedWith(call, signature, (form) => sigv4Signature(form, signedHeaders, expected))
  if (isWhole && isSigned) return undefined
  const message =
    'The request signature we calculated does not match the signature you provided. ' +
    'Check your AWS Secret Access Key and signing method.'
  return { kind: 'signature_wrong', message }
}

type Given = Record<'date' | 'region' | 'service' | 'end', string | undefined>

const misplacedScope = (given: Given, expected: Expected, call: SignedCall): string | undefined => {
  const should = (what: string, wrong: string | undefined): string =>
    `Credential should be scoped to ${what}, not '${wrong ?? ''}'.`
  if (given.region !== expected.region) return should('a valid region', given.region)
  if (given.service !== expected.service) {
    return should(`correct service: '${expected.service}'`, given.service)
  }
  if (given.end !== 'aws4_request') return should("'aws4_request'", given.end)
  if (!headerOf(call, 'x-amz-date')?.startsWith(`${given.date}T`)) {
    return should('the date of the request', given.date)
  }
  return undefined
}

/** `20150830T123600Z`, ISO 8601 in its basic form. */
const parseTime = (text: string | undefined): number | undefined => {
  const parts = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(text ?? '')
  if (parts === null) return undefined
  const [, year, month, day, hour, minute, second] = parts
  const time = Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`)
  return Number.isNaN(time) ? undefined : time
}
