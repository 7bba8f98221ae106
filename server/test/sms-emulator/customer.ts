// A customer of the emulated services: signs requests as each service documents it, and listens for reports.
import { randomUUID } from 'node:crypto'
import { json } from 'node:stream/consumers'
import { acs3Signature } from '../../../sms-emulator/src/acs3.ts'
import { type Emulator, startEmulator } from '../../../sms-emulator/src/emulator.ts'
import { type SignedCall, sha256 } from '../../../sms-emulator/src/signatures.ts'
import { sigv4Signature } from '../../../sms-emulator/src/sigv4.ts'
import { tc3Signature } from '../../../sms-emulator/src/tc3.ts'
import { listenHttp } from '../support/http-server.ts'

export const startTestEmulator = async () => {
  const emulator = await startEmulator()
  return { ...emulator, [Symbol.asyncDispose]: emulator.stop }
}

/** Takes whatever is posted to it. */
export const startReceiver = async (answer: object) => {
  const bodies: unknown[] = []
  const server = await listenHttp(async (request, reply) => {
    bodies.push(await json(request))
    reply.setHeader('content-type', 'application/json').end(JSON.stringify(answer))
  })
  return { url: `${server.url}/reports`, bodies, [Symbol.asyncDispose]: server[Symbol.asyncDispose] }
}

// biome-ignore lint/suspicious/noExplicitAny: the tests look into answers of every shape
export type Answer = { status: number; text: string; json: any }

/** @param sentBody what is sent in place of the body that was signed */
const send = async (emulator: Emulator, call: SignedCall, sentBody = call.body): Promise<Answer> => {
  const { host: _host, ...headers } = call.headers
  const response = await fetch(`${emulator.url}/${call.query === '' ? '' : `?${call.query}`}`, {
    method: call.method,
    headers: Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, String(value)])),
    ...(call.method === 'GET' ? {} : { body: new Uint8Array(sentBody) }),
  })
  const text = await response.text()
  return { status: response.status, text, json: text.startsWith('{') ? JSON.parse(text) : undefined }
}

type Signing = { secret?: string; keyId?: string; date?: Date; sentBody?: string }

export type AliyunRequest = Signing & {
  action: string
  version?: string
  parameters: Record<string, string>
  nonce?: string
}

export const callAliyun = (emulator: Emulator, request: AliyunRequest): Promise<Answer> => {
  const account = emulator.accounts.aliyun
  const body = Buffer.from(new URLSearchParams(request.parameters).toString())
  const call: SignedCall = {
    method: 'POST',
    path: '/',
    query: '',
    headers: {
      host: new URL(emulator.url).host,
      'content-type': 'application/x-www-form-urlencoded',
      'x-acs-action': request.action,
      'x-acs-version': request.version ?? '2017-05-25',
      'x-acs-date': `${(request.date ?? new Date()).toISOString().slice(0, 19)}Z`,
      'x-acs-signature-nonce': request.nonce ?? randomUUID(),
      'x-acs-content-sha256': sha256(body),
    },
    body,
  }
  const names = Object.keys(call.headers).toSorted()
  const signature = acs3Signature(call, names, request.secret ?? account.accessKeySecret)
  const keyId = request.keyId ?? account.accessKeyId
  const authorization = `ACS3-HMAC-SHA256 Credential=${keyId},SignedHeaders=${names.join(';')},Signature=${signature}`
  const sentBody = request.sentBody === undefined ? body : Buffer.from(request.sentBody)
  return send(emulator, { ...call, headers: { ...call.headers, authorization } }, sentBody)
}

export type TencentRequest = Signing & {
  action: string
  fields: object
  version?: string
}

export const callTencent = (emulator: Emulator, request: TencentRequest): Promise<Answer> => {
  const account = emulator.accounts.tencent
  const timestamp = Math.floor((request.date ?? new Date()).getTime() / 1000)
  const body = Buffer.from(JSON.stringify(request.fields))
  const call: SignedCall = {
    method: 'POST',
    path: '/',
    query: '',
    headers: {
      'content-type': 'application/json; charset=utf-8',
      host: new URL(emulator.url).host,
      'x-tc-action': request.action,
    },
    body,
  }
  const names = Object.keys(call.headers)
  const secretKey = request.secret ?? account.secretKey
  const signature = tc3Signature(call, names, { secretKey, service: 'sms', timestamp })
  const scope = `${new Date(timestamp * 1000).toISOString().slice(0, 10)}/sms/tc3_request`
  const headers = {
    ...call.headers,
    'x-tc-version': request.version ?? '2021-01-11',
    'x-tc-timestamp': String(timestamp),
    'x-tc-region': 'ap-guangzhou',
    authorization: `TC3-HMAC-SHA256 Credential=${request.keyId ?? account.secretId}/${scope}, SignedHeaders=${names.join(';')}, Signature=${signature}`,
  }
  const sentBody = request.sentBody === undefined ? body : Buffer.from(request.sentBody)
  return send(emulator, { ...call, headers }, sentBody)
}

type AmazonRequest = Signing & {
  service: 'sns' | 'logs'
  region?: string
  headers: Record<string, string>
  body: string
}

const callAmazon = (emulator: Emulator, request: AmazonRequest): Promise<Answer> => {
  const account = emulator.accounts.sns
  const region = request.region ?? account.region
  const time = (request.date ?? new Date()).toISOString().replace(/[-:]|\.\d{3}/g, '')
  const body = Buffer.from(request.body)
  const call: SignedCall = {
    method: 'POST',
    path: '/',
    query: '',
    headers: { host: new URL(emulator.url).host, 'x-amz-date': time, ...request.headers },
    body,
  }
  const names = Object.keys(call.headers).toSorted()
  const { service } = request
  const signature = sigv4Signature(call, names, {
    secretAccessKey: request.secret ?? account.secretAccessKey,
    region,
    service,
  })
  const scope = `${time.slice(0, 8)}/${region}/${service}/aws4_request`
  const authorization = `AWS4-HMAC-SHA256 Credential=${request.keyId ?? account.accessKeyId}/${scope}, SignedHeaders=${names.join(';')}, Signature=${signature}`
  const sentBody = request.sentBody === undefined ? body : Buffer.from(request.sentBody)
  return send(emulator, { ...call, headers: { ...call.headers, authorization } }, sentBody)
}

export type SnsRequest = Signing & { region?: string; parameters: Record<string, string> }

export const callSns = (emulator: Emulator, { parameters, ...request }: SnsRequest): Promise<Answer> =>
  callAmazon(emulator, {
    ...request,
    service: 'sns',
    headers: { 'content-type': 'application/x-www-form-urlencoded; charset=utf-8' },
    body: new URLSearchParams({ Action: 'Publish', Version: '2010-03-31', ...parameters }).toString(),
  })

export type LogsRequest = Signing & { fields: object }

export const callLogs = (emulator: Emulator, { fields, ...request }: LogsRequest): Promise<Answer> =>
  callAmazon(emulator, {
    ...request,
    service: 'logs',
    headers: {
      'content-type': 'application/x-amz-json-1.1',
      'x-amz-target': 'Logs_20140328.FilterLogEvents',
    },
    body: JSON.stringify(fields),
  })

export const minutesFromNow = (minutes: number): Date => new Date(Date.now() + minutes * 60_000)
