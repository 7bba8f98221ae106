// The form of traffic: one line of JSON for each time that somebody asks for a code.
import { type Static, Type } from 'typebox'
import { schemaFaults } from '../core/schema.ts'
import { type E164, parsePhone } from '../phone-numbers/phone-numbers.ts'

const TrafficLine = Type.Object({
  /** ISO 8601, or seconds from any beginning. */
  at: Type.Union([Type.String(), Type.Number()]),
  phone: Type.String(),
  ip: Type.String(),
  /** Who asks again is the same person. Absent: each number is one. */
  person: Type.Optional(Type.String()),
  kind: Type.Optional(Type.Enum(['honest', 'attack'])),
  /** The name of the attack. */
  attack: Type.Optional(Type.String()),
  /** Seconds from the message until the code is typed; null: never. */
  answers: Type.Union([Type.Null(), Type.Number()]),
  solvesCaptcha: Type.Optional(Type.Boolean()),
})

export type TrafficEvent = Omit<Static<typeof TrafficLine>, 'at' | 'phone' | 'person'> & {
  /** Seconds from the first event. */
  at: number
  phone: E164
  person: string
}

/** @throws Error naming the line that cannot be read */
export const readTraffic = (text: string): TrafficEvent[] => {
  const events = text
    .split('\n')
    .map((line, index) => ({ line, number: index + 1 }))
    .filter(({ line }) => line.trim() !== '')
    .map(({ line, number }) => readLine(line, number))
    .sort((a, b) => a.at - b.at)
  const first = events[0]?.at ?? 0
  return events.map((event) => ({ ...event, at: event.at - first }))
}

const readLine = (text: string, number: number): TrafficEvent => {
  const refuse = (why: string): never => {
    throw new Error(`line ${number} of the traffic: ${why}`)
  }
  const line = parseJson(text) ?? refuse('not JSON')
  const [fault] = schemaFaults(TrafficLine, line, '')
  if (fault !== undefined) return refuse(`${fault.field} ${fault.message}`)
  const { at, phone, ...rest } = line as Static<typeof TrafficLine>
  const seconds = typeof at === 'number' ? at : Date.parse(at) / 1000
  if (!Number.isFinite(seconds)) return refuse('at is no time')
  const parsed = parsePhone({ number: phone })
  if ('fault' in parsed) return refuse(`phone: ${parsed.reason}`)
  return { ...rest, at: seconds, phone: parsed.phone, person: rest.person ?? parsed.phone }
}

const parseJson = (text: string): unknown => {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

export const writeTraffic = (events: readonly TrafficEvent[]): string =>
  events.map((event) => `${JSON.stringify(event)}\n`).join('')
