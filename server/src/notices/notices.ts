// Notices: what a person is told after a change to the account, with a link that undoes it (rule 15).
//
// What must stay true: a notice and the messages that tell of it are written in the transaction or statement of the
// change (rule 23); the token of a link is derived by a key outside the database and only its hash is stored (rule 28),
// so that whatever process delivers a message can write it; a link works once, for `noticeTtlSeconds`; numbers and
// addresses stand in a notice sealed, because a notice outlives them in the account.
import type { Config } from '../config.ts'
import { type Clock, secondsAfter } from '../core/clock.ts'
import { digest, type Keyring, newId, sha256 } from '../core/crypto.ts'
import type { Database, Queryable, Sql } from '../core/database.ts'
import type { TestNumbers } from '../guard/guard.ts'
import type { Post } from '../mail/mail.ts'
import { inboxProvider } from '../messages/messages.ts'
import { type E164, isPhone, prefixesOf } from '../phone-numbers/phone-numbers.ts'
import { isInboxRoute, type Routing } from '../routing/routing.ts'
import { createChanges } from './changes.ts'
import {
  type Addressee,
  addresseeFrom,
  consumeNotice,
  deleteOldNotices,
  insertNotice,
  insertNoticeFrom,
  listAddressees,
  type NoticeRow,
  selectNotice,
  selectNoticeByToken,
  voidLaterNotices,
} from './store.ts'
import { type NoticeWords, noticeLanguageOf, wordsOf } from './words.ts'

export { changeWords, masked, type NoticeWords, timeWords } from './words.ts'

/** What each tells of, and what its link does. */
export const noticeKinds = {
  phone_bound: 'undo',
  phone_changed: 'undo',
  phone_unbound: 'undo',
  email_bound: 'undo',
  email_changed: 'undo',
  email_unbound: 'undo',
  password_changed: 'undo',
  phone_change_requested: 'stop',
  phone_claim_started: 'stop',
  phone_claimed: undefined,
  change_undone: undefined,
  account_deleted: undefined,
} as const satisfies Record<string, 'undo' | 'stop' | undefined>

export type NoticeKind = keyof typeof noticeKinds

export const noticeTtlSeconds = 7 * 86_400

/** A message that could not be delivered for so long is given up. */
const messageTtlSeconds = 86_400

export type NewNotice = {
  poolId: string
  applicationId: string
  userId: string
  kind: NoticeKind
  ip: string | undefined
  /** BCP 47. */
  language: string
} & NoticeDetail

/** A factor that an undone change brings back; `enrolledAt` in ISO 8601. */
export type KeptFactor = { enrolledAt: string; enrolledWithProof: boolean }

/** What a notice keeps sealed. */
export type NoticeDetail = {
  /** Whole numbers or addresses, of before and after the change. */
  before?: string | undefined
  after?: string | undefined
  /** Whether the address of before had been proved; undoing the change makes it no more than that. */
  beforeVerified?: boolean | undefined
  /** When the phone of before had last been proved, in ISO 8601. */
  beforeProvedAt?: string | undefined
  /** The factor that used the phone or address of before, and went with it. */
  beforeFactor?: KeptFactor | undefined
  /** Of a change that had to wait: when it was asked for, in ISO 8601. */
  requestedAt?: string | undefined
  /** What it tells of was there before, and is told now because the account's address was proved. */
  earlier?: boolean | undefined
}

/** A link that somebody opened. */
export type OpenedNotice = {
  poolId: string
  id: string
  userId: string
  applicationId: string
  kind: NoticeKind
  detail: NoticeDetail
  createdAt: Date
  state: 'live' | 'used' | 'expired'
}

/** How a recipient is reached: by the inbox, by a provider or the mail server (`queue`), or not at all. */
type Carrier = 'inbox' | 'queue'
export type Reach = { email: Carrier | undefined; phones: ReadonlyMap<string, Carrier> }

type Deps = {
  db: Database
  keyring: Keyring
  routing: Routing
  post: Post
  testNumbers: TestNumbers
  clock: Clock
  config: Pick<Config, 'publicUrl' | 'defaultLanguage' | 'limits'>
}

export const createNotices = ({ db, keyring, routing, post, testNumbers, clock, config }: Deps) => {
  const contextOf = (poolId: string, id: string) => `notice ${poolId} ${id}`

  const keyOf = (keyId: string) => keyring.all.find((candidate) => candidate.id === keyId)

  const tokenOf = (keyId: string, id: string): string | undefined => {
    const key = keyOf(keyId)
    return key === undefined ? undefined : digest(key.derive, 'notice link', id).toString('base64url')
  }

  const carrierOf = async (poolId: string, phone: E164): Promise<Carrier | undefined> => {
    if ((await testNumbers.codeOf(poolId, phone)) !== undefined) return undefined
    const route = await routing.find(poolId, phone)
    if (route === undefined) return undefined
    return isInboxRoute(route) ? 'inbox' : 'queue'
  }

  const insertion = (notice: NewNotice, addressees: Sql): Sql => {
    const now = clock.now()
    const id = newId(clock)
    const { poolId, before, after, beforeVerified, earlier, beforeProvedAt, beforeFactor, requestedAt } =
      notice
    const told = { before, after, beforeVerified, earlier }
    const detail: NoticeDetail = { ...told, beforeProvedAt, beforeFactor, requestedAt }
    const token = tokenOf(keyring.current.id, id)
    const hasLink = noticeKinds[notice.kind] !== undefined && token !== undefined
    return insertNoticeFrom(addressees, {
      poolId,
      id,
      userId: notice.userId,
      applicationId: notice.applicationId,
      kind: notice.kind,
      sealedDetail: keyring.seal(JSON.stringify(detail), contextOf(poolId, id)),
      keyId: keyring.current.id,
      tokenHash: hasLink ? sha256(token) : undefined,
      language: notice.language,
      ip: notice.ip,
      createdAt: now,
      expiresAt: secondsAfter(now, noticeTtlSeconds),
      messageExpiresAt: secondsAfter(now, messageTtlSeconds),
      inboxProvider,
    })
  }

  const detailOf = (row: NoticeRow): NoticeDetail =>
    JSON.parse(keyring.unseal(row.sealed_detail, contextOf(row.pool_id, row.id))) as NoticeDetail

  const open = (row: NoticeRow): OpenedNotice => ({
    poolId: row.pool_id,
    id: row.id,
    userId: row.user_id,
    applicationId: row.application_id,
    kind: row.kind as NoticeKind,
    detail: detailOf(row),
    createdAt: row.created_at,
    state:
      row.used_at !== null || row.voided_at !== null
        ? 'used'
        : row.expires_at <= clock.now()
          ? 'expired'
          : 'live',
  })

  return {
    ...createChanges({ db, clock, config }),

    /** How these recipients are reached. Not inside a transaction: it reads the database. */
    reach: async (poolId: string, phones: readonly (E164 | null | undefined)[] = []): Promise<Reach> => {
      const carriers = new Map<string, Carrier>()
      for (const phone of phones) {
        const carrier = phone == null ? undefined : await carrierOf(poolId, phone)
        if (phone != null && carrier !== undefined) carriers.set(phone, carrier)
      }
      return { email: await post.carrierOf(poolId), phones: carriers }
    },

    /**
     * Writes a notice and a message to each recipient that is reached, in the caller's transaction. Recipients that are
     * null or not reached are left out; with none there is no notice.
     * @param to phones (E.164) and email addresses
     * @returns whether anybody is told
     */
    record: async (
      notice: NewNotice,
      to: readonly (string | null | undefined)[],
      reach: Reach,
      tx: Queryable,
    ): Promise<boolean> => {
      const addressees = [...new Set(to)].flatMap((recipient): Addressee[] => {
        if (recipient == null) return []
        const messageId = newId(clock)
        if (!isPhone(recipient)) {
          const carrier = reach.email
          return carrier === undefined
            ? []
            : [{ messageId, channel: 'email', recipient, region: null, carrier }]
        }
        const carrier = reach.phones.get(recipient)
        const { region } = prefixesOf(recipient)
        return carrier === undefined ? [] : [{ messageId, channel: 'sms', recipient, region, carrier }]
      })
      if (addressees.length === 0) return false
      await insertNotice(tx, insertion(notice, listAddressees(addressees)))
      return true
    },

    /**
     * The same as CTEs of another statement: `addressee`, `notice` and `notice_message`, for the email address that
     * `source`, a CTE's name, has in its column `email`; nothing is written where it has no row or no address.
     */
    recordFrom: (source: Sql, notice: NewNotice, reach: Reach): Sql =>
      insertion(notice, addresseeFrom(source, { messageId: newId(clock), carrier: reach.email })),

    /**
     * What a message tells of its notice, with the link; undefined where the notice or its key is gone.
     * @param to the application's name, and the language of the message (BCP 47)
     */
    tell: async (
      poolId: string,
      id: string,
      to: { app: string; language: string },
    ): Promise<NoticeWords | undefined> => {
      const row = await selectNotice(db, poolId, id)
      if (row === undefined || keyOf(row.key_id) === undefined) return undefined
      const { kind, detail, createdAt } = open(row)
      const action = noticeKinds[kind]
      const token = tokenOf(row.key_id, row.id)
      const link = action === undefined ? undefined : `${config.publicUrl}/account/${action}/${token}`
      const language = noticeLanguageOf(to.language, config.defaultLanguage)
      return wordsOf({ kind, action, detail, createdAt, app: to.app, language, link })
    },

    /** Whose link it is, without using it; undefined also where the key that it was made with is gone. */
    open: async (token: string): Promise<OpenedNotice | undefined> => {
      const row = await selectNoticeByToken(db, sha256(token))
      return row === undefined || keyOf(row.key_id) === undefined ? undefined : open(row)
    },

    /** Uses a link, in the caller's transaction. Undefined: unknown, used, expired, or void. */
    use: async (token: string, tx: Queryable): Promise<OpenedNotice | undefined> => {
      const row = await consumeNotice(tx, { tokenHash: sha256(token), now: clock.now() })
      return row === undefined ? undefined : { ...open(row), state: 'live' }
    },

    /**
     * After an undo, in its transaction: what was done later to the same phone, or the same address, can no longer be
     * undone by its own link, which the one who did it may have got. Links about the other one stay: its owner may need
     * them too.
     */
    voidLater: async ({ poolId, userId, id, kind }: OpenedNotice, tx: Queryable): Promise<void> => {
      await voidLaterNotices(tx, { poolId, userId, after: id, kinds: kindsAlike(kind), now: clock.now() })
    },

    deleteOld: async (): Promise<void> => {
      await deleteOldNotices(db, secondsAfter(clock.now(), -86_400))
    },
  }
}

/** The kinds about the same phone or the same address, and about passwords. */
const kindsAlike = (kind: string): string[] => {
  const subject = kind.split('_')[0]
  return Object.keys(noticeKinds).filter((other) => [subject, 'password'].includes(other.split('_')[0]))
}

export type Notices = ReturnType<typeof createNotices>
