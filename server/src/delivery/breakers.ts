// A circuit breaker for each provider: one that keeps failing is left alone for a while, so that nobody waits for it.
// Each process learns by itself; what it learns is forgotten with it.
import {
  BrokenCircuitError,
  type CircuitBreakerPolicy,
  CircuitState,
  ConsecutiveBreaker,
  circuitBreaker,
  handleWhenResult,
} from 'cockatiel'
import type { Config } from '../config.ts'
import type { Log } from '../core/log.ts'
import { failures, type SendOutcome } from '../providers/providers.ts'

/** So many failures in a row open the circuit. */
const failuresInRow = 5

/** What a try gives; `elsewhere`: another process has the message, and no provider was called. */
export type Tried = SendOutcome | 'elsewhere'

const tellsOfProvider = (result: unknown): boolean => {
  const tried = result as Tried
  return tried !== 'elsewhere' && tried.outcome === 'refused' && failures[tried.reason].breaks
}

export const createBreakers = ({
  config,
  log,
}: {
  config: Pick<Config, 'providerBreakSeconds'>
  log: Log
}) => {
  const breakers = new Map<string, CircuitBreakerPolicy>()

  const breakerOf = (poolId: string, provider: string): CircuitBreakerPolicy => {
    const key = `${poolId}/${provider}`
    const known = breakers.get(key)
    if (known !== undefined) return known
    const made = circuitBreaker(handleWhenResult(tellsOfProvider), {
      halfOpenAfter: config.providerBreakSeconds * 1000,
      breaker: new ConsecutiveBreaker(failuresInRow),
    })
    made.onBreak(() => log.error({ provider }, 'the provider keeps failing and is left alone for a while'))
    made.onReset(() => log.warn({ provider }, 'the provider serves again'))
    breakers.set(key, made)
    return made
  }

  return {
    /**
     * Undefined: the circuit is open, and `attempt` did not run. When its time is over, one attempt runs and decides;
     * nothing but `run` tells when that is.
     */
    run: async (
      poolId: string,
      provider: string,
      attempt: () => Promise<Tried>,
    ): Promise<Tried | undefined> => {
      try {
        return await breakerOf(poolId, provider).execute(attempt)
      } catch (error) {
        if (error instanceof BrokenCircuitError) return undefined
        throw error
      }
    },

    /** `closed` serves, `open` is left alone, `half_open` is being tried again. */
    stateOf: (poolId: string, provider: string): BreakerState =>
      stateNames[breakers.get(`${poolId}/${provider}`)?.state ?? CircuitState.Closed],
  }
}

export type BreakerState = 'closed' | 'open' | 'half_open'

const stateNames = {
  [CircuitState.Closed]: 'closed',
  [CircuitState.Open]: 'open',
  [CircuitState.HalfOpen]: 'half_open',
  [CircuitState.Isolated]: 'open',
} as const satisfies Record<CircuitState, BreakerState>

export type Breakers = ReturnType<typeof createBreakers>
