// Passcodes: the short codes that we send, and the proof that somebody read one.
//
// What must stay true: a code is derived by a key outside the database, and only its keyed digest is stored (rule 3);
// a resend carries the same code and resets nothing (rules 4 and 7); a code is bound to its pool, application,
// purpose, number and, when the sender was signed in, that user (rule 6); it is consumed once, by the one statement
// that counts the attempt first (rule 5); strangers and signed-in users draw on separate budgets (rule 8).
import { type ApiCodeName, ApiError, apiCodes, fieldInvalid } from '../api-codes.ts'
import type { Application } from '../applications/applications.ts'
import type { Config, Language } from '../config.ts'
import { type Clock, secondsAfter, secondsUntil } from '../core/clock.ts'
import { giveBack } from '../core/counters.ts'
import { digest, type Keyring, newId, randomInteger } from '../core/crypto.ts'
import type { Database, Queryable } from '../core/database.ts'
import { networkOf } from '../core/network.ts'
import type { LimitName } from '../limits.ts'
import type { TokenSubject } from '../sessions/sessions.ts'
import { derivePasscode } from './derive.ts'
import { belongsToSender, type Channel, type Purpose, purposes } from './purposes.ts'
import {
  type CountedLimit,
  deleteOldPasscodes,
  type IssueRow,
  issuePasscode,
  type Proof,
  stranger,
  type VerdictRow,
  verifyPasscode,
} from './store.ts'

export { type Channel, type Purpose, purposeOf, purposes, wireChannelOf, wireChannelsOf } from './purposes.ts'
export { type Proof, passcodeVerdict, type VerdictRow } from './store.ts'
export { passcodeText } from './text.ts'

/** A passcode lives ten minutes from its making at the very most, resent or not (rule 2). */
const longestTtlSeconds = 600

/** The counter of an application is split, so that its sends do not all wait for one row. */
const applicationShards = 16

/** What every route that sends a passcode says of itself: its limits, and the refusals that issuing can give. */
export const issueRoute = {
  limit: [
    'messageCooldown',
    'messagesPerRecipientHour',
    'messagesPerRecipientDay',
    'messagesPerIpHour',
    'messagesPerApplicationHour',
  ],
  refusals: ['sms_cooldown', 'sms_limit_reached', 'passcode_attempts_exceeded'],
} as const satisfies { limit: readonly LimitName[]; refusals: readonly ApiCodeName[] }

export type PasscodeRequest = {
  application: Application
  purpose: Purpose
  channel: Channel
  /** An E.164 phone or a lower-case email address. */
  recipient: string
  sender: TokenSubject | undefined
  provider: string
  ip: string
  language: Language
}

export type PasscodeProof = {
  application: Application
  purpose: Purpose
  recipient: string
  code: string
  userId?: string | undefined
  consume?: boolean
}

type Deps = {
  db: Database
  keyring: Keyring
  clock: Clock
  config: Pick<Config, 'limits' | 'passcodeLength' | 'passcodeTtlSeconds'>
}

export const createPasscodes = ({ db, keyring, clock, config }: Deps) => {
  const { limits, passcodeLength, passcodeTtlSeconds } = config

  const codeOf = (keyId: string, passcodeId: string, purpose: string, recipient: string) => {
    const key = keyring.all.find((candidate) => candidate.id === keyId)
    return key === undefined
      ? undefined
      : derivePasscode(key.derive, [passcodeId, purpose, recipient], passcodeLength)
  }

  const attemptIssue = async (
    request: PasscodeRequest,
    sender: TokenSubject | undefined,
  ): Promise<IssueRow> => {
    const { application, purpose, recipient } = request
    const now = clock.now()
    const passcodeId = newId(clock)
    const code = derivePasscode(keyring.current.derive, [passcodeId, purpose, recipient], passcodeLength)
    const asker = sender?.userId ?? stranger
    const holder = belongsToSender(purpose) ? asker : stranger
    const { sentTo } = purposes[purpose]
    const [cooldown, ...others] = countedLimits(request, asker)
    const row = await issuePasscode(db, {
      poolId: application.poolId,
      applicationId: application.id,
      purpose,
      recipient,
      sender,
      holder,
      passcodeId,
      keyId: keyring.current.id,
      codeDigest: digest(
        keyring.current.digest,
        application.poolId,
        application.id,
        purpose,
        recipient,
        holder,
        code,
      ),
      now,
      expiresAt: secondsAfter(now, passcodeTtlSeconds),
      longestTtlSeconds,
      maxAttempts: limits.attemptsPerPasscode.count,
      limits: [cooldown, ...others],
      onlyKnown: sentTo === 'known' || (sentTo === 'known_or_sign_up' && !application.signUpEnabled),
      message: {
        poolId: application.poolId,
        id: newId(clock),
        applicationId: application.id,
        channel: request.channel,
        recipient,
        purpose,
        provider: request.provider,
        language: request.language,
        requestedBy: sender?.userId,
        ip: request.ip,
        createdAt: now,
      },
    })
    // Who lost a race for the last unit of another limit got no message, and need not wait for the next.
    if (row.cooldown_charged && !row.issued) {
      await giveBack(db, { poolId: application.poolId, now, ...cooldown })
    }
    return row
  }

  const countedLimits = (
    { application, purpose, recipient, ip }: PasscodeRequest,
    asker: string,
  ): [CountedLimit, ...CountedLimit[]] => [
    {
      key: `message_cooldown:${purpose}:${recipient}:${asker}`,
      perAudience: false,
      shard: 0,
      ...limits.messageCooldown,
    },
    { key: `messages_hour:${recipient}`, perAudience: true, shard: 0, ...limits.messagesPerRecipientHour },
    { key: `messages_day:${recipient}`, perAudience: true, shard: 0, ...limits.messagesPerRecipientDay },
    { key: `messages_ip:${networkOf(ip)}`, perAudience: false, shard: 0, ...limits.messagesPerIpHour },
    {
      key: `messages_application:${application.id}`,
      perAudience: false,
      shard: randomInteger(applicationShards),
      ...limits.messagesPerApplicationHour,
    },
  ]

  const refuseIssue = (row: IssueRow): never => {
    const wait = (until: Date | null) => ({
      retryAfterSeconds: until === null ? 1 : secondsUntil(clock.now(), until),
    })
    if (row.spent_position !== null) {
      const name: ApiCodeName = row.spent_position === 1 ? 'sms_cooldown' : 'sms_limit_reached'
      throw new ApiError(name, `limit ${row.spent_position} is spent`, wait(row.spent_until))
    }
    if (row.blocked_until !== null) {
      throw new ApiError(
        'passcode_attempts_exceeded',
        'the live passcode has no attempts left',
        wait(row.blocked_until),
      )
    }
    throw new ApiError('sms_limit_reached', 'another request took the last unit of a limit', wait(null))
  }

  /** Passes when the code was right. @throws ApiError passcode_incorrect, _expired, _attempts_exceeded */
  const requireAccepted = (verdict: VerdictRow): void => {
    if (verdict.outcome === 'accepted') return
    if (verdict.outcome === 'expired') throw new ApiError('passcode_expired', 'the right code, too late')
    if (verdict.outcome === 'attempts_exceeded') {
      const retryAfterSeconds = verdict.retry_at === null ? 1 : secondsUntil(clock.now(), verdict.retry_at)
      throw new ApiError('passcode_attempts_exceeded', 'no attempts left', { retryAfterSeconds })
    }
    throw new ApiError('passcode_incorrect', 'no live challenge has this code')
  }

  return {
    requireAccepted,

    /**
     * Issues a passcode, or finds the live one, and writes the message that carries it.
     * @throws ApiError sms_cooldown, sms_limit_reached, passcode_attempts_exceeded, each with `retryAfterSeconds`
     */
    issue: async (request: PasscodeRequest): Promise<void> => {
      let row = await attemptIssue(request, request.sender)
      // The token verified but its session has ended: what remains is a stranger.
      if (!row.sender_lives) row = await attemptIssue(request, undefined)
      if (row.issued) return
      // A request that lost a race at a limit's edge saw the limit unspent: a second look says how long to wait.
      if (row.spent_position === null && row.blocked_until === null)
        row = await attemptIssue(request, request.sender)
      if (!row.issued) refuseIssue(row)
    },

    /**
     * What a statement needs to verify a code with `passcodeVerdict`.
     * @throws ApiError request_invalid where no code of ours can look like that; nothing is counted then
     */
    proof: ({ application, purpose, recipient, code, userId, consume = true }: PasscodeProof): Proof => {
      const typed = code.normalize('NFKC').replace(/\s/g, '')
      if (!/^\d+$/.test(typed) || typed.length !== passcodeLength) {
        throw fieldInvalid('passCode', `must be the ${passcodeLength} digits of the message`)
      }
      const holders = userId === undefined ? [stranger] : [userId, stranger]
      const { poolId, id } = application
      return {
        poolId,
        recipient,
        purpose,
        applicationId: id,
        userId,
        digests: keyring.all.flatMap((key) =>
          holders.map((holder) => digest(key.digest, poolId, id, purpose, recipient, holder, typed)),
        ),
        consume,
        maxAttempts: limits.attemptsPerPasscode.count,
        maxFailures: limits.passcodeFailuresHour.count,
        failureWindowSeconds: limits.passcodeFailuresHour.windowSeconds,
        now: clock.now(),
      }
    },

    /** Verifies a code by itself, or in the caller's transaction, which must commit also when the code is wrong. */
    verify: (proof: Proof, tx: Queryable = db): Promise<VerdictRow> => verifyPasscode(tx, proof),

    /** Whether a code is right, without consuming it. @throws ApiError passcode_attempts_exceeded */
    check: async (proof: Proof, language: Language): Promise<{ isValid: boolean; message?: string }> => {
      const verdict = await verifyPasscode(db, proof)
      if (verdict.outcome === 'accepted') return { isValid: true }
      if (verdict.outcome === 'attempts_exceeded') requireAccepted(verdict)
      const { en, zh } = apiCodes[verdict.outcome === 'expired' ? 'passcode_expired' : 'passcode_incorrect']
      return { isValid: false, message: language === 'zh-CN' ? zh : en }
    },

    /** The code that a message carries, made again; undefined where its key is no longer configured. */
    codeOfMessage: (message: { key_id: string; passcode_id: string; purpose: string; recipient: string }) =>
      codeOf(message.key_id, message.passcode_id, message.purpose, message.recipient),

    /** Deletes what has been of no use for a day. */
    deleteOld: async (): Promise<void> => {
      await deleteOldPasscodes(db, secondsAfter(clock.now(), -86_400))
    },
  }
}

export type Passcodes = ReturnType<typeof createPasscodes>
