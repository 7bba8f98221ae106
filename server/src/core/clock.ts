/** The time, handed in from outside so that tests move it instead of sleeping. */
export type Clock = { now(): Date }

export const systemClock: Clock = { now: () => new Date() }

export const secondsAfter = (time: Date, seconds: number): Date => new Date(time.getTime() + seconds * 1000)

/** Whole seconds from one time until another, rounded up, never under 1: what a client is told to wait. */
export const secondsUntil = (from: Date, until: Date): number =>
  Math.max(1, Math.ceil((until.getTime() - from.getTime()) / 1000))

/** Seconds since 1970, the form of JWT times (RFC 7519, section 2). */
export const toEpochSeconds = (time: Date): number => Math.floor(time.getTime() / 1000)
