// An SMPP server that we did not write: Net::SMPP in Perl, as Debian packages it.
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import { end } from './kannel.ts'

const perl = '/usr/bin/perl'

/** Without the Debian package libnet-smpp-perl its tests are skipped. */
export const hasNetSmpp = existsSync(perl) && spawnSync(perl, ['-MNet::SMPP', '-e', '1']).status === 0

export const smppUser = { systemId: 'perl-user', password: 'perl-pw' }

/** What a submit_sm held, as the server read it. */
export type Submitted = {
  id: string
  to: string
  to_ton: number
  to_npi: number
  from: string
  from_ton: number
  from_npi: number
  coding: number
  receipt: number
  /** The user data header, in hexadecimal. */
  header: string
  text: string
}

type Line = { port?: number; submitted?: Submitted; acknowledged?: number; unbound?: boolean }

export type SmppServer = {
  port: number
  submitted(): Submitted[]
  /** The statuses of the answers to its receipts. */
  acknowledged(): number[]
  hasUnbound(): boolean
}

/** Ended with the test, however that ends. */
export const startSmppServer = async (): Promise<SmppServer> => {
  const { systemId, password } = smppUser
  const script = join(import.meta.dirname, 'smpp-server.pl')
  const child: ChildProcess = spawn(perl, [script, systemId, password], {
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  onTestFinished(() => end(child))

  let output = ''
  const lines = (): Line[] =>
    output
      .split('\n')
      .slice(0, -1)
      .map((line): Line => JSON.parse(line))
  const port = await new Promise<number>((resolve, reject) => {
    child.once('exit', (code) => reject(new Error(`the Perl server ended with ${code}`)))
    child.stdout?.on('data', (octets) => {
      output += String(octets)
      const [first] = lines()
      if (first?.port !== undefined) resolve(first.port)
    })
  })
  return {
    port,
    submitted: () => lines().flatMap(({ submitted }) => submitted ?? []),
    acknowledged: () => lines().flatMap(({ acknowledged }) => acknowledged ?? []),
    hasUnbound: () => lines().some(({ unbound }) => unbound === true),
  }
}
