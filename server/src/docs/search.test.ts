import { describe, expect, it } from 'vitest'
import { createDocs } from './docs.ts'
import { createSearch } from './search.ts'

/** Of the files as they are: making its index takes most of the time, and nothing changes it. */
const docs = createDocs({ watches: false })

const resultsOf = async (query: string) => {
  const { status, body } = await docs.search(query)
  const text = body.toString()
  const main = /<main.*<\/main>/s.exec(text)?.[0] ?? ''
  const found = [...main.matchAll(/<h2><a href="([^"]*)">/g)].map(([, address]) => address)
  return { status, text, main, found }
}

/** Of pages of one line each. */
const searchIn = (...texts: string[]) => {
  const search = createSearch()
  const add = (text: string) =>
    search.add({ path: text, title: text, sections: [{ slug: '', level: 1, heading: '', text }] })
  for (const text of texts) add(text)
  const findOthers = (count: number) => {
    for (let at = 0; at < count; at += 1) search.find(`word${at}`)
  }
  return { ...search, add, findOthers }
}

describe('the search of the documentation', () => {
  it.each([
    ['bindPhone', 'reference/sdk/bindPhone'],
    ['bind-phone', 'reference/sdk/bindPhone'],
    ['POST /api/v3/bind-phone', 'reference/sdk/bindPhone'],
    ['sendSms', 'reference/sdk/sendSms'],
    ['2001', 'reference/api-codes#passcode_incorrect'],
    ['8800012', 'reference/api-codes#request_invalid'],
    ['passcode_incorrect', 'reference/api-codes#passcode_incorrect'],
    ['验证码不正确', 'reference/api-codes#passcode_incorrect'],
    ['DIALTONE_PUBLIC_URL', 'reference/settings'],
    ['lost phone', 'guides/change-phone#the-old-number-is-lost'],
    ['how do I change the phone?', 'guides/change-phone#change-it'],
    ['twilio', 'guides/providers/twilio'],
    ['paskeys', 'guides/passkeys'],
  ])('answers %s with the page that is meant', async (query, page) => {
    const { status, found } = await resultsOf(query)

    expect(status).toBe(200)
    expect(found[0]).toBe(page)
  })

  it('finds what begins with the words', async () => {
    const { found } = await resultsOf('verifyUpdatePho')

    expect(found).toContain('reference/sdk/verifyUpdatePhoneRequest')
  })

  it('takes three letters for a beginning, or Chinese ones, and fewer for a whole word', () => {
    const { find } = searchIn('twilio', '验证码不正确')

    const found = ['t', 'tw', 'twi', '验证'].map((query) => find(query).map(({ path }) => path))

    expect(found).toEqual([[], [], ['twilio'], ['验证码不正确']])
  })

  it('shows part of the section, with the words marked in it', async () => {
    const { main } = await resultsOf('passcode_incorrect')

    expect(main).toContain('<span>› passcode_incorrect</span>')
    expect(main).toContain('<mark>')
    expect(main).toContain('The code is wrong, was never sent or already used')
  })

  it('shows at most twenty sections, and three of a page', async () => {
    const { found } = await resultsOf('phone')

    const pages = found.map((address) => address?.split('#')[0])
    expect(found).toHaveLength(20)
    for (const page of pages) expect(pages.filter((other) => other === page).length).toBeLessThan(4)
  })

  it('says what can be looked for where nothing was found', async () => {
    const { status, main, found } = await resultsOf('zzyzxqw')

    expect({ status, found }).toEqual({ status: 200, found: [] })
    expect(main).toContain('Nothing found for “zzyzxqw”')
    expect(main).toContain('<a href="search?q=bindPhone">')
  })

  it.each(['', '   '])('asks for words where there are none: "%s"', async (query) => {
    const { status, main } = await resultsOf(query)

    expect(status).toBe(200)
    expect(main).toContain('<h1>Search</h1>')
    expect(main).toContain('Words that can be looked for')
  })

  it('shows markup in a query as text', async () => {
    const { text } = await resultsOf('"><script>alert(1)</script><img src=x onerror=alert(2)>')

    expect(text).toContain('value="&quot;&gt;&lt;script&gt;alert(1)')
    expect(text).not.toMatch(/<script|<img src=x/)
  })

  it.each(['x'.repeat(500), 'phone '.repeat(84), '\u0000\uD800', '***', '?', '的'.repeat(500)])(
    'answers a strange or long query: %s',
    async (query) => {
      const { status, main } = await resultsOf(query)

      expect(status).toBe(200)
      expect(main).toMatch(/Results for|Nothing found for/)
    },
  )

  it('looks at eight words and 200 letters of a query, and no more', async () => {
    const words = Array.from({ length: 8 }, (_, at) => `zzyzxq${'abcdefgh'[at]}`).join(' ')

    const beyondWords = await resultsOf(`${words} bindPhone`)
    const beyondLetters = await resultsOf(`${'x'.repeat(200)} bindPhone`)

    expect(beyondWords.found).toEqual([])
    expect(beyondLetters.found).toEqual([])
    expect((await resultsOf('zzyzxqa bindPhone')).found[0]).toBe('reference/sdk/bindPhone')
  })

  it('keeps what the last 200 queries found, however they are spelled', () => {
    const { find, findOthers } = searchIn('bindPhone')

    const first = find('bindPhone')
    const again = find(' BIND-PHONE?')
    findOthers(199)
    const kept = find('bindPhone')
    findOthers(200)
    const anew = find('bindPhone')

    expect(again).toBe(first)
    expect(kept).toBe(first)
    expect(anew).not.toBe(first)
    expect(anew).toEqual(first)
  })

  it('finds a page that was added after somebody asked', () => {
    const { find, add } = searchIn('bindPhone')
    const before = find('phone')

    add('phone')

    expect(before).toHaveLength(1)
    expect(find('phone')).toHaveLength(2)
  })

  it('finds the same when many ask at once for the first time', async () => {
    const asked = createDocs({ watches: false })

    const replies = await Promise.all(Array.from({ length: 20 }, () => asked.search('bindPhone')))

    expect(new Set(replies.map(({ body }) => body.toString())).size).toBe(1)
    expect(replies[0]?.body).toContain('href="reference/sdk/bindPhone"')
  })
})
