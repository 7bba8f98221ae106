// What a notice says, in English and Chinese: to a phone in one short text, to a mailbox as a letter, and on the page
// that its link opens.
//
// What must stay true: no value adds a line to a text; numbers and addresses are masked, since a notice goes to places
// that may be another person's by now; no notice holds a code.
import { maskEmail } from '../audit/audit.ts'
import type { Language } from '../config.ts'
import { isPhone, maskPhone } from '../phone-numbers/phone-numbers.ts'

/** Masked; empty where the notice has none. `earlier`: it was there before the address that is told was proved. */
type Sides = { before: string; after: string; earlier: boolean }

type Row = Record<Language, { subject: string; change(sides: Sides): string }>

const rows = {
  phone_bound: {
    'en-US': {
      subject: 'A phone was bound to your account',
      change: ({ after, earlier }) =>
        earlier
          ? `the phone ${after} was bound to your account before you proved this address`
          : `the phone ${after} was bound to your account`,
    },
    'zh-CN': {
      subject: '您的账号绑定了手机号',
      change: ({ after, earlier }) =>
        earlier ? `在您验证此邮箱之前，您的账号已绑定手机号 ${after}` : `您的账号绑定了手机号 ${after}`,
    },
  },
  phone_changed: {
    'en-US': {
      subject: 'The phone of your account was changed',
      change: ({ before, after }) => `the phone of your account was changed from ${before} to ${after}`,
    },
    'zh-CN': {
      subject: '您的账号更换了手机号',
      change: ({ before, after }) => `您的账号手机号已由 ${before} 更换为 ${after}`,
    },
  },
  phone_unbound: {
    'en-US': {
      subject: 'The phone was taken off your account',
      change: ({ before }) => `the phone ${before} was taken off your account`,
    },
    'zh-CN': { subject: '您的账号解绑了手机号', change: ({ before }) => `您的账号解绑了手机号 ${before}` },
  },
  email_bound: {
    'en-US': {
      subject: 'An email address was bound to your account',
      change: ({ after }) => `the email address ${after} was bound to your account`,
    },
    'zh-CN': { subject: '您的账号绑定了邮箱', change: ({ after }) => `您的账号绑定了邮箱 ${after}` },
  },
  email_changed: {
    'en-US': {
      subject: 'The email address of your account was changed',
      change: ({ before, after }) =>
        `the email address of your account was changed from ${before} to ${after}`,
    },
    'zh-CN': {
      subject: '您的账号更换了邮箱',
      change: ({ before, after }) => `您的账号邮箱已由 ${before} 更换为 ${after}`,
    },
  },
  email_unbound: {
    'en-US': {
      subject: 'The email address was taken off your account',
      change: ({ before }) => `the email address ${before} was taken off your account`,
    },
    'zh-CN': { subject: '您的账号解绑了邮箱', change: ({ before }) => `您的账号解绑了邮箱 ${before}` },
  },
  password_changed: {
    'en-US': {
      subject: 'The password of your account was changed',
      change: () => 'the password of your account was changed',
    },
    'zh-CN': { subject: '您的账号修改了密码', change: () => '您的账号密码已修改' },
  },
  phone_change_requested: {
    'en-US': {
      subject: 'Somebody asked to change the phone of your account',
      change: ({ before, after }) =>
        `somebody asked to change the phone of your account from ${before} to ${after} without the old phone`,
    },
    'zh-CN': {
      subject: '有人申请更换您的账号手机号',
      change: ({ before, after }) =>
        `有人申请在无法使用原手机号的情况下，将您的账号手机号由 ${before} 更换为 ${after}`,
    },
  },
  phone_claim_started: {
    'en-US': {
      subject: 'Somebody else has the phone of your account',
      change: ({ before, after }) =>
        `somebody else proved to have the phone ${before || after} of your account, and may soon take it over`,
    },
    'zh-CN': {
      subject: '有人正在使用您的账号手机号',
      change: ({ before, after }) =>
        `有人证明持有您账号的手机号 ${before || after}，该号码可能很快转到对方账号`,
    },
  },
  phone_claimed: {
    'en-US': {
      subject: 'The phone of your account went to its new owner',
      change: ({ before, after }) =>
        `the phone ${before || after} was taken off your account, because somebody else proved to have it`,
    },
    'zh-CN': {
      subject: '您的账号手机号已转给新的持有人',
      change: ({ before, after }) => `手机号 ${before || after} 已由他人证明持有，并已从您的账号解绑`,
    },
  },
  change_undone: {
    'en-US': {
      subject: 'A change to your account was undone',
      change: () => 'a change to your account was undone from a notice, and every device was signed out',
    },
    'zh-CN': {
      subject: '您的账号变更已撤销',
      change: () => '您的账号的一项变更已通过通知链接撤销，所有设备已退出登录',
    },
  },
  account_deleted: {
    'en-US': { subject: 'Your account was deleted', change: () => 'your account was deleted' },
    'zh-CN': { subject: '您的账号已注销', change: () => '您的账号已注销' },
  },
} as const satisfies Record<string, Row>

export type WordedKind = keyof typeof rows

export type Worded = {
  kind: WordedKind
  action: 'undo' | 'stop' | undefined
  detail: { before?: string | undefined; after?: string | undefined; earlier?: boolean | undefined }
  createdAt: Date
  /** The application's name. */
  app: string
  language: Language
  link: string | undefined
}

export type NoticeWords = {
  subject: string
  /** What happened: part of a sentence. */
  change: string
  link: string | undefined
  /** For a phone, with the link. */
  text: string
  letter: { text: string; link: { url: string; label: string } | undefined }
}

/** Of a BCP 47 tag. */
export const noticeLanguageOf = (tag: string, fallback: Language): Language => {
  const primary = tag.toLowerCase().split('-')[0]
  if (primary === 'zh') return 'zh-CN'
  return primary === 'en' ? 'en-US' : fallback
}

export const masked = (value: string | undefined): string => {
  if (value === undefined) return ''
  return isPhone(value) ? maskPhone(value) : maskEmail(value)
}

export const changeWords = ({ kind, detail, language }: Pick<Worded, 'kind' | 'detail' | 'language'>) => {
  const { subject, change } = (rows[kind] satisfies Row)[language]
  const { before, after, earlier = false } = detail
  return { subject, change: change({ before: masked(before), after: masked(after), earlier }) }
}

/** In UTC: who reads it may be anywhere. */
export const timeWords = (at: Date, language: Language): string => {
  const words = new Intl.DateTimeFormat(language, { dateStyle: 'long', timeStyle: 'short', timeZone: 'UTC' })
  return `${words.format(at)} UTC`
}

const labels: Record<'undo' | 'stop', Record<Language, string>> = {
  undo: { 'en-US': 'Undo this change', 'zh-CN': '撤销此变更' },
  stop: { 'en-US': 'Stop it', 'zh-CN': '阻止此操作' },
}

const shortTexts: Record<Language, Record<'undo' | 'stop', (link: string) => string>> = {
  'en-US': {
    undo: (link) => ` Not you? Undo it within 7 days: ${link}`,
    stop: (link) => ` Not you? Stop it within 7 days: ${link}`,
  },
  'zh-CN': {
    undo: (link) => `如非本人操作，请在 7 天内打开链接撤销：${link}`,
    stop: (link) => `如非本人操作，请在 7 天内打开链接阻止：${link}`,
  },
}

const advice: Record<Language, Record<'undo' | 'stop', readonly string[]>> = {
  'en-US': {
    undo: [
      'Was it you? Then there is nothing to do.',
      'Was it not you? Undo it within 7 days. Every device is signed out, and your password opens nothing until you set a new one.',
    ],
    stop: ['Was it you? Then there is nothing to do.', 'Was it not you? Stop it.'],
  },
  'zh-CN': {
    undo: [
      '如为本人操作，无需处理。',
      '如非本人操作，请在 7 天内撤销。撤销后所有设备将退出登录，原密码在重置前不能再用于登录。',
    ],
    stop: ['如为本人操作，无需处理。', '如非本人操作，请阻止此操作。'],
  },
}

const onOneLine = (value: string): string => value.replace(/[\p{Cc}\u2028\u2029]+/gu, ' ').trim()

export const wordsOf = (notice: Worded): NoticeWords => {
  const { action, createdAt, language, link } = notice
  const app = onOneLine(notice.app)
  const { subject, change } = changeWords(notice)
  const isChinese = language === 'zh-CN'
  const short = isChinese ? `【${app}】${change}。` : `${app}: ${change}.`
  const when = timeWords(createdAt, language)
  const told = isChinese ? `${app}：${change}（${when}）。` : `${app}: ${change} (${when}).`
  const hasLink = action !== undefined && link !== undefined
  return {
    subject: isChinese ? `${app}：${subject}` : `${app}: ${subject}`,
    change,
    link,
    text: hasLink ? `${short}${shortTexts[language][action](link)}` : short,
    letter: {
      text: [told, ...(action === undefined ? [] : advice[language][action])].join('\n\n'),
      link: hasLink ? { url: link, label: labels[action][language] } : undefined,
    },
  }
}
