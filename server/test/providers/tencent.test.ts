// Tencent Cloud's provider against the emulator, which another hand wrote from the same documentation.
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

type Settings = Parameters<typeof connectProvider<'tencent'>>[1]

const inChina = phoneOf('+8618812345678')
const abroad = phoneOf('+447700900123')

const startTencent = async (settings: Partial<Settings> = {}) => {
  const emulator = await startEmulator({ receiptAfterMilliseconds: 0 })
  const receipts = await receiveReceipts()
  emulator.setReceiptUrl('tencent', receipts.url)
  const { secretId, secretKey, sdkAppId } = emulator.accounts.tencent
  const provider = connectProvider(
    'tencent',
    {
      secretId,
      secretKey,
      sdkAppId,
      signName: 'Dialtone',
      templateId: '100001',
      internationalTemplateId: '100001',
      endpoint: emulator.url,
      ...settings,
    },
    providerDeps(),
  )
  return {
    emulator,
    receipts,
    provider,
    secretKey,
    send: (given: Partial<OutgoingMessage> = {}, signal = AbortSignal.timeout(60_000)) =>
      provider.send(outgoing({ to: inChina, ...given }), signal),
    poll: (providerMessageId: string, to = inChina) =>
      provider.poll?.(
        { providerMessageId, id: outgoing().id, channel: 'sms', to, sentAt: new Date() },
        AbortSignal.timeout(60_000),
      ),
    /** All that Tencent Cloud has pushed. */
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
  await using tencent = await startTencent({ endpoint: new URL(server.url).origin, ...settings })
  const outcome = await tencent.send(given)
  const call = await server.next()
  return { outcome, call, body: JSON.parse(call.body.toString()) }
}

describe('Tencent Cloud delivers', () => {
  it('to mainland China the approved template with its signature, and reports that it was delivered', async () => {
    await using tencent = await startTencent()

    const outcome = await tencent.send()

    expect(outcome).toMatchObject({ outcome: 'accepted', segments: 1 })
    const providerMessageId = acceptedId(outcome)
    expect(await tencent.reported()).toEqual([
      { providerMessageId, state: 'delivered', occurredAt: expect.any(Date) },
    ])
    const [message] = tencent.emulator.messages(inChina)
    expect(message).toMatchObject({ from: 'Dialtone', service: 'tencent', channel: 'sms' })
    expect(message?.text).toContain('Your code is 482913. It is valid for 5 minutes.')
  })

  it('to everywhere else its template under the sender id', async () => {
    await using tencent = await startTencent({ senderId: 'Acme' })

    const providerMessageId = acceptedId(await tencent.send({ to: abroad }))

    expect(await tencent.reported()).toMatchObject([{ providerMessageId, state: 'delivered' }])
    expect(tencent.emulator.messages(abroad)).toMatchObject([
      { from: 'Acme', text: expect.stringContaining('482913') },
    ])
  })

  it('the template, the signature and the order of the parameters that the route names before its own', async () => {
    const { call, body } = await wireOf({
      to: inChina,
      from: '另一签名',
      templateId: '2',
      templateParameters: ['app', 'code'],
    })

    expect(body).toEqual({
      PhoneNumberSet: ['+8618812345678'],
      SmsSdkAppId: '1400000001',
      SignName: '另一签名',
      TemplateId: '2',
      TemplateParamSet: ['Dialtone', '482913'],
      SessionContext: outgoing().id,
    })
    expect(call).toMatchObject({
      method: 'POST',
      headers: {
        'x-tc-action': 'SendSms',
        'x-tc-version': '2021-01-11',
        'x-tc-region': 'ap-guangzhou',
        'content-type': 'application/json; charset=utf-8',
      },
    })
  })

  it('abroad no signature but the sender id that the route names, from the region that is set', async () => {
    const { call, body } = await wireOf({ to: abroad, from: 'Acme' }, { region: 'ap-singapore' })

    expect(body).toMatchObject({ SenderId: 'Acme', TemplateParamSet: ['482913', '5'] })
    expect(body).not.toHaveProperty('SignName')
    expect(call.headers['x-tc-region']).toBe('ap-singapore')
  })
})

describe('A failed delivery at Tencent Cloud', () => {
  const failures: [code: string, reason: FailureReason][] = [
    ['MK:0001', 'number_invalid'],
    ['MK:0012', 'number_invalid'],
    ['1', 'number_invalid'],
    ['101', 'number_invalid'],
    ['MK:0005', 'number_cannot_receive'],
    ['27', 'number_cannot_receive'],
    ['MX:0012', 'number_opted_out'],
    ['MX:0011', 'blocked_by_carrier'],
    ['MB:1077', 'blocked_by_carrier'],
    ['DB:0141', 'blocked_by_carrier'],
    ['DB00144', 'blocked_by_carrier'],
    ['HIGRISK', 'blocked_by_carrier'],
    ['69', 'blocked_by_carrier'],
    ['REJECTD', 'blocked_by_carrier'],
    ['REJECTD_006', 'blocked_by_carrier'],
    ['MX:0003', 'number_limit_reached'],
    ['-106', 'content_rejected'],
    ['EXPIRED', 'expired'],
    ['EXPIRED_602', 'expired'],
    ['UNDELIV', 'number_unreachable'],
    ['UNDELIV_601', 'number_unreachable'],
    ['MN:0054', 'number_unreachable'],
    ['MI:0013', 'number_unreachable'],
    ['MK:9999', 'number_unreachable'],
    ['4', 'number_unreachable'],
    ['002', 'number_unreachable'],
    ['UNKNOWN', 'unknown'],
    ['A_CODE_OF_TOMORROW', 'unknown'],
  ]

  it.each(failures)(
    'is reported as %s, which means %s, when it is pushed and when it is asked for',
    async (code, reason) => {
      await using tencent = await startTencent()
      tencent.emulator.setFaults([{ kind: 'fail', code }])

      const providerMessageId = acceptedId(await tencent.send())

      const failed = { providerMessageId, state: 'failed', reason, code, occurredAt: expect.any(Date) }
      expect(await tencent.reported()).toEqual([failed])
      expect(await tencent.poll(providerMessageId)).toEqual(failed)
    },
  )
})

describe('Tencent Cloud, when it is asked what became of a message,', () => {
  it('says that it was delivered, and of which', async () => {
    await using tencent = await startTencent()
    const first = acceptedId(await tencent.send())
    tencent.emulator.setFaults([{ kind: 'fail', code: 'UNDELIV' }])
    const second = acceptedId(await tencent.send())
    await tencent.emulator.settle()

    const receipts = [await tencent.poll(first), await tencent.poll(second)]

    expect(receipts).toMatchObject([
      { providerMessageId: first, state: 'delivered', occurredAt: expect.any(Date) },
      { providerMessageId: second, state: 'failed', reason: 'number_unreachable' },
    ])
    expect(Math.abs((receipts[0]?.occurredAt?.getTime() ?? 0) - Date.now())).toBeLessThan(60_000)
  })

  it('says nothing of one that the carrier has not reported', async () => {
    await using tencent = await startTencent()
    tencent.emulator.setFaults([{ kind: 'drop' }])
    const providerMessageId = acceptedId(await tencent.send())
    await tencent.emulator.settle()

    const receipt = await tencent.poll(providerMessageId)

    expect(receipt).toBeUndefined()
  })

  it('throws the reason when it refuses to answer', async () => {
    await using tencent = await startTencent()
    const providerMessageId = acceptedId(await tencent.send())
    tencent.emulator.setFaults([{ kind: 'refuse', code: 'AuthFailure.UnauthorizedOperation' }])

    const asking = tencent.poll(providerMessageId)

    await expect(asking).rejects.toMatchObject({
      reason: 'credentials_invalid',
      message: 'AuthFailure.UnauthorizedOperation',
    })
  })
})

describe('A refusal by Tencent Cloud', () => {
  const refusals: [code: string, reason: FailureReason][] = [
    ['AuthFailure.InvalidAuthorization', 'credentials_invalid'],
    ['AuthFailure.InvalidSecretId', 'credentials_invalid'],
    ['AuthFailure.MFAFailure', 'credentials_invalid'],
    ['AuthFailure.SecretIdNotFound', 'credentials_invalid'],
    ['AuthFailure.SignatureFailure', 'credentials_invalid'],
    ['AuthFailure.TokenFailure', 'credentials_invalid'],
    ['AuthFailure.UnauthorizedOperation', 'credentials_invalid'],
    ['AuthFailure.SignatureExpire', 'request_rejected'],
    ['UnauthorizedOperation', 'credentials_invalid'],
    ['UnauthorizedOperation.RequestPermissionDeny', 'credentials_invalid'],
    ['UnauthorizedOperation.SmsSdkAppIdVerifyFail', 'credentials_invalid'],
    ['UnauthorizedOperation.RequestIpNotInWhitelist', 'request_rejected'],
    ['UnauthorizedOperation.IndividualUserMarketingSmsPermissionDeny', 'service_not_enabled'],
    ['UnauthorizedOperation.SdkAppIdIsDisabled', 'account_suspended'],
    ['UnauthorizedOperation.SerivceSuspendDueToArrears', 'balance_exhausted'],
    ['UnauthorizedOperation.ServiceSuspendDueToArrears', 'balance_exhausted'],
    ['FailedOperation.InsufficientBalanceInSmsPackage', 'balance_exhausted'],
    ['FailedOperation.SignatureIncorrectOrUnapproved', 'sender_not_approved'],
    ['FailedOperation.MissingSignature', 'sender_not_approved'],
    ['FailedOperation.MissingSignatureList', 'sender_not_approved'],
    ['FailedOperation.TemplateIncorrectOrUnapproved', 'template_not_approved'],
    ['FailedOperation.TemplateUnapprovedOrNotExist', 'template_not_approved'],
    ['FailedOperation.TemplateParamSetNotMatchApprovedTemplate', 'template_not_approved'],
    ['FailedOperation.MissingTemplateList', 'template_not_approved'],
    ['InvalidParameterValue.TemplateParameterFormatError', 'template_not_approved'],
    ['InvalidParameterValue.TemplateParameterLengthLimit', 'template_not_approved'],
    ['UnsupportedOperation.ChineseMainlandTemplateToGlobalPhone', 'template_not_approved'],
    ['UnsupportedOperation.GlobalTemplateToChineseMainlandPhone', 'template_not_approved'],
    ['FailedOperation.ContainSensitiveWord', 'content_rejected'],
    ['InvalidParameter.DirtyWordFound', 'content_rejected'],
    ['InvalidParameterValue.TemplateWithDirtyWords', 'content_rejected'],
    ['InvalidParameterValue.ContentLengthLimit', 'content_rejected'],
    ['InvalidParameterValue.ProhibitedUseUrlInTemplateParameter', 'content_rejected'],
    ['FailedOperation.MarketingSendTimeConstraint', 'content_rejected'],
    ['FailedOperation.PhoneNumberInBlacklist', 'blocked_by_provider'],
    ['InvalidParameterValue.IncorrectPhoneNumber', 'number_invalid'],
    ['LimitExceeded.PhoneNumberDailyLimit', 'number_limit_reached'],
    ['LimitExceeded.PhoneNumberOneHourLimit', 'number_limit_reached'],
    ['LimitExceeded.PhoneNumberThirtySecondLimit', 'number_limit_reached'],
    ['LimitExceeded.PhoneNumberSameContentDailyLimit', 'number_limit_reached'],
    ['LimitExceeded.DeliveryFrequencyLimit', 'number_limit_reached'],
    ['LimitExceeded.PhoneNumberCountLimit', 'request_rejected'],
    ['LimitExceeded', 'throttled'],
    ['LimitExceeded.AppDailyLimit', 'throttled'],
    ['LimitExceeded.AppMainlandChinaDailyLimit', 'throttled'],
    ['LimitExceeded.AppGlobalDailyLimit', 'throttled'],
    ['LimitExceeded.AppCountryOrRegionDailyLimit', 'throttled'],
    ['LimitExceeded.DailyLimit', 'throttled'],
    ['LimitExceeded.GlobalSmsSendingRateLimit', 'throttled'],
    ['RequestLimitExceeded', 'throttled'],
    ['RequestLimitExceeded.GlobalRegionUinLimitExceeded', 'throttled'],
    ['RequestLimitExceeded.IPLimitExceeded', 'throttled'],
    ['RequestLimitExceeded.UinLimitExceeded', 'throttled'],
    ['LimitExceeded.AppCountryOrRegionInBlacklist', 'geo_permission_missing'],
    ['UnsupportedOperation.UnsuportedRegion', 'geo_permission_missing'],
    ['UnsupportedOperation.UnsupportedRegion', 'geo_permission_missing'],
    ['InvalidParameterValue.SdkAppIdNotExist', 'request_rejected'],
    ['InvalidParameter.AppidAndBizId', 'request_rejected'],
    ['InvalidParameter.InvalidParameters', 'request_rejected'],
    ['UnsupportedOperation.ContainDomesticAndInternationalPhoneNumber', 'request_rejected'],
    ['UnsupportedOperation.', 'request_rejected'],
    ['UnsupportedOperation', 'request_rejected'],
    ['UnsupportedProtocol', 'request_rejected'],
    ['UnsupportedRegion', 'request_rejected'],
    ['FailedOperation.FailResolvePacket', 'request_rejected'],
    ['FailedOperation.JsonParseFail', 'request_rejected'],
    ['FailedOperation.ParametersOtherError', 'request_rejected'],
    ['MissingParameter.EmptyPhoneNumberSet', 'request_rejected'],
    ['MissingParameter', 'request_rejected'],
    ['InvalidParameter', 'request_rejected'],
    ['InvalidParameterValue', 'request_rejected'],
    ['InvalidRequest', 'request_rejected'],
    ['UnknownParameter', 'request_rejected'],
    ['ActionOffline', 'request_rejected'],
    ['InvalidAction', 'request_rejected'],
    ['NoSuchProduct', 'request_rejected'],
    ['NoSuchVersion', 'request_rejected'],
    ['DryRunOperation', 'request_rejected'],
    ['IpInBlacklist', 'request_rejected'],
    ['IpNotInWhitelist', 'request_rejected'],
    ['InternalError.RequestTimeException', 'request_rejected'],
    ['InternalError.RestApiInterfaceNotExist', 'request_rejected'],
    ['InternalError.SigFieldMissing', 'credentials_invalid'],
    ['InternalError.SigVerificationFail', 'credentials_invalid'],
    ['InternalError', 'provider_fault'],
    ['InternalError.JsonParseFail', 'provider_fault'],
    ['InternalError.OtherError', 'provider_fault'],
    ['InternalError.SendAndRecvFail', 'provider_fault'],
    ['InternalError.Timeout', 'provider_fault'],
    ['InternalError.UnknownError', 'provider_fault'],
    ['FailedOperation', 'provider_fault'],
    ['FailedOperation.OtherError', 'provider_fault'],
    ['ResourceUnavailable', 'provider_fault'],
    ['ServiceUnavailable', 'provider_fault'],
    // Not in the list: as its family, or of no known reason.
    ['AuthFailure.OfTomorrow', 'credentials_invalid'],
    ['LimitExceeded.OfTomorrow', 'throttled'],
    ['InternalError.OfTomorrow', 'provider_fault'],
    ['OfTomorrow', 'unknown'],
    ['constructor', 'unknown'],
  ]

  it('has its reason, and no message reaches the phone', async () => {
    await using tencent = await startTencent()
    const outcomes: SendOutcome[] = []

    for (const [code] of refusals) {
      tencent.emulator.setFaults([{ kind: 'refuse', code }])
      outcomes.push(await tencent.send())
    }

    expect(outcomes).toEqual(refusals.map(([code, reason]) => ({ outcome: 'refused', reason, code })))
    expect(tencent.emulator.messages(inChina)).toEqual([])
  })

  it('comes from the emulator as from the service: of an unknown signature, template and application', async () => {
    await using tencent = await startTencent()
    await using other = await startTencent({ sdkAppId: '1499999999' })

    const outcomes = [
      await tencent.send({ from: 'Nobody' }),
      await tencent.send({ templateId: '9' }),
      await other.send(),
    ]

    expect(outcomes).toMatchObject([
      { outcome: 'refused', reason: 'sender_not_approved' },
      { outcome: 'refused', reason: 'template_not_approved' },
      { outcome: 'refused' },
    ])
  })

  it('needs no call where no signature or no template is set', async () => {
    const settings = { secretId: 'id', secretKey: 'key', sdkAppId: '1', endpoint: await closedUrl() }
    const connect = (more: Partial<Settings>) =>
      connectProvider('tencent', { ...settings, ...more }, providerDeps())
    const signal = AbortSignal.timeout(60_000)

    const outcomes = [
      await connect({ templateId: '1' }).send(outgoing({ to: inChina }), signal),
      await connect({ signName: 'Dialtone' }).send(outgoing({ to: inChina }), signal),
      await connect({ signName: 'Dialtone', templateId: '1' }).send(outgoing({ to: abroad }), signal),
    ]

    expect(outcomes).toEqual([
      { outcome: 'refused', reason: 'sender_not_approved', code: 'no signName is set' },
      { outcome: 'refused', reason: 'template_not_approved', code: 'no templateId is set' },
      { outcome: 'refused', reason: 'template_not_approved', code: 'no internationalTemplateId is set' },
    ])
  })
})

describe('When Tencent Cloud does not answer as it should, the outcome', () => {
  it('says timeout', async () => {
    await using tencent = await startTencent()
    tencent.emulator.setFaults([{ kind: 'hold' }])

    const outcome = await tencent.send({}, AbortSignal.timeout(50))

    expect(outcome).toEqual({ outcome: 'refused', reason: 'timeout', code: 'timeout' })
  })

  it.each([
    ['http_500', 'provider_fault'],
    ['throttle', 'throttled'],
  ] as const)('of %s says %s', async (kind, reason) => {
    await using tencent = await startTencent()
    tencent.emulator.setFaults([{ kind }])

    const outcome = await tencent.send()

    expect(outcome).toMatchObject({ outcome: 'refused', reason })
  })

  it('says that nobody could be reached', async () => {
    await using tencent = await startTencent({ endpoint: await closedUrl() })

    const outcome = await tencent.send()

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

  it('says that the credentials are wrong, and holds no secret (rule 12)', async () => {
    const secretKey = 'not-the-key-of-this-account'
    await using tencent = await startTencent({ secretKey })

    const outcome = await tencent.send()

    expect(outcome).toMatchObject({ outcome: 'refused', reason: 'credentials_invalid' })
    expect(JSON.stringify(outcome)).not.toContain(secretKey)
    expect(JSON.stringify(outcome)).not.toContain(tencent.secretKey)
    expect(tencent.emulator.messages()).toEqual([])
  })
})

describe('A status callback to Tencent Cloud’s endpoint', () => {
  const callBack = async (body: unknown, call: { hasToken?: boolean; method?: string } = {}) => {
    const settings = { secretId: 'id', secretKey: 'key', sdkAppId: '1' }
    const provider = connectProvider('tencent', settings, providerDeps())
    return provider.readReceipts?.({
      method: 'POST',
      url: 'https://auth.example.com/receipts/china',
      headers: {},
      body: Buffer.from(typeof body === 'string' ? body : JSON.stringify(body)),
      hasToken: true,
      ...call,
    })
  }
  /** The example of "SMS sending status notification", with a whole id. */
  const example = {
    user_receive_time: '2015-10-17 08:03:04',
    nationcode: '86',
    mobile: '13xxxxxxxxx',
    report_status: 'SUCCESS',
    errmsg: 'DELIVRD',
    description: '用户短信送达成功',
    sid: '5000:1045710669157053657849499619',
  }

  it('is read in China’s time, and answered as the service demands', async () => {
    const read = await callBack([example, { ...example, sid: '2', report_status: 'FAIL', errmsg: 'MK:0001' }])

    const occurredAt = new Date('2015-10-17T00:03:04Z')
    expect(read).toEqual({
      receipts: [
        { providerMessageId: example.sid, state: 'delivered', occurredAt },
        { providerMessageId: '2', state: 'failed', reason: 'number_invalid', code: 'MK:0001', occurredAt },
      ],
      reply: { status: 200, contentType: 'application/json', body: '{"result":0,"errmsg":"OK"}' },
    })
  })

  it('does not count without the token, since nothing signs it', async () => {
    const read = await callBack([example], { hasToken: false })

    expect(read).toBeUndefined()
  })

  it.each([
    ['nothing', ''],
    ['no JSON', '<html>'],
    ['no list', example],
    ['an empty list', []],
    ['reports of another service', [{ biz_id: '1', success: true }, null, 'text']],
  ])('does not count when it holds %s', async (_what, body) => {
    const read = await callBack(body)

    expect(read).toBeUndefined()
  })

  it('does not count as a GET', async () => {
    const read = await callBack([example], { method: 'GET' })

    expect(read).toBeUndefined()
  })

  it('leaves nothing of a code that is a text, which may repeat the number (rule 12)', async () => {
    const read = await callBack([{ ...example, report_status: 'FAIL', errmsg: 'no phone +8618812345678' }])

    expect(read?.receipts).toMatchObject([{ reason: 'unknown', code: 'unreadable code' }])
  })
})
