// What the example of the SDK needs around it: its server, an application that allows it, a browser, and a phone.
//
// No SMS reaches a Chromium on a desk, so the phone is played here, by the specifications: WebOTP
// (https://wicg.github.io/web-otp/) and "Origin-bound one-time codes delivered via SMS"
// (https://wicg.github.io/sms-one-time-codes/), whose parser is `readOneTimeCode`. Nothing else is: the page, the SDK,
// CORS, the server and its messages are the real ones.
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { Worker } from 'node:worker_threads'
import type { Page, Request } from 'playwright-core'
import { newPhone, type TestApp } from '../support/app.ts'
import { consoleOf } from '../support/console.ts'
import { openPage } from './browser.ts'

/** A name below localhost: browsers find it on this machine, and trust it as they trust https. */
const site = 'shop.localhost'

/** The server of the examples, as `npm run example` starts it; once a worker, with which it ends. */
let examplesPort: Promise<string> | undefined

const serveExamples = async (): Promise<string> => {
  const script = new URL('../../../sdk/examples/serve.mjs', import.meta.url)
  // In a thread: a process would live on where this one is killed.
  const server = new Worker(script, { argv: ['0'], execArgv: [], stdout: true })
  server.unref()
  const ended = once(server, 'exit')
  const [line] = await Promise.race([
    once(createInterface({ input: server.stdout }), 'line'),
    ended.then(() => ['it ended']),
  ])
  const [, port] = /http:\/\/localhost:(\d+)\/$/.exec(String(line)) ?? []
  if (port === undefined) throw new Error(`the server of the examples did not start: ${line}`)
  return port
}

/** An application for browsers, as an administrator makes one. */
const makeApplication = async (
  app: TestApp,
  { origin, webOtpHost }: { origin: string; webOtpHost: string | undefined },
): Promise<string> => {
  const { post, put } = await consoleOf(app)
  const made = await post('/console/api/applications', {
    name: 'Shop',
    clientAuthentication: 'none',
    allowedOrigins: [origin],
  })
  if (made.status !== 200) throw new Error(`no application was made: ${JSON.stringify(made.body)}`)
  if (webOtpHost !== undefined) await put(`/console/api/sms/applications/${made.body.id}`, { webOtpHost })
  return made.body.id
}

/** "Parse an origin-bound one-time code message", of the top-level page: what follows the code is for frames. */
export const readOneTimeCode = (message: string): { host: string; code: string } | undefined => {
  const lastLine = message.replace(/\r\n?/g, '\n').split('\n').at(-1) ?? ''
  const [, host, code, embedded] = /^@(\S+) #(\S+)(?: @(\S+))?/.exec(lastLine) ?? []
  return host === undefined || code === undefined || embedded !== undefined ? undefined : { host, code }
}

/** The newest SMS since then. */
type NewestSms = (since: Date) => Promise<string | undefined>

/** A browser with WebOTP: what its phone receives while a page waits goes to that page, if it is for its host. */
const addWebOtp = async (page: Page, newestSms: NewestSms) => {
  const log = { asked: 0, aborted: [] as string[], withheld: [] as string[] }
  await page.exposeBinding('receiveSms', async ({ frame }, since: number) => {
    const message = await newestSms(new Date(since))
    if (message === undefined) return undefined
    const found = readOneTimeCode(message)
    if (found?.host === new URL(frame.url()).hostname) return found.code
    if (!log.withheld.includes(message)) log.withheld.push(message)
    return undefined
  })
  await page.exposeBinding('noteAsked', () => {
    log.asked += 1
  })
  await page.exposeBinding('noteAborted', (_source, name: string) => {
    log.aborted.push(name)
  })
  await page.addInitScript(`
    window.OTPCredential = class OTPCredential {}
    navigator.credentials.get = async ({ otp, signal }) => {
      if (otp?.transport?.[0] !== 'sms') throw new TypeError('only SMS is known here')
      const since = Date.now()
      noteAsked()
      for (;;) {
        if (signal?.aborted) {
          noteAborted(signal.reason.name)
          throw signal.reason
        }
        const code = await receiveSms(since)
        if (code !== undefined && !signal?.aborted) return Object.assign(new OTPCredential(), { code })
        await new Promise((resolve) => setTimeout(resolve, 20))
      }
    }`)
  return log
}

export type Example = Awaited<ReturnType<typeof openExample>>

/**
 * The page in a browser, of an application that allows it.
 * @param options.webOtpHost what the application names in its messages; by default the host of the page
 * @param options.browser `as it is` has what this Chromium has
 */
export const openExample = async (
  app: TestApp,
  {
    webOtpHost = site,
    browser: kind = 'with WebOTP',
    hasSignal = true,
    allowed,
  }: {
    webOtpHost?: string | undefined
    browser?: 'with WebOTP' | 'without WebOTP' | 'as it is'
    hasSignal?: boolean
    /** The origin that the application allows, where it is not the page's. */
    allowed?: string
  } = {},
) => {
  examplesPort ??= serveExamples()
  const port = await examplesPort
  const origin = `http://${site}:${port}`
  const appId = await makeApplication(app, { origin: allowed ?? origin, webOtpHost: webOtpHost || undefined })
  const browser = await openPage({ locale: 'en-US' })
  const { page } = browser
  const phoneNumber = newPhone()
  let signalSince = hasSignal ? new Date(0) : undefined
  const requests: Request[] = []
  page.on('request', (request) => requests.push(request))

  /** Messages that came before the page asked are not looked at, as Android does it. */
  const newestSms: NewestSms = async (since) => {
    if (signalSince === undefined) return undefined
    const [message] = await app.readInbox(`+86${phoneNumber}`)
    const sentAt = new Date(message?.createdAt ?? 0)
    return sentAt >= since && sentAt >= signalSince ? message?.text : undefined
  }
  const phone = kind === 'with WebOTP' ? await addWebOtp(page, newestSms) : undefined
  if (kind === 'without WebOTP') await page.addInitScript('delete window.OTPCredential')
  const codeField = page.getByLabel('Code of the SMS')
  await page.goto(`${origin}/?${new URLSearchParams({ app: appId, host: app.url })}`)

  return {
    page,
    phone: phone ?? { asked: 0, aborted: [], withheld: [] },
    phoneNumber,
    /** From now on the phone receives; what was sent before is lost. */
    findSignal: () => {
      signalSince = app.clock.now()
    },
    origin,
    port,
    appId,
    faults: browser.faults,
    hosts: browser.hosts,
    /** The calls of the server, in their order. */
    calls: () => requests.filter((request) => request.url().startsWith(`${app.url}/`)),
    codeField,
    alert: page.getByRole('alert'),
    bound: page.locator('#bound'),

    signUp: async () => {
      await page.getByLabel('Username').fill('ada')
      await page.getByLabel('Password').fill('correct horse battery')
      await page.getByRole('button', { name: 'Create an account' }).click()
      await page.getByLabel('Phone number').waitFor()
    },
    send: async (number = phoneNumber) => {
      await page.getByLabel('Calling code').selectOption({ label: 'China (+86)' })
      await page.getByLabel('Phone number').fill(number)
      await page.getByRole('button', { name: 'Send the code' }).click()
    },
    /** Again, with what the form at the top holds. */
    useServer: async () => {
      await page.locator('#server summary').click()
      await page.getByRole('button', { name: 'Use this server' }).click()
    },
    type: async (code: string) => {
      await codeField.fill(code)
      await page.getByRole('button', { name: 'Bind the phone' }).click()
    },
    [Symbol.asyncDispose]: browser[Symbol.asyncDispose],
  }
}
