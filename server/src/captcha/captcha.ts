// The captcha: a picture of a few letters and digits, for where a send or a sign-in looks automated. One barrier among
// several: it makes a script work for each message and each guess, and a program that reads pictures passes it
// (docs/decisions/captcha.md).
//
// What must stay true: nothing is stored for a picture until somebody answers it, so that asking for pictures fills
// nothing; the token is sealed, for its pool alone, and tells nobody the code; an attempt spends the token, right or
// wrong, in all processes together (as rule 5 has it for passcodes); no text of a caller makes `verify` throw.
import { Type } from 'typebox'
import { ApiError } from '../api-codes.ts'
import type { Config } from '../config.ts'
import { type Clock, secondsUntil } from '../core/clock.ts'
import { takeOne } from '../core/counters.ts'
import { type Keyring, newId, randomInteger, sameSecret } from '../core/crypto.ts'
import type { Database } from '../core/database.ts'
import { networkOf } from '../core/network.ts'
import { Secret } from '../core/secret.ts'

const ttlSeconds = 300

/** The library's own length. A token takes one answer, so that a blind guess is right once in 100 000. */
const codeLength = 4

/** Without those that look alike in the library's font, in upper or lower case: 0 O D Q, 1 I L J, 2 Z, 5 S, 6 G, 8 B, U V. */
const alphabet = 'ACEFHKMNPRTWXY3479'

/** Dark greys on white: the library's colors are too pale for many eyes. */
const picture = { width: 160, height: 50, fontSize: 48, noise: 3 }
const paper = '<rect width="100%" height="100%" fill="#fff"/>'

/** A sealed token is under 250 characters. */
const maxTokenLength = 500

/** In the body of a call that may be refused with captcha_required. */
export const captchaFields = {
  captchaToken: Type.Optional(
    Type.String({
      maxLength: maxTokenLength,
      description: 'Of get-captcha-code, after a refusal that asks for a captcha.',
      examples: ['8f1c2d3e4f50.Zm9v…'],
    }),
  ),
  captchaCode: Type.Optional(
    Type.String({
      maxLength: 20,
      description: 'What the picture shows; case does not matter.',
      examples: ['7KQF'],
    }),
  ),
}

export type CaptchaAnswer = { token: string; code: string }

/** Undefined: the body holds none, or half of one. */
export const captchaAnswerIn = ({
  captchaToken: token,
  captchaCode: code,
}: {
  captchaToken?: string
  captchaCode?: string
}): CaptchaAnswer | undefined => (token && code ? { token, code } : undefined)

export type CaptchaPicture = { captchaCodeSvg: string; captchaToken: string }

type Challenge = { id: string; code: Secret; expiresAt: number }

type Deps = { db: Database; keyring: Keyring; clock: Clock; config: Pick<Config, 'limits'> }

export const createCaptcha = ({ db, keyring, clock, config }: Deps) => {
  const contextOf = (poolId: string) => `captcha ${poolId}`

  const open = (poolId: string, token: string): Challenge | undefined => {
    if (token.length > maxTokenLength) return undefined
    try {
      return parseChallenge(keyring.unseal(token, contextOf(poolId)))
    } catch {
      // Not a token of ours, changed, of another pool, or sealed with a key that is gone.
      return undefined
    }
  }

  return {
    /** @throws ApiError captcha_limit_reached when this client address asked for too many */
    create: async ({ poolId, ip }: { poolId: string; ip: string }): Promise<CaptchaPicture> => {
      const now = clock.now()
      const spentUntil = await takeOne(db, {
        poolId,
        key: `captchas_ip:${networkOf(ip)}`,
        ...config.limits.captchasPerIpHour,
        now,
      })
      if (spentUntil !== undefined) {
        const retryAfterSeconds = secondsUntil(now, spentUntil)
        throw new ApiError('captcha_limit_reached', 'too many captchas for this address', {
          retryAfterSeconds,
        })
      }
      const code = Array.from({ length: codeLength }, () => alphabet[randomInteger(alphabet.length)]).join('')
      const expiresAt = now.getTime() + ttlSeconds * 1000
      return {
        captchaCodeSvg: await draw(code),
        captchaToken: keyring.seal(JSON.stringify([newId(clock), code, expiresAt]), contextOf(poolId)),
      }
    },

    /**
     * Whether the code is that of the token's picture. A token of ours is spent by it, whatever the answer.
     * @param code as it was typed: upper or lower case, full-width or not, with spaces or without
     */
    verify: async (poolId: string, token: string, code: string): Promise<boolean> => {
      const challenge = open(poolId, token)
      const now = clock.now()
      if (challenge === undefined || challenge.expiresAt <= now.getTime()) return false
      // Counted for longer than the token lives, in case the clocks of two processes differ.
      const counter = { poolId, key: `captcha:${challenge.id}`, count: 1, windowSeconds: 2 * ttlSeconds, now }
      if ((await takeOne(db, counter)) !== undefined) return false
      const typed = code.normalize('NFKC').replace(/\s/g, '').toUpperCase()
      return sameSecret(typed, challenge.code)
    },
  }
}

export type Captcha = ReturnType<typeof createCaptcha>

const parseChallenge = (text: string): Challenge | undefined => {
  const parts: unknown = JSON.parse(text)
  if (!Array.isArray(parts)) return undefined
  const [id, code, expiresAt]: unknown[] = parts
  if (typeof id !== 'string' || typeof code !== 'string' || typeof expiresAt !== 'number') return undefined
  return { id, code: new Secret(code), expiresAt }
}

/**
 * svg-captcha reads a font as it loads: 40 ms, and memory that a server which asks for no captcha need not spend.
 * Its module is the function that draws a given text, which its types leave out.
 */
const draw = async (code: string): Promise<string> => {
  const drawText: unknown = (await import('svg-captcha')).default
  if (typeof drawText !== 'function') throw new Error('svg-captcha is not a function')
  const svg: unknown = drawText(code, picture)
  if (typeof svg !== 'string') throw new Error('svg-captcha drew nothing')
  // Behind everything else: without it the greys would stand on whatever color the page has.
  return svg.replace('>', `>${paper}`)
}
