// A real browser for the pages: whichever Chromium the machine has, started once a worker, with a profile of its own for
// each test.
import { existsSync } from 'node:fs'
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core'

const executablePath = [
  // The one without windows first: it starts in a fraction of the time.
  '/usr/bin/chromium-headless-shell',
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
  '/usr/bin/google-chrome-stable',
  '/snap/bin/chromium',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
].find((path) => existsSync(path))

/** Without a browser the tests of the pages are skipped. */
export const hasBrowser = executablePath !== undefined

/** It ends with this worker, by the pipe between the two. */
let browser: Promise<Browser> | undefined

const startBrowser = (): Promise<Browser> =>
  chromium.launch({
    ...(executablePath === undefined ? {} : { executablePath }),
    args: ['--no-sandbox', '--headless', '--disable-gpu', '--disable-background-networking'],
  })

/** A page that writes down what should not happen: `faults` are console errors, exceptions and refusals of the policy. */
export const openPage = async (options: BrowserContextOptions = {}) => {
  browser ??= startBrowser()
  const context = await (await browser).newContext(options)
  await context.grantPermissions(['clipboard-read', 'clipboard-write'])
  const page = await context.newPage()
  page.setDefaultTimeout(60_000)
  const faults: string[] = []
  const requests: URL[] = []
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning') faults.push(message.text())
  })
  page.on('pageerror', (error) => faults.push(error.message))
  page.on('request', (request) => requests.push(new URL(request.url())))

  return {
    page,
    faults,
    /** The hosts that the page has asked for anything; data: URLs have none. */
    hosts: () => new Set(requests.map(({ host }) => host).filter(Boolean)),
    [Symbol.asyncDispose]: () => context.close(),
  }
}

export const readClipboard = (page: Page): Promise<string> =>
  page.evaluate('navigator.clipboard.readText()') as Promise<string>
