// Which settings of a provider are secret, and when a kept one must be given again.
import { isDeepStrictEqual } from 'node:util'
import type { FieldFault } from '../api-codes.ts'

/** Settings that say where a provider's secrets are sent to. */
const placePattern = /^(host|port|tls|url|endpoint|\w+Endpoint)$/

export type Kept = { settings: Record<string, unknown>; secrets: Record<string, unknown> }

/** Open settings and secrets apart; a secret that is not given is the one that is kept. */
export const partSecrets = (
  names: readonly string[],
  all: Record<string, unknown>,
  kept: Record<string, unknown> = {},
) => {
  const isSecret = ([name]: [string, unknown]) => names.includes(name)
  const given = Object.fromEntries(Object.entries(all).filter(isSecret))
  const settings = Object.fromEntries(Object.entries(all).filter((entry) => !isSecret(entry)))
  return { settings, given, secrets: { ...kept, ...given } }
}

/** Who may change an address must not thereby learn a secret that nobody is shown: it is to be given again. */
export const secretsToRepeat = (
  settings: Record<string, unknown>,
  given: Record<string, unknown>,
  kept: Kept | undefined,
): FieldFault[] => {
  const names = Object.keys({ ...settings, ...kept?.settings }).filter((name) => placePattern.test(name))
  const moved = names.find((name) => !isDeepStrictEqual(settings[name], kept?.settings[name]))
  if (kept === undefined || moved === undefined) return []
  return Object.keys(kept.secrets)
    .filter((secret) => given[secret] === undefined)
    .map((secret) => ({
      field: `settings.${secret}`,
      message: `must be given again, because settings.${moved} has changed`,
    }))
}
