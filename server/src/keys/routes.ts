import { Type } from 'typebox'
import type { Http } from '../core/http.ts'
import { unlimited } from '../limits.ts'
import type { Keys } from './keys.ts'

const version = '0.1.0'

const Jwks = Type.Object({
  keys: Type.Array(
    Type.Object({
      kty: Type.String({ examples: ['RSA'] }),
      kid: Type.String(),
      use: Type.String({ examples: ['sig'] }),
      alg: Type.String({ examples: ['RS256'] }),
      n: Type.String(),
      e: Type.String({ examples: ['AQAB'] }),
    }),
  ),
})

const SystemInfo = Type.Object({
  rsa: Type.Object(
    {
      publicKey: Type.String({
        description: 'PEM (SPKI).',
        examples: ['-----BEGIN PUBLIC KEY-----\n…\n-----END PUBLIC KEY-----\n'],
      }),
    },
    { description: 'For passwordEncryptType rsa.' },
  ),
  sm2: Type.Object(
    {
      publicKey: Type.String({ description: 'An uncompressed point in hex.', examples: ['04…'] }),
    },
    { description: 'For passwordEncryptType sm2 (C1C3C2).' },
  ),
  version: Type.Object(
    {
      server: Type.String({ description: 'Of the server.' }),
      console: Type.String({ description: 'The same.' }),
      login: Type.String({ description: 'The same.' }),
    },
    { description: 'What runs.' },
  ),
  publicIps: Type.Array(Type.String(), {
    description: 'Always empty: the server does not know them.',
    examples: [[]],
  }),
})

export const keyRoutes = (http: Http, keys: Keys): void => {
  // Not enveloped, as the published SDKs expect.
  http.get(
    '/api/v3/system',
    {
      config: { access: 'public', limit: unlimited('two public keys, from memory') },
      schema: {
        operationId: 'getSystemInfo',
        tags: ['Public information'],
        summary: 'Public keys for encrypted passwords, and the version',
        description:
          'For a program that encrypts passwords before it sends them (passwordEncryptType). The reply is bare, without the envelope.',
        response: { 200: SystemInfo },
      },
    },
    async () => ({
      rsa: { publicKey: (await keys.newest('password_rsa')).publicKey },
      sm2: { publicKey: (await keys.newest('password_sm2')).publicKey },
      version: { server: version, console: version, login: version },
      publicIps: [],
    }),
  )

  // SDK 4.0.1 reads the first path, 4.0.2 the second; the key set is the server's, whatever the application.
  for (const path of ['/oidc/.well-known/jwks.json', '/:appId/oidc/.well-known/jwks.json'] as const) {
    http.get(
      path,
      {
        config: { access: 'public', limit: unlimited('public keys, from memory') },
        schema: {
          operationId: path.startsWith('/oidc') ? 'jwks' : 'applicationJwks',
          tags: ['OpenID Connect'],
          summary: 'The public keys that verify tokens (RFC 7517), newest first',
          ...(path.startsWith('/oidc') ? {} : { params: Type.Object({ appId: Type.String() }) }),
          response: { 200: Jwks },
        },
      },
      async () => keys.jwks(),
    )
  }
}
