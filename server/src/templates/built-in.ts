// The words that every pool has, in English and Chinese, for every channel and purpose.
import type { Language } from '../config.ts'
import { type MessageChannel, messageChannels } from './entry.ts'

export const languages = ['en-US', 'zh-CN'] as const satisfies readonly Language[]

const written: Record<Language, string> = {
  'en-US':
    '{{code}} is your {{app}} code to {{purpose}}. It is valid for {{minutes}} minutes. Tell it to nobody.',
  // A sender's name in these brackets opens every SMS in China.
  'zh-CN': '【{{app}}】验证码 {{code}},用于{{purpose}},{{minutes}} 分钟内有效。请勿告知他人。',
}

/** A provider of calls says it all twice: nobody can scroll back in a call. */
const spoken: Record<Language, string> = {
  'en-US':
    'Hello. Your {{app}} code to {{purpose}} is: {{code}}. It is valid for {{minutes}} minutes. Tell it to nobody.',
  'zh-CN': '您好,您的{{app}}验证码是:{{code}}。用于{{purpose}},{{minutes}} 分钟内有效。请勿告知他人。',
}

/** The code on a line of its own, where a letter shows it large. */
const mailed: Record<Language, string> = {
  'en-US':
    'Your {{app}} code to {{purpose}}:\n\n{{code}}\n\nIt is valid for {{minutes}} minutes. Tell it to nobody, whoever asks. If you did not ask for it, you can ignore this email.',
  'zh-CN':
    '您的{{app}}验证码,用于{{purpose}}:\n\n{{code}}\n\n{{minutes}} 分钟内有效。请勿告知任何人。如非您本人操作,请忽略此邮件。',
}

const linked: Record<Language, string> = {
  'en-US':
    'Somebody made an account in {{app}} with this address and a password.\n\nWas it you? Then open this link to {{purpose}}:\n\n{{link}}\n\nIt works for 24 hours. Was it not you? Open it all the same, and press “It was not me”: the address is taken off that account.',
  'zh-CN':
    '有人使用此邮箱和密码在{{app}}注册了账号。\n\n如为您本人操作,请打开以下链接{{purpose}}:\n\n{{link}}\n\n24 小时内有效。如非您本人操作,也请打开链接并选择“不是我”:此邮箱将从该账号移除。',
}

const codeSubject: Record<Language, string> = {
  'en-US': 'Your {{app}} code to {{purpose}}',
  'zh-CN': '{{app}}验证码:{{purpose}}',
}

const linkSubject: Record<Language, string> = {
  'en-US': '{{app}}: {{purpose}}',
  'zh-CN': '{{app}}:{{purpose}}',
}

/** What stands on the button of a link. */
export const linkLabels: Record<Language, string> = { 'en-US': 'Open the link', 'zh-CN': '打开链接' }

/** Whether a message brings a link in place of a code. */
export const carriesLink = (channel: MessageChannel, purpose: string): boolean =>
  channel === 'email' && purpose === 'verify_email'

const words: Record<MessageChannel, Record<Language, string>> = {
  sms: written,
  voice: spoken,
  whatsapp: written,
  email: mailed,
}

const ofAnyPurpose = messageChannels.flatMap((channel) =>
  languages.map((locale) => ({
    channel,
    locale,
    region: '',
    purpose: '',
    ...(channel === 'email' && { subject: codeSubject[locale] }),
    text: words[channel][locale],
  })),
)

/** What every pool has, without a row. */
export const builtInTemplates = [
  ...ofAnyPurpose,
  ...languages.map((locale) => ({
    channel: 'email' as const,
    locale,
    region: '',
    purpose: 'verify_email',
    subject: linkSubject[locale],
    text: linked[locale],
  })),
]
