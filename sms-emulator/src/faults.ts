// What goes wrong on purpose. Each fault holds for one service or for all, a number of times or until it is switched
// off; the newest list of faults replaces the one before.
import { setTimeout as sleep } from 'node:timers/promises'
import { type ServiceName, serviceNames, type Trouble } from './service.ts'

export const faultKinds = {
  delay: 'Waits before it answers a request.',
  hold: 'Lets a request wait until the faults are set anew.',
  http_500: 'Answers with status 500, as a broken gateway does.',
  throttle: 'Answers that too many messages were sent.',
  refuse: 'Refuses with an error code of the service.',
  drop: 'Accepts, never delivers, never reports.',
  duplicate: 'Delivers twice, and reports each receipt twice.',
  reorder: 'Delivers and reports in the wrong order: a message waits for the next one.',
  late_receipt: 'Delivers at once and reports late, or when the faults are set anew.',
  fail: 'Accepts, does not deliver, reports a failure.',
} as const

export type FaultKind = keyof typeof faultKinds

export type Fault = {
  kind: FaultKind
  /** All of them, where none is named. */
  service?: ServiceName
  /** Of `delay`, `late_receipt` and `reorder`: how long at most. */
  milliseconds?: number
  /** Of `refuse`: the service's own error code in its answer; of `fail`: the error code of the receipt. */
  code?: string
  /** How often it happens; without it until it is switched off. */
  times?: number
}

export type Faults = {
  set(faults: readonly Fault[]): void
  list(): Fault[]
  /** The first fault of one of these kinds that concerns the service, which counts as one of its times. */
  take(service: ServiceName, ...kinds: FaultKind[]): Fault | undefined
  /** When the faults that hold now are replaced. */
  untilSetAnew(): Promise<void>
  /** Waits where a delay or a hold is switched on; then how to answer, or undefined to go on. */
  troubleOf(service: ServiceName): Promise<Trouble | undefined>
}

const defaultDelayMilliseconds = 5000

export const createFaults = (): Faults => {
  let faults: Fault[] = []
  let setAnew = () => {}
  let untilSetAnew = new Promise<void>((resolve) => {
    setAnew = resolve
  })

  const take = (service: ServiceName, ...kinds: FaultKind[]): Fault | undefined => {
    const found = faults.find(
      (fault) => kinds.includes(fault.kind) && (fault.service === undefined || fault.service === service),
    )
    if (found?.times === undefined) return found
    found.times -= 1
    if (found.times <= 0) faults = faults.filter((fault) => fault !== found)
    return found
  }

  return {
    set: (given) => {
      setAnew()
      untilSetAnew = new Promise((resolve) => {
        setAnew = resolve
      })
      faults = given.map((fault) => ({ ...fault })).filter(({ times }) => times === undefined || times > 0)
    },
    untilSetAnew: () => untilSetAnew,
    list: () => faults.map((fault) => ({ ...fault })),
    take,
    troubleOf: async (service) => {
      const delay = take(service, 'delay')
      if (delay !== undefined) {
        // A request that waits does not keep the emulator from ending.
        await sleep(delay.milliseconds ?? defaultDelayMilliseconds, undefined, { ref: false })
      }
      if (take(service, 'hold') !== undefined) await untilSetAnew
      const fault = take(service, 'http_500', 'throttle', 'refuse')
      if (fault === undefined) return undefined
      if (fault.kind === 'refuse') return { kind: 'refuse', code: fault.code ?? '' }
      return { kind: fault.kind === 'throttle' ? 'throttle' : 'http_500' }
    },
  }
}

/** A list of faults as it came over the wire. @throws an Error that says what is wrong with it */
export const parseFaults = (value: unknown): Fault[] => {
  if (!Array.isArray(value)) throw new Error('faults must be a list')
  return value.map(parseFault)
}

const parseFault = (value: unknown): Fault => {
  if (typeof value !== 'object' || value === null) throw new Error('a fault must be an object')
  const { kind, service, milliseconds, code, times, ...unknown } = value as Record<string, unknown>
  const [stranger] = Object.keys(unknown)
  if (stranger !== undefined) throw new Error(`a fault has no ${stranger}`)
  return {
    kind: oneOf('kind', Object.keys(faultKinds) as FaultKind[], kind),
    ...(service === undefined ? {} : { service: oneOf('service', serviceNames, service) }),
    ...(milliseconds === undefined ? {} : { milliseconds: wholeNumber('milliseconds', milliseconds) }),
    ...(code === undefined ? {} : { code: String(code) }),
    ...(times === undefined ? {} : { times: wholeNumber('times', times) }),
  }
}

export const oneOf = <Name extends string>(field: string, names: readonly Name[], value: unknown): Name => {
  const found = names.find((name) => name === value)
  if (found === undefined) throw new Error(`${field} must be one of ${names.join(', ')}`)
  return found
}

const wholeNumber = (field: string, value: unknown): number => {
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) return value
  throw new Error(`${field} must be a whole number, 0 or more`)
}
