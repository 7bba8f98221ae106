// The link by which a person confirms an email address in place of a code, or says that the account is not theirs.
//
// What must stay true: a link confirms one address of one pool, and only for the user who has the address when it is
// used; who presses its button without having made the account would leave whoever did a password to it, so that the
// page says what was made, and has a second button for who did not; nothing is stored for it, it is sealed by a key
// outside the database; opening it changes nothing, because mail scanners open every link; a forged, cut or expired one
// is a page that says so.
import type { Applications } from '../applications/applications.ts'
import type { Audit } from '../audit/audit.ts'
import type { Config } from '../config.ts'
import { type Clock, secondsAfter } from '../core/clock.ts'
import type { Keyring } from '../core/crypto.ts'
import type { Database } from '../core/database.ts'
import type { FirstProof } from '../first-proof/first-proof.ts'
import { lookForHolder, markEmailVerified, selectEmailHolder } from './store.ts'

/** As the words of the message say. */
const linkTtlSeconds = 86_400

const context = 'email verification link'

/** Of the message that carries the link: it is made again whenever the message is. */
export type LinkMessage = { pool_id: string; application_id: string; recipient: string; created_at: Date }

type Claim = { poolId: string; applicationId: string; email: string; expiresAt: number }

type OpenedLink =
  | { state: 'live'; poolId: string; applicationId: string; email: string }
  | { state: 'expired' }
  | { state: 'unknown' }

/** What the page asks about. */
export type Asked = { state: 'ask'; email: string; app: string; accountMadeAt: Date }

/**
 * `moved`: nobody of the pool has the address any more. `kept`: it was confirmed before somebody said that it was not
 * them.
 */
export type LinkResult = 'verified' | 'disowned' | 'moved' | 'kept' | 'expired' | 'unknown'

type Deps = {
  db: Database
  applications: Applications
  firstProof: FirstProof
  keyring: Keyring
  audit: Audit
  clock: Clock
  config: Pick<Config, 'publicUrl'>
}

export const createEmailVerification = (deps: Deps) => {
  const { db, applications, firstProof, keyring, audit, clock, config } = deps

  const open = (token: string): OpenedLink => {
    const claim = claimOf(keyring, token)
    if (claim === undefined) return { state: 'unknown' }
    const { expiresAt, ...link } = claim
    return new Date(expiresAt) <= clock.now() ? { state: 'expired' } : { state: 'live', ...link }
  }

  return {
    /** Lives for a day from the making of its message. */
    linkOf: (message: LinkMessage): string => {
      const { pool_id, application_id, recipient, created_at } = message
      const expiresAt = secondsAfter(created_at, linkTtlSeconds).getTime()
      const token = keyring.seal(JSON.stringify([pool_id, application_id, recipient, expiresAt]), context)
      return `${config.publicUrl}/account/verify-email/${token}`
    },

    /** What a link is for, without using it. */
    look: async (token: string): Promise<Asked | { state: 'verified' | 'moved' | 'expired' | 'unknown' }> => {
      const link = open(token)
      if (link.state !== 'live') return link
      const { poolId, applicationId, email } = link
      const holder = await lookForHolder(db, { poolId, email })
      if (holder === undefined) return { state: 'moved' }
      if (holder.email_verified) return { state: 'verified' }
      const application = await applications.find(applicationId)
      return {
        state: 'ask',
        email,
        app: application?.name ?? applicationId,
        accountMadeAt: holder.created_at,
      }
    },

    /** A second time it changes nothing. */
    verify: async (token: string, ip: string): Promise<LinkResult> => {
      const link = open(token)
      if (link.state !== 'live') return link.state
      const { poolId, applicationId, email } = link
      const detail = audit.describeEmail(email)
      return db.transaction(async (tx) => {
        const holder = await selectEmailHolder(tx, { poolId, email })
        if (holder === undefined) return 'moved'
        if (holder.email_verified) return 'verified'
        await markEmailVerified(tx, { poolId, userId: holder.id, now: clock.now() })
        const event = { userId: holder.id, applicationId, ip, detail }
        await audit.record(poolId, { type: 'email.verified', ...event }, tx)
        return 'verified'
      })
    },

    /** Who reads the mail of the address did not make the account that has it. */
    disown: async (token: string, ip: string): Promise<LinkResult> => {
      const link = open(token)
      if (link.state !== 'live') return link.state
      const { poolId, applicationId, email } = link
      return db.transaction(async (tx) => {
        const holder = await selectEmailHolder(tx, { poolId, email })
        if (holder === undefined) return 'moved'
        const unproved = { poolId, applicationId, userId: holder.id, email, ip }
        return (await firstProof.disown(unproved, tx)) ? 'disowned' : 'kept'
      })
    },
  }
}

export type EmailVerification = ReturnType<typeof createEmailVerification>

/** Undefined where it is none of ours, whatever it is. */
const claimOf = (keyring: Keyring, token: string): Claim | undefined => {
  try {
    const [poolId, applicationId, email, expiresAt] = JSON.parse(keyring.unseal(token, context)) as [
      string,
      string,
      string,
      number,
    ]
    return { poolId, applicationId, email, expiresAt }
  } catch {
    return undefined
  }
}
