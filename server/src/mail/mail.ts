// Messages to email addresses: sending a passcode, or a link, there.
//
// What must stay true: the message is written before the mail server is called (rule 23); the reply is the same whether
// or not somebody has the address, takes the same time, and leaves the same waiting time behind (rule 10).
import { ApiError } from '../api-codes.ts'
import type { Application } from '../applications/applications.ts'
import type { Log } from '../core/log.ts'
import { inboxProvider, leaseSeconds } from '../messages/messages.ts'
import {
  type IssuedMessage,
  isSentToKnownOnly,
  type Passcodes,
  type Purpose,
} from '../passcodes/passcodes.ts'
import type { AccessToken } from '../tokens/tokens.ts'
import type { Post } from './post.ts'

export { type LetterBody, toLetter } from './letters.ts'
export { createPost, type Letter, type Post, type PostOutcome } from './post.ts'
export { createMailSettings, MailEntry, type MailServer, type MailSettings, ShownMail } from './settings.ts'
export { createTestLetters, type TestLetters } from './test-letter.ts'

export type MailRequest = {
  application: Application
  purpose: Purpose
  /** Canonical: lower case. */
  email: string
  sender: AccessToken | undefined
  ip: string
  /** BCP 47. */
  language: string
}

/** As `deliver` of delivery, which is built on the post and so cannot be named here. */
type Deliver = (
  poolId: string,
  messageId: string,
) => Promise<{ outcome: string } | { outcome: 'failed'; reasons: string[]; mayHaveGone: boolean }>

type Deps = { passcodes: Passcodes; post: Post; deliver: Deliver; log: Log }

export const createMail = ({ passcodes, post, deliver, log }: Deps) => {
  const besideRequests = new Set<Promise<void>>()

  const hand = async (
    { application, purpose }: MailRequest,
    messageId: string,
    issued: IssuedMessage,
  ): Promise<void> => {
    const result = await deliver(application.poolId, messageId)
    if (result.outcome !== 'failed' || !('reasons' in result)) return
    // To an address that nobody has nothing goes, and so its waiting time never ends early (rule 10).
    if (!result.mayHaveGone && !isSentToKnownOnly(purpose, application)) await issued.endCooldown()
    throw new ApiError('email_undeliverable', result.reasons.join('; '))
  }

  return {
    /**
     * @throws ApiError email_not_configured, sms_cooldown, sms_limit_reached, passcode_attempts_exceeded,
     *   email_undeliverable
     */
    sendPasscode: async (wish: MailRequest): Promise<void> => {
      const { email, ...request } = wish
      const { application, purpose } = request
      const { poolId } = application
      const carrier = await post.carrierOf(poolId)
      if (carrier === undefined) throw new ApiError('email_not_configured', 'no mail server, and no inbox')
      const wanted = { ...request, channel: 'email' as const, recipient: email }
      if (carrier === 'inbox') {
        await passcodes.issue({ ...wanted, provider: inboxProvider })
        return
      }
      const issued = await passcodes.issue({ ...wanted, leaseSeconds })
      if (issued.id === undefined) return
      const handed = hand(wish, issued.id, issued)
      if (!isSentToKnownOnly(purpose, application)) return handed
      // Only an address that somebody has gets this letter: who asks must not see how long the server took (rule 10).
      const aside = handed
        .catch((error: unknown) => log.warn({ err: error }, 'a letter was not delivered'))
        .finally(() => besideRequests.delete(aside))
      besideRequests.add(aside)
    },

    /** When every letter that is being delivered beside its request is done. */
    settle: async (): Promise<void> => {
      await Promise.all(besideRequests)
    },
  }
}

export type Mail = ReturnType<typeof createMail>
