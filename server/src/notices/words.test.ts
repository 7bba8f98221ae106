import { describe, expect, it } from 'vitest'
import { countSegments } from '../templates/templates.ts'
import { noticeKinds } from './notices.ts'
import { noticeLanguageOf, type WordedKind, wordsOf } from './words.ts'

const link = `https://id.example.com/account/undo/${'A'.repeat(43)}`

const told = (kind: WordedKind, language: 'en-US' | 'zh-CN', app = 'Acme') =>
  wordsOf({
    kind,
    action: noticeKinds[kind],
    detail: kind.startsWith('email')
      ? { before: 'ada@example.com', after: 'eve@example.com' }
      : { before: '+8618812345678', after: '+8618887654321' },
    createdAt: new Date('2026-03-02T09:30:00Z'),
    app,
    language,
    link: noticeKinds[kind] === undefined ? undefined : link,
  })

const kinds = Object.keys(noticeKinds) as WordedKind[]

describe('the words of a notice', () => {
  it.each(kinds)('of %s name the application and what happened, in both languages', (kind) => {
    for (const language of ['en-US', 'zh-CN'] as const) {
      const { subject, change, text, letter } = told(kind, language)

      expect(subject).toContain('Acme')
      expect(text).toContain('Acme')
      expect(text).toContain(change)
      expect(letter.text).toContain(change)
      expect(text).not.toContain('\n')
      expect(/\p{Script=Han}/u.test(subject)).toBe(language === 'zh-CN')
    }
  })

  it.each(kinds)('of %s hold no whole number or address, and nothing that looks like a code', (kind) => {
    for (const language of ['en-US', 'zh-CN'] as const) {
      const { subject, change, text, letter } = told(kind, language)
      const all = [subject, change, text.replace(link, '')].join(' ')

      expect(all).not.toMatch(/\d{4,}/)
      expect(`${all} ${letter.text}`).not.toMatch(/188\d{8}|(?:ada|eve)@/)
    }
  })

  it.each(kinds)('of %s hold the link exactly where there is something to take back or stop', (kind) => {
    const { text, letter } = told(kind, 'en-US')

    const hasLink = noticeKinds[kind] !== undefined
    expect(text.includes(link)).toBe(hasLink)
    expect(letter.link?.url).toBe(hasLink ? link : undefined)
  })

  it.each(kinds)('of %s fit one SMS of GSM-7, or two, without the link', (kind) => {
    const words = countSegments(told(kind, 'en-US').text.replace(link, ''))

    expect(words.encoding).toBe('GSM-7')
    expect(words.segments).toBeLessThanOrEqual(kind === 'phone_changed' ? 1 : 2)
  })

  it('stay on one line whatever the application is named', () => {
    const { subject, text } = told('phone_changed', 'en-US', 'Acme\r\nBcc: eve@example.com\u2028!')

    expect(`${subject}${text}`).not.toMatch(/[\r\n\u2028]/)
  })

  it('are Chinese for every kind of Chinese, English for every kind of English, else of the default', () => {
    expect(noticeLanguageOf('zh-Hant-TW', 'en-US')).toBe('zh-CN')
    expect(noticeLanguageOf('en-GB', 'zh-CN')).toBe('en-US')
    expect(noticeLanguageOf('fr', 'zh-CN')).toBe('zh-CN')
  })
})
