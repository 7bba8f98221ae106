import { describe, expect, it } from 'vitest'
import { callLogs, callSns, minutesFromNow, type SnsRequest, startTestEmulator } from './customer.ts'

const phone = '+12025550143'

const publish = (parameters: Record<string, string> = {}): SnsRequest => ({
  parameters: { PhoneNumber: phone, Message: 'Your code is 135790.', ...parameters },
})

const attribute = (name: string, value: string): Record<string, string> => ({
  'MessageAttributes.entry.1.Name': name,
  'MessageAttributes.entry.1.Value.DataType': 'String',
  'MessageAttributes.entry.1.Value.StringValue': value,
})

const group = 'sns/us-east-1/000000000001/DirectPublishToPhoneNumber'

const messageIdOf = (text: string): string => /<MessageId>([^<]+)<\/MessageId>/.exec(text)?.[1] ?? ''

describe('the emulated Amazon SNS', () => {
  it('brings a message to the phone, from the sender id that it names', async () => {
    await using emulator = await startTestEmulator()

    const answer = await callSns(emulator, publish(attribute('AWS.SNS.SMS.SenderID', 'Dialtone')))

    expect(answer.status).toBe(200)
    expect(answer.text).toContain('<PublishResponse xmlns="http://sns.amazonaws.com/doc/2010-03-31/">')
    expect(emulator.messages(phone)).toMatchObject([
      { id: messageIdOf(answer.text), from: 'Dialtone', text: 'Your code is 135790.', service: 'sns' },
    ])
  })

  it.each([
    [403, 'SignatureDoesNotMatch', 'a wrong secret', { secret: 'wrong' }],
    [403, 'InvalidClientTokenId', 'an unknown key', { keyId: 'AKIASTRANGER' }],
    [
      403,
      'SignatureDoesNotMatch',
      'a changed body',
      { sentBody: 'Action=Publish&PhoneNumber=%2B12025550199' },
    ],
    [403, 'SignatureDoesNotMatch', 'a request of sixteen minutes ago', { date: minutesFromNow(-16) }],
    [403, 'SignatureDoesNotMatch', 'a request for another region', { region: 'eu-west-1' }],
  ])('answers %i %s to %s', async (status, code, _what, change) => {
    await using emulator = await startTestEmulator()

    const refused = await callSns(emulator, { ...publish(), ...change })

    expect(refused.status).toBe(status)
    expect(refused.text).toContain(`<Code>${code}</Code>`)
    expect(emulator.messages()).toEqual([])
  })

  it('answers MissingAuthenticationToken to a request that is not signed', async () => {
    await using emulator = await startTestEmulator()

    const response = await fetch(emulator.url, {
      method: 'POST',
      body: new URLSearchParams({ Action: 'Publish', PhoneNumber: phone, Message: 'hello' }),
    })

    expect(response.status).toBe(403)
    expect(await response.text()).toContain('<Code>MissingAuthenticationToken</Code>')
  })

  it.each([
    ['a number without its plus', { PhoneNumber: '12025550143' }],
    ['an empty message', { Message: '' }],
    ['a type that does not exist', attribute('AWS.SNS.SMS.SMSType', 'Urgent')],
    ['a sender id without a letter', attribute('AWS.SNS.SMS.SenderID', '12345')],
  ])('answers InvalidParameter to %s', async (_what, parameters) => {
    await using emulator = await startTestEmulator()

    const refused = await callSns(emulator, publish(parameters))

    expect(refused.status).toBe(400)
    expect(refused.text).toContain('<Code>InvalidParameter</Code>')
    expect(emulator.messages()).toEqual([])
  })

  it.each([
    [403, 'AuthorizationError', { kind: 'refuse', code: 'AuthorizationError' }],
    [400, 'OptedOut', { kind: 'refuse', code: 'OptedOut' }],
    [400, 'Throttling', { kind: 'throttle' }],
    [500, 'InternalError', { kind: 'http_500' }],
  ] as const)('on demand answers %i %s', async (status, code, fault) => {
    await using emulator = await startTestEmulator()
    emulator.setFaults([{ ...fault, service: 'sns' }])

    const refused = await callSns(emulator, publish())

    expect(refused.status).toBe(status)
    expect(refused.text).toContain(`<Code>${code}</Code>`)
    expect(emulator.messages()).toEqual([])
  })
})

describe('the delivery log of the emulated Amazon SNS', () => {
  it.each([
    ['a field', (id: string) => `{ $.notification.messageId = "${id}" }`],
    ['a field, written closely', (id: string) => `{$.notification.messageId="${id}"}`],
    ['a term in quotes', (id: string) => `"${id}"`],
    ['two terms', (id: string) => `"${id}" SUCCESS`],
  ])('gives one message’s entry by %s', async (_form, patternOf) => {
    await using emulator = await startTestEmulator()
    await callSns(emulator, publish())
    const sent = await callSns(emulator, publish(attribute('AWS.SNS.SMS.SMSType', 'Transactional')))
    await emulator.settle()
    const messageId = messageIdOf(sent.text)

    const answer = await callLogs(emulator, {
      fields: { logGroupName: group, filterPattern: patternOf(messageId) },
    })

    expect(answer.json.events).toHaveLength(1)
    expect(JSON.parse(answer.json.events[0].message)).toMatchObject({
      notification: { messageId },
      delivery: {
        destination: phone,
        smsType: 'Transactional',
        providerResponse: 'Message has been accepted by phone carrier',
      },
      status: 'SUCCESS',
    })
  })

  it('has failures in a group of their own, which does not exist before the first', async () => {
    await using emulator = await startTestEmulator()
    const fields = { logGroupName: `${group}/Failure` }
    const before = await callLogs(emulator, { fields })
    emulator.setFaults([{ kind: 'fail', service: 'sns', code: 'Phone carrier has blocked this message' }])
    await callSns(emulator, publish())
    await emulator.settle()

    const after = await callLogs(emulator, { fields })

    expect(before).toMatchObject({ status: 400, json: { __type: 'ResourceNotFoundException' } })
    expect(JSON.parse(after.json.events[0].message)).toMatchObject({
      delivery: { providerResponse: 'Phone carrier has blocked this message' },
      status: 'FAILURE',
    })
  })

  it('gives the entries page by page', async () => {
    await using emulator = await startTestEmulator()
    for (let sent = 0; sent < 3; sent += 1) await callSns(emulator, publish())
    await emulator.settle()

    const first = await callLogs(emulator, { fields: { logGroupName: group, limit: 2 } })
    const { nextToken } = first.json
    const last = await callLogs(emulator, { fields: { logGroupName: group, limit: 2, nextToken } })

    expect(first.json.events).toHaveLength(2)
    expect(last.json.events).toHaveLength(1)
    expect(last.json.nextToken).toBeUndefined()
  })

  it('gives only entries of the time that is asked for', async () => {
    await using emulator = await startTestEmulator()
    await callSns(emulator, publish())
    await emulator.settle()

    const startTime = minutesFromNow(1).getTime()
    const answer = await callLogs(emulator, { fields: { logGroupName: group, startTime } })

    expect(answer.json.events).toEqual([])
  })

  it.each([
    ['InvalidSignatureException', { secret: 'wrong' }],
    ['UnrecognizedClientException', { keyId: 'AKIASTRANGER' }],
    ['InvalidParameterException', { fields: { logGroupName: group, filterPattern: '34d9b400-c6dd' } }],
  ])('answers %s', async (type, change) => {
    await using emulator = await startTestEmulator()

    const refused = await callLogs(emulator, { fields: { logGroupName: group }, ...change })

    expect(refused).toMatchObject({ status: 400, json: { __type: type } })
  })
})
