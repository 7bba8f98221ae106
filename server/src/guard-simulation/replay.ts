// Replays traffic through the real server, with a clock that is moved from event to event.
//
// What must stay true: whatever is reported is what the server answered and what its messages cost; one thing happens
// after the other, in the order of the simulated time, as does the work that a server does every two seconds.
import { type ApiCodeName, ApiError } from '../api-codes.ts'
import type { Application } from '../applications/applications.ts'
import type { Captcha } from '../captcha/captcha.ts'
import type { Clock } from '../core/clock.ts'
import { secondsAfter } from '../core/clock.ts'
import type { Keyring } from '../core/crypto.ts'
import { codeReturnSeconds } from '../guard/guard.ts'
import type { Passcodes } from '../passcodes/passcodes.ts'
import type { Sms } from '../sms/sms.ts'
import { createAgenda } from './agenda.ts'
import type { TrafficEvent } from './events.ts'
import type { Gateway } from './gateway.ts'

export type SimulatedServer = {
  application: Application
  sms: Sms
  passcodes: Passcodes
  captcha: Captcha
  keyring: Keyring
  clock: Clock & { moveTo(time: Date): void }
  gateway: Gateway
  work(): Promise<void>
  housekeeping(): Promise<void>
}

/** What came of asking for one code; a second record of an event is the request with the captcha. */
export type Answer = {
  event: TrafficEvent
  /** Seconds from the first event. */
  at: number
  outcome: 'sent' | ApiCodeName
  paidMicros: number
  withCaptcha: boolean
}

const workSeconds = 2
const housekeepingSeconds = 3600
const peopleSolveSeconds = 12
const programsSolveSeconds = 3

/** Codes of a purpose that anybody may ask for: what pumping uses. */
const purpose = 'sign_up'

export const replay = async (
  server: SimulatedServer,
  traffic: readonly TrafficEvent[],
  onProgress: (done: number) => void = () => {},
): Promise<Answer[]> => {
  const { clock } = server
  const agenda = createAgenda()
  const start = clock.now()
  const answers: Answer[] = []
  let isWorkDueAt = -1
  let cleanedAt = 0

  /** The server works every two seconds; where nothing is to be counted, that changes nothing and is left out. */
  const planWork = (after: number): void => {
    const due = Math.ceil(after / workSeconds) * workSeconds
    if (due <= isWorkDueAt) return
    isWorkDueAt = due
    agenda.plan(due, () => server.work())
  }

  const ask = async (event: TrafficEvent, at: number, withCaptcha: boolean): Promise<void> => {
    const before = server.gateway.paidMicros()
    const outcome = await send(server, event, withCaptcha)
    answers.push({ event, at, outcome, paidMicros: server.gateway.paidMicros() - before, withCaptcha })
    if (outcome === 'sent') {
      planWork(at + codeReturnSeconds)
      if (event.answers !== null) agenda.plan(at + event.answers, () => typeCode(server, event))
    }
    if (outcome === 'captcha_required' && event.solvesCaptcha === true && !withCaptcha) {
      const later = at + (event.kind === 'attack' ? programsSolveSeconds : peopleSolveSeconds)
      agenda.plan(later, () => ask(event, later, true))
    }
  }

  const runUntil = async (until: number): Promise<void> => {
    for (let next = agenda.next(until); next !== undefined; next = agenda.next(until)) {
      clock.moveTo(secondsAfter(start, next.at))
      await next.run()
    }
  }

  for (const [index, event] of traffic.entries()) {
    await runUntil(event.at)
    clock.moveTo(secondsAfter(start, event.at))
    if (event.at - cleanedAt > housekeepingSeconds) {
      cleanedAt = event.at
      await server.housekeeping()
    }
    await ask(event, event.at, false)
    onProgress(index + 1)
  }
  await runUntil(Number.POSITIVE_INFINITY)
  return answers
}

const send = async (
  server: SimulatedServer,
  event: TrafficEvent,
  withCaptcha: boolean,
): Promise<'sent' | ApiCodeName> => {
  const { application, sms } = server
  try {
    await sms.sendPasscode({
      application,
      purpose,
      phone: event.phone,
      sender: undefined,
      ip: event.ip,
      language: 'en-US',
      captcha: withCaptcha ? await solveCaptcha(server, event) : undefined,
    })
    return 'sent'
  } catch (error) {
    if (error instanceof ApiError) return error.code
    throw error
  }
}

/** Asks for a picture as a page does, and reads it by the key that made it. */
const solveCaptcha = async ({ application, captcha, keyring }: SimulatedServer, { ip }: TrafficEvent) => {
  const { poolId } = application
  const { captchaToken: token } = await captcha.create({ poolId, ip })
  // What captcha.ts seals: an id, what the picture shows, and until when.
  const [, code]: unknown[] = JSON.parse(keyring.unseal(token, `captcha ${poolId}`))
  return { token, code: String(code) }
}

const typeCode = async (server: SimulatedServer, event: TrafficEvent): Promise<void> => {
  const { passcodes, application, gateway } = server
  const code = gateway.codeOf(event.phone)
  if (code === undefined) return
  await passcodes.verify(passcodes.proof({ application, purpose, recipient: event.phone, code }))
}
