import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { toLetter } from '../../src/mail/mail.ts'

const parts = {
  subject: 'Your Example code to sign in',
  text: 'Your code:\r\n\r\n482915\r\n\r\nTell it to nobody.\r\nNever.',
  locale: 'en-US',
}

const link = { url: 'https://login.example.com/account/verify-email/abc', label: 'Confirm <it>' }

describe('a letter', () => {
  it('says the same as text and as HTML, in paragraphs and lines', () => {
    const { subject, text, html } = toLetter(parts)

    expect(subject).toBe(parts.subject)
    expect(text).toBe('Your code:\n\n482915\n\nTell it to nobody.\nNever.')
    expect(html.match(/<p /g)).toHaveLength(3)
    expect(html).toContain('Tell it to nobody.<br>Never.')
    expect(html).toContain('<html lang="en-US">')
    expect(html).toContain('<title>Your Example code to sign in</title>')
  })

  it('shows a code large on a line of its own, and bold within one', () => {
    const alone = toLetter({ ...parts, code: '482915' })
    const within = toLetter({ ...parts, text: 'Code 482915, again 482915.', code: '482915' })

    expect(alone.html).toMatch(/<p dir="ltr" style="[^"]*32px[^"]*">482915<\/p>/)
    expect(within.html).toContain('Code <strong>482915</strong>, again <strong>482915</strong>.')
  })

  it.each([
    ['on a line of its own', `Open this:\n\n${link.url}\n\nThanks.`],
    ['within a line', `Open ${link.url} now.`],
    ['nowhere', 'Open the link.'],
  ])('has a link that stands %s in the text in both parts', (_where, text) => {
    const made = toLetter({ ...parts, text, link })

    expect(made.text.split(link.url)).toHaveLength(2)
    expect(made.html).toContain(`href="${link.url}"`)
    expect(made.html).toContain(`${link.url}</a>`)
  })

  it('makes a button of a link on a line of its own, with its label escaped', () => {
    const { html } = toLetter({ ...parts, text: `Open this:\n\n${link.url}`, link })

    expect(html).toContain('>Confirm &lt;it&gt;</a>')
  })

  it('loads nothing, and sets no ground of its own but the button’s', () => {
    const { html } = toLetter({ ...parts, link, code: '482915' })

    expect(html).not.toMatch(/<(img|script|link|iframe|style|form)|url\(|@import|src=/i)
    expect(html.match(/background/g)).toHaveLength(1)
    expect(html).toContain('<meta name="color-scheme" content="light dark">')
  })

  it('takes no word for markup, wherever it stands', () => {
    const words = fc.string({ unit: fc.constantFrom('<', '>', '"', "'", '&', 'a', ' ', '\n', '=', '/') })
    fc.assert(
      fc.property(words, words, words, (subject, text, code) => {
        const own = toLetter({ ...parts, subject: '', text: 'x', code: '1' }).html
        const { html } = toLetter({ ...parts, subject, text, code })

        const tags = (markup: string) => new Set(markup.match(/<\/?[a-z!]+/g))
        const known = new Set([...tags(own), '<p', '</p', '<br', '<strong', '</strong'])
        expect([...tags(html)].filter((tag) => !known.has(tag))).toEqual([])
      }),
    )
  })
})
