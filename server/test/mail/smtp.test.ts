import { Writable } from 'node:stream'
import { describe, expect, it, onTestFinished } from 'vitest'
import { systemClock } from '../../src/core/clock.ts'
import { createLog } from '../../src/core/log.ts'
import { createPost, type Letter, type MailServer, toLetter } from '../../src/mail/mail.ts'
import { listening } from '../support/kannel.ts'
import {
  hasExim,
  hasOpenssl,
  mailUser,
  makeCertificate,
  parseLetter,
  startExim,
  startMailServer,
  startScriptedServer,
} from '../support/mail-server.ts'

const id = '0190b0a0-0000-7000-8000-000000000001'

const letter = (given: Partial<Letter> = {}): Letter => ({
  id,
  to: 'ada@example.com',
  ...toLetter({
    subject: 'Your Example code to sign in',
    text: 'Your code:\n\n482915\n\nTell it to nobody.',
    locale: 'en-US',
    code: '482915',
  }),
  ...given,
})

/** A post that has this server, with what it logs. */
const postTo = (given: Partial<MailServer> & { port: number }) => {
  const lines: string[] = []
  const sink = new Writable({
    write: (chunk, _encoding, done) => {
      lines.push(String(chunk))
      done()
    },
  })
  const server: MailServer = {
    host: '127.0.0.1',
    security: 'none',
    from: 'login@example.com',
    password: undefined,
    ...given,
  }
  const post = createPost({
    settings: { find: async () => server },
    clock: systemClock,
    config: { inbox: false },
    log: createLog('trace', sink),
  })
  onTestFinished(() => post.closeAll())
  const send = (one = letter(), signal = AbortSignal.timeout(20_000)) => post.send('a pool', one, signal)
  return { send, post, lines }
}

const replies = (line: string): string | undefined => {
  if (line === 'connect') return '220 mail.example.com'
  if (line.startsWith('EHLO')) return '250 mail.example.com'
  if (line === 'DATA') return '354 go on'
  return /^(MAIL|RCPT|RSET)/.test(line) ? '250 ok' : undefined
}

describe.skipIf(!hasOpenssl)('a letter', () => {
  it.each([
    ['tls', ['PLAIN']],
    ['tls', ['LOGIN']],
    ['starttls', ['PLAIN']],
    ['starttls', ['LOGIN']],
  ] as const)('goes by %s with AUTH %j, over a connection that is encrypted', async (security, methods) => {
    const tls = await makeCertificate()
    const server = await startMailServer({ security, tls, methods: [...methods] })
    const { send } = postTo({ port: server.port, security, ...mailUser, caCertificate: tls.certificate })

    const outcome = await send()

    expect(outcome).toEqual({ outcome: 'accepted', providerMessageId: `${id}@example.com` })
    expect(server.received).toMatchObject([
      { from: 'login@example.com', to: ['ada@example.com'], secure: true, user: mailUser.username },
    ])
  })

  it('arrives with both parts, its subject and its headers as they were', async () => {
    const server = await startMailServer({ security: 'none' })
    const long = `${'很长的一行,'.repeat(200)}${'x'.repeat(1200)}`
    const text = `您的验证码:\n\n482915\n\n.一行以点开头\nFrom somewhere & <b>bold</b> 🔐\n\n${long}`
    const subject = '【示例】验证码:登录 — a subject that is longer than one line of a header can be, in full'
    const body = toLetter({ subject, text, locale: 'zh-CN', code: '482915' })
    const { send } = postTo({
      port: server.port,
      fromName: '示例, "Example" <x@example.net>',
      replyTo: 'help@example.com',
    })

    await send(letter({ ...body }))

    const [received] = server.received
    const parsed = await parseLetter(received?.raw ?? '')
    expect(parsed.subject).toBe(subject)
    expect(parsed.text?.trim()).toBe(text)
    expect(parsed.html).toContain('&lt;b&gt;bold&lt;/b&gt; 🔐')
    expect(parsed.html).toContain(long)
    expect(parsed.from?.value).toEqual([
      { address: 'login@example.com', name: '示例, "Example" <x@example.net>' },
    ])
    expect(parsed.replyTo?.value).toMatchObject([{ address: 'help@example.com' }])
    expect(parsed.messageId).toBe(`<${id}@example.com>`)
    expect(parsed.headers.get('auto-submitted')).toBe('auto-generated')
    expect(Math.abs((parsed.date?.getTime() ?? 0) - systemClock.now().getTime())).toBeLessThan(60_000)
    // RFC 5322, section 2.1.1; and nothing but ASCII, for servers that know no more.
    expect(received?.raw.split('\r\n').every((line) => line.length <= 998)).toBe(true)
    expect(received?.raw).toMatch(/^[\r\n\t\x20-\x7e]*$/)
  })

  it('has the same Message-ID when it is sent again, over the same connection', async () => {
    const server = await startMailServer({ security: 'none' })
    const { send } = postTo({ port: server.port })

    await send()
    const again = await send()

    expect(again).toMatchObject({ providerMessageId: `${id}@example.com` })
    const ids = server.received.map(({ raw }) => /^Message-ID: (.*)$/m.exec(raw)?.[1]?.trim())
    expect(ids).toEqual([`<${id}@example.com>`, `<${id}@example.com>`])
    expect(server.connections()).toBe(1)
  })

  it.each([
    ['subject', 'Hello\nBcc: eve@example.com'],
    ['id', 'x\rBcc: eve@example.com'],
  ] as const)('whose %s would begin another header is not sent', async (name, value) => {
    const server = await startMailServer({ security: 'none' })
    const { send } = postTo({ port: server.port })

    await expect(send(letter({ [name]: value }))).rejects.toThrow(`a letter's ${name}`)

    expect(server.received).toEqual([])
  })

  it.each([
    'ada@example.com, eve@example.com',
    'ada@example.com;eve@example.com',
    'ada@example.com eve@example.com',
    'Ada <eve@example.com>',
    'ada@example.com\r\nBcc: eve@example.com',
    'ada@example.com\r\nRCPT TO:<eve@example.com>',
    '"ada@example.com"@example.net',
  ])('to %j, which is not one address, goes to nobody', async (to) => {
    const server = await startMailServer({ security: 'none' })
    const { send } = postTo({ port: server.port })

    const outcome = await send(letter({ to }))

    expect(outcome).toMatchObject({ outcome: 'refused', reason: 'recipient_refused', retry: false })
    expect(server.received).toEqual([])
  })
})

describe.skipIf(!hasOpenssl)('a mail server', () => {
  it.each([
    ['rcpt', 550, '5.1.1 no such user', 'recipient_refused', false, '550 5.1.1'],
    ['rcpt', 451, '4.7.1 try again later', 'refused_for_now', true, '451 4.7.1'],
    ['data', 554, '5.7.1 looks like spam', 'letter_refused', false, '554 5.7.1'],
    ['data', 421, '4.3.2 shutting down', 'refused_for_now', true, '421 4.3.2'],
    ['auth', 535, '5.7.8 authentication failed', 'login_refused', true, '535 5.7.8'],
    ['auth', 454, '4.7.0 temporary failure', 'refused_for_now', true, '454 4.7.0'],
  ] as const)('that answers %s with %i is a refusal', async (step, code, words, reason, retry, told) => {
    const tls = await makeCertificate()
    const refusals = { [step]: { code, text: words } }
    const server = await startMailServer({ security: 'tls', tls, methods: ['PLAIN'], refusals })
    const { send, lines } = postTo({
      port: server.port,
      security: 'tls',
      ...mailUser,
      caCertificate: tls.certificate,
    })

    const outcome = await send()

    expect(outcome).toEqual({ outcome: 'refused', reason, code: told, retry })
    // Rule 12: the log names the reason, and neither the password nor the recipient.
    expect(lines.join()).toContain(reason)
    expect(lines.join()).not.toContain(mailUser.password)
    expect(lines.join()).not.toContain('ada@example.com')
    expect(JSON.stringify(outcome)).not.toContain(mailUser.password)
  })

  it('whose certificate nobody knows gets neither password nor letter', async () => {
    const tls = await makeCertificate()
    const outcomes = await Promise.all(
      (['tls', 'starttls'] as const).map(async (security) => {
        const server = await startMailServer({ security, tls, methods: ['PLAIN'] })
        const outcome = await postTo({ port: server.port, security, ...mailUser }).send()
        return { outcome, received: server.received }
      }),
    )

    for (const { outcome, received } of outcomes) {
      expect(outcome).toMatchObject({ outcome: 'refused', reason: 'tls_failed', retry: true })
      expect(received).toEqual([])
    }
  })

  it('whose certificate names another host gets nothing', async () => {
    const tls = await makeCertificate('DNS:mail.example.com')
    const server = await startMailServer({ security: 'tls', tls })
    const { send } = postTo({ port: server.port, security: 'tls', caCertificate: tls.certificate })

    const outcome = await send()

    expect(outcome).toMatchObject({ reason: 'tls_failed', code: 'ERR_TLS_CERT_ALTNAME_INVALID' })
    expect(server.received).toEqual([])
  })

  it('that knows no STARTTLS is told nothing, since somebody on the way may have taken it out', async () => {
    const seen: string[] = []
    const { port } = await startScriptedServer((line) => {
      seen.push(line)
      return replies(line) ?? '502 5.5.1 unknown command'
    })
    const { send } = postTo({ port, security: 'starttls', ...mailUser })

    const outcome = await send()

    expect(outcome).toMatchObject({ outcome: 'refused', reason: 'tls_failed', retry: true })
    expect(seen.filter((line) => /^(AUTH|MAIL|DATA)/.test(line))).toEqual([])
  })

  it('that is not there, cuts the connection in the middle, or says nothing is tried again later', async () => {
    const cutting = await startScriptedServer((line) =>
      line.startsWith('Message-ID') ? 'cut' : replies(line),
    )
    const silent = await startScriptedServer(() => undefined)
    const stalling = await startScriptedServer((line) => (line === '.' ? undefined : replies(line)))
    const closed = await startScriptedServer(() => 'cut')

    const outcomes = await Promise.all([
      postTo({ port: cutting.port }).send(),
      postTo({ port: silent.port, timeoutSeconds: 1 }).send(),
      postTo({ port: stalling.port, timeoutSeconds: 1 }).send(),
      postTo({ port: closed.port }).send(),
      postTo({ port: 1 }).send(),
    ])

    const retry = { outcome: 'refused', retry: true }
    expect(outcomes).toMatchObject([
      { ...retry, reason: 'connection_failed' },
      { ...retry, reason: 'timeout' },
      { ...retry, reason: 'timeout' },
      { ...retry, reason: 'connection_failed' },
      { ...retry, reason: 'connection_failed', code: 'ECONNREFUSED' },
    ])
    // A letter that was under way is sent again by who holds its message, not behind their back.
    expect(cutting.connections()).toBe(1)
  })

  it('is left when the caller waits no longer', async () => {
    const silent = await startScriptedServer(() => undefined)
    const { send } = postTo({ port: silent.port, timeoutSeconds: 60 })

    const outcome = await send(letter(), AbortSignal.timeout(200))

    expect(outcome).toMatchObject({ outcome: 'refused', reason: 'timeout', retry: true })
  })
})

describe.skipIf(!hasExim || !hasOpenssl)('with an Exim server', () => {
  it('a letter goes by STARTTLS and AUTH into a mailbox, and comes out of it as it was', async () => {
    const tls = await makeCertificate()
    const exim = await startExim(tls)
    await listening(exim.port)
    const text = '您的验证码:\n\n482915\n\n.dot\nFrom here on: 🔐'
    const subject = '【示例】验证码:登录'
    const body = toLetter({ subject, text, locale: 'zh-CN', code: '482915' })
    const { send } = postTo({
      port: exim.port,
      security: 'starttls',
      ...mailUser,
      caCertificate: tls.certificate,
    })

    const outcome = await send(letter(body))

    expect(outcome, exim.output()).toEqual({ outcome: 'accepted', providerMessageId: `${id}@example.com` })
    const [raw = ''] = await exim.mailbox(1)
    const parsed = await parseLetter(raw)
    expect(parsed.subject).toBe(subject)
    expect(parsed.text?.trim()).toBe(text)
    expect(parsed.html).toContain('482915')
    expect(await exim.log()).toMatch(/<= login@example\.com .*A=plain:dialtone/)
  })

  it('a wrong password, and a recipient that it does not take without one, are refusals', async () => {
    const tls = await makeCertificate()
    const exim = await startExim(tls)
    const secure = { port: exim.port, security: 'starttls', caCertificate: tls.certificate } as const

    const wrong = await postTo({ ...secure, username: mailUser.username, password: 'wrong' }).send()
    const nobody = await postTo(secure).send()

    expect(wrong).toMatchObject({ reason: 'login_refused', retry: true })
    expect(nobody).toMatchObject({ reason: 'recipient_refused', code: '550', retry: false })
  })
})
