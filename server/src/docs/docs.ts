// The documentation at /docs: the repository's own Markdown, rendered when somebody first asks for a page, and kept.
//
// What must stay true: a reply is made of what the walk over the folders found, and of nothing that a request names;
// no page runs a script; a server without the folder starts, and says what is missing; one page's text is rendered at
// a time, so that making the index of the search does not hold up other requests.

import { posix } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import type { Rendered } from './markdown.ts'
import { navigationOf } from './navigation.ts'
import {
  addressFrom,
  documentPage,
  missingPage,
  pageFiles,
  type Reply,
  redirectTo,
  replyOf,
  resultsPage,
  urlOf,
} from './page.ts'
import type { Search } from './search.ts'
import { findSources, type Page, type Sources, stampOf } from './sources.ts'

/** The repository, both from server/src/docs and from server/dist/docs. */
const repository = fileURLToPath(new URL('../../../', import.meta.url))

const htmlType = 'text/html; charset=utf-8'

type Options = {
  /** The folder in which `docs` stands. */
  root?: string
  /** Looks at the files anew at each request. */
  watches: boolean
}

export const createDocs = ({ root = repository, watches }: Options) => {
  let kept: Shelf | undefined
  const shelf = (): Shelf => {
    if (kept !== undefined && !watches) return kept
    const stamp = stampOf(root)
    if (kept?.stamp !== stamp) kept = { stamp, ...shelve(findSources(root)) }
    return kept
  }

  return {
    /** `at`: the path of the request as the browser sees it; `path`: what stands in it below /docs, decoded. */
    open: async (at: string, path: string): Promise<Reply> => {
      const { has, replyTo, navigation } = shelf()
      const meant = has(path) ? path : withoutEnding(path)
      // The addresses on a page grow with the depth of its path: nobody gets a megabyte for a thousand slashes.
      const near = at.length > 200 ? urlOf('missing') : at
      if (!has(meant)) return replyOf(404, htmlType, missingPage({ at: near, navigation }))
      // In another spelling, such as `/docs/`, the addresses on the page would lead elsewhere.
      return at === urlOf(meant) ? replyTo(meant) : redirectTo(addressFrom(at, meant))
    },

    search: async (text: string): Promise<Reply> => {
      const { sources, navigation, search } = shelf()
      const frame = { at: urlOf('search'), current: undefined, navigation }
      if (sources.pages.size === 0) return replyOf(404, htmlType, missingPage(frame))
      const query = text.trim()
      const results = query === '' ? [] : (await search()).find(query)
      return replyOf(200, htmlType, resultsPage({ ...frame, query }, results))
    },

    /** The paths of all pages. */
    paths: (): string[] => [...shelf().sources.pages.keys()],
  }
}

/** As people write the path of a page that they know as a file or a folder. */
const withoutEnding = (path: string): string =>
  path
    .replace(/\/$/, '')
    .replace(/(^|\/)README\.md$/, '')
    .replace(/\.md$/, '')

export type Docs = ReturnType<typeof createDocs>

/** What is made of one state of the files. */
const shelve = (sources: Sources) => {
  const navigation = navigationOf(sources)
  const replies = new Map<string, Reply>()
  let index: Promise<Search> | undefined

  const make = async (path: string): Promise<Reply> => {
    const file = pageFiles.get(path) ?? sources.files.get(path)
    if (file !== undefined) return replyOf(200, file.type, file.read())
    const page = sources.pages.get(path)
    if (page === undefined) throw new Error(`no page ${path}`)
    const frame = { at: urlOf(path), current: path, navigation }
    return replyOf(200, htmlType, documentPage(frame, page.title, await render(sources, page)))
  }

  return {
    sources,
    navigation,

    has: (path: string): boolean => [pageFiles, sources.files, sources.pages].some((map) => map.has(path)),

    /** To a path that it has. */
    replyTo: async (path: string): Promise<Reply> => {
      const reply = replies.get(path) ?? (await make(path))
      replies.set(path, reply)
      return reply
    },

    search: (): Promise<Search> => {
      // A file that went away meanwhile must not end the search for good.
      index ??= indexAll(sources).catch((error: unknown) => {
        index = undefined
        throw error
      })
      return index
    },
  }
}

type Shelf = ReturnType<typeof shelve> & { stamp: string }

/** What renders and what searches is loaded when it is first needed: together it would make each start slower. */
const render = async ({ paths }: Sources, { path, file, read }: Page): Promise<Rendered> => {
  const { renderMarkdown } = await import('./markdown.ts')
  const folder = paths.has(file) && !file.endsWith('.md') ? file : posix.dirname(file)
  return renderMarkdown(read(), (target) => {
    const named = target.startsWith('/') ? target.slice(1) : posix.join(folder, target)
    const file = named.replace(/\/$/, '')
    const found = paths.get(file)
    return found === undefined ? { file } : { address: addressFrom(urlOf(path), found) }
  })
}

const indexAll = async (sources: Sources): Promise<Search> => {
  const { createSearch } = await import('./search.ts')
  const search = createSearch()
  for (const page of sources.pages.values()) {
    if (!page.file.endsWith('.md')) continue
    const { sections } = await render(sources, page)
    search.add({ path: page.path, title: page.title, sections })
    await setImmediate()
  }
  return search
}
