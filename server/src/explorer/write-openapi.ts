// A program: writes the OpenAPI document to server/openapi.json; with --check it only compares, and fails if the two
// differ. The application is built as the server builds it, without a database: describing routes asks nothing of one.
import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
// biome-ignore lint/plugin: a program of its own, as main.ts is
import { createApp } from '../app.ts'
import { readConfig } from '../config.ts'
import { systemClock } from '../core/clock.ts'
import { createKeyring, randomToken } from '../core/crypto.ts'
import type { Database } from '../core/database.ts'
import { createLog } from '../core/log.ts'
import { Secret } from '../core/secret.ts'

const file = fileURLToPath(new URL('../../openapi.json', import.meta.url))

const refuse = () => Promise.reject(new Error('the document is made without a database'))
const noDatabase: Database = {
  engine: 'pglite',
  query: refuse,
  script: refuse,
  transaction: refuse,
  close: async () => {},
}

const makeDocument = async (): Promise<unknown> => {
  const app = await createApp({
    config: readConfig({}),
    db: noDatabase,
    keyring: createKeyring([new Secret(randomToken())]),
    clock: systemClock,
    log: createLog('silent'),
  })
  const document = app.http.swagger()
  await app.http.close()
  return JSON.parse(JSON.stringify(document))
}

/** The places where two documents differ, each with its path in the form of RFC 6901. */
const differences = (written: unknown, made: unknown, path = ''): string[] => {
  if (JSON.stringify(written) === JSON.stringify(made)) return []
  if (written === undefined) return [`${path} is missing from the file`]
  if (made === undefined) return [`${path} is in the file, and no route has it`]
  if (!isObject(written) || !isObject(made)) {
    return [`${path} is ${JSON.stringify(written)} in the file, and now ${JSON.stringify(made)}`]
  }
  const names = [...new Set([...Object.keys(written), ...Object.keys(made)])]
  const inner = names.flatMap((name) =>
    differences(written[name], made[name], `${path}/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`),
  )
  return inner.length > 0 ? inner : [`${path} has its fields in another order`]
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null

const readWritten = (): unknown => {
  try {
    return JSON.parse(readFileSync(file, 'utf8'))
  } catch {
    return {}
  }
}

const made = await makeDocument()
if (process.argv.includes('--check')) {
  const found = differences(readWritten(), made)
  const more = found.length > 20 ? [`and ${found.length - 20} more`] : []
  if (found.length > 0) {
    const list = [...found.slice(0, 20), ...more].map((line) => `  ${line}\n`).join('')
    process.stderr.write(`server/openapi.json is out of date: \`npm run openapi\` writes it again.\n${list}`)
    process.exitCode = 1
  }
} else {
  writeFileSync(file, `${JSON.stringify(made, null, 2)}\n`)
}
