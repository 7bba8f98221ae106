// Who carries a pool's email: its SMTP server, or the built-in inbox, or nobody.
//
// What must stay true: a connection is never less protected than the settings ask for; a letter that is sent again has
// the same Message-ID, so that a mail server can drop the second; no value adds a header or a recipient; neither
// password nor recipient reaches the log (rule 12); a change made by another process is seen within `cacheSeconds`.
import { isDeepStrictEqual } from 'node:util'
import type { Config } from '../config.ts'
import type { Clock } from '../core/clock.ts'
import type { Log } from '../core/log.ts'
import { type MailFailure, mailFailures } from '../messages/messages.ts'
import { readFailure } from './failures.ts'
import type { LetterBody } from './letters.ts'
import type { MailServer, MailSettings } from './settings.ts'

/** To one person. `id` is the message's: 36 characters. */
export type Letter = LetterBody & { id: string; to: string }

export type PostOutcome =
  | { outcome: 'accepted'; providerMessageId: string }
  /** `code` is the server's own. */
  | { outcome: 'refused'; reason: MailFailure; code: string; retry: boolean }

const cacheSeconds = 5
const defaultTimeoutSeconds = 10

type Nodemailer = typeof import('nodemailer')
type Mailer = ReturnType<typeof connect>
type Kept = { server: MailServer | undefined; mailer: Mailer | undefined; until: number }

type Deps = { settings: Pick<MailSettings, 'find'>; clock: Clock; config: Pick<Config, 'inbox'>; log: Log }

export const createPost = ({ settings, clock, config, log }: Deps) => {
  const cache = new Map<string, Kept>()
  let library: Promise<Nodemailer> | undefined

  /** Loaded when the first letter is sent: who has no mail server does without. */
  const load = (): Promise<Nodemailer> => {
    library ??= import('nodemailer')
    return library
  }

  const keptOf = async (poolId: string): Promise<Kept> => {
    const now = clock.now().getTime()
    const fresh = cache.get(poolId)
    if (fresh !== undefined && fresh.until > now) return fresh
    const server = await settings.find(poolId)
    const until = now + cacheSeconds * 1000
    // Looked up again: another request may have read the settings meanwhile.
    const known = cache.get(poolId)
    if (known !== undefined && isDeepStrictEqual(known.server, server)) {
      known.until = until
      return known
    }
    known?.mailer?.close()
    const kept: Kept = { server, mailer: undefined, until }
    cache.set(poolId, kept)
    return kept
  }

  const refuse = (reason: MailFailure, code: string): PostOutcome => {
    log.warn({ reason, code }, mailFailures[reason].about)
    return { outcome: 'refused', reason, code, retry: mailFailures[reason].retry }
  }

  return {
    /** The built-in inbox, a mail server that messages are queued for, or nobody. */
    carrierOf: async (poolId: string): Promise<'inbox' | 'queue' | undefined> => {
      const { server } = await keptOf(poolId)
      if (server !== undefined) return 'queue'
      return config.inbox ? 'inbox' : undefined
    },

    /** Hands a letter to the pool's mail server; never throws for what that says. */
    send: async (poolId: string, letter: Letter, signal: AbortSignal): Promise<PostOutcome> => {
      const kept = await keptOf(poolId)
      const { server } = kept
      if (server === undefined) return refuse('not_configured', 'none')
      if (!addressPattern.test(letter.to)) return refuse('recipient_refused', 'not one address')
      requireOneLine(letter)
      const nodemailer = await load()
      kept.mailer ??= connect(nodemailer, server)
      const ownTime = AbortSignal.timeout((server.timeoutSeconds ?? defaultTimeoutSeconds) * 1000)
      try {
        const { messageId } = await kept.mailer.sendMail({
          ...headersOf(server, letter, clock.now()),
          text: letter.text,
          html: letter.html,
          // A letter is what stands in it: nothing of this machine or of the network.
          disableFileAccess: true,
          disableUrlAccess: true,
          signal: AbortSignal.any([signal, ownTime]),
        })
        return { outcome: 'accepted', providerMessageId: messageId.replace(/^<|>$/g, '') }
      } catch (error) {
        const { reason, code } = readFailure(error)
        return refuse(reason, code)
      }
    },

    /** After a transaction that changed the settings. */
    forget: (poolId: string): void => {
      cache.get(poolId)?.mailer?.close()
      cache.delete(poolId)
    },

    /** Ends every connection. */
    closeAll: (): void => {
      for (const { mailer } of cache.values()) mailer?.close({ force: true })
      cache.clear()
    },
  }
}

export type Post = ReturnType<typeof createPost>

const connect = ({ createTransport }: Nodemailer, server: MailServer) => {
  const { host, port, security, username, password, caCertificate } = server
  const milliseconds = (server.timeoutSeconds ?? defaultTimeoutSeconds) * 1000
  return createTransport({
    pool: true,
    host,
    port,
    secure: security === 'tls',
    requireTLS: security === 'starttls',
    ignoreTLS: security === 'none',
    tls: { minVersion: 'TLSv1.2', ...(caCertificate !== undefined && { ca: caCertificate }) },
    ...(username !== undefined && { auth: { user: username, pass: password ?? '' } }),
    connectionTimeout: milliseconds,
    greetingTimeout: milliseconds,
    socketTimeout: milliseconds,
    dnsTimeout: milliseconds,
    // Of a connection that the server closed while it was idle: once more on a new one.
    maxRequeues: 1,
    idleTimeout: 60_000,
  })
}

const headersOf = (server: MailServer, { id, to, subject }: Letter, now: Date) => ({
  from: { name: server.fromName ?? '', address: server.from },
  // As an object: a text would be read as a list of addresses.
  to: { name: '', address: to },
  envelope: { from: server.from, to: [to] },
  ...(server.replyTo !== undefined && { replyTo: { name: '', address: server.replyTo } }),
  subject,
  messageId: `<${id}@${server.from.split('@').at(-1)}>`,
  date: now,
  // RFC 3834, section 5: no vacation notice answers it.
  headers: { 'Auto-Submitted': 'auto-generated' },
})

/** Nodemailer reads a recipient as a list of addresses and names: nothing of those signs may stand in one. */
const addressPattern = /^[^\p{Cc}\u2028\u2029\s,;:<>()[\]\\"@]+@[^\p{Cc}\u2028\u2029\s,;:<>()[\]\\"@]+$/u

/** @throws where a value would begin another header: our own composing lets none through */
const requireOneLine = ({ id, subject }: Letter): void => {
  for (const [name, value] of Object.entries({ id, subject })) {
    if (/[\p{Cc}\u2028\u2029]/u.test(value)) throw new Error(`a letter's ${name} holds a control character`)
  }
}
