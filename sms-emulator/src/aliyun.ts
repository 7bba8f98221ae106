// Alibaba Cloud's SMS (Dysmsapi) as its gateway shows it: signed requests to `/`, the action and version in headers,
// the parameters in the query or the body. The domestic API answers in aliyun-domestic.ts, the international one in
// aliyun-global.ts.
//
// What must stay true: an action runs only for a signed request; an error has the gateway's form and status, a refusal
// of the SMS service itself comes with status 200 and its own code.
import { randomUUID } from 'node:crypto'
import { acs3Faults, createAcs3Check } from './acs3.ts'
import { createDomesticApi } from './aliyun-domestic.ts'
import { createGlobalApi } from './aliyun-global.ts'
import { jsonReply, mountAtRoot, parseFields, type RootReply } from './root.ts'
import type { Service, Trouble } from './service.ts'
import { headerOf, type ServiceFault, type SignedCall } from './signatures.ts'

export type AliyunParameters = Readonly<Record<string, string | undefined>>

/** One version of the API. */
export type AliyunApi = {
  actions: Readonly<
    Record<string, { required: readonly string[]; run: (parameters: AliyunParameters) => object }>
  >
  /** The answer to a message that the SMS service does not take. */
  refusal(code: string): object
}

/** "Common error codes", with the statuses that the lists of Alibaba Cloud's products give. */
const gatewayFaults = {
  actionUnknown: {
    status: 404,
    code: 'InvalidAction.NotFound',
    message: 'Specified api is not found, please check your url and method.',
  },
  versionUnknown: {
    status: 400,
    code: 'InvalidVersion',
    message: 'Specified parameter Version is not valid.',
  },
  throttled: {
    status: 400,
    code: 'Throttling.User',
    message: 'Request was denied due to user flow control.',
  },
  broken: {
    status: 500,
    code: 'InternalError',
    message: 'The request processing has failed due to some unknown error.',
  },
} as const satisfies Record<string, ServiceFault>

const faultsByCode = new Map<string, ServiceFault>(
  Object.values({ ...acs3Faults, ...gatewayFaults }).map((fault) => [fault.code, fault]),
)

const gatewayReply = ({ status, code, message }: ServiceFault): RootReply =>
  jsonReply(status, {
    RequestId: randomUUID().toUpperCase(),
    HostId: 'dysmsapi.aliyuncs.com',
    Code: code,
    Message: message,
  })

/** The SMS service's own codes begin with `isv.` or `isp.`; those of the international API are all capitals. */
const isRefusal = (code: string): boolean => /^is[vp]\.|^[A-Z_]+$/.test(code)

const troubleReply = (trouble: Trouble, api: AliyunApi | undefined): RootReply => {
  if (trouble.kind === 'http_500') return gatewayReply(gatewayFaults.broken)
  if (trouble.kind === 'throttle') return gatewayReply(gatewayFaults.throttled)
  const code = trouble.code || 'isv.BUSINESS_LIMIT_CONTROL'
  if (api !== undefined && isRefusal(code)) return jsonReply(200, api.refusal(code))
  return gatewayReply(faultsByCode.get(code) ?? { status: 400, code, message: 'Refused by the emulator.' })
}

/** Each parameter is "in" the query or the body, says the metadata of the API; the gateway takes it from either. */
const parametersOf = (call: SignedCall): AliyunParameters => {
  const body = call.body.toString('utf8')
  if (headerOf(call, 'content-type')?.includes('json')) {
    const fields = Object.entries(parseFields(body) ?? {}).map(([name, value]) => [
      name,
      typeof value === 'string' ? value : JSON.stringify(value),
    ])
    return Object.fromEntries([...new URLSearchParams(call.query), ...fields])
  }
  return Object.fromEntries([...new URLSearchParams(call.query), ...new URLSearchParams(body)])
}

export const aliyun: Service = {
  name: 'aliyun',
  mount: (http, world) => {
    const check = createAcs3Check(world.accounts.aliyun)
    const apis: Readonly<Record<string, AliyunApi>> = {
      '2017-05-25': createDomesticApi(world),
      '2018-05-01': createGlobalApi(world),
    }
    mountAtRoot(http, async (call) => {
      const api = apis[headerOf(call, 'x-acs-version') ?? '']
      const trouble = await world.troubleOf('aliyun')
      if (trouble !== undefined) return troubleReply(trouble, api)
      const fault = check(call, new Date())
      if (fault !== undefined) return gatewayReply(fault)

      if (api === undefined) return gatewayReply(gatewayFaults.versionUnknown)
      const action = api.actions[headerOf(call, 'x-acs-action') ?? '']
      if (action === undefined) return gatewayReply(gatewayFaults.actionUnknown)
      const parameters = parametersOf(call)
      const missing = action.required.find((name) => !parameters[name])
      if (missing === undefined) return jsonReply(200, action.run(parameters))
      return gatewayReply({
        status: 400,
        code: `Missing${missing}`,
        message: `${missing} is mandatory for this action.`,
      })
    })
  },
}
