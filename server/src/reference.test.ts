// The tables close themselves: every setting, limit and refusal stands on its generated page, as it is now.
import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { type ApiCode, apiCodes } from './api-codes.ts'
import { settings } from './config.ts'
import { limits } from './limits.ts'

const page = (name: string) =>
  readFileSync(new URL(`../../docs/reference/${name}`, import.meta.url), 'utf8').split('\n')

const lineOf = (lines: string[], start: string) => lines.find((line) => line.startsWith(start)) ?? ''

describe('the reference pages', () => {
  it.each(Object.entries(settings))(
    'tell the setting %s',
    (name, { about, allowed, requiredInProduction }) => {
      const line = lineOf(page('settings.md'), `| \`${name}\` |`)

      expect(line).toContain(about)
      expect(line).toContain(allowed ?? 'any text')
      expect(line.endsWith('| yes |')).toBe(requiredInProduction === true)
    },
  )

  it.each(Object.entries(limits))('tell the limit %s', (name, limit) => {
    const line = lineOf(page('limits.md'), `| \`${name}\` |`)

    expect(line).toContain(`| ${limit.about} | ${limit.count} |`)
    expect(line).toContain(`DIALTONE_${limit.setting}`)
  })

  it('list every method, and the phone first', () => {
    const lines = page('sdk/README.md')
    const listed = lines.flatMap((line) =>
      [...line.matchAll(/^\| \[.*?\]\((.*?)\)/g)].map(([, file]) => file),
    )

    expect(listed[0]).toBe('bindPhone.md')
    const files = readdirSync(new URL('../../docs/reference/sdk/', import.meta.url))
    expect([...listed, 'README.md'].sort()).toEqual(files.sort())
  })

  it.each(Object.entries<ApiCode>(apiCodes))('tell the refusal %s', (name, row) => {
    const lines = page('api-codes.md')
    const section = lines
      .slice(lines.indexOf(`## \`${name}\``))
      .slice(0, 9)
      .join('\n')

    expect(section).toContain(`- Meaning: ${row.meaning ?? row.en}`)
    expect(section).toContain(`- Cause: ${row.cause}`)
    expect(section).toMatch(/^- Remedy: .+\.$/m)
    expect(section).toContain(row.en)
    expect(section).toContain(row.zh)
    expect(section).toContain(
      `statusCode ${row.statusCode}, ${row.apiCode ? `apiCode ${row.apiCode}` : 'no apiCode'}`,
    )
  })
})
