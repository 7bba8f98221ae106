// Messages to email addresses: sending a passcode there. As yet one provider, the built-in inbox.
//
// What must stay true: the reply is the same whether or not somebody has the address (rule 10).
import { ApiError } from '../api-codes.ts'
import type { Application } from '../applications/applications.ts'
import type { Config } from '../config.ts'
import { inboxProvider } from '../messages/messages.ts'
import type { Passcodes, Purpose } from '../passcodes/passcodes.ts'
import type { AccessToken } from '../tokens/tokens.ts'

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

type Deps = { passcodes: Passcodes; config: Pick<Config, 'inbox'> }

export const createMail = ({ passcodes, config }: Deps) => ({
  /** @throws ApiError email_not_configured, sms_cooldown, sms_limit_reached, passcode_attempts_exceeded */
  sendPasscode: async ({ email, ...request }: MailRequest): Promise<void> => {
    if (!config.inbox) throw new ApiError('email_not_configured', 'no email provider')
    await passcodes.issue({ ...request, channel: 'email', recipient: email, provider: inboxProvider })
  },
})

export type Mail = ReturnType<typeof createMail>
