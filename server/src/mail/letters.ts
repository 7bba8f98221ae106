// A letter: a text, and the same as HTML for mail programs that show it.
//
// What must stay true: both say the same; what stands in the text is text and never markup; nothing is loaded from
// anywhere, so that nobody learns who read it; it is readable on a light and on a dark ground, because it sets no ground
// of its own.
import { html, type Markup } from '../core/html.ts'

export type LetterParts = {
  subject: string
  text: string
  /** BCP 47. */
  locale: string
  /** Shown in large digits where it stands on a line of its own, else in bold. */
  code?: string | undefined
  /** A button, and the address as text. Put at the end where the text does not have the address. */
  link?: { url: string; label: string } | undefined
}

export type LetterBody = { subject: string; text: string; html: string }

// Mail programs drop style sheets, so that every style stands at its element.
const styles = {
  body: 'margin:0 auto;padding:24px 16px;max-width:560px;font:16px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"PingFang SC","Microsoft YaHei",sans-serif',
  paragraph: 'margin:0 0 16px',
  code: 'margin:0 0 16px;font:600 32px/1.25 ui-monospace,Menlo,Consolas,monospace;letter-spacing:4px',
  button:
    'display:inline-block;padding:10px 18px;border-radius:8px;background:#0f766e;color:#ffffff;font-weight:600;text-decoration:none',
  address: 'margin:0 0 16px;font-size:14px;overflow-wrap:anywhere;word-break:break-all',
} as const

const buttonOf = ({ url, label }: { url: string; label: string }): Markup =>
  html`<p style="${styles.paragraph}"><a href="${url}" style="${styles.button}">${label}</a></p>
<p style="${styles.address}"><a href="${url}">${url}</a></p>`

/** The line with every `found` as `shown`. */
const marking = (line: string, found: string | undefined, shown: Markup): Markup => {
  if (found === undefined || found === '' || !line.includes(found)) return html`${line}`
  const [first = '', ...rest] = line.split(found)
  return html`${first}${rest.map((part) => html`${shown}${part}`)}`
}

const paragraphOf = (lines: readonly string[], { code, link }: LetterParts): Markup => {
  const [only = ''] = lines
  if (lines.length === 1 && code !== undefined && only.trim() === code) {
    return html`<p dir="ltr" style="${styles.code}">${code}</p>`
  }
  if (lines.length === 1 && link !== undefined && only.trim() === link.url) return buttonOf(link)
  const marked = lines.map((line) =>
    link !== undefined && line.includes(link.url)
      ? marking(line, link.url, html`<a href="${link.url}" style="word-break:break-all">${link.url}</a>`)
      : marking(line, code, html`<strong>${code}</strong>`),
  )
  const broken = marked.map((line, index) => (index === 0 ? line : html`<br>${line}`))
  return html`<p dir="auto" style="${styles.paragraph}">${broken}</p>`
}

/** Empty lines part paragraphs. */
const paragraphsOf = (text: string): string[][] =>
  text
    .split(/\n[ \t]*\n\s*/)
    .map((paragraph) => paragraph.trim().split('\n'))
    .filter(([first]) => first !== '')

export const toLetter = (parts: LetterParts): LetterBody => {
  const { subject, locale, link } = parts
  const plain = parts.text.replaceAll('\r\n', '\n').trim()
  const text = link === undefined || plain.includes(link.url) ? plain : `${plain}\n\n${link.url}`
  const paragraphs = paragraphsOf(text).map((lines) => html`${paragraphOf(lines, parts)}\n`)
  const page = html`<!doctype html>
<html lang="${locale}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="supported-color-schemes" content="light dark">
<title>${subject}</title>
</head>
<body style="${styles.body}">
${paragraphs}</body>
</html>
`
  return { subject, text, html: page.text }
}
