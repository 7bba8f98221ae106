// How many wrong passwords are heard: counted before the password is compared, so that parallel guesses are no gain.
//
// What must stay true: the count that locks is kept for each client network apart, so that nobody locks the owner out
// from elsewhere (rule 8); failures from everywhere together ask for no more than a captcha; who is asked for one was
// not compared and not counted; nothing here knows whether the identifier has a user (rule 10).
import { ApiError } from '../api-codes.ts'
import type { Config } from '../config.ts'
import { type Clock, secondsUntil } from '../core/clock.ts'
import { type Counter, giveBack, takeOne } from '../core/counters.ts'
import type { Keyring } from '../core/crypto.ts'
import type { Database } from '../core/database.ts'
import { networkOf } from '../core/network.ts'
import type { LimitName } from '../limits.ts'

export type Guess = {
  poolId: string
  /** In one canonical writing, so that no other writing of it has guesses of its own. */
  identifier: string
  ip: string
  /** What locks. */
  limit?: 'passwordFailuresHour' | 'administratorSignInFailuresHour'
  /** Whether a captcha came with the call; absent where none is asked for, however many fail. */
  captchaSolved?: boolean | undefined
}

/** A counted guess. */
export type Taken = {
  /** The guess was none: it is given back, and the network starts anew before the next captcha. */
  forgive(): Promise<void>
}

type Deps = { db: Database; keyring: Keyring; clock: Clock; config: Pick<Config, 'limits'> }

export const createPasswordFailures = ({ db, keyring, clock, config }: Deps) => {
  const counterOf = (limit: LimitName, poolId: string, key: string): Counter => {
    const { count, windowSeconds } = config.limits[limit]
    return { poolId, key, count, windowSeconds, now: clock.now() }
  }

  const giveBackAll = async (taken: readonly Counter[]): Promise<void> => {
    for (const { poolId, key } of taken) await giveBack(db, { poolId, key })
  }

  /** Counts towards the captcha, unless one was solved. @throws ApiError captcha_required, with nothing counted */
  const takeBeforeCaptcha = async (given: Guess, name: string, network: string): Promise<Counter[]> => {
    if (given.captchaSolved !== false) return []
    const counters = [
      counterOf('signInFailuresBeforeCaptcha', given.poolId, `sign_in_failures:${name}:${network}`),
      counterOf('identifierFailuresBeforeCaptcha', given.poolId, `identifier_failures:${name}`),
    ]
    for (const [index, counter] of counters.entries()) {
      if ((await takeOne(db, counter)) === undefined) continue
      await giveBackAll(counters.slice(0, index))
      const spent = index === 0 ? 'from this network' : 'from everywhere'
      throw new ApiError('captcha_required', `too many wrong passwords ${spent}`)
    }
    return counters
  }

  return {
    /** Counts a guess before it is compared. @throws ApiError captcha_required, account_locked */
    take: async (given: Guess): Promise<Taken> => {
      const { poolId, limit = 'passwordFailuresHour' } = given
      const name = keyring.fingerprint(given.identifier)
      const network = networkOf(given.ip)
      const early = await takeBeforeCaptcha(given, name, network)
      const failures = counterOf(limit, poolId, `password_failures:${name}:${network}`)
      const spentUntil = await takeOne(db, failures)
      if (spentUntil !== undefined) {
        await giveBackAll(early)
        const retryAfterSeconds = secondsUntil(clock.now(), spentUntil)
        throw new ApiError('account_locked', 'too many wrong passwords from this network', {
          retryAfterSeconds,
        })
      }
      return {
        forgive: async () => {
          await giveBackAll([failures, ...early.slice(1)])
          if (given.captchaSolved === undefined) return
          const { count } = config.limits.signInFailuresBeforeCaptcha
          await giveBack(db, { poolId, key: `sign_in_failures:${name}:${network}`, amount: count })
        },
      }
    },
  }
}

export type PasswordFailures = ReturnType<typeof createPasswordFailures>
