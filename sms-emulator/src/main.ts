// The process: an emulator on fixed ports, with accounts that stay the same from one start to the next.
import { fileURLToPath } from 'node:url'
import { keepAccounts } from './accounts.ts'
import { type Emulator, startEmulator } from './emulator.ts'
import type { Accounts } from './service.ts'

const accountsFile =
  process.env['ACCOUNTS_FILE'] ?? fileURLToPath(new URL('../data/accounts.json', import.meta.url))

const portOf = (name: 'PORT' | 'SMPP_PORT', otherwise: number): number => {
  const text = process.env[name] ?? ''
  if (text === '') return otherwise
  const port = Number(text)
  if (!Number.isInteger(port) || port < 0 || port > 65_535) {
    throw new Error(`${name} must be a port, a number from 0 to 65535.`)
  }
  return port
}

const start = async (): Promise<void> => {
  const emulator = await startEmulator({
    host: process.env['HOST'] ?? '127.0.0.1',
    port: portOf('PORT', 4010),
    smppPort: portOf('SMPP_PORT', 2775),
    accounts: keepAccounts(accountsFile),
  })
  stopOnSignal(emulator)
  process.stdout.write(banner(emulator))
}

const stopOnSignal = (emulator: Emulator): void => {
  let isStopping = false
  const stop = async (): Promise<void> => {
    if (isStopping) return
    isStopping = true
    await emulator.stop()
    process.exit(0)
  }
  process.on('SIGTERM', () => void stop())
  process.on('SIGINT', () => void stop())
}

const banner = ({ url, smppPort, accounts }: Emulator): string => `The SMS emulator is running.

  phones and faults  ${url}
  HTTP services      ${url} (set as the provider's endpoint)
  SMPP               ${new URL(url).hostname}:${smppPort}

Credentials, which open nothing but this emulator:

${credentials(accounts)}

Ready-made provider settings are on the page.
`

const credentials = ({ aliyun, tencent, twilio, sns, vonage, generic, smpp }: Accounts): string =>
  [
    ['aliyun', `${aliyun.accessKeyId} / ${aliyun.accessKeySecret}`],
    ['tencent', `${tencent.secretId} / ${tencent.secretKey}`],
    ['twilio', `${twilio.accountSid} / ${twilio.authToken}`],
    ['sns', `${sns.accessKeyId} / ${sns.secretAccessKey}`],
    ['vonage', `${vonage.applicationId} / its private key is on the page`],
    ['generic', generic.token],
    ['smpp', `${smpp.systemId} / ${smpp.password}`],
  ]
    .map(([name = '', words]) => `  ${name.padEnd(8)} ${words}`)
    .join('\n')

/** What the person at the terminal can mend is told in one line. */
const explain = (error: unknown): string => {
  if (!(error instanceof Error)) return String(error)
  if ('code' in error && error.code === 'EADDRINUSE') {
    return `${error.message}: another program listens there; set PORT or SMPP_PORT to a free one.`
  }
  return error.message
}

start().catch((error: unknown) => {
  process.stderr.write(`${explain(error)}\n`)
  process.exit(1)
})
