// A page of docs/reference/sdk as a reader has it: sections of Markdown, tables and programs.
import { readdirSync, readFileSync } from 'node:fs'

const folder = new URL('../../../docs/reference/sdk/', import.meta.url)

/** The methods that have a page. */
export const pageNames = readdirSync(folder)
  .map((name) => name.replace(/\.md$/, ''))
  .filter((name) => name !== 'README')

export const sectionOf = (method: string, title: string): string => {
  const text = readFileSync(new URL(`${method}.md`, folder), 'utf8')
  const section = text.split(/^## /m).find((one) => one.startsWith(`${title}\n`))
  if (section === undefined) throw new Error(`${method}.md has no section ${title}`)
  return section.slice(title.length).trim()
}

/** The cells of each row of a section's table, without its head. */
export const tableOf = (section: string): string[][] =>
  section
    .split('\n')
    .filter((line) => line.startsWith('|'))
    .slice(2)
    .map((line) =>
      line
        .split(/(?<!\\)\|/)
        .slice(1, -1)
        .map((cell) => cell.trim()),
    )

export const fenced = (section: string): string => /```\w+\n(.*?)\n```/s.exec(section)?.[1] ?? ''

type Field = { path: string; isAlways: boolean }

/** The response table; undefined where the page has none. */
export const responseOf = (method: string): Field[] | undefined => {
  const rows = tableOf(sectionOf(method, 'Response'))
  if (rows.length === 0) return undefined
  return rows.map(([name = '', , there]) => ({
    path: name.replaceAll('`', ''),
    isAlways: there === 'always',
  }))
}

const partsBelow = (fields: readonly Field[], prefix: string) =>
  fields
    .filter(({ path }) => path.startsWith(prefix) && !/[.]/.test(path.slice(prefix.length)))
    .map(({ path, isAlways }) => ({ name: path.slice(prefix.length), isAlways }))

/**
 * What a reply and the response table do not agree in: fields that are always there and are missing, and, where the
 * table is the whole truth, fields that it does not have. An object that the table does not look into may hold anything.
 */
export const differences = (fields: readonly Field[], value: unknown, prefix = ''): string[] => {
  if (Array.isArray(value)) {
    const inner = `${prefix.slice(0, -1)}[].`
    return value.flatMap((entry) => differences(fields, entry, inner))
  }
  const parts = partsBelow(fields, prefix)
  if (typeof value !== 'object' || value === null || parts.length === 0) return []
  const given = Object.entries(value)
  const missing = parts
    .filter(({ name, isAlways }) => isAlways && !(name in value))
    .map(({ name }) => `${prefix}${name} is missing`)
  const unknown = given
    .filter(([name]) => parts.every((part) => part.name !== name))
    .map(([name]) => `${prefix}${name} is not on the page`)
  return [
    ...missing,
    ...unknown,
    ...given.flatMap(([name, inner]) => differences(fields, inner, `${prefix}${name}.`)),
  ]
}
