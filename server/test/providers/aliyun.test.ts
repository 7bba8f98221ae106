// Alibaba Cloud's provider against the emulator, which another hand wrote from the same documentation.
import { describe, expect, it } from 'vitest'
import { startEmulator } from '../../../sms-emulator/src/emulator.ts'
import {
  connectProvider,
  type FailureReason,
  type OutgoingMessage,
  type Receipt,
  type SendOutcome,
} from '../../src/providers/providers.ts'
import { closedUrl, outgoing, phoneOf, providerDeps } from '../support/outgoing.ts'
import { receiveReceipts } from '../support/receipts.ts'

type Settings = Parameters<typeof connectProvider<'aliyun'>>[1]

const inChina = phoneOf('+8618812345678')
const abroad = phoneOf('+447700900123')

const startAliyun = async (settings: Partial<Settings> = {}) => {
  const emulator = await startEmulator({ receiptAfterMilliseconds: 0 })
  const receipts = await receiveReceipts()
  emulator.setReceiptUrl('aliyun', receipts.url)
  const { accessKeyId, accessKeySecret } = emulator.accounts.aliyun
  const provider = connectProvider(
    'aliyun',
    {
      accessKeyId,
      accessKeySecret,
      signName: 'Dialtone',
      templateCode: 'SMS_100000001',
      endpoint: emulator.url,
      internationalEndpoint: emulator.url,
      ...settings,
    },
    providerDeps(),
  )
  return {
    emulator,
    receipts,
    provider,
    accessKeySecret,
    send: (given: Partial<OutgoingMessage> = {}, signal = AbortSignal.timeout(60_000)) =>
      provider.send(outgoing({ to: inChina, ...given }), signal),
    poll: (providerMessageId: string, to = inChina) =>
      provider.poll?.(
        { providerMessageId, id: outgoing().id, channel: 'sms', to, sentAt: new Date() },
        AbortSignal.timeout(60_000),
      ),
    /** All that Alibaba Cloud has pushed. */
    reported: async (): Promise<Receipt[]> => {
      await emulator.settle()
      const replies = await Promise.all(receipts.rest().map((call) => provider.readReceipts?.(call)))
      return replies.flatMap((reply) => reply?.receipts ?? [])
    },
    [Symbol.asyncDispose]: async () => {
      await emulator.stop()
      await receipts.stop()
    },
  }
}

const acceptedId = (outcome: SendOutcome): string => {
  if (outcome.outcome !== 'accepted') throw new Error(`refused: ${outcome.reason} ${outcome.code}`)
  return outcome.providerMessageId
}

/** What the provider writes on the wire, read by a server that answers nothing of use. */
const wireOf = async (given: Partial<OutgoingMessage>, settings: Partial<Settings> = {}) => {
  await using server = await receiveReceipts()
  const { origin } = new URL(server.url)
  await using aliyun = await startAliyun({ endpoint: origin, internationalEndpoint: origin, ...settings })
  const outcome = await aliyun.send(given)
  const call = await server.next()
  return { outcome, call, query: Object.fromEntries(new URL(call.url).searchParams) }
}

describe('Alibaba Cloud delivers', () => {
  it('to mainland China the approved template with its signature, and reports that it was delivered', async () => {
    await using aliyun = await startAliyun()

    const outcome = await aliyun.send()

    const providerMessageId = acceptedId(outcome)
    expect(await aliyun.reported()).toEqual([
      { providerMessageId, state: 'delivered', occurredAt: expect.any(Date) },
    ])
    const [message] = aliyun.emulator.messages(inChina)
    expect(message).toMatchObject({ from: 'Dialtone', service: 'aliyun', channel: 'sms' })
    expect(message?.text).toContain('Your code is 482913. It is valid for 5 minutes.')
  })

  it('to everywhere else the text itself, under the sender id, and says how many parts it has', async () => {
    await using aliyun = await startAliyun({ from: 'Acme' })

    const outcome = await aliyun.send({ to: abroad })

    expect(outcome).toMatchObject({ outcome: 'accepted', segments: 1 })
    const providerMessageId = acceptedId(outcome)
    expect(await aliyun.reported()).toEqual([
      { providerMessageId, state: 'delivered', occurredAt: expect.any(Date) },
    ])
    expect(aliyun.emulator.messages(abroad)).toMatchObject([{ text: outgoing().text, from: 'Acme' }])
  })

  it('the template and the signature that the route names before its own', async () => {
    const { query } = await wireOf({ to: inChina, from: '另一签名', templateId: 'SMS_2' })

    expect(query).toMatchObject({
      PhoneNumbers: '18812345678',
      SignName: '另一签名',
      TemplateCode: 'SMS_2',
      TemplateParam: '{"code":"482913"}',
      OutId: outgoing().id,
    })
  })

  it('those of the template’s variables that have a name', async () => {
    const parameterNames = { code: 'captcha', minutes: 'min' }

    const all = await wireOf({ to: inChina, templateParameters: [] }, { parameterNames })
    const one = await wireOf({ to: inChina, templateParameters: ['minutes', 'app'] }, { parameterNames })

    expect(all.query).toMatchObject({ TemplateParam: '{"captcha":"482913","min":"5"}' })
    expect(one.query).toMatchObject({ TemplateParam: '{"min":"5"}' })
  })

  it('every call with a nonce of its own', async () => {
    const first = await wireOf({})
    const second = await wireOf({})

    const nonces = [first, second].map(({ call }) => call.headers['x-acs-signature-nonce'])
    expect(new Set(nonces).size).toBe(2)
    expect(first.call).toMatchObject({
      method: 'POST',
      headers: { 'x-acs-action': 'SendSms', 'x-acs-version': '2017-05-25' },
    })
  })
})

describe('A failed delivery at Alibaba Cloud', () => {
  const failures: [code: string, reason: FailureReason][] = [
    ['MOBILE_NOT_ON_SERVICE', 'number_unreachable'],
    ['MOBILE_ACCOUNT_ABNORMAL', 'number_unreachable'],
    ['MOBLLE_TERMINAL_ERROR', 'number_unreachable'],
    ['MOBILE_SEND_LIMIT', 'number_limit_reached'],
    ['MOBILE_IN_BLACK', 'blocked_by_carrier'],
    ['USER_REJECT', 'number_opted_out'],
    ['INVALID_NUMBER', 'number_invalid'],
    ['SP_NOT_BY_INTER_SMS', 'number_cannot_receive'],
    ['CONTENT_KEYWORD', 'content_rejected'],
    ['CONTENT_ERROR', 'content_rejected'],
    ['PARAMS_ILLEGAL', 'request_rejected'],
    ['EXPIRED', 'expired'],
    ['IS_CLOSE', 'provider_fault'],
    ['NO_ROUTE', 'provider_fault'],
    ['SP_UNKNOWN_ERROR', 'unknown'],
    ['REQUEST_SUCCESS', 'unknown'],
    ['isv.BLACK_KEY_CONTROL_LIMIT', 'blocked_by_provider'],
    ['A_CODE_OF_TOMORROW', 'unknown'],
    ['constructor', 'unknown'],
  ]

  it.each(failures)(
    'is reported as %s, which means %s, when it is pushed and when it is asked for',
    async (code, reason) => {
      await using aliyun = await startAliyun()
      aliyun.emulator.setFaults([{ kind: 'fail', code }])

      const providerMessageId = acceptedId(await aliyun.send())

      const failed = { providerMessageId, state: 'failed', reason, code, occurredAt: expect.any(Date) }
      expect(await aliyun.reported()).toEqual([failed])
      expect(await aliyun.poll(providerMessageId)).toEqual(failed)
    },
  )

  it('is read in the form of the international service too', async () => {
    await using aliyun = await startAliyun()
    aliyun.emulator.setFaults([{ kind: 'fail', code: 'MOBILE_IN_BLACK' }])

    const providerMessageId = acceptedId(await aliyun.send({ to: abroad }))

    const failed = {
      providerMessageId,
      state: 'failed',
      reason: 'blocked_by_carrier',
      code: 'MOBILE_IN_BLACK',
    }
    expect(await aliyun.reported()).toMatchObject([failed])
    expect(await aliyun.poll(providerMessageId, abroad)).toMatchObject(failed)
  })
})

describe('Alibaba Cloud, when it is asked what became of a message,', () => {
  it.each([
    ['in mainland China', inChina],
    ['elsewhere', abroad],
  ])('says that it was delivered: %s', async (_where, to) => {
    await using aliyun = await startAliyun()
    const providerMessageId = acceptedId(await aliyun.send({ to }))
    await aliyun.emulator.settle()

    const receipt = await aliyun.poll(providerMessageId, to)

    expect(receipt).toEqual({ providerMessageId, state: 'delivered', occurredAt: expect.any(Date) })
    expect(Math.abs((receipt?.occurredAt?.getTime() ?? 0) - Date.now())).toBeLessThan(60_000)
  })

  it.each([
    ['in mainland China', inChina],
    ['elsewhere', abroad],
  ])('says nothing of one that the carrier has not reported: %s', async (_where, to) => {
    await using aliyun = await startAliyun()
    aliyun.emulator.setFaults([{ kind: 'drop' }])
    const providerMessageId = acceptedId(await aliyun.send({ to }))
    await aliyun.emulator.settle()

    const receipt = await aliyun.poll(providerMessageId, to)

    expect(receipt).toBeUndefined()
  })

  it('is asked for the day that it was in China', async () => {
    await using server = await receiveReceipts()
    await using aliyun = await startAliyun({ endpoint: new URL(server.url).origin })
    const message = { providerMessageId: '1^2', id: outgoing().id, channel: 'sms' as const, to: inChina }
    const sentAt = new Date('2026-01-01T16:30:00Z')

    const asking = aliyun.provider.poll?.({ ...message, sentAt }, AbortSignal.timeout(60_000))

    await expect(asking).rejects.toMatchObject({ reason: 'provider_fault' })
    const { searchParams } = new URL((await server.next()).url)
    expect(Object.fromEntries(searchParams)).toMatchObject({
      PhoneNumber: '18812345678',
      BizId: '1^2',
      SendDate: '20260102',
    })
  })

  it('throws the reason when it refuses to answer', async () => {
    await using aliyun = await startAliyun()
    const providerMessageId = acceptedId(await aliyun.send())
    aliyun.emulator.setFaults([{ kind: 'refuse', code: 'isp.RAM_PERMISSION_DENY' }])

    const asking = aliyun.poll(providerMessageId)

    await expect(asking).rejects.toMatchObject({
      reason: 'credentials_invalid',
      message: 'isp.RAM_PERMISSION_DENY',
    })
  })
})

describe('A refusal by Alibaba Cloud', () => {
  const inMainland: [code: string, reason: FailureReason][] = [
    ['isv.SMS_SIGNATURE_SCENE_ILLEGAL', 'sender_not_approved'],
    ['isv.SMS_SIGNATURE_ILLEGAL', 'sender_not_approved'],
    ['isv.SMS_SIGN_ILLEGAL', 'sender_not_approved'],
    ['isv.SMS_SIGN_NAME_ILLEGAL', 'sender_not_approved'],
    ['isv.SIGN_NAME_ILLEGAL', 'sender_not_approved'],
    ['isv.SIGN_STATE_ILLEGAL', 'sender_not_approved'],
    ['SIGNATURE_BLACKLIST', 'sender_not_approved'],
    ['SignatureNotFound', 'sender_not_approved'],
    ['isv.SMS_TEMPLATE_ILLEGAL', 'template_not_approved'],
    ['isv.TEMPLATE_MISSING_PARAMETERS', 'template_not_approved'],
    ['isv.TEMPLATE_PARAMS_ILLEGAL', 'template_not_approved'],
    ['isv.INVALID_JSON_PARAM', 'template_not_approved'],
    ['isv.PARAM_LENGTH_LIMIT', 'template_not_approved'],
    ['isv.DOMESTIC_NUMBER_NOT_SUPPORTED', 'template_not_approved'],
    ['TemplateNotFound', 'template_not_approved'],
    ['isv.SMS_CONTENT_ILLEGAL', 'content_rejected'],
    ['isv.UNSUPPORTED_CONTENT', 'content_rejected'],
    ['isv.SMS_CONTENT_MISMATCH_TEMPLATE_TYPE', 'content_rejected'],
    ['isv.PARAM_NOT_SUPPORT_URL', 'content_rejected'],
    ['isv.BLACK_KEY_CONTROL_LIMIT', 'blocked_by_provider'],
    ['isv.CUSTOMER_REFUSED', 'number_opted_out'],
    ['isv.MOBILE_NUMBER_ILLEGAL', 'number_invalid'],
    ['isv.MOBILE_COUNT_OVER_LIMIT', 'request_rejected'],
    ['isv.BUSINESS_LIMIT_CONTROL', 'number_limit_reached'],
    ['isv.DAY_LIMIT_CONTROL', 'throttled'],
    ['isv.MONTH_LIMIT_CONTROL', 'throttled'],
    ['isv.AMOUNT_NOT_ENOUGH', 'balance_exhausted'],
    ['isv.OUT_OF_SERVICE', 'balance_exhausted'],
    ['isv.ACCOUNT_ABNORMAL', 'account_suspended'],
    ['isv.ACCOUNT_NOT_EXISTS', 'credentials_invalid'],
    ['isv.PRODUCT_UN_SUBSCRIPT', 'service_not_enabled'],
    ['isv.PRODUCT_UNSUBSCRIBE', 'service_not_enabled'],
    ['isv.INVALID_PARAMETERS', 'request_rejected'],
    ['isv.EXTEND_CODE_ERROR', 'request_rejected'],
    ['isv.DENY_IP_RANGE', 'request_rejected'],
    ['isp.RAM_PERMISSION_DENY', 'credentials_invalid'],
    ['isp.SYSTEM_ERROR', 'provider_fault'],
    ['isp.GATEWAY_ERROR', 'provider_fault'],
    ['InvalidAccessKeyId.NotFound', 'credentials_invalid'],
    ['InvalidAccessKeyId.Inactive', 'credentials_invalid'],
    ['MissingAccessKeyId', 'credentials_invalid'],
    ['SignatureDoesNotMatch', 'credentials_invalid'],
    ['IncompleteSignature', 'credentials_invalid'],
    ['Forbidden.RAM', 'credentials_invalid'],
    ['InvalidTimeStamp.Expired', 'request_rejected'],
    ['SignatureNonceUsed', 'request_rejected'],
    ['InvalidVersion', 'request_rejected'],
    ['InvalidAction.NotFound', 'request_rejected'],
    ['Throttling', 'throttled'],
    ['Throttling.User', 'throttled'],
    ['Throttling.Api', 'throttled'],
    ['InternalError', 'provider_fault'],
    ['ServiceUnavailable', 'provider_fault'],
    ['isv.A_CODE_OF_TOMORROW', 'unknown'],
  ]
  const elsewhere: [code: string, reason: FailureReason][] = [
    ['INVALID_SENDERID', 'sender_not_approved'],
    ['SMS_SIGN_NAME_ILLEGAL', 'sender_not_approved'],
    ['SMS_CONTENT_CODE_ILLEGAL', 'template_not_approved'],
    ['CONTENT_MISSING_PARAMETERS', 'template_not_approved'],
    ['SMS_CONTENT_ILLEGAL', 'content_rejected'],
    ['BLACK_KEY_CONTROL_LIMIT', 'content_rejected'],
    ['SMS_SECURITY_INTERCEPTED', 'blocked_by_provider'],
    ['NOT_SUPPORTED_COUNTRY', 'geo_permission_missing'],
    ['MOBILE_NUMBER_ILLEGAL', 'number_invalid'],
    ['MOBILE_COUNT_OVER_LIMIT', 'request_rejected'],
    ['QPS_LIMIT_CONTROL', 'throttled'],
    ['AMOUNT_NOT_ENOUGH', 'balance_exhausted'],
    ['OUT_OF_SERVICE', 'account_suspended'],
    ['FORBIDDEN_ACTION', 'account_suspended'],
    ['ACCOUNT_ILLEGAL', 'account_suspended'],
    ['ACCOUNT_NOT_EXISTS', 'service_not_enabled'],
    ['PRODUCT_NOT_SUBSCRIBED', 'service_not_enabled'],
    ['RAM_PERMISSION_DENY', 'credentials_invalid'],
    ['INVALID_PARAMETERS', 'request_rejected'],
    ['INVALID_JSON_PARAM', 'request_rejected'],
    ['PARAM_LENGTH_LIMIT', 'request_rejected'],
    ['QUERY_DATE_ILLEGAL', 'request_rejected'],
    ['SYSTEM_ERROR', 'provider_fault'],
    ['ONLINE_BILLING_FAILED', 'provider_fault'],
    ['A_CODE_OF_TOMORROW', 'unknown'],
  ]

  it('has its reason, in mainland China, and no message reaches the phone', async () => {
    await using aliyun = await startAliyun()
    const outcomes: SendOutcome[] = []

    for (const [code] of inMainland) {
      aliyun.emulator.setFaults([{ kind: 'refuse', code }])
      outcomes.push(await aliyun.send())
    }

    expect(outcomes).toEqual(inMainland.map(([code, reason]) => ({ outcome: 'refused', reason, code })))
    expect(aliyun.emulator.messages(inChina)).toEqual([])
  })

  it('has its reason, elsewhere, and no message reaches the phone', async () => {
    await using aliyun = await startAliyun()
    const outcomes: SendOutcome[] = []

    for (const [code] of elsewhere) {
      aliyun.emulator.setFaults([{ kind: 'refuse', code }])
      outcomes.push(await aliyun.send({ to: abroad }))
    }

    expect(outcomes).toEqual(elsewhere.map(([code, reason]) => ({ outcome: 'refused', reason, code })))
    expect(aliyun.emulator.messages(abroad)).toEqual([])
  })

  it('comes from the emulator as from the service: of an unknown signature, and of an unknown template', async () => {
    await using aliyun = await startAliyun()

    const signature = await aliyun.send({ from: 'Nobody' })
    const template = await aliyun.send({ templateId: 'SMS_9' })

    expect(signature).toMatchObject({ outcome: 'refused', reason: 'sender_not_approved' })
    expect(template).toMatchObject({ outcome: 'refused', reason: 'template_not_approved' })
  })

  it('needs no call where no signature or no template is set', async () => {
    const settings = { accessKeyId: 'id', accessKeySecret: 'secret', endpoint: await closedUrl() }
    const signal = AbortSignal.timeout(60_000)
    const connect = (more: Partial<Settings>) =>
      connectProvider('aliyun', { ...settings, ...more }, providerDeps())

    const unsigned = await connect({}).send(outgoing({ to: inChina }), signal)
    const formless = await connect({ signName: 'Dialtone' }).send(outgoing({ to: inChina }), signal)

    expect(unsigned).toMatchObject({ reason: 'sender_not_approved', code: 'no signName is set' })
    expect(formless).toMatchObject({ reason: 'template_not_approved', code: 'no templateCode is set' })
  })
})

describe('When Alibaba Cloud does not answer as it should, the outcome', () => {
  it('says timeout', async () => {
    await using aliyun = await startAliyun()
    aliyun.emulator.setFaults([{ kind: 'hold' }])

    const outcome = await aliyun.send({}, AbortSignal.timeout(50))

    expect(outcome).toEqual({ outcome: 'refused', reason: 'timeout', code: 'timeout' })
  })

  it.each([
    ['http_500', inChina, 'provider_fault'],
    ['http_500', abroad, 'provider_fault'],
    ['throttle', inChina, 'throttled'],
    ['throttle', abroad, 'throttled'],
  ] as const)('of %s to %s says %s', async (kind, to, reason) => {
    await using aliyun = await startAliyun()
    aliyun.emulator.setFaults([{ kind }])

    const outcome = await aliyun.send({ to })

    expect(outcome).toMatchObject({ outcome: 'refused', reason })
  })

  it('says that nobody could be reached', async () => {
    await using aliyun = await startAliyun({ endpoint: await closedUrl() })

    const outcome = await aliyun.send()

    expect(outcome).toEqual({ outcome: 'refused', reason: 'connection_failed', code: 'ECONNREFUSED' })
  })

  it('says that a reply was not the service’s, as that of a proxy', async () => {
    const { outcome } = await wireOf({})

    expect(outcome).toEqual({ outcome: 'refused', reason: 'provider_fault', code: 'HTTP 200' })
  })

  it('says that the credentials are wrong, and holds no secret (rule 12)', async () => {
    const accessKeySecret = 'not-the-secret-of-this-account'
    await using aliyun = await startAliyun({ accessKeySecret })

    const outcomes = [await aliyun.send(), await aliyun.send({ to: abroad })]

    expect(outcomes).toMatchObject([{ reason: 'credentials_invalid' }, { reason: 'credentials_invalid' }])
    expect(JSON.stringify(outcomes)).not.toContain(accessKeySecret)
    expect(JSON.stringify(outcomes)).not.toContain(aliyun.accessKeySecret)
    expect(aliyun.emulator.messages()).toEqual([])
  })
})

describe('A push of receipts to Alibaba Cloud’s endpoint', () => {
  const push = async (body: unknown, call: { hasToken?: boolean; method?: string } = {}) => {
    const settings = { accessKeyId: 'id', accessKeySecret: 'secret' }
    const provider = connectProvider('aliyun', settings, providerDeps())
    return provider.readReceipts?.({
      method: 'POST',
      url: 'https://auth.example.com/receipts/china',
      headers: {},
      body: Buffer.from(typeof body === 'string' ? body : JSON.stringify(body)),
      hasToken: true,
      ...call,
    })
  }
  const report = { biz_id: '1^2', success: true, err_code: 'DELIVERED', report_time: '2026-01-02 08:00:01' }

  it('is read in China’s time, and answered as the service demands', async () => {
    const read = await push([
      report,
      { ...report, biz_id: '3^4', success: false, err_code: 'MOBILE_IN_BLACK' },
    ])

    const occurredAt = new Date('2026-01-02T00:00:01Z')
    expect(read).toEqual({
      receipts: [
        { providerMessageId: '1^2', state: 'delivered', occurredAt },
        {
          providerMessageId: '3^4',
          state: 'failed',
          reason: 'blocked_by_carrier',
          code: 'MOBILE_IN_BLACK',
          occurredAt,
        },
      ],
      reply: { status: 200, contentType: 'application/json', body: '{"code":0,"msg":"OK"}' },
    })
  })

  it('may say that a message expired, abroad', async () => {
    const read = await push([
      { MessageId: '123', Status: '6', ErrorCode: 'x', ReceiveDate: 'Thu, 25 Nov 2021 10:27:33 +0800' },
    ])

    expect(read?.receipts).toEqual([
      {
        providerMessageId: '123',
        state: 'failed',
        reason: 'expired',
        code: 'EXPIRED',
        occurredAt: new Date('2021-11-25T02:27:33Z'),
      },
    ])
  })

  it('does not count without the token, since nothing signs it', async () => {
    const read = await push([report], { hasToken: false })

    expect(read).toBeUndefined()
  })

  it.each([
    ['nothing', ''],
    ['no JSON', '<html>'],
    ['no list', report],
    ['an empty list', []],
    ['reports of another service', [{ sid: '1', report_status: 'SUCCESS' }, null, 'text']],
  ])('does not count when it holds %s', async (_what, body) => {
    const read = await push(body)

    expect(read).toBeUndefined()
  })

  it('does not count as a GET', async () => {
    const read = await push([report], { method: 'GET' })

    expect(read).toBeUndefined()
  })

  it('leaves nothing of a code that is a text, which may repeat the number (rule 12)', async () => {
    const read = await push([{ ...report, success: false, err_code: 'no such phone 18812345678' }])

    expect(read?.receipts).toMatchObject([{ reason: 'unknown', code: 'unreadable code' }])
  })
})
