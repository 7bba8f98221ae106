// Proves the emulator with the services' own published SDKs, which know nothing of it: each sends a message that
// arrives, is refused with a wrong secret, and asks for the status where the service can be asked.
//
//   npm run build; npm install --prefix sms-emulator/sdks; npm run --prefix sms-emulator/sdks check
//
// Vonage is missing: the current releases of its packages need Node 22, and this project runs on 20.
import assert from 'node:assert/strict'
import { Agent } from 'node:http'
import { connect } from 'node:net'
import dysmsapi from '@alicloud/dysmsapi20170525'
import dysmsapiGlobal from '@alicloud/dysmsapi20180501'
import openapi from '@alicloud/openapi-core'
import { CloudWatchLogsClient, FilterLogEventsCommand } from '@aws-sdk/client-cloudwatch-logs'
import { PublishCommand, SNSClient } from '@aws-sdk/client-sns'
import tencent from 'tencentcloud-sdk-nodejs-sms'
import twilio from 'twilio'
import { startEmulator } from '../dist/emulator.js'

const emulator = await startEmulator()
const { accounts } = emulator
const { host, hostname, port } = new URL(emulator.url)

const [aliyunTemplate] = Object.keys(accounts.aliyun.templates)
const [tencentTemplate, tencentText] = Object.entries(accounts.tencent.templates)[0]

/** The message on the phone, when it has been reported. */
const onPhone = async (to) => {
  await emulator.settle()
  const [message] = emulator.messages(to)
  assert.ok(message, `nothing arrived at ${to}`)
  return message
}

const aliyunClient = (Client, accessKeySecret) =>
  new Client(
    new openapi.$OpenApiUtil.Config({
      accessKeyId: accounts.aliyun.accessKeyId,
      accessKeySecret,
      endpoint: host,
      protocol: 'HTTP',
    }),
  )

const aliyun = async () => {
  const phone = '18812340001'
  const send = (secret) =>
    aliyunClient(dysmsapi.default, secret).sendSms(
      new dysmsapi.SendSmsRequest({
        phoneNumbers: phone,
        signName: accounts.aliyun.signNames[0],
        templateCode: aliyunTemplate,
        templateParam: JSON.stringify({ code: '135790' }),
        outId: 'out-1',
      }),
    )
  const { body } = await send(accounts.aliyun.accessKeySecret)
  assert.equal(body.code, 'OK')
  assert.match((await onPhone(`+86${phone}`)).text, /135790/)
  await assert.rejects(send('wrong'), { code: 'SignatureDoesNotMatch' })

  const today = new Date(Date.now() + 8 * 3_600_000).toISOString().slice(0, 10).replaceAll('-', '')
  const details = await aliyunClient(dysmsapi.default, accounts.aliyun.accessKeySecret).querySendDetails(
    new dysmsapi.QuerySendDetailsRequest({
      phoneNumber: phone,
      bizId: body.bizId,
      sendDate: today,
      pageSize: 10,
      currentPage: 1,
    }),
  )
  const [detail] = details.body.smsSendDetailDTOs.smsSendDetailDTO
  assert.deepEqual([detail.sendStatus, detail.errCode, detail.outId], [3, 'DELIVERED', 'out-1'])
}

const aliyunGlobal = async () => {
  const client = aliyunClient(dysmsapiGlobal.default, accounts.aliyun.accessKeySecret)
  const { body } = await client.sendMessageToGlobe(
    new dysmsapiGlobal.SendMessageToGlobeRequest({
      to: '85251234567',
      from: 'Dialtone',
      message: 'Your code is 246802.',
      type: 'OTP',
    }),
  )
  assert.equal(body.responseCode, 'OK')
  assert.match((await onPhone('+85251234567')).text, /246802/)
  const status = await client.queryMessage(
    new dysmsapiGlobal.QueryMessageRequest({ messageId: body.messageId }),
  )
  assert.deepEqual([String(status.body.status), status.body.errorCode], ['1', 'DELIVERED'])
}

/** Its SDK signs the first part of the address as the service: the real address, led to the emulator. */
const agent = new Agent()
agent.createConnection = () => connect(Number(port), hostname)

const tencentCloud = async () => {
  const phone = '+8618812340002'
  const client = (secretKey) =>
    new tencent.sms.v20210111.Client({
      credential: { secretId: accounts.tencent.secretId, secretKey },
      region: 'ap-guangzhou',
      profile: { httpProfile: { endpoint: 'sms.tencentcloudapi.com', protocol: 'http://', agent } },
    })
  const request = {
    PhoneNumberSet: [phone],
    SmsSdkAppId: accounts.tencent.sdkAppId,
    SignName: accounts.tencent.signNames[0],
    TemplateId: tencentTemplate,
    TemplateParamSet: ['135791', '5'].slice(0, new Set(tencentText.match(/\{\d+\}/g)).size),
    SessionContext: 'context-1',
  }
  const { SendStatusSet } = await client(accounts.tencent.secretKey).SendSms(request)
  assert.equal(SendStatusSet[0].Code, 'Ok')
  assert.match((await onPhone(phone)).text, /135791/)
  await assert.rejects(client('wrong').SendSms(request), { code: 'AuthFailure.SignatureFailure' })

  const { PullSmsSendStatusSet } = await client(accounts.tencent.secretKey).PullSmsSendStatusByPhoneNumber({
    PhoneNumber: phone,
    SmsSdkAppId: accounts.tencent.sdkAppId,
    BeginTime: Math.floor(Date.now() / 1000) - 60,
    Offset: 0,
    Limit: 10,
  })
  const [status] = PullSmsSendStatusSet
  assert.deepEqual(
    [status.SerialNo, status.ReportStatus, status.SessionContext],
    [SendStatusSet[0].SerialNo, 'SUCCESS', 'context-1'],
  )
}

const amazon = async () => {
  const phone = '+12025550143'
  const settings = (secretAccessKey) => ({
    region: accounts.sns.region,
    endpoint: emulator.url,
    credentials: { accessKeyId: accounts.sns.accessKeyId, secretAccessKey },
  })
  const publish = (secret) =>
    new SNSClient(settings(secret)).send(
      new PublishCommand({
        PhoneNumber: phone,
        Message: 'Your code is 135792.',
        MessageAttributes: { 'AWS.SNS.SMS.SMSType': { DataType: 'String', StringValue: 'Transactional' } },
      }),
    )
  const { MessageId } = await publish(accounts.sns.secretAccessKey)
  assert.match((await onPhone(phone)).text, /135792/)
  await assert.rejects(publish('wrong'), { name: 'SignatureDoesNotMatch' })

  const { events } = await new CloudWatchLogsClient(settings(accounts.sns.secretAccessKey)).send(
    new FilterLogEventsCommand({
      logGroupName: `sns/${accounts.sns.region}/${accounts.sns.accountId}/DirectPublishToPhoneNumber`,
      filterPattern: `{ $.notification.messageId = "${MessageId}" }`,
    }),
  )
  assert.deepEqual(
    events.map(({ message }) => JSON.parse(message).status),
    ['SUCCESS'],
  )
}

/** Twilio's SDK knows no other address than Twilio's own: its requests are sent on by a client of ours. */
class RedirectedClient extends twilio.RequestClient {
  request(options) {
    const { pathname, search } = new URL(options.uri)
    return super.request({ ...options, uri: `${emulator.url}${pathname}${search}` })
  }
}

const twilioSms = async () => {
  const phone = '+12025550144'
  const client = (authToken) =>
    twilio(accounts.twilio.accountSid, authToken, { httpClient: new RedirectedClient() })
  const message = { to: phone, from: accounts.twilio.numbers[0], body: 'Your code is 135793.' }
  const { sid } = await client(accounts.twilio.authToken).messages.create(message)
  assert.match((await onPhone(phone)).text, /135793/)
  await assert.rejects(client('wrong').messages.create(message), { status: 401 })

  assert.equal((await client(accounts.twilio.authToken).messages(sid).fetch()).status, 'delivered')
}

const checks = {
  '@alicloud/dysmsapi20170525': aliyun,
  '@alicloud/dysmsapi20180501': aliyunGlobal,
  'tencentcloud-sdk-nodejs-sms': tencentCloud,
  '@aws-sdk/client-sns, client-cloudwatch-logs': amazon,
  twilio: twilioSms,
}

let failed = false
for (const [name, check] of Object.entries(checks)) {
  try {
    await check()
    process.stdout.write(`ok      ${name}\n`)
  } catch (error) {
    failed = true
    process.stdout.write(`FAILED  ${name}: ${error instanceof Error ? error.stack : error}\n`)
  }
}
await emulator.stop()
process.exit(failed ? 1 : 0)
