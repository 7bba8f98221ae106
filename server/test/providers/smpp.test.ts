import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { type AddressInfo, createServer, connect as openTcp, type Server, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createServer as createTlsServer } from 'node:tls'
import { describe, expect, it } from 'vitest'
import { type Emulator, startEmulator } from '../../../sms-emulator/src/emulator.ts'
import { createLog } from '../../src/core/log.ts'
import {
  connectProvider,
  type OutgoingMessage,
  type Provider,
  type Receipt,
} from '../../src/providers/providers.ts'
import { outgoing, phoneOf, providerDeps } from '../support/outgoing.ts'

const openssl = '/usr/bin/openssl'
/** Node.js makes no certificates. */
const hasOpenssl = existsSync(openssl)

const phone = phoneOf('+8618812345678')

const message = (given: Partial<OutgoingMessage> = {}): OutgoingMessage =>
  outgoing({ to: phone, region: 'CN', from: 'Dialtone', ...given })

const seconds = (count: number) => AbortSignal.timeout(count * 1000)

type Settings = Parameters<typeof connectProvider<'smpp'>>[1]

/** A provider and what it has reported; it logs into `lines`. */
const connect = (port: number, given: Partial<Settings> = {}) => {
  const receipts: Receipt[] = []
  const lines: string[] = []
  const provider = connectProvider(
    'smpp',
    { host: '127.0.0.1', port, systemId: 'emulator', password: 'smpp-pw', ...given },
    {
      ...providerDeps(),
      log: createLog('trace', { write: (line: string) => void lines.push(line) }),
      takeReceipts: async (taken) => void receipts.push(...taken),
    },
  )
  return { provider, receipts, lines }
}

const stop = async (provider: Provider, other: { stop(): Promise<void> }): Promise<void> => {
  await provider.close?.()
  await other.stop()
}

const withEmulator = async (
  given: Partial<Settings>,
  use: (scene: ReturnType<typeof connect> & { emulator: Emulator }) => Promise<void>,
): Promise<void> => {
  const emulator = await startEmulator({ receiptAfterMilliseconds: 5 })
  const scene = connect(emulator.smppPort, given)
  try {
    await use({ ...scene, emulator })
  } finally {
    await stop(scene.provider, emulator)
  }
}

describe('a text over SMPP arrives as it was written:', () => {
  it.each([
    ['of the GSM alphabet', 'Your code: 482913', 1],
    ['with every character of the GSM alphabet’s extension', '482913 ^{}\\[~]|€', 1],
    ['with Greek and accents of the GSM alphabet', 'ΔΦΓΛΩ ñüà @£$¥ _ 482913', 1],
    ['of 160 characters', `482913${'x'.repeat(154)}`, 1],
    ['of Chinese', '【示例】验证码 482913，5 分钟内有效。', 1],
    ['of 70 Chinese characters', '码'.repeat(70), 1],
    ['with an emoji', 'Code 482913 🔐👍🏽', 1],
    ['of two parts', `482913${'x'.repeat(155)}`, 2],
    ['of two parts, cut at an escaped character', `${'x'.repeat(152)}€${'y'.repeat(50)}`, 2],
    ['of two parts, cut at an emoji', `${'码'.repeat(66)}😀${'码'.repeat(40)}`, 2],
    ['of three parts', '码'.repeat(150), 3],
  ])('%s', async (_, text, segments) => {
    await withEmulator({}, async ({ provider, emulator }) => {
      const outcome = await provider.send(message({ text }), seconds(60))

      expect(outcome).toMatchObject({ outcome: 'accepted', segments })
      await emulator.settle()
      expect(emulator.messages(phone)).toMatchObject([{ text, from: 'Dialtone' }])
    })
  })

  it('too long for one message, as message_payload where the setting says so', async () => {
    await withEmulator({ longTexts: 'message_payload' }, async ({ provider, emulator }) => {
      const text = '码'.repeat(150)

      const outcome = await provider.send(message({ text }), seconds(60))

      expect(outcome).toMatchObject({ outcome: 'accepted', segments: 1 })
      await emulator.settle()
      expect(emulator.messages(phone)).toMatchObject([{ text }])
    })
  })

  it('and twenty at once go over one session with a window of two', async () => {
    await withEmulator({ window: 2 }, async ({ provider, emulator }) => {
      const texts = Array.from({ length: 20 }, (_, index) => `code ${100_000 + index}`)

      const outcomes = await Promise.all(texts.map((text) => provider.send(message({ text }), seconds(60))))

      expect(outcomes.map(({ outcome }) => outcome)).toEqual(texts.map(() => 'accepted'))
      await emulator.settle()
      expect(
        emulator
          .messages(phone)
          .map(({ text }) => text)
          .sort(),
      ).toEqual(texts)
    })
  })
})

describe('a receipt over SMPP (rule 24)', () => {
  it('says that the message was delivered', async () => {
    await withEmulator({}, async ({ provider, emulator, receipts }) => {
      const sent = await provider.send(message(), seconds(60))

      await emulator.settle()

      const providerMessageId = sent.outcome === 'accepted' ? sent.providerMessageId : ''
      expect(receipts).toEqual([{ providerMessageId, state: 'delivered' }])
    })
  })

  it('comes once for a text in three parts', async () => {
    await withEmulator({}, async ({ provider, emulator, receipts }) => {
      const sent = await provider.send(message({ text: '码'.repeat(150) }), seconds(60))

      await emulator.settle()

      const providerMessageId = sent.outcome === 'accepted' ? sent.providerMessageId : ''
      expect(receipts).toEqual([{ providerMessageId, state: 'delivered' }])
    })
  })

  it.each([
    ['EXPIRED', { reason: 'expired', code: 'EXPIRED' }],
    ['DELETED', { reason: 'unknown', code: 'DELETED' }],
    ['UNKNOWN', { reason: 'unknown', code: 'UNKNOWN' }],
    ['REJECTD', { reason: 'blocked_by_carrier', code: 'REJECTD' }],
    ['UNDELIV', { reason: 'number_unreachable', code: 'UNDELIV' }],
    ['069', { reason: 'number_unreachable', code: 'UNDELIV 069' }],
  ])('says why the message failed: %s', async (code, expected) => {
    await withEmulator({}, async ({ provider, emulator, receipts }) => {
      emulator.setFaults([{ kind: 'fail', service: 'smpp', code }])
      const sent = await provider.send(message(), seconds(60))

      await emulator.settle()

      const providerMessageId = sent.outcome === 'accepted' ? sent.providerMessageId : ''
      expect(receipts).toEqual([{ providerMessageId, state: 'failed', ...expected }])
    })
  })

  it('that was due while nobody was connected comes with the next session', async () => {
    await using emulator = await disposable(startEmulator({ receiptAfterMilliseconds: 300 }))
    const first = connect(emulator.smppPort)
    const sent = await first.provider.send(message(), seconds(60))
    await first.provider.close?.()
    await emulator.settle()

    const second = connect(emulator.smppPort)

    const providerMessageId = sent.outcome === 'accepted' ? sent.providerMessageId : ''
    await expect.poll(() => second.receipts).toEqual([{ providerMessageId, state: 'delivered' }])
    await second.provider.close?.()
  })
})

describe('a refusal over SMPP has its reason:', () => {
  it.each([
    ['ESME_RTHROTTLED', 'throttled'],
    ['ESME_RMSGQFUL', 'throttled'],
    ['ESME_RINVDSTADR', 'number_invalid'],
    ['ESME_RINVSRCADR', 'sender_not_approved'],
    ['ESME_RINVMSGLEN', 'content_rejected'],
    ['ESME_RINVDCS', 'content_rejected'],
    ['ESME_RSUBMITFAIL', 'request_rejected'],
    ['ESME_RSYSERR', 'provider_fault'],
    ['ESME_RPROHIBITED', 'blocked_by_provider'],
    ['ESME_RSERTYPUNAUTH', 'service_not_enabled'],
    ['0x00000443', 'request_rejected'],
  ])('%s', async (code, reason) => {
    await withEmulator({}, async ({ provider, emulator }) => {
      emulator.setFaults([{ kind: 'refuse', service: 'smpp', code }])

      const outcome = await provider.send(message(), seconds(60))

      expect(outcome).toEqual({ outcome: 'refused', reason, code })
      expect(emulator.messages(phone)).toEqual([])
    })
  })

  it('one that the operator documents', async () => {
    const failureCodes = { '0x00000443': 'balance_exhausted' } as const
    await withEmulator({ failureCodes }, async ({ provider, emulator }) => {
      emulator.setFaults([{ kind: 'refuse', service: 'smpp', code: '0x443' }])

      const outcome = await provider.send(message(), seconds(60))

      expect(outcome).toEqual({ outcome: 'refused', reason: 'balance_exhausted', code: '0x00000443' })
    })
  })

  it.each([
    ['throttle', { reason: 'throttled', code: 'ESME_RTHROTTLED' }],
    ['http_500', { reason: 'provider_fault', code: 'ESME_RSYSERR' }],
  ] as const)('the emulator’s fault %s', async (kind, expected) => {
    await withEmulator({}, async ({ provider, emulator }) => {
      emulator.setFaults([{ kind, times: 1 }])

      const refused = await provider.send(message(), seconds(60))
      const accepted = await provider.send(message(), seconds(60))

      expect(refused).toEqual({ outcome: 'refused', ...expected })
      expect(accepted).toMatchObject({ outcome: 'accepted' })
    })
  })

  it('a wrong password, which neither the outcome nor the log repeats (rule 12)', async () => {
    await withEmulator({ password: 'wrong-pw' }, async ({ provider, lines }) => {
      const outcome = await provider.send(message(), seconds(60))

      expect(outcome).toEqual({
        outcome: 'refused',
        reason: 'credentials_invalid',
        code: 'ESME_RINVPASWD',
        maybeSent: false,
      })
      expect(lines.join()).toContain('ESME_RINVPASWD')
      expect(lines.join()).not.toContain('wrong-pw')
    })
  })

  it('an unknown account', async () => {
    await withEmulator({ systemId: 'nobody' }, async ({ provider }) => {
      const outcome = await provider.send(message(), seconds(60))

      expect(outcome).toMatchObject({ reason: 'credentials_invalid', code: 'ESME_RINVSYSID' })
    })
  })

  it('an answer that does not come in time', async () => {
    await withEmulator({}, async ({ provider, emulator }) => {
      emulator.setFaults([{ kind: 'hold' }])

      const outcome = await provider.send(message(), AbortSignal.timeout(2000))

      expect(outcome).toEqual({ outcome: 'refused', reason: 'timeout', code: 'timeout', maybeSent: true })
    })
  })

  it('a sender that no address field holds', async () => {
    await withEmulator({}, async ({ provider }) => {
      const outcome = await provider.send(message({ from: '示例' }), seconds(60))

      expect(outcome).toMatchObject({ outcome: 'refused', reason: 'sender_not_approved' })
    })
  })
})

describe('the SMPP connection', () => {
  it('is made again when the server went away', async () => {
    const before = await startEmulator()
    const { provider } = connect(before.smppPort)
    await provider.send(message(), seconds(60))
    await before.stop()
    await using after = await disposable(startEmulator({ smppPort: before.smppPort }))

    // Written before the end was noticed, it may be lost with the connection.
    await provider.send(message({ text: 'first' }), seconds(60))
    const outcome = await provider.send(message({ text: 'second' }), seconds(60))

    expect(outcome).toMatchObject({ outcome: 'accepted' })
    await after.settle()
    expect(after.messages(phone)[0]).toMatchObject({ text: 'second' })
    await provider.close?.()
  })

  it('that nobody listens to is a refusal at once, before and after', async () => {
    await using server = await listen(() => {})
    const { port } = server
    await server.stop()
    const { provider } = connect(port)

    const first = await provider.send(message(), seconds(60))
    const second = await provider.send(message(), seconds(60))

    expect(first).toEqual({
      outcome: 'refused',
      reason: 'connection_failed',
      code: 'ECONNREFUSED',
      maybeSent: false,
    })
    expect(second).toEqual(first)
    await provider.close?.()
  })

  it('to a server that never answers the bind holds no send past its time', async () => {
    await using server = await listen(() => {})
    const { provider } = connect(server.port)

    const outcome = await provider.send(message(), AbortSignal.timeout(200))

    expect(outcome).toEqual({ outcome: 'refused', reason: 'timeout', code: 'timeout', maybeSent: false })
    await provider.close?.()
  })

  it('to a server that stops answering ends by itself, with the sends that wait', async () => {
    await using server = await listen((socket) => answerBind(socket))
    const { provider } = connect(server.port, { enquireLinkSeconds: 1 })

    const outcome = await provider.send(message(), seconds(60))

    expect(outcome).toEqual({
      outcome: 'refused',
      reason: 'connection_failed',
      code: 'no answer to enquire_link',
      maybeSent: true,
    })
    await provider.close?.()
  })

  it.each([
    ['text of another protocol', Buffer.from('HTTP/1.1 400 Bad Request\r\n\r\n')],
    ['a PDU longer than any', pduOf(0x80000004, 2, Buffer.alloc(0), 0x7fffffff)],
    ['a PDU shorter than its header', pduOf(0x80000004, 2, Buffer.alloc(0), 9)],
    ['a length of nothing', Buffer.alloc(16)],
    ['a TLV that ends before its value', pduOf(0x5, 2, Buffer.from([...Buffer.alloc(17), 2, 4, 0, 9]))],
    ['a text longer than its PDU', pduOf(0x5, 2, Buffer.from([...Buffer.alloc(16), 250]))],
    ['an answer to nothing', pduOf(0x80000004, 99)],
    ['a command of its own', pduOf(0x4242, 2)],
    ['a submit', pduOf(0x4, 2, Buffer.alloc(17))],
  ])('that brings %s ends no process and no send past its time', async (_, octets) => {
    await using server = await listen((socket) => answerBind(socket, () => socket.write(octets)))
    const { provider, receipts } = connect(server.port)

    const outcome = await provider.send(message(), AbortSignal.timeout(500))

    expect(outcome).toMatchObject({
      outcome: 'refused',
      reason: expect.stringMatching(/^(timeout|connection_failed)$/),
    })
    expect(receipts).toEqual([])
    await provider.close?.()
  })
})

describe.skipIf(!hasOpenssl)('over TLS', () => {
  it('a server whose certificate we were given gets the message', async () => {
    await withEmulator({}, async ({ emulator }) => {
      await using front = await listenTls(emulator.smppPort)
      const { provider } = connect(front.port, { tls: true, tlsCertificate: front.certificate })

      const outcome = await provider.send(message(), seconds(60))

      expect(outcome).toMatchObject({ outcome: 'accepted' })
      await provider.close?.()
    })
  })

  it('a server that we have no reason to trust never sees the password', async () => {
    await withEmulator({}, async ({ emulator }) => {
      await using front = await listenTls(emulator.smppPort)
      const { provider } = connect(front.port, { tls: true })

      const outcome = await provider.send(message(), seconds(60))

      expect(outcome).toEqual({
        outcome: 'refused',
        reason: 'connection_failed',
        code: 'DEPTH_ZERO_SELF_SIGNED_CERT',
        maybeSent: false,
      })
      expect(front.octets()).toBe(0)
      await provider.close?.()
    })
  })
})

describe('of the ids and states that an SMPP server writes,', () => {
  const receiptText = (id: string, stat: string) =>
    `id:${id} sub:001 dlvrd:001 submit date:2611221030 done date:2611221031 stat:${stat} err:000 text:`

  it.each([
    ['same', 'A_1b', 'A_1b'],
    ['hex_then_decimal', '00001AF', '431'],
    ['decimal_then_hex', '431', '1af'],
  ] as const)('those in the form %s are found again', async (messageIds, inReply, inReceipt) => {
    await using server = await listen((socket) =>
      answerBind(socket, () => {
        socket.write(
          Buffer.concat([
            pduOf(0x80000004, 2, Buffer.from(`${inReply}\0`)),
            receiptPdu(receiptText(inReceipt, 'DELIVRD')),
          ]),
        )
      }),
    )
    const { provider, receipts } = connect(server.port, { messageIds })

    const sent = await provider.send(message(), seconds(60))

    const providerMessageId = sent.outcome === 'accepted' ? sent.providerMessageId : ''
    expect(providerMessageId).not.toBe('')
    await expect.poll(() => receipts).toEqual([{ providerMessageId, state: 'delivered' }])
    await provider.close?.()
  })

  it.each([
    ['ACCEPTD', { state: 'sent' }],
    ['ENROUTE', { state: 'sent' }],
    ['MYSTERY', { state: 'failed', reason: 'unknown', code: 'MYSTERY' }],
  ])('%s is understood', async (word, expected) => {
    await using server = await listen((socket) =>
      answerBind(socket, () => socket.write(receiptPdu(receiptText('7', word)))),
    )
    const { provider, receipts } = connect(server.port)

    await provider.send(message(), AbortSignal.timeout(400))

    await expect.poll(() => receipts).toEqual([{ providerMessageId: '7', ...expected }])
    await provider.close?.()
  })

  it('a receipt that could not be taken is not acknowledged, so that it comes again', async () => {
    const answers: number[] = []
    await using server = await listen((socket) => {
      answerBind(socket, () => socket.write(receiptPdu(receiptText('7', 'DELIVRD'))))
      socket.on('data', (octets) => {
        if (octets.readUInt32BE(4) === 0x80000005) answers.push(octets.readUInt32BE(8))
      })
    })
    const provider = connectProvider(
      'smpp',
      { host: '127.0.0.1', port: server.port, systemId: 'emulator', password: 'smpp-pw' },
      {
        ...providerDeps(),
        takeReceipts: () => {
          throw new Error('the database is away')
        },
      },
    )

    await provider.send(message(), AbortSignal.timeout(500))

    await expect.poll(() => answers).toEqual([0x64])
    await provider.close?.()
  })

  it('a message of a person is acknowledged and no receipt', async () => {
    const answers: number[] = []
    await using server = await listen((socket) => {
      answerBind(socket, () => socket.write(receiptPdu(receiptText('7', 'DELIVRD'), 0)))
      socket.on('data', (octets) => {
        if (octets.readUInt32BE(4) === 0x80000005) answers.push(octets.readUInt32BE(8))
      })
    })
    const { provider, receipts } = connect(server.port)

    await provider.send(message(), AbortSignal.timeout(500))

    await expect.poll(() => answers).toEqual([0])
    expect(receipts).toEqual([])
    await provider.close?.()
  })
})

// Octets by hand, for what no proper server would send.

function pduOf(command: number, sequence: number, body = Buffer.alloc(0), length = 16 + body.length): Buffer {
  const header = Buffer.alloc(16)
  header.writeUInt32BE(length, 0)
  header.writeUInt32BE(command, 4)
  header.writeUInt32BE(sequence, 12)
  return Buffer.concat([header, body])
}

/** A deliver_sm; esm_class 4 makes it a receipt. */
const receiptPdu = (text: string, esmClass = 4): Buffer =>
  pduOf(
    0x5,
    77,
    Buffer.from([...Buffer.alloc(7), esmClass, ...Buffer.alloc(8), text.length, ...Buffer.from(text)]),
  )

/** Answers the bind; then, when the first submit_sm comes, does what is given. */
const answerBind = (socket: Socket, onSubmit: () => void = () => {}): void => {
  socket.on('data', (octets) => {
    const command = octets.readUInt32BE(4)
    const sequence = octets.readUInt32BE(12)
    if (command === 0x9) socket.write(pduOf(0x80000009, sequence, Buffer.from('x\0')))
    if (command === 0x6) socket.write(pduOf(0x80000006, sequence))
    if (command === 0x4) onSubmit()
  })
}

const listen = async (onConnection: (socket: Socket) => void) => {
  const sockets: Socket[] = []
  const server: Server = createServer((socket) => {
    sockets.push(socket)
    socket.on('error', () => undefined)
    onConnection(socket)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const close = async () => {
    for (const socket of sockets) socket.destroy()
    if (server.listening) await new Promise((resolve) => server.close(resolve))
  }
  return { port: (server.address() as AddressInfo).port, stop: close, [Symbol.asyncDispose]: close }
}

const disposable = async (starting: Promise<Emulator>): Promise<Emulator & AsyncDisposable> => {
  const emulator = await starting
  return { ...emulator, [Symbol.asyncDispose]: () => emulator.stop() }
}

/** TLS in front of a port, with a certificate that it has signed itself. */
const listenTls = async (port: number) => {
  const folder = await mkdtemp(join(tmpdir(), 'dialtone-tls-'))
  const files = { key: join(folder, 'key.pem'), cert: join(folder, 'cert.pem') }
  const subject = ['-subj', '/CN=127.0.0.1', '-addext', 'subjectAltName=IP:127.0.0.1', '-days', '2']
  const made = ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-keyout', files.key, '-out', files.cert]
  execFileSync(openssl, [...made, ...subject], { stdio: 'ignore' })
  const [key, certificate] = await Promise.all([readFile(files.key), readFile(files.cert, 'utf8')])
  await rm(folder, { recursive: true })

  let octets = 0
  const sockets: Socket[] = []
  const server = createTlsServer({ key, cert: certificate }, (socket) => {
    const behind = openTcp(port, '127.0.0.1')
    sockets.push(socket, behind)
    for (const each of [socket, behind]) each.on('error', () => undefined)
    socket.on('data', (chunk) => {
      octets += chunk.length
    })
    socket.pipe(behind).pipe(socket)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    port: (server.address() as AddressInfo).port,
    certificate,
    octets: () => octets,
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
