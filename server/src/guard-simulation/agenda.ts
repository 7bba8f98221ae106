/** What is to happen later, soonest first; of the same time, what was planned first. */
export const createAgenda = () => {
  /** The soonest last. */
  const planned: { at: number; run: () => Promise<void> }[] = []
  return {
    plan: (at: number, run: () => Promise<void>): void => {
      let low = 0
      let high = planned.length
      while (low < high) {
        const middle = (low + high) >>> 1
        if ((planned[middle]?.at ?? 0) > at) low = middle + 1
        else high = middle
      }
      planned.splice(low, 0, { at, run })
    },

    /** The next one not after this time, taken off. */
    next: (until: number) =>
      (planned.at(-1)?.at ?? Number.POSITIVE_INFINITY) <= until ? planned.pop() : undefined,
  }
}
