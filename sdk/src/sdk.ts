// All that the package exports.

export { AuthenticationClient, type OIDCTokenResponse, type ParseOptions } from './authentication-client.ts'
export { ApiError, OAuthError, RequestError } from './errors.ts'
export { type ApiCode, apiCodes, type RefusalStatusCode } from './generated/api-codes.ts'
// biome-ignore lint/performance/noReExportAll: a namespace of its own, as in the published SDK; bundlers keep what is used
export * as Models from './generated/models.ts'
export type { AuthenticationClientInitOptions, ClientAuthentication } from './options.ts'
export { canReceivePassCode, receivePassCode } from './receive-pass-code.ts'
export type { AccessToken, IDToken, JWKSObject } from './tokens.ts'
export type {
  CallOptions,
  Data,
  Operation,
  Params,
  RefusalDetails,
  Refused,
  Result,
  Succeeded,
} from './types.ts'
