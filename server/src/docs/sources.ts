// Which files of the repository the documentation is made of, and the path of each: maps that a walk makes.
//
// What must stay true: a path that somebody asks for is only ever looked up in these maps; it never becomes part of a
// file's name. Nothing outside `docs` is in them but the pages named below, and no symbolic link.
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join, posix } from 'node:path'

export type Page = {
  /** Below /docs, without a slash in front; empty for the overview. */
  path: string
  /** In the repository: `docs/guides/sms.md`. Of a folder without a README, the folder. */
  file: string
  title: string
  read(): string
}

export type PlainFile = { type: string; read(): Buffer }

export type Sources = {
  pages: ReadonlyMap<string, Page>
  files: ReadonlyMap<string, PlainFile>
  /** The path of each file and folder of the repository that has one: what links lead to. */
  paths: ReadonlyMap<string, string>
}

const pagesOutside = [
  'README.md',
  'ARCHITECTURE.md',
  'SECURITY.md',
  'CONTRIBUTING.md',
  'CHANGELOG.md',
  'bench/README.md',
  'sdk/README.md',
  'sdk/examples/README.md',
  'sms-emulator/README.md',
]

const plainTypes: Readonly<Record<string, string>> = {
  '.png': 'image/png',
  '.json': 'application/json; charset=utf-8',
}

/** Where there is no folder `docs`, as in a server that was deployed alone, there is nothing. */
const findFiles = (root: string): string[] => {
  const isThere = (file: string) => statSync(join(root, file), { throwIfNoEntry: false }) !== undefined
  return isThere('docs') ? [...walk(root, 'docs'), ...pagesOutside.filter(isThere)] : []
}

/** Differs when a file has come, gone or changed. */
export const stampOf = (root: string): string =>
  findFiles(root)
    .map((file) => {
      const found = statSync(join(root, file), { throwIfNoEntry: false })
      return `${file}:${found?.mtimeMs}:${found?.size}`
    })
    .join()

export const findSources = (root: string): Sources => {
  const found = findFiles(root)
  const written = found.filter((file) => file.endsWith('.md')).map((file) => pageOf(root, file))
  const pages = [...written, ...folderPages(written)]
  const files = found.flatMap((file): [string, PlainFile][] => {
    const type = plainTypes[posix.extname(file)]
    if (type === undefined) return []
    return [[posix.relative('docs', file), { type, read: () => readFileSync(join(root, file)) }]]
  })
  return {
    pages: new Map(pages.map((page) => [page.path, page])),
    files: new Map(files),
    paths: new Map([
      ...files.map(([path]): [string, string] => [posix.join('docs', path), path]),
      ...pages.flatMap(({ file, path }): [string, string][] => [
        [file, path],
        // A link to a folder leads to its README.
        [file.replace(/\/README\.md$/, ''), path],
      ]),
    ]),
  }
}

const walk = (root: string, folder: string): string[] =>
  readdirSync(join(root, folder), { withFileTypes: true }).flatMap((entry) => {
    const file = `${folder}/${entry.name}`
    if (entry.isDirectory()) return walk(root, file)
    return entry.isFile() ? [file] : []
  })

const pageOf = (root: string, file: string): Page => {
  const read = () => readFileSync(join(root, file), 'utf8')
  const path = pathOf(file)
  return { path, file, title: /^# (.+)$/m.exec(read())?.[1]?.replaceAll('`', '') ?? path, read }
}

/** `docs/guides/sms.md` → `guides/sms`, `bench/README.md` → `bench`; but the repository's own is `README`. */
const pathOf = (file: string): string => {
  if (!file.includes('/')) return file.replace(/\.md$/, '')
  return file.replace(/(\/README)?\.md$/, '').replace(/^docs(\/|$)/, '')
}

/** What a link to a folder without a README shows: the titles of its pages. */
const folderPages = (pages: readonly Page[]): Page[] => {
  const inDocs = pages.filter(({ file }) => file.startsWith('docs/'))
  const folders = new Set(inDocs.flatMap(({ file }) => foldersOf(file)))
  const withPage = new Set(pages.map(({ path }) => path))
  return [...folders]
    .map((folder) => ({ folder, path: posix.relative('docs', folder) }))
    .filter(({ path }) => !withPage.has(path))
    .map(({ folder, path }) => {
      const name = posix.basename(folder)
      const title = `${name[0]?.toUpperCase()}${name.slice(1)}`
      const links = inDocs
        .filter(({ file }) => file.startsWith(`${folder}/`))
        .map((page) => `- [${page.title}](${posix.relative(folder, page.file)})`)
      return { path, file: folder, title, read: () => `# ${title}\n\n${links.join('\n')}\n` }
    })
}

const foldersOf = (file: string): string[] => {
  const folder = posix.dirname(file)
  return folder === '.' ? [] : [folder, ...foldersOf(folder)]
}
