// What an authenticator answered, verified as WebAuthn level 2 has it, sections 7.1 and 7.2.
//
// What must stay true: the answer was made for this challenge, for one of our origins and for our relying party, by a
// user whom the authenticator verified; no answer makes the server open a connection; whatever is wrong with one, it is
// a reason and never a fault.
/** Of `navigator.credentials.create`; all in base64url. */
export type RegistrationResponse = {
  id: string
  rawId: string
  response: { attestationObject: string; clientDataJSON: string }
}

/** Of `navigator.credentials.get`. */
export type AuthenticationResponse = {
  id: string
  rawId: string
  response: { authenticatorData: string; clientDataJSON: string; signature: string }
}

export type Expected = { challenge: string; origins: string[]; relyingPartyId: string }

export type NewCredential = {
  credentialId: string
  publicKey: Uint8Array
  counter: number
  backedUp: boolean
  /** The model of the authenticator (AAGUID); all zeros where it does not tell. */
  authenticatorId: string
}

/** What is wrong with an answer, for the log. */
export type Reason = { reason: string }

/** EdDSA, ES256, RS256 (IANA's COSE algorithms): what authenticators have. */
export const algorithms = [-8, -7, -257]

/** The library takes 0.5 s to load, which a server without passkeys need not spend. */
const load = async () => ({
  ...(await import('@simplewebauthn/server')),
  ...(await import('@simplewebauthn/server/helpers')),
})

const reasonOf = (error: unknown): Reason => ({
  // It repeats words of the caller.
  reason: error instanceof Error ? error.message.slice(0, 200) : 'not an answer of an authenticator',
})

export const verifyRegistration = async (
  response: RegistrationResponse,
  { challenge, origins, relyingPartyId }: Expected,
): Promise<NewCredential | Reason> => {
  const library = await load()
  try {
    const { attestationObject, clientDataJSON } = response.response
    if (library.decodeClientDataJSON(clientDataJSON).crossOrigin === true)
      return { reason: 'made in a frame' }
    const attestation = library.decodeAttestationObject(library.isoBase64URL.toBuffer(attestationObject))
    // None was asked for. Certificates would name addresses that the library fetches lists of revoked ones from.
    const format = attestation.get('fmt')
    const hasCertificates = attestation.get('attStmt').get('x5c') !== undefined
    if (format !== 'none' && (format !== 'packed' || hasCertificates)) {
      return { reason: 'an attestation that was not asked for' }
    }
    const { id, rawId } = response
    const { verified, registrationInfo } = await library.verifyRegistrationResponse({
      response: {
        id,
        rawId,
        type: 'public-key',
        response: { attestationObject, clientDataJSON },
        clientExtensionResults: {},
      },
      expectedChallenge: challenge,
      expectedOrigin: origins,
      expectedRPID: relyingPartyId,
      supportedAlgorithmIDs: algorithms,
    })
    if (!verified) return { reason: 'the attestation is not signed by the new key' }
    const { credential, aaguid, credentialBackedUp } = registrationInfo
    return {
      credentialId: credential.id,
      publicKey: credential.publicKey,
      counter: credential.counter,
      backedUp: credentialBackedUp,
      authenticatorId: aaguid,
    }
  } catch (error) {
    return reasonOf(error)
  }
}

export const verifyAuthentication = async (
  response: AuthenticationResponse,
  publicKey: Uint8Array,
  { challenge, origins, relyingPartyId }: Expected,
): Promise<{ counter: number; backedUp: boolean } | Reason> => {
  const library = await load()
  try {
    const { authenticatorData, clientDataJSON, signature } = response.response
    if (library.decodeClientDataJSON(clientDataJSON).crossOrigin === true)
      return { reason: 'made in a frame' }
    const { id, rawId } = response
    const { verified, authenticationInfo } = await library.verifyAuthenticationResponse({
      response: {
        id,
        rawId,
        type: 'public-key',
        response: { authenticatorData, clientDataJSON, signature },
        clientExtensionResults: {},
      },
      expectedChallenge: challenge,
      expectedOrigin: origins,
      expectedRPID: relyingPartyId,
      // The library compares counters before it verifies the signature; the store does after it, in one statement.
      credential: { id, publicKey: Uint8Array.from(publicKey), counter: 0 },
    })
    if (!verified) return { reason: 'the signature is not of this key' }
    return { counter: authenticationInfo.newCounter, backedUp: authenticationInfo.credentialBackedUp }
  } catch (error) {
    return reasonOf(error)
  }
}
