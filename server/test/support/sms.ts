// A test server with real providers: the emulator stands in for their services, and reports back to the server.
import { providerSettings } from '../../../sms-emulator/src/accounts.ts'
import { type Emulator, type Fault, startEmulator } from '../../../sms-emulator/src/emulator.ts'
import type { GuardPolicy } from '../../src/guard/guard.ts'
import { defaultPolicy } from '../../src/guard/guard.ts'
import { createMessages, type TimelineEvent } from '../../src/messages/messages.ts'
import type { ProviderKindName } from '../../src/providers/providers.ts'
import type { Route } from '../../src/routing/routing.ts'
import { type Person, startTestApp } from './app.ts'

type Given = {
  settings?: Record<string, string>
  /** The providers to configure, each under the name of its kind. Default: twilio. */
  providers?: readonly ProviderKindName[]
  /** Default: everything to the first provider, and where that fails to the next. */
  routes?: readonly Route[]
  policy?: Partial<GuardPolicy>
  accounts?: Partial<Emulator['accounts']>
  /** False: the services are not told where to report, so that they have to be asked. */
  receipts?: boolean
}

/** Settings of each kind that the emulator accepts. */
const settingsFor = (emulator: Emulator): Record<ProviderKindName, Record<string, unknown>> => {
  const { accounts, url, smppPort } = emulator
  const settings = providerSettings(accounts, url, smppPort) as Record<
    ProviderKindName,
    Record<string, unknown>
  >
  return { ...settings, generic: { ...settings.generic, receipts: genericReceipts } }
}

export const genericReceipts = {
  id: { jsonPath: 'id' },
  state: { jsonPath: 'status' },
  code: { jsonPath: 'error' },
  delivered: ['delivered'],
  failed: ['failed'],
}

export const startSmsApp = async (given: Given = {}) => {
  const emulator = await startEmulator({ receiptAfterMilliseconds: 1, accounts: given.accounts ?? {} })
  const app = await startTestApp(given.settings)
  const { poolId } = app.application
  const { providers, routing, guard } = app.app
  const messages = createMessages({ db: app.db, clock: app.clock })
  // Receipts come back to where the test server listens.
  if (given.receipts !== false) app.config.publicUrl = app.url
  const kinds = given.providers ?? ['twilio']
  const settingsOf = settingsFor(emulator)

  const setRoutes = (routes: readonly Route[]) =>
    app.db.transaction((tx) => routing.replaceAll(poolId, routes, tx))

  const setProvider = (name: string, kind: ProviderKindName, settings: Record<string, unknown> = {}) =>
    providers.put(poolId, { name, kind, enabled: true, settings: { ...settingsOf[kind], ...settings } })

  for (const kind of kinds) {
    await setProvider(kind, kind)
    if (given.receipts !== false) emulator.setReceiptUrl(kind, providers.receiptUrlOf(poolId, kind))
  }
  await setRoutes(
    given.routes ?? [{ name: 'all', serves: {}, steps: kinds.map((provider) => ({ provider })) }],
  )
  if (given.policy !== undefined) await guard.putPolicy(poolId, { ...defaultPolicy, ...given.policy })

  /** Every message to a number, the oldest first, with all that happened to it. */
  const messagesTo = async (phone: string) => {
    const summaries = await messages.summaries(poolId, { recipient: e164(phone), limit: 100 })
    const timelines = await Promise.all(summaries.map(({ id }) => messages.timeline(poolId, id)))
    return timelines.filter((timeline) => timeline !== undefined).reverse()
  }

  return {
    ...app,
    emulator,
    poolId,
    setRoutes,
    setProvider,
    messagesTo,
    setFaults: (...faults: Fault[]) => emulator.setFaults(faults),
    receiptUrlOf: (name: string) => providers.receiptUrlOf(poolId, name),

    /** The texts on a phone, the newest first. */
    textsOn: (phone: string): string[] => emulator.messages(e164(phone)).map(({ text }) => text),

    /** Which services have reached a phone, in their order. */
    servicesOn: (phone: string): string[] =>
      emulator
        .messages(e164(phone))
        .map(({ service }) => service)
        .reverse(),

    /** The code of the newest message on a phone. */
    codeOn: (phone: string): string => {
      const [message] = emulator.messages(e164(phone))
      const code = /(?<!\d)\d{6}(?!\d)/.exec(message?.text ?? '')?.[0]
      if (code === undefined) throw new Error(`no code on ${phone}`)
      return code
    },

    /** What the timelines of a number's messages say, one line an event: `refused twilio throttled`. */
    storiesOf: async (phone: string): Promise<string[][]> =>
      (await messagesTo(phone)).map(({ events }) => events.map(lineOf)),

    /** The published SDK, signed in as this person. */
    sdkOf: (person: Person) => {
      const client = app.sdk()
      client.setAccessToken(person.token)
      return client
    },

    [Symbol.asyncDispose]: async () => {
      await emulator.stop()
      await app[Symbol.asyncDispose]()
    },
  }
}

export type SmsApp = Awaited<ReturnType<typeof startSmsApp>>

/** People of the tests have numbers of mainland China. */
const e164 = (phone: string): string => (phone.startsWith('+') ? phone : `+86${phone}`)

const lineOf = ({ type, provider, reason }: TimelineEvent): string =>
  [type, provider, reason].filter((word) => word !== undefined).join(' ')
