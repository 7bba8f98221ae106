// The search over the sections of all pages: an index in memory, made when somebody first asks.
//
// What must stay true: a query costs little, however long it is; `bindPhone`, `bind-phone` and `BIND_PHONE` find the
// same; the number of a refusal finds that refusal first.
import MiniSearch from 'minisearch'
import type { Section } from './markdown.ts'

export type Found = { path: string; title: string; section: Section; excerpt: Piece[] }
export type Piece = { text: string; isMatch: boolean }
export type Searchable = { path: string; title: string; sections: readonly Section[] }

type TermsOfWord = (word: string) => string[]

const words = /[\p{L}\p{N}]+(?:[_-][\p{L}\p{N}]+)*/gu

/** `bindPhone`, `bind-phone` and `BIND_PHONE` are all bindphone, bind and phone. */
const termsOfWord = (word: string): string[] => {
  const parts = word.split(/[_-]|(?<=[\p{Ll}\p{N}])(?=\p{Lu})/u).map((part) => part.toLowerCase())
  return parts.length === 1 ? parts : [parts.join(''), ...parts]
}

const termsOf = (text: string): string[] => [...text.matchAll(words)].flatMap(([word]) => termsOfWord(word))

/** Words that say nothing about where to look. */
const stopWords = new Set(
  'a an and are as at be by can do does for from how i if in is it my of on or that the to what when where with'.split(
    ' ',
  ),
)

// Each term is compared with the whole vocabulary where it may be mistyped.
const mostTerms = 8
const mostLetters = 200
const mostFound = 20
const mostOfPage = 3
const mostKept = 200

/** Too many words begin with the same two letters; a Chinese letter or two are a word. */
const mayBegin = /^(?:\p{Script=Han}|.{3})/u

const queryTerms = (query: string): string[] => {
  const terms = [...new Set(termsOf(query.slice(0, mostLetters)))]
  const telling = terms.filter((term) => !stopWords.has(term))
  return (telling.length === 0 ? terms : telling).slice(0, mostTerms)
}

export const createSearch = () => {
  const sections: { page: Searchable; section: Section }[] = []
  // Of the words of the pages, of which there are some thousands: taking them apart is most of the work of a search.
  const known = new Map<string, string[]>()
  const know: TermsOfWord = (word) => {
    const terms = known.get(word) ?? termsOfWord(word)
    known.set(word, terms)
    return terms
  }
  const index = new MiniSearch({
    fields: ['title', 'heading', 'code', 'text'],
    tokenize: (text) => [...text.matchAll(words)].flatMap(([word]) => know(word)),
    processTerm: (term) => term,
    searchOptions: {
      tokenize: termsOf,
      boost: { title: 4, heading: 3, code: 10 },
      boostDocument: (id: number) => (isBackground(sections[id]?.page.path ?? '') ? 0.4 : 1),
      prefix: (term) => mayBegin.test(term),
      // A number is exact, and of short words too many are one letter away: lost, post.
      fuzzy: (term) => (/^\p{L}{5,}$/u.test(term) ? 0.2 : false),
      maxFuzzy: 2,
      weights: { prefix: 0.3, fuzzy: 0.15 },
    },
  })

  /** By their terms, the one that was looked for last at the end. */
  const kept = new Map<string, Found[]>()

  /** The best sections first. All the words, or, where no section has them all, any of them. */
  const look = (terms: string): Found[] => {
    const all = index.search(terms, { combineWith: 'AND' })
    const results = all.length > 0 ? all : index.search(terms, { combineWith: 'OR' })
    const found: Found[] = []
    const ofPage = new Map<string, number>()
    for (const { id, terms: matched } of results) {
      const hit = sections[id]
      if (hit === undefined || found.length === mostFound) break
      const { path, title } = hit.page
      const count = ofPage.get(path) ?? 0
      ofPage.set(path, count + 1)
      if (count >= mostOfPage) continue
      const excerpt = excerptOf(hit.section.text, new Set(matched), know)
      found.push({ path, title, section: hit.section, excerpt })
    }
    return found
  }

  return {
    add: (page: Searchable): void => {
      kept.clear()
      for (const section of page.sections) {
        const { heading, text } = section
        index.add({ id: sections.length, title: page.title, heading, text, code: codeOf(page, section) })
        sections.push({ page, section })
      }
    },

    find: (query: string): Found[] => {
      const terms = queryTerms(query).join(' ')
      const found = kept.get(terms) ?? look(terms)
      kept.delete(terms)
      kept.set(terms, found)
      const [oldest] = kept.keys()
      if (kept.size > mostKept && oldest !== undefined) kept.delete(oldest)
      return found
    },
  }
}

export type Search = ReturnType<typeof createSearch>

/** Why it is as it is: for few readers, and after how to use it. */
const isBackground = (path: string): boolean =>
  /^(decisions\/|bench$|[A-Z]+$)/.test(path) && path !== 'README'

/** The number of the refusal that the section is about; other sections only mention it. */
const codeOf = ({ path }: Searchable, { text }: Section): string =>
  path === 'reference/api-codes' ? (/\bapiCode (\d+)/.exec(text)?.[1] ?? '') : ''

const excerptLetters = 220

/** The part of the text in which most of the terms stand, with the words marked that match. */
const excerptOf = (text: string, wanted: ReadonlySet<string>, know: TermsOfWord): Piece[] => {
  const hits = [...text.matchAll(words)]
    .map(({ 0: word, index }) => ({ word, index, terms: know(word).filter((term) => wanted.has(term)) }))
    .filter((hit) => hit.terms.length > 0)
  const within = (start: number) =>
    hits.filter(({ index, word }) => index >= start && index + word.length <= start + excerptLetters - 40)
  const worth = (start: number) => new Set(within(start).flatMap((hit) => hit.terms)).size
  // Enough to choose from: a long section about one word has it everywhere.
  const best = hits
    .slice(0, 50)
    .reduce((one, { index }) => (worth(index) > worth(one) ? index : one), hits[0]?.index ?? 0)
  const start = best < 40 ? 0 : Math.min(best, text.indexOf(' ', best - 40) + 1)
  const end =
    start + excerptLetters >= text.length ? text.length : text.lastIndexOf(' ', start + excerptLetters)
  return piecesOf({ text, start, end: end > start ? end : start + excerptLetters }, hits)
}

type Span = { text: string; start: number; end: number }

const piecesOf = ({ text, start, end }: Span, hits: readonly { word: string; index: number }[]): Piece[] => {
  const pieces: Piece[] = [{ text: start > 0 ? '… ' : '', isMatch: false }]
  let at = start
  for (const { word, index } of hits) {
    if (index < at || index + word.length > end) continue
    pieces.push({ text: text.slice(at, index), isMatch: false }, { text: word, isMatch: true })
    at = index + word.length
  }
  pieces.push(
    { text: text.slice(at, end), isMatch: false },
    { text: end < text.length ? ' …' : '', isMatch: false },
  )
  return pieces.filter((piece) => piece.text !== '')
}
