// What the links of notices do: they take back a change to an account, or stop one that waits (rule 15).
//
// What must stay true: looking at a link changes nothing; a link acts once, whoever opens it at the same time; all that
// it does is one transaction; it leaves an account a number or an address to get in by; afterwards nothing that the one who made the change may hold opens the account: no
// session, code, token or password, and no factor that was added around the change, or since it was asked for.
import type { Applications } from '../applications/applications.ts'
import type { Audit } from '../audit/audit.ts'
import type { Language } from '../config.ts'
import { type Clock, secondsAfter } from '../core/clock.ts'
import { newId } from '../core/crypto.ts'
import { type Database, type Queryable, violatedUniqueIndex } from '../core/database.ts'
import type { Email } from '../email/email.ts'
import { type NoticeKind, type Notices, noticeKinds, type OpenedNotice } from '../notices/notices.ts'
import type { Passcodes } from '../passcodes/passcodes.ts'
import type { Phone } from '../phone/phone.ts'
import { isPhone } from '../phone-numbers/phone-numbers.ts'
import type { Sessions } from '../sessions/sessions.ts'
import type { UserRow, Users } from '../users/users.ts'
import {
  type AccountRow,
  deleteFactorsSince,
  discardStepUpTokens,
  holdAccount,
  requireNewPassword,
  restoreFactor,
} from './store.ts'

export type LinkAction = 'undo' | 'stop'

export type OpenedLink = { notice: OpenedNotice; app: string }

export type LinkOutcome =
  /**
   * What came back or went, or was stopped. `secured`: a password cannot come back; `only_way`: nothing was done, and the
   * link is not used.
   */
  | { outcome: 'done'; result: LinkResult; signedOut: boolean; needsPassword: boolean }
  /** Used or expired meanwhile, or never there. */
  | { outcome: 'refused' }

export type LinkResult = 'restored' | 'removed' | 'nothing' | 'secured' | 'stopped' | 'only_way'

/**
 * Who prepares to take an account over adds a passkey or a factor before the change that is noticed, or before asking for
 * one that has to wait.
 */
const factorsBeforeSeconds = 86_400

type Deps = {
  db: Database
  notices: Notices
  applications: Applications
  users: Users
  phone: Phone
  email: Email
  sessions: Sessions
  passcodes: Passcodes
  audit: Audit
  clock: Clock
}

/** Where a link is opened. */
export type Visit = { ip: string; language: Language }

export const createUndo = (deps: Deps) => {
  const { db, notices, applications, users, phone, email, sessions, passcodes, audit, clock } = deps

  const takeBack = async (notice: OpenedNotice, tx: Queryable): Promise<LinkResult> => {
    const { kind, poolId, userId } = notice
    if (kind === 'phone_change_requested') {
      if (await phone.stopChange(poolId, userId, tx)) return 'stopped'
      // Too late to stop it: where it was made, it is undone.
      const user = await users.get(poolId, userId, tx)
      return user?.phone === notice.detail.after
        ? phone.undo({ ...notice, kind: 'phone_changed' }, tx)
        : 'nothing'
    }
    if (kind === 'password_changed') return 'secured'
    return kind.startsWith('phone_') ? phone.undo(notice, tx) : email.undo(notice, tx)
  }

  /** With the number or address of before comes the factor that used it. */
  const bringFactorBack = async ({ poolId, userId, detail }: OpenedNotice, tx: Queryable): Promise<void> => {
    const { before, beforeFactor } = detail
    if (before === undefined || beforeFactor === undefined) return
    await restoreFactor(tx, {
      poolId,
      id: newId(clock),
      userId,
      type: isPhone(before) ? 'SMS' : 'EMAIL',
      recipient: before,
      enrolledWithProof: beforeFactor.enrolledWithProof,
      enrolledAt: new Date(beforeFactor.enrolledAt),
    })
  }

  /** Nothing that was handed out before opens the account. Undefined: the user is gone. */
  const secure = async (notice: OpenedNotice, tx: Queryable) => {
    const { poolId, userId, detail, createdAt } = notice
    const now = clock.now()
    const account = await requireNewPassword(tx, { poolId, userId, now })
    if (account === undefined) return undefined
    await phone.stopChange(poolId, userId, tx)
    await sessions.endOthers({ poolId, userId, reason: 'change_undone' }, tx)
    await discardStepUpTokens(tx, { poolId, userId, now })
    for (const recipient of new Set([detail.before, detail.after, account.phone, account.email])) {
      if (recipient != null) await passcodes.discard({ poolId, userId, recipient }, tx)
    }
    const begunAt = detail.requestedAt === undefined ? createdAt : new Date(detail.requestedAt)
    const since = secondsAfter(begunAt, -factorsBeforeSeconds)
    const removed = await deleteFactorsSince(tx, { poolId, userId, since })
    return { account, removed }
  }

  const undo = async (token: string, opened: OpenedNotice, visit: Visit): Promise<LinkOutcome> => {
    const { poolId, userId, applicationId, kind, detail } = opened
    const prior: UserRow | undefined = await users.get(poolId, userId)
    const phones = [prior?.phone, ...[detail.before].filter((value) => value !== undefined).filter(isPhone)]
    const reach = await notices.reach(poolId, phones)
    return db.transaction(async (tx): Promise<LinkOutcome> => {
      const held = await holdAccount(tx, { poolId, userId })
      if (opened.state === 'live' && held !== undefined && isOnlyWay(kind, held))
        return { outcome: 'done', result: 'only_way', signedOut: false, needsPassword: false }
      const notice = await notices.use(token, tx)
      if (notice === undefined) return { outcome: 'refused' }
      const result = await takeBack(notice, tx)
      if (result !== 'nothing') await notices.voidLater(notice, tx)
      if (result === 'restored') await bringFactorBack(notice, tx)
      const secured = await secure(notice, tx)
      if (secured === undefined)
        return { outcome: 'done', result: 'nothing', signedOut: false, needsPassword: false }
      const { account, removed } = secured
      await audit.record(
        poolId,
        {
          type: 'account.change_undone',
          userId,
          applicationId,
          ip: visit.ip,
          detail: { kind, result, passkeysRemoved: removed.passkeys, factorsRemoved: removed.factors },
        },
        tx,
      )
      await notices.record(
        { poolId, applicationId, userId, kind: 'change_undone', ...visit },
        [account.phone, account.email, prior?.phone, prior?.email],
        reach,
        tx,
      )
      return { outcome: 'done', result, signedOut: true, needsPassword: account.has_password }
    })
  }

  /** A claim is somebody else's: it says nothing about who has this account. */
  const stopClaim = (token: string): Promise<LinkOutcome> =>
    db.transaction(async (tx): Promise<LinkOutcome> => {
      const notice = await notices.use(token, tx)
      if (notice === undefined) return { outcome: 'refused' }
      const stopped = await phone.stopClaim(notice.poolId, notice.userId, tx)
      return {
        outcome: 'done',
        result: stopped ? 'stopped' : 'nothing',
        signedOut: false,
        needsPassword: false,
      }
    })

  return {
    /** Whose link it is; undefined where nobody was sent it for this. */
    open: async (action: LinkAction, token: string): Promise<OpenedLink | undefined> => {
      const notice = await notices.open(token)
      if (notice === undefined || noticeKinds[notice.kind] !== action) return undefined
      const application = await applications.find(notice.applicationId)
      return { notice, app: application?.name ?? notice.applicationId }
    },

    /** Uses a link that `open` has given. */
    act: async (token: string, { notice }: OpenedLink, visit: Visit): Promise<LinkOutcome> => {
      if (notice.kind === 'phone_claim_started') return stopClaim(token)
      return undo(token, notice, visit).catch((error: unknown) => {
        // Somebody else proved the number or address of before at the same instant: now it is seen to be theirs.
        const index = violatedUniqueIndex(error)
        if (index !== 'users_phone_key' && index !== 'users_email_key') throw error
        return undo(token, notice, visit)
      })
    },
  }
}

/**
 * Whether the undoing of a bind would take the only number or address that codes can be sent to. A notice of a bind goes
 * to the other of the two: then it is not the account's any more, and whoever has it now has no say in the account, nor
 * would its owner ever get in again. Where somebody else took it off, the link of that change puts it back, and this
 * one works afterwards.
 */
const isOnlyWay = (kind: NoticeKind, { phone, email }: AccountRow): boolean => {
  if (kind === 'phone_bound') return phone !== null && email === null
  return kind === 'email_bound' && email !== null && phone === null
}

export type Undo = ReturnType<typeof createUndo>
