// Makes traffic for the simulator: honest people of many countries, and attacks among them.
//
// What must stay true: the same seed makes the same traffic; every made number is a mobile number of its country's plan.
import type { E164 } from '../phone-numbers/phone-numbers.ts'
import { attacks } from './attacks.ts'
import { type Chance, seededChance } from './chance.ts'
import { type SimulatedCountry, simulatedCountries } from './countries.ts'
import type { TrafficEvent } from './events.ts'
import { numbersOf } from './numbers.ts'

export type Recipe = {
  seed: number
  hours: number
  /** Honest people an hour, on average over a day. */
  peopleHour: number
  /** 1: the attacks as they are described in attacks.ts; 0: none. */
  attackScale: number
}

/** Honest people of many countries, and the attacks among them, in the order of time. */
export const makeTraffic = (recipe: Recipe): TrafficEvent[] => {
  const honest = simulatedCountries.flatMap((country, index) =>
    honestTraffic(country, recipe, seededChance(recipe.seed * 1000 + index)),
  )
  const attacking = attacks.flatMap((attack, index) =>
    attack.make({
      chance: seededChance(recipe.seed * 1000 + 500 + index),
      hours: recipe.hours,
      scale: recipe.attackScale,
    }),
  )
  const burst = marketingBurst(recipe, seededChance(recipe.seed * 1000 + 900))
  return [...honest, ...burst, ...attacking].sort((a, b) => a.at - b.at)
}

const allPeople = simulatedCountries.reduce((sum, { people }) => sum + people, 0)

/** How busy an hour of the day is, 1 on average: least at four in the morning, most at four in the afternoon. */
const dayCurve = (localHour: number): number => 1 + 0.75 * Math.cos(((localHour - 16) / 24) * 2 * Math.PI)

const honestTraffic = (country: SimulatedCountry, { hours, peopleHour }: Recipe, chance: Chance) => {
  const numbers = numbersOf(country.region, chance)
  const perHour = (peopleHour * country.people) / allPeople
  const events: TrafficEvent[] = []
  for (let hour = 0; hour < hours; hour += 1) {
    const expected = perHour * dayCurve(hour + country.utcOffset)
    const count = Math.floor(expected) + (chance.happens(expected % 1) ? 1 : 0)
    for (let index = 0; index < count; index += 1) {
      const at = (hour + chance.next()) * 3600
      events.push(...honestPerson({ at, country, phone: numbers.ofPerson(), chance }))
    }
  }
  return events
}

/** A campaign in one country: within half an hour, as many people as all countries else have in an hour. */
const marketingBurst = ({ hours, peopleHour }: Recipe, chance: Chance): TrafficEvent[] => {
  const country = simulatedCountries.find(({ region }) => region === 'BR')
  if (country === undefined) return []
  const numbers = numbersOf(country.region, chance)
  const from = hours * 0.4 * 3600
  return Array.from({ length: Math.round(peopleHour) }, () =>
    honestPerson({ at: from + chance.between(0, 1800), country, phone: numbers.ofPerson(), chance }),
  ).flat()
}

const solvingShare = 0.85
const askingAgainShare = 0.1

const honestPerson = (given: {
  at: number
  country: SimulatedCountry
  phone: E164
  chance: Chance
}): TrafficEvent[] => {
  const { at, country, phone, chance } = given
  const answers = chance.happens(country.typing) ? Math.round(chance.logNormal(20, 0.7)) : null
  const first = {
    at: Math.round(at),
    phone,
    person: phone,
    ip: address(chance),
    kind: 'honest' as const,
    solvesCaptcha: chance.happens(solvingShare),
    answers,
  }
  if (!chance.happens(askingAgainShare)) return [first]
  return [
    { ...first, answers: null },
    { ...first, at: first.at + 61 + chance.below(30) },
  ]
}

/** Of any network: honest people share few, and botnets none. */
const address = (chance: Chance): string =>
  `${1 + chance.below(220)}.${chance.below(256)}.${chance.below(256)}.${1 + chance.below(254)}`
