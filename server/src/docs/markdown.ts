// One page: Markdown in, markup out, and its sections as plain text for the search.
//
// What must stay true: HTML in a source is text on the page; headings have the anchors that GitHub gives them, so that
// a link works in both places; a link leads to a page that is there, or is no link.
import GithubSlugger from 'github-slugger'
import MarkdownIt, { type Token } from 'markdown-it'
import { Markup } from '../core/html.ts'

export type Section = { slug: string; level: number; heading: string; text: string }
export type Rendered = { markup: Markup; sections: Section[] }

/** Where the file is that a link or an image names: its address, or, if it is not served, its name in the repository. */
export type Place = { address: string } | { file: string }
export type PlaceOf = (target: string) => Place

const markdown = new MarkdownIt({ html: false, linkify: false })

// What is wider than the page scrolls inside of itself; who has no mouse reaches it by the keyboard (WCAG 2.1.1).
markdown.renderer.rules['table_open'] = () =>
  '<div class="table" role="region" aria-label="Table" tabindex="0"><table>\n'
markdown.renderer.rules['table_close'] = () => '</table></div>\n'
markdown.renderer.rules['fence'] = (tokens, at) => codeBlock(tokens[at]?.content ?? '')
markdown.renderer.rules['code_block'] = (tokens, at) => codeBlock(tokens[at]?.content ?? '')
// A long name, such as a setting's, may be broken after an underscore: in a table it would starve the other columns.
markdown.renderer.rules['code_inline'] = (tokens, at) =>
  `<code>${markdown.utils.escapeHtml(tokens[at]?.content ?? '').replace(/_(?=\w)/g, '_<wbr>')}</code>`
markdown.renderer.rules['heading_close'] = (tokens, at) => {
  const slug = markdown.utils.escapeHtml(String(tokens[at - 2]?.attrGet('id')))
  return ` <a class="anchor" href="#${slug}" aria-label="Link to this section">#</a></${tokens[at]?.tag}>\n`
}

const codeBlock = (code: string): string =>
  `<pre tabindex="0"><code>${markdown.utils.escapeHtml(code)}</code></pre>\n`

export const renderMarkdown = (source: string, placeOf: PlaceOf): Rendered => {
  // Generated pages begin with a comment for whoever would edit them.
  const tokens = markdown.parse(source.replace(/^<!--.*?-->\s*/s, ''), {})
  nameHeadings(tokens)
  for (const { children } of tokens) {
    if (children !== null) leadLinks(children, placeOf)
  }
  return {
    // markdown-it has escaped everything that came from the source.
    markup: new Markup(markdown.renderer.render(tokens, markdown.options, {})),
    sections: sectionsOf(tokens),
  }
}

const nameHeadings = (tokens: readonly Token[]): void => {
  const slugger = new GithubSlugger()
  tokens.forEach((token, at) => {
    if (token.type === 'heading_open') token.attrSet('id', slugger.slug(textOf(tokens[at + 1])))
  })
}

const isElsewhere = (target: string): boolean => /^([a-z][a-z\d+.-]*:|\/\/|#)/i.test(target)

const leadLinks = (children: readonly Token[], placeOf: PlaceOf): void => {
  let closing = 'a'
  for (const token of children) {
    if (token.type === 'link_open') {
      leadLink(token, placeOf)
      closing = token.tag
    }
    if (token.type === 'link_close') token.tag = closing
    if (token.type === 'image') leadImage(token, placeOf)
  }
}

const leadImage = (token: Token, placeOf: PlaceOf): void => {
  const source = String(token.attrGet('src'))
  token.attrSet('loading', 'lazy')
  if (isElsewhere(source)) return
  const place = placeOf(source)
  if ('address' in place) token.attrSet('src', place.address)
}

/** A link to a file that has no page, such as a source, becomes text that says which file is meant. */
const leadLink = (token: Token, placeOf: PlaceOf): void => {
  const href = String(token.attrGet('href'))
  if (isElsewhere(href)) return
  const [target = '', anchor] = href.split('#')
  const place = placeOf(target)
  if ('address' in place) {
    token.attrSet('href', anchor === undefined ? place.address : `${place.address}#${anchor}`)
    return
  }
  token.tag = 'span'
  token.attrs = [['title', `${place.file} in the repository`]]
}

const textOf = (inline: Token | undefined): string =>
  (inline?.children ?? [])
    .map(({ type, content }) => (type.endsWith('break') ? ' ' : content))
    .join('')
    .trim()

const sectionsOf = (tokens: readonly Token[]): Section[] => {
  const sections: (Omit<Section, 'text'> & { texts: string[]; codes: string[] })[] = []
  tokens.forEach((token, at) => {
    const before = tokens[at - 1]
    if (before?.type === 'heading_open') {
      const slug = String(before.attrGet('id'))
      sections.push({
        slug,
        level: Number(before.tag.slice(1)),
        heading: textOf(token),
        texts: [],
        codes: [],
      })
      return
    }
    const isCell = before?.type === 'td_open' || before?.type === 'th_open'
    if (token.type === 'inline') sections.at(-1)?.texts.push(isCell ? `${textOf(token)} ·` : textOf(token))
    if (token.type === 'fence' || token.type === 'code_block') sections.at(-1)?.codes.push(token.content)
  })
  // Prose first: of two places that match alike, a result shows the first.
  return sections.map(({ texts, codes, ...section }) => ({
    ...section,
    text: [...texts, ...codes].join(' ').replace(/\s+/g, ' ').trim(),
  }))
}
