// Pages that work without JavaScript, for people who follow a link out of a message: words in, markup out.
//
// What must stay true: a value in a template is text and never markup; a page loads nothing, runs nothing, sends its
// forms only here, stands in no frame, and its address, which holds a token, goes to no other site.
import { createHash } from 'node:crypto'
import type { Language } from '../config.ts'

/** Markup that may stand in other markup as it is. Made only by `html`, and by the renderer of Markdown in `docs`. */
export class Markup {
  readonly text: string

  constructor(text: string) {
    this.text = text
  }
}

type Value = string | number | Markup | readonly Markup[] | undefined

const escapes: Record<string, string> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}

export const escapeHtml = (text: string): string => text.replace(/[&<>"']/g, (sign) => escapes[sign] ?? sign)

const markupOf = (value: Value): string => {
  if (value === undefined) return ''
  if (value instanceof Markup) return value.text
  if (typeof value === 'object') return value.map(({ text }) => text).join('')
  return escapeHtml(String(value))
}

export const html = (strings: TemplateStringsArray, ...values: readonly Value[]): Markup =>
  new Markup(strings.map((text, index) => text + markupOf(values[index])).join(''))

const style = `
:root { color-scheme: light dark; --page: light-dark(#f5f6f7, #111416); --card: light-dark(#fff, #1a1e21); --line: light-dark(#dfe3e6, #2c3338); --ink: light-dark(#14191d, #eceff1); --soft: light-dark(#55616a, #9eaab2); --accent: light-dark(#0f766e, #4fd1c1); --on-accent: light-dark(#fff, #0b1716); }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 12vh 1.25rem 4rem; max-width: 34rem; background: var(--page); color: var(--ink); font: 1rem/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "Liberation Sans", "PingFang SC", "Microsoft YaHei", "Noto Sans CJK SC", sans-serif; }
main { padding: 1.75rem; border: 1px solid var(--line); border-radius: 12px; background: var(--card); }
h1 { margin: 0 0 .75rem; font-size: 1.3rem; line-height: 1.3; }
p { margin: 0 0 .75rem; }
form + p { margin-top: 1.5rem; }
dl { display: grid; grid-template-columns: auto 1fr; gap: .25rem 1rem; margin: 1rem 0; }
dt { color: var(--soft); }
dd { margin: 0; overflow-wrap: anywhere; }
button { padding: .6rem 1.1rem; border: 0; border-radius: 8px; background: var(--accent); color: var(--on-accent); font: inherit; font-weight: 600; cursor: pointer; }
button:focus-visible { outline: 2px solid var(--ink); outline-offset: 2px; }
.soft { color: var(--soft); }
`

const styleHash = createHash('sha256').update(style).digest('base64')

/** A whole page. The style is part of it, so that it needs no second request. */
export const htmlPage = ({
  language,
  title,
  body,
}: {
  language: Language
  title: string
  body: Markup
}): string =>
  html`<!doctype html>
<html lang="${language}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<title>${title}</title>
<style>${new Markup(style)}</style>
</head>
<body>
<main>
<h1>${title}</h1>
${body}
</main>
</body>
</html>
`.text

export const htmlPageHeaders: Readonly<Record<string, string>> = {
  'content-type': 'text/html; charset=utf-8',
  'content-security-policy': [
    "default-src 'none'",
    `style-src 'sha256-${styleHash}'`,
    "base-uri 'none'",
    "form-action 'self'",
    "frame-ancestors 'none'",
  ].join('; '),
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cache-control': 'no-store',
}

/** The language that a browser asks for first, of those that we have (RFC 9110, section 12.5.4). */
export const pageLanguage = (acceptLanguage: string | undefined, fallback: Language): Language => {
  const first = acceptLanguage?.split(',')[0]?.trim().toLowerCase() ?? ''
  if (first.startsWith('zh')) return 'zh-CN'
  return first.startsWith('en') ? 'en-US' : fallback
}
