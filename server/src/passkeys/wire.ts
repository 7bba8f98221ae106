// What travels between a browser and the passkey calls: the objects of WebAuthn (https://www.w3.org/TR/webauthn-3/), in
// JSON as the published SDK has them.
import { Type } from 'typebox'
import { knownScopes, TokenSet } from '../tokens/tokens.ts'

const base64url = (maxLength: number, description: string) =>
  Type.String({ minLength: 1, maxLength, pattern: '^[A-Za-z0-9_-]*$', description, examples: ['ZXhhbXBsZQ'] })

/** Credential ids are up to 1023 bytes (WebAuthn, section 4). */
const maxCredentialIdLength = 1364

// As text: it is such in the types of browsers and of the published SDK, whose values must fit the SDK's types.
const publicKeyType = Type.String({
  pattern: '^public-key$',
  description: 'Always public-key.',
  examples: ['public-key'],
})

const Ticket = Type.String({
  minLength: 1,
  maxLength: 1000,
  description: 'The ticket that came with the options. Usable once, for five minutes.',
  examples: ['9d1f3ab0c2.Zm9v…'],
})

const credentialFields = {
  id: base64url(maxCredentialIdLength, 'The credential’s id, base64url.'),
  rawId: base64url(maxCredentialIdLength, 'The same.'),
  type: publicKeyType,
}

const Transports = Type.Array(Type.String({ maxLength: 20 }), {
  maxItems: 10,
  description: 'How the browser reaches the authenticator: ble, hybrid, internal, nfc, smart-card, usb.',
  examples: [['internal', 'hybrid']],
})

export const VerifyRegistrationBody = Type.Object({
  ticket: Ticket,
  registrationCredential: Type.Object(
    {
      ...credentialFields,
      response: Type.Object(
        {
          attestationObject: base64url(50_000, 'CBOR: the new public key and its id.'),
          clientDataJSON: base64url(5000, 'The origin and the challenge that the browser saw.'),
          transports: Type.Optional(Transports),
        },
        { description: 'What the authenticator answered.' },
      ),
      transports: Type.Optional(Transports),
    },
    {
      description:
        'What navigator.credentials.create gave, as JSON. Transports are read here and in response.',
    },
  ),
  authenticatorCode: Type.Optional(
    Type.Enum(['fingerprint', 'face', 'other'], {
      description: 'Accepted and ignored.',
      examples: ['fingerprint'],
    }),
  ),
})

export const VerifyAuthenticationBody = Type.Object({
  ticket: Ticket,
  authenticationCredential: Type.Object(
    {
      ...credentialFields,
      response: Type.Object(
        {
          authenticatorData: base64url(5000, 'Flags and the counter.'),
          clientDataJSON: base64url(5000, 'The origin and the challenge that the browser saw.'),
          signature: base64url(5000, 'Over the two.'),
          userHandle: Type.Optional(
            Type.Union([Type.String({ maxLength: 100 }), Type.Null()], {
              description: 'The user that the passkey is for, as the authenticator kept it.',
              examples: ['ZXhhbXBsZQ'],
            }),
          ),
        },
        { description: 'What the authenticator answered.' },
      ),
    },
    { description: 'What navigator.credentials.get gave, as JSON.' },
  ),
  options: Type.Optional(
    Type.Object(
      {
        scope: Type.Optional(
          Type.String({
            maxLength: 500,
            description: `What the tokens are good for. Parted by spaces; must contain openid. Known: ${knownScopes.join(', ')}.`,
            examples: ['openid profile email phone'],
          }),
        ),
        context: Type.Optional(Type.Unknown({ description: 'Ignored: there are no pipelines.' })),
        customData: Type.Optional(Type.Unknown({ description: 'Ignored.' })),
      },
      { description: 'What is seldom needed.' },
    ),
  ),
})

const Descriptor = Type.Object({
  id: Type.String({ description: 'The id of the passkey, base64url.', examples: ['ZXhhbXBsZQ'] }),
  type: Type.String({ description: 'Always public-key.', examples: ['public-key'] }),
  transports: Type.Array(Type.String(), {
    description: 'How the browser reaches the authenticator.',
    examples: [['internal', 'hybrid']],
  }),
})

const challengeFields = {
  challenge: Type.String({
    description: 'What the authenticator signs: 256 random bits, base64url.',
    examples: ['q7Qf2Z1v0m9iV5nJ7c1xWfR8uT4yE6oPaLsDdHgBvNz'],
  }),
  timeout: Type.Integer({
    description: 'How long the person may take, in milliseconds.',
    examples: [300_000],
  }),
}

export const RegistrationOptions = Type.Object({
  registrationOptions: Type.Object(
    {
      ...challengeFields,
      rp: Type.Object(
        {
          id: Type.String({ description: 'Its domain.', examples: ['example.com'] }),
          name: Type.String({ description: 'Its name for people.', examples: ['Dialtone'] }),
        },
        { description: 'The site that the passkey is for.' },
      ),
      user: Type.Object(
        {
          id: Type.String({ description: 'The user’s id, base64url.' }),
          name: Type.String({ description: 'What the user signs in with.', examples: ['ada'] }),
          displayName: Type.String({ description: 'The user’s name for people.', examples: ['Ada'] }),
        },
        { description: 'The user that the passkey is for.' },
      ),
      pubKeyCredParams: Type.Array(
        Type.Object({
          alg: Type.Integer({ description: 'The algorithm, by its COSE number.', examples: [-7] }),
          type: Type.String({ description: 'Always public-key.', examples: ['public-key'] }),
        }),
        { description: 'The signatures that the server can verify, the preferred one first.' },
      ),
      excludeCredentials: Type.Array(Descriptor, {
        description: 'The passkeys that the user has.',
        examples: [[]],
      }),
      authenticatorSelection: Type.Object(
        {
          residentKey: Type.String({
            description: 'Whether the passkey can be found without a name.',
            examples: ['required'],
          }),
          requireResidentKey: Type.Boolean({ description: 'The same, for older browsers.' }),
          userVerification: Type.String({
            description: 'Whether the authenticator asks for a fingerprint, a face or a PIN.',
            examples: ['required'],
          }),
        },
        { description: 'What is asked of the authenticator.' },
      ),
      attestation: Type.String({
        description: 'Whether the authenticator is to say what it is.',
        examples: ['none'],
      }),
    },
    { description: 'For PublicKeyCredential.parseCreationOptionsFromJSON.' },
  ),
  ticket: Type.String({
    description: 'To be sent back with the answer.',
    examples: ['9d1f3ab0c2.Zm9v…'],
  }),
})

export const AuthenticationOptions = Type.Object({
  authenticationOptions: Type.Object(
    {
      ...challengeFields,
      rpId: Type.String({
        description: 'The domain of the site that the passkey is for.',
        examples: ['example.com'],
      }),
      allowCredentials: Type.Array(Descriptor, {
        description: 'The caller’s own passkeys; empty where nobody is signed in, or the caller has none.',
        examples: [[]],
      }),
      userVerification: Type.String({
        description: 'Whether the authenticator asks for a fingerprint, a face or a PIN.',
        examples: ['required'],
      }),
    },
    { description: 'For PublicKeyCredential.parseRequestOptionsFromJSON.' },
  ),
  ticket: Type.String({
    description: 'To be sent back with the answer.',
    examples: ['9d1f3ab0c2.Zm9v…'],
  }),
})

export const Verified = Type.Object({
  verified: Type.Boolean({ description: 'Always true: else it is a refusal.' }),
})

export const AuthenticationResult = Type.Object({
  verified: Type.Boolean({ description: 'Always true: else it is a refusal.' }),
  tokenSet: Type.Object(TokenSet.properties, { description: 'Of a new session.' }),
})

const Passkey = Type.Object({
  credentialId: Type.String({
    description: 'Its id as the authenticator made it, base64url.',
    examples: ['ZXhhbXBsZQ'],
  }),
  authenticatorId: Type.String({
    description: 'The model of the authenticator (AAGUID); zeros where it does not tell.',
    examples: ['00000000-0000-0000-0000-000000000000'],
  }),
  transports: Type.Array(Type.String(), {
    description: 'How the browser reaches the authenticator.',
    examples: [['internal', 'hybrid']],
  }),
  backedUp: Type.Boolean({ description: 'Whether it is kept elsewhere too, by a password manager say.' }),
  createdAt: Type.String({
    description: 'When it was registered; ISO 8601, UTC.',
    examples: ['2026-01-31T12:00:00.000Z'],
  }),
  lastUsedAt: Type.Union([Type.String(), Type.Null()], {
    description: 'When it was last signed in with; null where never.',
    examples: ['2026-02-14T08:30:00.000Z'],
  }),
})

export const PasskeyPage = Type.Object({
  totalCount: Type.Integer({ description: 'Passkeys on all pages.' }),
  list: Type.Array(Passkey, { description: 'The passkeys of this page.' }),
})

export const ListQuery = Type.Object({
  page: Type.Optional(
    Type.String({ pattern: '^[1-9][0-9]{0,5}$', description: 'From 1. Default 1.', examples: ['1'] }),
  ),
  limit: Type.Optional(
    Type.String({
      pattern: '^([1-9]|[1-4][0-9]|50)$',
      description: 'Entries a page: 1 to 50. Default 10.',
      examples: ['10'],
    }),
  ),
})

export const CredentialParams = Type.Object({
  credentialId: Type.String({
    maxLength: maxCredentialIdLength,
    description: 'The id of the passkey: one of those that webauthn/credentials lists.',
    examples: ['ZXhhbXBsZQ'],
  }),
})
