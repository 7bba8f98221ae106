// Chance that can be repeated: the same seed gives the same traffic on every machine. Nothing secret is made of it;
// what must be unpredictable comes from core/crypto.ts.
export type Chance = {
  /** From 0 up to, but not including, 1. */
  next(): number
  below(count: number): number
  between(from: number, to: number): number
  happens(share: number): boolean
  /** Around the median, with a long tail; `spread` is the standard deviation of its logarithm. */
  logNormal(median: number, spread: number): number
  pick<Item>(items: readonly Item[], weightOf?: (item: Item) => number): Item
}

/** Mulberry32, by Tommy Ettinger (public domain): 32 bits of state are enough for a million events. */
export const seededChance = (seed: number): Chance => {
  let state = seed >>> 0
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = state
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
  const below = (count: number) => Math.floor(next() * count)
  return {
    next,
    below,
    between: (from, to) => from + next() * (to - from),
    happens: (share) => next() < share,
    // Box and Muller's transform.
    logNormal: (median, spread) =>
      median * Math.exp(spread * Math.sqrt(-2 * Math.log(1 - next())) * Math.cos(2 * Math.PI * next())),
    pick: (items, weightOf = () => 1) => {
      let left = next() * items.reduce((sum, item) => sum + weightOf(item), 0)
      for (const item of items) {
        left -= weightOf(item)
        if (left < 0) return item
      }
      const last = items.at(-1)
      if (last === undefined) throw new Error('there is nothing to pick from')
      return last
    },
  }
}
