// What a person sees who opens the link: what was made in the name of the address, two buttons, then the answer.
import type { Language } from '../config.ts'
import { html, htmlPage } from '../core/html.ts'
import { timeWords } from '../notices/notices.ts'
import type { Asked, LinkResult } from './email-verification.ts'

type Words = {
  ask: string
  made(app: string, when: string): string
  wasMe: string
  confirm: string
  wasNotMe: string
  disown: string
  results: Record<LinkResult, { title: string; text: string }>
}

const words: Record<Language, Words> = {
  'en-US': {
    ask: 'Confirm your email address',
    made: (app, when) => `Somebody made an account in ${app} with this address and a password (${when}).`,
    wasMe: 'Was it you? Then confirm.',
    confirm: 'It was me: confirm',
    wasNotMe:
      'Was it not you? Then do not confirm: whoever made the account would stay in it. Say so, and the address is taken off it, every device is signed out, and its password and passkeys open nothing any more. You are then free to use the address.',
    disown: 'It was not me',
    results: {
      verified: { title: 'Your email address is confirmed', text: 'You can close this page.' },
      disowned: {
        title: 'That account no longer has your address',
        text: 'Every device was signed out of it, and its password, passkeys and factors are gone. Nobody has your address here now: you are free to use it.',
      },
      moved: {
        title: 'Nothing was changed',
        text: 'No account has this email address any more. Bind it first, then ask for a new link.',
      },
      kept: {
        title: 'Nothing was changed',
        text: 'Somebody who reads the mail of this address has confirmed it already. If that was not you, set a new password with “forgot password”: that signs out every device.',
      },
      expired: {
        title: 'This link has expired',
        text: 'It worked for 24 hours. Ask for a new one where you asked for this one.',
      },
      unknown: {
        title: 'This link is not valid',
        text: 'Maybe a part of it was cut off: copy the whole address from the email, or ask for a new link.',
      },
    },
  },
  'zh-CN': {
    ask: '确认您的邮箱',
    made: (app, when) => `有人使用此邮箱和密码在 ${app} 注册了账号(${when})。`,
    wasMe: '如为本人操作,请确认。',
    confirm: '是我本人,确认',
    wasNotMe:
      '如非本人操作,请勿确认,否则注册者仍可使用该账号。请选择“不是我”:此邮箱将从该账号移除,所有设备退出登录,其密码和通行密钥不能再用于登录,您可以自由使用此邮箱。',
    disown: '不是我',
    results: {
      verified: { title: '邮箱已验证', text: '您可以关闭此页面。' },
      disowned: {
        title: '该账号不再拥有您的邮箱',
        text: '该账号的所有设备已退出登录,其密码、通行密钥和多因素认证已被移除。现在没有账号使用您的邮箱,您可以自由使用。',
      },
      moved: { title: '未作任何更改', text: '该邮箱已不属于任何账号。请先绑定邮箱,再重新获取链接。' },
      kept: {
        title: '未作任何更改',
        text: '能够查收此邮箱的人已确认过该邮箱。如非本人操作,请通过“忘记密码”设置新密码,所有设备将退出登录。',
      },
      expired: { title: '链接已过期', text: '链接在 24 小时内有效,请重新获取。' },
      unknown: { title: '链接无效', text: '链接可能不完整:请从邮件中复制完整地址,或重新获取链接。' },
    },
  },
}

/** The answer of the second button. */
export const notMe = 'not_me'

/** The forms go to the address of the page itself, which holds the token. */
export const askPage = (language: Language, { email, app, accountMadeAt }: Asked): string => {
  const { ask, made, wasMe, confirm, wasNotMe, disown } = words[language]
  return htmlPage({
    language,
    title: ask,
    body: html`<p><strong>${email}</strong></p>
<p>${made(app, timeWords(accountMadeAt, language))}</p>
<p>${wasMe}</p>
<form method="post"><button>${confirm}</button></form>
<p>${wasNotMe}</p>
<form method="post" action="?answer=${notMe}"><button>${disown}</button></form>`,
  })
}

export const resultPage = (language: Language, result: LinkResult): string => {
  const { title, text } = words[language].results[result]
  return htmlPage({ language, title, body: html`<p>${text}</p>` })
}

/** As HTTP says it (RFC 9110, section 15.5). */
export const resultStatus = {
  verified: 200,
  disowned: 200,
  moved: 409,
  kept: 409,
  expired: 410,
  unknown: 404,
} as const satisfies Record<LinkResult, number>
