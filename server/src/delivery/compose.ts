// What stands in a message: the words of its passcode or of its notice, made anew whenever they are needed, for whoever
// carries it.
//
// What must stay true: nothing of it is kept (rule 3); a notice goes only where its words can be read again: not by a
// call, and not in a template that was made for a code.
import type { Clock } from '../core/clock.ts'
import { newId } from '../core/crypto.ts'
import type { EmailVerification } from '../email-verification/email-verification.ts'
import { type LetterBody, toLetter } from '../mail/mail.ts'
import { type MessageRow, minutesOf } from '../messages/messages.ts'
import type { Notices, NoticeWords } from '../notices/notices.ts'
import type { Passcodes } from '../passcodes/passcodes.ts'
import { type E164, prefixesOf, type Region } from '../phone-numbers/phone-numbers.ts'
import type { OutgoingMessage, Providers } from '../providers/providers.ts'
import { channelOf, type Step } from '../routing/routing.ts'
import {
  carriesLink,
  type MessageChannel,
  type RenderRequest,
  type Templates,
} from '../templates/templates.ts'

export type Content =
  | { kind: 'passcode'; code: string }
  /** By email, in place of a code. */
  | { kind: 'link'; url: string }
  | { kind: 'notice'; words: NoticeWords }

/** A passcode message that need not exist yet. */
export type MessageSample = Omit<RenderRequest, 'poolId' | 'channel' | 'text'>

export type ComposeDeps = {
  passcodes: Passcodes
  notices: Notices
  templates: Templates
  emailVerification: EmailVerification
  providers: Providers
  clock: Clock
}

export const createCompose = (deps: ComposeDeps) => {
  const { passcodes, notices, templates, emailVerification, providers, clock } = deps

  const textOf = async (message: MessageRow, channel: MessageChannel, content: Content): Promise<string> => {
    if (content.kind === 'notice') return content.words.text
    const { pool_id: poolId } = message
    return content.kind === 'link'
      ? templates.render({ poolId, channel, ...sampleOf(message, ''), link: content.url })
      : templates.render({ poolId, channel, ...sampleOf(message, content.code) })
  }

  return {
    /** Undefined: what it carries, or the key that it was made with, is gone. */
    contentOf: async (message: MessageRow): Promise<Content | undefined> => {
      if (message.notice_id === null) {
        if (carriesLink(message.channel, message.purpose)) {
          return { kind: 'link', url: emailVerification.linkOf(message) }
        }
        const code = passcodes.codeOfMessage(message)
        return code === undefined ? undefined : { kind: 'passcode', code }
      }
      const to = { app: message.application_name, language: message.language }
      const words = await notices.tell(message.pool_id, message.notice_id, to)
      return words === undefined ? undefined : { kind: 'notice', words }
    },

    textOf,

    sampleText: (poolId: string, channel: MessageChannel, sample: MessageSample): Promise<string> =>
      templates.render({ poolId, channel, ...sample }),

    /** As a mail server takes it. */
    forMailbox: async (message: MessageRow, content: Content): Promise<LetterBody> => {
      const { language: locale } = message
      if (content.kind === 'notice') {
        const { subject, letter } = content.words
        return toLetter({ subject, text: letter.text, locale, link: letter.link })
      }
      const text = await textOf(message, 'email', content)
      const subject = await templates.renderSubject({
        poolId: message.pool_id,
        channel: 'email',
        ...sampleOf(message, ''),
      })
      return content.kind === 'link'
        ? toLetter({ subject, text, locale, link: { url: content.url, label: templates.linkLabel(locale) } })
        : toLetter({ subject, text, locale, code: content.code })
    },

    /** As a provider takes it. */
    forPhone: async (message: MessageRow, step: Step, content: Content): Promise<OutgoingMessage> => {
      const phone = message.recipient as E164
      const channel = channelOf(step)
      const { from, provider } = step
      return {
        id: newId(clock),
        channel,
        to: phone,
        region: regionOf(phone),
        from,
        text: await textOf(message, channel, content),
        locale: message.language,
        receiptUrl: providers.receiptUrlOf(message.pool_id, provider),
        ...templateOf(message, step, content),
      }
    },
  }
}

export type Compose = ReturnType<typeof createCompose>

const sampleOf = (message: MessageRow, code: string): MessageSample => ({
  locale: message.language,
  region: message.region ?? undefined,
  purpose: message.purpose,
  code,
  minutes: minutesOf(message),
  app: message.application_name,
  webOtpHost: message.web_otp_host ?? undefined,
  androidHash: message.android_sms_hash ?? undefined,
})

/** What a provider needs that sends only templates which it has approved. */
const templateOf = (
  message: MessageRow,
  step: Step,
  content: Content,
): Pick<OutgoingMessage, 'templateId' | 'isNotice' | 'parameters' | 'templateParameters'> => {
  const app = message.application_name
  if (content.kind === 'passcode') {
    const { code } = content
    return {
      templateId: step.templateId,
      parameters: { code, minutes: String(minutesOf(message)), app },
      templateParameters: step.templateParameters ?? [],
    }
  }
  if (content.kind === 'link') throw new Error('a link for an email address goes by email')
  const { change, link = '' } = content.words
  return {
    templateId: step.noticeTemplateId,
    isNotice: true,
    parameters: { code: '', minutes: '', app, change, link },
    templateParameters: ['app', 'change', 'link'],
  }
}

/** Undefined for a number that belongs to no region. */
const regionOf = (phone: E164): Region | undefined => {
  const { region } = prefixesOf(phone)
  return /^[A-Z]{2}$/.test(region) ? (region as Region) : undefined
}
