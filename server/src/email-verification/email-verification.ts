// The link by which a person confirms an email address, in place of a code.
//
// What must stay true: a link confirms one address of one pool, and only for the user who has the address when it is
// used; nothing is stored for it, it is sealed by a key outside the database; opening it changes nothing, because mail
// scanners open every link; a forged, cut or expired one is a page that says so.
import type { Audit } from '../audit/audit.ts'
import type { Config } from '../config.ts'
import { type Clock, secondsAfter } from '../core/clock.ts'
import type { Keyring } from '../core/crypto.ts'
import type { Database } from '../core/database.ts'
import { markEmailVerified, selectEmailHolder } from './store.ts'

/** As the words of the message say. */
const linkTtlSeconds = 86_400

const context = 'email verification link'

/** Of the message that carries the link: it is made again whenever the message is. */
export type LinkMessage = { pool_id: string; application_id: string; recipient: string; created_at: Date }

type Claim = { poolId: string; applicationId: string; email: string; expiresAt: number }

export type OpenedLink =
  | { state: 'live'; poolId: string; applicationId: string; email: string }
  | { state: 'expired' }
  | { state: 'unknown' }

type Deps = {
  db: Database
  keyring: Keyring
  audit: Audit
  clock: Clock
  config: Pick<Config, 'publicUrl'>
}

export const createEmailVerification = ({ db, keyring, audit, clock, config }: Deps) => {
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
    open,

    /** A second time it changes nothing. `moved`: nobody of the pool has the address any more. */
    verify: async (token: string, ip: string): Promise<'verified' | 'moved' | 'expired' | 'unknown'> => {
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
