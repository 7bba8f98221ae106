// The pages behind the links of notices, in English and Chinese.
//
// What must stay true: numbers and addresses are masked, since a link may be in the wrong hands; a page without a button
// says what to do instead.
import type { Language } from '../config.ts'
import { html, htmlPage, type Markup } from '../core/html.ts'
import { changeWords, masked, timeWords } from '../notices/notices.ts'
import type { LinkAction, LinkOutcome, LinkResult, OpenedLink } from './undo.ts'

/** What a page asks: stopping a change is more than stopping a claim. */
type Question = LinkAction | 'stop_change'

type Words = {
  facts: Record<'app' | 'when' | 'before' | 'after', string>
  ask: Record<Question, { lead: string; effect: string; button: string }>
  results: Record<LinkResult, { title: string; text: string }>
  signedOut: string
  needsPassword(app: string): string
  used: { title: string; text(app: string): string }
  expired: { title: string; text(app: string): string }
  unknown: { title: string; text: string }
}

const words: Record<Language, Words> = {
  'en-US': {
    facts: { app: 'Application', when: 'When', before: 'Before', after: 'After' },
    ask: {
      undo: {
        lead: 'Was it you? Then close this page: nothing has to be done.',
        effect:
          'Was it not you? Undo it. Every device is signed out, passkeys and factors that were added around that time are removed, and the password opens nothing until you set a new one.',
        button: 'It was not me: undo it',
      },
      stop: {
        lead: 'Was it you? Then close this page: nothing has to be done.',
        effect: 'Was it not you? Stop it.',
        button: 'It was not me: stop it',
      },
      stop_change: {
        lead: 'Was it you? Then close this page: nothing has to be done.',
        effect:
          'Was it not you? Stop it. Every device is signed out, passkeys and factors that were added around that time or since are removed, and the password opens nothing until you set a new one. Where the change was made already, it is undone.',
        button: 'It was not me: stop it',
      },
    },
    results: {
      restored: { title: 'It is undone', text: 'Your account has its former number or address again.' },
      removed: { title: 'It is undone', text: 'The number or address was taken off your account.' },
      nothing: {
        title: 'There was nothing left to undo',
        text: 'Your account had already changed since. Please check the number and the address that it has now.',
      },
      secured: {
        title: 'Your account is secured',
        text: 'The old password cannot come back, but the new one opens nothing any more.',
      },
      stopped: { title: 'It is stopped', text: 'Your account keeps the number that it has.' },
      only_way: {
        title: 'Nothing was undone',
        text: 'Undoing this would leave your account with neither a phone nor an email address, so that nobody could sign in to it again. If somebody else took the other one off, undo that first, by the link of the message that told of it; then open this link again.',
      },
    },
    signedOut: 'Every device was signed out, and every code that was sent before is void.',
    needsPassword: (app) =>
      `Now set a new password in ${app} with “forgot password”; until then you can sign in with a code.`,
    used: {
      title: 'This link has been used',
      text: (app) =>
        `Each link works once, and an earlier one that was used takes the later ones with it. If that was not you, ask the people of ${app} for help.`,
    },
    expired: {
      title: 'This link has expired',
      text: (app) =>
        `Links work for 7 days. If the change was not yours, ask the people of ${app} for help, and change your password.`,
    },
    unknown: {
      title: 'This link is not known here',
      text: 'It may have been cut in two by a mail program: copy the whole address from the message. A link of a deleted account, or one that is older than a week, is not known any more.',
    },
  },
  'zh-CN': {
    facts: { app: '应用', when: '时间', before: '变更前', after: '变更后' },
    ask: {
      undo: {
        lead: '如为本人操作，请关闭此页面，无需处理。',
        effect:
          '如非本人操作，请撤销。撤销后所有设备将退出登录，在此前后添加的通行密钥和多因素认证将被移除，原密码在重置前不能再用于登录。',
        button: '不是我，撤销此变更',
      },
      stop: {
        lead: '如为本人操作，请关闭此页面，无需处理。',
        effect: '如非本人操作，请阻止此操作。',
        button: '不是我，阻止此操作',
      },
      stop_change: {
        lead: '如为本人操作，请关闭此页面，无需处理。',
        effect:
          '如非本人操作，请阻止此操作。阻止后所有设备将退出登录，在此前后及之后添加的通行密钥和多因素认证将被移除，原密码在重置前不能再用于登录。如手机号已更换，将恢复为原手机号。',
        button: '不是我，阻止此操作',
      },
    },
    results: {
      restored: { title: '已撤销', text: '您的账号已恢复为原来的手机号或邮箱。' },
      removed: { title: '已撤销', text: '该手机号或邮箱已从您的账号移除。' },
      nothing: { title: '没有可撤销的内容', text: '您的账号此后已再次变更，请检查当前绑定的手机号和邮箱。' },
      secured: { title: '账号已保护', text: '旧密码无法恢复，但新密码已不能再用于登录。' },
      stopped: { title: '已阻止', text: '您的账号保留当前的手机号。' },
      only_way: {
        title: '未撤销任何内容',
        text: '撤销后您的账号将既无手机号也无邮箱，无人能再登录。如另一项由他人解绑，请先打开通知该变更的消息中的链接进行撤销，然后重新打开此链接。',
      },
    },
    signedOut: '所有设备已退出登录，此前发送的验证码均已失效。',
    needsPassword: (app) => `请在 ${app} 通过“忘记密码”设置新密码；在此之前可使用验证码登录。`,
    used: {
      title: '此链接已使用',
      text: (app) =>
        `每个链接只能使用一次；使用较早的链接后，较晚的链接同时失效。如非本人操作，请联系 ${app} 寻求帮助。`,
    },
    expired: {
      title: '此链接已过期',
      text: (app) => `链接有效期为 7 天。如该变更非本人操作，请联系 ${app} 寻求帮助，并修改密码。`,
    },
    unknown: {
      title: '无法识别此链接',
      text: '链接可能被邮件程序截断，请从消息中复制完整地址。已注销账号的链接和超过一周的链接将无法识别。',
    },
  },
}

const sentence = (text: string, language: Language): string =>
  language === 'zh-CN' ? `${text}。` : `${text.charAt(0).toUpperCase()}${text.slice(1)}.`

const factsOf = ({ notice, app }: OpenedLink, language: Language): Markup => {
  const { facts } = words[language]
  const rows: [string, string][] = [
    [facts.app, app],
    [facts.when, timeWords(notice.createdAt, language)],
    [facts.before, masked(notice.detail.before)],
    [facts.after, masked(notice.detail.after)],
  ]
  const shown = rows.filter(([, value]) => value !== '')
  return html`<dl>${shown.map(([name, value]) => html`<dt>${name}</dt><dd>${value}</dd>`)}</dl>`
}

/** Asks before anything is done. The form goes to the page's own address. */
export const askPage = (link: OpenedLink, action: LinkAction, language: Language): string => {
  const { kind, detail } = link.notice
  const { subject, change } = changeWords({ kind, detail, language })
  const { lead, effect, button } =
    words[language].ask[kind === 'phone_change_requested' ? 'stop_change' : action]
  return htmlPage({
    language,
    title: subject,
    body: html`<p>${sentence(change, language)}</p>
${factsOf(link, language)}
<p>${lead}</p>
<p>${effect}</p>
<form method="post"><button>${button}</button></form>`,
  })
}

export const donePage = (
  { app }: OpenedLink,
  done: Extract<LinkOutcome, { outcome: 'done' }>,
  language: Language,
): string => {
  const { results, signedOut, needsPassword } = words[language]
  const { title, text } = results[done.result]
  const further = [
    ...(done.signedOut ? [signedOut] : []),
    ...(done.needsPassword ? [needsPassword(app)] : []),
  ].map((line) => html`<p>${line}</p>\n`)
  return htmlPage({ language, title, body: html`<p>${text}</p>\n${further}` })
}

/** A link that acts no more. */
export const spentPage = ({ app }: OpenedLink, state: 'used' | 'expired', language: Language): string => {
  const { title, text } = words[language][state]
  return htmlPage({ language, title, body: html`<p>${text(app)}</p>` })
}

export const unknownPage = (language: Language): string => {
  const { title, text } = words[language].unknown
  return htmlPage({ language, title, body: html`<p>${text}</p>` })
}
