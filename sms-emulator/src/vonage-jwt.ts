// The JSON Web Tokens of Vonage, both ways: RS256 that its customers sign, HS256 with which it signs its own calls.
// RFC 7515 and RFC 7519, by hand and not by the library of the server: that the two agree is the point.
import { createHash, createHmac, createPublicKey, randomUUID, verify } from 'node:crypto'

export type Claims = Readonly<Record<string, unknown>>

const encode = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url')

const decode = (part: string): Claims | undefined => {
  try {
    const value: unknown = JSON.parse(Buffer.from(part, 'base64url').toString())
    return typeof value === 'object' && value !== null ? { ...value } : undefined
  } catch {
    return undefined
  }
}

/** The claims of a token that this private key's owner signed; undefined for any other. */
export const verifyRs256 = (token: string, privateKey: string): Claims | undefined => {
  const [header = '', payload = '', signature = '', ...more] = token.split('.')
  if (more.length > 0 || decode(header)?.['alg'] !== 'RS256') return undefined
  const isSigned = verify(
    'RSA-SHA256',
    Buffer.from(`${header}.${payload}`),
    createPublicKey(privateKey),
    Buffer.from(signature, 'base64url'),
  )
  return isSigned ? decode(payload) : undefined
}

/** The page "Decoding signed webhooks": who signs, for whom, and the hash of the body that goes with it. */
export const signWebhook = (secret: string, claims: Claims, body: string): string => {
  const header = encode({ alg: 'HS256', typ: 'JWT' })
  const payload = encode({
    iat: Math.floor(Date.now() / 1000),
    jti: randomUUID(),
    iss: 'Vonage',
    payload_hash: createHash('sha256').update(body).digest('hex'),
    ...claims,
  })
  const signature = createHmac('sha256', secret).update(`${header}.${payload}`).digest('base64url')
  return `${header}.${payload}.${signature}`
}
