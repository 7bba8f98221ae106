// Amazon SNS's provider against the emulator, which another hand wrote from the same documentation.
import { json } from 'node:stream/consumers'
import { describe, expect, it } from 'vitest'
import { startEmulator } from '../../../sms-emulator/src/emulator.ts'
import {
  connectProvider,
  type FailureReason,
  type OutgoingMessage,
  type SendOutcome,
} from '../../src/providers/providers.ts'
import { listenHttp } from '../support/http-server.ts'
import { closedUrl, outgoing, phoneOf, providerDeps } from '../support/outgoing.ts'
import { receiveReceipts } from '../support/receipts.ts'

type Settings = Parameters<typeof connectProvider<'sns'>>[1]

const to = phoneOf('+447700900123')

const startSns = async (settings: Partial<Settings> = {}) => {
  const emulator = await startEmulator({ receiptAfterMilliseconds: 0 })
  const { accessKeyId, secretAccessKey, region, accountId } = emulator.accounts.sns
  const provider = connectProvider(
    'sns',
    {
      accessKeyId,
      secretAccessKey,
      region,
      accountId,
      endpoint: emulator.url,
      logsEndpoint: emulator.url,
      ...settings,
    },
    providerDeps(),
  )
  return {
    emulator,
    provider,
    secretAccessKey,
    send: (given: Partial<OutgoingMessage> = {}, signal = AbortSignal.timeout(60_000)) =>
      provider.send(outgoing({ to, ...given }), signal),
    poll: (providerMessageId: string) =>
      provider.poll?.(
        { providerMessageId, id: outgoing().id, channel: 'sms', to, sentAt: new Date() },
        AbortSignal.timeout(60_000),
      ),
    [Symbol.asyncDispose]: () => emulator.stop(),
  }
}

const acceptedId = (outcome: SendOutcome): string => {
  if (outcome.outcome !== 'accepted') throw new Error(`refused: ${outcome.reason} ${outcome.code}`)
  return outcome.providerMessageId
}

/** What the provider writes on the wire, read by a server that answers nothing of use. */
const wireOf = async (given: Partial<OutgoingMessage>, settings: Partial<Settings> = {}) => {
  await using server = await receiveReceipts()
  await using sns = await startSns({ endpoint: new URL(server.url).origin, ...settings })
  const outcome = await sns.send(given)
  const call = await server.next()
  return { outcome, call, form: Object.fromEntries(new URLSearchParams(call.body.toString())) }
}

describe('Amazon SNS delivers', () => {
  it('a text under a sender id', async () => {
    await using sns = await startSns({ from: 'Acme' })

    const outcome = await sns.send({ text: '验证码 482913 & it’s yours (+1) *~' })

    await sns.emulator.settle()
    expect(outcome).toEqual({ outcome: 'accepted', providerMessageId: acceptedId(outcome) })
    expect(sns.emulator.messages(to)).toMatchObject([
      { text: '验证码 482913 & it’s yours (+1) *~', from: 'Acme', service: 'sns', channel: 'sms' },
    ])
  })

  it('as a transactional message, under the sender id that the route names before its own', async () => {
    const { call, form } = await wireOf({ from: 'Route' }, { from: 'Acme' })

    expect(form).toEqual({
      Action: 'Publish',
      Version: '2010-03-31',
      PhoneNumber: '+447700900123',
      Message: outgoing().text,
      'MessageAttributes.entry.1.Name': 'AWS.SNS.SMS.SMSType',
      'MessageAttributes.entry.1.Value.DataType': 'String',
      'MessageAttributes.entry.1.Value.StringValue': 'Transactional',
      'MessageAttributes.entry.2.Name': 'AWS.SNS.SMS.SenderID',
      'MessageAttributes.entry.2.Value.DataType': 'String',
      'MessageAttributes.entry.2.Value.StringValue': 'Route',
    })
    expect(call.headers['authorization']).toMatch(
      /^AWS4-HMAC-SHA256 Credential=AKIAEMULATOR\/\d{8}\/us-east-1\/sns\/aws4_request, SignedHeaders=host;/,
    )
  })

  it('from a number of the account, and for no more than the highest price', async () => {
    const { form } = await wireOf({}, { from: '+12025550100', maxPriceUsd: 0.1 })

    expect(form).toMatchObject({
      'MessageAttributes.entry.2.Name': 'AWS.MM.SMS.OriginationNumber',
      'MessageAttributes.entry.2.Value.StringValue': '+12025550100',
      'MessageAttributes.entry.3.Name': 'AWS.SNS.SMS.MaxPrice',
      'MessageAttributes.entry.3.Value.DataType': 'Number',
      'MessageAttributes.entry.3.Value.StringValue': '0.1',
    })
  })
})

describe('The delivery log of Amazon SNS', () => {
  it('says that a message was delivered, and its price', async () => {
    await using sns = await startSns()
    const providerMessageId = acceptedId(await sns.send())
    await sns.emulator.settle()

    const receipt = await sns.poll(providerMessageId)

    expect(receipt).toEqual({
      providerMessageId,
      state: 'delivered',
      occurredAt: expect.any(Date),
      price: { micros: expect.any(Number), currency: 'USD' },
    })
    expect(receipt?.price?.micros).toBeGreaterThan(0)
    expect(Math.abs((receipt?.occurredAt?.getTime() ?? 0) - Date.now())).toBeLessThan(60_000)
  })

  const failures: [response: string, reason: FailureReason][] = [
    ['Blocked as spam by phone carrier', 'blocked_by_carrier'],
    ['Destination is on a blocked list', 'blocked_by_provider'],
    ['Destination is blacklisted', 'blocked_by_provider'],
    ['Invalid phone number', 'number_invalid'],
    ['Message body is invalid', 'content_rejected'],
    ['Phone carrier has blocked this message', 'blocked_by_carrier'],
    ['Phone carrier is currently unreachable/unavailable', 'number_unreachable'],
    ['Phone has blocked SMS', 'number_cannot_receive'],
    ['Phone is on a blocked list', 'blocked_by_provider'],
    ['Phone is blacklisted', 'blocked_by_provider'],
    ['Phone is currently unreachable/unavailable', 'number_unreachable'],
    ['Phone number is opted out', 'number_opted_out'],
    ['This delivery would exceed max price', 'request_rejected'],
    ['Unknown error attempting to reach phone', 'unknown'],
  ]

  it.each(failures)('says "%s", which means %s', async (code, reason) => {
    await using sns = await startSns()
    sns.emulator.setFaults([{ kind: 'fail', code }])
    const providerMessageId = acceptedId(await sns.send())
    await sns.emulator.settle()

    const receipt = await sns.poll(providerMessageId)

    expect(receipt).toMatchObject({ providerMessageId, state: 'failed', reason, code })
  })

  it('leaves nothing of a sentence that is not documented, which may repeat the number (rule 12)', async () => {
    await using sns = await startSns()
    sns.emulator.setFaults([{ kind: 'fail', code: 'Nobody has +447700900123' }])
    const providerMessageId = acceptedId(await sns.send())
    await sns.emulator.settle()

    const receipt = await sns.poll(providerMessageId)

    expect(receipt).toMatchObject({ state: 'failed', reason: 'unknown', code: 'FAILURE' })
    expect(JSON.stringify(receipt)).not.toContain('7700900123')
  })

  it('tells the messages of one phone apart', async () => {
    await using sns = await startSns()
    const first = acceptedId(await sns.send())
    sns.emulator.setFaults([{ kind: 'fail', code: 'Phone number is opted out' }])
    const second = acceptedId(await sns.send())
    await sns.emulator.settle()

    const receipts = [await sns.poll(first), await sns.poll(second)]

    expect(receipts).toMatchObject([
      { providerMessageId: first, state: 'delivered' },
      { providerMessageId: second, state: 'failed' },
    ])
  })

  it('says nothing of a message that is still on its way', async () => {
    await using sns = await startSns()
    sns.emulator.setFaults([{ kind: 'drop' }])
    const providerMessageId = acceptedId(await sns.send())
    await sns.emulator.settle()

    const receipt = await sns.poll(providerMessageId)

    expect(receipt).toBeUndefined()
  })

  it('is read to its last page, since pages before it may be empty', async () => {
    const entry = {
      notification: { messageId: 'id-of-the-message' },
      delivery: { priceInUSD: 0.00645 },
      status: 'SUCCESS',
    }
    await using logs = await answerWith([
      { events: [], nextToken: 'second' },
      { events: [{ message: JSON.stringify(entry), timestamp: 1_767_225_600_000 }] },
    ])
    await using sns = await startSns({ logsEndpoint: logs.url })

    const receipt = await sns.poll('id-of-the-message')

    expect(receipt).toEqual({
      providerMessageId: 'id-of-the-message',
      state: 'delivered',
      occurredAt: new Date('2026-01-01T00:00:00Z'),
      price: { micros: 6450, currency: 'USD' },
    })
    expect(logs.asked).toMatchObject([
      {
        logGroupName: 'sns/us-east-1/000000000001/DirectPublishToPhoneNumber',
        filterPattern: '{ $.notification.messageId = "id-of-the-message" }',
      },
      { nextToken: 'second' },
    ])
  })

  it('is not read where the account’s number is not set', async () => {
    const { accountId: _, ...settings } = { ...(await keys()), logsEndpoint: await closedUrl() }
    const provider = connectProvider('sns', settings, providerDeps())
    const message = { providerMessageId: 'x', id: 'y', channel: 'sms' as const, to, sentAt: new Date() }

    const receipt = await provider.poll?.(message, AbortSignal.timeout(60_000))

    expect(receipt).toBeUndefined()
  })

  it('cannot be read with another secret, and the reason is thrown without it (rule 12)', async () => {
    await using sns = await startSns()
    const secretAccessKey = 'not-the-secret-of-this-account'
    const provider = connectProvider(
      'sns',
      { ...(await keys()), secretAccessKey, logsEndpoint: sns.emulator.url },
      providerDeps(),
    )
    const message = { providerMessageId: 'x', id: 'y', channel: 'sms' as const, to, sentAt: new Date() }

    const asking = provider.poll?.(message, AbortSignal.timeout(60_000))

    const thrown = await asking?.catch((error: unknown) => error)
    expect(thrown).toMatchObject({ reason: 'credentials_invalid' })
    expect(String(thrown)).not.toContain(secretAccessKey)
  })

  it('throws when it cannot be reached', async () => {
    await using sns = await startSns({ logsEndpoint: await closedUrl() })
    const providerMessageId = acceptedId(await sns.send())

    const asking = sns.poll(providerMessageId)

    await expect(asking).rejects.toMatchObject({ reason: 'connection_failed' })
  })
})

/** A CloudWatch Logs that gives one answer after the other. */
const answerWith = async (answers: object[]) => {
  const asked: unknown[] = []
  const server = await listenHttp(async (request, reply) => {
    asked.push(await json(request))
    reply.end(JSON.stringify(answers.shift()))
  })
  return { url: server.url, asked, [Symbol.asyncDispose]: server[Symbol.asyncDispose] }
}

/** The settings of the emulator's account. */
const keys = async (): Promise<Settings> => {
  await using sns = await startSns()
  return sns.emulator.accounts.sns
}

describe('A refusal by Amazon SNS', () => {
  const refusals: [code: string, reason: FailureReason][] = [
    ['AuthorizationError', 'credentials_invalid'],
    ['AccessDeniedException', 'credentials_invalid'],
    ['ExpiredTokenException', 'credentials_invalid'],
    ['IncompleteSignature', 'credentials_invalid'],
    ['InvalidClientTokenId', 'credentials_invalid'],
    ['InvalidSecurity', 'credentials_invalid'],
    ['InvalidSignatureException', 'credentials_invalid'],
    ['MissingAuthenticationToken', 'credentials_invalid'],
    ['NotAuthorized', 'credentials_invalid'],
    ['SignatureDoesNotMatch', 'credentials_invalid'],
    ['UnrecognizedClientException', 'credentials_invalid'],
    ['OptInRequired', 'service_not_enabled'],
    ['OptedOut', 'number_opted_out'],
    ['Throttled', 'throttled'],
    ['Throttling', 'throttled'],
    ['ThrottlingException', 'throttled'],
    ['KMSThrottling', 'throttled'],
    ['RequestLimitExceeded', 'throttled'],
    ['RequestExpired', 'request_rejected'],
    ['RequestAbortedException', 'provider_fault'],
    ['RequestEntityTooLargeException', 'request_rejected'],
    ['RequestTimeoutException', 'timeout'],
    ['InvalidAction', 'request_rejected'],
    ['InvalidParameter', 'request_rejected'],
    ['InvalidParameterCombination', 'request_rejected'],
    ['InvalidParameterValue', 'request_rejected'],
    ['ParameterValueInvalid', 'request_rejected'],
    ['InvalidQueryParameter', 'request_rejected'],
    ['MalformedHttpRequestException', 'request_rejected'],
    ['MalformedQueryString', 'request_rejected'],
    ['MissingAction', 'request_rejected'],
    ['MissingParameter', 'request_rejected'],
    ['NotFound', 'request_rejected'],
    ['UnknownOperationException', 'request_rejected'],
    ['UserError', 'request_rejected'],
    ['ValidationException', 'request_rejected'],
    ['ValidationError', 'request_rejected'],
    ['EndpointDisabled', 'request_rejected'],
    ['PlatformApplicationDisabled', 'request_rejected'],
    ['KMSAccessDenied', 'request_rejected'],
    ['KMSDisabled', 'request_rejected'],
    ['KMSInvalidState', 'request_rejected'],
    ['KMSNotFound', 'request_rejected'],
    ['KMSOptInRequired', 'request_rejected'],
    ['InternalError', 'provider_fault'],
    ['InternalFailure', 'provider_fault'],
    ['ServiceUnavailable', 'provider_fault'],
  ]

  it('has its reason, and no message reaches the phone', async () => {
    await using sns = await startSns()
    const outcomes: SendOutcome[] = []

    for (const [code] of refusals) {
      sns.emulator.setFaults([{ kind: 'refuse', code }])
      outcomes.push(await sns.send())
    }

    expect(outcomes).toEqual(refusals.map(([code, reason]) => ({ outcome: 'refused', reason, code })))
    expect(sns.emulator.messages(to)).toEqual([])
  })

  it('with a code that is not documented means what its status means', async () => {
    await using sns = await startSns()
    sns.emulator.setFaults([{ kind: 'refuse', code: 'OfTomorrow' }])

    const outcome = await sns.send()

    expect(outcome).toEqual({ outcome: 'refused', reason: 'request_rejected', code: 'OfTomorrow' })
  })
})

describe('When Amazon SNS does not answer as it should, the outcome', () => {
  it('says timeout', async () => {
    await using sns = await startSns()
    sns.emulator.setFaults([{ kind: 'hold' }])

    const outcome = await sns.send({}, AbortSignal.timeout(50))

    expect(outcome).toEqual({ outcome: 'refused', reason: 'timeout', code: 'timeout' })
  })

  it.each([
    ['http_500', 'provider_fault'],
    ['throttle', 'throttled'],
  ] as const)('of %s says %s', async (kind, reason) => {
    await using sns = await startSns()
    sns.emulator.setFaults([{ kind }])

    const outcome = await sns.send()

    expect(outcome).toMatchObject({ outcome: 'refused', reason })
  })

  it('says that nobody could be reached', async () => {
    await using sns = await startSns({ endpoint: await closedUrl() })

    const outcome = await sns.send()

    expect(outcome).toEqual({ outcome: 'refused', reason: 'connection_failed', code: 'ECONNREFUSED' })
  })

  it('says that a reply was not the service’s, as that of a proxy', async () => {
    const { outcome } = await wireOf({})

    expect(outcome).toEqual({
      outcome: 'refused',
      reason: 'provider_fault',
      code: 'unreadable reply',
      maybeSent: true,
    })
  })

  it.each([
    ['secret', { secretAccessKey: 'not-the-secret-of-this-account' }],
    ['key id', { accessKeyId: 'AKIANOBODY' }],
    ['region', { region: 'eu-west-1' }],
  ])(
    'says that the credentials are wrong with another %s, and holds no secret (rule 12)',
    async (_what, settings) => {
      await using sns = await startSns(settings)

      const outcome = await sns.send()

      expect(outcome).toMatchObject({ outcome: 'refused', reason: 'credentials_invalid' })
      expect(JSON.stringify(outcome)).not.toContain('not-the-secret-of-this-account')
      expect(JSON.stringify(outcome)).not.toContain(sns.secretAccessKey)
      expect(sns.emulator.messages()).toEqual([])
    },
  )
})
