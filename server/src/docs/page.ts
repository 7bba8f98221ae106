// The pages of the documentation as HTML. They run no script; every address in them is relative, so that they work
// below whatever path a proxy serves them from.
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { posix } from 'node:path'
import { html, type Markup } from '../core/html.ts'
import type { Rendered } from './markdown.ts'
import type { Group } from './navigation.ts'
import type { Found } from './search.ts'
import type { PlainFile } from './sources.ts'

/** The path that the browser asked for, and what every page has around its own content. */
type Frame = { at: string; current: string | undefined; navigation: readonly Group[]; query: string }
type Content = { title: string; main: Markup; aside?: Markup | undefined }

export const urlOf = (path: string): string => (path === '' ? '/docs' : `/docs/${path}`)

/** The address of a path of the documentation, as it is written on the page at a URL. */
export const addressFrom = (at: string, path: string): string => {
  const url = urlOf(path)
  const folder = posix.relative(at.slice(0, at.lastIndexOf('/') + 1), posix.dirname(url))
  return posix.join(folder, posix.basename(url))
}

// No script, and nothing from elsewhere: the sources are ours, and this holds even if one of them is not.
const headers: Readonly<Record<string, string>> = {
  'content-security-policy': [
    "default-src 'none'",
    "style-src 'self'",
    "img-src 'self'",
    "base-uri 'none'",
    "form-action 'self'",
    "frame-ancestors 'none'",
  ].join('; '),
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  // Asked for anew each time; the tag makes the answer short where nothing has changed.
  'cache-control': 'no-cache',
}

export type Reply = { status: 200 | 302 | 404; headers: Record<string, string>; body: string | Buffer }

export const replyOf = (status: Reply['status'], type: string, body: string | Buffer): Reply => ({
  status,
  headers: {
    ...headers,
    'content-type': type,
    etag: `"${createHash('sha256').update(body).digest('base64url').slice(0, 22)}"`,
  },
  body,
})

export const redirectTo = (location: string): Reply => ({
  status: 302,
  headers: { ...headers, location },
  body: '',
})

const folder = new URL('../../pages/', import.meta.url)

/** The files that the pages themselves need, by their paths. */
export const pageFiles: ReadonlyMap<string, PlainFile> = new Map([
  [
    'docs.css',
    { type: 'text/css; charset=utf-8', read: () => readFileSync(new URL('docs/docs.css', folder)) },
  ],
  ['icon.svg', { type: 'image/svg+xml', read: () => readFileSync(new URL('icon.svg', folder)) }],
])

const layout = (frame: Frame, { title, main, aside }: Content): string => {
  const to = (path: string) => addressFrom(frame.at, path)
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${title} · Dialtone</title>
<link rel="icon" type="image/svg+xml" href="${to('icon.svg')}">
<link rel="stylesheet" href="${to('docs.css')}">
</head>
<body>
<a class="skip" href="#docs.page">Skip to the page</a>
<header>
<a class="brand" href="${to('')}"><img src="${to('icon.svg')}" alt="" width="28" height="28">Dialtone <span>docs</span></a>
<search><form action="${to('search')}">
<input type="search" name="q" value="${frame.query}" maxlength="200" placeholder="bindPhone, 2001, captcha" aria-label="Search the documentation" autocapitalize="off" autocomplete="off" spellcheck="false" enterkeyhint="search">
<button>Search</button>
</form></search>
<a class="explorer" href="${to('../explorer')}">API explorer</a>
<button class="menu" type="button" popovertarget="docs.menu">Menu</button>
</header>
<div class="columns">
<nav class="side pages" id="docs.menu" popover aria-label="All pages">
${frame.navigation.map((group) => groupOf(group, frame, to))}
</nav>
<main id="docs.page" tabindex="-1">
${main}
</main>
${aside}
</div>
</body>
</html>
`.text
}

const holds = ({ pages, groups }: Group, current: string | undefined): boolean =>
  pages.some(({ path }) => path === current) || groups.some((group) => holds(group, current))

/** The group of the current page is open and few others are, so that the page is in sight without a script that scrolls. */
const groupOf = (group: Group, frame: Frame, to: (path: string) => string): Markup => {
  const { navigation, current } = frame
  const isInside = navigation.some((other) => other.shown !== 'always' && holds(other, current))
  const isOpen = holds(group, current) || group.shown === 'always' || (group.shown === 'first' && !isInside)
  return html`<details${isOpen ? html` open` : undefined}>
<summary>${group.title}</summary>
${linksOf(group, frame, to)}
${group.groups.map((inner) => groupOf(inner, frame, to))}
</details>
`
}

const linksOf = ({ pages }: Group, { current }: Frame, to: (path: string) => string): Markup | undefined =>
  pages.length === 0
    ? undefined
    : html`<ul>${pages.map(
        ({ path, label }) =>
          html`<li><a href="${to(path)}"${path === current ? html` aria-current="page"` : undefined}>${label}</a></li>`,
      )}</ul>`

/** What stands beside a page of several chapters, where there is room. */
const asideOf = (sections: Rendered['sections']): Markup | undefined => {
  const chapters = sections.filter(({ level }) => level === 2)
  if (chapters.length < 2) return undefined
  return html`<nav class="side chapters" aria-label="On this page"><p class="chapter">On this page</p><ul>
${chapters.map(({ slug, heading }) => html`<li><a href="#${slug}">${heading}</a></li>`)}
</ul></nav>`
}

export const documentPage = (frame: Omit<Frame, 'query'>, title: string, rendered: Rendered): string =>
  layout(
    { ...frame, query: '' },
    {
      title,
      main: html`<article>${rendered.markup}</article>`,
      aside: asideOf(rendered.sections),
    },
  )

export const resultsPage = (frame: Frame, results: readonly Found[]): string => {
  const to = (path: string) => addressFrom(frame.at, path)
  const { query } = frame
  if (query === '') return layout(frame, { title: 'Search', main: html`<h1>Search</h1>${tips(to)}` })
  if (results.length === 0)
    return layout(frame, {
      title: 'Nothing found',
      main: html`<h1>Nothing found for “${query}”</h1>${tips(to)}`,
    })
  return layout(frame, {
    title: `${query} · Search`,
    main: html`<h1>Results for “${query}”</h1>
<ol class="results">
${results.map((found) => resultOf(found, to))}
</ol>`,
  })
}

const resultOf = ({ path, title, section, excerpt }: Found, to: (path: string) => string): Markup => {
  const isWhole = section.level === 1
  return html`<li>
<h2><a href="${to(path)}${isWhole ? '' : `#${section.slug}`}">${title}${
    isWhole ? undefined : html` <span>› ${section.heading}</span>`
  }</a></h2>
<p>${excerpt.map(({ text, isMatch }) => (isMatch ? html`<mark>${text}</mark>` : html`${text}`))}</p>
</li>
`
}

const tips = (to: (path: string) => string): Markup => html`<p>Words that can be looked for:</p>
<ul>
<li>the name of a call, in any spelling: <a href="${to('search')}?q=bindPhone">bindPhone</a>, <a href="${to('search')}?q=send-sms">send-sms</a></li>
<li>the number or the name of a refusal: <a href="${to('search')}?q=2001">2001</a>, <a href="${to('search')}?q=passcode_incorrect">passcode_incorrect</a></li>
<li>a setting: <a href="${to('search')}?q=DIALTONE_PUBLIC_URL">DIALTONE_PUBLIC_URL</a></li>
<li>what it is about: <a href="${to('search')}?q=lost+phone">lost phone</a></li>
</ul>
<p>Or begin with the <a href="${to('')}">overview</a>.</p>`

export const missingPage = (frame: Omit<Frame, 'query' | 'current'>): string => {
  const all = { ...frame, current: undefined, query: '' }
  const to = (path: string) => addressFrom(frame.at, path)
  if (frame.navigation.length === 0)
    return layout(all, {
      title: 'No documentation here',
      main: html`<h1>No documentation here</h1>
<p>This server was installed without the folder <code>docs</code> of its repository. <a href="${to('../explorer')}">The API explorer</a> lists every call.</p>`,
    })
  return layout(all, {
    title: 'No such page',
    main: html`<h1>No such page</h1>
<p>There is nothing at this address. The search may find what you look for.</p>${tips(to)}`,
  })
}
