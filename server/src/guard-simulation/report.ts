// What a replay says of the guard. Everything is counted from the server's answers; what money was stopped, against
// the same traffic without a guard.
import { prefixesOf } from '../phone-numbers/phone-numbers.ts'
import type { Answer } from './replay.ts'

/** Asking again too soon costs a person nothing who has a code already. */
const harmless: readonly string[] = ['sms_cooldown']

export type AttackReport = {
  attack: string
  asked: number
  sent: number
  paid: number
  /** Of what the same attack costs without a guard; absent where that was not replayed. */
  stopped?: number
  /** Seconds from its first message, and what it had cost by then. */
  challenged?: { after: number; paid: number }
  blocked?: { after: number; paid: number }
}

export type PeopleReport = {
  all: number
  /** Were asked for a captcha. */
  disturbed: number
  /** Of those: did not solve it, and got no code. */
  lost: number
  /** Got no code, for another reason. */
  refused: number
}

export type Report = {
  asked: number
  sent: number
  refusals: Record<string, number>
  paid: number
  attackPaid: number
  attackStopped?: number
  attacks: AttackReport[]
  people: PeopleReport
  worstRegions: ({ region: string } & PeopleReport)[]
}

const dollars = (answers: readonly Answer[]): number =>
  answers.reduce((sum, { paidMicros }) => sum + paidMicros, 0) / 1_000_000

const groupBy = <Item>(items: readonly Item[], keyOf: (item: Item) => string): Map<string, Item[]> => {
  const groups = new Map<string, Item[]>()
  for (const item of items) {
    const key = keyOf(item)
    const group = groups.get(key)
    if (group === undefined) groups.set(key, [item])
    else group.push(item)
  }
  return groups
}

/** @param unguarded the answers to the same traffic without a guard */
export const reportOf = (answers: readonly Answer[], unguarded?: readonly Answer[]): Report => {
  const attacking = answers.filter(isAttack)
  const unguardedAttacks = unguarded?.filter(isAttack)
  const honest = answers.filter((answer) => !isAttack(answer))
  const refusals: Record<string, number> = {}
  for (const { outcome } of answers) {
    if (outcome !== 'sent') refusals[outcome] = (refusals[outcome] ?? 0) + 1
  }
  const stopped = unguardedAttacks && stoppedShare(attacking, unguardedAttacks)
  return {
    asked: answers.filter(({ withCaptcha }) => !withCaptcha).length,
    sent: answers.filter(isSent).length,
    refusals,
    paid: dollars(answers),
    attackPaid: dollars(attacking),
    ...(stopped === undefined ? {} : { attackStopped: stopped }),
    attacks: [...groupBy(attacking, nameOf)].map(([attack, its]) =>
      attackReport(
        attack,
        its,
        unguardedAttacks?.filter((answer) => nameOf(answer) === attack),
      ),
    ),
    people: peopleReport(honest),
    worstRegions: [...groupBy(honest, ({ event }) => prefixesOf(event.phone).region)]
      .map(([region, its]) => ({ region, ...peopleReport(its) }))
      .filter(({ disturbed, refused }) => disturbed + refused > 0)
      .sort((a, b) => b.disturbed + b.refused - a.disturbed - a.refused)
      .slice(0, 5),
  }
}

const isAttack = ({ event }: Answer): boolean => event.kind === 'attack'
const isSent = ({ outcome }: Answer): boolean => outcome === 'sent'
const nameOf = ({ event }: Answer): string => event.attack ?? 'attack'

const stoppedShare = (guarded: readonly Answer[], unguarded: readonly Answer[]): number | undefined => {
  const cost = dollars(unguarded)
  return cost === 0 ? undefined : 1 - dollars(guarded) / cost
}

const attackReport = (
  attack: string,
  its: readonly Answer[],
  unguarded?: readonly Answer[],
): AttackReport => {
  const stopped = unguarded && stoppedShare(its, unguarded)
  const challenged = reached(its, ({ outcome }) => outcome === 'captcha_required')
  const blocked = reached(
    its,
    ({ outcome }) => outcome === 'region_not_allowed' || outcome === 'sms_limit_reached',
  )
  return {
    attack,
    asked: its.filter(({ withCaptcha }) => !withCaptcha).length,
    sent: its.filter(isSent).length,
    paid: dollars(its),
    ...(stopped === undefined ? {} : { stopped }),
    ...(challenged === undefined ? {} : { challenged }),
    ...(blocked === undefined ? {} : { blocked }),
  }
}

const reached = (its: readonly Answer[], isSo: (answer: Answer) => boolean) => {
  const index = its.findIndex(isSo)
  if (index === -1) return undefined
  return { after: (its[index]?.at ?? 0) - (its[0]?.at ?? 0), paid: dollars(its.slice(0, index)) }
}

const peopleReport = (answers: readonly Answer[]): PeopleReport => {
  const people = [...groupBy(answers, ({ event }) => event.person).values()]
  const wasAsked = (its: readonly Answer[]) => its.some(({ outcome }) => outcome === 'captcha_required')
  const gotNone = (its: readonly Answer[]) => !its.some(isSent)
  const wasRefused = (its: readonly Answer[]) =>
    its.some(
      ({ outcome }) => outcome !== 'sent' && outcome !== 'captcha_required' && !harmless.includes(outcome),
    )
  return {
    all: people.length,
    disturbed: people.filter(wasAsked).length,
    lost: people.filter((its) => gotNone(its) && wasAsked(its) && !wasRefused(its)).length,
    refused: people.filter((its) => gotNone(its) && wasRefused(its)).length,
  }
}

const money = (amount: number): string => `$${amount.toFixed(2)}`
const percent = (share: number): string => `${(share * 100).toFixed(2)} %`
const shareOf = (part: number, all: number): string => `${part} (${percent(all === 0 ? 0 : part / all)})`

const columns = (rows: readonly (readonly string[])[]): string => {
  const widths = rows[0]?.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0))) ?? []
  return rows
    .map((row) =>
      row
        .map((cell, column) =>
          column === 0 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0),
        )
        .join('  ')
        .trimEnd(),
    )
    .join('\n')
}

/** Reports side by side, for people. */
export const tableOf = (reports: Readonly<Record<string, Report>>): string => {
  const all = Object.entries(reports)
  const row = (title: string, cell: (report: Report) => string) => [
    title,
    ...all.map(([, report]) => cell(report)),
  ]
  const refusals = [...new Set(all.flatMap(([, report]) => Object.keys(report.refusals)))].sort()
  const totals = columns([
    ['', ...all.map(([name]) => name)],
    row('codes asked for', ({ asked }) => String(asked)),
    row('messages sent', ({ sent }) => String(sent)),
    ...refusals.map((name) => row(`refused: ${name}`, (report) => String(report.refusals[name] ?? 0))),
    row('paid', ({ paid }) => money(paid)),
    row('paid for attacks', ({ attackPaid }) => money(attackPaid)),
    row('attack money stopped', ({ attackStopped }) =>
      attackStopped === undefined ? '' : percent(attackStopped),
    ),
    row('honest people', ({ people }) => String(people.all)),
    row('disturbed (captcha)', ({ people }) => shareOf(people.disturbed, people.all)),
    row('lost (captcha not solved)', ({ people }) => shareOf(people.lost, people.all)),
    row('refused', ({ people }) => shareOf(people.refused, people.all)),
  ])
  const details = all.map(([name, report]) => detailsOf(name, report)).filter(Boolean)
  return [totals, ...details].join('\n\n')
}

const detailsOf = (name: string, { attacks, worstRegions }: Report): string => {
  const when = (moment: { after: number; paid: number } | undefined) =>
    moment === undefined ? 'never' : `${Math.round(moment.after / 60)} min, ${money(moment.paid)}`
  const ofAttacks = columns([
    [`${name}: attack`, 'asked', 'sent', 'paid', 'stopped', 'first challenged after', 'first refused after'],
    ...attacks.map(({ attack, asked, sent, paid, stopped, challenged, blocked }) => [
      attack,
      String(asked),
      String(sent),
      money(paid),
      stopped === undefined ? '' : percent(stopped),
      when(challenged),
      when(blocked),
    ]),
  ])
  const ofRegions = columns([
    [`${name}: country`, 'honest people', 'disturbed', 'lost', 'refused'],
    ...worstRegions.map(({ region, all, disturbed, lost, refused }) => [
      region,
      String(all),
      shareOf(disturbed, all),
      shareOf(lost, all),
      shareOf(refused, all),
    ]),
  ])
  return [attacks.length > 0 ? ofAttacks : '', worstRegions.length > 0 ? ofRegions : '']
    .filter(Boolean)
    .join('\n\n')
}
