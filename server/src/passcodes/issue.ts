// Sending a passcode: the code, the limits that it is counted on, and the message that carries it, in one statement.
//
// What must stay true: a code is derived by a key outside the database, and only its keyed digest is stored (rule 3);
// a resend carries the same code and resets nothing (rules 4 and 7).
import { type ApiCodeName, ApiError, type RefusalDetail } from '../api-codes.ts'
import type { Application } from '../applications/applications.ts'
import type { Config } from '../config.ts'
import { type Clock, secondsAfter, secondsUntil } from '../core/clock.ts'
import { giveBack } from '../core/counters.ts'
import { digest, type Keyring, newId, randomInteger } from '../core/crypto.ts'
import type { Database } from '../core/database.ts'
import { networkOf } from '../core/network.ts'
import type { TokenSubject } from '../sessions/sessions.ts'
import { derivePasscode } from './derive.ts'
import { type CountedLimit, fixedKeyId, type IssueGate, type IssueRow, issuePasscode } from './issue-store.ts'
import { belongsToSender, type Channel, isSentToKnownOnly, type Purpose } from './purposes.ts'
import { stranger } from './store.ts'

/** A passcode lives ten minutes from its making at the very most, resent or not (rule 2). */
const longestTtlSeconds = 600

/** The counter of an application is split, so that its sends do not all wait for one row. */
const applicationShards = 16

export type PasscodeRequest = {
  application: Application
  purpose: Purpose
  channel: Channel
  /** An E.164 phone or a lower-case email address. */
  recipient: string
  sender: TokenSubject | undefined
  ip: string
  /** BCP 47. */
  language: string
  /** The ISO region of a phone. */
  region?: string | undefined
  /** Who has the message at once; absent where it is to be delivered by the caller, who then holds it so long. */
  provider?: string | undefined
  leaseSeconds?: number
  /** How long its code has to come back before the message counts as sent; absent: it never counts. */
  countAfterSeconds?: number
  /** Of a number that gets a fixed code and no message. */
  fixedCode?: string | undefined
  /** What else is counted, and what else must allow it, in the same statement. */
  limits?: readonly CountedLimit[]
  gate?: IssueGate | undefined
}

export type IssuedMessage = {
  /** Undefined where a number that nobody has gets no message. */
  id: string | undefined
  /** What the gate said, and which limits that are not enforced are spent, by their settings. */
  gateVerdict: string
  overrun: readonly string[]
  /** Gives back the cooldown: nothing went out, and whoever asks may learn it. */
  endCooldown(): Promise<void>
}

/** A refusal that says which limit it was, for those who act on it. */
export class LimitSpent extends ApiError {
  readonly setting: string

  constructor(code: ApiCodeName, setting: string, detail: RefusalDetail) {
    super(code, `${setting} is spent`, detail)
    this.setting = setting
  }
}

/** What every limit is that says nothing else. */
const one = { perAudience: false, shard: 0, amount: 1, enforced: true } as const

type Limits = readonly [CountedLimit, ...CountedLimit[]]
type Attempted = IssueRow & { messageId: string; limits: Limits }

const isGated = ({ gate }: PasscodeRequest, row: IssueRow): boolean =>
  gate?.refused.includes(row.gate_verdict) === true && row.spent_position === null

export type IssueDeps = {
  db: Database
  keyring: Keyring
  clock: Clock
  config: Pick<Config, 'limits' | 'passcodeLength' | 'passcodeTtlSeconds'>
}

export const createIssue = ({ db, keyring, clock, config }: IssueDeps) => {
  const { limits, passcodeLength, passcodeTtlSeconds } = config

  const attemptIssue = async (
    request: PasscodeRequest,
    sender: TokenSubject | undefined,
  ): Promise<Attempted> => {
    const { application, purpose, recipient } = request
    const now = clock.now()
    const passcodeId = newId(clock)
    const code =
      request.fixedCode ??
      derivePasscode(keyring.current.derive, [passcodeId, purpose, recipient], passcodeLength)
    const asker = sender?.userId ?? stranger
    const holder = belongsToSender(purpose) ? asker : stranger
    const limitsOfRequest = countedLimits(request, asker)
    const messageId = newId(clock)
    const row = await issuePasscode(db, {
      poolId: application.poolId,
      applicationId: application.id,
      purpose,
      recipient,
      sender,
      holder,
      passcodeId,
      keyId: request.fixedCode === undefined ? keyring.current.id : fixedKeyId,
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
      limits: limitsOfRequest,
      onlyKnown: isSentToKnownOnly(purpose, application),
      gate: request.gate,
      message: {
        poolId: application.poolId,
        id: messageId,
        applicationId: application.id,
        channel: request.channel,
        recipient,
        region: request.region,
        purpose,
        provider: request.provider,
        leasedUntil:
          request.provider === undefined ? secondsAfter(now, request.leaseSeconds ?? 0) : undefined,
        countAt:
          request.countAfterSeconds === undefined ? undefined : secondsAfter(now, request.countAfterSeconds),
        language: request.language,
        requestedBy: sender?.userId,
        ip: request.ip,
        createdAt: now,
      },
    })
    // Who lost a race for the last unit of another limit got no message, and need not wait for the next.
    if (row.cooldown_charged && !row.issued) await endCooldown(application.poolId, limitsOfRequest)
    return { ...row, messageId, limits: limitsOfRequest }
  }

  /** The cooldown is the first of the limits. */
  const endCooldown = async (poolId: string, [cooldown]: Limits): Promise<void> =>
    giveBack(db, { poolId, ...cooldown })

  const countedLimits = (
    { application, purpose, recipient, ip, limits: more = [] }: PasscodeRequest,
    asker: string,
  ): Limits => [
    { ...one, key: `message_cooldown:${purpose}:${recipient}:${asker}`, ...limits.messageCooldown },
    {
      ...one,
      key: `messages_hour:${recipient}`,
      perAudience: true,
      ...limits.messagesPerRecipientHour,
    },
    { ...one, key: `messages_day:${recipient}`, perAudience: true, ...limits.messagesPerRecipientDay },
    { ...one, key: `messages_ip:${networkOf(ip)}`, ...limits.messagesPerIpHour },
    {
      ...one,
      key: `messages_application:${application.id}`,
      shard: randomInteger(applicationShards),
      ...limits.messagesPerApplicationHour,
    },
    ...more,
  ]

  const refuseIssue = (row: Attempted): never => {
    const wait = (until: Date | null) => ({
      retryAfterSeconds: until === null ? 1 : secondsUntil(clock.now(), until),
    })
    if (row.spent_position !== null) {
      const name: ApiCodeName = row.spent_position === 1 ? 'sms_cooldown' : 'sms_limit_reached'
      const { setting } = row.limits[row.spent_position - 1] ?? { setting: 'a limit' }
      throw new LimitSpent(name, setting, wait(row.spent_until))
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

  return {
    /**
     * Issues a passcode, or finds the live one, and writes the message that carries it. Where the gate refuses, its
     * verdict says so, and nothing was issued.
     * @throws ApiError sms_cooldown, sms_limit_reached, passcode_attempts_exceeded, each with `retryAfterSeconds`
     */
    issue: async (request: PasscodeRequest): Promise<IssuedMessage> => {
      let { sender } = request
      let row = await attemptIssue(request, sender)
      if (!row.sender_lives) {
        // The token verified but its session has ended: what remains is a stranger.
        sender = undefined
        row = await attemptIssue(request, sender)
      }
      // A request that lost a race at a limit's edge saw the limit unspent: a second look says how long to wait.
      if (!row.issued && row.spent_position === null && row.blocked_until === null && !isGated(request, row))
        row = await attemptIssue(request, sender)
      const { issued, limits: taken } = row
      if (!issued && !isGated(request, row)) refuseIssue(row)
      return {
        id: row.addressed ? row.messageId : undefined,
        gateVerdict: row.gate_verdict,
        overrun: taken.filter(({ key }) => row.overrun.includes(key)).map(({ setting }) => setting),
        endCooldown: () => endCooldown(request.application.poolId, taken),
      }
    },
  }
}
