// What stands on the left of every page: all pages, in groups, in the order in which the overview names them.
//
// What must stay true: every page is in it once, also one that nobody has linked to yet.
import { posix } from 'node:path'
import type { Page, Sources } from './sources.ts'

/** Open on every page; on pages of no other group; or only on its own. */
type Shown = 'always' | 'first' | 'here'

export type Group = {
  title: string
  pages: { path: string; label: string }[]
  groups: Group[]
  shown: Shown
}

type Row = { title: string; shown: Shown; holds(page: Page, folder: string): boolean }

const overview = ''
const calls = 'reference/sdk'

/** A page belongs to the first row that holds it. */
const rows: readonly Row[] = [
  { title: 'Start', shown: 'always', holds: ({ path }) => [overview, 'README', 'sdk'].includes(path) },
  { title: 'Guides', shown: 'first', holds: (_, folder) => folder === 'docs/guides' },
  { title: 'SMS providers', shown: 'here', holds: (_, folder) => folder === 'docs/guides/providers' },
  { title: 'Calls', shown: 'here', holds: (_, folder) => folder === `docs/${calls}` },
  { title: 'Reference', shown: 'first', holds: (_, folder) => ['docs', 'docs/reference'].includes(folder) },
  { title: 'Decisions', shown: 'here', holds: (_, folder) => folder === 'docs/decisions' },
  { title: 'The project', shown: 'here', holds: () => true },
]

const labels: Readonly<Record<string, string>> = {
  [overview]: 'Overview',
  README: 'Run it, bind a phone',
  [calls]: 'All calls',
}

/** A title such as `SMS: from an empty server …` is known by what stands before the colon. */
const labelOf = ({ path, title }: Page): string => labels[path] ?? title.replace(/: .*/, '')

const groupOf = (title: string, pages: readonly Page[], shown: Shown = 'here'): Group => ({
  title,
  shown,
  pages: pages.map((page) => ({ path: page.path, label: labelOf(page) })),
  groups: [],
})

export const navigationOf = ({ pages }: Pick<Sources, 'pages'>): Group[] => {
  const order = chaptersOf(pages.get(overview)).flatMap(({ files }) => files)
  // What the overview does not name comes last.
  const placeOf = ({ path, file }: Page) => (path === overview ? -1 : order.indexOf(file) + 1 || Infinity)
  const sorted = [...pages.values()]
    .filter(({ file }) => file.endsWith('.md'))
    .map((page) => ({ page, place: placeOf(page), label: labelOf(page) }))
    .sort((one, other) =>
      one.place === other.place ? one.label.localeCompare(other.label, 'en') : one.place - other.place,
    )
    .map(({ page }) => page)
  const rowOf = (page: Page) => rows.find((row) => row.holds(page, posix.dirname(page.file)))
  return rows
    .map((row) => {
      const held = sorted.filter((page) => rowOf(page) === row)
      return row.title === 'Calls' ? groupCalls(row.title, held) : groupOf(row.title, held, row.shown)
    })
    .filter(({ pages: own, groups }) => own.length + groups.length > 0)
}

/** Grouped as on the page that lists them. */
const groupCalls = (title: string, pages: readonly Page[]): Group => {
  const chapters = chaptersOf(pages.find(({ path }) => path === calls))
  const chapterOf = ({ file }: Page) => chapters.find(({ files }) => files.includes(file))
  const placeOf = (page: Page) => chapterOf(page)?.files.indexOf(page.file) ?? 0
  return {
    ...groupOf(
      title,
      pages.filter((page) => chapterOf(page) === undefined),
    ),
    groups: chapters
      .map((chapter) => ({ chapter, held: pages.filter((page) => chapterOf(page) === chapter) }))
      .filter(({ held }) => held.length > 0)
      .map(({ chapter, held }) =>
        groupOf(
          chapter.heading,
          held.sort((one, other) => placeOf(one) - placeOf(other)),
        ),
      ),
  }
}

/** The files that a page links to, below each of its headings. */
const chaptersOf = (page: Page | undefined): { heading: string; files: string[] }[] =>
  (page?.read() ?? '').split(/^## /m).map((chapter) => ({
    heading: chapter.split('\n', 1)[0]?.trim() ?? '',
    files: [...chapter.matchAll(/\]\(([^)#\s]+\.md)/g)].map(([, target = '']) =>
      posix.join(posix.dirname(page?.file ?? ''), target),
    ),
  }))
