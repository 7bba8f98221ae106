// The attacks of made traffic. All of them pump: whoever earns from the messages asks for many, and reads none.
import type { E164, Region } from '../phone-numbers/phone-numbers.ts'
import type { Chance } from './chance.ts'
import type { TrafficEvent } from './events.ts'
import { numbersOf, toPhone } from './numbers.ts'

type Given = { chance: Chance; hours: number; scale: number }

type Attack = { name: string; about: string; make(given: Given): TrafficEvent[] }

type Wave = Given & {
  name: string
  /** Within the time that is simulated, as parts of it. */
  from: number
  until: number
  messages: number
  solving: number
  nextNumber: () => E164
}

const wave = ({ chance, hours, scale, name, from, until, messages, solving, nextNumber }: Wave) =>
  Array.from({ length: Math.round(messages * scale) }, (_, index): TrafficEvent => {
    const at = hours * 3600 * (from + (until - from) * ((index + chance.next()) / (messages * scale)))
    return {
      at: Math.round(at),
      phone: nextNumber(),
      person: `${name} ${index}`,
      // Of a botnet, or of the many addresses that one can rent: hardly any twice.
      ip: `${1 + chance.below(220)}.${chance.below(256)}.${chance.below(256)}.${1 + chance.below(254)}`,
      kind: 'attack',
      attack: name,
      answers: null,
      solvesCaptcha: chance.happens(solving),
    }
  })

/** One number after the other. */
const inSequence = (ranges: readonly string[], chance: Chance): (() => E164) => {
  let count = chance.below(2000)
  return () => {
    count += 1
    const range = ranges[count % ranges.length] ?? ''
    return toPhone(`${range}${String(Math.floor(count / ranges.length) % 10_000).padStart(4, '0')}`)
  }
}

const anywhere = (region: Region, chance: Chance): (() => E164) => {
  const numbers = numbersOf(region, chance)
  return () => numbers.ofAnyRange()
}

export const attacks: readonly Attack[] = [
  {
    name: 'rogue operator',
    about:
      'numbers in sequence in four ranges of one operator of a small country, 2500 in a fifth of the time',
    make: (given) => {
      const { chance } = given
      const nextNumber = inSequence(numbersOf('TJ', chance).rangesOfOneOperator(4), chance)
      return wave({
        ...given,
        name: 'rogue operator',
        from: 0.1,
        until: 0.3,
        messages: 2500,
        solving: 0,
        nextNumber,
      })
    },
  },
  {
    name: 'spread',
    about: 'numbers of all ranges of a country, one message each, 3000 in a fifth of the time',
    make: (given) =>
      wave({
        ...given,
        name: 'spread',
        from: 0.35,
        until: 0.55,
        messages: 3000,
        solving: 0,
        nextNumber: anywhere('AZ', given.chance),
      }),
  },
  {
    name: 'slow',
    about:
      'numbers of two ranges of a country with honest people, one message a minute and a half all the time',
    make: (given) => {
      const { chance, hours } = given
      const nextNumber = inSequence(numbersOf('PK', chance).rangesOfOneOperator(2), chance)
      return wave({ ...given, name: 'slow', from: 0, until: 1, messages: 40 * hours, solving: 0, nextNumber })
    },
  },
  {
    name: 'captcha solver',
    about:
      'numbers of all ranges of a country by a program that reads nine captchas of ten, 2000 in a fifth of the time',
    make: (given) =>
      wave({
        ...given,
        name: 'captcha solver',
        from: 0.6,
        until: 0.8,
        messages: 2000,
        solving: 0.9,
        nextNumber: anywhere('UZ', given.chance),
      }),
  },
]
