// The house's import rules are lint rules (biome.json and lint/): each must bite, and must spare what is right.
import { execFile } from 'node:child_process'
import { cp, mkdir, mkdtemp, realpath, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join as joinPath, relative, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { beforeAll, describe, expect, it } from 'vitest'

const root = fileURLToPath(new URL('../..', import.meta.url))

type Example = { file: string; code: string }
type Rule = { name: string; refuses: Example[]; allows: Example[] }

const uses = 'export const use = (...values: unknown[]): unknown[] => values\n'

const rules: Rule[] = [
  {
    name: 'layers',
    refuses: [
      { file: 'core/upward.ts', code: "export { bind } from '../phone/phone.ts'" },
      { file: 'core/to-app.ts', code: "export type { App } from '../app.ts'" },
      { file: 'phone/to-app.ts', code: "export { app } from '../app.ts'" },
      { file: 'phone/to-main-later.ts', code: "export const later = () => import('../main.ts')" },
      { file: 'sms/providers/to-app.ts', code: "export type App = import('../../app.ts').App" },
      { file: 'limits.ts', code: "export { bind } from './phone/phone.ts'" },
      { file: 'app.ts', code: "export { start } from './main.ts'" },
    ],
    allows: [
      { file: 'core/to-tables.ts', code: "export { limits } from '../limits.ts'" },
      { file: 'phone/to-core.ts', code: "export { clock } from '../core/clock.ts'" },
      { file: 'sms/providers/to-tables.ts', code: "export { limits } from '../../limits.ts'" },
      { file: 'main.ts', code: "export { app } from './app.ts'" },
    ],
  },
  {
    name: 'namesake',
    refuses: [
      { file: 'phone/to-store.ts', code: "export { issue } from '../passcodes/store.ts'" },
      { file: 'sms/providers/to-store.ts', code: "export { issue } from '../../passcodes/store.ts'" },
      { file: 'phone/store.test.ts', code: "export { issue } from '../passcodes/store.ts'" },
    ],
    allows: [
      { file: 'phone/to-namesake.ts', code: "export { issue } from '../passcodes/passcodes.ts'" },
      { file: 'passcodes/to-own-store.ts', code: "export { issue } from './store.ts'" },
    ],
  },
  {
    name: 'routes',
    refuses: [
      { file: 'phone/to-routes.ts', code: "export { routes } from './routes.ts'" },
      { file: 'sms/to-routes.ts', code: "export { routes } from '../phone/routes.ts'" },
    ],
    allows: [{ file: 'app.ts', code: "export { routes } from './phone/routes.ts'" }],
  },
  {
    name: 'sql',
    refuses: [
      {
        file: 'phone/writes-sql.ts',
        code: "import { type Sql, sql } from '../core/database.ts'\nexport const one: Sql = sql`select 1`",
      },
      { file: 'phone/takes-tag.ts', code: "export { empty } from 'sql-template-tag'" },
      { file: 'phone/takes-driver.ts', code: "export { Pool } from 'pg'" },
    ],
    allows: [
      { file: 'phone/names-type.ts', code: "export type { Sql } from '../core/database.ts'" },
      {
        file: 'phone/store.ts',
        code: "import { sql } from '../core/database.ts'\nexport const one = sql`select 1`",
      },
      { file: 'core/writes-sql.ts', code: "export { empty } from 'sql-template-tag'" },
    ],
  },
  {
    name: 'time-and-chance',
    refuses: [
      { file: 'phone/reads-clock.ts', code: 'export const now = Date.now()' },
      { file: 'phone/makes-date.ts', code: 'export const now = new Date()' },
      { file: 'phone/throws-dice.ts', code: 'export const chance = Math.random()' },
      { file: 'phone/makes-id.ts', code: 'export const id = crypto.randomUUID()' },
    ],
    allows: [
      { file: 'phone/parses-date.ts', code: 'export const then = new Date(0)' },
      { file: 'core/clock.ts', code: 'export const now = () => new Date()' },
    ],
  },
  {
    name: 'noRestrictedImports',
    refuses: [
      {
        file: 'phone/takes-random.ts',
        code: `import { randomInt } from 'node:crypto'\n${uses}use(randomInt)`,
      },
      { file: 'phone/takes-uuid.ts', code: `import { v7 } from 'uuid'\n${uses}use(v7)` },
      { file: 'phone/takes-process.ts', code: `import { env } from 'node:process'\n${uses}use(env)` },
    ],
    allows: [
      {
        file: 'phone/takes-hash.ts',
        code: `import { createHash } from 'node:crypto'\n${uses}use(createHash)`,
      },
      { file: 'core/random.ts', code: `import { randomInt } from 'node:crypto'\n${uses}use(randomInt)` },
    ],
  },
  {
    name: 'noProcessEnv',
    refuses: [{ file: 'phone/reads-setting.ts', code: 'export const port = process.env' }],
    allows: [{ file: 'config.ts', code: 'export const environment = process.env' }],
  },
  {
    name: 'noDefaultExport',
    refuses: [{ file: 'phone/default.ts', code: 'export default 1' }],
    allows: [{ file: '../vitest.config.ts', code: 'export default {}' }],
  },
  {
    name: 'noBarrelFile',
    refuses: [{ file: 'phone/index.ts', code: "export { bind } from './phone.ts'" }],
    allows: [{ file: 'phone/phone.ts', code: "export { bind } from './store.ts'" }],
  },
  {
    name: 'noReExportAll',
    refuses: [{ file: 'phone/everything.ts', code: "export * from './store.ts'" }],
    allows: [],
  },
  {
    name: 'noImportCycles',
    refuses: [
      { file: 'users/egg.ts', code: `import { hen } from './hen.ts'\n${uses}export const egg = () => hen` },
      { file: 'users/hen.ts', code: `import { egg } from './egg.ts'\n${uses}export const hen = () => egg` },
    ],
    allows: [],
  },
  {
    name: 'noExplicitAny',
    refuses: [{ file: 'phone/any.ts', code: 'export type Anything = any' }],
    allows: [{ file: 'phone/unknown.ts', code: 'export type Anything = unknown' }],
  },
  {
    name: 'noEnum',
    refuses: [{ file: 'phone/enum.ts', code: 'export enum Medium { Sms }' }],
    allows: [{ file: 'phone/union.ts', code: "export type Medium = 'sms'" }],
  },
  {
    name: 'noConsole',
    refuses: [{ file: 'phone/prints.ts', code: "console.log('bound')" }],
    allows: [{ file: '../../scripts/prints.mjs', code: "console.log('built')" }],
  },
]

type Report = { diagnostics: { category: string; message: string; location: { path: string } }[] }

/** Lints a tree of these files; which rules (a plugin by the first word of its message) each file breaks. */
const lint = async (examples: readonly Example[]): Promise<Map<string, Set<string>>> => {
  const dir = await mkdtemp(joinPath(await realpath(tmpdir()), 'dialtone-lint-'))
  try {
    await cp(joinPath(root, 'biome.json'), joinPath(dir, 'biome.json'))
    await cp(joinPath(root, 'lint'), joinPath(dir, 'lint'), { recursive: true })
    for (const { file, code } of examples) {
      const path = joinPath(dir, 'server/src', file)
      await mkdir(dirname(path), { recursive: true })
      await writeFile(path, `${code}\n`)
    }
    const options = ['lint', '--vcs-enabled=false', '--reporter=json', '--max-diagnostics=none', dir]
    const { stdout } = await promisify(execFile)(joinPath(root, 'node_modules/.bin/biome'), options, {
      cwd: dir,
    }).catch((error: { stdout: string }) => error)
    const broken = new Map<string, Set<string>>()
    for (const { category, message, location } of (JSON.parse(stdout) as Report).diagnostics) {
      const file = relative(joinPath(dir, 'server/src'), resolve(dir, location.path))
      const rule = category === 'plugin' ? message.split(':')[0] : category.split('/').at(-1)
      broken.set(file, (broken.get(file) ?? new Set()).add(rule ?? ''))
    }
    return broken
  } finally {
    await rm(dir, { recursive: true })
  }
}

describe('the lint rules of the house', () => {
  let refused: Map<string, Set<string>>
  let allowed: Map<string, Set<string>>

  beforeAll(async () => {
    refused = await lint(rules.flatMap((rule) => rule.refuses))
    allowed = await lint(rules.flatMap((rule) => rule.allows))
  })

  for (const { name, refuses, allows } of rules) {
    for (const { file } of refuses) {
      it(`${name} refuses ${file}`, () => expect([...(refused.get(file) ?? [])]).toContain(name))
    }
    for (const { file } of allows) {
      it(`${name} allows ${file}`, () => expect([...(allowed.get(file) ?? [])]).not.toContain(name))
    }
  }
})
