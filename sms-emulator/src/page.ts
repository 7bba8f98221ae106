// The control API, and the page that shows the phones.
import { readFileSync } from 'node:fs'
import type { FastifyInstance } from 'fastify'
import { providerSettings } from './accounts.ts'
import type { Delivery } from './delivery.ts'
import { type Faults, faultKinds, oneOf, parseFaults } from './faults.ts'
import type { Phones } from './phones.ts'
import { type Accounts, type ServiceName, serviceNames } from './service.ts'

type Controlled = {
  accounts: Accounts
  phones: Phones
  faults: Faults
  delivery: Delivery
  receiptUrls: Map<ServiceName, string>
  smppPort: number
}

export const mountPage = (http: FastifyInstance, controlled: Controlled): void => {
  mountFiles(http)
  mountControl(http, controlled)
}

const mountControl = (http: FastifyInstance, controlled: Controlled): void => {
  const { accounts, phones, faults, delivery, receiptUrls, smppPort } = controlled
  const allFaults = () => ({ kinds: faultKinds, services: serviceNames, faults: faults.list() })
  const allReceiptUrls = () => ({ receiptUrls: Object.fromEntries(receiptUrls) })

  // What is wrong with a request is told to the person at the page.
  http.setErrorHandler<Error & { statusCode?: number }>((error, _request, reply) =>
    reply.code(error.statusCode ?? 400).send({ message: error.message }),
  )

  http.get<{ Querystring: { to?: string } }>('/emulator/messages', ({ query }) => ({
    messages: phones.messages(query.to === undefined ? undefined : readNumber(query.to)),
    receiptFailures: delivery.receiptFailures(),
  }))
  http.delete('/emulator/messages', (_request, reply) => {
    phones.clear()
    return reply.code(204).send()
  })

  http.get('/emulator/faults', allFaults)
  http.put<{ Body: { faults?: unknown } | null }>('/emulator/faults', ({ body }) => {
    faults.set(parseFaults(body?.faults))
    return allFaults()
  })

  http.get('/emulator/receipt-urls', allReceiptUrls)
  http.put<{ Body: { receiptUrls?: unknown } | null }>('/emulator/receipt-urls', ({ body }) => {
    const given = parseReceiptUrls(body?.receiptUrls)
    receiptUrls.clear()
    for (const [service, url] of given) receiptUrls.set(service, url)
    return allReceiptUrls()
  })

  http.get('/emulator/accounts', ({ protocol, host }) => ({
    accounts,
    // As whoever asks has reached it.
    providerSettings: providerSettings(accounts, `${protocol}://${host}`, smppPort),
  }))
}

/** A `+` that nobody escaped arrives as a space. */
const readNumber = (to: string): string => (/^ ?\d+$/.test(to) ? `+${to.trim()}` : to)

/** By service; null or an empty text means nowhere. */
const parseReceiptUrls = (value: unknown): [ServiceName, string][] => {
  if (typeof value !== 'object' || value === null) throw new Error('receiptUrls must be an object')
  return Object.entries(value)
    .filter(([, url]) => url !== null && url !== '')
    .map(([service, url]) => {
      if (typeof url !== 'string' || !URL.canParse(url) || !/^https?:/i.test(url)) {
        throw new Error(`the receipt URL of ${service} must be an http or https URL`)
      }
      return [oneOf('service', serviceNames, service), url]
    })
}

const folder = new URL('../pages/', import.meta.url)

const files = {
  '/': { file: 'phones.html', type: 'text/html; charset=utf-8' },
  '/phones.css': { file: 'phones.css', type: 'text/css; charset=utf-8' },
  '/phones.js': { file: 'phones.js', type: 'text/javascript; charset=utf-8' },
  '/faults.js': { file: 'faults.js', type: 'text/javascript; charset=utf-8' },
  '/copying.js': { file: 'copying.js', type: 'text/javascript; charset=utf-8' },
  '/accounts.js': { file: 'accounts.js', type: 'text/javascript; charset=utf-8' },
  '/icon.svg': { file: 'icon.svg', type: 'image/svg+xml' },
} as const

// Trusted types make the browser refuse innerHTML and its kin, whatever a message holds.
const policy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self'",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
].join('; ')

const mountFiles = (http: FastifyInstance): void => {
  for (const [path, { file, type }] of Object.entries(files)) {
    const body = readFileSync(new URL(file, folder), 'utf8')
    http.get(path, (_request, reply) =>
      reply
        .headers({
          'content-type': type,
          'content-security-policy': policy,
          'x-content-type-options': 'nosniff',
          'referrer-policy': 'no-referrer',
          'cache-control': 'no-cache',
        })
        .send(body),
    )
  }
}
