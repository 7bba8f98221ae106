// A real gateway beside the tests: Kannel, as Debian packages it, in a folder and on ports of its own.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import { freePorts } from './free-ports.ts'

const programs = {
  bearerbox: '/usr/sbin/bearerbox',
  smsbox: '/usr/sbin/smsbox',
  fakesmsc: '/usr/lib/kannel/test/fakesmsc',
}

/** Without the Debian packages kannel and kannel-extras its tests are skipped. */
export const hasKannel = Object.values(programs).every((path) => existsSync(path))

export const kannelUser = { username: 'dialtone', password: 'kannel-password' }

export type Kannel = {
  /** The address of sendsms (Kannel User's Guide, "Using the HTTP interface to send SMS messages"). */
  sendUrl: string
  /** What the fake SMSC has been given, as it prints it: `<from to text words>`. Empty where an SMPP server is used. */
  delivered(): string[]
  /** The log of bearerbox, for a test that fails. */
  log(): string
}

/** With Kannel's own fake SMSC, or as the client of an SMPP server. */
export const startKannel = async (smpp?: {
  port: number
  systemId: string
  password: string
}): Promise<Kannel> => {
  const folder = await mkdtemp(join(tmpdir(), 'dialtone-kannel-'))
  const running: ChildProcess[] = []
  const lines: string[] = []
  const logged: string[] = []
  const start = (program: string, args: readonly string[], into: string[]): void => {
    const child = spawn(program, args, { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'] })
    child.stdout.on('data', (octets) => into.push(String(octets)))
    child.stderr.on('data', (octets) => into.push(String(octets)))
    running.push(child)
  }
  // However the test ends, a time-out included.
  onTestFinished(async () => {
    for (const child of running.reverse()) await end(child)
    await rm(folder, { recursive: true, force: true })
  })
  const [admin = 0, box = 0, smsc = 0, http = 0] = await freePorts(4)
  const settings = join(folder, 'kannel.conf')
  await writeFile(settings, settingsOf({ admin, box, smsc, http, smpp }))
  start(programs.bearerbox, [settings], logged)
  await listening(box)
  if (smpp === undefined) {
    await listening(smsc)
    start(programs.fakesmsc, ['-H', '127.0.0.1', '-r', `${smsc}`, '-m', '0', '1 2 text none'], lines)
  }
  start(programs.smsbox, [settings], logged)
  await listening(http)
  return {
    sendUrl: `http://127.0.0.1:${http}/cgi-bin/sendsms`,
    delivered: () => [...lines.join('').matchAll(/Got message \d+: (<.*>)$/gm)].map(([, text]) => text ?? ''),
    log: () => logged.join(''),
  }
}

type Ports = { admin: number; box: number; smsc: number; http: number }

/** The groups and fields of the Kannel User's Guide; every listener that can be is bound to this machine alone. */
const settingsOf = (given: Ports & { smpp: Parameters<typeof startKannel>[0] }): string => {
  const { admin, box, smsc, http, smpp } = given
  const center =
    smpp === undefined
      ? `smsc = fake\nsmsc-id = fake\nport = ${smsc}\nconnect-allow-ip = 127.0.0.1`
      : `smsc = smpp\nsmsc-id = smpp\nhost = 127.0.0.1\nport = ${smpp.port}\ntransceiver-mode = true
smsc-username = ${smpp.systemId}\nsmsc-password = ${smpp.password}\nsystem-type = ""
source-addr-autodetect = true\ndest-addr-ton = 1\ndest-addr-npi = 1`
  return `group = core
admin-port = ${admin}
admin-interface = 127.0.0.1
admin-password = ${kannelUser.password}
smsbox-port = ${box}
smsbox-interface = 127.0.0.1
box-deny-ip = "*.*.*.*"
box-allow-ip = 127.0.0.1
dlr-storage = internal

group = smsc
${center}

group = smsbox
bearerbox-host = 127.0.0.1
sendsms-port = ${http}
sendsms-interface = 127.0.0.1

group = sendsms-user
username = ${kannelUser.username}
password = ${kannelUser.password}
max-messages = 10
concatenation = true

group = sms-service
keyword = default
text = none
`
}

/** @throws when nobody listens there within two minutes */
export const listening = async (port: number): Promise<void> => {
  const deadline = Date.now() + 120_000
  for (;;) {
    const socket = connect(port, '127.0.0.1')
    try {
      await once(socket, 'connect')
      return
    } catch (error) {
      if (Date.now() > deadline) throw error
      await new Promise((resolve) => setTimeout(resolve, 50))
    } finally {
      socket.destroy()
    }
  }
}

/** Asks the process to end, and makes it after five seconds. */
export const end = async (child: ChildProcess): Promise<void> => {
  if (child.exitCode !== null || child.signalCode !== null) return
  const gone = once(child, 'exit')
  child.kill('SIGTERM')
  const timer = setTimeout(() => child.kill('SIGKILL'), 5000)
  await gone
  clearTimeout(timer)
}
