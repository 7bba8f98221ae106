import { describe, expect, it } from 'vitest'
import { createKeyring } from '../../src/core/crypto.ts'
import { readCredentials } from '../../src/first-start.ts'
import { defaultPolicy, type GuardPolicy } from '../../src/guard/guard.ts'
import {
  makeTraffic,
  prepareServer,
  type Recipe,
  readTraffic,
  replay,
  reportOf,
  type TrafficEvent,
  tableOf,
  writeTraffic,
} from '../../src/guard-simulation/guard-simulation.ts'
import { numberTypeOf, prefixesOf } from '../../src/phone-numbers/phone-numbers.ts'
import { startTestApp } from '../support/app.ts'

const recipe: Recipe = { seed: 1, hours: 1, peopleHour: 10, attackScale: 0.01 }

/** Replays on a fresh test server, whose clock goes on by itself between the moves. */
const replayed = async (traffic: readonly TrafficEvent[], policy: Partial<GuardPolicy> = {}) => {
  await using app = await startTestApp()
  const keyring = createKeyring(readCredentials(app.config).masterKeys)
  const moveTo = (time: Date) => app.clock.advance((time.getTime() - app.clock.now().getTime()) / 1000)
  const server = await prepareServer({
    ...app,
    keyring,
    clock: { now: app.clock.now, moveTo },
    policy: { ...defaultPolicy, ...policy },
  })
  try {
    return await replay(server, traffic)
  } finally {
    await server.stop()
  }
}

/** Numbers of one range, a minute after the other. */
const requests = (count: number, given: Partial<TrafficEvent> = {}): TrafficEvent[] =>
  Array.from({ length: count }, (_, index) => ({
    at: index * 60,
    phone: parsed(`+4479461${String(23_000 + index)}`),
    ip: `198.51.100.${index}`,
    person: String(index),
    kind: 'honest',
    answers: 20,
    solvesCaptcha: true,
    ...given,
  }))

const parsed = (phone: string) => {
  const [event] = readTraffic(JSON.stringify({ at: 0, phone, ip: '198.51.100.1', answers: null }))
  if (event === undefined) throw new Error('no event')
  return event.phone
}

describe('made traffic', () => {
  it('is the same for the same seed, and another for another', () => {
    const first = makeTraffic(recipe)

    expect(makeTraffic(recipe)).toEqual(first)
    expect(makeTraffic({ ...recipe, seed: 2 })).not.toEqual(first)
  })

  it('reads as it was written', () => {
    const made = makeTraffic(recipe)

    const read = readTraffic(writeTraffic(made))

    const start = made[0]?.at ?? 0
    expect(read).toEqual(made.map((event) => ({ ...event, at: event.at - start })))
  })

  it('goes to mobile numbers of many countries, and holds every attack', () => {
    const made = makeTraffic({ ...recipe, peopleHour: 200, attackScale: 0.05 })

    const attacks = new Set(made.map(({ attack }) => attack).filter((name) => name !== undefined))
    expect([...attacks].sort()).toEqual(['captcha solver', 'rogue operator', 'slow', 'spread'])
    const types = new Set(made.map(({ phone }) => numberTypeOf(phone)))
    expect([...types].filter((type) => type !== 'mobile')).toEqual(['fixed_line_or_mobile'])
    const regions = new Set(made.map(({ phone }) => prefixesOf(phone).region))
    expect(regions.size).toBeGreaterThan(20)
  })
})

describe('recorded traffic', () => {
  it('may give times as ISO 8601, in any order, and names of nobody', () => {
    const lines = [
      { at: '2026-01-12T10:00:05Z', phone: '+8618812345678', ip: '2001:db8::1', answers: null },
      { at: '2026-01-12T10:00:00Z', phone: '+447946123000', ip: '198.51.100.1', answers: 12 },
    ].map((line) => JSON.stringify(line))

    const read = readTraffic(lines.join('\n'))

    expect(read).toMatchObject([
      { at: 0, phone: '+447946123000', person: '+447946123000', answers: 12 },
      { at: 5, phone: '+8618812345678', answers: null },
    ])
  })

  it.each([
    ['{', 'line 1 of the traffic: not JSON'],
    ['{"at":0,"phone":"+12","ip":"198.51.100.1","answers":null}', 'line 1 of the traffic: phone'],
    ['{"at":"soon","phone":"+447946123000","ip":"198.51.100.1","answers":null}', 'at is no time'],
    ['{"at":0,"phone":"+447946123000","ip":"198.51.100.1"}', 'line 1 of the traffic: answers'],
  ])('is refused with the line that cannot be read: %s', (line, message) => {
    expect(() => readTraffic(line)).toThrow(message)
  })
})

describe('a replay through the real guard (rule 22)', () => {
  it('lets honest people through, and counts what their messages cost', async () => {
    const answers = await replayed(requests(12))

    const report = reportOf(answers)

    expect(report).toMatchObject({
      asked: 12,
      sent: 12,
      refusals: {},
      people: { all: 12, disturbed: 0, refused: 0 },
    })
    expect(report.paid).toBeCloseTo(12 * 0.047)
  })

  it('asks whoever pumps a range for a captcha, and reports the money that this stopped', async () => {
    const pumping = requests(30, { kind: 'attack', attack: 'pumping', answers: null, solvesCaptcha: false })

    const unguarded = await replayed(pumping, { mode: 'off' })
    const guarded = await replayed(pumping)

    const report = reportOf(guarded, unguarded)
    const sent = guarded.filter(({ outcome }) => outcome === 'sent').length
    expect(unguarded.every(({ outcome }) => outcome === 'sent')).toBe(true)
    expect(sent).toBeLessThan(20)
    expect(report.refusals).toEqual({ captcha_required: 30 - sent })
    expect(report.attackStopped).toBeCloseTo(1 - sent / 30)
    expect(report.attacks[0]?.challenged?.after).toBe(sent * 60)
    expect(tableOf({ guarded: report })).toContain('pumping')
  })

  it('sends to those who solve the captcha, and reports them as disturbed', async () => {
    const pumping = requests(20, { kind: 'attack', attack: 'pumping', answers: null, solvesCaptcha: false })
    const people = requests(2, { at: 1260 }).map((event, index) => ({
      ...event,
      phone: parsed(`+44794612999${index}`),
      person: `person ${index}`,
      solvesCaptcha: index === 0,
    }))

    const answers = await replayed([...pumping, ...people])

    const { people: report } = reportOf(answers)
    expect(report).toEqual({ all: 2, disturbed: 2, lost: 1, refused: 0 })
    expect(answers.at(-1)).toMatchObject({ outcome: 'sent', withCaptcha: true, at: 1272 })
  })
})
