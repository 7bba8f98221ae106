// An authenticator in software, with the browser around it: makes ES256 keys and answers as WebAuthn has it. What it
// says can be bent, for tests of attackers who have such a program too.
import { createHash, generateKeyPairSync, type KeyObject, randomBytes, sign } from 'node:crypto'

/** What the server gave to begin with. */
type Begun = {
  data?: {
    ticket: string
    registrationOptions?: { challenge: string; user: { id: string } }
    authenticationOptions?: { challenge: string }
  }
}

export type Bent = {
  origin?: string
  rpId?: string
  type?: string
  challenge?: string
  crossOrigin?: boolean
  /** Of the authenticator data (WebAuthn, section 6.1): 0x01 user present, 0x04 user verified. */
  flags?: number
  counter?: number
  userHandle?: string | null
  attestation?: { format: string; statement: Buffer }
}

export type Credential = {
  id: string
  userHandle: string
  counter: number
  privateKey: KeyObject
}

const userPresent = 0x01
const userVerified = 0x04
const hasCredential = 0x40

const base64url = (bytes: Uint8Array | string) => Buffer.from(bytes).toString('base64url')
const sha256 = (bytes: Uint8Array | string) => createHash('sha256').update(bytes).digest()

/** CBOR (RFC 8949) of a text under 24 bytes, and of bytes under 65,536. */
const cborText = (text: string) => Buffer.concat([Buffer.from([0x60 + text.length]), Buffer.from(text)])
export const cborBytes = (bytes: Uint8Array) => {
  const { length } = bytes
  const head =
    length < 24 ? [0x40 + length] : length < 256 ? [0x58, length] : [0x59, length >> 8, length & 0xff]
  return Buffer.concat([Buffer.from(head), bytes])
}
export const cborMap = (fields: Record<string, Buffer>) =>
  Buffer.concat([
    Buffer.from([0xa0 + Object.keys(fields).length]),
    ...Object.entries(fields).flatMap(([name, value]) => [cborText(name), value]),
  ])

/** COSE (RFC 9053): an EC2 key for ES256 on P-256. */
const coseKey = (publicKey: KeyObject) => {
  const { x = '', y = '' } = publicKey.export({ format: 'jwk' })
  const coordinate = (value: string) => [Buffer.from([0x58, 0x20]), Buffer.from(value, 'base64url')]
  return Buffer.concat([
    Buffer.from([0xa5, 0x01, 0x02, 0x03, 0x26, 0x20, 0x01, 0x21]),
    ...coordinate(x),
    Buffer.from([0x22]),
    ...coordinate(y),
  ])
}

const headOf = (rpId: string, flags: number, counter: number) => {
  const count = Buffer.alloc(4)
  count.writeUInt32BE(counter)
  return Buffer.concat([sha256(rpId), Buffer.from([flags]), count])
}

export const createPasskeyAuthenticator = ({ origin = 'http://dialtone.test' } = {}) => {
  const rpIdOfOrigin = new URL(origin).hostname

  const clientDataOf = (type: string, challenge: string | undefined, bent: Bent) =>
    JSON.stringify({
      type: bent.type ?? type,
      challenge: bent.challenge ?? challenge,
      origin: bent.origin ?? origin,
      crossOrigin: bent.crossOrigin ?? false,
    })

  return {
    /** The answer to the options of a registration, and the credential that was made for it. */
    create: ({ data }: Begun, bent: Bent = {}) => {
      const options = data?.registrationOptions
      const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
      const credentialId = randomBytes(32)
      const flags = (bent.flags ?? userPresent | userVerified) | hasCredential
      const counter = bent.counter ?? 0
      const authData = Buffer.concat([
        headOf(bent.rpId ?? rpIdOfOrigin, flags, counter),
        Buffer.alloc(16),
        Buffer.from([0, credentialId.length]),
        credentialId,
        coseKey(publicKey),
      ])
      const attestationObject = cborMap({
        fmt: cborText(bent.attestation?.format ?? 'none'),
        attStmt: bent.attestation?.statement ?? cborMap({}),
        authData: cborBytes(authData),
      })
      const id = base64url(credentialId)
      const credential: Credential = { id, userHandle: options?.user.id ?? '', counter, privateKey }
      const response = {
        attestationObject: base64url(attestationObject),
        clientDataJSON: base64url(clientDataOf('webauthn.create', options?.challenge, bent)),
        transports: ['internal', 'hybrid'],
      }
      const registrationCredential = { id, rawId: id, type: 'public-key', response }
      return { credential, answer: { ticket: data?.ticket ?? '', registrationCredential } }
    },

    /** The answer to the options of a sign-in. */
    get: ({ data }: Begun, credential: Credential, bent: Bent = {}) => {
      const { id, privateKey } = credential
      const flags = bent.flags ?? userPresent | userVerified
      const authData = headOf(bent.rpId ?? rpIdOfOrigin, flags, bent.counter ?? credential.counter)
      const clientData = clientDataOf('webauthn.get', data?.authenticationOptions?.challenge, bent)
      const response = {
        authenticatorData: base64url(authData),
        clientDataJSON: base64url(clientData),
        signature: base64url(sign('sha256', Buffer.concat([authData, sha256(clientData)]), privateKey)),
        userHandle: bent.userHandle === undefined ? credential.userHandle : bent.userHandle,
      }
      const authenticationCredential = { id, rawId: id, type: 'public-key', response }
      return { ticket: data?.ticket ?? '', authenticationCredential }
    },
  }
}

type Calls = {
  get(path: string, options?: { token?: string }): Promise<Begun>
  post(path: string, body: unknown, options?: { token?: string }): Promise<{ statusCode: number }>
}

export const registrationPath = '/api/v3/webauthn/registration'
export const authenticationPath = '/api/v3/webauthn/authentication'

/** A passkey of a signed-in user, registered. */
export const registerPasskey = async (app: Calls, token: string, bent: Bent = {}): Promise<Credential> => {
  const begun = await app.get(registrationPath, { token })
  const { credential, answer } = createPasskeyAuthenticator().create(begun, bent)
  const { statusCode } = await app.post(registrationPath, answer, { token })
  if (statusCode !== 200) throw new Error(`the passkey was refused: ${statusCode}`)
  return credential
}
