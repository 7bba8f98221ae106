// Whatever goes wrong at a provider, the person who asked for a code binds the phone, once, and the timeline tells what
// happened. Each fault is switched on for the first of two providers.
import { describe, expect, it } from 'vitest'
import type { Fault } from '../../../sms-emulator/src/emulator.ts'
import type { FailureReason, ProviderKindName } from '../../src/providers/providers.ts'
import { type SmsApp, startSmsApp } from '../support/sms.ts'

/** Of each provider: a code with which it refuses, what that code means, and what it reports of a delivery. */
const providers = {
  twilio: { code: '21408', reason: 'geo_permission_missing', reports: ['sent', 'delivered'] },
  tencent: {
    code: 'FailedOperation.SignatureIncorrectOrUnapproved',
    reason: 'sender_not_approved',
    reports: ['delivered'],
  },
  aliyun: { code: 'isv.AMOUNT_NOT_ENOUGH', reason: 'balance_exhausted', reports: ['delivered'] },
  sns: { code: 'OptedOut', reason: 'number_opted_out', reports: ['delivered'] },
  vonage: { code: '1070', reason: 'balance_exhausted', reports: ['sent', 'delivered'] },
  generic: { code: 'no_such_sender', reason: 'request_rejected', reports: ['delivered'] },
  smpp: { code: 'ESME_RINVSRCADR', reason: 'sender_not_approved', reports: ['delivered'] },
} as const satisfies Record<
  ProviderKindName,
  { code: string; reason: FailureReason; reports: readonly string[] }
>

type Pair = readonly [ProviderKindName, ProviderKindName]

/** Each provider is once the first. */
const pairs: readonly Pair[] = [
  ['twilio', 'tencent'],
  ['tencent', 'twilio'],
  ['aliyun', 'tencent'],
  ['sns', 'twilio'],
  ['vonage', 'tencent'],
  ['generic', 'twilio'],
  ['smpp', 'tencent'],
]

const start = ([first, second]: Pair, fault: Omit<Fault, 'service'>) =>
  startSmsApp({
    providers: [first, second],
    // So long the second has too.
    settings: fault.kind === 'hold' ? { DIALTONE_PROVIDER_TIMEOUT_SECONDS: '5' } : {},
  }).then((app) => {
    app.setFaults({ ...fault, service: first })
    return app
  })

/** Until all is reported; Amazon has to be asked, twenty seconds later. */
const reported = async (app: SmsApp, provider: ProviderKindName): Promise<void> => {
  await app.emulator.settle()
  if (provider !== 'sns') return
  app.clock.advance(21)
  await app.app.work()
}

const deliveredBy = (provider: ProviderKindName): string[] =>
  providers[provider].reports.map((state) => `${state} ${provider}`)

/** A person who asks for codes and binds through the published SDK. */
const ask = async (app: SmsApp) => {
  const alice = await app.signUp()
  const client = app.sdkOf(alice)
  return {
    alice,
    send: () => client.sendSms({ channel: 'CHANNEL_BIND_PHONE' as never, phoneNumber: alice.phone }),
    bind: (passCode: string) => client.bindPhone({ phoneNumber: alice.phone, passCode }),
  }
}

describe.each(pairs)('with %s before %s, a person binds the phone', (first, second) => {
  const pair: Pair = [first, second]
  const { code, reason: reasonOfCode } = providers[first]

  it.each([
    ['http_500', 'provider_fault'],
    ['throttle', 'throttled'],
    ['refuse', reasonOfCode],
    ['hold', 'timeout'],
  ] as const)('though the first has the fault %s: the second delivers at once', async (kind, reason) => {
    await using app = await start(pair, { kind, code })
    const { alice, send, bind } = await ask(app)

    const sent = await send()
    await app.emulator.settle()
    const passCode = app.codeOn(alice.phone)
    const bound = await bind(passCode)
    const again = await bind(passCode)

    expect(sent).toMatchObject({ statusCode: 200 })
    expect(bound).toMatchObject({ statusCode: 200 })
    expect(again).not.toMatchObject({ statusCode: 200 })
    expect((await alice.profile()).data.phone).toBe(alice.phone)
    expect(await app.storiesOf(alice.phone)).toEqual([
      [
        'queued',
        `tried ${first}`,
        `refused ${first} ${reason}`,
        `tried ${second}`,
        `accepted ${second}`,
        ...deliveredBy(second),
        'verified',
      ],
    ])
  })

  it.each(['drop', 'fail'] as const)(
    'though the first has the fault %s: a resend takes the second, with the same code (rule 4)',
    async (kind) => {
      await using app = await start(pair, { kind })
      const { alice, send, bind } = await ask(app)
      await send()
      await reported(app, first)
      expect(app.textsOn(alice.phone)).toEqual([])

      app.clock.advance(61)
      await send()
      await app.emulator.settle()
      const bound = await bind(app.codeOn(alice.phone))

      expect(bound).toMatchObject({ statusCode: 200 })
      expect(app.servicesOn(alice.phone)).toEqual([second])
      const [lost, arrived] = await app.storiesOf(alice.phone)
      expect(lost?.slice(0, 3)).toEqual(['queued', `tried ${first}`, `accepted ${first}`])
      expect(lost?.some((event) => event.startsWith(`failed ${first}`))).toBe(kind === 'fail')
      expect(arrived).toEqual([
        'queued',
        `tried ${second}`,
        `accepted ${second}`,
        ...deliveredBy(second),
        'verified',
      ])
    },
  )

  it('though the first delivers and reports twice', async () => {
    await using app = await start(pair, { kind: 'duplicate' })
    const { alice, send, bind } = await ask(app)

    await send()
    await reported(app, first)
    const bound = await bind(app.codeOn(alice.phone))

    expect(bound).toMatchObject({ statusCode: 200 })
    expect(new Set(app.textsOn(alice.phone))).toHaveLength(1)
    expect(app.servicesOn(alice.phone)).toEqual([first, first])
    expect(await app.storiesOf(alice.phone)).toEqual([
      ['queued', `tried ${first}`, `accepted ${first}`, ...deliveredBy(first), 'verified'],
    ])
  })

  it('though the first holds the message back, and reports in the wrong order', async () => {
    await using app = await start(pair, { kind: 'reorder' })
    const { alice, send, bind } = await ask(app)

    await send()
    await reported(app, first)
    const bound = await bind(app.codeOn(alice.phone))

    expect(bound).toMatchObject({ statusCode: 200 })
    expect(await app.storiesOf(alice.phone)).toEqual([
      ['queued', `tried ${first}`, `accepted ${first}`, ...deliveredBy(first).reverse(), 'verified'],
    ])
    expect((await app.messagesTo(alice.phone))[0]?.message.state).toBe('delivered')
  })

  it('though the first reports only after the code was used', async () => {
    await using app = await start(pair, { kind: 'late_receipt', milliseconds: 3_600_000 })
    const { alice, send, bind } = await ask(app)

    await send()
    const bound = await bind(app.codeOn(alice.phone))
    app.setFaults()
    await reported(app, first)

    expect(bound).toMatchObject({ statusCode: 200 })
    const [story] = await app.storiesOf(alice.phone)
    expect(story?.slice(0, 4)).toEqual(['queued', `tried ${first}`, `accepted ${first}`, 'verified'])
    expect(story?.slice(4)).toEqual(deliveredBy(first))
  })
})
