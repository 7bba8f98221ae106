// Mail servers for tests: one in this process that keeps what it gets, one that says what a test tells it, and Exim as
// Debian packages it.
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type ParsedMail, simpleParser } from 'mailparser'
import { SMTPServer, type SMTPServerOptions } from 'smtp-server'
import { expect, onTestFinished } from 'vitest'
import { end, listening } from './kannel.ts'

const openssl = '/usr/bin/openssl'
/** Node.js makes no certificates. */
export const hasOpenssl = existsSync(openssl)

export type Certificate = { key: string; certificate: string }

/** Signed by itself, for a server on 127.0.0.1; or for another host. */
export const makeCertificate = async (name = 'IP:127.0.0.1'): Promise<Certificate> => {
  const folder = await mkdtemp(join(tmpdir(), 'dialtone-tls-'))
  const files = { key: join(folder, 'key.pem'), certificate: join(folder, 'cert.pem') }
  const made = ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-keyout', files.key]
  const subject = ['-subj', '/CN=dialtone test', '-addext', `subjectAltName=${name}`, '-days', '2']
  execFileSync(openssl, [...made, '-out', files.certificate, ...subject], { stdio: 'ignore' })
  const [key, certificate] = await Promise.all([
    readFile(files.key, 'utf8'),
    readFile(files.certificate, 'utf8'),
  ])
  await rm(folder, { recursive: true })
  return { key, certificate }
}

export const mailUser = { username: 'dialtone', password: 'a-password-that-nobody-may-see' }

/** What was in one envelope. */
export type Received = { from: string; to: string[]; secure: boolean; user: string | undefined; raw: string }

/** The reply of a step in place of the usual one. */
export type Refusals = Partial<Record<'auth' | 'rcpt' | 'data', { code: number; text: string }>>

const refusalOf = (refusal: { code: number; text: string } | undefined): Error | null =>
  refusal === undefined ? null : Object.assign(new Error(refusal.text), { responseCode: refusal.code })

/** Ends with the test. */
export const startMailServer = async (given: {
  security: 'tls' | 'starttls' | 'none'
  tls?: Certificate
  refusals?: Refusals
  /** Without: nobody signs in. */
  methods?: string[]
}) => {
  const { security, tls, refusals = {}, methods } = given
  const received: Received[] = []
  const options: SMTPServerOptions = {
    secure: security === 'tls',
    ...(tls !== undefined && { key: tls.key, cert: tls.certificate }),
    disabledCommands: [
      ...(security === 'starttls' ? [] : ['STARTTLS']),
      ...(methods === undefined ? ['AUTH'] : []),
    ],
    authMethods: methods ?? [],
    authOptional: methods === undefined,
    onAuth: ({ username, password }, _session, done) => {
      const isRight = username === mailUser.username && password === mailUser.password
      const wrong = isRight ? undefined : { code: 535, text: '5.7.8 authentication failed' }
      const refusal = refusalOf(refusals.auth ?? wrong)
      if (refusal !== null) return done(refusal)
      done(null, { user: username })
    },
    onRcptTo: (_address, _session, done) => done(refusalOf(refusals.rcpt)),
    onData: (stream, session, done) => {
      const chunks: Buffer[] = []
      stream.on('data', (chunk: Buffer) => chunks.push(chunk))
      stream.on('end', () => {
        const refusal = refusalOf(refusals.data)
        if (refusal !== null) return done(refusal)
        const { mailFrom, rcptTo } = session.envelope
        received.push({
          from: mailFrom === false ? '' : mailFrom.address,
          to: rcptTo.map(({ address }) => address),
          secure: session.secure,
          user: session.user,
          raw: Buffer.concat(chunks).toString('utf8'),
        })
        done()
      })
    },
  }
  const server = new SMTPServer(options)
  // A client that goes in the middle is the point of some tests.
  server.on('error', () => undefined)
  const listener = server.listen(0, '127.0.0.1')
  await once(listener, 'listening')
  onTestFinished(() => new Promise<void>((resolve) => server.close(() => resolve())))
  return { port: portOf(listener.address()), received, connections: () => server.connections.size }
}

export type MailServer = Awaited<ReturnType<typeof startMailServer>>

const portOf = (address: ReturnType<ReturnType<typeof createServer>['address']>): number => {
  if (typeof address !== 'object' || address === null) throw new Error('the server listens nowhere')
  return address.port
}

/** Answers each line, and first of all `connect`, as it is told; undefined: never; `cut`: it ends the connection. */
export const startScriptedServer = async (answer: (line: string) => string | undefined) => {
  const sockets = new Set<Socket>()
  let connections = 0
  const server = createServer((socket) => {
    connections += 1
    sockets.add(socket)
    socket.on('error', () => undefined)
    const say = (line: string) => {
      const reply = answer(line)
      if (reply === 'cut') return socket.destroy()
      if (reply !== undefined) socket.write(`${reply}\r\n`)
    }
    say('connect')
    let text = ''
    socket.on('data', (chunk) => {
      text += String(chunk)
      const lines = text.split('\r\n')
      text = lines.pop() ?? ''
      for (const line of lines) say(line)
    })
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(async () => {
    for (const socket of sockets) socket.destroy()
    await once(server.close(), 'close')
  })
  return { port: portOf(server.address()), connections: () => connections }
}

export const parseLetter = (raw: string): Promise<ParsedMail> => simpleParser(raw)

const exim = '/usr/sbin/exim4'
/** It takes a configuration of its own only from root. Without the Debian package its tests are skipped. */
export const hasExim = existsSync(exim) && process.getuid?.() === 0

/** A server of its own in a folder of its own, which takes letters from its user alone, and only after STARTTLS. */
export const startExim = async (tls: Certificate) => {
  const folder = await mkdtemp(join(tmpdir(), 'dialtone-exim-'))
  await chmod(folder, 0o755)
  for (const name of ['spool', 'log', 'mail']) {
    await mkdir(join(folder, name))
    // Exim becomes a user of its own.
    await chmod(join(folder, name), 0o777)
  }
  const probe = createServer().listen(0, '127.0.0.1')
  await once(probe, 'listening')
  const port = portOf(probe.address())
  await once(probe.close(), 'close')
  await writeFile(join(folder, 'cert.pem'), tls.certificate)
  await writeFile(join(folder, 'key.pem'), tls.key)
  await chmod(join(folder, 'key.pem'), 0o644)
  await writeFile(join(folder, 'exim.conf'), eximSettings(folder, port))

  let output = ''
  const child = spawn(exim, ['-bdf', '-C', join(folder, 'exim.conf')], { stdio: ['ignore', 'pipe', 'pipe'] })
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (octets) => {
      output += String(octets)
    })
  }
  onTestFinished(async () => {
    await end(child)
    await rm(folder, { recursive: true, force: true })
  })
  await listening(port)

  const delivered = async (): Promise<string[]> => {
    const inbox = join(folder, 'mail', 'new')
    const files = existsSync(inbox) ? await readdir(inbox) : []
    return Promise.all(files.map((file) => readFile(join(inbox, file), 'utf8')))
  }
  return {
    port,
    output: () => output,
    log: () => readFile(join(folder, 'log', 'mainlog'), 'utf8'),
    /** What lies in the mailbox, once there is so much of it. */
    mailbox: async (count: number): Promise<string[]> => {
      await expect.poll(async () => (await delivered()).length, { timeout: 60_000 }).toBe(count)
      return delivered()
    },
  }
}

/** The options of the Exim specification, chapters 14, 20, 26 and 33. */
const eximSettings = (folder: string, port: number): string => `
exim_path = ${exim}
primary_hostname = mail.example.com
spool_directory = ${folder}/spool
log_file_path = ${folder}/log/%slog
pid_file_path = ${folder}/exim.pid
local_interfaces = 127.0.0.1
daemon_smtp_ports = ${port}
keep_environment =
tls_advertise_hosts = *
tls_certificate = ${folder}/cert.pem
tls_privatekey = ${folder}/key.pem
acl_smtp_rcpt = check_recipient

begin acl
check_recipient:
  accept authenticated = *
  deny message = relay not permitted

begin routers
everybody:
  driver = accept
  transport = mailbox

begin transports
mailbox:
  driver = appendfile
  directory = ${folder}/mail
  maildir_format

begin authenticators
plain:
  driver = plaintext
  public_name = PLAIN
  server_advertise_condition = \${if def:tls_in_cipher}
  server_condition = \${if and{{eq{$auth2}{${mailUser.username}}}{eq{$auth3}{${mailUser.password}}}}}
  server_set_id = $auth2
`
