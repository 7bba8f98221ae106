// Messages to phones: which provider serves a number, and sending a passcode there. As yet one provider, the built-in
// inbox, which serves every number.
//
// What must stay true: a number that no provider serves is refused before anything is counted (rule 21); the reply is
// the same whether or not somebody has the number (rule 10).
import { ApiError } from '../api-codes.ts'
import type { Application } from '../applications/applications.ts'
import type { Config, Language } from '../config.ts'
import { inboxProvider } from '../messages/messages.ts'
import type { Passcodes, Purpose } from '../passcodes/passcodes.ts'
import { type E164, maskPhone } from '../phone-numbers/phone-numbers.ts'
import type { AccessToken } from '../tokens/tokens.ts'

export type SmsRequest = {
  application: Application
  purpose: Purpose
  phone: E164
  sender: AccessToken | undefined
  ip: string
  language: Language
}

type Deps = { passcodes: Passcodes; config: Pick<Config, 'inbox'> }

export const createSms = ({ passcodes, config }: Deps) => {
  const providerFor = (phone: E164): string => {
    if (config.inbox) return inboxProvider
    throw new ApiError('international_sms_not_configured', `no route for ${maskPhone(phone)}`)
  }

  return {
    /** @throws ApiError international_sms_not_configured, sms_cooldown, sms_limit_reached, passcode_attempts_exceeded */
    sendPasscode: async ({ phone, ...request }: SmsRequest): Promise<void> => {
      const provider = providerFor(phone)
      await passcodes.issue({ ...request, channel: 'sms', recipient: phone, provider })
    },
  }
}

export type Sms = ReturnType<typeof createSms>
