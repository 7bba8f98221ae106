import { randomUUID } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import {
  type AliyunRequest,
  callAliyun,
  minutesFromNow,
  startReceiver,
  startTestEmulator,
} from './customer.ts'

const phone = '18812340001'

const sendSms = (change: Partial<AliyunRequest> = {}): AliyunRequest => ({
  action: 'SendSms',
  ...change,
  parameters: {
    PhoneNumbers: phone,
    SignName: 'Dialtone',
    TemplateCode: 'SMS_100000001',
    TemplateParam: '{"code":"135790"}',
    OutId: 'out-1',
    ...change.parameters,
  },
})

const sendGlobal = (parameters: Record<string, string> = {}): AliyunRequest => ({
  action: 'SendMessageToGlobe',
  version: '2018-05-01',
  parameters: {
    To: '85251234567',
    From: 'Dialtone',
    Message: 'Your code is 246802.',
    Type: 'OTP',
    ...parameters,
  },
})

const todayInChina = (): string =>
  minutesFromNow(8 * 60)
    .toISOString()
    .slice(0, 10)
    .replaceAll('-', '')

const queryDetails = (bizId: string): AliyunRequest => ({
  action: 'QuerySendDetails',
  parameters: {
    PhoneNumber: phone,
    BizId: bizId,
    SendDate: todayInChina(),
    PageSize: '10',
    CurrentPage: '1',
  },
})

describe('the emulated Alibaba Cloud', () => {
  it('brings the filled template with its signature to the phone', async () => {
    await using emulator = await startTestEmulator()

    const answer = await callAliyun(emulator, sendSms())

    expect(answer).toMatchObject({ status: 200, json: { Code: 'OK', Message: 'OK' } })
    expect(emulator.messages('+8618812340001')).toMatchObject([
      {
        id: answer.json.BizId,
        from: 'Dialtone',
        text: '【Dialtone】Your code is 135790. It is valid for 5 minutes.',
        service: 'aliyun',
        channel: 'sms',
      },
    ])
  })

  it.each(['+8618812340001', '008618812340001', '8618812340001'])(
    'takes %s for the same phone',
    async (number) => {
      await using emulator = await startTestEmulator()

      await callAliyun(emulator, sendSms({ parameters: { PhoneNumbers: number } }))

      expect(emulator.messages('+8618812340001')).toHaveLength(1)
    },
  )

  it('serves nobody with a wrong secret', async () => {
    await using emulator = await startTestEmulator()

    const refused = await callAliyun(emulator, sendSms({ secret: 'wrong' }))

    expect(refused).toMatchObject({ status: 400, json: { Code: 'SignatureDoesNotMatch' } })
    expect(emulator.messages()).toEqual([])
  })

  it('serves nobody whom it does not know', async () => {
    await using emulator = await startTestEmulator()

    const refused = await callAliyun(emulator, sendSms({ keyId: 'LTAIStranger' }))

    expect(refused).toMatchObject({ status: 404, json: { Code: 'InvalidAccessKeyId.NotFound' } })
  })

  it('refuses a body that was changed on its way', async () => {
    await using emulator = await startTestEmulator()

    const refused = await callAliyun(emulator, sendSms({ sentBody: 'PhoneNumbers=18812349999' }))

    expect(refused).toMatchObject({ status: 400, json: { Code: 'SignatureDoesNotMatch' } })
    expect(emulator.messages()).toEqual([])
  })

  it('refuses a nonce that was used', async () => {
    await using emulator = await startTestEmulator()
    const nonce = randomUUID()
    await callAliyun(emulator, sendSms({ nonce }))

    const replayed = await callAliyun(emulator, sendSms({ nonce }))

    expect(replayed).toMatchObject({ status: 400, json: { Code: 'SignatureNonceUsed' } })
    expect(emulator.messages()).toHaveLength(1)
  })

  it('spends no nonce on a request that was not signed by its customer', async () => {
    await using emulator = await startTestEmulator()
    const nonce = randomUUID()
    await callAliyun(emulator, sendSms({ nonce, secret: 'wrong' }))

    const answer = await callAliyun(emulator, sendSms({ nonce }))

    expect(answer.json.Code).toBe('OK')
  })

  it.each([-16, 16])('refuses a date %i minutes from now', async (minutes) => {
    await using emulator = await startTestEmulator()

    const refused = await callAliyun(emulator, sendSms({ date: minutesFromNow(minutes) }))

    expect(refused).toMatchObject({ status: 400, json: { Code: 'InvalidTimeStamp.Expired' } })
  })

  it.each([
    ['isv.SMS_TEMPLATE_ILLEGAL', { TemplateCode: 'SMS_404' }],
    ['isv.SMS_SIGNATURE_ILLEGAL', { SignName: 'Stranger' }],
    ['isv.MOBILE_NUMBER_ILLEGAL', { PhoneNumbers: '123' }],
    ['isv.INVALID_JSON_PARAM', { TemplateParam: 'code=1' }],
    ['isv.TEMPLATE_MISSING_PARAMETERS', { TemplateParam: '{}' }],
  ])('answers %s with status 200', async (code, parameters) => {
    await using emulator = await startTestEmulator()

    const refused = await callAliyun(emulator, sendSms({ parameters }))

    expect(refused).toMatchObject({ status: 200, json: { Code: code } })
    expect(refused.json.BizId).toBeUndefined()
    expect(emulator.messages()).toEqual([])
  })

  it.each([
    [404, 'InvalidAction.NotFound', sendSms({ action: 'SendFax' })],
    [400, 'InvalidVersion', sendSms({ version: '2016-01-01' })],
    [400, 'MissingSignName', sendSms({ parameters: { SignName: '' } })],
  ])('answers %i %s as a gateway', async (status, code, request) => {
    await using emulator = await startTestEmulator()

    const refused = await callAliyun(emulator, request)

    expect(refused).toMatchObject({ status, json: { Code: code } })
  })

  it('tells the receipt to who asks for it', async () => {
    await using emulator = await startTestEmulator()
    const sent = await callAliyun(emulator, sendSms())
    await emulator.settle()

    const answer = await callAliyun(emulator, queryDetails(sent.json.BizId))

    expect(answer.json).toMatchObject({ Code: 'OK', TotalCount: '1' })
    expect(answer.json.SmsSendDetailDTOs.SmsSendDetailDTO).toMatchObject([
      { PhoneNum: phone, SendStatus: 3, ErrCode: 'DELIVERED', OutId: 'out-1' },
    ])
  })

  it('says that it waits for a receipt which never comes', async () => {
    await using emulator = await startTestEmulator()
    emulator.setFaults([{ kind: 'drop', service: 'aliyun' }])
    const sent = await callAliyun(emulator, sendSms())
    await emulator.settle()

    const answer = await callAliyun(emulator, queryDetails(sent.json.BizId))

    const [detail] = answer.json.SmsSendDetailDTOs.SmsSendDetailDTO
    expect(detail).toMatchObject({ PhoneNum: phone, SendStatus: 1 })
    expect(detail.ErrCode).toBeUndefined()
    expect(emulator.messages()).toEqual([])
  })

  it('pushes SmsReport to the configured address', async () => {
    await using emulator = await startTestEmulator()
    await using receiver = await startReceiver({ code: 0, msg: 'OK' })
    emulator.setReceiptUrl('aliyun', receiver.url)
    emulator.setFaults([{ kind: 'fail', service: 'aliyun', code: 'MOBILE_IN_BLACK' }])

    const sent = await callAliyun(emulator, sendSms())
    await emulator.settle()

    expect(receiver.bodies).toEqual([
      [
        {
          phone_number: phone,
          send_time: expect.stringMatching(/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$/),
          report_time: expect.stringMatching(/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$/),
          success: false,
          err_code: 'MOBILE_IN_BLACK',
          err_msg: '用户接收失败',
          sms_size: '1',
          biz_id: sent.json.BizId,
          out_id: 'out-1',
        },
      ],
    ])
    expect(emulator.messages()).toEqual([])
  })

  it.each([
    [200, 'isv.BUSINESS_LIMIT_CONTROL', { kind: 'refuse', code: 'isv.BUSINESS_LIMIT_CONTROL' }],
    [404, 'InvalidAccessKeyId.NotFound', { kind: 'refuse', code: 'InvalidAccessKeyId.NotFound' }],
    [400, 'Throttling.User', { kind: 'throttle' }],
    [500, 'InternalError', { kind: 'http_500' }],
  ] as const)('on demand answers %i %s', async (status, code, fault) => {
    await using emulator = await startTestEmulator()
    emulator.setFaults([{ ...fault, service: 'aliyun' }])

    const refused = await callAliyun(emulator, sendSms())

    expect(refused).toMatchObject({ status, json: { Code: code } })
    expect(emulator.messages()).toEqual([])
  })
})

describe('the emulated Alibaba Cloud outside mainland China', () => {
  it('brings a free text to the phone and tells its status', async () => {
    await using emulator = await startTestEmulator()
    const sent = await callAliyun(emulator, sendGlobal())
    await emulator.settle()

    const status = await callAliyun(emulator, {
      action: 'QueryMessage',
      version: '2018-05-01',
      parameters: { MessageId: sent.json.MessageId },
    })

    expect(sent.json).toMatchObject({ ResponseCode: 'OK', Segments: '1', To: '85251234567' })
    expect(emulator.messages('+85251234567')).toMatchObject([
      { from: 'Dialtone', text: 'Your code is 246802.' },
    ])
    expect(status.json).toMatchObject({ ResponseCode: 'OK', Status: '1', ErrorCode: 'DELIVERED' })
  })

  it('pushes SmsReport in the form of the international service', async () => {
    await using emulator = await startTestEmulator()
    await using receiver = await startReceiver({ code: 0, msg: 'OK' })
    emulator.setReceiptUrl('aliyun', receiver.url)

    const sent = await callAliyun(emulator, sendGlobal({ TaskId: 'task-1' }))
    await emulator.settle()

    expect(receiver.bodies).toMatchObject([
      [
        {
          To: '85251234567',
          Status: '1',
          ErrorCode: 'success',
          TaskId: 'task-1',
          SmsSize: '1',
          MessageId: sent.json.MessageId,
          SendDate: expect.stringMatching(/^\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d \+0800$/),
        },
      ],
    ])
  })

  it.each([
    ['NOT_SUPPORTED_COUNTRY', { To: '8618812340001' }],
    ['MOBILE_NUMBER_ILLEGAL', { To: '+85251234567' }],
    ['INVALID_SENDERID', { From: 'a sender with spaces' }],
    ['INVALID_PARAMETERS', { Type: 'SPAM' }],
  ])('answers %s with status 200', async (code, parameters) => {
    await using emulator = await startTestEmulator()

    const refused = await callAliyun(emulator, sendGlobal(parameters))

    expect(refused).toMatchObject({ status: 200, json: { ResponseCode: code } })
    expect(emulator.messages()).toEqual([])
  })
})
