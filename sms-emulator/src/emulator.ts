// The emulator: the phones, the faults, and one listener behind which every emulated service stands as if it were
// alone, with the control API and its page.
//
// What must stay true: each service is told apart by what the real one's requests show, and by nothing else.
import { createServer, type IncomingMessage, type Server } from 'node:http'
import fastify, { type FastifyInstance } from 'fastify'
import { accountsWith } from './accounts.ts'
import { aliyun } from './aliyun.ts'
import { createDelivery } from './delivery.ts'
import { createFaults, type Fault } from './faults.ts'
import { generic } from './generic.ts'
import { mountPage } from './page.ts'
import { createPhones } from './phones.ts'
import type { Accounts, PhoneMessage, ServiceName, World } from './service.ts'
import { startSmpp } from './smpp.ts'
import { sns } from './sns.ts'
import { tencent } from './tencent.ts'
import { twilio } from './twilio.ts'
import { vonage } from './vonage.ts'

export type { Fault } from './faults.ts'
export type { Accounts, PhoneMessage, ServiceName } from './service.ts'

export type EmulatorOptions = {
  /** Default 127.0.0.1. */
  host?: string
  /** Of HTTP; default 0: any that is free. */
  port?: number
  /** Default 0: any that is free. */
  smppPort?: number
  accounts?: Partial<Accounts>
  /** How long after its acceptance a message is reported; default 50 ms. */
  receiptAfterMilliseconds?: number
  /** Of the fault late_receipt where it does not say itself; default 60 s. */
  lateReceiptSeconds?: number
}

export type Emulator = {
  /** Where the services answer, and the page. */
  url: string
  smppPort: number
  accounts: Accounts
  /** What is on the phones, or on that of one number (E.164); the newest first. */
  messages(to?: string): PhoneMessage[]
  /** In place of the faults before. */
  setFaults(faults: readonly Fault[]): void
  /** Where a service reports that is not told so in each request. */
  setReceiptUrl(service: ServiceName, url: string | undefined): void
  /** When every receipt that is due has been sent or stored. */
  settle(): Promise<void>
  stop(): Promise<void>
  [Symbol.asyncDispose](): Promise<void>
}

const services = [aliyun, tencent, twilio, sns, vonage, generic] as const

/** @throws when a port is taken */
export const startEmulator = async (options: EmulatorOptions = {}): Promise<Emulator> => {
  const host = options.host ?? '127.0.0.1'
  const accounts = accountsWith(options.accounts)
  const phones = createPhones()
  const faults = createFaults()
  const delivery = createDelivery({
    phones,
    faults,
    receiptAfterMilliseconds: options.receiptAfterMilliseconds ?? 50,
    lateReceiptMilliseconds: (options.lateReceiptSeconds ?? 60) * 1000,
  })
  const receiptUrls = new Map<ServiceName, string>()
  const world: World = {
    accounts,
    troubleOf: faults.troubleOf,
    accept: delivery.accept,
    receiptUrlOf: (service) => receiptUrls.get(service),
  }

  const smpp = await startSmpp(world, { host, port: options.smppPort ?? 0 })
  const page = fastify()
  mountPage(page, { accounts, phones, faults, delivery, receiptUrls, smppPort: smpp.port })
  const doors = await openDoors(world)
  await page.ready()
  const server = createServer((request, reply) => {
    const service = serviceOf(request)
    const door = service === undefined ? page : (doors.get(service) ?? page)
    door.routing(request, reply)
  })
  // A connection that is idle is the client's to close: one that was closed here while a busy client made use of it
  // would be a fault that nobody switched on.
  server.keepAliveTimeout = 0
  try {
    await listen(server, host, options.port ?? 0)
  } catch (error) {
    await smpp.stop()
    throw error
  }

  const stop = async (): Promise<void> => {
    server.close()
    server.closeAllConnections()
    await delivery.stop()
    await smpp.stop()
    await Promise.all([page, ...doors.values()].map((door) => door.close()))
  }
  return {
    url: urlOf(server, host),
    smppPort: smpp.port,
    accounts,
    messages: phones.messages,
    setFaults: faults.set,
    setReceiptUrl: (service, url) => {
      if (url === undefined) receiptUrls.delete(service)
      else receiptUrls.set(service, url)
    },
    settle: delivery.settle,
    stop,
    [Symbol.asyncDispose]: stop,
  }
}

/** One Fastify instance a service: several of the real ones answer at `/`, and each reads bodies in its own way. */
const openDoors = async (world: World): Promise<Map<ServiceName, FastifyInstance>> => {
  const doors = new Map<ServiceName, FastifyInstance>()
  for (const service of services) {
    const door = fastify({ forceCloseConnections: true })
    service.mount(door, world)
    await door.ready()
    doors.set(service.name, door)
  }
  return doors
}

const pathsOfServices: readonly (readonly [prefix: string, service: ServiceName])[] = [
  ['/2010-04-01/', 'twilio'],
  ['/v2/PhoneNumbers/', 'twilio'],
  ['/v1/messages', 'vonage'],
  ['/generic/', 'generic'],
]

const serviceOf = ({ url = '/', method, headers }: IncomingMessage): ServiceName | undefined => {
  if (headers['x-acs-action'] !== undefined) return 'aliyun'
  if (headers['x-tc-action'] !== undefined) return 'tencent'
  if (headers['x-amz-target'] !== undefined || headers['x-amz-date'] !== undefined) return 'sns'
  const found = pathsOfServices.find(([prefix]) => url.startsWith(prefix))
  if (found !== undefined) return found[1]
  // What is left at the root is a query of the AWS Query protocol, signed or not.
  return method === 'POST' && /^\/(\?|$)/.test(url) ? 'sns' : undefined
}

const listen = (server: Server, host: string, port: number): Promise<void> =>
  new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, host, () => {
      server.off('error', reject)
      resolve()
    })
  })

const urlOf = (server: Server, host: string): string => {
  const address = server.address()
  const port = typeof address === 'object' && address !== null ? address.port : 0
  // Whoever listens on every address is reached on this machine's own.
  const name = host === '0.0.0.0' || host === '::' ? 'localhost' : host
  return `http://${name.includes(':') ? `[${name}]` : name}:${port}`
}
