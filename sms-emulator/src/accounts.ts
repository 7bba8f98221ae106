// What the services know their customer by: fixed, made-up credentials that open nothing but this emulator.
import { generateKeyPairSync } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import type { Accounts, ServiceName } from './service.ts'

/** Made once a process: of all accounts it alone takes time, and no key stands in the source. */
let madeKey: string | undefined

const privateKey = (): string => {
  madeKey ??= generateKeyPairSync('rsa', {
    modulusLength: 2048,
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
    publicKeyEncoding: { type: 'spki', format: 'pem' },
  }).privateKey
  return madeKey
}

/** The defaults, with what is given in their place. */
export const accountsWith = (given: Partial<Accounts> = {}): Accounts => ({
  aliyun: {
    accessKeyId: 'LTAIEmulator',
    accessKeySecret: 'aliyun-emulator-secret',
    signNames: ['Dialtone'],
    // biome-ignore lint/suspicious/noTemplateCurlyInString: the variable of a template, as Alibaba Cloud writes it
    templates: { SMS_100000001: 'Your code is ${code}. It is valid for 5 minutes.' },
  },
  tencent: {
    secretId: 'AKIDEmulator',
    secretKey: 'tencent-emulator-secret',
    sdkAppId: '1400000001',
    signNames: ['Dialtone'],
    templates: { '100001': 'Your code is {1}. It is valid for {2} minutes.' },
  },
  twilio: {
    accountSid: 'AC00000000000000000000000000000001',
    authToken: 'twilio-emulator-token',
    // The first is the one that Twilio's own test credentials may send from.
    numbers: ['+15005550006', '+12025550100'],
  },
  sns: {
    accessKeyId: 'AKIAEMULATOR',
    secretAccessKey: 'sns-emulator-secret',
    region: 'us-east-1',
    accountId: '000000000001',
  },
  generic: { token: 'generic-emulator-token' },
  smpp: { systemId: 'emulator', password: 'smpp-pw' },
  ...given,
  // Last, so that no key is made where one is given.
  vonage: given.vonage ?? {
    applicationId: '00000000-0000-4000-8000-000000000001',
    privateKey: privateKey(),
    signatureSecret: 'vonage-emulator-signature-secret',
  },
})

/**
 * The accounts of a file, which is made at the first start: what is configured to send here still may after the next.
 * @throws when the file cannot be read or made, or is not JSON
 */
export const keepAccounts = (file: string): Accounts => {
  if (existsSync(file)) return accountsWith(readAccounts(file))
  const accounts = accountsWith()
  mkdirSync(dirname(file), { recursive: true })
  writeFileSync(file, `${JSON.stringify(accounts, null, 2)}\n`, { mode: 0o600 })
  return accounts
}

const readAccounts = (file: string): Partial<Accounts> => {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as Partial<Accounts>
  } catch (error) {
    throw new Error(
      `The accounts in ${file} cannot be read: ${error instanceof Error ? error.message : error}`,
    )
  }
}

/**
 * What the server's provider of each kind needs to send to this emulator.
 * @param url where the HTTP services answer
 */
export const providerSettings = (
  accounts: Accounts,
  url: string,
  smppPort: number,
): Record<ServiceName, object> => {
  const { aliyun, tencent, twilio, sns, vonage, generic, smpp } = accounts
  return {
    aliyun: {
      accessKeyId: aliyun.accessKeyId,
      accessKeySecret: aliyun.accessKeySecret,
      signName: aliyun.signNames[0],
      templateCode: Object.keys(aliyun.templates)[0],
      endpoint: url,
      internationalEndpoint: url,
    },
    tencent: {
      secretId: tencent.secretId,
      secretKey: tencent.secretKey,
      sdkAppId: tencent.sdkAppId,
      signName: tencent.signNames[0],
      templateId: Object.keys(tencent.templates)[0],
      endpoint: url,
    },
    twilio: {
      accountSid: twilio.accountSid,
      authToken: twilio.authToken,
      from: twilio.numbers[0],
      voiceFrom: twilio.numbers[0],
      whatsappFrom: twilio.numbers[0],
      endpoint: url,
      lookupEndpoint: url,
    },
    sns: {
      accessKeyId: sns.accessKeyId,
      secretAccessKey: sns.secretAccessKey,
      region: sns.region,
      accountId: sns.accountId,
      endpoint: url,
      logsEndpoint: url,
    },
    vonage: {
      applicationId: vonage.applicationId,
      privateKey: vonage.privateKey,
      signatureSecret: vonage.signatureSecret,
      from: 'Dialtone',
      whatsappFrom: '15005550006',
      endpoint: url,
    },
    generic: {
      method: 'POST',
      url: `${url}/generic/messages`,
      headers: { authorization: `Bearer ${generic.token}` },
      body: '{"to":"{{to}}","text":"{{text}}","from":"{{from}}","reference":"{{id}}","callback":"{{receiptUrl}}"}',
      messageId: { jsonPath: 'id' },
      failureCode: { jsonPath: 'error.code' },
      receipts: {
        id: { jsonPath: 'id' },
        state: { jsonPath: 'status' },
        delivered: ['delivered'],
        failed: ['failed'],
        code: { jsonPath: 'error' },
      },
      idempotencyHeader: 'idempotency-key',
    },
    smpp: {
      host: new URL(url).hostname,
      port: smppPort,
      systemId: smpp.systemId,
      password: smpp.password,
    },
  }
}
