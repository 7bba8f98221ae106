// What a person sees who opens the link: a question with one button, then the answer.
import type { Language } from '../config.ts'
import { html, htmlPage, type Markup } from '../core/html.ts'

type Words = {
  ask: string
  button: string
  results: Record<'verified' | 'moved' | 'expired' | 'unknown', { title: string; text: string }>
}

const words: Record<Language, Words> = {
  'en-US': {
    ask: 'Confirm your email address',
    button: 'Confirm',
    results: {
      verified: { title: 'Your email address is confirmed', text: 'You can close this page.' },
      moved: {
        title: 'Nothing was changed',
        text: 'No account has this email address any more. Bind it first, then ask for a new link.',
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
    button: '确认',
    results: {
      verified: { title: '邮箱已验证', text: '您可以关闭此页面。' },
      moved: { title: '未作任何更改', text: '该邮箱已不属于任何账号。请先绑定邮箱,再重新获取链接。' },
      expired: { title: '链接已过期', text: '链接在 24 小时内有效,请重新获取。' },
      unknown: { title: '链接无效', text: '链接可能不完整:请从邮件中复制完整地址,或重新获取链接。' },
    },
  },
}

export type VerificationResult = keyof Words['results']

/** The form goes to the address of the page itself, which holds the token. */
export const askPage = (language: Language, email: string): string => {
  const { ask, button } = words[language]
  return page(
    language,
    ask,
    html`<p><strong>${email}</strong></p>
<form method="post"><button>${button}</button></form>`,
  )
}

export const resultPage = (language: Language, result: VerificationResult): string => {
  const { title, text } = words[language].results[result]
  return page(language, title, html`<p>${text}</p>`)
}

/** As HTTP says it (RFC 9110, section 15.5). */
export const resultStatus = {
  verified: 200,
  moved: 409,
  expired: 410,
  unknown: 404,
} as const satisfies Record<VerificationResult, number>

const page = (language: Language, title: string, body: Markup): string => htmlPage({ language, title, body })
