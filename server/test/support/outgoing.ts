// A message on its way to a provider, and providers that are not there.
import pino from 'pino'
import { systemClock } from '../../src/core/clock.ts'
import { type E164, requirePhone } from '../../src/phone-numbers/phone-numbers.ts'
import type { OutgoingMessage, Receipt } from '../../src/providers/providers.ts'
import { listenHttp } from './http-server.ts'

export const phoneOf = (written: string): E164 => requirePhone(written, undefined, 'phone').phone

/** A code by SMS to a mobile in London, unless the test says otherwise. */
export const outgoing = (given: Partial<OutgoingMessage> = {}): OutgoingMessage => ({
  id: '01981a2b-0000-7000-8000-000000000001',
  channel: 'sms',
  to: phoneOf('+447700900123'),
  region: 'GB',
  from: undefined,
  text: 'Your Dialtone code is 482913. It is valid for 5 minutes.',
  templateId: undefined,
  parameters: { code: '482913', minutes: '5', app: 'Dialtone' },
  templateParameters: [],
  locale: 'en-US',
  receiptUrl: 'https://auth.example.com/receipts/nobody',
  ...given,
})

/** What a provider is given; nothing is expected to reach the log. */
export const providerDeps = (clock = systemClock) => ({
  name: 'under test',
  clock,
  log: pino({ level: 'silent' }),
  takeReceipts: async (_receipts: readonly Receipt[]) => {},
})

/** An address at which nobody listens. */
export const closedUrl = async (): Promise<string> => {
  await using server = await listenHttp(() => undefined)
  return server.url
}
