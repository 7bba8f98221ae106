// Numbers of a country's plan for made traffic: a few operators, of which some have most people, and their ranges.

import { getCountryCallingCode } from 'libphonenumber-js/max'
import examples from 'libphonenumber-js/mobile/examples'
import { type E164, isPhone, numberTypeOf, parsePhone, type Region } from '../phone-numbers/phone-numbers.ts'
import type { Chance } from './chance.ts'

const operatorCount = 5
const tries = 20_000

export type Numbers = {
  /** Of an operator by its share of people, in any of its ranges. */
  ofPerson(): E164
  /** In any range of any operator alike. */
  ofAnyRange(): E164
  /** A few ranges of one operator: each as the number without its last four digits. */
  rangesOfOneOperator(count: number): string[]
}

export const numbersOf = (region: Region, chance: Chance): Numbers => {
  const example = examples[region] ?? ''
  const callingCode = `+${getCountryCallingCode(region)}`
  const digits = (count: number) => Array.from({ length: count }, () => chance.below(10)).join('')

  /** Digits after these, until the plan has the number as a mobile one of the region. */
  const complete = (start: string): E164 | undefined => {
    for (let tried = 0; tried < tries; tried += 1) {
      const phone = `${callingCode}${start}${digits(example.length - start.length)}`
      if (isMobileOf(region, phone)) return phone
      // Nothing but the example is sure to be one, and some plans have few.
      if (start.length > 1 && tried > 300) return undefined
    }
    return undefined
  }

  const operators: string[] = []
  while (operators.length < operatorCount) {
    const phone = complete('') ?? toPhone(`${callingCode}${example}`)
    operators.push(phone.slice(callingCode.length).slice(0, 3))
  }
  const within = (operator: string): E164 => complete(operator) ?? within(chance.pick(operators))
  const shareOf = (operator: string) => 1 / (1 + operators.indexOf(operator))

  return {
    ofPerson: () => within(chance.pick(operators, shareOf)),
    ofAnyRange: () => within(chance.pick(operators)),
    rangesOfOneOperator: (count) => {
      const operator = chance.pick(operators)
      return Array.from({ length: count }, () => within(operator).slice(0, -4))
    },
  }
}

/** @throws Error where the text is not E.164 */
export const toPhone = (text: string): E164 => {
  if (!isPhone(text)) throw new Error(`not E.164: ${text}`)
  return text
}

const isMobileOf = (region: Region, phone: string): phone is E164 => {
  const parsed = parsePhone({ number: phone })
  if ('fault' in parsed || parsed.phone !== phone || parsed.region !== region) return false
  return ['mobile', 'fixed_line_or_mobile'].includes(numberTypeOf(parsed.phone))
}
