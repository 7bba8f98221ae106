// Passcodes: the short codes that we send, and the proof that somebody read one.
//
// What must stay true: a code is derived by a key outside the database, and only its keyed digest is stored (rule 3);
// a resend carries the same code and resets nothing (rules 4 and 7); a code is bound to its pool, application,
// purpose, number and, when the sender was signed in, that user (rule 6); it is consumed once, by the one statement
// that counts the attempt first (rule 5); strangers and signed-in users draw on separate budgets (rule 8).
import { type ApiCodeName, ApiError, apiCodes, fieldInvalid, type RefusalDetail } from '../api-codes.ts'
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
import { type CountedLimit, fixedKeyId, type IssueGate, type IssueRow, issuePasscode } from './issue-store.ts'
import { belongsToSender, type Channel, type Purpose, purposes } from './purposes.ts'
import {
  deleteOldPasscodes,
  discardPasscodes,
  type Proof,
  stranger,
  type VerdictRow,
  verifyPasscode,
} from './store.ts'

export type { CountedLimit, IssueGate } from './issue-store.ts'
export { type Channel, type Purpose, purposeOf, purposes, wireChannelOf, wireChannelsOf } from './purposes.ts'
export { type Proof, passcodeVerdict, type VerdictRow } from './store.ts'

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

export type PasscodeProof = {
  application: Application
  /** Of several, a code for any will do; one guess is one attempt at each of their live challenges. */
  purpose: Purpose | readonly [Purpose, ...Purpose[]]
  recipient: string
  code: string
  userId?: string | undefined
  consume?: boolean
  /** What the wire calls the code, for the refusal of one that cannot be right. */
  field?: string
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

/** Whether only a number (or address) that a user has gets a message; who asks must not learn which (rule 10). */
export const isSentToKnownOnly = (purpose: Purpose, application: Application): boolean => {
  const { sentTo } = purposes[purpose]
  return sentTo === 'known' || (sentTo === 'known_or_sign_up' && !application.signUpEnabled)
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
     * Issues a passcode, or finds the live one, and writes the message that carries it. Where the gate refuses, its
     * verdict says so, and nothing was issued.
     * @throws ApiError sms_cooldown, sms_limit_reached, passcode_attempts_exceeded, each with `retryAfterSeconds`
     */
    issue: async (request: PasscodeRequest): Promise<IssuedMessage> => {
      let row = await attemptIssue(request, request.sender)
      // The token verified but its session has ended: what remains is a stranger.
      if (!row.sender_lives) row = await attemptIssue(request, undefined)
      // A request that lost a race at a limit's edge saw the limit unspent: a second look says how long to wait.
      if (!row.issued && row.spent_position === null && row.blocked_until === null && !isGated(request, row))
        row = await attemptIssue(request, request.sender)
      const { issued, limits: taken } = row
      if (!issued && !isGated(request, row)) refuseIssue(row)
      return {
        id: row.addressed ? row.messageId : undefined,
        gateVerdict: row.gate_verdict,
        overrun: taken.filter(({ key }) => row.overrun.includes(key)).map(({ setting }) => setting),
        endCooldown: () => endCooldown(request.application.poolId, taken),
      }
    },

    /**
     * What a statement needs to verify a code with `passcodeVerdict`.
     * @throws ApiError request_invalid where no code of ours can look like that; nothing is counted then
     */
    proof: (given: PasscodeProof): Proof => {
      const { application, purpose, recipient, code, userId, consume = true, field = 'passCode' } = given
      const typed = code.normalize('NFKC').replace(/\s/g, '')
      if (!/^\d+$/.test(typed) || typed.length !== passcodeLength) {
        throw fieldInvalid(field, `must be the ${passcodeLength} digits of the message`)
      }
      const holders = userId === undefined ? [stranger] : [userId, stranger]
      const wanted = typeof purpose === 'string' ? [purpose] : purpose
      const { poolId, id } = application
      return {
        poolId,
        recipient,
        purposes: wanted,
        applicationId: id,
        userId,
        digests: keyring.all.flatMap((key) =>
          holders.flatMap((holder) =>
            wanted.map((one) => digest(key.digest, poolId, id, one, recipient, holder, typed)),
          ),
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

    /**
     * Verifies several codes in the caller's transaction, which must commit also when one is wrong: none is consumed
     * before all are known to be right. In the order of recipients, so that two such calls never wait for each other.
     * For every change that needs two codes (phone, email, sign-up).
     */
    verifyAll: async (proofs: readonly [Proof, ...Proof[]], tx: Queryable): Promise<VerdictRow> => {
      const ordered = proofs.toSorted((a, b) => compareTexts(keyOf(a), keyOf(b)))
      const looks = ordered.length > 1 ? ordered.map((proof) => ({ ...proof, consume: false })) : []
      let verdict: VerdictRow = { outcome: null, retry_at: null }
      for (const proof of [...looks, ...ordered]) {
        verdict = await verifyPasscode(tx, proof)
        if (verdict.outcome !== 'accepted') return verdict
      }
      return verdict
    },

    /**
     * Spends what is live of a number or address for its user, and for nobody in particular: the user has it no more
     * (rule 16). In the caller's transaction, which may hold the user already.
     */
    discard: async (
      given: { poolId: string; recipient: string; userId: string },
      tx: Queryable,
    ): Promise<void> => {
      await discardPasscodes(tx, { ...given, now: clock.now() })
    },

    /** Whether a code is right, without consuming it. @throws ApiError passcode_attempts_exceeded */
    check: async (proof: Proof, language: Language): Promise<{ isValid: boolean; message?: string }> => {
      const verdict = await verifyPasscode(db, proof)
      if (verdict.outcome === 'accepted') return { isValid: true }
      if (verdict.outcome === 'attempts_exceeded') requireAccepted(verdict)
      const { en, zh } = apiCodes[verdict.outcome === 'expired' ? 'passcode_expired' : 'passcode_incorrect']
      return { isValid: false, message: language === 'zh-CN' ? zh : en }
    },

    /** The code that a message carries, made again; undefined where it carries none, or its key is no longer configured. */
    codeOfMessage: (message: {
      key_id: string | null
      passcode_id: string | null
      purpose: string
      recipient: string
    }) =>
      message.key_id === null || message.passcode_id === null
        ? undefined
        : codeOf(message.key_id, message.passcode_id, message.purpose, message.recipient),

    /** Deletes what has been of no use for a day. */
    deleteOld: async (): Promise<void> => {
      await deleteOldPasscodes(db, secondsAfter(clock.now(), -86_400))
    },
  }
}

export type Passcodes = ReturnType<typeof createPasscodes>

const keyOf = ({ recipient, purposes: names }: Proof): string => `${recipient} ${names.join(' ')}`

const compareTexts = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)
