import { describe, expect, it } from 'vitest'
import {
  callTencent,
  minutesFromNow,
  startReceiver,
  startTestEmulator,
  type TencentRequest,
} from './customer.ts'

const phone = '+8618812340002'

const sendSms = (fields: object = {}): TencentRequest => ({
  action: 'SendSms',
  fields: {
    PhoneNumberSet: [phone],
    SmsSdkAppId: '1400000001',
    SignName: 'Dialtone',
    TemplateId: '100001',
    TemplateParamSet: ['135790', '5'],
    SessionContext: 'context-1',
    ...fields,
  },
})

const pull = (fields: object = {}): TencentRequest => ({
  action: 'PullSmsSendStatusByPhoneNumber',
  fields: {
    SmsSdkAppId: '1400000001',
    PhoneNumber: phone,
    BeginTime: Math.floor(minutesFromNow(-1).getTime() / 1000),
    Offset: 0,
    Limit: 10,
    ...fields,
  },
})

describe('the emulated Tencent Cloud', () => {
  it('brings the filled template with its signature to the phone', async () => {
    await using emulator = await startTestEmulator()

    const answer = await callTencent(emulator, sendSms())

    const [status] = answer.json.Response.SendStatusSet
    expect(status).toMatchObject({
      PhoneNumber: phone,
      Fee: 1,
      SessionContext: 'context-1',
      Code: 'Ok',
      Message: 'send success',
      IsoCode: 'CN',
    })
    expect(emulator.messages(phone)).toMatchObject([
      {
        id: status.SerialNo,
        from: 'Dialtone',
        text: '【Dialtone】Your code is 135790. It is valid for 5 minutes.',
        service: 'tencent',
      },
    ])
  })

  it.each([
    ['AuthFailure.SignatureFailure', 'a wrong secret', { secret: 'wrong' }],
    ['AuthFailure.SecretIdNotFound', 'an unknown key', { keyId: 'AKIDStranger' }],
    ['AuthFailure.SignatureFailure', 'a changed body', { sentBody: '{"PhoneNumberSet":["+8618812349999"]}' }],
    ['AuthFailure.SignatureExpire', 'a request of six minutes ago', { date: minutesFromNow(-6) }],
    ['AuthFailure.SignatureExpire', 'a request of the future', { date: minutesFromNow(6) }],
    ['NoSuchVersion', 'another version', { version: '2019-07-11' }],
    ['InvalidAction', 'an action that it has not', { action: 'SendFax' }],
  ])('answers %s, with status 200, to %s', async (code, _what, change) => {
    await using emulator = await startTestEmulator()

    const refused = await callTencent(emulator, { ...sendSms(), ...change })

    expect(refused).toMatchObject({ status: 200, json: { Response: { Error: { Code: code } } } })
    expect(emulator.messages()).toEqual([])
  })

  it.each([
    ['FailedOperation.TemplateIncorrectOrUnapproved', { TemplateId: '404' }],
    ['FailedOperation.TemplateIncorrectOrUnapproved', { TemplateParamSet: ['135790'] }],
    ['FailedOperation.SignatureIncorrectOrUnapproved', { SignName: 'Stranger' }],
    ['InvalidParameterValue.IncorrectPhoneNumber', { PhoneNumberSet: ['+123'] }],
    ['InvalidParameterValue.SdkAppIdNotExist', { SmsSdkAppId: '1400009999' }],
  ])('answers %s for the number', async (code, fields) => {
    await using emulator = await startTestEmulator()

    const refused = await callTencent(emulator, sendSms(fields))

    expect(refused.json.Response.Error).toBeUndefined()
    expect(refused.json.Response.SendStatusSet).toMatchObject([{ Code: code, SerialNo: '', Fee: 0 }])
    expect(emulator.messages()).toEqual([])
  })

  it('refuses numbers of mainland China and of elsewhere in one request', async () => {
    await using emulator = await startTestEmulator()

    const refused = await callTencent(emulator, sendSms({ PhoneNumberSet: [phone, '+85251234567'] }))

    const code = 'UnsupportedOperation.ContainDomesticAndInternationalPhoneNumber'
    expect(refused.json.Response.SendStatusSet).toMatchObject([{ Code: code }, { Code: code }])
  })

  it('tells the receipt to who asks for the number', async () => {
    await using emulator = await startTestEmulator()
    emulator.setFaults([{ kind: 'fail', service: 'tencent', code: 'MK:0001' }])
    const sent = await callTencent(emulator, sendSms())
    await emulator.settle()

    const answer = await callTencent(emulator, pull())

    expect(answer.json.Response.PullSmsSendStatusSet).toEqual([
      {
        UserReceiveTime: expect.any(Number),
        CountryCode: '86',
        SubscriberNumber: '18812340002',
        PhoneNumber: phone,
        SerialNo: sent.json.Response.SendStatusSet[0].SerialNo,
        ReportStatus: 'FAIL',
        Description: 'MK:0001',
        SessionContext: 'context-1',
      },
    ])
  })

  it.each([
    ['of another number', [], { PhoneNumber: '+8618812349999' }],
    ['of a later time', [], { BeginTime: Math.floor(minutesFromNow(1).getTime() / 1000) }],
    ['of an earlier time', [], { EndTime: Math.floor(minutesFromNow(-1).getTime() / 1000) }],
    ['that never comes', [{ kind: 'drop' }], {}],
  ] as const)('tells no receipt %s', async (_which, faults, fields) => {
    await using emulator = await startTestEmulator()
    emulator.setFaults(faults)
    await callTencent(emulator, sendSms())
    await emulator.settle()

    const answer = await callTencent(emulator, pull(fields))

    expect(answer.json.Response.PullSmsSendStatusSet).toEqual([])
  })

  it('tells each receipt once to who pulls them all', async () => {
    await using emulator = await startTestEmulator()
    await callTencent(emulator, sendSms())
    await emulator.settle()
    const request = { action: 'PullSmsSendStatus', fields: { SmsSdkAppId: '1400000001', Limit: 100 } }

    const first = await callTencent(emulator, request)
    const second = await callTencent(emulator, request)

    expect(first.json.Response.PullSmsSendStatusSet).toMatchObject([{ ReportStatus: 'SUCCESS' }])
    expect(second.json.Response.PullSmsSendStatusSet).toEqual([])
  })

  it('pushes the sending status to the configured address', async () => {
    await using emulator = await startTestEmulator()
    await using receiver = await startReceiver({ result: 0, errmsg: 'OK' })
    emulator.setReceiptUrl('tencent', receiver.url)

    const sent = await callTencent(emulator, sendSms({ PhoneNumberSet: ['+85251234567'] }))
    await emulator.settle()

    expect(receiver.bodies).toMatchObject([
      [
        {
          user_receive_time: expect.stringMatching(/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$/),
          nationcode: '852',
          mobile: '51234567',
          report_status: 'SUCCESS',
          errmsg: 'DELIVRD',
          sid: sent.json.Response.SendStatusSet[0].SerialNo,
        },
      ],
    ])
  })

  it('on demand refuses the number, the request, too many requests, or everything', async () => {
    await using emulator = await startTestEmulator()
    const once = { service: 'tencent', times: 1 } as const
    emulator.setFaults([
      { kind: 'refuse', code: 'LimitExceeded.PhoneNumberThirtySecondLimit', ...once },
      { kind: 'refuse', code: 'UnauthorizedOperation.RequestPermissionDeny', ...once },
      { kind: 'throttle', ...once },
      { kind: 'http_500', ...once },
    ])

    const answers = []
    for (let call = 0; call < 5; call += 1) answers.push(await callTencent(emulator, sendSms()))

    const [number, request, throttled, broken, last] = answers
    expect(number?.json.Response.SendStatusSet[0].Code).toBe('LimitExceeded.PhoneNumberThirtySecondLimit')
    expect(request?.json.Response.Error.Code).toBe('UnauthorizedOperation.RequestPermissionDeny')
    expect(throttled?.json.Response.Error.Code).toBe('RequestLimitExceeded')
    expect(broken?.status).toBe(500)
    expect(last?.json.Response.SendStatusSet[0].Code).toBe('Ok')
    expect(emulator.messages()).toHaveLength(1)
  })
})
