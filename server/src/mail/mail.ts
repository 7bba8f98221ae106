// Messages to email addresses: sending a passcode, or a link, there.
//
// What must stay true: the message is written before the mail server is called (rule 23); the reply is the same whether
// or not somebody has the address, and takes the same time (rule 10).
import { ApiError } from '../api-codes.ts'
import type { Application } from '../applications/applications.ts'
import type { Log } from '../core/log.ts'
import { inboxProvider, leaseSeconds } from '../messages/messages.ts'
import { isSentToKnownOnly, type Passcodes, type Purpose } from '../passcodes/passcodes.ts'
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
) => Promise<{ outcome: string } | { outcome: 'failed'; reasons: string[] }>

type Deps = { passcodes: Passcodes; post: Post; deliver: Deliver; log: Log }

export const createMail = ({ passcodes, post, deliver, log }: Deps) => {
  const besideRequests = new Set<Promise<void>>()

  const hand = async (poolId: string, messageId: string, undo: () => Promise<void>): Promise<void> => {
    const result = await deliver(poolId, messageId)
    if (result.outcome !== 'failed') return
    await undo()
    throw new ApiError('email_undeliverable', 'reasons' in result ? result.reasons.join('; ') : '')
  }

  return {
    /**
     * @throws ApiError email_not_configured, sms_cooldown, sms_limit_reached, passcode_attempts_exceeded,
     *   email_undeliverable
     */
    sendPasscode: async ({ email, ...request }: MailRequest): Promise<void> => {
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
      const handed = hand(poolId, issued.id, issued.undo)
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
